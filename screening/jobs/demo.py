"""The job `demo`: a simulated programme goes through the jobs that a user would run, and the truth tells how they did.

What an earlier demo in the same workspace has done is found, not done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from features.schema import Kind
from screening.errors import WorkspaceError
from screening.jobs.demo_applicants import Applicants, screen_applicants
from screening.jobs.demo_people import Day, play_day
from screening.jobs.ingest import Ingested, Reading, ingest_files
from screening.jobs.payout import Gated, gate_payout
from screening.jobs.progress import Progress
from screening.jobs.scan import scan
from screening.simulate import demo_spec
from screening.simulate.lesson import Lesson, learn
from screening.simulate.practice import Practice, holds_practice, keep_practice
from screening.store import RunRecord, open_store
from screening.traffic.lake import Lake, Snapshot
from screening.workspace import Workspace

SEED = 22
"""Which simulated programme the demo shows: one with all kinds of offers and three currencies."""
FOLDER = "demo"
"""Where in the workspace the demo keeps its files."""
_ORDER = (Kind.AFFILIATES, Kind.CAPS, Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES)
"""Partners and clicks come before the conversions that name them."""
_DUE = ("pending", "approved")
"""Statuses of conversions that a network would ask to pay."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The scan of the demo, as the store has it. scanned: by this run; else an earlier demo's is shown."""

    run: RunRecord
    scanned: bool
    decisions: pl.DataFrame
    sources: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Demonstrated:
    """What a demo did or found. lake_rows: by kind of event that was simulated."""

    practice: Practice
    ingested: tuple[Ingested, ...]
    lake_version: int
    lake_rows: Mapping[Kind, int]
    applicants: Applicants
    judgement: Judgement
    payout_file: Path
    gated: Gated
    day: Day
    lesson: Lesson

    @property
    def incomplete(self) -> bool:
        """Something of the simulated events was set aside, which should not be."""
        return any(item.report.incomplete for item in self.ingested)


def run_demo(workspace: Workspace, now: datetime, progress: Progress) -> Demonstrated:
    """Take a simulated programme of the 35 days before today, or that of an earlier demo, through all jobs.

    Raises WorkspaceError when the workspace holds events of another origin, so that simulated ones never mix with them.
    """
    practice = _practise(workspace, now, progress)
    ingested = _ingest(workspace, practice, now, progress)
    applicants = screen_applicants(workspace, workspace.root / FOLDER / "applicants", now, progress)
    snapshot = Lake(workspace.lake).snapshot()
    judgement = _judge(workspace, snapshot, now, progress)
    payout_file = _write_due(snapshot, workspace.root / FOLDER / "payout")
    # the gate and people act when the scan is done, on what it has paid and held
    after = max(now, judgement.run.finished_at)
    gated = gate_payout(workspace, payout_file, payout_file.with_stem("payout-gated"), {}, after, progress)
    truth = practice.labels().select("conversion_id", "is_fraud")
    day = play_day(workspace, truth, gated, after, progress)
    rows = {kind: sum(part.rows for part in snapshot.select([kind])) for kind in practice.events}
    lesson = learn(practice.labels(), judgement.decisions)
    return Demonstrated(
        practice, ingested, snapshot.version, rows, applicants, judgement, payout_file, gated, day, lesson
    )  # fmt: skip


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


def _ingest(workspace: Workspace, practice: Practice, now: datetime, progress: Progress) -> tuple[Ingested, ...]:
    return tuple(
        ingest_files(workspace, kind, [practice.events[kind]], Reading(), now, _Named(progress, str(kind)))
        for kind in _ORDER
    )


def _judge(workspace: Workspace, snapshot: Snapshot, now: datetime, progress: Progress) -> Judgement:
    """Scan, unless the newest scan judged the lake as it is."""
    with open_store(workspace.store_url) as store:
        earlier = store.runs("scan")
    known = earlier[0] if earlier and earlier[0].lake_version == snapshot.version else None
    run = known or scan(workspace, (None, None), now, progress).run
    with open_store(workspace.store_url) as store:
        return Judgement(run, known is None, store.decisions(run.run_id), store.sources(run.run_id))


def _write_due(snapshot: Snapshot, folder: Path) -> Path:
    """Write the payout file that a network would send: what is due and not paid, in the order in which it locks."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "payout.csv"
    due = snapshot.frame(Kind.CONVERSIONS).filter(pl.col("status").is_in(_DUE)).sort("locks_at", "conversion_id")
    due.select("conversion_id", "affiliate_id", "offer_id", "payout", "currency").collect().write_csv(path)
    return path


@dataclass(frozen=True, slots=True)
class _Named:
    """Progress of one part of the demo, told under the part's name."""

    inner: Progress
    part: str

    def step(self, name: str, done: int, total: int | None) -> None:
        """Pass a step on."""
        self.inner.step(f"{name} {self.part}", done, total)
