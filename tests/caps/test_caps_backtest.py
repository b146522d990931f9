"""Limits played against events stop what comes once they are reached, and the tallies add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from screening.caps.backtest import stopped, tallies
from screening.caps.limits import Cap

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
CLICKS = pl.DataFrame(schema={"offer_id": pl.String, "affiliate_id": pl.String, "ts": pl.Datetime("us", "UTC")})


def events(number=48, payout="10.10"):
    """One conversion an hour for two days, of a1 and a2 in turn."""
    return pl.DataFrame(
        {
            "conversion_id": [f"c{index}" for index in range(number)],
            "offer_id": ["o1"] * number,
            "affiliate_id": ["a1", "a2"] * (number // 2),
            "ts": [START + timedelta(hours=index) for index in range(number)],
            "payout": [Decimal(payout)] * number,
            "revenue": [None] * number,
        },
        schema_overrides={"payout": pl.Decimal(18, 4), "revenue": pl.Decimal(18, 4), "ts": pl.Datetime("us", "UTC")},
    )


def hit(limits, clicks=CLICKS, since=START):
    return stopped(events(), clicks, {Cap("o1", *key): Decimal(limit) for key, limit in limits.items()}, since)


def test_no_limit_stops_nothing():
    assert not hit({}).any()


@pytest.mark.parametrize(
    ("cap_type", "limit", "let_through"),
    [
        ("daily_conversions", 5, 10),
        ("weekly_conversions", 5, 5),
        ("monthly_conversions", 7, 7),
        ("total_conversions", 11, 11),
        ("daily_payout", "30.30", 6),  # three times 10.10 exactly, no cent more
        ("daily_payout", 0, 0),
        ("total_revenue", 100, 24),  # nothing has a revenue
    ],
)
def test_a_limit_stops_what_comes_once_it_is_reached(cap_type, limit, let_through):
    cut = hit({("a1", cap_type): limit})
    own = events()["affiliate_id"] == "a1"
    assert (own & ~cut).sum() == let_through
    assert not (cut & ~own).any()


def test_what_a_partners_limit_stopped_does_not_fill_the_offers():
    both = hit({("a1", "daily_conversions"): 0, (None, "daily_conversions"): 12})
    assert (~both).sum() == 24  # all of a2


def test_what_came_before_only_counts():
    cut = hit({("a1", "total_conversions"): 5}, since=START + timedelta(days=1))
    assert not cut[:24].any()
    assert (cut & (events()["affiliate_id"] == "a1")).sum() == 12


def test_a_limit_of_clicks_stops_conversions_of_later_clicks():
    clicks = events().select("offer_id", "affiliate_id", "ts")
    assert (hit({("a1", "total_clicks"): 4}, clicks).sum(), hit({("a1", "total_clicks"): 0}, clicks).sum()) == (20, 24)


def test_tallies_add_up_and_name_their_whole():
    rows = pl.DataFrame(
        {
            "affiliate_id": ["a", "a", "b", "b", "c", "d", "e"],
            "payout": [10.0, 20.0, 30.0, 40.0, 5.0, 5.0, 5.0],
            "bad": [1.0, 0.0, 1.0, float("nan"), 0.2, 0.2, 0.2],
            "all": [True] * 7,
            "none": [False] * 7,
        }
    )
    found = tallies(rows, ["all", "none"], 0.5, (0.9, 200, 1))
    whole = found["all"]
    assert (whole.saved.value, whole.cost.value, whole.unknown) == (43.0, 32.0, 40.0)
    assert (whole.saved_share.value, whole.cost_share.value) == (1.0, 1.0)
    assert whole.net.value == 27.0
    assert whole.saved.low <= whole.saved.value <= whole.saved.high
    assert (found["none"].saved.value, found["none"].net.value) == (0.0, 0.0)


def test_an_amount_of_few_affiliates_has_no_interval():
    rows = pl.DataFrame({"affiliate_id": ["a", "b"], "payout": [1.0, 2.0], "bad": [1.0, 0.0], "all": [True] * 2})
    saved = tallies(rows, ["all"], 0.5, (0.9, 100, 1))["all"].saved
    assert (saved.value, saved.low, saved.high) == (1.0, None, None)
