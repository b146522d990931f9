"""Connections to networks and mail: where they go, and their secrets, which can be set and removed but never read.

A secret that is set here is a file below `secrets/` of the workspace; the settings name the file. An environment
variable wins over it. A connection that is led elsewhere loses the secret that it had: otherwise whoever may change the
address could have the secret sent to an address of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from screening.errors import InputError
from screening.jobs.private import secrets_folder
from screening.jobs.settings_change import Edit, SettingsDesk, fixed_by, values_of, version_of
from screening.notices.mail import PASSWORD_VARIABLE
from screening.settings import Loaded, Settings
from screening.workspace import SECRETS, Workspace

SECRET_LETTERS_MAX = 1024


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of connection: the keys that can be changed, those that say where it leads, and where its secret is."""

    name: str
    title: str
    keys: tuple[str, ...]
    leads: tuple[str, ...]
    file_key: str
    file_name: str


KINDS: Mapping[str, Kind] = {
    "everflow": Kind(
        name="everflow",
        title="Everflow",
        keys=("networks.everflow.pull", "networks.push.to", "networks.everflow.url"),
        leads=("networks.everflow.url",),
        file_key="networks.everflow.key_file",
        file_name="everflow.key",
    ),
    "mail": Kind(
        name="mail",
        title="Mail",
        keys=(
            "notices.transport",
            "notices.from_address",
            "notices.smtp.host",
            "notices.smtp.port",
            "notices.smtp.security",
            "notices.smtp.user",
        ),
        leads=("notices.smtp.host", "notices.smtp.port", "notices.smtp.security"),
        file_key="notices.smtp.password_file",
        file_name="smtp.password",
    ),
}


@dataclass(frozen=True, slots=True)
class Secret:
    """Where the secret of a connection comes from: a variable or a file; `set_at`: when the file was written.

    `source` is empty, and `set_at` None, when there is no secret; `set_at` is None too for a variable.
    """

    source: str
    is_variable: bool
    set_at: datetime | None

    @property
    def is_set(self) -> bool:
        """Whether there is a secret."""
        return bool(self.source)


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection as it is now. `fixed` are keys that a variable sets, with its name."""

    kind: Kind
    values: Mapping[str, Any]
    used: bool
    secret: Secret
    version: str
    fixed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants of a connection: its values, a new secret (empty: none is given), or no secret any more."""

    values: Mapping[str, Any]
    seen: str
    secret: str = ""
    remove: bool = False


def connections(workspace: Workspace, environment: Mapping[str, str]) -> tuple[Connection, ...]:
    """Return the connections that the settings know."""
    return tuple(connection_of(kind, workspace.loaded, workspace.root, environment) for kind in KINDS.values())


def connection_of(kind: Kind, loaded: Loaded, root: Path, environment: Mapping[str, str]) -> Connection:
    """Return a connection as it is now."""
    values = values_of(loaded, kind.keys)
    secret = _secret(kind, loaded, root, environment)
    seen = {**values, "secret": [secret.source, secret.set_at]}
    return Connection(
        kind, values, _is_used(kind, loaded.settings), secret, version_of(seen), fixed_by(loaded, kind.keys)
    )


def change_connection(desk: SettingsDesk, name: str, wanted: Wanted) -> tuple[str, ...]:
    """Change a connection; return what was changed: dotted keys, and `secret`.

    Raises InputError when a value or the secret cannot be, when the address changes while a variable holds the secret,
    and ConflictError when somebody changed the connection meanwhile.
    """
    kind = KINDS[name]
    changed = desk.decide_and_change(lambda loaded: _edit_of(desk, kind, wanted, loaded))
    return tuple(key for key in changed if key != kind.file_key)


def _edit_of(desk: SettingsDesk, kind: Kind, wanted: Wanted, loaded: Loaded) -> Edit:
    now_there = connection_of(kind, loaded, desk.root, desk.environment)
    moved = any(wanted.values[key] != now_there.values[key] for key in kind.leads)
    if moved and now_there.secret.is_variable:
        # also when a secret is given with the address: the one of the variable wins over it and would be sent there
        raise InputError(
            f"The secret is in the variable {now_there.secret.source} and would go to the new address.",
            remedy="Change the address where the variable is set, or remove the variable first.",
            where=kind.leads[0],
        )
    fate = _fate(now_there.secret, wanted, moved=moved)
    file = secrets_folder(desk.root) / kind.file_name
    values, secrets = dict(wanted.values), dict[Path, str | None]()
    if fate == "set":
        values[kind.file_key], secrets[file] = f"{SECRETS}/{kind.file_name}", _checked(wanted.secret)
    elif fate == "removed":
        values[kind.file_key], secrets[file] = "", None
    # the version that the form holds covers the secret too
    seen = version_of(values_of(loaded, tuple(values))) if wanted.seen == now_there.version else "changed"
    return Edit(f"connection {kind.title}", values, seen, secrets, {"secret": fate} if fate else {})


def _fate(secret: Secret, wanted: Wanted, *, moved: bool) -> str:
    """Return what becomes of the secret: `set`, `removed`, or empty: it stays."""
    if wanted.secret:
        return "set"
    in_file = secret.is_set and not secret.is_variable
    return "removed" if in_file and (moved or wanted.remove) else ""


def _secret(kind: Kind, loaded: Loaded, root: Path, environment: Mapping[str, str]) -> Secret:
    variable = PASSWORD_VARIABLE if kind.name == "mail" else loaded.settings.networks.everflow.key_variable
    if environment.get(variable):
        return Secret(variable, is_variable=True, set_at=None)
    named = str(values_of(loaded, (kind.file_key,))[kind.file_key])
    try:
        written = datetime.fromtimestamp((root / named).stat().st_mtime, UTC) if named else None
    except OSError:
        written = None
    return Secret(named if written else "", is_variable=False, set_at=written)


def _is_used(kind: Kind, settings: Settings) -> bool:
    if kind.name == "mail":
        return settings.notices.transport == "smtp"
    return settings.networks.everflow.pull or settings.networks.push.to == "everflow"


def _checked(secret: str) -> str:
    stripped = secret.strip()
    if not 0 < len(stripped) <= SECRET_LETTERS_MAX or not stripped.isascii() or not stripped.isprintable():
        raise InputError(
            "This cannot be a secret.", remedy=f"Give 1 to {SECRET_LETTERS_MAX} plain letters.", where="secret"
        )
    return stripped
