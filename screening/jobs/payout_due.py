"""Whether anything is still to be paid for a conversion, by what the lake says of it at the moment of payment."""

from __future__ import annotations

import polars as pl

from features.schema import Kind
from screening.traffic.lake import Lake, Snapshot

_SETTLED = ("void", "rejected", "paid")
"""Statuses of a conversion at the network with which nothing is to be paid any more."""
_REVERSED = ("void", "refund", "chargeback", "confirmed_fraud")
"""Outcomes after which nothing is to be paid; one that the scan, or the person who released it, had not seen."""


def statuses(snapshot: Snapshot) -> pl.LazyFrame:
    """Return conversion_id and status of every conversion that was reported."""
    return snapshot.frame(Kind.CONVERSIONS).select("conversion_id", "status")


def reversals(snapshot: Snapshot) -> pl.LazyFrame:
    """Return conversion_id and `reversed_at`, the time of its last outcome after which nothing is to be paid."""
    outcomes = snapshot.frame(Kind.OUTCOMES).filter(pl.col("outcome").is_in(_REVERSED))
    return outcomes.group_by("conversion_id").agg(reversed_at=pl.col("ts").max())


def closed() -> pl.Expr:
    """Tell rows for which nothing is due: of `status`, `reversed_at` and `cleared_at` (when a person released it).

    A status may be the rejection that the person who released it has overruled; a later outcome is not. Never null.
    """
    by_nobody = pl.col("cleared_at").is_null()
    settled = by_nobody & pl.col("status").is_in(_SETTLED).fill_null(value=False)
    return settled | (
        pl.col("reversed_at").is_not_null() & (by_nobody | (pl.col("reversed_at") > pl.col("cleared_at")))
    )


class Closings:
    """Remembers the conversions that the lake closes, and reads them again when the lake has another version.

    It holds an id, a status and a time of each; all that is paid, void, rejected or reversed stays in memory.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._version: int | None = None
        self._known = pl.DataFrame()

    def of(self, lines: pl.DataFrame) -> pl.Series:
        """Say for which lines (conversion_id, cleared_at; nulls allowed) nothing is due, in their order."""
        newest = self._lake.newest_version()
        if newest != self._version:
            self._known = _closings(self._lake.snapshot(newest))
            self._version = newest
        asked = self._known.filter(pl.col("conversion_id").is_in(lines["conversion_id"].implode()))
        found = lines.join(asked, on="conversion_id", how="left", maintain_order="left")
        return found.select(closed()).to_series()


def _closings(snapshot: Snapshot) -> pl.DataFrame:
    settled = statuses(snapshot).filter(pl.col("status").is_in(_SETTLED))
    both = settled.join(reversals(snapshot), on="conversion_id", how="full", coalesce=True)
    return both.unique("conversion_id").collect(engine="streaming")
