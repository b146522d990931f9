"""Vendor presets do what the vendors' pages say, and say what they could not know."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.presets import FEWEST_FOR_A_SHARE, PRESETS, held_by

NOON = dt.datetime(2024, 5, 6, 12, tzinfo=dt.UTC)


def conversions(seconds, **columns):
    """One source's conversions, an hour apart, each so many seconds after its click."""
    rows = len(seconds)
    stamps = [NOON + dt.timedelta(hours=row) for row in range(rows)]
    frame = pl.DataFrame(
        {
            "conversion_id": [f"c{row}" for row in range(rows)],
            "ts": stamps,
            "affiliate_id": ["a"] * rows,
            "offer_id": ["o"] * rows,
            "click_ts": [
                None if taken is None else stamp - dt.timedelta(seconds=taken)
                for stamp, taken in zip(stamps, seconds, strict=True)
            ],
        },
        schema_overrides={"ts": pl.Datetime("us", "UTC"), "click_ts": pl.Datetime("us", "UTC")},
    )
    return frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def rules(preset, frame, clicks=None):
    return held_by(PRESETS[preset], frame, clicks)["rules"].to_list()


@pytest.mark.parametrize(
    ("preset", "slowest_held", "fastest_kept"),
    [
        ("24metrics_cpi", 19.9, 20),
        ("24metrics_cpa", 14.9, 15),
        ("everflow_leads", 14.9, 15),
        ("everflow_shops", 4.9, 5),
    ],
)
def test_too_fast_is_held_at_the_published_second(preset, slowest_held, fastest_kept):
    fired = rules(preset, conversions([slowest_held, fastest_kept, 300]))
    assert len(fired[0]) == 1
    assert fired[1:] == [[], []]


@pytest.mark.parametrize(("preset", "limit"), [("24metrics_cpi", 86_400), ("everflow_leads", 90 * 86_400)])
def test_too_late_is_held_after_the_window(preset, limit):
    fired = rules(preset, conversions([limit + 1, limit]))
    assert fired == [[fired[0][0]], []]
    assert fired[0][0].startswith("converted after")


def test_share_rules_hold_the_whole_source_and_no_other():
    poor = conversions([30] * 7 + [300] * 5)
    good = conversions([300] * 12).with_columns(
        affiliate_id=pl.lit("b"), conversion_id=pl.lit("b") + pl.col("conversion_id")
    )
    verdict = held_by(PRESETS["24metrics_cpi"], pl.concat([poor, good]))
    assert verdict["rules"].to_list() == [["more than 50% within 1 min"]] * 12 + [[]] * 12
    assert rules("24metrics_cpa", poor) == [[]] * 12, "58 % is under the 60 % of the CPA preset"


def test_share_rules_leave_tiny_sources_alone():
    assert rules("24metrics_cpi", conversions([30] * (FEWEST_FOR_A_SHARE - 1)))[0] == []
    assert rules("24metrics_cpi", conversions([30] * FEWEST_FOR_A_SHARE))[0] != []


def test_repeated_address_holds_only_what_goes_beyond_the_limit():
    frame = conversions([300] * 6, ip=["1.1.1.1"] * 5 + ["2.2.2.2"])
    repeated = [bool(fired) for fired in rules("24metrics_cpa", frame)]
    assert repeated == [False, False, False, True, True, False]
    spread = frame.with_columns(ts=pl.lit(NOON) + pl.int_range(6) * dt.timedelta(hours=25))
    spread = spread.with_columns(click_ts=pl.col("ts") - dt.timedelta(minutes=5))
    assert rules("24metrics_cpi", spread) == [[]] * 6


def test_clicks_give_time_and_address_that_conversions_lack():
    clicks = pl.DataFrame(
        {
            "click_id": ["k0", "k1"],
            "ts": [NOON - dt.timedelta(seconds=3), NOON - dt.timedelta(minutes=50)],
            "affiliate_id": ["a", "a"],
            "offer_id": ["o", "o"],
            "ip": ["1.1.1.1", "1.1.1.1"],
        },
        schema_overrides={"ts": pl.Datetime("us", "UTC")},
    )
    frame = conversions([None, None], click_id=["k0", "k1"])
    assert rules("24metrics_cpi", frame, clicks)[0] == ["converted within 20 s"]
    assert "more than 1 from an address in 1 d" in rules("24metrics_cpi", frame, clicks)[1]


@pytest.mark.parametrize(("tier", "limit"), [("offer18_strict", 10), ("offer18_moderate", 50), ("offer18_light", 100)])
def test_offer18_tiers_hold_the_busy_address_of_the_day(tier, limit):
    clicks = pl.DataFrame(
        {
            "click_id": [f"k{row}" for row in range(2 * limit - 1)],
            "ts": [NOON] * (2 * limit - 1),
            "offer_id": ["o"] * (2 * limit - 1),
            "affiliate_id": ["a"] * (2 * limit - 1),
            "ip": ["1.1.1.1"] * limit + ["2.2.2.2"] * (limit - 1),
        }
    )
    frame = conversions([60, 60, 60], ip=["1.1.1.1", "2.2.2.2", None])
    assert held_by(PRESETS[tier], frame, clicks)["held"].to_list() == [True, False, None]


def test_conversion_rate_alert_needs_the_clicks():
    frame = conversions([60] * 4)
    clicks = pl.DataFrame(
        {"click_id": [str(row) for row in range(100)], "ts": [NOON] * 100, "offer_id": "o", "affiliate_id": "a"}
    )
    assert held_by(PRESETS["everflow_rate"], frame, clicks)["held"].to_list() == [True] * 4
    assert held_by(PRESETS["everflow_rate"], frame[:3], clicks)["held"].to_list() == [False] * 3
    without = held_by(PRESETS["everflow_rate"], frame)
    assert without["held"].null_count() == 4
    assert without["missing"].to_list() == [["clicks"]] * 4


def test_affise_example_declines_the_source_of_its_own_example():
    frame = conversions([60] * 62, event=["install"] * 50 + ["purchase"] * 12)
    assert held_by(PRESETS["affise_kpi"], frame)["held"].all()
    better = conversions([60] * 75, event=["install"] * 50 + ["purchase"] * 25)
    assert not held_by(PRESETS["affise_kpi"], better)["held"].any()
    assert held_by(PRESETS["affise_kpi"], conversions([60]))["missing"].to_list() == [["event"]]


def test_proxies_count_within_twelve_hours():
    stamps = [NOON + dt.timedelta(minutes=row) for row in range(120)]
    frame = conversions([300] * 120).with_columns(ts=pl.Series(stamps), is_proxy=pl.int_range(120) % 10 != 0)
    frame = frame.with_columns(click_ts=pl.col("ts") - dt.timedelta(minutes=5))
    fired = [any("proxies" in rule for rule in of_row) for of_row in rules("24metrics_cpa", frame)]
    assert fired == [False] * 99 + [True] * 21


def test_unknown_facts_are_named_and_never_called_clean():
    bare = conversions([None, None])
    for preset in PRESETS.values():
        verdict = held_by(preset, bare)
        assert verdict["held"].null_count() == 2, preset.name
        needed = list(dict.fromkeys(fact for rule in preset.rules for fact in rule.facts))
        assert verdict["missing"].to_list() == [needed] * 2


def test_a_rule_that_fires_holds_whatever_else_is_unknown():
    verdict = held_by(PRESETS["24metrics_cpa"], conversions([3]))
    assert verdict["held"].to_list() == [True]
    assert "ip" in verdict["missing"][0]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(14)), st.sampled_from(sorted(PRESETS)))
def test_input_order_is_kept_and_means_nothing(order, preset):
    frame = conversions([5, 30, 30, 30, 30, 30, 30, 30, 300, 7_000, 90_000, 8_000_000, None, 16], ip=["1.1.1.1"] * 14)
    straight = held_by(PRESETS[preset], frame)
    shuffled = held_by(PRESETS[preset], frame[list(order)])
    assert shuffled.equals(straight[list(order)])


def test_every_preset_names_its_source():
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert "." in preset.source
        assert preset.rules
