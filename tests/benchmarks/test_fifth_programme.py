"""The fifth generator writes complete programmes in canonical columns, repeatably, with the frauds it names."""

from __future__ import annotations

import polars as pl
import pytest

from features.schema import TABLES, Kind, polars_schema

SMALL = 12_000
SEEDS = (1, 2, 3, 4, 5, 6)


@pytest.fixture(scope="module")
def fifth(generator):
    return generator("fifth_programme")


@pytest.fixture(scope="module")
def programmes(fifth):
    return [fifth.simulate(seed, clicks=SMALL) for seed in SEEDS]


def _judged(programme) -> pl.DataFrame:
    table = programme.tables[Kind.CONVERSIONS].join(programme.truth, on="conversion_id", validate="1:1")
    return table.with_columns(pl.col("payout").cast(pl.Float64))


def test_tables_have_canonical_columns_unique_keys_and_no_missing_requirement(programmes):
    for programme in programmes:
        for kind, frame in programme.tables.items():
            assert dict(frame.schema) == polars_schema(kind)
            required = TABLES[kind].required
            assert frame.select(pl.col(required).null_count().sum()).row(0) == (0,) * len(required)
            assert frame.select(TABLES[kind].key).is_unique().all()
        assert {*programme.tables} == {Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES}


def test_every_conversion_has_its_truth(programmes):
    for programme in programmes:
        judged = _judged(programme)
        assert judged.height == programme.truth.height == programme.tables[Kind.CONVERSIONS].height
        assert (judged["is_fraud"] == judged["kind"].is_not_null()).all()


def test_every_kind_occurs_over_a_few_programmes(fifth, programmes):
    found = {kind for programme in programmes for kind in programme.truth["kind"].drop_nulls()}
    assert found == set(fifth.KINDS)


def test_the_fraudulent_part_of_the_payout_is_as_in_real_programmes(programmes):
    shares = []
    for programme in programmes:
        judged = _judged(programme)
        shares.append(judged.filter("is_fraud")["payout"].sum() / judged["payout"].sum())
    assert min(shares) > 0.01
    assert max(shares) < 0.25
    assert 0.04 < sum(shares) / len(shares) < 0.16


def test_a_conversion_follows_the_click_it_claims_of_the_same_partner_and_offer(programmes):
    for programme in programmes:
        clicks = programme.tables[Kind.CLICKS].select("click_id", "affiliate_id", "offer_id", clicked="ts")
        joined = programme.tables[Kind.CONVERSIONS].join(clicks, on="click_id", suffix="_of_click")
        assert joined.height > 0.5 * programme.truth.height
        same = [pl.col(name) == pl.col(f"{name}_of_click") for name in ("affiliate_id", "offer_id")]
        assert joined.select(pl.all_horizontal(pl.col("clicked") <= pl.col("ts"), *same).all()).item()


def test_nobody_cheats_in_a_clean_programme(fifth):
    programme = fifth.simulate(3, fraud=False, clicks=SMALL)
    assert programme.truth.height > 200
    assert not programme.truth["is_fraud"].any()
    assert programme.truth["kind"].null_count() == programme.truth.height


def test_honest_partners_of_the_checkout_are_fast_and_honest_buyers_also_come_back_days_later(programmes):
    honest = pl.concat([_judged(programme).filter(~pl.col("is_fraud")) for programme in programmes])
    delay = (honest["ts"] - honest["click_ts"]).dt.total_seconds().drop_nulls()
    assert 0.01 < (delay < 15).mean() < 0.3
    assert 0.05 < (delay > 86_400).mean() < 0.6


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("click_injection", 0, 300), ("cookie_stuffing", 3600, 30 * 86_400), ("click_flooding", 600, 30 * 86_400)],
)
def test_thefts_show_in_the_time_from_click_to_purchase(fifth, kind, low, high):
    judged = pl.concat([_judged(fifth.simulate(seed, kinds=(kind,), clicks=SMALL)) for seed in (11, 12, 13)])
    stolen = judged.filter(kind=kind).select((pl.col("ts") - pl.col("click_ts")).dt.total_seconds()).to_series()
    assert low < stolen.median() < high


def test_the_same_seed_gives_the_same_files_and_another_seed_does_not(fifth, tmp_path):
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        fifth.write(fifth.simulate(seed, clicks=SMALL), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 5
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert (tmp_path / "one" / "truth.csv").read_bytes() != (tmp_path / "three" / "truth.csv").read_bytes()


def test_a_kind_that_does_not_exist_is_refused(fifth):
    with pytest.raises(ValueError, match="unknown kinds"):
        fifth.simulate(1, kinds=("nonsense",))
