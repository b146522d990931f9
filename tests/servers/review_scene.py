"""What tests about people's decisions share: people, and scans of one source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import store_writer as writer

from screening.review.act import Act, Person
from screening.review.cases import Seen
from screening.store import Case, Store

on_both_databases = pytest.mark.parametrize("store_url", ["sqlite", "postgresql"], indirect=True)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANN = Person("ann", "analyst")
MAX = Person("max", "manager")
VIC = Person("vic", "viewer")


SOURCE_CASE = Case(
    kind="source",
    subject="a1/o1/s1",
    opened_at=NOW - timedelta(hours=10),
    reasons=("ctct_short",),
    affiliate_id="a1",
    offer_id="o1",
    run_id="scan-1",
)


def act(person: Person = ANN, note: str = "", at: datetime = NOW) -> Act:
    return Act(person, at, note)


def seen(case: Case) -> Seen:
    assert case.case_id is not None
    return Seen(case.case_id, case.version)


def judge(store: Store, run_id: str, *decisions: str, reasons: str = "ctct_short", hours: int = 10) -> None:
    """Record a scan that decides c0, c1, ... of the source a1/o1/s1, which pay 0, 1, ... USD."""
    codes = [[] if decision == "pay" else [reasons] for decision in decisions]
    frame = writer.decisions(len(decisions)).with_columns(
        decision=pl.Series(decisions, dtype=pl.String), reasons=pl.Series(codes, dtype=pl.List(pl.String))
    )
    run = writer.run_record(run_id, finished_at=NOW - timedelta(hours=hours))
    store.record_scan(run, frame, writer.sources(1), writer.caps(1))
