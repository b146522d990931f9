"""The figures of scorecards, from one day's conversions up to a partner's month; docs/metrics.md defines each.

Money is never added across currencies: a partner has a row for each currency that its conversions, or the offers that
it sent clicks to, are paid in.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.schema import MONEY_PRECISION, MONEY_SCALE
from models.stats import BetaPrior, Floats, fit_beta_prior, shrunk_interval, shrunk_share

PARTNER = ("affiliate_id", "currency")
FRAUD_OUTCOMES = ("chargeback", "confirmed_fraud")
RETURN_OUTCOMES = ("chargeback", "refund", "void", "confirmed_fraud")
CLEAN_OUTCOMES = ("confirmed_clean", "retained")
BUCKETS = ("approved", "held", "rejected", "returned", "unjudged")
"""Where the payout of a conversion stands; each conversion is in exactly one, so that they add up to the payout."""
_MONEY = pl.Decimal(MONEY_PRECISION, MONEY_SCALE)
_SUM = pl.Decimal(38, MONEY_SCALE)


def classified(conversions: pl.DataFrame) -> pl.DataFrame:
    """Return the conversions with `bucket` and `clean`, the share of each that counts as clean, 0..1, null: unknown.

    Needs the columns payout, status, decision, score, person (`clean`, `fraud`, or anything else), released, and
    outcomes (a list, never null). decision null: no scan has judged it.
    """
    decision, outcomes = pl.col("decision"), pl.col("outcomes")
    fraud = _any(outcomes, FRAUD_OUTCOMES)
    back = _any(outcomes, RETURN_OUTCOMES) | pl.col("status").eq_missing("void")
    rejected = decision.eq_missing("reject") & ~pl.col("released")
    bucket = (
        pl.when(rejected)
        .then(pl.lit("rejected"))
        .when(back)
        .then(pl.lit("returned"))
        .when(pl.col("released"))
        .then(pl.lit("approved"))
        .when(pl.col("status").eq_missing("rejected"))
        .then(pl.lit("rejected"))
        .when(decision.eq_missing("pay"))
        .then(pl.lit("approved"))
        .when(decision.eq_missing("hold"))
        .then(pl.lit("held"))
        .otherwise(pl.lit("unjudged"))
    )
    clean = (
        pl.when(fraud | pl.col("person").eq_missing("fraud"))
        .then(0.0)
        .when(pl.col("person").eq_missing("clean"))
        .then(1.0)
        .when(decision.eq_missing("reject"))
        .then(0.0)
        .when(_any(outcomes, CLEAN_OUTCOMES) | decision.eq_missing("pay"))
        .then(1.0)
        .when(decision.eq_missing("hold"))
        .then(1.0 - pl.col("score"))
    )
    return conversions.with_columns(bucket=bucket, clean=clean)


def summed(conversions: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of classified conversions by `PARTNER`; `again` adds such sums up."""
    payout, bucket = pl.col("payout"), pl.col("bucket")
    weight = payout.cast(pl.Float64)
    judged = pl.col("clean").is_not_null()
    approved = bucket == "approved"
    retained = approved & pl.col("outcomes").list.contains("retained")
    return conversions.group_by(PARTNER).agg(
        pl.len().cast(pl.Int64).alias("conversions"),
        _count(approved, "approved_conversions"),
        _count(bucket == "returned", "returned_conversions"),
        _count(_any(pl.col("outcomes"), ("refund", "void")), "refunds"),
        _count(pl.col("outcomes").list.contains("chargeback"), "chargebacks"),
        _count(retained, "retained"),
        _count(pl.col("unsplit"), "unsplit"),
        payout.sum().cast(_SUM).alias("payout"),
        *(payout.filter(bucket == name).sum().cast(_SUM).alias(name) for name in BUCKETS),
        _count(approved & pl.col("revenue").is_not_null(), "with_revenue"),
        pl.col("revenue").filter(approved).sum().cast(_SUM).alias("revenue"),
        pl.col("revenue").filter(retained).sum().cast(_SUM).alias("retained_revenue"),
        payout.filter(judged).sum().cast(_SUM).alias("judged"),
        (weight * pl.col("clean")).sum().alias("clean_weight"),
        weight.filter(judged).sum().alias("weight"),
        (weight**2).filter(judged).sum().alias("weight_squared"),
    )


def again(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Add up sums of several days, or of several partners once their ids are made alike."""
    together = pl.concat(parts)
    return together.group_by(PARTNER).agg(pl.all().sum())


def cards(sums: pl.DataFrame, clicks: pl.DataFrame, interval: float) -> pl.DataFrame:
    """Return a row for each partner and currency: counts, money, rate, earnings per click, quality, rank.

    `clicks` has `PARTNER` and clicks. Rates over no clicks, and over clicks that cannot be told apart by currency, are
    null. Quality is shrunk towards the programme's, the more the less was judged of a partner.
    """
    both = sums.join(clicks, on=PARTNER, how="full", coalesce=True, nulls_equal=True)
    both = both.with_columns(pl.exclude(*PARTNER, "clicks").fill_null(0), clicks=pl.col("clicks").fill_null(0))
    divisible = (pl.col("clicks") > 0) & (pl.col("unsplit") == 0)
    rows = both.with_columns(_quality(both, interval)).with_columns(
        rate=pl.when(divisible & (pl.col("approved_conversions") <= pl.col("clicks"))).then(
            pl.col("approved_conversions") / pl.col("clicks")
        ),
        earnings_per_click=pl.when(divisible).then(pl.col("approved").cast(pl.Float64) / pl.col("clicks")),
    )
    rows = rows.with_columns(
        adjusted_payout=(pl.col("judged").cast(pl.Float64) * pl.col("quality")).round(MONEY_SCALE).cast(_MONEY),
        earnings_per_click=pl.col("earnings_per_click").round(MONEY_SCALE).cast(_MONEY),
    )
    ranked = pl.when(pl.col("weight") > 0).then("adjusted_payout")
    return rows.with_columns(
        rank=ranked.rank("min", descending=True).over("currency").cast(pl.Int64),
        ranked=(pl.col("weight") > 0).sum().over("currency").cast(pl.Int64),
    ).sort("currency", "rank", "affiliate_id", nulls_last=True)


def _quality(rows: pl.DataFrame, interval: float) -> list[pl.Series]:
    weight = rows["weight"].to_numpy()
    squared = rows["weight_squared"].to_numpy()
    some = weight > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = np.where(some, np.clip(rows["clean_weight"].to_numpy() / weight, 0.0, 1.0), np.nan)
        # Kish: as many equal conversions would tell as much as these unequal ones
        effective = np.where(some, weight**2 / squared, 0.0)
    bad = np.where(some, (1 - seen) * effective, 0.0)
    prior = _prior(bad, effective)
    low, high = shrunk_interval(bad, effective, prior, interval)
    columns = {
        "quality": 1 - shrunk_share(bad, effective, prior),
        "quality_low": 1 - high,
        "quality_high": 1 - low,
        "quality_seen": seen,
    }
    return [pl.Series(name, np.where(some, values, np.nan)).fill_nan(None) for name, values in columns.items()]


def _prior(bad: Floats, effective: Floats) -> BetaPrior:
    counts = np.round(effective)
    # the prior's likelihood is one of whole counts
    return fit_beta_prior(np.minimum(np.round(bad), counts), counts)


def _any(outcomes: pl.Expr, names: Sequence[str]) -> pl.Expr:
    return outcomes.list.set_intersection(pl.lit(list(names), pl.List(pl.String))).list.len() > 0


def _count(condition: pl.Expr, name: str) -> pl.Expr:
    return condition.sum().cast(pl.Int64).alias(name)
