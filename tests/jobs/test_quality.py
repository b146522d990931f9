"""The measured error rate as people see it: from drawn sources only, with what is lacking, and overturned appeals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer

from screening.jobs.quality import quality
from screening.store import Answer, Appeal, Label, open_store
from screening.workspace import open_workspace

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RUN_AT = NOW - timedelta(days=2)


def settings(audit_share):
    return {"audit_share": audit_share, "seed": 1}


@pytest.fixture
def scanned(tmp_path):
    """A scan of 60 sources of as many affiliates, 10 each: every second one is held. All are drawn for audit."""
    workspace = open_workspace(tmp_path, {})
    names = [f"a{i:02}" for i in range(60)]
    decisions = writer.decisions(60).with_columns(
        affiliate_id=pl.Series(names),
        payout=pl.lit(Decimal(10)).cast(pl.Decimal(18, 4)),
        decision=pl.Series(["hold", "pay"] * 30),
        reasons=pl.Series([["ctct_short"], []] * 30, dtype=pl.List(pl.String)),
        ts=pl.lit(datetime(2026, 2, 20, tzinfo=UTC)),
    )
    sources = writer.sources(60).with_columns(affiliate_id=pl.Series(names), sub_id=pl.lit("s1"))
    run = writer.run_record("scan-1", finished_at=RUN_AT, settings={"engine": "polars", "decisions": settings(1.0)})
    with open_store(workspace.store_url) as store:
        store.record_scan(run, decisions, sources, writer.caps(1))
    return workspace


def answer(workspace, findings, at=NOW - timedelta(days=1), **changed):
    said = {"origin": "audit slice", "author": "Ann", "at": at, "offer_id": "o1", "sub_id": "s1", **changed}
    with open_store(workspace.store_url) as store:
        store.labels.add([Label(label=label, affiliate_id=name, **said) for name, label in findings.items()])


def test_before_any_answer_nothing_is_claimed(scanned):
    measured = quality(scanned, NOW)
    assert (measured.scans, measured.drawn, measured.answered) == (1, 60, 0)
    assert measured.rate.precision is None
    assert "not measured yet: 20 more answers" in measured.sentences()[1]


def test_answers_give_precision_and_recall_with_intervals(scanned):
    held = {f"a{i:02}": "fraud" if i < 40 else "clean" for i in range(0, 50, 2)}
    paid = {f"a{i:02}": "fraud" if i < 4 else "clean" for i in range(1, 51, 2)}
    answer(scanned, held | paid)
    measured = quality(scanned, NOW)
    assert measured.answered == 50
    assert measured.rate.precision.value == pytest.approx(20 / 25)
    assert measured.rate.recall.value == pytest.approx(0.8 / (0.8 + 2 / 25))
    assert measured.rate.recall.low < measured.rate.recall.value < measured.rate.recall.high
    assert "80% is fraud" in measured.sentences()[1]


def test_the_newest_answer_counts_and_only_about_those_days_after_the_scan(scanned):
    everyone = {f"a{i:02}": "clean" for i in range(60)}
    answer(scanned, everyone, at=RUN_AT - timedelta(days=1))
    answer(scanned, everyone, period_from=date(2025, 1, 1), period_to=date(2025, 2, 1))
    assert quality(scanned, NOW).answered == 0
    answer(scanned, everyone)
    answer(scanned, {"a00": "fraud"}, at=NOW)
    measured = quality(scanned, NOW)
    assert measured.answered == 60
    assert measured.rate.precision.value == pytest.approx(1 / 30)


def test_answers_about_sources_that_were_not_drawn_do_not_count(scanned):
    sources = writer.sources(1).with_columns(sub_id=pl.lit("s1"))
    run = writer.run_record("scan-2", finished_at=RUN_AT + timedelta(hours=1), settings={"decisions": settings(0.0)})
    with open_store(scanned.store_url) as store:
        store.record_scan(run, writer.decisions(1), sources, writer.caps(1))
    answer(scanned, {f"a{i:02}": "fraud" for i in range(60)})
    measured = quality(scanned, NOW)  # the second scan is about the same day, so it stands for it
    assert (measured.scans, measured.drawn, measured.answered) == (1, 0, 0)


def test_overturned_appeals_are_counted_with_their_money(scanned):
    with open_store(scanned.store_url) as store:
        for number, status in enumerate(("overturned", "upheld", "withdrawn", "overturned")):
            appeal = Appeal("conversion", f"c{number}", "a1", RUN_AT, "partner", "why?", NOW)
            opened = store.appeals.open(appeal)
            released = Decimal("7.5") if status == "overturned" else None
            late = NOW - timedelta(days=200) if number == 3 else NOW
            store.appeals.answer(opened.appeal_id, Answer(status, late, "Ann", "looked at", released, "EUR"))
    measured = quality(scanned, NOW)
    assert (measured.appeals_answered, measured.overturned) == (2, 1)
    assert measured.released == {"EUR": Decimal("7.5")}


def test_a_programme_without_scans_is_no_error(tmp_path):
    measured = quality(open_workspace(tmp_path, {}), NOW)
    assert (measured.scans, measured.drawn) == (0, 0)
    assert measured.rate.recall is None
