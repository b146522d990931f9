"""The payout gate works some lines at a time: the answer is the same, memory does not follow, and nothing is left."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
import store_writer as writer

from features.schema import Kind
from screening.errors import InputError
from screening.jobs import payout, payout_answers
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.store import open_store
from screening.traffic import payout_file, payout_lines
from screening.workspace import open_workspace

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
JUDGED = 240
REPO = Path(__file__).parents[2]
GROWTH_MAX_MIB = 90
"""Peaks of runs of the same size lie this far apart on a busy machine; 700,000 more lines once took 350 MiB more."""


def a_file() -> pl.DataFrame:
    """Lines that are paid, repeated near and far, unknown, not judged, unreadable, with a line end in a field."""
    rows = []
    for number in range(600):
        place = number * 7 % 300
        amount = "1e3" if number % 53 == 0 else str(place)
        note = 'two\nlines and "quotes"' if number % 41 == 0 else "=1+1" if number % 97 == 0 else "é"
        name = f"u{place}" if number % 29 == 0 else f"c{place}"
        rows.append((name, amount, "USD", note))
    return pl.DataFrame(rows, schema=["conversion_id", "payout", "currency", "note"], orient="row")


@pytest.fixture
def judged(programme):
    """The newest scan judged c0 ... c239; 60 more were taken in."""
    programme.judge("scan-2", *["hold" if number % 11 == 0 else "pay" for number in range(JUDGED)])
    lines = "".join(f"c{number},2026-03-01 10:00:00,a1,o1,{number}\n" for number in range(JUDGED, 300))
    path = programme.write("e.csv", f"conversion_id,ts,affiliate_id,offer_id,payout\n{lines}")
    ingest_files(programme.workspace, Kind.CONVERSIONS, [path], Reading(), NOW, silent_progress())
    return programme


def in_small_pieces(monkeypatch):
    monkeypatch.setattr(payout_lines, "_ROWS_AT_A_TIME", 7)
    monkeypatch.setattr(payout_lines, "_IDS_AT_A_TIME", 13)
    monkeypatch.setattr(payout_answers, "_IDS_AT_A_TIME", 5)
    monkeypatch.setattr(payout_file, "_LINES_AT_A_TIME", 11)


@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_in_small_pieces_the_answer_is_the_same(judged, monkeypatch, name):
    frame = a_file()
    path = judged.root / name
    frame.write_csv(path) if name.endswith("csv") else frame.write_parquet(path)
    seen = []
    look = payout_answers.judged_lines

    def watched(store, ids):
        seen.append(len(ids))
        return look(store, ids)

    with monkeypatch.context() as patched:
        in_small_pieces(patched)
        patched.setattr(payout_answers, "judged_lines", watched)
        gated = judged.gate(path, f"small-{name}")
    assert max(seen) == 7
    assert sum(seen) == frame.height
    with judged.store() as store, store.together() as records:
        connection = records.ledger._access.connection
        connection.exec_driver_sql("DELETE FROM ledger")
        connection.exec_driver_sql("DELETE FROM runs WHERE command = 'payout'")
    whole = judged.gate(path, f"whole-{name}")
    assert (whole.totals, whole.reasons, whole.unreadable) == (gated.totals, gated.reasons, gated.unreadable)
    assert not whole.repeated
    read = pl.read_csv if name.endswith("csv") else pl.read_parquet
    assert read(gated.out).equals(read(whole.out))
    assert gated.reasons.keys() >= {
        "duplicate_line", "unknown_conversion", "not_judged", "line_unreadable", "formula_in_line", "ctct_short",
    }  # fmt: skip


def test_a_conversion_named_far_apart_is_paid_once(judged, monkeypatch):
    in_small_pieces(monkeypatch)
    ids = [f"c{number % 200}" for number in range(1, 1_000)]
    lines = "".join(f"{name},{name[1:]},USD\n" for name in ids)
    gated = judged.gate(judged.write("in.csv", f"conversion_id,payout,currency\n{lines}"))
    with gated.out.open(newline="", encoding="utf-8") as stream:
        answers = [(row["conversion_id"], row["decision"], row["reasons"]) for row in csv.DictReader(stream)]
    assert [name for name, _, _ in answers] == ids
    first_seen = set()
    for name, decision, reasons in answers:
        assert ("duplicate_line" in reasons) == (name in first_seen)
        assert decision == "hold" or name not in first_seen
        first_seen.add(name)
    paid = Counter(name for name, decision, _ in answers if decision == "pay")
    assert set(paid.values()) == {1}
    with judged.store() as store:
        assert set(store.ledger.batch(gated.batch_id)["conversion_id"]) == set(paid)


def test_only_the_first_unreadable_lines_are_named_one_by_one(judged, monkeypatch):
    monkeypatch.setattr(payout_answers, "UNREADABLE_NAMED", 5)
    in_small_pieces(monkeypatch)
    lines = "".join(f"c{number},1e3\n" for number in range(30))
    gated = judged.gate(judged.write("in.csv", f"conversion_id,payout\n{lines}"))
    assert [item.line for item in gated.unreadable] == [2, 3, 4, 5, 6]
    assert gated.reasons["line_unreadable"] == 30
    assert [(total.decision, total.lines, total.amount, total.unreadable) for total in gated.totals] == [
        ("hold", 30, 0, 30)
    ]


@pytest.mark.parametrize("grows", [True, False])
def test_a_file_that_changes_while_it_is_read_releases_nothing(judged, monkeypatch, grows):
    path = judged.write("in.csv", "conversion_id,payout\nc1,1\nc2,2\n")
    decide = payout._Batch.decide

    def while_it_changes(batch):
        path.write_text("conversion_id,payout\nc1,1\n" + ("c2,2\nc3,3\n" if grows else ""), encoding="utf-8")
        return decide(batch)

    monkeypatch.setattr(payout._Batch, "decide", while_it_changes)
    with pytest.raises(InputError, match="changed while it was read"):
        judged.gate(path)
    assert judged.released() == {}
    assert not (judged.root / "out.csv").exists()


def test_nothing_is_left_behind_but_the_kept_answer(judged):
    gated = judged.gate(judged.write("in.csv", "conversion_id,payout\nc1,1\n"))
    (kept,) = (path for path in (judged.root / "reports").rglob("*") if path.is_file())
    assert pq.read_table(kept).num_rows == gated.lines
    assert not [path for path in judged.root.iterdir() if path.name.startswith(".")]


MEASURED = """
import json, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from screening.jobs.payout import gate_payout
from screening.jobs.progress import silent_progress
from screening.workspace import open_workspace
root = Path(sys.argv[1])
gated = gate_payout(
    open_workspace(root, {}), root / sys.argv[2], root / f"out-{sys.argv[2]}", {}, datetime.now(UTC), silent_progress()
)
print(json.dumps([gated.lines, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_memory_does_not_follow_the_number_of_lines(tmp_path):
    workspace = open_workspace(tmp_path / "ws", {})
    judged = writer.decisions(900_000, decision=pl.lit("pay"), reasons=pl.lit([], pl.List(pl.String)))
    run = writer.run_record("scan-1", finished_at=datetime.now(UTC) - timedelta(hours=1))
    with open_store(workspace.store_url) as store:
        store.record_scan(run, judged, writer.sources(0), writer.caps(0))
    named = judged.select("conversion_id", "payout", "currency")
    named.head(100_000).write_csv(workspace.root / "small.csv")
    named.tail(800_000).write_csv(workspace.root / "large.csv")
    peaks = {}
    for name in ("small.csv", "large.csv"):
        command = [sys.executable, "-c", MEASURED, str(workspace.root), name]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPO)
        lines, peaks[name] = json.loads(done.stdout)
        assert lines == (100_000 if name == "small.csv" else 800_000)
    assert peaks["large.csv"] - peaks["small.csv"] < GROWTH_MAX_MIB, peaks
