"""Run a past scan again from what was stored, and say whether it comes out the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from screening.errors import InputError, IntegrityError
from screening.jobs.caps import caps_again
from screening.jobs.scan import judged_again
from screening.store import RunRecord, open_store
from screening.traffic.lake import Lake, Part, Snapshot, file_digest
from screening.traffic.lakepurge import purged_at
from screening.traffic.lists import load_book
from screening.workspace import Workspace

_DECISION = ("conversion_id",)
_COMPARED = ("decision", "reasons", "missing", "payout", "currency", "affiliate_id", "offer_id", "sub_id", "ts")
_SCORES = ("score", "p_value")
_CAP = ("offer_id", "affiliate_id", "cap_type")
_ADVICE = ("action", "current", "recommended", "reasons", "currency", "expires_at")
_EFFECTS = ("expected_saving", "saving_low", "saving_high", "expected_cost", "cost_low", "cost_high")
_TOLERANCE = 1e-9
"""Scores may differ by this much: sums of floats depend on the order in which threads add them."""
_CENT = 0.0101
"""Effects may differ by a cent, to which they are rounded, for the same cause."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay compares.

    `inputs` names parts of the lake, lists or the program that are not what the run used; `differing` has
    conversion_id, column, then and now for every decision that differs, `caps_differing` offer_id, affiliate_id,
    cap_type, column, then and now for every recommendation. All empty: identical.
    """

    run: RunRecord
    inputs: tuple[str, ...]
    differing: pl.DataFrame
    compared: int
    caps_differing: pl.DataFrame
    caps_compared: int

    @property
    def identical(self) -> bool:
        """True when every input, every decision and every recommendation is the same."""
        return not self.inputs and self.differing.is_empty() and self.caps_differing.is_empty()


def replay(workspace: Workspace, run_id: str) -> Replayed:
    """Replay a scan.

    Raises InputError when there is no such run or the retention rules took what it read, IntegrityError when its
    events are gone for another reason.
    """
    with open_store(workspace.store_url) as store:
        run = store.run(run_id)
        stored, advised = store.decisions(run.run_id), store.caps(run.run_id)
        if stored.height < run.counts.get("conversions", 0):
            gone = run.counts["conversions"] - stored.height
            raise _purged(run, f"{gone} of its decisions, which later scans replaced, were removed")
        lake = Lake(workspace.lake)
        snapshot = lake.snapshot(run.lake_version)
        changed = _changed_parts(lake, snapshot, run) + _changed_versions(workspace, run)
        again = judged_again(workspace, run, snapshot)
        caps = caps_again(snapshot, store, again.sources, run, workspace.settings.caps)
    return Replayed(
        run=run,
        inputs=tuple(changed),
        differing=_differences(stored, again.decisions, _DECISION, _COMPARED, dict.fromkeys(_SCORES, _TOLERANCE)),
        compared=stored.height,
        caps_differing=_differences(advised, caps, _CAP, _ADVICE, dict.fromkeys(_EFFECTS, _CENT)),
        caps_compared=advised.height,
    )


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


def _differences(
    then: pl.DataFrame, now: pl.DataFrame, key: Sequence[str], columns: Sequence[str], about: Mapping[str, float]
) -> pl.DataFrame:
    """Return what differs. `columns` must be equal, those in `about` only by no more than the number there."""
    marked = [frame.with_columns(there=pl.lit("yes")) for frame in (then, now)]
    both = marked[0].join(marked[1], on=key, how="full", suffix="_now", coalesce=True, nulls_equal=True)
    found = []
    for column in ("there", *columns, *about):
        before, after = both[column], both[f"{column}_now"]
        same = before.eq_missing(after)
        if column in about:
            near = (before.cast(pl.Float64) - after.cast(pl.Float64)).abs() <= about[column]
            same = (same | near).fill_null(value=False)
        rows = both.filter(~same)
        found.append(
            rows.select(*key, column=pl.lit(column), then=_text(rows[column]), now=_text(rows[f"{column}_now"]))
        )
    return pl.concat(found).sort(*key, "column")


def _text(values: pl.Series) -> pl.Series:
    return pl.Series(values.name, ["unknown" if value is None else str(value) for value in values], dtype=pl.String)
