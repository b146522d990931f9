"""The ninth simulated programme: it repeats itself, keeps the contract, and its truth is what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from features.schema import BAD_OUTCOMES, OUTCOMES, TABLES, Kind, polars_schema


@pytest.fixture(scope="module")
def ninth(generator):
    return generator("ninth_programme")


@pytest.fixture(scope="module")
def made(ninth: Any) -> Any:
    return ninth.simulate(3)


@pytest.fixture(scope="module")
def honest(ninth: Any) -> Any:
    return ninth.simulate(3, fraud=False)


def test_the_same_seed_makes_the_same_tables_and_another_seed_others(ninth: Any, honest: Any) -> None:
    again, other = ninth.simulate(3, fraud=False), ninth.simulate(4, fraud=False)
    for kind, table in honest.tables.items():
        assert table.equals(again.tables[kind])
        assert not table.equals(other.tables[kind])
    assert honest.truth.equals(again.truth)


def test_tables_have_the_canonical_columns_and_everything_required(made: Any) -> None:
    for kind in (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES):
        table = made.tables[kind]
        assert table.schema == polars_schema(kind)
        assert table.select(TABLES[kind].required).null_count().sum_horizontal().item() == 0
        assert not table.select(TABLES[kind].key).is_duplicated().any()
    assert set(made.tables[Kind.OUTCOMES]["outcome"]) <= set(OUTCOMES)


def test_size_and_share_of_fraud_are_those_of_a_programme(made: Any) -> None:
    conversions = made.tables[Kind.CONVERSIONS].join(made.truth, on="conversion_id")
    assert 40 <= made.tables[Kind.AFFILIATES].height <= 120
    assert 4_000 <= conversions.height <= 10_000
    assert 60_000 <= made.tables[Kind.CLICKS].height <= 300_000
    stolen = conversions.filter("is_fraud")["payout"].sum() / conversions["payout"].sum()
    assert 0.05 <= stolen <= 0.15
    assert conversions["kind"].drop_nulls().n_unique() >= 12


def test_truth_covers_every_conversion_and_names_the_kind_of_every_fraud(made: Any) -> None:
    truth = made.truth
    assert sorted(truth["conversion_id"]) == sorted(made.tables[Kind.CONVERSIONS]["conversion_id"])
    assert (truth["is_fraud"] == truth["kind"].is_not_null()).all()


def test_every_partner_with_traffic_is_listed(made: Any) -> None:
    listed = set(made.tables[Kind.AFFILIATES]["affiliate_id"])
    assert set(made.tables[Kind.CLICKS]["affiliate_id"]) | set(made.tables[Kind.CONVERSIONS]["affiliate_id"]) <= listed


def test_conversions_name_clicks_of_their_own_partner(made: Any) -> None:
    pairs = made.tables[Kind.CONVERSIONS].join(made.tables[Kind.CLICKS], on="click_id", suffix="_click")
    assert pairs.height > 0.85 * made.tables[Kind.CONVERSIONS].height
    assert (pairs["affiliate_id"] == pairs["affiliate_id_click"]).all()
    assert (pairs["ts_click"] == pairs["click_ts"]).all()


def test_without_fraud_the_honest_partners_stay_and_nothing_is_false(made: Any, honest: Any) -> None:
    assert not honest.truth["is_fraud"].any()
    clean = made.truth.filter(~pl.col("is_fraud"))["conversion_id"]
    assert set(honest.truth["conversion_id"]) <= set(clean)
    assert set(honest.tables[Kind.AFFILIATES]["affiliate_id"]) < set(made.tables[Kind.AFFILIATES]["affiliate_id"])


def test_outcomes_speak_mostly_of_the_false_but_know_few_of_them(made: Any) -> None:
    bad = made.tables[Kind.OUTCOMES].filter(pl.col("outcome").is_in(list(BAD_OUTCOMES)))
    judged = bad.join(made.truth, on="conversion_id")
    assert judged["is_fraud"].mean() > 0.6
    assert judged["is_fraud"].sum() < 0.3 * made.truth["is_fraud"].sum()


def test_files_are_written_with_the_truth(ninth: Any, honest: Any, tmp_path: Path) -> None:
    ninth.write(honest, tmp_path)
    assert pl.read_parquet(tmp_path / "conversions.parquet").equals(honest.tables[Kind.CONVERSIONS])
    assert pl.read_csv(tmp_path / "truth.csv").height == honest.truth.height
