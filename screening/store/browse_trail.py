"""Runs, payout batches, the audit trail and saved views, as pages of a list."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, delete, func, insert, select

from screening.store import tables
from screening.store.database import Access
from screening.store.tables_pages import saved_views

_RUN, _EVENT, _LEDGER = tables.runs.c, tables.audit_events.c, tables.ledger.c


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run without its inputs and settings, which are long. `number` grows with time."""

    number: int
    run_id: str
    command: str
    status: str
    started_at: datetime
    finished_at: datetime
    counts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrailRow:
    """An event of the audit trail, with its place in the chain."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A conversion whose money left."""

    conversion_id: str
    amount: Decimal
    currency: str | None
    decision: str
    released_at: datetime


@dataclass(frozen=True, slots=True)
class SavedView:
    """Filters under a name."""

    view_id: int
    name: str
    filters: str


class BrowseTrail:
    """What happened in a store, as lists to leaf through."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def runs(self, most: int, *, command: str | None = None, below: int | None = None) -> tuple[RunRow, ...]:
        """Return runs, the newest first: of a command or all, and those numbered below `below` or from the newest."""
        columns = (_RUN.run_key, _RUN.run_id, _RUN.command, _RUN.status, _RUN.started_at, _RUN.finished_at, _RUN.counts)
        query = select(*columns).order_by(_RUN.run_key.desc()).limit(most)
        if command is not None:
            query = query.where(_RUN.command == command)
        if below is not None:
            query = query.where(_RUN.run_key < below)
        with self._access.reading() as connection:
            return tuple(RunRow(*row) for row in connection.execute(query))

    def run(self, run_id: str) -> RunRow | None:
        """Return the run of that id, or None."""
        columns = (_RUN.run_key, _RUN.run_id, _RUN.command, _RUN.status, _RUN.started_at, _RUN.finished_at, _RUN.counts)
        with self._access.reading() as connection:
            row = connection.execute(select(*columns).where(_RUN.run_id == run_id)).one_or_none()
        return None if row is None else RunRow(*row)

    def newest(self, command: str) -> RunRow | None:
        """Return the newest run of a command, failed or not, or None."""
        found = self.runs(1, command=command)
        return found[0] if found else None

    def newest_complete(self, command: str) -> RunRow | None:
        """Return the newest complete run of a command, or None."""
        columns = (_RUN.run_key, _RUN.run_id, _RUN.command, _RUN.status, _RUN.started_at, _RUN.finished_at, _RUN.counts)
        query = select(*columns).where(_RUN.command == command, _RUN.status == "complete")
        with self._access.reading() as connection:
            row = connection.execute(query.order_by(_RUN.run_key.desc()).limit(1)).one_or_none()
        return None if row is None else RunRow(*row)

    def trail(self, most: int, *, below: int | None = None, subject: str | None = None) -> tuple[TrailRow, ...]:
        """Return events of the audit trail, the newest first: about a subject or all, numbered below `below`."""
        query = select(tables.audit_events).order_by(_EVENT.number.desc()).limit(most)
        if below is not None:
            query = query.where(_EVENT.number < below)
        if subject is not None:
            query = query.where(_EVENT.subject == subject)
        with self._access.reading() as connection:
            return tuple(_event(row) for row in connection.execute(query))

    def releases(self, batch_id: str, most: int, above: str = "") -> tuple[ReleaseRow, ...]:
        """Return what a batch released, by conversion_id, those above `above`."""
        columns = (_LEDGER.conversion_id, _LEDGER.amount, _LEDGER.currency, _LEDGER.decision, _LEDGER.released_at)
        query = select(*columns).where(_LEDGER.batch_id == batch_id, _LEDGER.conversion_id > above)
        with self._access.reading() as connection:
            found = connection.execute(query.order_by(_LEDGER.conversion_id).limit(most))
            return tuple(ReleaseRow(*row) for row in found)

    def views(self, owner: str, queue: str) -> tuple[SavedView, ...]:
        """Return a person's saved views of a queue, by name."""
        view = saved_views.c
        query = select(view.view_id, view.name, view.filters).where(view.owner == owner, view.queue == queue)
        with self._access.reading() as connection:
            return tuple(SavedView(*row) for row in connection.execute(query.order_by(view.name)))

    def save_view(self, owner: str, queue: str, name: str, filters: str, at: datetime) -> None:
        """Store a view; one of the same name is replaced."""
        view = saved_views.c
        with self._access.writing() as connection:
            connection.execute(delete(saved_views).where(view.owner == owner, view.queue == queue, view.name == name))
            values = {"owner": owner, "queue": queue, "name": name, "filters": filters, "made_at": at}
            connection.execute(insert(saved_views).values(values))

    def drop_view(self, owner: str, view_id: int) -> None:
        """Remove a person's own view; another's stays."""
        view = saved_views.c
        with self._access.writing() as connection:
            connection.execute(delete(saved_views).where(view.owner == owner, view.view_id == view_id))

    def open_appeals(self) -> tuple[int, datetime | None]:
        """Count the open appeals; and return the first deadline among them, None without any."""
        appeal = tables.appeals.c
        query = select(func.count(), func.min(appeal.deadline_at)).where(appeal.status == "open")
        with self._access.reading() as connection:
            count, first = connection.execute(query).one()
        return int(count), first


def _event(row: Row[Any]) -> TrailRow:
    return TrailRow(row.number, row.at, row.actor, row.action, row.subject, json.loads(row.details), row.hash)
