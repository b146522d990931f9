"""The job `demo`: a simulated programme goes through the jobs that a user would run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.schema import Kind
from screening.errors import WorkspaceError
from screening.jobs.ingest import Ingested, Reading, ingest_files
from screening.jobs.progress import Progress
from screening.simulate import demo_spec
from screening.simulate.practice import Practice, holds_practice, keep_practice
from screening.traffic.lake import Lake
from screening.workspace import Workspace

SEED = 22
"""Which simulated programme the demo shows: one with all kinds of offers and three currencies."""
FOLDER = "demo"
"""Where in the workspace the demo keeps its files."""
_ORDER = (Kind.AFFILIATES, Kind.CAPS, Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES)
"""Partners and clicks come before the conversions that name them."""


@dataclass(frozen=True, slots=True)
class Demonstrated:
    """What a demo did."""

    practice: Practice
    ingested: tuple[Ingested, ...]
    lake_version: int
    lake_rows: Mapping[Kind, int]


def run_demo(workspace: Workspace, now: datetime, progress: Progress) -> Demonstrated:
    """Simulate a programme of the 35 days before today, or find the one of an earlier demo, and take it through.

    Raises WorkspaceError when the workspace holds events of another origin, so that simulated ones never mix with them.
    """
    practice = _practise(workspace, now, progress)
    ingested = tuple(_ingest(workspace, practice, now, progress))
    snapshot = Lake(workspace.lake).snapshot()
    rows = {kind: sum(part.rows for part in snapshot.select([kind])) for kind in practice.events}
    return Demonstrated(practice, ingested, snapshot.version, rows)


def _practise(workspace: Workspace, now: datetime, progress: Progress) -> Practice:
    folder = workspace.root / FOLDER
    if not holds_practice(folder) and Lake(workspace.lake).snapshot().parts:
        raise WorkspaceError(
            "This workspace holds events already, and simulated ones must not mix with them.",
            remedy="Give the demo a folder of its own: winnow demo --workspace demo-workspace",
            where=str(workspace.root),
        )
    progress.step("simulating", 0, 1)
    spec = demo_spec(now.date())
    practice = keep_practice(folder, demo_spec(now.date() - timedelta(days=spec.days)), SEED)
    progress.step("simulating", 1, 1)
    return practice


def _ingest(workspace: Workspace, practice: Practice, now: datetime, progress: Progress) -> list[Ingested]:
    return [
        ingest_files(workspace, kind, [practice.events[kind]], Reading(), now, _Named(progress, str(kind)))
        for kind in _ORDER
    ]


@dataclass(frozen=True, slots=True)
class _Named:
    """Progress of one part of the demo, told under the part's name."""

    inner: Progress
    part: str

    def step(self, name: str, done: int, total: int | None) -> None:
        """Pass a step on."""
        self.inner.step(f"{name} {self.part}", done, total)
