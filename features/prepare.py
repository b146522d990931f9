"""From working events in memory to facts, sources and matrix in one step, on Polars. The scan does the same by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import polars as pl
import polars.selectors as cs

from features.click_codes import rolled_up
from features.declared import believable, without_explained
from features.facts import Inputs, conversion_facts
from features.lookups import Lookups, Tables, tables_for
from features.matrix import IDENTITY, Sources, own_features, summed_sources, tables_of_sources
from features.windows import MICROSECONDS_PER_DAY
from features.working import claimed_clicks

_COUNTED = r"^(hit|log|bucket|own)_|_(uses|partners)$"
"""Columns of facts that features are made of and nothing else."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Working events of a programme (`features.working`), and what was known of outcomes at the decision.

    `outcomes` has conversion_id and outcome (`bad`, `returned` or `good`).
    """

    clicks: pl.DataFrame
    conversions: pl.DataFrame
    outcomes: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Prepared:
    """Facts of conversions, their sources, and the matrix that judges see, without what `clubs` declare; collected.

    The matrix has `features.matrix.IDENTITY`, then a float column (32 bits) per feature of
    `features.families.all_features`.
    """

    facts: pl.DataFrame
    sources: Sources
    matrix: pl.DataFrame
    clubs: frozenset[str]


def prepare(traffic: Traffic, lookups: Lookups, last_day: int) -> Prepared:
    """Compute everything that judges need from events in memory. `last_day` is in days since 1970."""
    clicks, conversions = traffic.clicks.lazy(), traffic.conversions.lazy()
    rollups = rolled_up(traffic.clicks, lookups)
    claimed = _collected(claimed_clicks(nw.from_native(clicks), nw.from_native(conversions)))
    tables = looked_up(traffic.conversions, claimed, lookups)
    days = traffic.clicks.select(pl.col("ts_us") // MICROSECONDS_PER_DAY).unique().to_series().sort().to_list()
    return assemble(traffic, claimed, rollups, tables, (tuple(days), last_day))


def looked_up(conversions: pl.DataFrame, claimed: pl.DataFrame, lookups: Lookups) -> Tables:
    """Look up addresses, agents and referrers of working conversions and of the clicks that they claim."""
    # a conversion that lacks a fact takes it from its click
    clicked = conversions.select("click_id", "affiliate_id").join(claimed, on="click_id", how="inner")
    as_clicks = clicked.select("affiliate_id", ip="click_ip", user_agent="click_user_agent", referrer="click_referrer")
    return tables_for([conversions.lazy(), as_clicks.lazy()], lookups)


def assemble(
    traffic: Traffic, claimed: pl.DataFrame, rollups: pl.DataFrame, tables: Tables, span: tuple[tuple[int, ...], int]
) -> Prepared:
    """Join, sum and hold against norms. `span` is the days that the click log covers, and the last day of the scan."""
    click_days, last_day = span
    frames = (traffic.conversions, claimed, tables.addresses, tables.agents, tables.referrals, traffic.outcomes)
    conversions, clicks, *others = [nw.from_native(frame.lazy()) for frame in frames]
    addresses, agents, referrals, outcomes = others
    inputs = Inputs(conversions, clicks, addresses, agents, referrals, outcomes, click_days)
    facts = _collected(conversion_facts(inputs, last_day))
    sources = summed_sources(nw.from_native(facts.lazy()), nw.from_native(rollups.lazy()), last_day)
    own = _collected(own_features(nw.from_native(facts.lazy()), sources))
    facts = facts.drop(cs.matches(_COUNTED))
    matrix = _matrix(own.with_columns(_single(own)), sources)
    clubs = believable(tables.rewarders, facts)
    return Prepared(facts, sources, without_explained(matrix, clubs), clubs)


def _matrix(own: pl.DataFrame, sources: Sources) -> pl.DataFrame:
    """Put the features of sources beside those of their conversions, in the order of time.

    A source's features are copied to its conversions by their place: joins would copy hundreds of columns each time.
    """
    parts = [own.sort("ts_us", "conversion_id")]
    identity = parts[0].select(IDENTITY)
    for keys, window, table in tables_of_sources(sources):
        features = _collected(table)
        named = features.select(*keys, pl.col("window").alias(window)).with_row_index("place")
        places = identity.join(named, on=[*keys, window], how="left", maintain_order="left")["place"]
        told = features.drop(*keys, "window")
        parts.append(told.with_columns(_single(told)).select(pl.all().gather(places)))
    return pl.concat(parts, how="horizontal")


def _single(frame: pl.DataFrame) -> list[pl.Expr]:
    # as wide as judges read them: half the memory of what is the largest table of a scan
    return [pl.col(name).cast(pl.Float32) for name in frame.columns if name not in IDENTITY]


def _collected(frame: nw.LazyFrame[Any]) -> pl.DataFrame:
    lazy: pl.LazyFrame = nw.to_native(frame)
    return lazy.collect()
