"""The job `users`: who may use the console, with which role. Every change is in the audit trail and ends sessions."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyotp

from screening.errors import ConflictError, InputError, NotFoundError
from screening.jobs.passwords import check_password, hash_password
from screening.jobs.vault import Vault, totp_purpose
from screening.review.permissions import Role
from screening.settings.console import LoginSettings
from screening.store import AuditEvent, Store, User

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
ISSUER = "winnow"
"""What an authenticator shows beside the person's name."""
_GIVEN_GROUPS = 4
_GIVEN_LETTERS = 5
_PLAIN = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters of a given password: none that is taken for another. 20 of these 31 are 99 bits."""


@dataclass(frozen=True, slots=True)
class Given:
    """A person and the password that they were given: to be told once, changed at the first sign-in."""

    user: User
    password: str


@dataclass(frozen=True, slots=True)
class People:
    """Changes people on behalf of somebody. `actor` is who does it: a person, or the command line's account.

    `seen` is the version (`version_of`) of the person that the actor saw; None: whatever they are by now. Changes raise
    ConflictError when it is another.
    """

    store: Store
    settings: LoginSettings
    actor: str
    now: datetime
    vault: Vault
    seen: str | None = None

    def add(self, name: str, role: str, password: str) -> User:
        """Add a person. Raises InputError for a name, role or password that cannot be used, or a name taken."""
        name = _named(name)
        check_password(password, name, self.settings.password_letters_min)
        return self._added(User(name, _role(role), hash_password(password), active=True, created_at=self.now))

    def invite(self, name: str, role: str) -> Given:
        """Add a person with a password that is made here and must be changed at the first sign-in. Raises as `add`."""
        password = _new_password()
        user = User(_named(name), _role(role), hash_password(password), active=True, created_at=self.now)
        return Given(self._added(replace(user, password_until=self._until())), password)

    def _added(self, user: User) -> User:
        with self.store.together() as records:
            records.users.add(user)
            records.audit.append(AuditEvent(self.now, self.actor, "add user", f"user {user.name}", {"role": user.role}))
        return user

    def set_role(self, name: str, role: str) -> User:
        """Give a person another role, which holds at once. Raises InputError for the last active admin."""
        role = _role(role)
        return self._change(name, "set role", {"role": role}, lambda user: replace(user, role=role))

    def disable(self, name: str) -> User:
        """Keep a person out and end their sessions. Raises InputError for the last active admin."""
        return self._change(name, "disable user", {}, lambda user: replace(user, active=False))

    def enable(self, name: str) -> User:
        """Let a disabled person in again."""
        return self._change(name, "enable user", {}, lambda user: replace(user, active=True))

    def set_password(self, name: str, password: str) -> User:
        """Give a person another password and end their sessions."""
        check_password(password, _named(name), self.settings.password_letters_min)
        hashed = hash_password(password)
        own = {"password_hash": hashed, "password_until": None}
        return self._change(name, "set password", {}, lambda user: replace(user, **own))  # type: ignore[arg-type]

    def give_password(self, name: str) -> Given:
        """Give somebody else a password that is made here, ends soon, and must be changed at the next sign-in.

        Raises InputError for the actor themselves: their own is changed with the old one.
        """
        self._demand_other(name)
        password, until = _new_password(), self._until()
        hashed = hash_password(password)
        details = {"until": until.isoformat(timespec="seconds")}
        user = self._change(
            name, "give password", details, lambda user: replace(user, password_hash=hashed, password_until=until)
        )
        return Given(user, password)

    def enrol(self, name: str, secret: str | None) -> User:
        """Ask a person for one-time codes of this secret from now on, or no longer (None).

        Who calls this on behalf of the person themselves has asked for their password before.
        """
        action = "set second factor" if secret else "remove second factor"
        sealed = self.vault.seal(secret, totp_purpose(_named(name))) if secret else None
        return self._change(name, action, {}, lambda user: replace(user, totp_secret=sealed, totp_step=None))

    def remove_codes(self, name: str) -> User:
        """Ask somebody else for one-time codes no longer. Raises InputError for the actor themselves."""
        self._demand_other(name)
        return self.enrol(name, None)

    def _demand_other(self, name: str) -> None:
        # whoever finds a signed-in browser could otherwise take the account over without its password
        if _named(name) == self.actor:
            raise InputError(
                "Your own password and one-time codes are changed under Account.",
                remedy="Change them there, with your password.",
                where="users",
            )

    def _until(self) -> datetime:
        return self.now + timedelta(hours=self.settings.given_password_hours)

    def _change(self, name: str, action: str, details: dict[str, str], change: Callable[[User], User]) -> User:
        with self.store.together() as records:
            user = records.users.one(_named(name))
            if user is None:
                raise NotFoundError(
                    f"There is no user {name!r}.", remedy="`winnow users list` lists them.", where="users"
                )
            if self.seen not in (None, version_of(user)):
                raise ConflictError(
                    f"Somebody changed {user.name} meanwhile.", remedy="Look again, then decide.", where="users"
                )
            changed = change(user)
            if _is_admin(user) and not _is_admin(changed) and sum(map(_is_admin, records.users.all())) == 1:
                raise InputError(
                    f"{name} is the last admin.", remedy="Make somebody else an admin first.", where="users"
                )
            records.users.change(changed)
            records.sessions.close_all(changed.name)
            records.audit.append(AuditEvent(self.now, self.actor, action, f"user {changed.name}", details))
        return changed


def version_of(user: User) -> str:
    """Return what changes whenever a person does, for those who look before they change."""
    seen = (user.role, user.active, user.totp_secret, user.password_hash, user.password_until)
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def new_secret() -> str:
    """Return a random secret for one-time codes, in base 32."""
    return pyotp.random_base32()


def enrolment_uri(name: str, secret: str) -> str:
    """Return what an authenticator reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def _new_password() -> str:
    groups = ("".join(secrets.choice(_PLAIN) for _ in range(_GIVEN_LETTERS)) for _ in range(_GIVEN_GROUPS))
    return "-".join(groups)


def _is_admin(user: User) -> bool:
    return user.active and user.role == Role.ADMIN


def _named(name: str) -> str:
    folded = name.strip().casefold()
    if not _NAME.fullmatch(folded):
        raise InputError(
            f"{name[:80]!r} is not a user name.",
            remedy="Use 1 to 64 letters a-z, digits and . _ @ + -, such as ann or ann@example.com.",
            where="name",
        )
    return folded


def _role(role: str) -> str:
    if role not in set(Role):
        raise InputError(f"There is no role {role[:80]!r}.", remedy=f"Use one of {', '.join(Role)}.", where="role")
    return role
