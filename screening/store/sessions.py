"""Who is signed in where, which devices are known, and which logins failed.

Tokens are random and only their SHA-256 is stored: who reads the database cannot sign in with what is in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, func, insert, select, update

from screening.store import tables
from screening.store import tables_access as access
from screening.store.database import Access
from screening.store.users import User, user_of

_SESSION = access.sessions.c
_DEVICE = access.known_devices.c
_FAILURE = access.login_failures.c
_USER = tables.users.c


@dataclass(frozen=True, slots=True)
class Session:
    """A person signed in with one browser. It ends at `expires_at`, or earlier when nothing was seen of it."""

    token_hash: str
    user: User
    opened_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


def digest(token: str) -> str:
    """Return the SHA-256 of a random token, as it is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


class Sessions:
    """The sessions, known devices and failed logins of a store. Tokens come in plain and are hashed here."""

    def __init__(self, store: Access) -> None:
        self._access = store

    def open(self, token: str, session: Session) -> None:
        """Store a new session; `session.token_hash` is not looked at."""
        with self._access.writing() as connection:
            user_id = connection.execute(select(_USER.user_id).where(_USER.name == session.user.name)).scalar_one()
            values = {
                "token_hash": digest(token),
                "user_id": user_id,
                "opened_at": session.opened_at,
                "seen_at": session.seen_at,
                "expires_at": session.expires_at,
                "address": session.address,
                "agent": session.agent,
            }
            connection.execute(insert(access.sessions).values(values))

    def one(self, token: str) -> Session | None:
        """Return the session of a token with its person as they are now, or None; it may have expired."""
        asked = select(access.sessions, tables.users).join(tables.users, _USER.user_id == _SESSION.user_id)
        with self._access.reading() as connection:
            row = connection.execute(asked.where(_SESSION.token_hash == digest(token))).mappings().one_or_none()
        return None if row is None else _session(row)

    def of_user(self, name: str) -> list[Session]:
        """Return the sessions of a person, the newest first; some may have expired."""
        asked = select(access.sessions, tables.users).join(tables.users, _USER.user_id == _SESSION.user_id)
        asked = asked.where(_USER.name == name).order_by(_SESSION.opened_at.desc())
        with self._access.reading() as connection:
            rows = connection.execute(asked).mappings().all()
        return [_session(row) for row in rows]

    def see(self, token_hash: str, now: datetime) -> None:
        """Note that a session was used."""
        with self._access.writing() as connection:
            connection.execute(update(access.sessions).where(_SESSION.token_hash == token_hash).values(seen_at=now))

    def close(self, token_hash: str) -> None:
        """End one session."""
        with self._access.writing() as connection:
            connection.execute(delete(access.sessions).where(_SESSION.token_hash == token_hash))

    def close_all(self, name: str, *, but: str | None = None) -> int:
        """End all sessions of a person, except the one of the hash `but`; return how many. Devices are forgotten."""
        of_user = select(_USER.user_id).where(_USER.name == name).scalar_subquery()
        chosen = (_SESSION.user_id == of_user, _SESSION.token_hash != (but or ""))
        with self._access.writing() as connection:
            if but is None:
                connection.execute(delete(access.known_devices).where(_DEVICE.user_id == of_user))
            return connection.execute(delete(access.sessions).where(*chosen)).rowcount

    def know_device(self, token: str, name: str, now: datetime) -> None:
        """Remember that a person signed in with the browser that holds this token."""
        with self._access.writing() as connection:
            user_id = connection.execute(select(_USER.user_id).where(_USER.name == name)).scalar_one()
            connection.execute(delete(access.known_devices).where(_DEVICE.token_hash == digest(token)))
            connection.execute(
                insert(access.known_devices).values(token_hash=digest(token), user_id=user_id, seen_at=now)
            )

    def knows_device(self, token: str, name: str) -> bool:
        """Say whether this person signed in before with the browser that holds this token."""
        asked = select(_DEVICE.token_hash).join(tables.users, _USER.user_id == _DEVICE.user_id)
        asked = asked.where(_DEVICE.token_hash == digest(token), _USER.name == name)
        with self._access.reading() as connection:
            return connection.execute(asked).one_or_none() is not None

    def failures(self, bucket: str, since: datetime) -> tuple[int, datetime | None]:
        """Return how many logins of a bucket failed since then, and when the first of them did."""
        asked = select(func.count(), func.min(_FAILURE.at)).where(_FAILURE.bucket == bucket, _FAILURE.at > since)
        with self._access.reading() as connection:
            count, first = connection.execute(asked).one()
        return count, first

    def fail(self, buckets: tuple[str, ...], now: datetime) -> None:
        """Note that a login failed, in each of its buckets."""
        with self._access.writing() as connection:
            connection.execute(insert(access.login_failures), [{"bucket": name, "at": now} for name in buckets])

    def forgive(self, bucket: str) -> None:
        """Forget the failures of a bucket."""
        with self._access.writing() as connection:
            connection.execute(delete(access.login_failures).where(_FAILURE.bucket == bucket))

    def sweep(self, now: datetime, failures_before: datetime, devices_before: datetime) -> None:
        """Remove expired sessions, failures and devices older than that."""
        with self._access.writing() as connection:
            connection.execute(delete(access.sessions).where(_SESSION.expires_at < now))
            connection.execute(delete(access.login_failures).where(_FAILURE.at < failures_before))
            connection.execute(delete(access.known_devices).where(_DEVICE.seen_at < devices_before))


def _session(row: RowMapping) -> Session:
    kept = {column.name: row[column] for column in access.sessions.columns if column.name != "user_id"}
    return Session(user=user_of({column.name: row[column] for column in tables.users.columns}), **kept)
