"""Exports hold exactly the contract's columns, every value, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from screening.errors import InputError
from screening.jobs.export import What, export, for_csv
from screening.review import cases as review
from screening.review.act import Act, Person
from screening.store import SCREENINGS, AuditEvent, Case, CaseEvent

CONTRACT = {
    What.DECISIONS: (
        "conversion_id affiliate_id offer_id sub_id ts payout currency decision score p_value reasons missing run_id"
    ),
    What.SOURCES: (
        "affiliate_id offer_id sub_id from to clicks conversions payout score p_value flagged bad_share bad_share_low "
        "bad_share_high reasons run_id"
    ),
    What.CAPS: (
        "affiliate_id offer_id cap_type current recommended action expected_saving saving_low saving_high expires_at "
        "reasons status run_id"
    ),
    What.SCREENINGS: "application_id decision score reasons missing evidence run_id",
}
SCREENING = {
    "application_id": "p1",
    "decision": "review",
    "score": 0.5,
    "reasons": ["young_domain", "few_pages"],
    "missing": [],
    "evidence": "evidence/p1",
    "reason_details": None,
    "run_id": "screen-1",
}


@pytest.fixture
def filled(programme):
    with programme.store() as store:
        store.record_screenings(
            writer.run_record("screen-1", command="screen"), pl.DataFrame([SCREENING], schema=SCREENINGS)
        )
        store.audit.append(AuditEvent(datetime(2026, 3, 1, tzinfo=UTC), "ann", "approve", "case 1", {"n": 1}))
    return programme


@pytest.mark.parametrize("what", CONTRACT)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_columns_are_the_contracts_in_its_order(filled, what, suffix):
    out = filled.root / f"out.{suffix}"
    done = export(filled.workspace, what, out, "latest")
    frame = pl.read_csv(out) if suffix == "csv" else pl.read_parquet(out)
    assert frame.columns == CONTRACT[what].split()
    assert done.rows == frame.height > 0
    assert set(frame["run_id"]) == {done.run_id}


def test_parquet_is_what_the_store_says(filled):
    out = filled.root / "out.parquet"
    export(filled.workspace, What.DECISIONS, out, "scan-1")
    with filled.store() as store:
        assert_frame_equal(pl.read_parquet(out), store.decisions("scan-1").drop("reason_details"))


def test_csv_writes_money_times_lists_and_gaps_so_that_they_can_be_read_again(filled):
    out = filled.root / "out.csv"
    export(filled.workspace, What.SCREENINGS, out, "latest")
    assert out.read_text().splitlines()[1] == 'p1,review,0.5,young_domain;few_pages,"",evidence/p1,screen-1'
    export(filled.workspace, What.DECISIONS, out, "latest")
    with out.open(newline="") as lines:
        row = list(csv.DictReader(lines))[8]
    assert (row["payout"], Decimal(row["payout"]), row["ts"]) == ("8.0000", 8, "2026-03-01T02:00:00.123456Z")
    assert (row["decision"], row["reasons"]) == ("hold", "ctct_short")


def test_a_named_run_is_exported_and_latest_is_the_newest(filled):
    filled.judge("scan-2", "hold")
    rows = {
        run: export(filled.workspace, What.DECISIONS, filled.root / "o.csv", run).rows for run in ("scan-1", "latest")
    }
    assert rows == {"scan-1": 10, "latest": 1}


def test_runs_and_the_audit_trail_are_exported_whole(filled):
    out = filled.root / "out.parquet"
    export(filled.workspace, What.RUNS, out, "latest")
    assert pl.read_parquet(out)["run_id"].to_list() == ["screen-1", "scan-1"]
    export(filled.workspace, What.AUDIT, out, "latest")
    assert pl.read_parquet(out).select("actor", "action", "subject", "details").row(0) == (
        "ann",
        "approve",
        "case 1",
        '{"n": 1}',
    )


@pytest.mark.parametrize(
    ("what", "name", "run", "says"),
    [
        (What.DECISIONS, "out.xlsx", "latest", "suffix"),
        (What.DECISIONS, "no/folder/out.csv", "latest", "cannot be written"),
        (What.DECISIONS, "out.csv", "r9", "not recorded"),
        (What.DECISIONS, "out.csv", "screen-1", "is a screen"),
        (What.AUDIT, "out.csv", "scan-1", "not those of one run"),
        (What.SCORECARDS, "out.csv", "latest", "no events"),
        (What.SCORECARDS, "out.csv", "scan-1", "not those of one run"),
    ],
)
def test_what_cannot_be_exported_says_why_and_leaves_the_file_alone(filled, what, name, run, says):
    out = filled.root / name
    if out.parent.is_dir():
        out.write_text("as it was")
    with pytest.raises(InputError, match=says):
        export(filled.workspace, what, out, run)
    if out.parent.is_dir():
        assert out.read_text() == "as it was"
        assert [path.name for path in filled.root.glob(".out*")] == []


@given(
    st.lists(
        st.none()
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
        | st.sampled_from(["=1", "@x", "-1", "+x", "\uff1d1"])
    )
)
def test_no_text_of_a_csv_begins_as_a_formula_and_the_rest_is_as_it_was(texts):
    frame = pl.DataFrame({"a": texts}, schema={"a": pl.String})
    for before, after in zip(texts, for_csv(frame)["a"], strict=True):
        if after != before:
            assert after == f"'{before}"
        if after:
            assert after[0] not in "=@\t\r\uff1d\uff0b\uff0d\uff20"
            assert after[0] not in "+-" or after[1:].replace(".", "", 1).isdecimal()


def test_decisions_of_people_come_out_with_who_decided_and_when(filled):
    at = datetime(2026, 3, 1, 10, tzinfo=UTC)
    with filled.store() as store:
        case = store.cases.open(Case("application", "p1", at, ("young_domain",)), CaseEvent(at, "screen", "opened"))
        settings = filled.workspace.settings.review
        review.decide(store, review.Seen(case.case_id, 1), "approve", Act(Person("ann", "analyst"), at), settings)
    out = filled.root / "out.parquet"
    assert export(filled.workspace, What.REVIEWS, out, "latest").rows == 1
    assert pl.read_parquet(out).rows() == [("application", "p1", "approve", "ann", at)]
