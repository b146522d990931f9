"""The past as it was when it was decided, with what is known today of how it ended.

For one moment after another (every `every` days) conversions of the days before it are gathered as a scan of that
moment would have seen them: no event and no outcome from later is in their features.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from features.schema import BAD_OUTCOMES, Kind
from features.windows import day_number
from models.outcomes import AGE, CERTAIN, DELAY, LABEL
from screening.traffic.gather import Books, Period, gather
from screening.traffic.lake import Snapshot

_DAY = 86_400_000_000
"""Microseconds."""
SAID_CLEAN, SAID_FRAUD = "clean", "fraud"


@dataclass(frozen=True, slots=True)
class Past:
    """What to look back at: the days from `first` to `last`, at a moment every `every` days, known by `now`."""

    first: date
    last: date
    every: int
    now: datetime


def as_decided(snapshot: Snapshot, past: Past, books: Books, rollups: Path, labels: pl.DataFrame) -> pl.DataFrame:
    """Return the matrix rows of the past, each as at its moment, with the columns that outcomes judges learn from.

    `labels` has conversion_id and label (`fraud` or `clean`): what people said, which counts before outcomes.
    """
    ends = [past.last - timedelta(days=past.every * back) for back in range((past.last - past.first).days + 1)]
    parts = []
    for end in sorted(end for end in ends if end >= past.first):
        period = Period(max(past.first, end - timedelta(days=past.every - 1)), end)
        moment = datetime.combine(end + timedelta(days=1), time(), UTC)
        matrix = gather(snapshot, period, books, rollups, moment).prepared.matrix
        parts.append(matrix.filter(pl.col("day").is_between(day_number(period.first), day_number(end))))
    return with_endings(pl.concat(parts), _bad(snapshot, past.now), labels, past.now)


def with_endings(matrix: pl.DataFrame, bad: pl.DataFrame, labels: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Add to matrix rows what is known of their end: `LABEL`, `AGE`, `CERTAIN` and `DELAY`.

    `bad` has conversion_id and bad_us, when a bad outcome became known (microseconds since 1970).
    """
    today = round(now.timestamp() * 1_000_000)
    said = labels.unique("conversion_id", keep="last").select("conversion_id", "label")
    rows = matrix.join(bad, on="conversion_id", how="left", maintain_order="left")
    rows = rows.join(said, on="conversion_id", how="left", maintain_order="left")
    certain = pl.col("label").is_not_null()
    ended = pl.when(certain).then(pl.col("label") == SAID_FRAUD).otherwise(pl.col("bad_us").is_not_null())
    waited = (pl.col("bad_us") - pl.col("ts_us")).clip(lower_bound=0) / _DAY
    return rows.with_columns(
        ended.cast(pl.Int64).alias(LABEL),
        ((today - pl.col("ts_us")) / _DAY).alias(AGE),
        certain.alias(CERTAIN),
        waited.alias(DELAY),
    ).drop("bad_us", "label")


def _bad(snapshot: Snapshot, now: datetime) -> pl.DataFrame:
    outcomes = snapshot.frame(Kind.OUTCOMES).filter((pl.col("ts") <= now) & pl.col("outcome").is_in(list(BAD_OUTCOMES)))
    return outcomes.group_by("conversion_id").agg(bad_us=pl.col("ts").dt.epoch("us").min()).collect()
