"""The job `review`: what waits for people, and bringing to them what nobody decided in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from screening.applicants.decide import UNSURE
from screening.jobs.outfile import new_file
from screening.review.appeals import open_appeals, overdue
from screening.review.expiry import ExpiredHold, bring_to_people
from screening.store import Appeal, Case, open_store
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for people: open cases, open appeals, and of these the overdue ones.

    Of the cases the next to lock come first, then those whose answers teach a judge most, then the others by age.
    """

    cases: tuple[Case, ...]
    appeals: tuple[Appeal, ...]
    overdue: tuple[Appeal, ...]
    expired: tuple[ExpiredHold, ...]

    @property
    def late(self) -> bool:
        """Something waits for longer than the settings allow."""
        return bool(self.overdue or self.expired)


def whats_waiting(workspace: Workspace, now: datetime, kind: str | None = None) -> Waiting:
    """Return what waits, after bringing expired holds to people; `kind` of cases, None: all.

    No hold is paid by age: each that is older than review.hold_days_max gets a case, or wakes the one there is.
    """
    with open_store(workspace.store_url) as store:
        expired = bring_to_people(store, now, workspace.settings.review)
        appeals = open_appeals(store)
        cases = sorted(store.cases.waiting(kind, now=now), key=_turn)
        return Waiting(tuple(cases), tuple(appeals), tuple(overdue(appeals, now)), tuple(expired))


def _turn(case: Case) -> tuple[bool, bool]:
    """Order cases that come by clock and age, which stays so among those of one turn."""
    return (case.due_at is None, case.due_at is None and UNSURE not in case.reasons)


def write_released(workspace: Workspace, out: Path) -> int:
    """Write what people released and no payout has paid yet as a payout file; return how many lines.

    The file is for `winnow payout gate`: a batch that was gated before keeps its answer, so what was held in it is paid
    through a new file.
    """
    with open_store(workspace.store_url) as store:
        waiting = store.verdicts.to_pay()
    lines = waiting.select("conversion_id", pl.col("amount").alias("payout"), "currency")
    with new_file(out) as draft:
        lines.write_csv(draft)
    return lines.height
