"""Queues of cases as pages of a list: filtered, ordered by money, clock or age, with their sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Text, and_, func, or_, select, text, type_coerce

from screening.store import tables
from screening.store.cases import CLOSED, Case
from screening.store.database import Access
from screening.store.keyset import Ordering, Page, Place, read_page

_CASE = tables.cases.c
OPEN = "open"
_NOT_CLOSED = text("cases.status <> 'closed'")
"""As the partial indexes say it: a database uses them only for conditions that it can see to be the same."""
_SIMILAR_AMONG = 300
"""Closed cases, the newest first, among which similar ones are looked for."""


_FEW = 500
"""Cases that are sorted for a page rather than looked for in an index that has its order."""


class CaseOrder(StrEnum):
    """How a queue is ordered."""

    MONEY = "money"
    """The most money first; cases without money last."""
    CLOCK = "clock"
    """What locks first; cases without a clock last."""
    AGE = "age"
    """The oldest first."""
    NEWEST = "newest"
    """The newest first."""


_ORDERINGS = {
    CaseOrder.MONEY: Ordering(_CASE.amount, _CASE.case_id, largest_first=True),
    CaseOrder.CLOCK: Ordering(_CASE.due_at, _CASE.case_id, largest_first=False),
    CaseOrder.AGE: Ordering(_CASE.opened_at, _CASE.case_id, largest_first=False),
    CaseOrder.NEWEST: Ordering(_CASE.opened_at, _CASE.case_id, largest_first=True),
}


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases to show; None: whatever it is. `status` `open` includes snoozed cases whose time has come (`now`)."""

    kind: str
    now: datetime
    status: str = OPEN
    offer_id: str | None = None
    affiliate_id: str | None = None
    reason: str | None = None
    assignee: str | None = None
    opened_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseTotal:
    """The open cases of a kind in one currency: how many, and their money (None: none has any).

    `oldest` is when the first of the kind was opened, whatever its currency.
    """

    kind: str
    currency: str | None
    cases: int
    amount: Decimal | None
    oldest: datetime


class BrowseCases:
    """The cases of a store, as lists to leaf through."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def page(
        self,
        chosen: CaseFilter,
        order: CaseOrder,
        start: tuple[Place | None, Place | None] = (None, None),
        size: int = 50,
    ) -> Page[Case]:
        """Return some cases, after the first place of `start` or before the second."""
        query = _filtered(select(tables.cases), chosen)
        with self._access.reading() as connection:
            few = _few(connection, chosen)
            if few == []:  # asking for none of no cases would still walk through the whole index
                return Page((), None, None)
            if few is not None:
                query = query.where(_CASE.case_id.in_(few))
            return read_page(connection, query, _ORDERINGS[order], start, size, _case)

    def beside(self, chosen: CaseFilter, order: CaseOrder, case: Case) -> tuple[int | None, int | None]:
        """Return the numbers of the cases before and after one in a list, None at its ends."""
        ordering = _ORDERINGS[order]
        assert case.case_id is not None  # noqa: S101 - only stored cases are in a list
        here = Place(getattr(case, ordering.by.name), case.case_id)
        previous = self.page(chosen, order, (None, here), 1).rows
        following = self.page(chosen, order, (here, None), 1).rows
        return (previous[0].case_id if previous else None, following[0].case_id if following else None)

    def totals(self) -> tuple[CaseTotal, ...]:
        """Return the open cases in sum, by kind and currency."""
        with self._access.reading() as connection:
            return tuple(total for kind in tables.SUBJECT_KINDS for total in _totals(connection, kind))

    def due_before(self, moment: datetime, kind: str) -> int:
        """Count the open cases of a kind whose clock runs out before the moment."""
        chosen = (_NOT_CLOSED, _CASE.status == OPEN, _CASE.kind == kind, _CASE.due_at < moment)
        with self._access.reading() as connection:
            return int(connection.scalar(select(func.count()).select_from(tables.cases).where(*chosen)) or 0)

    def about(self, kind: str, subjects: tuple[str, ...]) -> dict[str, Case]:
        """Return the case that is not closed, or else the newest, of each subject that has one."""
        query = select(tables.cases).where(_CASE.kind == kind, _CASE.subject.in_(subjects)).order_by(_CASE.case_id)
        found: dict[str, Case] = {}
        with self._access.reading() as connection:
            for case in map(_case, connection.execute(query)):
                if found.get(case.subject) is None or found[case.subject].status == CLOSED:
                    found[case.subject] = case
        return found

    def similar(self, case: Case, most: int) -> tuple[tuple[float, Case], ...]:
        """Return closed cases of the same kind that share reasons, with the share of reasons in common, 0-1.

        The share is Jaccard's index. Looks at the newest 300 closed cases only.
        """
        query = select(tables.cases).where(_CASE.kind == case.kind, _CASE.status == CLOSED)
        query = query.order_by(_CASE.opened_at.desc()).limit(_SIMILAR_AMONG)
        mine = frozenset(case.reasons)
        with self._access.reading() as connection:
            others = [_case(row) for row in connection.execute(query)]
        likeness = [(len(mine & {*other.reasons}) / len(mine | {*other.reasons} or {""}), other) for other in others]
        near = [pair for pair in likeness if pair[0] > 0 and pair[1].case_id != case.case_id]
        return tuple(sorted(near, key=lambda pair: (-pair[0], -(pair[1].case_id or 0)))[:most])


def _few(connection: Connection, chosen: CaseFilter) -> list[int] | None:
    """Return some cases among which are all that a narrow filter leaves, None when there are many or it is none.

    Read in the order in which they were stored: looking for the few in the order of money or of clocks instead would
    jump through the whole table, three times as long. With many, the first page is found soon in any order.
    """
    narrowing = (chosen.reason, chosen.affiliate_id, chosen.offer_id, chosen.assignee)
    if all(wanted is None for wanted in narrowing):
        return None
    if chosen.affiliate_id is not None:  # whose cases of every kind have an index of their own
        query = select(_CASE.case_id).where(_CASE.affiliate_id == chosen.affiliate_id)
    else:
        query = _filtered(select(_CASE.case_id), chosen).order_by(_CASE.opened_at)
    found = list(connection.scalars(query.limit(_FEW + 1)))
    return found if len(found) <= _FEW else None


def _totals(connection: Connection, kind: str) -> Iterator[CaseTotal]:
    """Yield the sums of one kind. Asked kind by kind, so that an index alone answers: a fourth of the time for all."""
    waiting = (_NOT_CLOSED, _CASE.status == OPEN, _CASE.kind == kind)
    counted = (func.count(), func.sum(_CASE.amount, type_=_CASE.amount.type))
    rows = connection.execute(select(_CASE.currency, *counted).where(*waiting).group_by(_CASE.currency)).all()
    first = select(_CASE.opened_at).where(*waiting).order_by(_CASE.opened_at).limit(1)
    if not rows:
        return
    oldest = connection.execute(first).scalar_one()
    for currency, cases, amount in rows:
        yield CaseTotal(kind, currency, cases, amount, oldest)


def filtered(chosen: CaseFilter, order: CaseOrder) -> Select[Any]:
    """Return the query of a queue's rows that have a value to order by, in their order."""
    ordering = _ORDERINGS[order]
    return _filtered(select(tables.cases), chosen).where(ordering.by.is_not(None)).order_by(*ordering.sorts())


def _filtered(query: Select[Any], chosen: CaseFilter) -> Select[Any]:
    query = query.where(_CASE.kind == chosen.kind, _status(chosen))
    for column, wanted in (
        (_CASE.offer_id, chosen.offer_id),
        (_CASE.affiliate_id, chosen.affiliate_id),
        (_CASE.assignee, chosen.assignee),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if chosen.opened_before is not None:
        query = query.where(_CASE.opened_at < chosen.opened_before)
    if chosen.reason is not None:
        # the list is kept as the text of a JSON array
        query = query.where(type_coerce(_CASE.reasons, Text).contains(f'"{chosen.reason}"', autoescape=True))
    return query


def _status(chosen: CaseFilter) -> ColumnElement[bool]:
    if chosen.status != OPEN:
        return _CASE.status == chosen.status
    woken = and_(_CASE.status == "snoozed", _CASE.snoozed_until <= chosen.now)
    return and_(_NOT_CLOSED, or_(_CASE.status == OPEN, woken))


def _case(row: Row[Any]) -> Case:
    values = row._asdict()
    return Case(**{**values, "reasons": tuple(values["reasons"])})
