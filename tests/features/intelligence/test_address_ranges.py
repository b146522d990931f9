"""Range tables say of every number what a plain walk over the ranges says."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from features.intelligence.parsing import byte_keys
from features.intelligence.ranges import BOUNDS, NOT_FOUND, RangeIndex, covering, keys_of

_SPAN = 60
_HIGH = 1 << 64 - 8
"""IPv6 numbers in these tests step through the upper half, so that both halves matter."""
_SPANS = st.lists(st.tuples(st.integers(0, _SPAN), st.integers(0, 20), st.sampled_from("abc")), min_size=1, max_size=12)


def _frame(spans, version: int) -> pl.DataFrame:
    rows = []
    for start, length, value in spans:
        first, last = (start, start + length) if version == 4 else (start * _HIGH << 40, (start + length) * _HIGH << 40)
        rows.append((version, first >> 64, first % 2**64, last >> 64, last % 2**64, value))
    schema = {"version": pl.UInt8, **dict.fromkeys(BOUNDS[1:], pl.UInt64), "value": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _points(version: int) -> tuple[list[int], pl.DataFrame]:
    places = list(range(_SPAN + 25))
    numbers = [place if version == 4 else place * _HIGH << 40 for place in places]
    schema = {"high": pl.UInt64, "low": pl.UInt64}
    return places, pl.DataFrame([(number >> 64, number % 2**64) for number in numbers], schema=schema, orient="row")


def _narrowest(spans, place: int) -> set[str]:
    holding = [(length, value) for start, length, value in spans if start <= place <= start + length]
    least = min((length for length, _ in holding), default=None)
    return {value for length, value in holding if length == least}


@given(_SPANS, st.sampled_from([4, 6]))
def test_the_narrowest_range_that_holds_a_number_answers(spans, version):
    index = RangeIndex.of(_frame(spans, version), ["value"])
    places, points = _points(version)
    codes = index.find(version, keys_of(points, version))
    for place, code in zip(places, codes.tolist(), strict=True):
        expected = _narrowest(spans, place)
        assert (index.values["value"][code] in expected) if code != NOT_FOUND else not expected


@given(_SPANS, st.sampled_from([4, 6]))
def test_covering_ranges_cover_the_same_numbers_and_no_more(spans, version):
    frame = _frame(spans, version)
    whole = covering(frame)
    index = RangeIndex.covering(frame, pl.DataFrame({"value": ["x"]}))
    places, points = _points(version)
    found = index.find(version, keys_of(points, version)) != NOT_FOUND
    assert found.tolist() == [bool(_narrowest(spans, place)) for place in places]
    assert len(whole) <= len(frame)


def test_an_empty_table_finds_nothing():
    index = RangeIndex.of(_frame([(1, 1, "a")], 4), ["value"])
    _, points = _points(6)
    assert set(index.find(6, keys_of(points, 6)).tolist()) == {NOT_FOUND}


@given(st.lists(st.integers(0, 2**128 - 1), min_size=2, max_size=20, unique=True))
def test_keys_sort_as_the_numbers_do(numbers):
    halves = pl.DataFrame(
        [(number >> 64, number % 2**64) for number in numbers], schema={"h": pl.UInt64, "l": pl.UInt64}, orient="row"
    )
    keys = byte_keys(halves["h"].to_numpy(), halves["l"].to_numpy())
    assert [numbers[place] for place in keys.argsort()] == sorted(numbers)
