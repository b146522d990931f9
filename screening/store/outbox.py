"""The outbox: letters that were written, and what became of each. A letter about one thing is written once.

    queued -> sending -> sent
                      -> queued    the server asked to come again later
                      -> failed    the server refused it, or it was tried often enough
                      -> unsure    nobody can know whether it arrived: the connection, or winnow, died in the middle

Only a person takes a letter out of `unsure` or `failed`: back to `queued`, to `sent`, or to `dropped`. So none is sent
twice unless a person says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

import polars as pl
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from screening.errors import BusyError, InputError
from screening.store import tables_letters as tables
from screening.store.bulk import read_ids
from screening.store.database import Access

_LETTER = tables.letters.c
_ITEM = tables.letter_items.c


class LetterStatus(StrEnum):
    """Where a letter is; the module says how it gets from one to the other."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNSURE = "unsure"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter as it goes out, word for word.

    `key` names what it is about: no second letter of that key is ever written. `about` is the affiliate_id or
    application_id, or `staff`. `attempts` counts the tries; `next_at` is when the next may be; `note` is what the
    server, or a person, said last. `letter_id` None: not stored yet.
    """

    key: str
    kind: str
    about: str
    recipient: str
    subject: str
    text: str
    html: str
    written_at: datetime
    next_at: datetime
    status: str = LetterStatus.QUEUED
    attempts: int = 0
    tried_at: datetime | None = None
    sent_at: datetime | None = None
    note: str = ""
    letter_id: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try at `at`: the new status, what was said, and for `queued` when to try again."""

    status: LetterStatus
    at: datetime
    note: str = ""
    next_at: datetime | None = None


class Outbox:
    """The letters of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def add(self, letter: StoredLetter, items: Sequence[str] = ()) -> StoredLetter | None:
        """Store a new letter and the things it tells about, all or nothing; None when the key was used before.

        Raises BusyError when another process told about one of the items meanwhile.
        """
        values = asdict(letter)
        del values["letter_id"]
        with self._access.writing() as connection:
            if connection.scalar(select(_LETTER.letter_id).where(_LETTER.key == letter.key)) is not None:
                return None
            try:
                with connection.begin_nested():
                    added = insert(tables.letters).values(values).returning(_LETTER.letter_id)
                    letter_id = connection.execute(added).scalar_one()
                    if items:
                        rows = [{"item": item, "letter_id": letter_id} for item in items]
                        connection.execute(insert(tables.letter_items), rows)
            except IntegrityError as error:
                raise BusyError("Another winnow is writing the same letters.", remedy="Try again.") from error
        return replace(letter, letter_id=letter_id)

    def has(self, key: str) -> bool:
        """Return whether a letter of that key was ever written."""
        with self._access.reading() as connection:
            return connection.scalar(select(_LETTER.letter_id).where(_LETTER.key == key)) is not None

    def told(self, items: pl.Series) -> pl.Series:
        """Return those of the items that some letter told about, sorted."""
        with self._access.reading() as connection:
            found = read_ids(self._access.backend, connection, _ITEM.item, items.unique())
        return found["item"].sort()

    def one(self, letter_id: int) -> StoredLetter:
        """Return a letter. Raises InputError when there is none of that number."""
        with self._access.reading() as connection:
            row = connection.execute(select(tables.letters).where(_LETTER.letter_id == letter_id)).one_or_none()
        if row is None:
            raise InputError(f"There is no letter {letter_id}.", remedy="`winnow letters list` shows them.")
        return _letter(row)

    def all(
        self, status: str | None = None, *, about: str | None = None, limit: int | None = None
    ) -> list[StoredLetter]:
        """Return the letters, the newest first; of one status, about one affiliate or application, or all."""
        query = select(tables.letters).order_by(_LETTER.letter_id.desc()).limit(limit)
        if status is not None:
            query = query.where(_LETTER.status == status)
        if about is not None:
            query = query.where(_LETTER.about == about)
        with self._access.reading() as connection:
            return [_letter(row) for row in connection.execute(query)]

    def counts(self) -> Mapping[str, int]:
        """Return how many letters there are of each status that any has."""
        query = select(_LETTER.status, func.count()).group_by(_LETTER.status).order_by(_LETTER.status)
        with self._access.reading() as connection:
            return {str(status): int(count) for status, count in connection.execute(query)}

    def queued(self, before: datetime | None = None) -> int:
        """Return how many letters are queued, all or those written before a moment."""
        query = select(func.count()).where(_LETTER.status == LetterStatus.QUEUED)
        if before is not None:
            query = query.where(_LETTER.written_at < before)
        with self._access.reading() as connection:
            return connection.scalar(query) or 0

    def due(self, now: datetime, kind: str | None = None, since: datetime | None = None) -> list[int]:
        """Return the numbers of the queued letters that may be tried now, the oldest first.

        Of one kind, or all; written at `since` or later, or whenever.
        """
        ready = (_LETTER.status == LetterStatus.QUEUED, _LETTER.next_at <= now)
        query = select(_LETTER.letter_id).where(*ready).order_by(_LETTER.letter_id)
        if kind is not None:
            query = query.where(_LETTER.kind == kind)
        if since is not None:
            query = query.where(_LETTER.written_at >= since)
        with self._access.reading() as connection:
            return list(connection.scalars(query))

    def begin(self, letter_id: int, now: datetime) -> StoredLetter | None:
        """Write down that the letter is about to be sent, and return it; None when another process was faster."""
        queued = (_LETTER.letter_id == letter_id, _LETTER.status == LetterStatus.QUEUED)
        begun = {"status": LetterStatus.SENDING, "attempts": _LETTER.attempts + 1, "tried_at": now}
        with self._access.writing() as connection:
            taken = update(tables.letters).where(*queued).values(begun).returning(*tables.letters.c)
            row = connection.execute(taken).one_or_none()
        return None if row is None else _letter(row)

    def settle(self, letter: StoredLetter, outcome: Outcome) -> None:
        """Write down what came of the try that `begin` returned; does nothing when there was a later try."""
        this_try = (_LETTER.letter_id == letter.letter_id, _LETTER.attempts == letter.attempts)
        with self._access.writing() as connection:
            connection.execute(update(tables.letters).where(*this_try).values(_values(outcome)))

    def strand(self, before: datetime) -> int:
        """Call letters unsure whose try began before that moment and never ended; return how many."""
        stranded = (_LETTER.status == LetterStatus.SENDING, _LETTER.tried_at < before)
        values = {"status": LetterStatus.UNSURE, "note": "winnow ended while it was being sent"}
        with self._access.writing() as connection:
            return int(connection.execute(update(tables.letters).where(*stranded).values(values)).rowcount)

    def decide(self, letter: StoredLetter, outcome: Outcome) -> None:
        """Write down what a person decided about a letter.

        Raises BusyError when the letter is not as it was read.
        """
        as_read = (
            _LETTER.letter_id == letter.letter_id,
            _LETTER.status == letter.status,
            _LETTER.attempts == letter.attempts,
        )
        with self._access.writing() as connection:
            if connection.execute(update(tables.letters).where(*as_read).values(_values(outcome))).rowcount != 1:
                raise BusyError(f"The letter {letter.letter_id} has changed.", remedy="Look at it again, then decide.")


def _values(outcome: Outcome) -> dict[str, object]:
    values: dict[str, object] = {"status": outcome.status, "note": outcome.note}
    if outcome.next_at is not None:
        values["next_at"] = outcome.next_at
    if outcome.status == LetterStatus.SENT:
        values["sent_at"] = outcome.at
    return values


def _letter(row: Row[tuple[object, ...]]) -> StoredLetter:
    return StoredLetter(**row._asdict())
