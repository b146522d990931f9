"""Clicks are read day by day, large days piece by piece, and claimed clicks are found without reading all of them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import narwhals as nw
import polars as pl
import pytest

from features.clicks import SOURCE_DAY
from features.intelligence.addresses import AddressBook
from features.intelligence.agents import AgentBook
from features.intelligence.networks import carried_names
from features.schema import Kind, polars_schema
from features.working import claimed_clicks, working_clicks, working_conversions
from screening.traffic import gather
from screening.traffic.lake import Lake
from screening.traffic.lakewrite import writing

DAY = date(2026, 1, 5)


def canonical(kind: Kind, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=polars_schema(kind), orient="row")


@pytest.fixture
def snapshot(tmp_path):
    lake, now = Lake(tmp_path / "lake"), datetime(2026, 1, 6, tzinfo=UTC)
    with writing(lake, command="test", now=now, wait_seconds=1, waiting=lambda _: None) as writer:
        parts = []
        for day in (DAY, date(2026, 1, 6)):
            clicks = [
                {
                    "click_id": f"{day.day}-{number}",
                    "ts": datetime(day.year, day.month, day.day, number % 24, tzinfo=UTC),
                    "affiliate_id": f"a{number % 7}",
                    "offer_id": "o",
                    "ip": f"1.1.1.{number % 20}",
                    "user_agent": "Mozilla/5.0",
                }
                for number in range(300)
            ]
            parts.append(writer.stage_frame(Kind.CLICKS, day, len(parts), canonical(Kind.CLICKS, clicks)))
        return writer.commit(parts)


@pytest.fixture
def known():
    books = gather.Books(AddressBook.of([], carried_names()), AgentBook.of([]), {})
    return gather.Known(books, pl.DataFrame(schema=polars_schema(Kind.AFFILIATES)))


def test_a_day_rolled_in_pieces_is_the_day_rolled_at_once(snapshot, known, monkeypatch):
    rolled = []
    for at_once in (1000, 60):
        monkeypatch.setattr(gather, "ROLLED_AT_ONCE", at_once)
        ((day, rollup),) = gather.PolarsClicks().rolled(snapshot, [DAY], known)
        assert day == DAY
        rolled.append(rollup.sort(SOURCE_DAY))
    assert rolled[0]["clicks"].sum() == 300
    assert rolled[0]["k_click_ip_again"].sum() > 0
    assert rolled[1].equals(rolled[0])


@pytest.mark.parametrize("claims", [["5-3", "6-7", "6-7", "of nobody", None], [None], []])
def test_claimed_clicks_are_found_as_a_join_finds_them(snapshot, claims):
    rows = [
        {"conversion_id": str(number), "ts": datetime(2026, 1, 6, tzinfo=UTC), "click_id": click_id}
        for number, click_id in enumerate(claims)
    ]
    conversions = nw.to_native(working_conversions(nw.from_native(canonical(Kind.CONVERSIONS, rows).lazy()))).collect()
    every = working_clicks(nw.from_native(snapshot.frame(Kind.CLICKS)))
    expected = nw.to_native(claimed_clicks(every, nw.from_native(conversions.lazy()))).collect()
    found = gather.PolarsClicks().claimed(snapshot, snapshot.days(Kind.CLICKS), conversions)
    assert found.sort("click_id").equals(expected.sort("click_id"))
    assert found.height == len({claim for claim in claims if claim and "-" in claim})
