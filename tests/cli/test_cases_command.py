"""Cases and appeals from the command line: list, decide, contest, answer, and pay what was released."""

from __future__ import annotations

import csv
import dataclasses
import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import store_writer as writer
from review_scene import SOURCE_CASE
from typer.testing import CliRunner

from screening.cli.app import app
from screening.store import CaseEvent, User, open_store
from screening.workspace import open_workspace


@pytest.fixture
def programme(tmp_path):
    """A workspace whose scan of an hour ago held c2 and c3 and rejected c4 of the source a1/o1/s1; a case waits."""
    workspace = open_workspace(tmp_path / "w", {})
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    decisions = ["pay", "pay", "hold", "hold", "reject"]
    codes = [[] if decision == "pay" else ["ctct_short"] for decision in decisions]
    frame = writer.decisions(5).with_columns(
        decision=pl.Series(decisions, dtype=pl.String), reasons=pl.Series(codes, dtype=pl.List(pl.String))
    )
    with open_store(workspace.store_url) as store:
        run = writer.run_record("scan-1", finished_at=an_hour_ago)
        store.record_scan(run, frame, writer.sources(1), writer.caps(1))
        store.cases.open(SOURCE_CASE, CaseEvent(an_hour_ago, "scan", "opened"))
    return workspace


def winnow(programme, *arguments, code=0):
    result = CliRunner().invoke(app, [*arguments, "--workspace", str(programme.root)])
    assert result.exit_code == code, result.output
    return result.stdout


def gated(programme, name):
    out = programme.root / "gated.csv"
    winnow(programme, "payout", "gate", str(name), "--out", str(out))
    with out.open(newline="", encoding="utf-8") as lines:
        return {row["conversion_id"]: row["decision"] for row in csv.DictReader(lines)}


def test_a_source_is_released_and_paid_although_its_file_was_gated_before(programme):
    may = programme.root / "may.csv"
    may.write_text("conversion_id,payout,currency\nc1,1,USD\nc2,2,USD\nc3,3,USD\n")
    assert gated(programme, may) == {"c1": "pay", "c2": "hold", "c3": "hold"}
    assert "source a1/o1/s1 (open)" in winnow(programme, "cases", "list")
    said = winnow(programme, "cases", "decide", "1", "--as", "clean", "--by", "ann", "--note", "real people")
    assert "(closed, clean)" in said
    assert "2 conversions, 5.00 USD" in said
    assert gated(programme, may) == {"c1": "pay", "c2": "hold", "c3": "hold"}
    released = programme.root / "released.csv"
    assert "2 released conversions" in winnow(programme, "cases", "released", "--out", str(released))
    assert gated(programme, released) == {"c2": "pay", "c3": "pay"}
    assert "0 released conversions" in winnow(programme, "cases", "released", "--out", str(released))
    winnow(programme, "cases", "undo", "1", "--by", "ann", code=1)


def test_a_case_is_taken_noted_put_aside_and_shown(programme):
    winnow(programme, "cases", "assign", "1", "--to", "bob", "--by", "ann")
    winnow(programme, "cases", "note", "1", "asked them", "--by", "ann")
    winnow(programme, "cases", "snooze", "1", "--until", "2999-01-01", "--by", "ann")
    assert winnow(programme, "cases", "list").strip() == "No case waits."
    shown = winnow(programme, "cases", "show", "1")
    assert "ann: note  asked them" in shown
    assert "[bob]" in shown
    data = json.loads(winnow(programme, "cases", "show", "1", "--json"))
    assert [event["action"] for event in data["history"]] == ["opened", "assign", "note", "snooze"]


def test_several_cases_are_decided_and_what_fails_is_named(programme):
    with open_store(programme.store_url) as store:
        case = store.cases.open(
            dataclasses.replace(SOURCE_CASE, kind="application", subject="p1", offer_id=None),
            CaseEvent(datetime.now(UTC), "screen", "opened"),
        )
    said = winnow(programme, "cases", "decide", "1", str(case.case_id), "--as", "fraud", "--by", "ann", code=1)
    assert "(closed, fraud)" in said
    assert "NOT DONE: decision: A case about an application cannot be decided as 'fraud'" in said
    winnow(programme, "cases", "decide", "99", "--as", "fraud", "--by", "ann", code=2)


def test_an_appeal_is_opened_listed_and_won(programme):
    contest = ("appeals", "open", "source", "a1/o1/s1", "--affiliate", "a1", "--statement", "We are real.")
    assert "answer by" in winnow(programme, *contest, "--by", "ann")
    winnow(programme, *contest, "--by", "ann", code=2)
    assert "We are real." in winnow(programme, "appeals", "list")
    won = winnow(programme, "appeals", "answer", "1", "--as", "overturned", "--note", "You are right.", "--by", "max")
    assert "overturned by max  releases 5.00 USD  You are right." in won
    assert winnow(programme, "appeals", "list").strip() == "No appeal is open."
    assert "overturned" in winnow(programme, "appeals", "list", "--all")
    released = programme.root / "released.csv"
    winnow(programme, "cases", "released", "--out", str(released))
    assert gated(programme, released) == {"c2": "pay", "c3": "pay"}


def test_what_is_overdue_and_expired_is_loud_and_changes_the_exit_status(programme):
    contest = ("appeals", "open", "conversion", "c4", "--affiliate", "a1", "--statement", "We are real.")
    winnow(programme, *contest, "--by", "ann")
    long_ago = datetime.now(UTC) - timedelta(days=100)
    with open_store(programme.store_url) as store:
        run = writer.run_record("scan-0", finished_at=long_ago)
        store.record_scan(run, writer.decisions(1, 50, sub_id=pl.lit("s9")), writer.sources(0), writer.caps(0))
    with open_store(programme.store_url) as store, store._database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE appeals SET deadline_at = {int(long_ago.timestamp() * 1e6)}")
    said = winnow(programme, "cases", "list", code=3)
    assert "OVERDUE: appeal 1 of a1 about conversion c4" in said
    assert "EXPIRED HOLD: 50.00 USD of a1/o1/s9 (1 conversions) held since" in said
    assert "Nobody pays it until a person decides." in said
    assert "hold_expired" in said
    winnow(programme, "appeals", "list", code=3)


def test_who_may_not_decide_does_not(programme):
    with open_store(programme.store_url) as store:
        store.users.add(User("vic", "viewer", "x", active=True, created_at=datetime.now(UTC)))
    winnow(programme, "cases", "decide", "1", "--as", "clean", "--by", "vic", code=2)
    winnow(programme, "cases", "decide", "1", "--as", "clean", "--by", "stranger", code=2)
