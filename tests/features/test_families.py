"""docs/features.md and the list of features say the same, and the matrix has exactly these columns."""

from __future__ import annotations

from pathlib import Path

import narwhals as nw
import polars as pl
import pytest

from features.families import all_features
from features.matrix import IDENTITY
from features.prepare import Traffic, prepare
from features.registry import LEVELS
from features.source_rows import source_matrix
from features.windows import day_number
from features.working import working_clicks, working_conversions

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
OF_ONE, _, _REST = PAGE.partition("## Of a source, against its offer")
AGAINST_OFFER, _, AGAINST_PAST = _REST.partition("## Of a source, against its own past")


def section_and_name(feature):
    if feature.grain == "conversion":
        return OF_ONE, feature.name
    if feature.name.startswith("trend_"):
        return AGAINST_PAST, feature.name
    return AGAINST_OFFER, feature.name.rpartition("_")[0]


def row(feature):
    _, name = section_and_name(feature)
    facts = ", ".join(feature.facts) or "always known"
    return f"| `{name}` | {feature.unit} | {feature.meaning} | {feature.null_means} | {facts} |"


@pytest.mark.parametrize("feature", all_features(), ids=lambda feature: feature.name)
def test_the_page_says_of_a_feature_what_the_code_says(feature):
    assert row(feature) in section_and_name(feature)[0].splitlines(), f"docs/features.md should have:\n{row(feature)}"


def test_the_page_lists_no_other_feature():
    bases = {section_and_name(feature) for feature in all_features()}
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(rows) == len(bases) + len(LEVELS)


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_the_page_explains_each_level(level):
    source = " x ".join(key if key != "sub" else "sub_id" for key in level.keys)
    assert f"| `{level.name}` | {source} | {level.days} days |" in PAGE


@pytest.fixture(scope="module")
def prepared(events):
    clicks = nw.to_native(working_clicks(nw.from_native(events.clicks.lazy()))).collect()
    conversions = nw.to_native(working_conversions(nw.from_native(events.conversions.lazy()))).collect()
    return prepare(Traffic(clicks, conversions, events.outcomes), events.lookups, day_number(events.last))


def test_the_matrix_has_a_row_per_conversion_and_a_float_column_per_feature_in_order(events, prepared):
    names = [feature.name for feature in all_features()]
    assert len(set(names)) == len(names)
    assert prepared.matrix.columns == [*IDENTITY, *names]
    assert all(prepared.matrix[name].dtype == pl.Float32 for name in names)
    assert sorted(prepared.matrix["conversion_id"]) == sorted(events.conversions["conversion_id"])


def test_features_are_numbers_or_unknown_and_never_infinite(prepared):
    names = [feature.name for feature in all_features()]
    for name in names:
        known = prepared.matrix[name].drop_nulls()
        assert known.is_finite().all(), name


def test_the_matrix_of_sources_has_the_same_features(prepared):
    rows = nw.to_native(source_matrix(prepared.sources)).collect()
    assert {feature.name for feature in all_features()} <= set(rows.columns)
    assert rows.select("affiliate_id", "offer_id", "sub", "window").is_unique().all()
    for level in LEVELS:
        assert rows[f"no_click_{level.name}"].drop_nulls().is_finite().all()
