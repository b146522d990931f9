"""What must be kept, and what may go: the store's side of retention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, func, not_, select

from screening.store import tables
from screening.store.database import Access

_JUDGED = tables.decisions.c
_RUN = tables.runs.c
_CASE = tables.cases.c
_APPEAL = tables.appeals.c


@dataclass(frozen=True, slots=True)
class Needed:
    """What open cases and open appeals are about. Nothing of it may be removed.

    `sources` are pairs of affiliate and offer (None: all of the affiliate's), `subjects` pairs of kind and subject.
    """

    sources: frozenset[tuple[str, str | None]]
    subjects: frozenset[tuple[str, str]]

    def named(self, *kinds: str) -> frozenset[str]:
        """Return the subjects of these kinds."""
        return frozenset(subject for kind, subject in self.subjects if kind in kinds)


class Retention:
    """Finds and removes what is kept no longer."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def needed(self) -> Needed:
        """Return what cases that are not closed and appeals that are not answered are about."""
        cases = select(_CASE.kind, _CASE.subject, _CASE.affiliate_id, _CASE.offer_id).where(_CASE.status != "closed")
        appeals = select(_APPEAL.kind, _APPEAL.subject, _APPEAL.affiliate_id).where(_APPEAL.status == "open")
        with self._access.reading() as connection:
            of_cases = [tuple(row) for row in connection.execute(cases)]
            of_appeals = [(*row, None) for row in connection.execute(appeals)]
        every = [*of_cases, *of_appeals]
        sources = frozenset((affiliate, offer) for _, _, affiliate, offer in every if affiliate is not None)
        return Needed(sources, frozenset((kind, subject) for kind, subject, _, _ in every))

    def superseded(self, before: datetime) -> int:
        """Count the decisions that `remove_superseded` would remove."""
        with self._access.reading() as connection:
            query = select(func.count()).select_from(tables.decisions).where(_superseded(before))
            return int(connection.execute(query).scalar_one())

    def remove_superseded(self, before: datetime) -> int:
        """Remove decisions of runs that ended before that moment and that a later run replaced; return how many.

        Kept are those of conversions that are held now, those that money was released on, and those of runs that an
        open case rests on.
        """
        with self._access.writing() as connection:
            return int(connection.execute(delete(tables.decisions).where(_superseded(before))).rowcount)


def _superseded(before: datetime) -> ColumnElement[bool]:
    later, newest, released = tables.decisions.alias(), tables.decisions.alias(), tables.ledger.c
    rests = select(_CASE.run_id).where(_CASE.status != "closed", _CASE.run_id.is_not(None))
    old = select(_RUN.run_key).where(_RUN.finished_at < before, _RUN.run_id.not_in(rests))
    replaced = exists().where(later.c.conversion_id == _JUDGED.conversion_id, later.c.run_key > _JUDGED.run_key)
    known, of_known = tables.decisions.alias(), tables.runs.alias()
    when_released = (
        select(func.max(known.c.run_key))
        .join(of_known, of_known.c.run_key == known.c.run_key)
        .where(known.c.conversion_id == released.conversion_id, of_known.c.finished_at <= released.released_at)
        .correlate(tables.ledger)
        .scalar_subquery()
    )
    paid_on = exists().where(released.conversion_id == _JUDGED.conversion_id, _JUDGED.run_key == when_released)
    last = select(func.max(newest.c.run_key)).where(newest.c.conversion_id == _JUDGED.conversion_id)
    state = tables.decisions.alias()
    held = exists().where(
        state.c.conversion_id == _JUDGED.conversion_id,
        state.c.run_key == last.correlate(tables.decisions).scalar_subquery(),
        state.c.decision == "hold",
    )
    return and_(_JUDGED.run_key.in_(old), replaced, not_(paid_on), not_(held))
