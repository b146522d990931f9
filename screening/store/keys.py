"""The keys of programs that call the API, and the answers they got, so that the same call gets the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from screening.errors import ConflictError, NotFoundError
from screening.store import tables_access as access
from screening.store.database import Access

_KEY = access.api_keys.c
_ANSWER = access.kept_answers.c


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's key. `secret_hash` is the SHA-256 of its random secret; `expires_at` None: it does not expire."""

    key_id: str
    name: str
    secret_hash: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def good(self, now: datetime) -> bool:
        """Say whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a caller (`owner`) was answered to the call of that idempotency key."""

    owner: str
    key: str
    request_hash: str
    status: int
    body: str
    at: datetime


class ApiKeys:
    """The API keys of a store."""

    def __init__(self, store: Access) -> None:
        self._access = store

    def add(self, key: ApiKey) -> None:
        """Store a new key."""
        with self._access.writing() as connection:
            connection.execute(insert(access.api_keys).values({**asdict(key), "scopes": list(key.scopes)}))

    def one(self, key_id: str) -> ApiKey | None:
        """Return the key of that id, revoked and expired ones too, or None."""
        with self._access.reading() as connection:
            row = connection.execute(select(access.api_keys).where(_KEY.key_id == key_id)).one_or_none()
        return None if row is None else _key(row)

    def all(self) -> list[ApiKey]:
        """Return all keys, the oldest first."""
        with self._access.reading() as connection:
            rows = connection.execute(select(access.api_keys).order_by(_KEY.created_at, _KEY.key_id))
            return [_key(row) for row in rows]

    def revoke(self, key_id: str, by: str, now: datetime) -> ApiKey:
        """End a key for good and return it. Raises NotFoundError for a key that is not there or ended before."""
        chosen = (_KEY.key_id == key_id, _KEY.revoked_at.is_(None))
        with self._access.writing() as connection:
            ended = update(access.api_keys).where(*chosen).values(revoked_at=now, revoked_by=by)
            if connection.execute(ended).rowcount != 1:
                raise NotFoundError(
                    f"There is no key {key_id!r} that is still good.", remedy="`winnow keys list` lists them."
                )
            row = connection.execute(select(access.api_keys).where(_KEY.key_id == key_id)).one()
        return _key(row)


class Answers:
    """The answers that callers got, by their idempotency keys."""

    def __init__(self, store: Access) -> None:
        self._access = store

    def of(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], KeptAnswer]:
        """Return the kept answers to calls, each named by owner and key."""
        chosen = tuple_(_ANSWER.owner, _ANSWER.key).in_(wanted)
        with self._access.reading() as connection:
            found = [
                KeptAnswer(**row._asdict()) for row in connection.execute(select(access.kept_answers).where(chosen))
            ]
        return {(answer.owner, answer.key): answer for answer in found}

    def keep(self, answers: Sequence[KeptAnswer]) -> None:
        """Store answers, all or none. Raises ConflictError when one of the calls was answered before."""
        try:
            with self._access.writing() as connection:
                connection.execute(insert(access.kept_answers), [_answer_row(answer) for answer in answers])
        except IntegrityError as error:
            raise ConflictError("One of these calls was answered before.", remedy="Give that answer.") from error

    def forget(self, before: datetime) -> None:
        """Remove answers given before a time."""
        with self._access.writing() as connection:
            connection.execute(delete(access.kept_answers).where(_ANSWER.at < before))


def _answer_row(answer: KeptAnswer) -> dict[str, Any]:
    # not asdict, which copies deeply and takes as long as the database
    return {column.name: getattr(answer, column.name) for column in _ANSWER}


def _key(row: Row[Any]) -> ApiKey:
    values = row._asdict()
    return ApiKey(**{**values, "scopes": tuple(values["scopes"])})
