"""The seventh generator writes complete and repeatable programmes with the frauds it names."""

from __future__ import annotations

from types import ModuleType

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.schema import Kind, polars_schema

SEEDS = range(1, 7)
WRITTEN = (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES)


@pytest.fixture(scope="module")
def seventh(generator):
    return generator("seventh_programme")


@pytest.fixture(scope="module")
def programmes(seventh: ModuleType):
    return [seventh.simulate(seed) for seed in SEEDS]


def judged(programme) -> pl.DataFrame:
    return programme.tables[Kind.CONVERSIONS].join(programme.truth, on="conversion_id", validate="1:1")


def test_tables_have_canonical_columns_unique_keys_and_no_missing_requirement(programmes):
    for programme in programmes:
        for kind in WRITTEN:
            assert dict(programme.tables[kind].schema) == polars_schema(kind)
        clicks, goals = programme.tables[Kind.CLICKS], programme.tables[Kind.CONVERSIONS]
        assert clicks["click_id"].is_unique().all()
        assert goals["conversion_id"].is_unique().all()
        for table in (clicks, goals):
            assert not any(table[name].has_nulls() for name in ("ts", "affiliate_id", "offer_id", "ip", "country"))
        assert not goals["payout"].has_nulls()
        assert set(goals["affiliate_id"]) <= set(programme.tables[Kind.AFFILIATES]["affiliate_id"])


def test_every_conversion_has_its_truth_and_every_kind_occurs(seventh, programmes):
    for programme in programmes:
        assert set(programme.truth["conversion_id"]) == set(programme.tables[Kind.CONVERSIONS]["conversion_id"])
        assert (programme.truth["kind"].is_not_null() == programme.truth["is_fraud"]).all()
    told = {kind for programme in programmes for kind in programme.truth["kind"].drop_nulls()}
    assert told == set(seventh.KINDS)


def test_the_programmes_are_of_the_size_and_have_the_part_of_fraud_they_say(programmes):
    for programme in programmes:
        goals = judged(programme)
        stolen = goals.filter("is_fraud")["payout"].sum() / goals["payout"].sum()
        assert 0.03 < float(stolen) < 0.18
        assert 55_000 < programme.tables[Kind.CLICKS].height < 180_000
        assert 2_500 < goals.height < 9_000


def test_a_conversion_follows_the_click_it_claims_of_the_same_partner_and_offer(programmes):
    for programme in programmes:
        clicks = programme.tables[Kind.CLICKS].select("click_id", "affiliate_id", "offer_id", clicked="ts")
        claimed = programme.tables[Kind.CONVERSIONS].drop_nulls("click_id")
        both = claimed.join(clicks, on="click_id", suffix="_of_click")
        assert both.height == claimed.height
        assert (both["affiliate_id"] == both["affiliate_id_of_click"]).all()
        assert (both["offer_id"] == both["offer_id_of_click"]).all()
        assert (both["clicked"] == both["click_ts"]).all()
        assert (both["click_ts"] <= both["ts"]).all()


def test_frauds_of_attribution_show_in_the_time_from_click_to_goal(programmes):
    goals = pl.concat([judged(programme) for programme in programmes])
    waits = (pl.col("ts") - pl.col("click_ts")).dt.total_seconds().median()
    middle = dict(goals.group_by("kind").agg(waits).iter_rows())
    assert middle["click_injection"] < middle[None] / 4
    assert middle["click_flooding"] > middle[None] * 10
    assert middle["window_abuse"] > middle[None] * 10


def test_the_same_seed_gives_the_same_programme_and_another_seed_does_not(seventh, programmes):
    again = seventh.simulate(SEEDS[0])
    for kind in WRITTEN:
        assert_frame_equal(again.tables[kind], programmes[0].tables[kind])
    assert_frame_equal(again.truth, programmes[0].truth)
    assert not again.truth.equals(programmes[1].truth)


def test_a_clean_programme_has_no_fraud_and_no_outcome_that_says_so(seventh):
    clean = seventh.simulate(1, fraud=False)
    assert not clean.truth["is_fraud"].any()
    assert "confirmed_fraud" not in set(clean.tables[Kind.OUTCOMES]["outcome"])
