"""The job of signing in: check name, password and one-time code, slow down guessing, open a session.

Guessing is counted in three kinds of buckets: by address; by account, for browsers that never signed in to it; and by
account and browser, for those that did. A stranger who guesses at an account fills only the bucket of the strangers:
its owner still gets in with a browser that is known. A bucket that is full refuses even the right password until the
window has passed, and refuses before anything is computed. Whether a name exists shows neither in words nor in time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from math import ceil

import pyotp

from screening.errors import DeniedError
from screening.jobs.passwords import hash_password, matches, outdated
from screening.jobs.vault import Vault, totp_purpose
from screening.settings.console import LoginSettings
from screening.store import AuditEvent, Session, Store, User

TOKEN_BYTES = 32
"""Random bytes of a token: 256 bits."""
CODE_SECONDS = 30
"""Seconds for which a one-time code holds (RFC 6238, 5.2)."""
_CLOCK_STEPS = (-1, 0, 1)
"""Codes of the step before and after are taken, for clocks that differ and for slow typing."""
_AGENT_LETTERS = 200


class ThrottledError(DeniedError):
    """Too many logins failed; `seconds` until the next is looked at."""

    http_status = HTTPStatus.TOO_MANY_REQUESTS
    retry = True

    def __init__(self, seconds: int) -> None:
        minutes = ceil(seconds / 60)
        super().__init__(
            "Too many logins failed.", remedy=f"Wait {minutes} min, or sign in with a browser you used before."
        )
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, and from where. `device`: token of the browser, None: never signed in."""

    name: str
    password: str
    code: str
    address: str
    agent: str
    device: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: the tokens that only the browser keeps."""

    user: User
    token: str
    device: str
    expires_at: datetime


def sign_in(store: Store, settings: LoginSettings, attempt: Attempt, now: datetime, vault: Vault) -> SignedIn:
    """Open a session for the right name, password and code.

    Raises ThrottledError when too many failed before, DeniedError when something is wrong, without saying what, and
    what Vault.unseal raises for a person whose codes cannot be checked: nobody gets in without theirs.
    """
    name = attempt.name.strip().casefold()
    known = attempt.device is not None and store.sessions.knows_device(attempt.device, name)
    buckets = _buckets(settings, attempt, name, known=known)
    _refuse_full(store, buckets, now, settings)
    user = store.users.one(name)
    right = matches(attempt.password, user.password_hash if user else None)
    step = _step_of(user, attempt.code, now, vault) if user and right else None
    over = user is not None and user.password_until is not None and user.password_until <= now
    if user is None or not right or over or not user.active or (user.totp_secret and step is None):
        _record_failure(store, tuple(buckets), attempt, name, now)
        raise _not_right()
    return _open(store, settings, attempt, _kept(store, user, attempt.password, step), now)


def confirm_password(store: Store, settings: LoginSettings, name: str, password: str, now: datetime) -> None:
    """Let somebody who is signed in go on if this is their password, before they change how they sign in.

    Raises ThrottledError when too many were wrong before, DeniedError when this one is.
    """
    bucket = f"account {name} confirm"
    _refuse_full(store, {bucket: settings.failures_per_device}, now, settings)
    user = store.users.one(name)
    if not matches(password, user.password_hash if user else None):
        store.sessions.fail((bucket,), now)
        raise DeniedError("This is not your password.", remedy="Try again.", where="password")


def is_code_of(secret: str, code: str, now: datetime) -> bool:
    """Say whether a one-time code belongs to a secret now."""
    here, typed = int(now.timestamp()) // CODE_SECONDS, code.replace(" ", "")
    return typed.isascii() and any(_same(secret, here + step, typed) for step in _CLOCK_STEPS)


def token() -> str:
    """Return a new random token."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def _buckets(settings: LoginSettings, attempt: Attempt, name: str, *, known: bool) -> dict[str, int]:
    account = f"account {name}"
    if known and attempt.device:
        return {f"{account} device {attempt.device[:16]}": settings.failures_per_device}
    return {
        f"{account} strangers": settings.failures_per_account,
        f"address {attempt.address}": settings.failures_per_address,
    }


def _refuse_full(store: Store, buckets: dict[str, int], now: datetime, settings: LoginSettings) -> None:
    window = timedelta(minutes=settings.window_minutes)
    for bucket, most in buckets.items():
        count, first = store.sessions.failures(bucket, now - window)
        if count >= most and first is not None:
            raise ThrottledError(max(1, ceil((first + window - now).total_seconds())))


def _step_of(user: User, code: str, now: datetime, vault: Vault) -> int | None:
    """Return the time step of a right code that was not used yet, None when there is none."""
    if not user.totp_secret or not code.strip().isascii():
        return None
    typed, secret = code.replace(" ", ""), vault.unseal(user.totp_secret, totp_purpose(user.name))
    here = int(now.timestamp()) // CODE_SECONDS
    right = [here + step for step in _CLOCK_STEPS if _same(secret, here + step, typed)]
    return next((step for step in right if step > (user.totp_step or 0)), None)


def _same(secret: str, step: int, typed: str) -> bool:
    return secrets.compare_digest(pyotp.HOTP(secret).at(step), typed)


def _record_failure(store: Store, buckets: tuple[str, ...], attempt: Attempt, name: str, now: datetime) -> None:
    with store.together() as records:
        records.sessions.fail(buckets, now)
        # the name typed may be a password typed into the wrong field: only names that exist are written down
        actor = name if records.users.one(name) else "unknown person"
        records.audit.append(AuditEvent(now, actor, "sign in refused", f"user {actor}", {"address": attempt.address}))


def _kept(store: Store, user: User, password: str, step: int | None) -> User:
    """Store that the code was used, and a hash of today's strength. Raises DeniedError when it was used meanwhile."""
    if step is None and not outdated(user.password_hash):
        return user
    hashed = hash_password(password) if outdated(user.password_hash) else user.password_hash
    with store.together() as records:
        now = records.users.one(user.name)
        if now is None or not now.active or (step is not None and step <= (now.totp_step or 0)):
            raise _not_right()
        kept = replace(now, totp_step=step if step is not None else now.totp_step, password_hash=hashed)
        records.users.change(kept)
    return kept


def _not_right() -> DeniedError:
    return DeniedError("Name, password or code are not right.", remedy="Try again, or ask an admin for a new password.")


def _open(store: Store, settings: LoginSettings, attempt: Attempt, user: User, now: datetime) -> SignedIn:
    opened = SignedIn(user, token(), token(), now + timedelta(hours=settings.session_hours))
    session = Session(
        token_hash="",
        user=user,
        opened_at=now,
        seen_at=now,
        expires_at=opened.expires_at,
        address=attempt.address,
        agent=attempt.agent[:_AGENT_LETTERS],
    )
    window = timedelta(minutes=settings.window_minutes)
    with store.together() as records:
        records.sessions.open(opened.token, session)
        records.sessions.know_device(opened.device, user.name, now)
        if attempt.device:
            records.sessions.forgive(f"account {user.name} device {attempt.device[:16]}")
        records.sessions.sweep(now, now - window, now - timedelta(days=settings.device_days))
        records.audit.append(AuditEvent(now, user.name, "sign in", f"user {user.name}", {"address": attempt.address}))
    return opened
