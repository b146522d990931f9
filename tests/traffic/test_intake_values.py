"""Values: how times, money and words are read, each by itself and never by its neighbours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.traffic.intake.amounts import read_money
from screening.traffic.intake.rules import Rules
from screening.traffic.intake.times import read_time
from screening.traffic.intake.words import read_address, read_currency, read_id, read_text

RULES = Rules(
    earliest=datetime(2000, 1, 1, tzinfo=UTC),
    latest=datetime(2030, 1, 1, tzinfo=UTC),
    zone="UTC",
    time_formats=(),
    id_bytes_max=512,
    field_bytes_max=1000,
    currencies=frozenset({"USD", "EUR"}),
)
INSTANTS = st.datetimes(datetime(2000, 1, 2), datetime(2029, 12, 31)).map(lambda t: t.replace(tzinfo=UTC))  # noqa: DTZ001


def one_time(text: str, rules: Rules = RULES) -> tuple[datetime | None, str | None]:
    reading = read_time(pl.Series([text]), rules, required=False, event=True)
    return reading.values[0], None if reading.faults is None else reading.faults[0]


def one_amount(text: str) -> tuple[Decimal | None, str | None]:
    reading = read_money(pl.Series([text]), required=False)
    return reading.values[0], None if reading.faults is None else reading.faults[0]


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T22:30:05Z",
        "2026-01-31T22:30:05.000Z",
        "2026-01-31 22:30:05",
        "2026-01-31 22:30:05 UTC",
        "2026-01-31T22:30:05+00:00",
        "2026-01-31T23:30:05+0100",
        "2026-02-01T04:00:05+05:30",
        "2026-01-31T14:30:05-08",
        "2026/01/31 22:30:05",
        "  2026-01-31T22:30:05Z ",
        "1769898605",
        "1769898605.0",
        "1769898605000",
        "1769898605000000",
        "1769898605000000999",
    ],
)
def test_one_instant_in_many_ways(text):
    assert one_time(text) == (datetime(2026, 1, 31, 22, 30, 5, tzinfo=UTC), None)


@given(st.lists(INSTANTS, min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_what_a_time_means_does_not_depend_on_the_times_around_it(instants, chance):
    written = [
        chance.choice(
            [
                lambda t: t.isoformat(),
                lambda t: t.replace(tzinfo=None).isoformat(sep=" "),
                lambda t: t.isoformat().replace("+00:00", "Z"),
                lambda t: str(int((t - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))),
            ]
        )(instant)
        for instant in instants
    ]
    together = read_time(pl.Series(written), RULES, required=True, event=True)
    assert together.faults is None
    assert together.values.to_list() == instants == [one_time(text)[0] for text in written]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("2026-02-29T00:00:00Z", "impossible_time"),
        ("2026-13-01", "impossible_time"),
        ("2026-01-01 24:00:00", "impossible_time"),
        ("2026-1-1", "bad_time"),
        ("Jan 1 2026", "bad_time"),
        ("20260101", "bad_time"),
        ("01.02.2026 10:00", "ambiguous_date"),
        ("1/2/26", "ambiguous_date"),
        ("2031-01-01", "future_time"),
        ("1769898605000000000000", "bad_time"),
        ("99999999", "bad_time"),
        ("900000000", "too_early"),
        ("1999-12-31T23:59:59Z", "too_early"),
    ],
)
def test_times_that_cannot_be_used(text, fault):
    assert one_time(text) == (None, fault)


def test_local_times_at_the_change_of_the_clock():
    berlin = Rules(**{**{name: getattr(RULES, name) for name in RULES.__slots__}, "zone": "Europe/Berlin"})
    assert one_time("2026-03-29 02:30:00", berlin) == (None, "impossible_time")
    # the hour occurs twice; the earlier one is meant, in summer time
    assert one_time("2026-10-25 02:30:00", berlin) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), None)


def test_formats_of_a_profile_are_tried_beside_the_others():
    formats = ("%m/%d/%Y %I:%M:%S %p",)
    american = Rules(**{**{name: getattr(RULES, name) for name in RULES.__slots__}, "time_formats": formats})
    texts = ["01/31/2026 10:30:05 PM", "2026-01-31T22:30:05Z", "31/01/2026 10:30:05 PM"]
    reading = read_time(pl.Series(texts), american, required=True, event=True)
    assert reading.values.to_list() == [datetime(2026, 1, 31, 22, 30, 5, tzinfo=UTC)] * 2 + [None]
    assert reading.faults.to_list() == [None, None, "bad_time"]


@pytest.mark.parametrize(
    "text", ["", " ", "null", "NULL", "None", "NaN", "N/A", "undefined", "0", "0000-00-00 00:00:00"]
)
def test_absent_times_are_absent_and_no_fault_unless_required(text):
    assert one_time(text) == (None, None)
    required = read_time(pl.Series([text]), RULES, required=True, event=True)
    assert required.faults.to_list() == ["missing_value"]


@given(st.decimals(0, Decimal("99999999999999.9999"), places=4, allow_nan=False, allow_infinity=False))
def test_amounts_are_read_exactly_however_they_are_written(amount):
    plain = f"{amount:f}"
    grouped = f"{amount:,f}"
    for text in (plain, f" {plain}0", f"+{plain}", f"00{plain}", grouped):
        assert one_amount(text) == (amount, None), text


@given(st.text(alphabet="0123456789.,-+eE ()$", max_size=12))
def test_no_text_gives_an_amount_that_a_careful_reader_would_not_read(text):
    amount, fault = one_amount(text)
    if amount is None:
        return
    assert fault is None
    stripped = text.strip().replace(",", "")
    assert Decimal(stripped) == amount
    assert amount >= 0
    if "," in text:
        groups = text.strip().lstrip("+").split(".")[0].split(",")
        assert all(len(group) == 3 for group in groups[1:])
        assert len(groups) > 2 or "." in text


@given(st.lists(st.sampled_from(["1", "1.5", "1,234", "x", "", "-1", "1e5", "1,234.5"]), min_size=1, max_size=12))
@settings(max_examples=25)
def test_what_an_amount_means_does_not_depend_on_the_amounts_around_it(texts):
    reading = read_money(pl.Series(texts), required=True)
    faults = [None] * len(texts) if reading.faults is None else reading.faults.to_list()
    alone = [read_money(pl.Series([text]), required=True) for text in texts]
    assert reading.values.to_list() == [one.values[0] for one in alone]
    assert faults == [None if one.faults is None else one.faults[0] for one in alone]


@given(st.lists(st.text(max_size=8), min_size=1, max_size=10))
@settings(max_examples=50)
def test_what_an_id_means_does_not_depend_on_the_ids_around_it(texts):
    together = read_id(pl.Series(texts), RULES, required=True)
    faults = [None] * len(texts) if together.faults is None else together.faults.to_list()
    for text, value, fault in zip(texts, together.values, faults, strict=True):
        alone = read_id(pl.Series([text]), RULES, required=True)
        assert (alone.values[0], None if alone.faults is None else alone.faults[0]) == (value, fault)
        assert (value is None) == (fault is not None)
        if value is not None:
            assert value == text.strip()
            assert not value.startswith("=") or value == "="


def test_free_text_is_kept_as_it_is_and_blank_is_absent():
    cells = pl.Series([" Mozilla/5.0 ", "", "  ", "null", "x", None])
    for clean in (True, False):
        reading = read_text(cells, RULES, clean=clean)
        assert reading.values.to_list() == [" Mozilla/5.0 ", None, None, None, "x", None]
        assert reading.faults is None


def test_addresses_are_checked_and_spelled_one_way():
    cells = pl.Series(["1.2.3.4", "2001:DB8:0:0::1", "::ffff:1.2.3.4", "1.2.3", "256.1.1.1", "1.2.3.4:80", "", None])
    reading = read_address(cells)
    assert reading.values.to_list() == ["1.2.3.4", "2001:db8::1", "1.2.3.4", None, None, None, None, None]
    assert reading.faults.to_list() == [None, None, None, *["bad_address"] * 3, None, None]


def test_currencies_are_codes_of_the_list_in_any_case():
    reading = read_currency(pl.Series(["usd", " EUR ", "GBP", "", None]), RULES)
    assert reading.values.to_list() == ["USD", "EUR", None, None, None]
    assert reading.faults.to_list() == [None, None, "unknown_currency", None, None]
