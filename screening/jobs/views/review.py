"""The queues: what waits for a person, row by row, with what they need to choose the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from screening.errors import IntegrityError
from screening.jobs.views.dossiers import dossier_of
from screening.jobs.views.reasons import title_of
from screening.jobs.views.source import name_of_case
from screening.store import Case, Store
from screening.store.browse_cases import CaseFilter, CaseOrder
from screening.store.browse_judged import SourceName
from screening.store.browse_trail import SavedView
from screening.store.keyset import Page, Place
from screening.workspace import Workspace

ROWS = 25
"""Cases on a page of a queue."""
_REASONS = 3
"""Reasons named in a row."""
UNREADABLE = "evidence cannot be read"


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A case in a queue. `title` and `note` may hold what an applicant wrote.

    `points` are those of the scorecard; `bad_share` is the interval of a source's bad share, low and high, 0-1. None:
    not known. `more` counts the reasons that are not named.
    """

    case: Case
    title: str
    note: str
    source: SourceName | None
    points: float | None
    advice: str | None
    bad_share: tuple[float, float] | None
    reasons: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of a queue, the person's saved views, and everybody to whom a case can be given."""

    page: Page[QueueRow]
    views: tuple[SavedView, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a queue was asked for, as its address says it. None: whatever it is. `days`: at least so old."""

    kind: str
    status: str = "open"
    order: CaseOrder = CaseOrder.MONEY
    offer: str | None = None
    affiliate: str | None = None
    reason: str | None = None
    assignee: str | None = None
    days: int | None = None

    def filter(self, now: datetime) -> CaseFilter:
        """Return it as the store asks."""
        before = None if self.days is None else now - timedelta(days=self.days)
        return CaseFilter(
            kind=self.kind,
            now=now,
            status=self.status,
            offer_id=self.offer,
            affiliate_id=self.affiliate,
            reason=self.reason,
            assignee=self.assignee,
            opened_before=before,
        )


def queue(
    workspace: Workspace,
    store: Store,
    asked: Asked,
    start: tuple[Place | None, Place | None],
    person: tuple[str, datetime],
) -> Queue:
    """Return a page of the queue; `person` is who looks and when."""
    name, now = person
    page = store.browse.cases.page(asked.filter(now), asked.order, start, ROWS)
    rows = tuple(_source_row(store, case) if case.kind == "source" else case_row(case) for case in page.rows)
    if asked.kind in ("application", "affiliate"):
        rows = _with_dossiers(workspace, store, rows)
    people = tuple(user.name for user in store.users.all() if user.active)
    return Queue(Page(rows, page.before, page.after), store.browse.trail.views(name, asked.kind), people)


def case_row(case: Case) -> QueueRow:
    """Return a case as a row with what it knows itself."""
    named = tuple(title_of(code) for code in case.reasons[:_REASONS])
    return QueueRow(case, case.subject, "", None, None, None, None, named, max(0, len(case.reasons) - _REASONS))


def _source_row(store: Store, case: Case) -> QueueRow:
    name = name_of_case(case)
    source = store.browse.judged.source(name)
    share = None
    if source is not None and source.bad_share_low is not None and source.bad_share_high is not None:
        share = (source.bad_share_low, source.bad_share_high)
    title = f"{name.affiliate_id} / {name.sub_id or 'no sub id'}"
    return replace(case_row(case), title=title, note=f"offer {name.offer_id}", source=name, bad_share=share)


def _with_dossiers(workspace: Workspace, store: Store, rows: tuple[QueueRow, ...]) -> tuple[QueueRow, ...]:
    screened = store.browse.judged.screenings(tuple(row.case.subject for row in rows))
    found = []
    for row in rows:
        screening = screened.get(row.case.subject)
        try:
            dossier = dossier_of(workspace, screening.evidence) if screening else None
        except IntegrityError:
            found.append(replace(row, note=UNREADABLE))
            continue
        if dossier is None:
            found.append(row)
            continue
        application = dossier["application"]
        sites = ", ".join(site["site"] for site in dossier["sites"])
        found.append(
            replace(
                row,
                title=application["name"] or row.case.subject,
                note=sites or application["email"] or "",
                points=dossier["points"],
                advice=dossier["advice"],
            )
        )
    return tuple(found)
