"""Cases: what waits for a person, what was done about it, and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, false, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from screening.errors import BusyError, NotFoundError
from screening.store import tables
from screening.store.database import Access
from screening.store.webhooks import announce

CLOSED = "closed"
_CASE = tables.cases.c
_EVENT = tables.case_events.c
_TOLD = (
    "case_id",
    "kind",
    "subject",
    "affiliate_id",
    "offer_id",
    "status",
    "decision",
    "assignee",
    "due_at",
    "version",
)
"""What webhooks say of a case; its evidence is read through the API."""


@dataclass(frozen=True, slots=True)
class Case:
    """Something that waits for a person's decision.

    `kind` is `application`, `affiliate`, `source` or `conversion`; `subject` names which, the same for as long as it
    lives; one case at most is not closed for each. `amount` is the money that waits and `due_at` when it locks or the
    clock runs out, None: no money, no clock. `decision` is what a person decided last, None: nothing yet.
    `snoozed_until` is when a snoozed case waits again. `case_id` None: not stored yet. `version` counts the changes.
    """

    kind: str
    subject: str
    opened_at: datetime
    reasons: tuple[str, ...]
    affiliate_id: str | None = None
    offer_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    due_at: datetime | None = None
    run_id: str | None = None
    status: str = "open"
    assignee: str | None = None
    closed_at: datetime | None = None
    version: int = 1
    decision: str | None = None
    snoozed_until: datetime | None = None
    case_id: int | None = None


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One thing done about a case. `details` is what JSON can say."""

    at: datetime
    author: str
    action: str
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision of a person that stands: what, by whom and when."""

    decision: str
    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AnsweredCase:
    """A person's closed decision about an applicant, and the newest screening that was there when it was given.

    `details` is the screening's reason_details, None where an old winnow wrote none. `proposed` is what the screening
    decided, `score` its score.
    """

    subject: str
    decision: str
    decided_at: datetime
    reasons: tuple[str, ...]
    run_id: str
    judged_at: datetime
    proposed: str
    score: float | None
    missing: tuple[str, ...]
    details: str | None


class Cases:
    """The cases of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def open(self, case: Case, event: CaseEvent) -> Case:
        """Store a new case and its first event; where one about the subject is not closed, return that instead."""
        values = asdict(case)
        del values["case_id"]
        with self._access.writing() as connection:
            try:
                with connection.begin_nested():
                    opened = insert(tables.cases).values(values).returning(_CASE.case_id)
                    case_id = connection.execute(opened).scalar_one()
            except IntegrityError:
                same = (_CASE.kind == case.kind, _CASE.subject == case.subject, _CASE.status != CLOSED)
                there = connection.execute(select(tables.cases).where(*same)).one_or_none()
                if there is None:
                    raise
                return _case(there)
            connection.execute(insert(tables.case_events).values(case_id=case_id, **asdict(event)))
            announce(connection, "case.opened", event.at, _told({**values, "case_id": case_id}, event))
        return replace(case, case_id=case_id)

    def one(self, case_id: int) -> Case:
        """Return a case. Raises NotFoundError when there is none of that number."""
        with self._access.reading() as connection:
            row = connection.execute(select(tables.cases).where(_CASE.case_id == case_id)).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no case {case_id}.", remedy="Choose one from the queue.", where="case")
        return _case(row)

    def waiting(self, kind: str | None = None, *, now: datetime | None = None) -> list[Case]:
        """Return the open cases, the next to lock first, then by age; of one kind, or all.

        With `now`, the snoozed ones whose time has come wait as well.
        """
        no_clock_last = (_CASE.due_at.is_(None), _CASE.due_at, _CASE.case_id)
        woken = (_CASE.status == "snoozed") & (_CASE.snoozed_until <= now) if now is not None else false()
        query = select(tables.cases).where((_CASE.status == "open") | woken).order_by(*no_clock_last)
        if kind is not None:
            query = query.where(_CASE.kind == kind)
        with self._access.reading() as connection:
            return [_case(row) for row in connection.execute(query)]

    def about(self, kind: str, subject: str) -> list[Case]:
        """Return the cases about a subject, the newest first; at most the first is not closed."""
        same = (_CASE.kind == kind, _CASE.subject == subject)
        query = select(tables.cases).where(*same).order_by((_CASE.status == CLOSED), _CASE.case_id.desc())
        with self._access.reading() as connection:
            return [_case(row) for row in connection.execute(query)]

    def decided(self, kind: str) -> list[Case]:
        """Return the cases of a kind about which a person decided, the oldest first."""
        query = select(tables.cases).where(_CASE.kind == kind, _CASE.decision.is_not(None)).order_by(_CASE.case_id)
        with self._access.reading() as connection:
            return [_case(row) for row in connection.execute(query)]

    def standing(self, kind: str) -> dict[str, Standing]:
        """Return by subject the last decision of a person that stands, of a kind of cases; undone ones do not."""
        query = (
            select(_CASE.subject, _CASE.decision, _EVENT.author, _EVENT.at, _EVENT.details)
            .join(tables.case_events, _EVENT.case_id == _CASE.case_id)
            .where(_CASE.kind == kind, _CASE.decision.is_not(None))
            .order_by(_CASE.case_id, _EVENT.event_id)
        )
        with self._access.reading() as connection:
            rows = connection.execute(query).all()
        return {
            subject: Standing(decision, author, at)
            for subject, decision, author, at, details in rows
            if details.get("decision") == decision
        }

    def answers(self, kinds: Sequence[str], decisions: Sequence[str]) -> list[AnsweredCase]:
        """Return the closed cases of those kinds that people decided so, each with its screening, the oldest first.

        Cases without a screening before the decision are left out: nobody knows what was to be seen then.
        """
        screening, run = tables.screenings.c, tables.runs.c
        earlier, earlier_run = tables.screenings.alias().c, tables.runs.alias().c
        newest_then = (
            select(func.max(earlier.run_key))
            .where(earlier.application_id == _CASE.subject, earlier.run_key == earlier_run.run_key)
            .where(earlier_run.finished_at <= _CASE.closed_at)
            .correlate(tables.cases)
            .scalar_subquery()
        )
        columns = (
            _CASE.subject,
            _CASE.decision,
            _CASE.closed_at.label("decided_at"),
            _CASE.reasons,
            run.run_id,
            run.finished_at.label("judged_at"),
            screening.decision.label("proposed"),
            screening.score,
            screening.missing,
            screening.reason_details.label("details"),
        )
        query = (
            select(*columns)
            .join(tables.screenings, screening.application_id == _CASE.subject)
            .join(tables.runs, run.run_key == screening.run_key)
            .where(_CASE.kind.in_(kinds), _CASE.status == CLOSED, _CASE.decision.in_(decisions))
            .where(screening.run_key == newest_then)
            .order_by(_CASE.closed_at, _CASE.case_id)
        )
        with self._access.reading() as connection:
            return [_answer(row._asdict()) for row in connection.execute(query)]

    def change(self, changed: Case, event: CaseEvent) -> Case:
        """Store a changed case (made by `dataclasses.replace`) and what was done, and return it with its new version.

        Raises BusyError when somebody changed the case since this one was read: nothing is overwritten.
        """
        values = {**asdict(changed), "version": changed.version + 1}
        del values["case_id"]
        expected = (_CASE.case_id == changed.case_id, _CASE.version == changed.version)
        with self._access.writing() as connection:
            if connection.execute(update(tables.cases).where(*expected).values(values)).rowcount != 1:
                raise BusyError(
                    f"Somebody else has changed the case {changed.case_id}.",
                    remedy="Look at it again, then decide.",
                    where="case",
                )
            connection.execute(insert(tables.case_events).values(case_id=changed.case_id, **asdict(event)))
            announce(connection, "case.changed", event.at, _told({**values, "case_id": changed.case_id}, event))
        return replace(changed, version=changed.version + 1)

    def history(self, case_id: int) -> list[CaseEvent]:
        """Return what was done about a case, the oldest first."""
        wanted = (_EVENT.at, _EVENT.author, _EVENT.action, _EVENT.note, _EVENT.details)
        query = select(*wanted).where(_EVENT.case_id == case_id).order_by(_EVENT.event_id)
        with self._access.reading() as connection:
            return [CaseEvent(**row._asdict()) for row in connection.execute(query)]


def _told(case: Mapping[str, Any], event: CaseEvent) -> dict[str, Any]:
    """Return what receivers of webhooks hear: the case as it is now, who did what, and no evidence."""
    return {**{name: case[name] for name in _TOLD}, "action": event.action, "author": event.author}


def _case(row: Row[Any]) -> Case:
    values = row._asdict()
    return Case(**{**values, "reasons": tuple(values["reasons"])})


def _answer(values: Mapping[str, Any]) -> AnsweredCase:
    return AnsweredCase(**{**values, "reasons": tuple(values["reasons"]), "missing": tuple(values["missing"])})
