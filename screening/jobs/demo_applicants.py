"""The applicants of the demo: a small farm of simulated sites on this machine, screened as real ones would be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from features.schema import Kind
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import Progress
from screening.jobs.screen import COMMAND, screen_file
from screening.settings import Loaded, Settings
from screening.simulate.farm import Farm, running_farm, small_farm
from screening.store import open_store
from screening.workspace import Workspace

SEED = 7
"""Which simulated farm the demo shows."""
_PATIENCE: Mapping[str, Mapping[str, float]] = {
    "site": {"delay_seconds": 0.02, "seconds": 10},
    "fetch": {"silence_seconds": 2, "total_seconds": 4},
}
"""Seconds. The farm is this machine's own: the crawl need not spare it, and its slow servers are never worth a wait."""
_APPLICATION_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Applicants:
    """The screening in the demo. screened: by this run; else an earlier demo's is shown. screenings: the store's."""

    run_id: str
    screened: bool
    screenings: pl.DataFrame

    @property
    def counts(self) -> dict[str, int]:
        """Number of applications by decision."""
        found = dict(self.screenings["decision"].value_counts().iter_rows())
        return {decision: found.get(decision, 0) for decision in ("approve", "review", "reject")}

    @property
    def example(self) -> Mapping[str, Any]:
        """The screening that a reader should open first: of the worst decision, the one with most reasons."""
        severity = pl.col("decision").replace_strict({"approve": 0, "review": 1, "reject": 2})
        order = self.screenings.sort(
            severity, pl.col("reasons").list.len(), "application_id", descending=[True, True, False]
        )
        return order.row(0, named=True)


def screen_applicants(workspace: Workspace, folder: Path, now: datetime, progress: Progress) -> Applicants:
    """Screen the farm's applications, unless an earlier demo in this workspace did."""
    run_id = _screened_before(workspace)
    screened = run_id is None
    if run_id is None:
        with running_farm(small_farm(SEED)) as farm:
            run_id = _screen(workspace, folder, farm, now, progress)
    with open_store(workspace.store_url) as store:
        return Applicants(run_id, screened, store.screenings(run_id))


def _screened_before(workspace: Workspace) -> str | None:
    with open_store(workspace.store_url) as store:
        runs = store.runs(COMMAND)
    return runs[0].run_id if runs else None


def _screen(workspace: Workspace, folder: Path, farm: Farm, now: datetime, progress: Progress) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    banned = _write_lines(folder / "affiliates.jsonl", farm.affiliates)
    ingest_files(workspace, Kind.AFFILIATES, [banned], Reading(), now, progress)
    applications = _write_lines(folder / "applications.jsonl", farm.applications)
    return screen_file(_opened_for(workspace, folder, farm), applications, now, progress).run_id


def _opened_for(workspace: Workspace, folder: Path, farm: Farm) -> Workspace:
    """Return the workspace as it is while the farm runs: its crawl may reach this machine, and only for that long."""
    (folder / "hosts").write_text(farm.hosts, encoding="utf-8")
    (folder / "policy.json").write_text(json.dumps(farm.policy, indent=2), encoding="utf-8")
    tree = workspace.settings.model_dump()
    crawl = tree["crawl"]
    crawl.update(
        hosts=str(folder / "hosts"),
        allow_networks=[farm.network],
        allow_ports=[farm.port],
        application_seconds=_APPLICATION_SECONDS,
    )
    for section, values in _PATIENCE.items():
        crawl[section].update(values)
    tree["policy"]["file"] = str(folder / "policy.json")
    return Workspace(workspace.root, Loaded(Settings.model_validate(tree), workspace.loaded.sources))


def _write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(dict(record))}\n" for record in records), encoding="utf-8")
    return path
