"""Payout batches: what each released, held and refused, and its ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from screening.errors import InputError, NotFoundError
from screening.jobs.payout import gate_payout
from screening.jobs.progress import Progress
from screening.jobs.views.today import batch_totals
from screening.store import Store
from screening.store.browse_trail import ReleaseRow, RunRow
from screening.workspace import Workspace

ROWS = 25
_RELEASES = 100
_FOLDER = "batches"
_KEPT = "reports/"
"""Where the gate keeps its answers, below the workspace, as a run names it among its inputs."""
_SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class BatchTotal:
    """The lines of a batch of one decision and currency."""

    decision: str
    currency: str | None
    lines: int
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: its run, its totals, and the file of answers when it was uploaded here (None: gated elsewhere).

    `reasons` counts the lines that were held or rejected by reason code, the most first; a line may have several.
    """

    run: RunRow
    totals: tuple[BatchTotal, ...]
    batch_id: str
    answer: Path | None
    releases: tuple[ReleaseRow, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()


def batches(workspace: Workspace, store: Store, below: int | None) -> tuple[Batch, ...]:
    """Return the batches, the newest first, those numbered below `below`."""
    return tuple(_batch(workspace, store, run) for run in store.browse.trail.runs(ROWS, command="payout", below=below))


def batch(workspace: Workspace, store: Store, run_id: str, after: str) -> Batch:
    """Return one batch with some of its releases, those after `after`. Raises NotFoundError when there is none."""
    run = store.browse.trail.run(run_id)
    if run is None or run.command != "payout":
        raise NotFoundError(f"There is no payout batch {run_id!r}.", remedy="Choose one of the list.", where="batch")
    found = _batch(workspace, store, run)
    releases = store.browse.trail.releases(found.batch_id, _RELEASES, after)
    return replace(found, releases=releases, reasons=_reasons(workspace, store, run_id))


def gate_upload(workspace: Workspace, name: str, content: bytes, now: datetime, progress: Progress) -> str:
    """Gate an uploaded payout file and return the run_id. Raises InputError when the file cannot be used.

    The file's own name is used for its suffix only; the answer is kept for the download.
    """
    suffix = Path(name.replace("\\", "/")).suffix.lower()
    if suffix not in _SUFFIXES:
        raise InputError("The file is neither CSV nor Parquet.", remedy="Upload a .csv or a .parquet.", where="file")
    folder = _folder(workspace)
    given = folder / f"upload-{now:%Y%m%dT%H%M%S%f}{suffix}"
    out = folder / f"answer-{now:%Y%m%dT%H%M%S%f}{suffix}"
    given.write_bytes(content)
    try:
        gated = gate_payout(workspace, given, out, {}, now, progress)
        out.replace(folder / f"{gated.run_id}{suffix}")
    finally:
        given.unlink(missing_ok=True)
        out.unlink(missing_ok=True)
    return gated.run_id


def _reasons(workspace: Workspace, store: Store, run_id: str) -> tuple[tuple[str, int], ...]:
    """Count the reasons of a batch in the answer that the gate kept; empty for a batch of the API, which keeps none."""
    kept = [workspace.root / name for name in store.run(run_id).inputs if name.startswith(_KEPT)]
    if not kept or not kept[0].is_file():
        return ()
    codes = (
        pl.scan_parquet(kept[0]).filter(pl.col("decision") != "pay").select(pl.col("reasons").explode()).drop_nulls()
    )
    counted = codes.group_by("reasons").len().sort("len", "reasons", descending=[True, False]).collect()
    return tuple((str(code), int(count)) for code, count in counted.iter_rows())


def _folder(workspace: Workspace) -> Path:
    folder = workspace.folder("reports") / _FOLDER
    folder.mkdir(exist_ok=True)
    return folder


def _batch(workspace: Workspace, store: Store, run: RunRow) -> Batch:
    events = store.browse.trail.trail(1, subject=f"run {run.run_id}")
    batch_id = str(events[0].details.get("batch_id", "")) if events else ""
    found = (_folder(workspace) / f"{run.run_id}{suffix}" for suffix in _SUFFIXES)
    answer = next((path for path in found if path.is_file()), None)
    return Batch(run, tuple(_total(total) for total in batch_totals(store, run.run_id)), batch_id, answer)


def _total(said: Mapping[str, Any]) -> BatchTotal:
    amount = said.get("amount")
    return BatchTotal(
        str(said["decision"]),
        said.get("currency"),
        int(said.get("lines", 0)),
        None if amount in (None, "None") else Decimal(str(amount)),
    )
