"""One row per conversion with everything known about it: its own fields, its click, its address, agent and outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw

from features.daytime import with_minute_uses
from features.engine import settled
from features.families import CONVERSION_SHARES, SHAPES, SPREADS
from features.origin import with_country_uses
from features.registry import WINDOWS
from features.repetition import with_uses
from features.windows import MICROSECONDS_PER_DAY, day_from_microseconds, window_index, window_name
from features.working import FROM_CLICK


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the facts of conversions are made of; lazy frames of one engine.

    conversions: canonical columns; times as integer microseconds `ts_us`, `click_ts_us`; `payout`, `revenue` as float.
    clicks: the clicks that conversions claim, one row a click: `click_id`, `logged_click_us`, and ip, user_agent,
        device_id, country, referrer, affiliate_id, offer_id prefixed `click_`.
    addresses: ip, ip_class, ip_country, network. agents: user_agent, agent_class, agent_age, agent_mobile.
    referrals: affiliate_id, referrer, off_site (1 outside the approved sites, 0 inside, null when none are approved).
    outcomes: conversion_id, outcome (`bad`, `returned`, `good`), only what was known at the moment of the decision.
    click_days: days (since 1970) that the click log covers; empty means there is no click log.
    """

    conversions: nw.LazyFrame[Any]
    clicks: nw.LazyFrame[Any]
    addresses: nw.LazyFrame[Any]
    agents: nw.LazyFrame[Any]
    referrals: nw.LazyFrame[Any]
    outcomes: nw.LazyFrame[Any]
    click_days: tuple[int, ...]


def conversion_facts(inputs: Inputs, last_day: int) -> nw.LazyFrame[Any]:
    """Join all that is known about each conversion and compute its properties.

    `last_day` (days since 1970) is the last day of the scan, from which windows are counted. The result has one row per
    row of `inputs.conversions`, with a column `hit_<share>` per share, `log_<spread>`, and `bucket_<shape>`.
    """
    facts = inputs.conversions.with_columns(
        day=day_from_microseconds("ts_us"),
        sub=nw.coalesce(nw.col("sub_id"), nw.lit("")),
        **{f"own_{column}": nw.col(column) for column in FROM_CLICK},
    )
    facts = _with_click(facts, inputs)
    facts = facts.join(inputs.addresses, on="ip", how="left").join(inputs.agents, on="user_agent", how="left")
    facts = facts.join(inputs.referrals, on=["affiliate_id", "referrer"], how="left")
    facts = facts.join(inputs.outcomes, on="conversion_id", how="left")
    facts = facts.with_columns(**{window_name(days): window_index(last_day, days) for days in WINDOWS})
    # each counts what the one before gave several times over: planned together, they would compute it as often
    for add in (with_uses, with_country_uses, with_minute_uses):
        facts = settled(add(settled(facts)))
    return facts.with_columns(
        *[share.hit.alias(f"hit_{share.name}") for share in CONVERSION_SHARES],
        *[spread.log.alias(f"log_{spread.name}") for spread in SPREADS],
        *[shape.bucket.alias(f"bucket_{shape.name}") for shape in SHAPES],
    )


def _with_click(facts: nw.LazyFrame[Any], inputs: Inputs) -> nw.LazyFrame[Any]:
    clicks = inputs.clicks.with_columns(found=nw.lit(1))
    facts = facts.join(clicks, on="click_id", how="left")
    clicked = nw.coalesce(nw.col("click_ts_us"), nw.col("logged_click_us"))
    covered = nw.coalesce(clicked, nw.col("ts_us")) // MICROSECONDS_PER_DAY
    covered = covered.is_in(list(inputs.click_days)) if inputs.click_days else nw.lit(1) == nw.lit(0)
    facts = facts.with_columns(
        ctct_us=nw.col("ts_us") - clicked,
        click_found=nw.when(~nw.col("found").is_null())
        .then(nw.lit(1))
        .otherwise(nw.when(~nw.col("click_id").is_null() & covered).then(nw.lit(0))),
    )
    return facts.with_columns(
        **{column: nw.coalesce(nw.col(column), nw.col(f"click_{column}")) for column in FROM_CLICK}
    )
