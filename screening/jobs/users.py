"""The job `users`: who may use the console, with which role. Every change is in the audit trail and ends sessions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import pyotp

from screening.errors import InputError, NotFoundError
from screening.jobs.passwords import check_password, hash_password
from screening.review.permissions import Role
from screening.settings.console import LoginSettings
from screening.store import AuditEvent, Store, User

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
ISSUER = "winnow"
"""What an authenticator shows beside the person's name."""


@dataclass(frozen=True, slots=True)
class People:
    """Changes people on behalf of somebody. `actor` is who does it: a person, or the command line's account."""

    store: Store
    settings: LoginSettings
    actor: str
    now: datetime

    def add(self, name: str, role: str, password: str) -> User:
        """Add a person. Raises InputError for a name, role or password that cannot be used, or a name taken."""
        name = _named(name)
        check_password(password, name, self.settings.password_letters_min)
        user = User(name, _role(role), hash_password(password), active=True, created_at=self.now)
        with self.store.together() as records:
            records.users.add(user)
            records.audit.append(AuditEvent(self.now, self.actor, "add user", f"user {name}", {"role": user.role}))
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
        return self._change(name, "set password", {}, lambda user: replace(user, password_hash=hashed))

    def enrol(self, name: str, secret: str | None) -> User:
        """Ask a person for one-time codes of this secret from now on, or no longer (None)."""
        action = "set second factor" if secret else "remove second factor"
        return self._change(name, action, {}, lambda user: replace(user, totp_secret=secret, totp_step=None))

    def _change(self, name: str, action: str, details: dict[str, str], change: Callable[[User], User]) -> User:
        with self.store.together() as records:
            user = records.users.one(_named(name))
            if user is None:
                raise NotFoundError(
                    f"There is no user {name!r}.", remedy="`winnow users list` lists them.", where="users"
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


def new_secret() -> str:
    """Return a random secret for one-time codes, in base 32."""
    return pyotp.random_base32()


def enrolment_uri(name: str, secret: str) -> str:
    """Return what an authenticator reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


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
