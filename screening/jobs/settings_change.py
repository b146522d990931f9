"""Changes settings on behalf of somebody: checked whole before anything counts, in the audit trail, and never over
what another person changed meanwhile.

Values go into the workspace's config.yaml, those of the policy into the file that `policy.file` names. Secrets go into
files of their own that only their owner reads, below `secrets/`: neither the database nor a settings file holds them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from screening.applicants.policy import Policy, checked_policy, programme_policy, read_policy
from screening.errors import ConflictError, InputError, SettingsError
from screening.jobs.private import replace_private
from screening.jobs.settings_file import KeyPath, draft_of, put_back_on_failure, with_values
from screening.settings import Loaded, load_settings
from screening.store import AuditEvent, Store
from screening.traffic.lakelock import holding_lock
from screening.workspace import CONFIG

POLICY = "policy"
_LOCK = "settings"
_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody wants changed: values by dotted key, files of secrets (content None: removed), and for what.

    `seen` is the version of the values that they saw. `said` is told in the audit trail beside the values.
    """

    subject: str
    values: Mapping[str, Any]
    seen: str
    secrets: Mapping[Path, str | None] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SettingsDesk:
    """Changes the settings of the workspace at `root`; `environment` are the variables that it was opened with."""

    root: Path
    environment: Mapping[str, str]
    store: Store
    actor: str
    now: datetime

    def loaded(self) -> Loaded:
        """Return the settings that stand there now. Raises SettingsError when they cannot be used."""
        return load_settings(self.root / CONFIG, self.environment)

    def change(self, edit: Edit) -> tuple[str, ...]:
        """Change values, and return the keys of those that are others now; those that are as wanted stay as they are.

        Raises ConflictError when somebody changed one of them meanwhile, InputError when a value cannot be, or stands
        where it cannot be changed from here.
        """
        return self.decide_and_change(lambda _: edit)

    def decide_and_change(self, decide: Callable[[Loaded], Edit]) -> tuple[str, ...]:
        """Change what `decide` makes of the settings, of which nobody changes any between its look and the change.

        Returns the changed keys and those of what the edit has to say beside them. Raises as `change`, and whatever
        `decide` raises.
        """
        with self._alone():
            before = self.loaded()
            return self._changed(before, decide(before))

    def change_policy(self, clauses: Mapping[str, Any], seen: str) -> tuple[str, ...]:
        """Change the programme's policy where it stands, and return the clauses that are others now.

        `clauses` has every key of Policy. What is stored is what winnow reads: codes of countries, folded names. Raises
        as `change`.
        """
        wanted = _clauses(checked_policy(dict(clauses), where=POLICY))
        with self._alone():
            before = self.loaded()
            section = before.settings.policy
            held = _clauses(programme_policy(section, self.root))
            _demand_seen(version_of(held), Edit(POLICY, {}, seen))
            changes = {name: entries for name, entries in wanted.items() if entries != held[name]}
            if section.file and changes:
                self._change_policy_file((self.root / section.file).resolve(), held, changes)
            elif changes:
                values = {f"{POLICY}.{name}": entries for name, entries in changes.items()}
                self._changed(before, Edit(POLICY, values, version_of(values_of(before, tuple(values)))))
        return tuple(changes)

    def _changed(self, before: Loaded, edit: Edit) -> tuple[str, ...]:
        held = values_of(before, tuple(edit.values))
        _demand_seen(version_of(held), edit)
        changed = {key: value for key, value in edit.values.items() if _plain(value) != held[key]}
        _demand_editable(before, changed)
        if not changed and not edit.secrets:
            return ()
        path = (self.root / CONFIG).resolve()
        text = with_values(_text(path), {_path(key): value for key, value in changed.items()}, str(path))
        with draft_of(path, text) as draft:
            self._demand_only(before, draft, changed)
            said = {key: {"before": held[key], "after": _plain(value)} for key, value in changed.items()}
            self._place(edit, path, draft, {**said, **edit.said})
        return (*changed, *edit.said)

    def _change_policy_file(self, path: Path, held: Mapping[str, Any], changes: Mapping[str, list[str]]) -> None:
        with draft_of(path, _policy_text(path, changes)) as draft:
            if _clauses(read_policy(draft)) != {**held, **changes}:
                raise _otherwise(path)
            said = {name: {"before": held[name], "after": entries} for name, entries in changes.items()}
            self._place(Edit(POLICY, {}, ""), path, draft, {"file": str(path), **said})

    def _demand_only(self, before: Loaded, draft: Path, changed: Mapping[str, Any]) -> None:
        """Raise InputError unless the draft is what was there with just these values changed."""
        try:
            after = load_settings(draft, self.environment)
        except SettingsError as error:
            raise InputError(error.cause, remedy=error.remedy, where=next(iter(changed), None)) from error
        wanted = before.settings.model_dump(mode="json")
        for key, value in changed.items():
            *above, leaf = _path(key)
            place = wanted
            for part in above:
                place = place[part]
            place[leaf] = _plain(value)
        if after.settings.model_dump(mode="json") != wanted:
            raise _otherwise(self.root / CONFIG)

    def _place(self, edit: Edit, path: Path, draft: Path, said: Mapping[str, Any]) -> None:
        """Put the draft and the secrets into their places, with a trace, or leave everything as it was."""
        event = AuditEvent(self.now, self.actor, "change settings", edit.subject, said)
        with put_back_on_failure((path, *edit.secrets)), self.store.together() as records:
            records.audit.append(event)
            for file, content in edit.secrets.items():
                if content is None:
                    file.unlink(missing_ok=True)
                else:
                    replace_private(file, content)
            draft.replace(path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with holding_lock(
            self.root / "locks" / _LOCK,
            command="change settings",
            now=self.now,
            wait_seconds=_WAIT_SECONDS,
            waiting=lambda _: None,
            what="Settings are being changed",
        ):
            yield


def values_of(loaded: Loaded, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the values of dotted keys as JSON would say them."""
    tree = loaded.settings.model_dump(mode="json")
    return {key: _at(tree, key) for key in keys}


def version_of(values: Mapping[str, Any]) -> str:
    """Return what changes whenever one of the values does, for those who look before they change."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def version_of_policy(policy: Policy) -> str:
    """Return the version that `SettingsDesk.change_policy` asks for."""
    return version_of(_clauses(policy))


def fixed_by(loaded: Loaded, keys: tuple[str, ...]) -> dict[str, str]:
    """Return the keys that an environment variable sets, with its name: nothing that is edited here changes those."""
    sources = {key: loaded.sources_of(key) for key in keys}
    return {key: found[0].name for key, found in sources.items() if found and found[0].line is None}


def _clauses(policy: Policy) -> dict[str, list[str]]:
    return {name: list(entries) for name, entries in policy.model_dump().items()}


def _policy_text(path: Path, changes: Mapping[str, list[str]]) -> str:
    if path.suffix.casefold() != ".json":
        return with_values(_text(path), {(name,): entries for name, entries in changes.items()}, str(path))
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise _otherwise(path) from error
    return json.dumps({**values, **changes}, indent=2, ensure_ascii=False) + "\n"


def _demand_seen(version: str, edit: Edit) -> None:
    if edit.seen != version:
        raise ConflictError(
            f"Somebody changed the {edit.subject} meanwhile.", remedy="Look at it again, then change it."
        )


def _demand_editable(loaded: Loaded, changed: Mapping[str, Any]) -> None:
    for key, variable in fixed_by(loaded, tuple(changed)).items():
        raise InputError(f"The setting {key} is set by the variable {variable}.", remedy="Change it there.", where=key)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""


def _path(key: str) -> KeyPath:
    return tuple(key.split("."))


def _plain(value: Any) -> Any:  # noqa: ANN401 - a settings value of any type
    return list(value) if isinstance(value, tuple) else value


def _at(tree: Any, key: str) -> Any:  # noqa: ANN401 - as JSON says it
    for part in key.split("."):
        tree = tree[part]
    return tree


def _otherwise(path: Path) -> InputError:
    cause = "The file is written in a way that cannot be edited from here."
    return InputError(cause, remedy="Edit it by hand.", where=str(path))
