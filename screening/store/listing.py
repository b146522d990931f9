"""Lists for other programs, and figures about the store's state. Every list follows an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, literal, select

from screening.errors import NotFoundError
from screening.store import tables
from screening.store.browse_judged import ScreeningRow, SourceRow, screening_row, source_row
from screening.store.cases import CLOSED
from screening.store.database import Access
from screening.store.keyset import Ordering, Page, Place, read_page
from screening.store.tables_letters import letters

_RUN, _SOURCE, _SCREENING = tables.runs.c, tables.sources.c, tables.screenings.c
_CASE, _LETTER = tables.cases.c, letters.c


@dataclass(frozen=True, slots=True)
class RunCount:
    """The runs of a command that ended alike: how many, when the last finished, and how long it took, in seconds."""

    command: str
    status: str
    runs: int
    last_finished: datetime
    last_seconds: float


@dataclass(frozen=True, slots=True)
class UntoldApplication:
    """An application that was decided, of which no letter tells. `evidence` is that of its newest screening.

    `key` is that of the letter that would tell it.
    """

    key: str
    application_id: str
    decision: str
    evidence: str | None


class Listing:
    """Lists of a store, a page at a time."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def sources(self, run_id: str, after: Place | None, size: int, *, flagged: bool | None) -> Page[SourceRow]:
        """Return sources of a run, the worst score first, unknown scores last; all, or those flagged or not.

        Raises NotFoundError when there is no such run.
        """
        query = select(tables.sources, _RUN.run_id, _RUN.finished_at).join(tables.runs, _RUN.run_key == _SOURCE.run_key)
        if flagged is not None:
            query = query.where(_SOURCE.flagged.is_(flagged))
        ordering = Ordering(_SOURCE.score, _SOURCE.source_id, largest_first=True)
        with self._access.reading() as connection:
            key = connection.scalar(select(_RUN.run_key).where(_RUN.run_id == run_id))
            if key is None:
                raise NotFoundError(f"The run {run_id!r} is not recorded.", remedy="GET /v1/runs lists them.")
            return read_page(connection, query.where(_SOURCE.run_key == key), ordering, (after, None), size, source_row)

    def screenings(self, after: str, size: int) -> Sequence[ScreeningRow]:
        """Return the newest screening of each application whose id sorts after `after`, by that id."""
        later = tables.screenings.alias()
        newest = select(func.max(later.c.run_key)).where(later.c.application_id == _SCREENING.application_id)
        query = (
            select(tables.screenings, _RUN.run_id, _RUN.finished_at)
            .join(tables.runs, _RUN.run_key == _SCREENING.run_key)
            .where(_SCREENING.application_id > after, _SCREENING.run_key == newest.scalar_subquery())
            .order_by(_SCREENING.application_id)
            .limit(size)
        )
        with self._access.reading() as connection:
            return [screening_row(row) for row in connection.execute(query)]

    def untold_applications(self, kind: str, decisions: Sequence[str]) -> Sequence[UntoldApplication]:
        """Return the applications decided in one of these ways, of which no letter tells, by their id.

        The decision is that of the case of this kind about the application (a case that is open decides nothing), or
        that of its newest screening where there never was a case. Those told of cost look-ups in indexes only.
        """
        later, same = tables.screenings.alias(), (_CASE.kind == kind, _CASE.subject == _SCREENING.application_id)
        newest = select(func.max(later.c.run_key)).where(later.c.application_id == _SCREENING.application_id)
        last_case = select(_CASE.case_id).where(*same).order_by(_CASE.status == CLOSED, _CASE.case_id.desc()).limit(1)
        by_person = tables.cases.alias()
        decision = case((by_person.c.case_id.is_(None), _SCREENING.decision), else_=by_person.c.decision)
        key = literal(f"{kind}:") + _SCREENING.application_id + ":" + decision
        told = select(_LETTER.letter_id).where(_LETTER.key == key)
        query = (
            select(key, _SCREENING.application_id, decision, _SCREENING.evidence)
            .select_from(tables.screenings)
            .outerjoin(by_person, by_person.c.case_id == last_case.scalar_subquery())
            .where(_SCREENING.run_key == newest.scalar_subquery(), decision.in_(decisions), ~told.exists())
            .order_by(_SCREENING.application_id)
        )
        with self._access.reading() as connection:
            return [UntoldApplication(*row) for row in connection.execute(query)]

    def run_counts(self) -> list[RunCount]:
        """Count the runs of each command and status."""
        grouped = select(_RUN.command, _RUN.status, func.count(), func.max(_RUN.run_key)).group_by(
            _RUN.command, _RUN.status
        )
        with self._access.reading() as connection:
            found = connection.execute(grouped).all()
            last = select(_RUN.run_key, _RUN.started_at, _RUN.finished_at).where(
                _RUN.run_key.in_([row[3] for row in found])
            )
            times = {row.run_key: (row.started_at, row.finished_at) for row in connection.execute(last)}
        return [
            RunCount(command, status, runs, times[key][1], (times[key][1] - times[key][0]).total_seconds())
            for command, status, runs, key in found
        ]

    def answering(self) -> bool:
        """Ask the database for something small; whatever keeps it from answering is raised."""
        with self._access.reading() as connection:
            return connection.scalar(select(func.count()).select_from(tables.audit_head)) == 1
