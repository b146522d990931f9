"""Lists of the store, page by page: nothing is missed or seen twice, and no page is found by scanning."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import store_writer as writer
from hypothesis import given
from hypothesis import strategies as some

from screening.errors import InputError
from screening.store import Case, CaseEvent, browse_cases
from screening.store.browse_cases import CaseFilter, CaseOrder, filtered
from screening.store.browse_judged import SourceName
from screening.store.keyset import Place, place_of

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
OPENED = CaseEvent(NOW, "scan", "opened")


def open_cases(store, count):
    """Open cases with equal, different and missing money and clocks."""
    with store.together() as records:
        for number in range(count):
            case = Case(
                kind="source",
                subject=f"a{number % 3}/o1/s{number}",
                opened_at=NOW + timedelta(minutes=number // 2),
                reasons=("ctct_short",) if number % 4 else ("address_hosting", "ctct"),
                affiliate_id=f"a{number % 3}",
                offer_id="o1",
                amount=None if number % 5 == 0 else Decimal(number % 4),
                currency="USD",
                due_at=None if number % 7 == 0 else NOW + timedelta(days=number % 3),
            )
            records.cases.open(case, OPENED)


def leaf(store, chosen, order, size):
    """Return the subjects of every page forwards, and of every page backwards from the last."""
    pages, place = [], None
    while True:
        page = store.browse.cases.page(chosen, order, (place, None), size)
        pages.append([case.subject for case in page.rows])
        if page.after is None:
            break
        place = page.after
    back = [pages[-1]]
    while page.before is not None:
        page = store.browse.cases.page(chosen, order, (None, page.before), size)
        back.append([case.subject for case in page.rows])
    return pages, back[::-1]


@pytest.mark.parametrize("order", CaseOrder)
@pytest.mark.parametrize("size", [1, 3, 50])
def test_every_case_is_on_one_page_in_order_forwards_and_backwards(store, order, size):
    open_cases(store, 17)
    whole = store.browse.cases.page(CaseFilter("source", NOW), order, size=100).rows
    forwards, backwards = leaf(store, CaseFilter("source", NOW), order, size)
    assert [subject for page in forwards for subject in page] == [case.subject for case in whole]
    assert forwards == backwards
    if order is CaseOrder.MONEY:
        amounts = [case.amount for case in whole if case.amount is not None]
        assert amounts == sorted(amounts, reverse=True)
        assert whole[-1].amount is None


@pytest.mark.parametrize("few", [0, 3, 500])
def test_a_narrow_filter_finds_the_same_cases_whether_they_are_few_or_many(store, monkeypatch, few):
    monkeypatch.setattr(browse_cases, "_FEW", few)
    open_cases(store, 17)
    every = store.browse.cases.page(CaseFilter("source", NOW), CaseOrder.MONEY, size=100).rows
    for chosen, kept in (
        (CaseFilter("source", NOW, reason="address_hosting"), lambda case: "address_hosting" in case.reasons),
        (CaseFilter("source", NOW, affiliate_id="a1"), lambda case: case.affiliate_id == "a1"),
        (CaseFilter("source", NOW, affiliate_id="a1", reason="ctct"), lambda case: {"a1", "ctct"} <= {*of(case)}),
        (CaseFilter("source", NOW, offer_id="o1"), lambda _: True),
        (CaseFilter("application", NOW, affiliate_id="a1"), lambda _: False),
    ):
        forwards, backwards = leaf(store, chosen, CaseOrder.MONEY, 2)
        assert [subject for page in forwards for subject in page] == [case.subject for case in every if kept(case)]
        assert forwards == backwards


def of(case):
    return (case.affiliate_id, *case.reasons)


def test_filters_choose_by_whole_reason_codes_and_by_who_and_when(store):
    open_cases(store, 12)
    page = store.browse.cases.page
    by_reason = page(CaseFilter("source", NOW, reason="ctct"), CaseOrder.AGE).rows
    assert len(by_reason) == 3
    assert not page(CaseFilter("source", NOW, reason="%"), CaseOrder.AGE).rows
    assert {case.affiliate_id for case in page(CaseFilter("source", NOW, affiliate_id="a1"), CaseOrder.AGE).rows} == {
        "a1"
    }
    old = page(CaseFilter("source", NOW, opened_before=NOW + timedelta(minutes=1)), CaseOrder.AGE).rows
    assert len(old) == 2


def test_a_snoozed_case_comes_back_by_itself_when_its_time_has_come(store):
    open_cases(store, 1)
    (case,) = store.cases.waiting("source")
    until = NOW + timedelta(days=2)
    store.cases.change(dataclasses.replace(case, status="snoozed", snoozed_until=until), OPENED)
    assert not store.browse.cases.page(CaseFilter("source", until - timedelta(seconds=1)), CaseOrder.MONEY).rows
    assert len(store.browse.cases.page(CaseFilter("source", until), CaseOrder.MONEY).rows) == 1


def test_neighbours_of_a_case_are_those_of_its_queue(store):
    open_cases(store, 6)
    chosen = CaseFilter("source", NOW)
    rows = store.browse.cases.page(chosen, CaseOrder.MONEY).rows
    for place, case in enumerate(rows):
        before = rows[place - 1].case_id if place else None
        after = rows[place + 1].case_id if place + 1 < len(rows) else None
        assert store.browse.cases.beside(chosen, CaseOrder.MONEY, case) == (before, after)


@given(
    some.one_of(some.none(), some.decimals(0, 10**12, places=4), some.datetimes(timezones=some.just(UTC))),
    some.integers(0, 2**40),
)
def test_a_place_survives_an_address(value, number):
    assert place_of(Place(value, number).written()) == Place(value, number)


@given(some.text(max_size=30))
def test_a_damaged_place_is_refused_and_breaks_nothing(text):
    with contextlib.suppress(InputError):
        assert place_of(text).number is not None


def test_sums_of_a_run_are_those_of_its_decisions(store):
    writer.record(store, "r1", 20)
    totals = store.browse.judged.totals("r1")
    decisions = store.decisions("r1")
    assert sum(total.conversions for total in totals) == decisions.height
    assert sum(total.amount for total in totals) == decisions["payout"].sum()
    assert store.browse.judged.totals("unheard") == ()


def test_a_source_is_found_with_and_without_a_sub_id(store):
    writer.record(store, "r1", 3)
    row = store.sources("r1").to_dicts()[0]
    name = SourceName(row["affiliate_id"], row["offer_id"], row["sub_id"])
    assert store.browse.judged.source(name).run_id == "r1"
    assert store.browse.judged.source(SourceName("nobody", "o1", None)) is None


@pytest.mark.parametrize("order", [CaseOrder.MONEY, CaseOrder.CLOCK, CaseOrder.AGE])
def test_a_queue_follows_its_index(store, order, store_url):
    if not store_url.startswith("sqlite"):
        pytest.skip("PostgreSQL scans a table of a few rows, whatever the indexes")
    open_cases(store, 3)
    with store.browse.cases._access.reading() as connection:
        query = filtered(CaseFilter("source", NOW), order).limit(25)
        text = str(query.compile(connection, compile_kwargs={"literal_binds": False}))
        bound = query.compile(connection)
        values = tuple(bound.construct_params()[name] for name in bound.positiontup)
        ready = tuple(int(value.timestamp() * 1e6) if isinstance(value, datetime) else value for value in values)
        plan = " ".join(str(row) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ready))
    assert f"cases_waiting_by_{order.value}" in plan
    assert "TEMP B-TREE" not in plan
