"""The job of API keys: issue them with scopes, find who calls, end them."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from screening.errors import InputError
from screening.store import ApiKey, AuditEvent, Store

_FORM = re.compile(r"wnw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
"""`wnw_`, the key's id, and 256 random bits: a prefix that scanners for leaked secrets can be told of."""
_ID_BYTES = 6
_SECRET_BYTES = 32
_NAME_LETTERS = 80


class Scope(StrEnum):
    """What a key may do."""

    PAYOUTS_DECIDE = "payouts:decide"
    """Have conversions decided, which releases money."""
    APPLICATIONS_WRITE = "applications:write"
    """Hand in applications."""
    APPLICATIONS_READ = "applications:read"
    """Read how applications were judged."""
    SOURCES_READ = "sources:read"
    """Read how traffic sources were judged."""
    CAPS_READ = "caps:read"
    """Read cap recommendations."""
    CAPS_DECIDE = "caps:decide"
    """Approve and reject cap recommendations."""
    CASES_READ = "cases:read"
    """Read cases and their history."""
    RUNS_READ = "runs:read"
    """Read what ran, with which settings and versions."""
    METRICS_READ = "metrics:read"
    """Read figures about the programme and this server."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key. `token` is what the program sends; it is nowhere else and cannot be shown again."""

    key: ApiKey
    token: str


def issue_key(
    store: Store, name: str, scopes: Sequence[str], actor: str, now: datetime, *, expires_at: datetime | None = None
) -> Issued:
    """Make a key for a program. Raises InputError for an empty name, no scope or one that does not exist."""
    name = name.strip()
    if not 0 < len(name) <= _NAME_LETTERS or not name.isprintable():
        raise InputError("A key needs a name.", remedy=f"Give 1 to {_NAME_LETTERS} letters.", where="name")
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        what = f"There is no scope {unknown[0][:80]!r}." if unknown else "A key needs a scope."
        raise InputError(what, remedy=f"Use some of {', '.join(Scope)}.", where="scopes")
    if expires_at is not None and expires_at <= now:
        raise InputError("The key would have expired already.", remedy="Name a later time.", where="expires_at")
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(
        key_id=secrets.token_hex(_ID_BYTES),
        name=name,
        secret_hash=_digest(secret),
        scopes=tuple(sorted(set(scopes))),
        created_at=now,
        created_by=actor,
        expires_at=expires_at,
    )
    with store.together() as records:
        records.keys.add(key)
        said = {"name": name, "scopes": list(key.scopes), "expires_at": expires_at.isoformat() if expires_at else None}
        records.audit.append(AuditEvent(now, actor, "issue key", f"key {key.key_id}", said))
    return Issued(key, f"wnw_{key.key_id}_{secret}")


def revoke_key(store: Store, key_id: str, actor: str, now: datetime) -> ApiKey:
    """End a key for good. Raises NotFoundError for one that is not there or ended before."""
    with store.together() as records:
        key = records.keys.revoke(key_id, actor, now)
        records.audit.append(AuditEvent(now, actor, "revoke key", f"key {key_id}", {"name": key.name}))
    return key


def key_of(store: Store, token: str, now: datetime) -> ApiKey | None:
    """Return the good key of a token, None for any other text."""
    parts = _FORM.fullmatch(token)
    key = None if parts is None else store.keys.one(parts[1])
    # compared also for a key that is not there, so that the time tells nothing about which ids exist
    same = hmac.compare_digest(_digest(parts[2] if parts else ""), key.secret_hash if key else _digest(token))
    return key if key is not None and same and key.good(now) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
