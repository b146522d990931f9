"""Sums of sources, norms without the source's own affiliate, and unknown that stays unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from features.click_codes import rolled_up
from features.clicks import click_rollup
from features.families import all_features
from features.prepare import Traffic, prepare
from features.schema import Kind, polars_schema
from features.sources import NORM_WEIGHT, click_sums
from features.windows import MICROSECONDS_PER_DAY, day_number
from features.working import working_clicks, working_conversions

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
LAST = day_number(NOON.date())


def working(events):
    clicks = nw.to_native(working_clicks(nw.from_native(events.clicks.lazy()))).collect()
    conversions = nw.to_native(working_conversions(nw.from_native(events.conversions.lazy()))).collect()
    return clicks, conversions


def conversions_of(rows):
    schema = polars_schema(Kind.CONVERSIONS)
    full = [{"payout": Decimal(1), "offer_id": "o", "ts": NOON, **row} for row in rows]
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in full], schema=schema)
    return nw.to_native(working_conversions(nw.from_native(frame.lazy()))).collect()


def prepared(conversions, events):
    outcomes = pl.DataFrame(schema={"conversion_id": pl.String, "outcome": pl.String})
    return prepare(Traffic(working(events)[0].head(0), conversions, outcomes), events.lookups, LAST)


def test_single_days_of_clicks_add_up_to_all_of_them(events):
    clicks, _ = working(events)
    day = pl.col("ts_us") // MICROSECONDS_PER_DAY
    whole = rolled_up(clicks, events.lookups)
    pieces = pl.concat([rolled_up(part, events.lookups) for _, part in clicks.group_by(day, maintain_order=True)])
    keys = ["affiliate_id", "offer_id", "sub", "day"]
    assert pieces.select(whole.columns).sort(keys).equals(whole.sort(keys))
    assert whole["clicks"].sum() == clicks.height
    assert (whole.select(keys).is_duplicated().sum()) == 0


def test_windows_of_clicks_add_up_to_all_of_them(events):
    clicks, _ = working(events)
    rollup = nw.from_native(rolled_up(clicks, events.lookups).lazy())
    for days in (7, 28):
        sums = nw.to_native(click_sums(rollup, day_number(events.last), days)).collect()
        assert sums["clicks"].sum() == clicks.height
        for name in [column for column in sums.columns if column.startswith("k_")]:
            assert (sums[name] <= sums[f"n_{name.removeprefix('k_')}"]).all(), name


def test_repeated_clicks_are_counted_within_the_day_and_unknown_ones_not_at_all():
    rows = [("c1", 0, "10.0.0.1"), ("c2", 0, "10.0.0.1"), ("c3", 0, None), ("c4", 0, None), ("c5", 1, "10.0.0.1")]
    schema = polars_schema(Kind.CLICKS)
    frame = pl.DataFrame(
        [
            {
                **dict.fromkeys(schema),
                "click_id": name,
                "ts": NOON - timedelta(days=back),
                "affiliate_id": "a",
                "offer_id": "o",
                "ip": ip,
            }
            for name, back, ip in rows
        ],
        schema=schema,
    )
    none = [
        pl.LazyFrame(schema=columns)
        for columns in (
            {"ip": pl.String, "ip_class": pl.String, "ip_country": pl.String, "network": pl.String},
            {
                "user_agent": pl.String,
                "agent_class": pl.String,
                "agent_age": pl.Int64,
                "agent_mobile": pl.Boolean,
            },
            {"affiliate_id": pl.String, "referrer": pl.String, "off_site": pl.Int64},
        )
    ]
    rollup = click_rollup(working_clicks(nw.from_native(frame.lazy())), *(nw.from_native(table) for table in none))
    found = nw.to_native(rollup).collect().sort("day")
    assert found.select("clicks", "k_click_ip_again", "n_click_ip_again").rows() == [(1, 0, 1), (4, 1, 2)]
    assert found["n_click_hosting"].to_list() == [0, 0], "an address without a class tells nothing"


def test_the_norm_is_that_of_the_other_affiliates(events):
    # a: 2 of 2 without revenue; b: 0 of 3; c: 1 of 5
    without = {"a": 2, "b": 0, "c": 1}
    sizes = {"a": 2, "b": 3, "c": 5}
    rows = [
        {"conversion_id": f"{who}{i}", "affiliate_id": who, "revenue": None if i < without[who] else Decimal(5)}
        for who, size in sizes.items()
        for i in range(size)
    ]
    made = prepared(conversions_of(rows), events)
    norms = nw.to_native(made.sources.norms[28]).collect()
    programme = (3 + 0.5) / (10 + 1.0)
    for who, size in sizes.items():
        k, n = 3 - without[who], 10 - size
        expected = (k + NORM_WEIGHT * programme) / (n + NORM_WEIGHT)
        assert norms.filter(affiliate_id=who)["p_no_revenue"].item() == pytest.approx(expected)
    norm = norms.filter(affiliate_id="a")["p_no_revenue"].item()
    odds = np.log((2 + 1) / (0 + 1)) - np.log((2 * norm + 1) / (2 - 2 * norm + 1))
    assert made.matrix.filter(affiliate_id="a")["no_revenue_sub28"].to_list() == pytest.approx([odds, odds])


def test_an_affiliate_s_own_traffic_does_not_move_its_norm(events):
    def norm(own):
        others = [
            {"conversion_id": f"b{i}", "affiliate_id": "b", "revenue": Decimal(5) if i % 2 else None}
            for i in range(400)
        ]
        mine = [{"conversion_id": f"a{i}", "affiliate_id": "a", "revenue": own} for i in range(40)]
        norms = nw.to_native(prepared(conversions_of(others + mine), events).sources.norms[28]).collect()
        return norms.filter(affiliate_id="a")["p_no_revenue"].item()

    # what moves is the share of the programme's norm that leans in, 20 of 420 events
    assert abs(norm(None) - norm(Decimal(5))) < 0.005


def test_facts_that_are_missing_give_null_and_never_zero(events):
    rows = [{"conversion_id": f"v{i}", "affiliate_id": f"a{i % 3}"} for i in range(12)]
    matrix = prepared(conversions_of(rows), events).matrix
    missing_is_the_fact = {"no_device", "no_referrer", "no_click", "no_revenue"}
    lacking = [
        feature.name
        for feature in all_features()
        if feature.facts and not any(feature.name.startswith(name) for name in missing_is_the_fact)
    ]
    assert len(lacking) > 150
    assert {name: matrix[name].null_count() for name in lacking} == dict.fromkeys(lacking, 12)
    for name in missing_is_the_fact:
        assert matrix[name].to_list() == [1.0] * 12


def test_a_window_without_a_conversion_s_affiliate_is_not_made_up(events):
    rows = [
        {"conversion_id": "now", "affiliate_id": "a", "ip": "10.0.0.2"},
        {"conversion_id": "old", "affiliate_id": "a", "ip": "10.0.0.2", "ts": NOON - timedelta(days=28)},
    ]
    matrix = prepared(conversions_of(rows), events).matrix
    assert matrix.sort("ts_us")["window28"].to_list() == [1, 0]
    assert matrix["ip_again"].to_list() == [0.0, 0.0], "a repeat counts within its window of 28 days"
