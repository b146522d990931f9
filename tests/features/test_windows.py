"""Windows count back from the last day; every event is in exactly one of each length."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.windows import (
    MICROSECONDS_PER_DAY,
    day_from_microseconds,
    day_number,
    day_of,
    microseconds,
    window_bounds,
    window_index,
)

days = st.dates(date(1975, 1, 1), date(2100, 1, 1))


def index_of(day, last, length):
    frame = nw.from_native(pl.DataFrame({"day": [day_number(day)]}).lazy())
    return nw.to_native(frame.select(window=window_index(day_number(last), length))).collect().item()


@given(days)
def test_days_have_numbers_and_numbers_days(day):
    assert day_of(day_number(day)) == day


@given(days, st.integers(0, 400), st.sampled_from([7, 28]))
def test_a_day_lies_within_the_bounds_of_its_window(last, back, length):
    day = last - timedelta(days=back)
    first, final = window_bounds(day_number(last), index_of(day, last, length), length)
    assert first <= day <= final
    assert (final - first).days == length - 1


def test_the_newest_window_ends_with_the_last_day():
    last = date(2026, 3, 31)
    assert window_bounds(day_number(last), 0, 7) == (date(2026, 3, 25), last)
    assert [index_of(last - timedelta(days=back), last, 7) for back in (0, 6, 7, 13, 14)] == [0, 0, 1, 1, 2]


def test_four_weeks_are_the_window_of_28_days():
    last = date(2026, 3, 31)
    for back in range(60):
        day = last - timedelta(days=back)
        assert index_of(day, last, 7) // 4 == index_of(day, last, 28)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_event_s_day_is_its_day_in_utc(moment):
    frame = nw.from_native(pl.DataFrame({"ts_us": [microseconds(moment)]}).lazy())
    number = nw.to_native(frame.select(day=day_from_microseconds("ts_us"))).collect().item()
    assert day_of(number) == moment.date()


def test_microseconds_know_zones_and_refuse_times_without_one():
    east = datetime(1970, 1, 2, 2, tzinfo=timezone(timedelta(hours=2)))
    assert microseconds(east) == MICROSECONDS_PER_DAY
    with pytest.raises(ValueError, match="zone"):
        microseconds(datetime(2026, 1, 1))  # noqa: DTZ001
