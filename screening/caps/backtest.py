"""What limits would have stopped of events that came, and what that would have saved and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
import polars as pl

from screening.caps.evidence import Floats
from screening.caps.limits import MONEY, Cap, Measure, Span

_EVERY = {Span.DAILY: "1d", Span.WEEKLY: "1w", Span.MONTHLY: "1mo"}
FEWEST_GROUPS = 5
"""Affiliates that make up an amount below which drawing them anew says nothing of how sure it is."""
_UNITS = 10_000
"""Money is counted in ten-thousandths, the last place that events have, so that sums are exact."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its interval; ends are None where too few affiliates make it up."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """What a way of limiting did to the payout asked for in one currency.

    saved: bad payout that was stopped; cost: clean payout that was turned away; unknown: stopped payout of which nobody
    knows. saved_share is of all bad payout, cost_share of all clean payout; NaN where there is none. net: saved, less
    what the clean payout would have earned.
    """

    saved: Interval
    cost: Interval
    net: Interval
    unknown: float
    saved_share: Interval
    cost_share: Interval


def stopped(events: pl.DataFrame, clicks: pl.DataFrame, limits: Mapping[Cap, Decimal], since: datetime) -> pl.Series:
    """Say for each event whether a limit would have stopped it.

    events: conversion_id, offer_id, affiliate_id, ts, payout, revenue, sorted by ts, from the begin of every limit's
    period; those before `since` were let through and only count. clicks: offer_id, affiliate_id, ts, sorted by ts. A
    limit stops what comes once it is reached. Partners' limits are looked at before those of whole offers.
    """
    rows = events.with_row_index("row").with_columns(stopped=pl.lit(value=False))
    order = sorted(
        limits, key=lambda cap: (cap.affiliate_id is None, cap.offer_id, cap.affiliate_id or "", cap.cap_type)
    )
    hit: set[int] = set()
    for cap in order:
        own = _of(rows, cap).filter(~pl.col("row").is_in(list(hit)))
        reached = _counted(own, _of(clicks, cap), cap) >= _threshold(cap, limits[cap])
        hit |= set(own.filter(reached & (own["ts"] >= since))["row"].to_list())
    return pl.Series("stopped", np.isin(np.arange(rows.height), list(hit)))


def _of(frame: pl.DataFrame, cap: Cap) -> pl.DataFrame:
    own = frame.filter(pl.col("offer_id") == cap.offer_id)
    return own if cap.affiliate_id is None else own.filter(pl.col("affiliate_id") == cap.affiliate_id)


def _period(span: Span) -> pl.Expr:
    every = _EVERY.get(span)
    return (pl.lit(0) if every is None else pl.col("ts").dt.truncate(every).dt.epoch("s")).alias("period")


def _threshold(cap: Cap, limit: Decimal) -> int:
    """Return the count from which on the limit stops what comes."""
    if cap.measure is Measure.CLICKS and limit:
        return int(limit) + 1  # the click of the conversion itself is among those counted before it
    return int(limit * (_UNITS if cap.measure in MONEY else 1))


def _counted(own: pl.DataFrame, clicks: pl.DataFrame, cap: Cap) -> pl.Series:
    """Return for each event what was counted in its period before it came."""
    if cap.measure is Measure.CLICKS:
        numbered = (
            clicks.with_columns(_period(cap.span))
            .select("ts", "period")
            .with_columns(counted=pl.int_range(1, pl.len() + 1).over("period"))
        )
        found = (
            own.with_columns(_period(cap.span))
            .select("ts", "period")
            .join_asof(numbered, on="ts", by="period", strategy="backward", check_sortedness=False)
        )
        return found["counted"].fill_null(0)
    one = pl.lit(1) if cap.measure is Measure.CONVERSIONS else _exact(pl.col(str(cap.measure)))
    counted = own.with_columns(_period(cap.span), one=one.cast(pl.Int64))
    return counted.select((pl.col("one").cum_sum() - pl.col("one")).over("period").alias("counted")).to_series()


def _exact(money: pl.Expr) -> pl.Expr:
    return (money.cast(pl.Float64) * _UNITS).round().fill_null(0.0)


def tallies(
    rows: pl.DataFrame, ways: Sequence[str], clean_worth: float, resampling: tuple[float, int, int]
) -> dict[str, Tally]:
    """Tally ways of limiting on the conversions of one currency, intervals by drawing affiliates anew.

    rows: affiliate_id, payout (float), bad (0..1, NaN unknown), and for each way a boolean column. resampling: level,
    draws and seed; the draws are the same for all ways.
    """
    level, draws, seed = resampling
    known = ~np.isnan(rows["bad"].to_numpy())
    bad = np.where(known, np.nan_to_num(rows["bad"].to_numpy()), 0.0) * rows["payout"].to_numpy()
    clean = np.where(known, rows["payout"].to_numpy(), 0.0) - bad
    names, group = np.unique(rows["affiliate_id"].to_numpy().astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(names), np.full(len(names), 1 / max(len(names), 1)), draws).astype(np.float64)
    whole = {"bad": _sums(bad, group, len(names)), "clean": _sums(clean, group, len(names))}
    found = {}
    for way in ways:
        cut = rows[way].to_numpy()
        saved, cost = (_sums(np.where(cut, part, 0.0), group, len(names)) for part in (bad, clean))
        found[way] = Tally(
            saved=_interval(saved, np.ones(len(names)), times, level, share=False),
            cost=_interval(cost, np.ones(len(names)), times, level, share=False),
            net=_interval(saved - clean_worth * cost, np.ones(len(names)), times, level, share=False),
            unknown=float(rows["payout"].to_numpy()[cut & ~known].sum()),
            saved_share=_interval(saved, whole["bad"], times, level, share=True),
            cost_share=_interval(cost, whole["clean"], times, level, share=True),
        )
    return found


def _sums(values: Floats, group: np.ndarray, number: int) -> Floats:
    return np.asarray(np.bincount(group, weights=values, minlength=number), np.float64)


def _interval(part: Floats, whole: Floats, times: Floats, level: float, *, share: bool) -> Interval:
    """Return a sum, or a share of a sum, over groups, with the interval of its values over draws of the groups."""
    if share and not whole.sum() > 0:
        return Interval(float("nan"), None, None)
    value = float(part.sum() / whole.sum()) if share else float(part.sum())
    if ((whole if share else np.abs(part)) > 0).sum() < FEWEST_GROUPS and (share or part.any()):
        return Interval(value, None, None)
    sums, wholes = times @ part, times @ whole
    drawn = sums[wholes > 0] / wholes[wholes > 0] if share else sums
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(value, float(low), float(high))
