"""The sixth generator writes complete programmes in canonical columns, repeatably, with the frauds it names."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.schema import TABLES, Kind, polars_schema

SEEDS = range(1, 7)
WRITTEN = (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES)


@pytest.fixture(scope="module")
def sixth(generator):
    return generator("sixth_programme")


@pytest.fixture(scope="module")
def programmes(sixth) -> list:
    return [sixth.simulate(seed, scale=0.4) for seed in SEEDS]


def _conversions(programme) -> pl.DataFrame:
    return programme.tables[Kind.CONVERSIONS].join(programme.truth, on="conversion_id", how="left")


def test_tables_have_canonical_columns_unique_keys_and_no_missing_requirement(programmes):
    for programme in programmes:
        for kind in WRITTEN:
            table, frame = TABLES[kind], programme.tables[kind]
            assert dict(frame.schema) == dict(polars_schema(kind))
            assert frame.select(pl.col(table.required).null_count().sum()).row(0) == (0,) * len(table.required)
            assert frame.select(table.key).is_unique().all()


def test_every_conversion_has_its_truth_and_every_kind_occurs(sixth, programmes):
    seen = pl.concat([_conversions(programme).select("is_fraud", "kind") for programme in programmes])
    assert seen["is_fraud"].null_count() == 0
    assert set(seen.filter("is_fraud")["kind"]) == set(sixth.KINDS)
    assert seen.filter(~pl.col("is_fraud"))["kind"].null_count() == seen["is_fraud"].not_().sum()


def test_a_small_part_of_the_payout_is_fraudulent_in_every_programme(programmes):
    for programme in programmes:
        conversions = _conversions(programme).with_columns(pl.col("payout").cast(pl.Float64))
        share = conversions.filter("is_fraud")["payout"].sum() / conversions["payout"].sum()
        assert 0.01 < share < 0.3


def test_clicks_come_before_their_conversions_and_are_the_ones_claimed(programmes):
    for programme in programmes:
        clicks = programme.tables[Kind.CLICKS].select("click_id", "offer_id", "affiliate_id", clicked="ts")
        joined = _conversions(programme).join(clicks, on="click_id", how="inner")
        assert (joined["clicked"] <= joined["ts"]).all()
        assert (joined["affiliate_id"] == joined["affiliate_id_right"]).all()
        assert (joined["offer_id"] == joined["offer_id_right"]).all()


def test_frauds_of_attribution_show_in_the_time_from_click_to_goal(programmes):
    rows = pl.concat([_conversions(programme).select("ts", "click_ts", "kind") for programme in programmes])
    delay = rows.with_columns(seconds=(pl.col("ts") - pl.col("click_ts")).dt.total_seconds()).drop_nulls("seconds")
    middle = dict(delay.group_by("kind").agg(pl.col("seconds").median()).iter_rows())
    assert middle["click_injection"] < middle[None] < middle["click_flooding"] < middle["window_abuse"]


def test_the_same_seed_gives_the_same_programme_and_another_seed_does_not(sixth, programmes):
    again = sixth.simulate(SEEDS[0], scale=0.4)
    for kind in WRITTEN:
        assert_frame_equal(again.tables[kind], programmes[0].tables[kind])
    assert_frame_equal(again.truth, programmes[0].truth)
    assert not again.tables[Kind.CONVERSIONS].equals(programmes[1].tables[Kind.CONVERSIONS])


def test_a_clean_programme_has_no_fraud_and_no_bad_outcome_that_says_so(sixth):
    clean = sixth.simulate(3, fraud=False, scale=0.4)
    assert clean.truth.height > 500
    assert not clean.truth["is_fraud"].any()
    assert "confirmed_fraud" not in clean.tables[Kind.OUTCOMES]["outcome"].to_list()
