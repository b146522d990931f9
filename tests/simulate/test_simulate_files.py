"""The files of a simulated programme hold what the programme holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from features.schema import Kind, polars_schema
from screening.simulate import Feed, simulate, small_spec
from screening.simulate.files import write_events, write_truth

SPEC = replace(small_spec(date(2026, 5, 4)), clicks=4000, conversions=300)


@pytest.fixture(scope="module")
def programme():
    return simulate(SPEC, 2)


def test_files_give_back_every_row(programme, tmp_path):
    written = write_events(programme, tmp_path)
    assert set(written) == set(Kind)
    clicks = pl.read_csv(written[Kind.CLICKS], infer_schema=False)
    assert clicks.with_columns(pl.col("ts").str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_zone="UTC")).equals(
        programme.clicks, null_equal=True
    )
    assert pl.read_parquet(written[Kind.CONVERSIONS]).equals(programme.conversions, null_equal=True)
    affiliates = pl.read_csv(written[Kind.AFFILIATES], infer_schema=False)
    assert affiliates["approved_sites"].str.split(" ").to_list() == programme.affiliates["approved_sites"].to_list()
    assert affiliates["promo_methods"].str.split(";").to_list() == programme.affiliates["promo_methods"].to_list()
    assert affiliates.columns == list(polars_schema(Kind.AFFILIATES))


def test_writing_again_gives_the_same_bytes(programme, tmp_path):
    first, second = write_events(programme, tmp_path / "a"), write_events(simulate(SPEC, 2), tmp_path / "b")
    for kind in Kind:
        assert first[kind].read_bytes() == second[kind].read_bytes()


def test_the_truth_is_not_among_the_events(programme, tmp_path):
    written = write_events(programme, tmp_path / "events")
    truth = write_truth(programme, tmp_path / "truth")
    assert truth not in written.values()
    assert truth.parent != (tmp_path / "events")
    for path in written.values():
        columns = pl.read_parquet(path).columns if path.suffix == ".parquet" else pl.read_csv(path, n_rows=1).columns
        assert not {"is_fraud", "kind", "mechanic", "scheme"} & set(columns)
    assert pl.read_parquet(truth).equals(programme.truth, null_equal=True)


def test_a_kind_without_rows_has_no_file(tmp_path):
    written = write_events(simulate(replace(SPEC, feed=Feed.NO_CLICKS), 2), tmp_path)
    assert Kind.CLICKS not in written
    assert not (tmp_path / "clicks.csv.gz").exists()
