"""Deterministic rules: facts about one conversion that need no norm and no score."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import binom

DAY_US = 86_400_000_000
GAP_LEAST, GAP_PARTNERS = 10, 5
"""Conversions with which an affiliate tells of gaps in the click log, and how many such others it takes. Ours."""
GAP_FACTOR, GAP_CHANCE = 2.0, 0.001
"""How many times the usual share of clicks an honest affiliate may lack, and the chance below which what it lacks is
more than that. Ours: honest affiliates of one log differ by a factor of two or so."""
_HITS = {"conversion_id": pl.String, "code": pl.String, "numbers": pl.String}


@dataclass(frozen=True, slots=True)
class RuleInputs:
    """What rules look at.

    `facts` as made by `features.facts`; `affiliates` canonical; `outcomes` canonical, known at the decision.
    """

    facts: pl.DataFrame
    affiliates: pl.DataFrame
    outcomes: pl.DataFrame


def rule_hits(inputs: RuleInputs, window_days: int) -> pl.DataFrame:
    """Apply every rule. Returns conversion_id, code and numbers (a JSON object), a row per hit."""
    facts = inputs.facts
    hits = [
        _duplicates(facts),
        _same_again(facts),
        _hit(facts.filter(pl.col("ctct_us") < 0), "click_after_conversion", seconds=-pl.col("ctct_us") / 1e6),
        _hit(
            facts.filter(pl.col("ctct_us") > window_days * DAY_US),
            "window_breach",
            days=pl.col("ctct_us") / DAY_US,
            window_days=pl.lit(window_days),
        ),
        _hit(facts.filter(pl.col("agent_class") == "declared_bot"), "declared_bot", user_agent=pl.col("user_agent")),
        _hit(
            facts.filter(pl.col("agent_class").is_in(["automation", "library"])),
            "automation_agent",
            user_agent=pl.col("user_agent"),
        ),
        _hit(facts.filter(pl.col("ip_class") == "tor"), "tor_exit", ip=pl.col("ip")),
        _unknown_clicks(facts),
        _of_another(facts),
        _standing(facts, inputs.affiliates),
        _outcome(facts, inputs.outcomes, "confirmed_fraud", "confirmed_fraud"),
        _outcome(facts, inputs.outcomes, "chargeback", "charged_back"),
    ]
    return pl.concat(hits).unique(["conversion_id", "code"], keep="first", maintain_order=True)


def _hit(rows: pl.DataFrame, code: str, **numbers: pl.Expr) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame(schema=_HITS)
    shown = rows.select(**numbers) if numbers else None
    texts = (
        [json.dumps(row, default=str) for row in shown.iter_rows(named=True)]
        if shown is not None
        else ["{}"] * rows.height
    )
    return rows.select("conversion_id", code=pl.lit(code)).with_columns(numbers=pl.Series(texts, dtype=pl.String))


def _duplicates(facts: pl.DataFrame) -> pl.DataFrame:
    """Later conversions of an order and event of an offer; the first one, by time and then id, stands."""
    ordered = facts.filter(pl.col("order_id").is_not_null()).sort("ts_us", "conversion_id")
    keys = ["offer_id", "order_id", pl.col("event").fill_null("")]
    first = ordered.with_columns(first=pl.col("conversion_id").first().over(keys))
    return _hit(
        first.filter(pl.col("first") != pl.col("conversion_id")),
        "duplicate_order",
        order_id=pl.col("order_id"),
        first=pl.col("first"),
    )


def _same_again(facts: pl.DataFrame) -> pl.DataFrame:
    """One click converting again within a minute, same event, customer and payout, where orders have no number.

    With a known customer it is the same conversion; without one it may be two, and people look.
    """
    ordered = facts.filter(pl.col("click_id").is_not_null() & pl.col("order_id").is_null()).sort(
        "ts_us", "conversion_id"
    )
    keys = ["affiliate_id", "click_id", "offer_id", pl.col("event").fill_null(""), "customer_id", "payout"]
    again = ordered.with_columns(
        first=pl.col("conversion_id").first().over(keys),
        seconds=(pl.col("ts_us") - pl.col("ts_us").first().over(keys)) / 1e6,
    )
    again = again.filter((pl.col("first") != pl.col("conversion_id")) & (pl.col("seconds") <= 60))
    numbers = {"seconds": pl.col("seconds"), "first": pl.col("first")}
    known = pl.col("customer_id").is_not_null()
    return pl.concat(
        [
            _hit(again.filter(known), "duplicate_conversion", **numbers),
            _hit(again.filter(~known), "click_converted_again", **numbers),
        ]
    )


def _unknown_clicks(facts: pl.DataFrame) -> pl.DataFrame:
    """Claimed clicks that a log of that day lacks, unless it lacks about as many of the other affiliates' clicks.

    What is usual is the median of the others: affiliates count alike, so that a few who invent many clicks do not
    excuse each other.
    """
    looked_up = facts.filter(pl.col("click_found").is_not_null())
    shares = looked_up.group_by("affiliate_id").agg(of=pl.len(), lost=(pl.col("click_found") == 0).sum()).sort("of")
    telling = shares.filter(pl.col("of") >= GAP_LEAST).with_columns(share=pl.col("lost") / pl.col("of"))
    excused = []
    for affiliate, of, lost in shares.filter(pl.col("lost") > 0).iter_rows():
        others = telling.filter(pl.col("affiliate_id") != affiliate)["share"]
        usual = float(np.median(others)) if len(others) >= GAP_PARTNERS else 0.0
        if binom.sf(lost - 1, of, min(GAP_FACTOR * usual, 1.0)) >= GAP_CHANCE:
            excused.append(affiliate)
    lacking = looked_up.filter(pl.col("click_found") == 0)
    accused = lacking.filter(~pl.col("affiliate_id").is_in(excused))
    return _hit(accused, "click_unknown", click_id=pl.col("click_id"))


def _of_another(facts: pl.DataFrame) -> pl.DataFrame:
    owner, offer = pl.col("click_affiliate_id"), pl.col("click_offer_id")
    foreign = facts.filter((owner != pl.col("affiliate_id")) | (offer != pl.col("offer_id")))
    return _hit(foreign, "click_of_another", click_id=pl.col("click_id"), owner=owner, offer=offer)


def _standing(facts: pl.DataFrame, affiliates: pl.DataFrame) -> pl.DataFrame:
    joined = facts.join(affiliates.select("affiliate_id", "status"), on="affiliate_id", how="inner")
    return pl.concat(
        [_hit(joined.filter(pl.col("status") == status), f"affiliate_{status}") for status in ("banned", "paused")]
    )


def _outcome(facts: pl.DataFrame, outcomes: pl.DataFrame, outcome: str, code: str) -> pl.DataFrame:
    known = outcomes.filter(pl.col("outcome") == outcome).select("conversion_id", happened=pl.col("ts").dt.date())
    return _hit(facts.join(known, on="conversion_id", how="inner"), code, date=pl.col("happened"))
