"""The eighth generator draws a different kind of world with every seed, and each of them complete and repeatable."""

from __future__ import annotations

from types import ModuleType

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.schema import TABLES, Kind, polars_schema

SEEDS = range(1, 11)
FRAUDS = {
    "click_flooding", "click_injection", "cookie_stuffing", "window_abuse", "bot_leads", "stuffed_leads", "device_farm",
    "self_referral", "incentive", "geo_spoofing", "replay", "invented", "mimicry", "bought_sub", "slow_ramp",
}  # fmt: skip


@pytest.fixture(scope="module")
def eighth(generator):
    return generator("eighth_programme")


@pytest.fixture(scope="module")
def programmes(eighth: ModuleType):
    return [eighth.simulate(seed) for seed in SEEDS]


def judged(programme) -> pl.DataFrame:
    return programme.tables[Kind.CONVERSIONS].join(programme.truth, on="conversion_id", validate="1:1")


def test_every_table_is_canonical_with_unique_keys_and_nothing_required_missing(programmes):
    for programme in programmes:
        for kind, table in programme.tables.items():
            assert dict(table.schema) == polars_schema(kind)
            assert not table.select(TABLES[kind].key).is_duplicated().any()
            assert table.select(TABLES[kind].required).null_count().sum_horizontal().sum() == 0


def test_the_same_seed_gives_the_same_programme_and_another_seed_another(eighth, programmes):
    again = eighth.simulate(SEEDS[3])
    for kind, table in again.tables.items():
        assert_frame_equal(table, programmes[3].tables[kind])
    assert_frame_equal(again.truth, programmes[3].truth)
    assert not again.tables[Kind.CONVERSIONS].equals(programmes[4].tables[Kind.CONVERSIONS])


def test_the_truth_names_every_conversion_once_and_a_kind_for_every_fraud(programmes):
    for programme in programmes:
        truth = programme.truth
        assert truth["conversion_id"].to_list() == programme.tables[Kind.CONVERSIONS]["conversion_id"].to_list()
        assert truth["is_fraud"].equals(truth["kind"].is_not_null())
        assert set(truth["kind"].drop_nulls()) <= FRAUDS


def test_fraud_takes_at_most_a_fifth_of_the_payout_and_some_programmes_have_none(programmes):
    shares = []
    for programme in programmes:
        goals = judged(programme)
        shares.append(float(goals.filter("is_fraud")["payout"].sum()) / float(goals["payout"].sum()))
    assert max(shares) < 0.23  # better terms of a partner may lift the share a little
    assert 0 in shares
    assert sum(share > 0.01 for share in shares) >= len(shares) / 2


def test_payouts_are_decimal_and_whatever_happened_lies_within_the_programme(programmes):
    for programme in programmes:
        goals, clicks = programme.tables[Kind.CONVERSIONS], programme.tables[Kind.CLICKS]
        assert goals["payout"].dtype == pl.Decimal(18, 4)
        assert goals["payout"].min() >= 0
        assert (goals["ts"].max() - goals["ts"].min()).days <= 62
        if clicks.height:
            assert 5 <= clicks.height / goals.height <= 60


def test_worlds_differ_in_what_is_sold_seen_and_done(programmes):
    events = {event for programme in programmes for event in programme.tables[Kind.CONVERSIONS]["event"]}
    blind = {programme.tables[Kind.CONVERSIONS]["ip"].null_count() > 0 for programme in programmes}
    without = {programme.tables[Kind.CLICKS].is_empty() for programme in programmes}
    kinds = {kind for programme in programmes for kind in programme.truth["kind"].drop_nulls()}
    assert len(events) >= 6
    assert blind == without == {True, False}
    assert len(kinds) >= 10


def test_honest_buyers_of_one_programme_are_much_slower_than_those_of_another(programmes):
    middles = []
    for programme in programmes:
        goals = judged(programme).filter(~pl.col("is_fraud"))
        took = (goals["ts"] - goals["click_ts"]).dt.total_seconds().drop_nulls()
        if len(took):
            middles.append(took.median())
    assert max(middles) > 5 * min(middles) > 0
