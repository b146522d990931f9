"""The second generator writes complete programmes in canonical columns, repeatably, with the frauds it names."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from features.schema import TABLES, Kind

SMALL = {"seed": 5, "days": 14, "affiliates": 40, "scale": 0.25}


@pytest.fixture(scope="module")
def second(generator):
    return generator("second_programme")


@pytest.fixture(scope="module")
def programme(second, tmp_path_factory) -> tuple[Path, dict[str, int]]:
    out = tmp_path_factory.mktemp("second")
    return out, second.generate(**SMALL, kinds=None, fraud_share=0.15, out_dir=out)


def _conversions(out: Path) -> pl.DataFrame:
    truth = pl.read_csv(out / "truth.csv", schema_overrides={"conversion_id": pl.String})
    return pl.read_parquet(out / "conversions.parquet").join(truth, on="conversion_id", how="left")


def test_tables_have_canonical_columns_unique_keys_and_no_missing_requirement(programme):
    out, rows = programme
    for kind in (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES):
        table, frame = TABLES[kind], pl.read_parquet(out / f"{kind}.parquet")
        assert set(frame.columns) <= {column.name for column in table.columns}
        assert set(table.required) <= set(frame.columns)
        assert frame.select(pl.col(table.required).null_count().sum()).row(0) == (0,) * len(table.required)
        assert frame.select(table.key).is_unique().all()
        assert len(frame) == rows[kind]


def test_every_conversion_has_its_truth_and_every_kind_occurs(second, programme):
    conversions = _conversions(programme[0])
    assert conversions["is_fraud"].null_count() == 0
    assert set(conversions.filter(is_fraud=1)["kind"]) == set(second.KINDS)
    assert set(conversions.filter(is_fraud=0)["kind"]) == {"clean"}


def test_the_fraudulent_part_of_the_payout_is_near_what_was_asked_for(programme):
    conversions = _conversions(programme[0]).with_columns(pl.col("payout").cast(pl.Float64))
    share = conversions.filter(is_fraud=1)["payout"].sum() / conversions["payout"].sum()
    assert 0.07 < share < 0.3


def test_clicks_come_before_their_conversions_and_are_the_ones_claimed(programme):
    out, _ = programme
    conversions = _conversions(out)
    clicks = pl.read_parquet(out / "clicks.parquet").select("click_id", "affiliate_id", clicked="ts")
    joined = conversions.join(clicks, on="click_id", how="inner")
    assert len(joined) > 0.7 * len(conversions)
    assert joined.select((pl.col("clicked") < pl.col("ts")).all()).item()
    assert joined.select((pl.col("affiliate_id") == pl.col("affiliate_id_right")).all()).item()


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("click_injection", 0, 60), ("cookie_stuffing", 3600, 40 * 86400), ("click_flooding", 600, 40 * 86400)],
)
def test_frauds_show_in_the_time_from_click_to_goal(second, tmp_path, kind, low, high):
    second.generate(**SMALL, kinds=[kind], fraud_share=0.2, out_dir=tmp_path)
    delay = _conversions(tmp_path).filter(kind=kind).select((pl.col("ts") - pl.col("click_ts")).dt.total_seconds())
    assert low < delay.to_series().median() < high


def test_replays_repeat_clicks(second, tmp_path):
    second.generate(**SMALL, kinds=["replayed_conversions"], fraud_share=0.1, out_dir=tmp_path)
    conversions = _conversions(tmp_path)
    copied = conversions.filter(kind="replayed_conversions")["click_id"].drop_nulls()
    assert copied.is_in(conversions.filter(is_fraud=0)["click_id"].drop_nulls().implode()).mean() > 0.9


def test_the_same_seed_gives_the_same_files_and_another_seed_does_not(second, tmp_path):
    small = {"days": 8, "affiliates": 20, "scale": 0.15, "kinds": ["bot_leads"], "fraud_share": 0.1}
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        second.generate(seed, **small, out_dir=tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    same = [(tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files]
    assert all(same)
    assert (tmp_path / "one" / "truth.csv").read_bytes() != (tmp_path / "three" / "truth.csv").read_bytes()


def test_without_fraud_nothing_is_fraud_and_without_real_addresses_it_still_works(second, tmp_path):
    rows = second.generate(
        **SMALL, kinds=None, fraud_share=0, out_dir=tmp_path, file_format="csv", address_file=tmp_path / "absent"
    )
    assert rows["fraud"] == 0
    assert rows["conversions"] > 100
    affiliates = pl.read_csv(tmp_path / "affiliates.csv")
    assert affiliates["approved_sites"].str.starts_with("https://").all()


@pytest.mark.parametrize("wrong", [{"kinds": ["nonsense"]}, {"fraud_share": 1.0}, {"days": 2}, {"scale": 0}])
def test_arguments_that_make_no_programme_are_refused(second, tmp_path, wrong):
    with pytest.raises(ValueError, match="unknown kinds"):
        second.generate(**{**SMALL, "kinds": None, "fraud_share": 0.1, **wrong}, out_dir=tmp_path)
