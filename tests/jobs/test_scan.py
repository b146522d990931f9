"""A scan as a user relies on it: it finds planted fraud, spares honest money, comes out whole, and can be replayed."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from features.schema import Kind
from models.decide import CEILING
from screening.cli.scan import lines_of
from screening.errors import BusyError, InputError, IntegrityError
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.replay import replay
from screening.jobs.scan import scan
from screening.simulate import Feed, simulate, small_spec
from screening.store import open_store
from screening.traffic.lakelock import holding_lock
from screening.workspace import open_workspace

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
START = date(2026, 5, 1)
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
WHOLE = (None, None)
KINDS = (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES)


def workspace_of(root, tables):
    """Open a workspace and take in the tables, a mapping of kind to frame."""
    workspace = open_workspace(root, {})
    for kind, table in tables.items():
        if table.height:
            path = root / f"{kind}.parquet"
            table.write_parquet(path)
            ingest_files(workspace, kind, [path], Reading(), NOW, silent_progress())
    return workspace


def simulated(root, spec, seed):
    programme = simulate(spec, seed)
    return programme, workspace_of(root, {kind: programme.table(kind) for kind in KINDS})


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    programme, workspace = simulated(tmp_path_factory.mktemp("scan"), small_spec(START), 5)
    return programme, workspace, scan(workspace, WHOLE, NOW, silent_progress())


def decisions_of(workspace, run_id):
    with open_store(workspace.store_url) as store:
        return store.decisions(run_id)


def stopped(programme, decisions):
    """Share of simulated fraudulent and of clean payout that is not paid."""
    rows = decisions.join(programme.truth.select("conversion_id", "is_fraud"), on="conversion_id")
    money = rows.group_by("is_fraud").agg(
        total=pl.col("payout").cast(pl.Float64).sum(),
        kept=pl.col("payout").filter(pl.col("decision") != "pay").cast(pl.Float64).sum(),
    )
    return {is_fraud: kept / total for is_fraud, total, kept in money.iter_rows()}


def test_every_conversion_is_decided_once_and_money_adds_up(judged):
    programme, workspace, scanned = judged
    decisions = decisions_of(workspace, scanned.run.run_id)
    assert decisions["conversion_id"].sort().to_list() == programme.conversions["conversion_id"].sort().to_list()
    assert decisions["payout"].sum() == programme.conversions["payout"].sum()
    assert sum(total for totals in scanned.money.values() for total in totals.values()) == decisions["payout"].sum()


def test_simulated_fraud_is_stopped_and_honest_money_is_paid(judged):
    programme, workspace, scanned = judged
    shares = stopped(programme, decisions_of(workspace, scanned.run.run_id))
    assert shares[True] > 0.7
    assert shares[False] < 0.05


def test_a_programme_that_is_mostly_suspect_is_said_to_be_strange(judged):
    _, _, scanned = judged
    assert 0 < scanned.fraud_share < CEILING
    assert "unlike those it knows" not in "\n".join(lines_of(scanned))
    assert "unlike those it knows" in "\n".join(lines_of(replace(scanned, fraud_share=CEILING)))


def test_a_clean_programme_is_paid(tmp_path):
    programme, workspace = simulated(tmp_path, replace(small_spec(START), fraud={}), 6)
    scanned = scan(workspace, WHOLE, NOW, silent_progress())
    assert stopped(programme, decisions_of(workspace, scanned.run.run_id))[False] < 0.02


def test_a_feed_of_bare_conversions_is_judged_and_names_what_it_lacks(tmp_path):
    spec = replace(small_spec(START), feed=Feed.CONVERSION_ONLY)
    _, workspace = simulated(tmp_path, spec, 7)
    scanned = scan(workspace, WHOLE, NOW, silent_progress())
    decisions = decisions_of(workspace, scanned.run.run_id)
    assert decisions["score"].null_count() == 0
    assert decisions["missing"].list.contains("clicks").all()
    assert decisions["missing"].list.contains("ip").all()


def test_held_and_rejected_conversions_and_flagged_sources_have_reasons(judged):
    _, workspace, scanned = judged
    decisions = decisions_of(workspace, scanned.run.run_id)
    stopped_rows = decisions.filter(pl.col("decision") != "pay")
    assert stopped_rows.height
    assert (stopped_rows["reasons"].list.len() > 0).all()
    assert scanned.flagged.height
    assert (scanned.flagged["reasons"].list.len() > 0).all()


def test_flagged_sources_wait_for_a_person(judged):
    _, workspace, _ = judged
    with open_store(workspace.store_url) as store:
        waiting = store.cases.waiting("source")
    assert {"audit_sample"} < {reason for case in waiting for reason in case.reasons}


def test_a_programme_too_small_to_judge_is_held_whole(tmp_path, judged):
    programme, _, _ = judged
    workspace = workspace_of(tmp_path, {Kind.CONVERSIONS: programme.conversions.head(40)})
    scanned = scan(workspace, WHOLE, NOW, silent_progress())
    assert set(scanned.decisions) <= {"hold", "reject"}
    assert scanned.unknown == scanned.decisions["hold"]


def test_an_empty_lake_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(InputError, match="winnow ingest"):
        scan(open_workspace(tmp_path, {}), WHOLE, NOW, silent_progress())


def test_a_night_judges_its_own_day_only(judged):
    _, workspace, scanned = judged
    last = scanned.run.period_to
    night = scan(workspace, (last, last), NOW, silent_progress())
    assert set(decisions_of(workspace, night.run.run_id)["ts"].dt.date().unique()) == {last}


def test_a_replay_is_identical_also_after_later_events(judged, tmp_path):
    _, workspace, scanned = judged
    copy = _copied(workspace, tmp_path)
    late = tmp_path / "late.csv"
    late.write_text("conversion_id,ts,affiliate_id,offer_id,payout\nlate-1,2026-05-04T10:00:00Z,a,b,5\n")
    ingest_files(copy, Kind.CONVERSIONS, [late], Reading(), NOW, silent_progress())
    replayed = replay(copy, scanned.run.run_id)
    assert replayed.identical
    assert replayed.compared == sum(scanned.decisions.values())
    assert replayed.caps_compared == sum(scanned.caps.values()) > 0


def test_a_replay_says_which_event_was_changed(judged, tmp_path):
    _, workspace, scanned = judged
    copy = _copied(workspace, tmp_path)
    part = sorted((copy.lake / "conversions").rglob("*.parquet"))[0]
    events = pl.read_parquet(part)
    changed = events["conversion_id"][0]
    doubled = pl.when(pl.col("conversion_id") == changed).then(pl.col("payout") + 1).otherwise("payout")
    events.with_columns(payout=doubled.cast(events.schema["payout"])).write_parquet(part)
    replayed = replay(copy, scanned.run.run_id)
    assert not replayed.identical
    assert any(part.name in text for text in replayed.inputs)
    assert changed in replayed.differing["conversion_id"].to_list()


def test_a_replay_without_the_events_is_refused(judged, tmp_path):
    _, workspace, scanned = judged
    copy = _copied(workspace, tmp_path)
    sorted((copy.lake / "conversions").rglob("*.parquet"))[0].unlink()
    with pytest.raises(IntegrityError, match="gone"):
        replay(copy, scanned.run.run_id)


def test_a_second_scan_says_who_is_running(judged):
    _, workspace, _ = judged
    impatient = open_workspace(workspace.root, {"WINNOW__INGEST__LOCK_WAIT_SECONDS": "0"})
    lock = holding_lock(workspace.root / "locks" / "scan", command="scan", now=NOW, wait_seconds=0, waiting=print)
    with lock, pytest.raises(BusyError, match="scan"):
        scan(impatient, WHOLE, NOW, silent_progress())


@pytest.mark.slow
def test_a_killed_scan_leaves_nothing_and_the_next_gives_the_same(judged, tmp_path):
    """Killed with SIGKILL at 20 random moments; then one run to the end."""
    _, workspace, scanned = judged
    copy = _copied(workspace, tmp_path)
    chance = random.Random(20261122)
    before = len(_runs(copy))
    for _ in range(20):
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("winnow")), "scan", "--workspace", str(copy.root)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.3, 4.0))
        process.kill()
        process.wait()
        complete = _runs(copy)
        # a scan that finished before the kill is whole; one that did not is not there at all
        assert all(run.counts["conversions"] == scanned.run.counts["conversions"] for run in complete)
    again = scan(copy, WHOLE, NOW, silent_progress())
    assert len(_runs(copy)) >= before + 1
    columns = ["conversion_id", "decision", "reasons", "payout"]
    undisturbed = decisions_of(workspace, scanned.run.run_id).select(columns)
    assert decisions_of(copy, again.run.run_id).select(columns).equals(undisturbed)


def test_the_real_click_log(tmp_path):
    log = SHARED / "traffic" / "talkingdata_sample.csv.gz"
    if not log.is_file():
        pytest.skip("the TalkingData sample is not on this machine")
    workspace = open_workspace(tmp_path, {})
    for kind, rows in ((Kind.CLICKS, 100_000), (Kind.CONVERSIONS, 227)):
        taken = ingest_files(workspace, kind, [log], Reading(profile="talkingdata"), NOW, silent_progress())
        assert sum(file.taken for file in taken.report.files) == rows
        assert sum(file.quarantined for file in taken.report.files) == 0
    scanned = scan(workspace, WHOLE, NOW, silent_progress())
    assert sum(scanned.decisions.values()) == 227
    assert 0 <= scanned.fraud_share <= CEILING
    assert replay(workspace, "latest").identical


def _copied(workspace, root):
    shutil.copytree(workspace.root, root / "copy")
    return open_workspace(root / "copy", {})


def _runs(workspace):
    with open_store(workspace.store_url) as store:
        return [run for run in store.runs("scan") if run.period_from != run.period_to]
