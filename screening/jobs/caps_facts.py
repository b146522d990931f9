"""Read from the lake and the store what cap recommendations are made from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from features.schema import BAD_OUTCOMES, Kind, polars_schema
from screening.caps.facts import Facts
from screening.caps.limits import Span, begins
from screening.caps.policy import CapPolicy
from screening.settings.caps import CapSettings
from screening.store import CAPS, Records
from screening.traffic.lake import Snapshot

PAIR = ("offer_id", "affiliate_id")
_KEY = (*PAIR, "cap_type")
_REVERSALS = ("refund", "void", "chargeback")
_OUTCOMES_MIN = 10
"""Outcomes of fraud that tell how long evidence takes; with fewer the setting `evidence_days` holds."""
_LIMITS = tuple(polars_schema(Kind.CAPS))


@dataclass(frozen=True, slots=True)
class Moment:
    """What to advise on: the limits that hold at `as_of`, and what was decided about them before."""

    as_of: datetime
    limits: pl.DataFrame
    decided: pl.DataFrame


def policy_of(settings: CapSettings) -> CapPolicy:
    """Return the settings as the pure code takes them."""
    return CapPolicy(**{field.name: getattr(settings, field.name) for field in fields(CapPolicy)})


def moment(snapshot: Snapshot, records: Records, as_of: datetime, now: datetime) -> Moment:
    """Return the limits that hold: the lake's, and over them those pushed since."""
    decided = records.recommendations.decided(now)
    lake = snapshot.frame(Kind.CAPS).collect()
    newest = max((part.version for part in snapshot.select((Kind.CAPS,))), default=0)
    seen = {run.run_id: run.lake_version or 0 for run in records.runs("scan")} if decided.height else {}
    versions = decided["run_id"].replace_strict(seen, default=0, return_dtype=pl.Int64)
    # caps taken in after the scan that led to a push show what came of it
    held = decided.with_columns(version=versions).filter(pl.col("status") == "pushed", pl.col("version") >= newest)
    since = held.sort("decided_at").select(*_KEY, limit="approved_limit").select(_LIMITS)
    limits = pl.concat([lake, since]).unique(_KEY, keep="last", maintain_order=True)
    return Moment(as_of, limits, decided)


def no_decisions() -> pl.DataFrame:
    """Return an empty frame of decided recommendations."""
    return pl.DataFrame(schema=CAPS)


def facts_of(snapshot: Snapshot, sources: pl.DataFrame, at: Moment, settings: CapSettings) -> Facts:
    """Read what was known at the moment. sources: the scan's, of any windows; the newest is taken."""
    today = at.as_of.date()
    history = today - timedelta(days=settings.history_days)
    needed = _first_day(at.limits, today, history)
    conversions = snapshot.frame(Kind.CONVERSIONS, needed, today).filter(pl.col("ts") < at.as_of)
    outcomes = snapshot.frame(Kind.OUTCOMES).filter(pl.col("ts") < at.as_of).collect()
    recent = conversions.select("conversion_id", *PAIR, "ts", "payout", "currency", "locks_at").filter(
        pl.col("ts").dt.date() >= history
    )
    money = recent.collect()
    evidence_days = _evidence_days(money, outcomes, settings.evidence_days)
    last = max((part.day for part in snapshot.parts if part.day is not None and part.day <= today), default=today)
    newest = conversions.filter(pl.col("ts").dt.date() == last).select(pl.col("ts").max()).collect().item()
    window = sources.filter(sources["to"] == sources["to"].max())
    return Facts(
        as_of=at.as_of,
        newest=newest or datetime.combine(last, datetime.min.time(), at.as_of.tzinfo),
        limits=at.limits,
        usage=_usage(snapshot, conversions, at, needed),
        sources=window,
        money=_money(money, outcomes, evidence_days, at.as_of - timedelta(days=settings.outcome_days)),
        affiliates=snapshot.frame(Kind.AFFILIATES).collect(),
        decided=at.decided,
        evidence_days=evidence_days,
    )


def _first_day(limits: pl.DataFrame, today: date, history: date) -> date | None:
    """Return the first day that counts; None: every day does, because a limit holds for ever."""
    spans = {Span(cap_type.partition("_")[0]) for cap_type in limits["cap_type"]}
    starts = [begins(span, today) for span in spans]
    return None if None in starts else min([history, *(start for start in starts if start is not None)])


def _usage(snapshot: Snapshot, conversions: pl.LazyFrame, at: Moment, first: date | None) -> pl.DataFrame:
    day = pl.col("ts").dt.date().alias("day")
    keys = [pl.col(name) for name in PAIR]
    zero = pl.lit(0, polars_schema(Kind.CONVERSIONS)["payout"])
    counted = conversions.group_by(*keys, day).agg(
        clicks=pl.lit(0, pl.Int64),
        conversions=pl.len().cast(pl.Int64),
        payout=pl.col("payout").sum(),
        revenue=pl.col("revenue").fill_null(zero).sum(),
    )
    frames = [counted]
    if at.limits["cap_type"].str.ends_with("_clicks").any():
        clicks = snapshot.frame(Kind.CLICKS, first, at.as_of.date()).filter(pl.col("ts") < at.as_of)
        frames.append(
            clicks.group_by(*keys, day)
            .agg(clicks=pl.len().cast(pl.Int64))
            .with_columns(conversions=pl.lit(0, pl.Int64), payout=zero, revenue=zero)
        )
    both = pl.concat([frame.select(*PAIR, "day", *_measures()) for frame in frames])
    return both.group_by(*PAIR, "day").agg(pl.col("*").exclude(*PAIR, "day").sum()).collect(engine="streaming")


def _measures() -> list[pl.Expr]:
    money = pl.Decimal(38, 4)
    return [pl.col("clicks", "conversions"), pl.col("payout", "revenue").cast(money)]


def _evidence_days(conversions: pl.DataFrame, outcomes: pl.DataFrame, otherwise: float) -> float:
    """Return the median time from a conversion to an outcome that says fraud."""
    bad = outcomes.filter(pl.col("outcome").is_in(sorted(BAD_OUTCOMES))).select("conversion_id", known="ts")
    waits = (
        conversions.join(bad, on="conversion_id")
        .select((pl.col("known") - pl.col("ts")).dt.total_seconds() / timedelta(days=1).total_seconds())
        .to_series()
        .to_numpy()
    )
    return otherwise if len(waits) < _OUTCOMES_MIN else float(np.median(waits))


def _money(conversions: pl.DataFrame, outcomes: pl.DataFrame, evidence_days: float, mature: datetime) -> pl.DataFrame:
    reversed_ids = outcomes.filter(pl.col("outcome").is_in(_REVERSALS))["conversion_id"].unique()
    paid = pl.col("payout").cast(pl.Float64)
    in_time = (pl.col("locks_at") - pl.col("ts")) > timedelta(days=evidence_days)
    old = pl.col("ts") < mature
    return conversions.group_by(*PAIR).agg(
        payout=paid.sum(),
        early=paid.filter(~in_time.fill_null(value=False)).sum(),
        mature=old.sum().cast(pl.Int64),
        reversed=(old & pl.col("conversion_id").is_in(reversed_ids.implode())).sum().cast(pl.Int64),
        currencies=pl.col("currency").unique().sort(),
    )
