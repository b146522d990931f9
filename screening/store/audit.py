"""The audit trail: who did what when, in a chain of hashes that shows every later change.

Each event carries the SHA-256 of the event before it and of itself, so that an edited, removed, inserted or moved
event breaks the chain there. The head, stored apart, counts the events and keeps the last hash, so that removing the
last ones shows as well. Somebody who may write to the database could compute a whole new chain and a new head: a head
noted elsewhere (`Audit.head`, given to `Audit.verify`) shows that too. Triggers refuse changes and deletions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from screening.errors import IntegrityError
from screening.store import tables
from screening.store.database import Access

BEGINNING = "0" * 64
"""Stands for the hash before the first event."""

_EVENTS_AT_A_TIME = 10_000
_EVENT = tables.audit_events.c
_HEAD = tables.audit_head.c


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that was done.

    `at` has a zone; `actor` is the name of a person or of a job; `subject` names what it was done to, such as
    `case 12` or `run r1`; `details` is what JSON can say exactly: text, whole numbers, lists, mappings, true and false.
    """

    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The end of the chain: how many events there are, and the hash of the last."""

    count: int
    hash: str


class Audit:
    """The audit trail of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def append(self, event: AuditEvent) -> AuditHead:
        """Add an event and return the new end of the chain. Processes that append at once wait for one another.

        Raises ValueError for a time without zone or details that JSON cannot say, and IntegrityError when the chain's
        end is not what the head says: then nothing is added.
        """
        with self._access.writing() as connection:
            head = _head(connection, locked=True)
            if _last(connection) != head:
                raise _broken("the last event is not the one that the head names", head.count)
            values = _values(event, head)
            connection.execute(insert(tables.audit_events).values(values))
            new = AuditHead(values["number"], values["hash"])
            connection.execute(update(tables.audit_head).values(count=new.count, hash=new.hash))
        return new

    def lock(self) -> None:
        """Keep other writers of the trail waiting until the transaction ends, so that what is read now stays so.

        For a transaction that looks, decides and then appends; whoever else decides does the same.
        """
        with self._access.writing() as connection:
            _head(connection, locked=True)

    def head(self) -> AuditHead:
        """Return the end of the chain as stored. Noted elsewhere, it shows whether somebody replaced the chain."""
        with self._access.reading() as connection:
            return _head(connection)

    def events(self, subject: str | None = None) -> list[tuple[int, AuditEvent]]:
        """Return numbers and events, the oldest first; of one subject, or all."""
        query = select(tables.audit_events).order_by(_EVENT.number)
        if subject is not None:
            query = query.where(_EVENT.subject == subject)
        with self._access.reading() as connection:
            return [(row.number, _event(row)) for row in connection.execute(query)]

    def verify(self, noted: AuditHead | None = None) -> AuditHead:
        """Recompute the whole chain and return its end.

        `noted` is a head noted earlier: the chain must still contain it. Raises IntegrityError that names the first
        event that was edited, removed, moved or inserted.
        """
        with self._access.reading() as connection:
            head = _head(connection)
            end = AuditHead(0, BEGINNING)
            query = select(tables.audit_events).order_by(_EVENT.number).execution_options(yield_per=_EVENTS_AT_A_TIME)
            with connection.execute(query) as rows:
                for row in rows:
                    end = _following(end, row)
                    if noted is not None and noted.count == end.count and noted.hash != end.hash:
                        raise _broken("this event is not the one noted earlier", end.count)
        if end != head:
            raise _broken(f"it ends here, but {head.count} events were recorded", end.count)
        if noted is not None and noted.count > end.count:
            raise _broken(f"it ends here, but {noted.count} events were noted earlier", end.count)
        return end


def _following(end: AuditHead, row: Row[Any]) -> AuditHead:
    if row.number != end.count + 1:
        raise _broken("the event of this number is missing", end.count + 1)
    if row.previous_hash != end.hash or row.hash != _hash(row._asdict()):
        raise _broken("this event was changed after it was recorded", row.number)
    return AuditHead(row.number, row.hash)


def _head(connection: Connection, *, locked: bool = False) -> AuditHead:
    query = select(_HEAD["count"], _HEAD.hash)
    row = connection.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None:
        raise _broken("its head was removed", 0)
    return AuditHead(*row)


def _last(connection: Connection) -> AuditHead:
    row = connection.execute(select(_EVENT.number, _EVENT.hash).order_by(_EVENT.number.desc()).limit(1)).one_or_none()
    return AuditHead(0, BEGINNING) if row is None else AuditHead(*row)


def _values(event: AuditEvent, head: AuditHead) -> dict[str, Any]:
    if event.at.tzinfo is None:
        raise ValueError(f"{event.at!r} has no time zone")
    values = {
        "number": head.count + 1,
        "at": event.at.astimezone(UTC),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "details": json.dumps(dict(event.details), allow_nan=False, sort_keys=True, separators=(",", ":")),
        "previous_hash": head.hash,
    }
    return {**values, "hash": _hash(values)}


def _hash(values: Mapping[str, Any]) -> str:
    said = {name: values[name] for name in ("number", "actor", "action", "subject", "details", "previous_hash")}
    said["at"] = values["at"].isoformat(timespec="microseconds")
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _event(row: Row[Any]) -> AuditEvent:
    return AuditEvent(row.at, row.actor, row.action, row.subject, json.loads(row.details))


def _broken(what: str, number: int) -> IntegrityError:
    return IntegrityError(
        f"The audit trail is not what was recorded: {what}.",
        remedy="Keep the database as it is and compare it with a backup.",
        where=f"audit event {number}",
    )
