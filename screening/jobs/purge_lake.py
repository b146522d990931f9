"""What a purge does in the lake: who still needs the details of old events, and taking them from all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from features.schema import Kind
from screening.jobs.progress import Progress
from screening.store import Store
from screening.traffic.lake import Lake, Snapshot
from screening.traffic.lakepurge import Blanking, Keep, blank, blanking, candidates, remove_files, replaced_files
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class LakePurge:
    """What there is to do in a lake: `plans` by kind, and the files `replaced` by now, with their sizes in bytes."""

    lake: Lake
    before: Mapping[Kind, date]
    plans: Mapping[Kind, Blanking]
    keep: Mapping[Kind, Keep]
    replaced: tuple[tuple[str, int], ...]

    def work(self, now: datetime, progress: Progress) -> None:
        """Blank what is planned, all in one version, and remove the files of old parts that no version needs now."""
        if any(plan.fresh or plan.rows for plan in self.plans.values()):
            pairs = [(plan, self.keep[kind]) for kind, plan in self.plans.items()]
            blank(self.lake, pairs, now, lambda who: progress.step(who, 0, None))
        gone = [path for path, _ in replaced_files(self.lake, self.lake.snapshot(), self.before)]
        if gone:
            remove_files(self.lake, gone)


def lake_purge(workspace: Workspace, store: Store, now: datetime) -> LakePurge:
    """Find what there is to do. Raises IntegrityError when a part that would be written anew is damaged."""
    retention = workspace.settings.retention
    lake = Lake(workspace.lake)
    snapshot = lake.snapshot()
    before = {
        Kind.CLICKS: (now - timedelta(days=retention.click_details_days)).date(),
        Kind.CONVERSIONS: (now - timedelta(days=retention.conversion_details_days)).date(),
    }
    sources = _sources(store)
    days = {part.day for kind, day in before.items() for part in candidates(snapshot, kind, day) if part.day}
    held = _held(snapshot, store, days, workspace.settings.decisions.attribution_window_days)
    keep = {
        Kind.CLICKS: Keep(sources, held["click_id"].drop_nulls()),
        Kind.CONVERSIONS: Keep(sources, held["conversion_id"]),
    }
    plans = {kind: blanking(snapshot, kind, day, keep[kind]) for kind, day in before.items()}
    return LakePurge(lake, before, plans, keep, tuple(replaced_files(lake, snapshot, before)))


def _sources(store: Store) -> pl.DataFrame:
    needed = sorted(store.retention.needed().sources, key=lambda pair: (pair[0], pair[1] or ""))
    return pl.DataFrame(needed, schema={"affiliate_id": pl.String, "offer_id": pl.String}, orient="row")


def _held(snapshot: Snapshot, store: Store, days: Iterable[date], attribution_days: int) -> pl.DataFrame:
    """Return conversion_id and click_id of conversions that are held and were not paid.

    They are those of the given days, and those that a click of these days may have led to.
    """
    wanted = sorted({day + timedelta(days=later) for day in days for later in range(attribution_days + 1)})
    if not wanted:
        return pl.DataFrame(schema={"conversion_id": pl.String, "click_id": pl.String})
    frame = snapshot.frame(Kind.CONVERSIONS, wanted[0], wanted[-1])
    dated = frame.filter(pl.col("ts").dt.date().is_in(wanted)).select("conversion_id", "click_id").collect()
    judged = store.decisions_of(dated["conversion_id"]).select("conversion_id", "decision")
    paid = store.ledger.released(dated["conversion_id"]).select("conversion_id")
    return (
        dated.join(judged, on="conversion_id", how="inner")
        .filter(pl.col("decision") == "hold")
        .join(paid, on="conversion_id", how="anti")
        .select("conversion_id", "click_id")
    )
