"""What ran, with which versions and settings, what it noticed, and the models that judge or wait."""

from __future__ import annotations

from dataclasses import dataclass

from screening.jobs.replay import Replayed, replay
from screening.store import ModelRecord, RunRecord, Store
from screening.store.browse_judged import RunTotal
from screening.store.browse_trail import RunRow
from screening.store.observations import Observation
from screening.workspace import Workspace

ROWS = 40
DIFFERENCES = 50
"""Differing decisions that are shown."""


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Runs, the newest first, and the models; `more` is the number to go on from, None at the end."""

    runs: tuple[RunRow, ...]
    more: int | None
    models: tuple[ModelRecord, ...]


@dataclass(frozen=True, slots=True)
class RunPage:
    """One run, what it decided in sum, and what it noticed."""

    run: RunRecord
    totals: tuple[RunTotal, ...]
    observations: tuple[Observation, ...]

    @property
    def decisions(self) -> tuple[str, ...]:
        """What was decided at all, in the order of the totals."""
        return tuple(dict.fromkeys(total.decision for total in self.totals))

    @property
    def money(self) -> tuple[tuple[str | None, dict[str, RunTotal]], ...]:
        """Return the totals as rows: each currency with its total of each decision."""
        rows: dict[str | None, dict[str, RunTotal]] = {}
        for total in self.totals:
            rows.setdefault(total.currency, {})[total.decision] = total
        return tuple(sorted(rows.items(), key=lambda row: row[0] or ""))


def runs_page(store: Store, command: str | None, below: int | None) -> RunsPage:
    """Return a page of runs: of a command, or all."""
    found = store.browse.trail.runs(ROWS + 1, command=command, below=below)
    more = found[ROWS - 1].number if len(found) > ROWS else None
    return RunsPage(found[:ROWS], more, tuple(store.models.all()))


def run_page(store: Store, run_id: str) -> RunPage:
    """Return one run. Raises InputError when there is none."""
    run = store.run(run_id)
    return RunPage(run, store.browse.judged.totals(run.run_id), tuple(store.observations.of_run(run.run_id)))


def replayed(workspace: Workspace, run_id: str) -> Replayed:
    """Run a past scan again and compare. Raises what jobs.replay raises."""
    return replay(workspace, run_id)
