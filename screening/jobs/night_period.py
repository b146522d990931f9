"""Which days a night judges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from features.schema import Kind
from screening.settings.nightly import NightlySettings
from screening.store import RunRecord, Store
from screening.store.runs import COMPLETE, SCAN
from screening.traffic.lake import Snapshot


def night_period(snapshot: Snapshot, store: Store, night: date, settings: NightlySettings) -> tuple[date, date] | None:
    """Return the first and the last day that the night has to judge, None when there is nothing.

    The last is the newest day with events before the night's own, which is not over yet. The first is that after the
    last day judged, or an earlier one of which conversions came in late; and every `rejudge_every_days` the period
    reaches `rejudge_days` back, so that conversions that are not paid yet keep a recent judgement.
    """
    days = [day for kind in (Kind.CONVERSIONS, Kind.CLICKS) for day in snapshot.days(kind) if day < night]
    converted = [day for day in snapshot.days(Kind.CONVERSIONS) if day < night]
    if not converted:
        return None
    last = max(days)
    floor = max(last - timedelta(days=settings.rejudge_days - 1), converted[0])
    scans = [run for run in store.runs(SCAN) if run.status == COMPLETE and run.period_from and run.period_to]
    if _long_is_due(scans, floor, night, settings.rejudge_every_days):
        return floor, last
    # a scan of a day that was not over, as `winnow watch` makes, has judged whole days only up to the day before
    judged_to = max(min(run.period_to, run.started_at.date() - timedelta(days=1)) for run in scans if run.period_to)
    first = min([judged_to + timedelta(days=1), *_late_days(snapshot, store, floor, scans[0].lake_version or 0)])
    first = max(first, floor)
    return (first, last) if first <= last else None


def _long_is_due(scans: Sequence[RunRecord], floor: date, night: date, every_days: int) -> bool:
    reaching = [run for run in scans if run.period_from and run.period_from <= floor]
    return not any((night - run.started_at.date()).days < every_days for run in reaching)


def _late_days(snapshot: Snapshot, store: Store, floor: date, judged_version: int) -> list[date]:
    """Return the days since `floor` with conversions that came in after that lake version and were never judged."""
    new = [
        part
        for part in snapshot.select((Kind.CONVERSIONS,), floor)
        if part.version > judged_version and part.day is not None
    ]
    if not new:
        return []
    first, last = min(part.day for part in new if part.day), max(part.day for part in new if part.day)
    frame = snapshot.frame(Kind.CONVERSIONS, first, last).select("conversion_id", day=pl.col("ts").dt.date()).collect()
    judged = store.decisions_of(frame["conversion_id"])
    late = frame.join(judged.select("conversion_id"), on="conversion_id", how="anti")
    return sorted(late["day"].unique().to_list())
