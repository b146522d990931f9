"""Run a past scan again from what was stored, and say whether it comes out the same."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from screening.errors import InputError, IntegrityError
from screening.jobs.scan import judged_again
from screening.store import RunRecord, open_store
from screening.traffic.lake import Lake, Part, Snapshot, file_digest
from screening.traffic.lakepurge import purged_at
from screening.traffic.lists import load_book
from screening.workspace import Workspace

_COMPARED = ("decision", "reasons", "missing", "payout", "currency", "affiliate_id", "offer_id", "sub_id", "ts")
_TOLERANCE = 1e-9
"""Scores may differ by this much: sums of floats depend on the order in which threads add them."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay compares.

    `inputs` names parts of the lake, lists or the program that are not what the run used; `differing` has
    conversion_id, column, then and now for every decision that differs. Both empty: identical.
    """

    run: RunRecord
    inputs: tuple[str, ...]
    differing: pl.DataFrame
    compared: int

    @property
    def identical(self) -> bool:
        """True when every input and every decision is the same."""
        return not self.inputs and self.differing.is_empty()


def replay(workspace: Workspace, run_id: str) -> Replayed:
    """Replay a scan.

    Raises InputError when there is no such run or the retention rules took what it read, IntegrityError when its
    events are gone for another reason.
    """
    with open_store(workspace.store_url) as store:
        run = store.run(run_id)
        stored = store.decisions(run.run_id)
    if stored.height < run.counts.get("conversions", 0):
        gone = run.counts["conversions"] - stored.height
        raise _purged(run, f"{gone} of its decisions, which later scans replaced, were removed")
    lake = Lake(workspace.lake)
    snapshot = lake.snapshot(run.lake_version)
    changed = _changed_parts(lake, snapshot, run) + _changed_versions(workspace, run)
    again = judged_again(workspace, run, snapshot).decisions
    return Replayed(run, tuple(changed), _differences(stored, again), stored.height)


def _purged(run: RunRecord, what: str) -> InputError:
    return InputError(
        f"The run cannot be replayed: {what} under the retention rules.",
        remedy="What it decided stays recorded. Keep what is replayed for longer: see `retention` in config.yaml.",
        where=run.run_id,
    )


def _changed_parts(lake: Lake, snapshot: Snapshot, run: RunRecord) -> list[str]:
    parts: dict[str, Part] = {part.path: part for part in snapshot.parts}
    changed = []
    for path, digest in sorted(run.inputs.items()):
        file = snapshot.file(path)
        if not file.is_file() and (when := purged_at(lake, path)) is not None:
            raise _purged(run, f"events that it read lost their personal details on {when[:10]}")
        if path not in parts or not file.is_file():
            raise IntegrityError(
                "Events that the run judged are gone.", remedy="Restore them from a backup.", where=str(file)
            )
        if file_digest(file) != digest:
            changed.append(f"{path} is not what the run read")
    return changed


def _changed_versions(workspace: Workspace, run: RunRecord) -> list[str]:
    _, _, lists = load_book(workspace.folder("lists"))
    then = {name: text for name, text in run.versions.items() if name not in ("winnow", "model")}
    names = sorted({*then, *lists})
    return [
        f"list {name}: then {then.get(name, 'absent')}, now {lists.get(name, 'absent')}"
        for name in names
        if then.get(name) != lists.get(name)
    ]


def _differences(then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    both = then.join(now, on="conversion_id", how="full", suffix="_now", coalesce=True)
    found = []
    for column in (*_COMPARED, "score", "p_value"):
        before, after = both[column], both[f"{column}_now"]
        same = before.eq_missing(after)
        if before.dtype.is_float():
            same = (same | ((before - after).abs() <= _TOLERANCE)).fill_null(value=False)
        rows = both.filter(~same)
        found.append(
            rows.select(
                "conversion_id", column=pl.lit(column), then=_text(rows[column]), now=_text(rows[f"{column}_now"])
            )
        )
    return pl.concat(found).sort("conversion_id", "column")


def _text(values: pl.Series) -> pl.Series:
    return pl.Series(values.name, ["unknown" if value is None else str(value) for value in values], dtype=pl.String)
