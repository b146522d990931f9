"""The job `pull`: take the events of the networks that the settings name into the lake, since the last pull.

A pull can be killed and done again: what is in the lake already is recognised, and the mark of how far it came moves
only after the events are in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from features.schema import Kind
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import Progress
from screening.networks import everflow
from screening.networks.choose import everflow_of
from screening.networks.everflow import Everflow
from screening.settings.networks import EverflowSettings
from screening.store import Store, open_store
from screening.workspace import Workspace

_FOLDER = "pulled"
_EVENTS = (Kind.CLICKS, Kind.CONVERSIONS)
"""Clicks come first, so that a conversion finds its click."""


@dataclass(frozen=True, slots=True)
class PulledKind:
    """What came of one kind from one network: rows that it gave, and of them new, revised and set aside ones.

    `since` and `until` bound the period, None: what holds now.
    """

    network: str
    kind: Kind
    since: datetime | None
    until: datetime | None
    rows: int
    taken: int
    revised: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought, by network and kind; empty when no network is set to be pulled from."""

    kinds: tuple[PulledKind, ...]

    @property
    def incomplete(self) -> bool:
        """Rows were set aside."""
        return any(kind.quarantined for kind in self.kinds)


def pull(workspace: Workspace, now: datetime, progress: Progress) -> Pulled:
    """Take in what happened since the last pull, and the caps that hold now.

    Raises SettingsError without an API key, UnavailableError when a network does not answer, BusyError when another
    process writes the lake. What was taken in before that stays, and the next pull goes on from there.
    """
    settings = workspace.settings.networks.everflow
    if not settings.pull:
        return Pulled(())
    network = everflow_of(settings, workspace.root, os.environ)
    with open_store(workspace.store_url) as store:
        work = _Pull(workspace, store, network, now, progress)
        return Pulled((*(work.events(kind, settings) for kind in _EVENTS), work.caps()))


@dataclass(frozen=True, slots=True)
class _Pull:
    workspace: Workspace
    store: Store
    network: Everflow
    now: datetime
    progress: Progress

    def events(self, kind: Kind, settings: EverflowSettings) -> PulledKind:
        until = self.now.replace(microsecond=0)
        since = _since(self.store, kind, settings, until)
        pages = self.network.pull(kind, since, until)
        pulled = self._take(kind, pages, Reading(profile=everflow.NAME), (since, until))
        self.store.pushes.move_cursor(everflow.NAME, str(kind), until, self.now)
        return pulled

    def caps(self) -> PulledKind:
        return self._take(Kind.CAPS, [self.network.caps()], Reading(), (None, None))

    def _take(
        self,
        kind: Kind,
        pages: Iterable[list[dict[str, Any]]],
        reading: Reading,
        period: tuple[datetime | None, datetime | None],
    ) -> PulledKind:
        name = f"{everflow.NAME}-{kind}-{self.now:%Y%m%dT%H%M%SZ}.jsonl"
        with TemporaryDirectory(dir=self.workspace.folder(_FOLDER)) as folder:
            path = Path(folder) / name
            rows = self._write(kind, pages, path)
            if not rows:
                return PulledKind(everflow.NAME, kind, *period, rows=0, taken=0, revised=0, quarantined=0)
            report = ingest_files(self.workspace, kind, [path], reading, self.now, self.progress).report
        for refused in report.refused:
            if refused.error is not None:
                raise refused.error
        totals = report.totals()
        return PulledKind(
            everflow.NAME,
            kind,
            *period,
            rows=rows,
            taken=totals["taken"],
            revised=totals["revised"],
            quarantined=totals["quarantined"],
        )

    def _write(self, kind: Kind, pages: Iterable[list[dict[str, Any]]], path: Path) -> int:
        """Write the rows as JSON lines, a page at a time, so that memory stays bounded."""
        rows = 0
        with path.open("w", encoding="utf-8") as lines:
            for page in pages:
                lines.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in page)
                rows += len(page)
                self.progress.step(f"pull {kind}", rows, None)
        return rows


def _since(store: Store, kind: Kind, settings: EverflowSettings, until: datetime) -> datetime:
    before = store.pushes.cursor(everflow.NAME, str(kind))
    if before is None:
        return until - timedelta(days=settings.first_days)
    hours = settings.overlap_clicks_hours if kind == Kind.CLICKS else settings.overlap_hours
    return before - timedelta(hours=hours)
