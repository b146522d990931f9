"""`winnow payout gate` and `winnow export` as a person and as a program see them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest
import store_writer as writer
from typer.testing import CliRunner

from screening.cli.app import app
from screening.store import open_store


@pytest.fixture
def place(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'winnow.db'}") as store:
        judged = writer.decisions(3, decision=pl.lit("pay"), reasons=pl.lit([], pl.List(pl.String)))
        run = writer.run_record("scan-1", finished_at=datetime.now(UTC))
        store.record_scan(run, judged, writer.sources(0), writer.caps(0))
    return tmp_path


def winnow(place, *arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--workspace", str(place)])


def test_a_file_that_is_paid_ends_with_0_and_one_that_lacks_evidence_with_3(place):
    (place / "in.csv").write_text("conversion_id,payout\nc1,1\nc2,2\n")
    answer = winnow(place, "payout", "gate", place / "in.csv", "--out", place / "out.csv")
    assert answer.exit_code == 0
    assert "pay                3.0000 USD          2 lines" in answer.stdout
    (place / "in.csv").write_text("conversion_id,payout\nc0,0\nnever,2\n")
    answer = winnow(place, "payout", "gate", place / "in.csv", "--out", place / "out.csv")
    assert answer.exit_code == 3
    assert "Unknown conversion (unknown_conversion)" in answer.stdout


def test_a_program_reads_sums_as_exact_text_and_the_unreadable_lines(place):
    (place / "in.csv").write_text("No,Sum\nc1,1\nc2,2e0\n")
    mapped = ("--map", "conversion_id=No", "--map", "payout=Sum")
    answer = winnow(place, "payout", "gate", place / "in.csv", "--out", place / "out.csv", "--json", *mapped)
    body = json.loads(answer.stdout)
    assert answer.exit_code == 3
    assert body["totals"][0] == {"decision": "pay", "currency": "USD", "lines": 1, "amount": "1.0000", "unreadable": 0}
    assert body["reasons"] == {"line_unreadable": 1}
    assert (body["unreadable"][0]["line"], body["unreadable"][0]["field"]) == (3, "Sum")


@pytest.mark.parametrize("mapping", [["--map", "payout"], ["--map", "sum=Sum"], ["--map", "payout=Nothing"], []])
def test_a_file_or_an_argument_that_cannot_be_used_ends_with_2(place, mapping):
    (place / "in.csv").write_text("conversion_id,Sum\nc1,1\n")
    answer = winnow(place, "payout", "gate", place / "in.csv", "--out", place / "out.csv", *mapping)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("winnow: ")
    assert not (place / "out.csv").exists()


def test_export_says_what_it_wrote(place):
    answer = winnow(place, "export", "decisions", "--out", place / "d.csv", "--json")
    assert json.loads(answer.stdout) == {
        "what": "decisions",
        "rows": 3,
        "run_id": "scan-1",
        "out": str(place / "d.csv"),
    }
    assert winnow(place, "export", "scorecards", "--out", place / "s.csv").exit_code == 2
    assert winnow(place, "export", "decisions", "--out", place / "d.xls").exit_code == 2
