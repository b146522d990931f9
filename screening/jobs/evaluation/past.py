"""The past played again: scan after scan, each with the events and outcomes that were known at its moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from features.windows import day_number
from models.taught import TaughtJudge
from screening.settings.decisions import DecisionSettings
from screening.traffic.gather import Books, Gathered, Period, gather
from screening.traffic.lake import Snapshot
from screening.traffic.scan import judge


@dataclass(frozen=True, slots=True)
class Days:
    """Days to play again, both inclusive, with a scan at the end of every `every` of them."""

    first: date
    last: date
    every: int

    def periods(self) -> Iterator[Period]:
        """Yield the period of each scan, the earliest first; the first may be shorter."""
        ends = range((self.last - self.first).days, -1, -self.every)
        for back in sorted(ends):
            end = self.first + timedelta(days=back)
            yield Period(max(self.first, end - timedelta(days=self.every - 1)), end)


@dataclass(frozen=True, slots=True)
class Played:
    """The past as it was decided again.

    `rows` has a row per judged conversion: conversion_id, affiliate_id, payout (float), moment_us (its decision), and
    for each judge a column `stopped NAME` (boolean) and `score NAME` (0..1, null unknown). `matrix` has its features in
    the same order. `too_early` conversions came when there was too little history to judge, and are in neither.
    """

    rows: pl.DataFrame
    matrix: pl.DataFrame
    too_early: int


def play_again(
    snapshot: Snapshot,
    days: Days,
    known: tuple[Books, Path],
    judges: Mapping[str, TaughtJudge],
    settings: DecisionSettings,
) -> Iterator[Played | None]:
    """Scan period after period with each judge. Yields None after each, and the whole at the end."""
    books, rollups = known
    rows, matrices, too_early = [], [], 0
    for period in days.periods():
        moment = datetime.combine(period.last + timedelta(days=1), time(), UTC)
        gathered = gather(snapshot, period, books, rollups, moment)
        own = gathered.prepared.matrix.filter(
            pl.col("day").is_between(day_number(period.first), day_number(period.last))
        )
        if gathered.prepared.matrix.height < settings.fewest_conversions:
            too_early += own.height
        elif own.height:
            rows.append(_decided(gathered, own, judges, settings).with_columns(moment_us=_microseconds(moment)))
            matrices.append(own)
        yield None
    if rows:
        yield Played(pl.concat(rows), pl.concat(matrices), too_early)
    else:
        yield Played(pl.DataFrame(), pl.DataFrame(), too_early)


def _decided(
    gathered: Gathered, own: pl.DataFrame, judges: Mapping[str, TaughtJudge], settings: DecisionSettings
) -> pl.DataFrame:
    rows = own.select("conversion_id", "affiliate_id", "payout")
    for name, taught in judges.items():
        decisions = judge(gathered, taught, settings).decisions
        told = decisions.select(
            "conversion_id",
            (pl.col("decision") != "pay").alias(f"stopped {name}"),
            pl.col("score").alias(f"score {name}"),
        )
        rows = rows.join(told, on="conversion_id", how="left", maintain_order="left")
    return rows


def _microseconds(moment: datetime) -> pl.Expr:
    return pl.lit(round(moment.timestamp() * 1_000_000), dtype=pl.Int64)
