"""A partner's weeks: each conversion in one week, in the currency that earns most, and unknown where nothing came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer

from screening.jobs.views.pace import pace_of
from screening.store import open_store

ENDED = datetime(2026, 3, 29, 2, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 29, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/w.db") as opened:
        yield opened


def judged(store, rows):
    """Record conversions of a1: (days before the scan's midnight, payout, decision, currency)."""
    days, payout, decision, currency = (pl.Series(column, strict=False) for column in zip(*rows, strict=True))
    reasons = [[] if word == "pay" else ["ctct_short"] for word in decision]
    frame = writer.decisions(
        len(rows),
        ts=pl.Series([MIDNIGHT - timedelta(days=day) for day in days]),
        payout=payout.cast(pl.Decimal(18, 4)),
        decision=decision,
        currency=currency,
        affiliate_id=pl.lit("a1"),
        reasons=pl.Series(reasons, dtype=pl.List(pl.String)),
    )
    run = writer.run_record("r1", finished_at=ENDED, started_at=ENDED - timedelta(minutes=1))
    store.record_scan(run, frame, writer.sources(0), writer.caps(0))
    return store.browse.trail.newest_complete("scan")


def test_weeks_count_back_from_the_day_of_the_scan_and_an_empty_one_is_not_known(store):
    rows = [(1, 10, "pay", "USD"), (7, 30, "hold", "USD"), (7.01, 5, "pay", "USD"), (20, 8, "reject", "USD")]
    scan = judged(store, [*rows, (3, 1, "pay", "EUR")])
    pace = pace_of(store, "a1", scan)
    assert pace.currency == "USD"
    assert [(week.first.day, week.payout, week.stopped) for week in pace.weeks] == [
        (8, Decimal(8), 1.0),
        (15, Decimal(5), 0.0),
        (22, Decimal(40), 0.75),
    ]


def test_a_week_without_money_between_two_is_there(store):
    scan = judged(store, [(1, 10, "pay", "USD"), (20, 8, "pay", "USD")])
    assert [week.stopped for week in pace_of(store, "a1", scan).weeks] == [0.0, None, 0.0]


def test_one_week_and_nobody_are_no_course(store):
    scan = judged(store, [(1, 10, "pay", "USD")])
    assert pace_of(store, "a1", scan) is None
    assert pace_of(store, "a9", scan) is None
