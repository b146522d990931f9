"""A night as a scheduler relies on it: done once, one at a time, resumed where it was killed, never silent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import night_programme as nights
import polars as pl
import pytest

from features.schema import Kind
from screening.errors import BusyError, ExitCode, UnavailableError
from screening.jobs.gauges import gauges
from screening.jobs.lists import update_list
from screening.jobs.night_journal import Journal, StageReport, StageStatus
from screening.jobs.nightly import STAGES, nightly, planned
from screening.jobs.payout import gate_payout
from screening.jobs.progress import silent_progress
from screening.store import open_store
from screening.traffic.lake import Lake
from screening.traffic.lakelock import holding_lock
from screening.traffic.lists_import import Order

DAYS = [nights.FIRST + timedelta(days=number) for number in range(7)]
BEFORE, NIGHT = nights.night_of(DAYS[5]), nights.night_of(DAYS[6])


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A workspace after its first night, with the files of the next day dropped."""
    root = tmp_path_factory.mktemp("begun") / "programme"
    root.mkdir()
    for day in DAYS[:6]:
        nights.drop(root, day)
    nights.run_night(root, BEFORE)
    nights.drop(root, DAYS[6])
    return root


@pytest.fixture(scope="module")
def finished(begun):
    """A copy of it after its second night, and the report of that."""
    root = begun.with_name("finished")
    shutil.copytree(begun, root)
    return root, nights.run_night(root, NIGHT)


@pytest.fixture
def root(begun, tmp_path):
    """A copy of the workspace before its second night."""
    return Path(shutil.copytree(begun, tmp_path / "programme"))


def statuses(report) -> dict[str, StageStatus]:
    return {stage.name: stage.status for stage in report.stages}


def messages(report) -> dict[str, str]:
    return {stage.name: stage.message for stage in report.stages}


def test_a_night_takes_in_what_was_dropped_and_judges_what_is_new(finished):
    root, report = finished
    assert report.exit_code is ExitCode.INCOMPLETE  # one row of each day is refused
    assert statuses(report)["ingest"] is StageStatus.INCOMPLETE
    assert {status for name, status in statuses(report).items() if name != "ingest"} == {StageStatus.DONE}
    state = nights.state(root)
    assert state["periods"][0][:2] == (DAYS[6], DAYS[6])
    assert state["periods"][1][:2] == (DAYS[0], DAYS[5])
    assert {path for path in state["files"] if path.endswith(".csv")} == {
        f"drop/taken/{night.date()}/{kind}/{day}.csv"
        for kind in ("clicks", "conversions")
        for night, days in ((BEFORE, DAYS[:6]), (NIGHT, DAYS[6:]))
        for day in days
    }


def test_the_journal_is_readable_and_every_stage_is_in_it(finished):
    root, report = finished
    body = json.loads((root / "nights" / f"{NIGHT.date()}.json").read_text())
    assert [stage["name"] for stage in body["stages"]] == [stage.name for stage in STAGES]
    assert body["night"] == str(report.night)


def test_a_finished_night_run_again_does_nothing_and_says_when_it_was_done(finished):
    root, first = finished
    before = nights.state(root)
    again = nights.run_night(root, NIGHT + timedelta(hours=3))
    assert all(stage.earlier for stage in again.stages)
    assert again.exit_code is first.exit_code
    assert messages(again) == messages(first)
    assert nights.state(root) == before


def test_doing_a_night_again_on_purpose_judges_nothing_twice(finished):
    root, _ = finished
    before = nights.state(root)
    report = nightly(nights.opened(root), NIGHT + timedelta(hours=4), silent_progress(), again=True)
    assert messages(report)["scan"] == "nothing new to judge"
    assert nights.state(root) == before


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(root):
    def files():
        return {
            path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file() and path.suffix != ".db-shm"
        }

    nights.opened(root)
    before = files()
    report = planned(nights.opened(root), NIGHT)
    assert set(statuses(report).values()) == {StageStatus.PLANNED}
    assert messages(report)["ingest"] == "take in 1 files of clicks, 1 files of conversions"
    assert "nothing new to judge" in messages(report)["scan"]
    assert {path for path in files() if path not in before and not path.name.endswith("-wal")} == set()
    assert {
        path
        for path, at in before.items()
        if path.suffix in (".csv", ".parquet", ".json", ".db") and files()[path] != at
    } == set()


def test_two_nights_at_once_are_refused_by_name(root):
    lock = holding_lock(
        root / "locks" / "nightly", command="winnow nightly", now=NIGHT, wait_seconds=0, waiting=lambda _: None
    )
    with lock, pytest.raises(BusyError, match=rf"run by process {os.getpid()} \(`winnow nightly`"):
        nights.run_night(root, NIGHT)


def test_a_stage_that_fails_hides_nothing_and_is_tried_again(finished, monkeypatch):
    root, _ = finished
    page = root / "reports" / "digests" / f"digest-{NIGHT:%Y-%m-%d}.html"

    def broken(*_):
        raise UnavailableError("The database did not answer.", remedy="Check it.")

    with monkeypatch.context() as patched:
        patched.setattr("screening.jobs.night_stages.scan", broken)
        patched.setattr("screening.jobs.night_stages.night_period", lambda *_: (DAYS[6], DAYS[6]))
        report = nightly(nights.opened(root), NIGHT, silent_progress(), again=True)
    assert report.exit_code is ExitCode.FAILED
    assert statuses(report)["scan"] is StageStatus.FAILED
    assert messages(report)["scan"] == "The database did not answer. Check it."
    assert statuses(report)["purge"] is StageStatus.DONE  # what follows and does not need it ran
    assert "The database did not answer" in page.read_text()
    again = nights.run_night(root, NIGHT + timedelta(minutes=10))
    assert again.exit_code is ExitCode.DONE
    assert {stage.name for stage in again.stages if not stage.earlier} == {"scan", "digest"}
    assert "The database did not answer" not in page.read_text()


def test_a_failure_that_passes_is_waited_for(finished, monkeypatch):
    root, _ = finished
    calls = []

    def gone_for_a_minute(*given):
        calls.append(given)
        if len(calls) < 3:
            raise UnavailableError("The database did not answer.", remedy="Check it.")

    monkeypatch.setattr("screening.jobs.night_stages.night_period", gone_for_a_minute)
    report = nightly(nights.opened(root), NIGHT, silent_progress(), again=True)
    assert statuses(report)["scan"] is StageStatus.DONE
    assert len(calls) == 3


def test_a_clock_that_moved_back_is_noticed_before_anything_is_done(finished):
    root, _ = finished
    before = nights.state(root)
    with pytest.raises(UnavailableError, match=r"clock says 2026-05-06, but the night of 2026-05-08 has run"):
        nights.run_night(root, NIGHT - timedelta(days=2))
    assert nights.state(root) == before


def test_a_damaged_journal_is_said(root):
    (root / "nights" / f"{NIGHT.date()}.json").write_text('{"stages": [{}]}')
    with pytest.raises(Exception, match="journal of the night cannot be read"):
        Journal.of(root / "nights", NIGHT.date())


def test_a_corrupt_part_is_named_and_nothing_is_judged_or_paid(root, tmp_path):
    part = next((root / "lake" / "conversions").glob("*/*.parquet"))
    whole = part.read_bytes()
    part.write_bytes(whole[:200] + bytes(50) + whole[250:])
    report = nights.run_night(root, NIGHT)
    assert statuses(report)["scan"] is StageStatus.FAILED
    assert "not what was written" in messages(report)["scan"]
    assert part.name in messages(report)["scan"]
    with open_store(nights.opened(root).store_url) as store:
        assert len(store.runs("scan")) == 1
    # what the night could not judge is held, and nothing of it is paid
    taken = root / "drop" / "taken" / str(NIGHT.date()) / "conversions" / f"{DAYS[6]}.csv"
    payout = tmp_path / "payout.csv"
    pl.read_csv(taken, infer_schema=False).head(-1).drop("ts", "status").write_csv(payout)
    gated = gate_payout(nights.opened(root), payout, tmp_path / "out.csv", {}, NIGHT, silent_progress())
    assert gated.incomplete
    answers = pl.read_csv(tmp_path / "out.csv")
    assert answers["decision"].unique().to_list() == ["hold"]
    assert answers["reasons"].unique().to_list() == ["not_judged"]


def test_a_truncated_upload_stays_in_the_drop_folder_and_its_rest_comes_in_later(root):
    for path in (root / "drop").glob("c*/*.csv"):
        path.unlink()
    shutil.rmtree(root / "drop" / "clicks")
    folder = root / "drop" / "clicks"
    folder.mkdir()
    lines = "click_id,ts,affiliate_id,offer_id\n" + "".join(f"z{n},2026-05-07T10:00:00Z,a1,o1\n" for n in range(5_000))
    packed = subprocess.run(["gzip", "-c"], input=lines.encode(), capture_output=True, check=True).stdout
    (folder / "up.csv.gz").write_bytes(packed[: len(packed) // 2])
    (folder / "still.csv.part").write_text("click_id")
    report = nights.run_night(root, NIGHT)
    assert "up.csv.gz (the file ends too early" in messages(report)["ingest"]
    assert sorted(path.name for path in folder.iterdir()) == ["still.csv.part", "up.csv.gz"]
    (folder / "up.csv.gz").write_bytes(packed)
    nightly(nights.opened(root), NIGHT, silent_progress(), again=True)
    taken = Lake(root / "lake").snapshot().frame(Kind.CLICKS).collect()["click_id"]
    assert taken.str.starts_with("z").sum() == 5_000
    assert sorted(path.name for path in folder.iterdir()) == ["still.csv.part"]


def test_a_file_that_may_still_be_arriving_waits_for_the_next_night(root):
    path = root / "drop" / "clicks" / f"{DAYS[6]}.csv"
    os.utime(path, (NIGHT.timestamp() - 5, NIGHT.timestamp() - 5))
    workspace = nights.opened(root, WINNOW__NIGHTLY__QUIET_SECONDS="60")
    assert "1 files of conversions" in messages(planned(workspace, NIGHT))["ingest"]
    assert "clicks" not in messages(planned(workspace, NIGHT))["ingest"]


def test_a_folder_that_names_no_kind_is_not_passed_over(root):
    (root / "drop" / "sales").mkdir()
    assert "names no kind of event" in messages(planned(nights.opened(root), NIGHT))["ingest"]


def test_a_full_disk_is_said_loses_nothing_and_is_made_up_for(root):
    """RLIMIT_FSIZE stands for the full disk: no file of the night may grow beyond what its journal needs."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "import night_programme as n; from pathlib import Path; from datetime import datetime;"
        "import screening.jobs.nightly;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000));"
        "r = n.run_night(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]));"
        "print(int(r.exit_code)); [print(s.name, s.status, s.message) for s in r.stages]"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(nights.__file__).parent)}
    command = [sys.executable, "-c", code, str(root), NIGHT.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1\n")
    assert "File too large" in done.stdout or "disk" in done.stdout
    again = nights.run_night(root, NIGHT)
    assert statuses(again)["ingest"] is not StageStatus.FAILED
    assert nights.state(root)["periods"][0][:2] == (DAYS[6], DAYS[6])


def test_a_lake_that_cannot_be_written_is_named_and_stays_as_it_is(root):
    lake = root / "lake"
    before = sorted(path.name for path in (root / "drop").rglob("*.csv"))
    read_only = f"mount --bind {lake} {lake} && mount -o remount,ro,bind {lake}"
    if subprocess.run(["unshare", "-m", "sh", "-c", read_only], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a folder read-only")
    version = Lake(lake).snapshot().version
    night = f"exec {sys.executable} {nights.__file__} {root} {NIGHT.isoformat()} 0"
    done = subprocess.run(["unshare", "-m", "sh", "-c", f"{read_only} && {night}"], capture_output=True, check=True)
    assert done.stdout.split()[1] == b"1"
    said = Journal.of(root / "nights", NIGHT.date()).stages["ingest"]
    assert said.status is StageStatus.FAILED
    assert said.message.startswith(f"{lake / 'lock'}: Read-only file system. Mount that place so that it can be")
    assert Lake(lake).snapshot().version == version
    assert sorted(path.name for path in (root / "drop").rglob("*.csv")) == before


def test_a_list_whose_file_is_gone_is_named_and_nothing_is_judged_without_it(root, tmp_path):
    addresses = tmp_path / "tor.txt"
    addresses.write_text("20.1.1.1\n")
    order = Order("tor", (addresses,), "auto", "tor")
    workspace = nights.opened(root)
    update_list(workspace, order, NIGHT, silent_progress(), actor="test")
    next((root / "lists" / "tor").glob("*.parquet")).unlink()
    report = nights.run_night(root, NIGHT)
    assert report.exit_code is ExitCode.FAILED
    assert statuses(report)["scan"] is StageStatus.FAILED
    assert "The list `tor` cannot be read" in messages(report)["scan"]
    assert "Import it again: winnow lists update tor FILE." in messages(report)["scan"]
    with open_store(workspace.store_url) as store:
        assert [run.period_to for run in store.runs("scan")] == [DAYS[5]]
    update_list(workspace, order, NIGHT, silent_progress(), actor="test")
    assert statuses(nights.run_night(root, NIGHT))["scan"] is StageStatus.DONE


def figures(root) -> dict[str, list]:
    workspace = nights.opened(root)
    with open_store(workspace.store_url) as store:
        return {gauge.name: list(gauge.values) for gauge in gauges(workspace, store, NIGHT)}


def test_the_figures_for_monitoring_tell_of_each_stage_and_when_a_night_last_ended_well(finished, tmp_path):
    root = Path(shutil.copytree(finished[0], tmp_path / "figures"))
    seen = figures(root)
    assert [labels["stage"] for labels, _ in seen["winnow_night_stage_seconds"]] == [stage.name for stage in STAGES]
    assert {labels["stage"]: seconds for labels, seconds in seen["winnow_night_stage_seconds"]}["scan"] > 0
    assert ("ingest", "files") in {(labels["stage"], labels["what"]) for labels, _ in seen["winnow_night_stage_count"]}
    (((), good),) = [(tuple(labels), at) for labels, at in seen["winnow_night_last_finished_timestamp_seconds"]]
    journal = Journal.of(root / "nights", NIGHT.date() + timedelta(days=1))
    journal.record(StageReport("scan", StageStatus.FAILED, "no", ended_at="2026-05-09T02:00:00+00:00", seconds=1.5))
    later = figures(root)
    assert later["winnow_night_stage_status"] == [({"stage": "scan", "status": "failed"}, 1)]
    assert later["winnow_night_last_finished_timestamp_seconds"] == [({}, good)]
    assert later["winnow_night_unreadable"] == [({}, 0)]
    journal.path.write_text("{", encoding="utf-8")
    damaged = figures(root)
    assert damaged["winnow_night_unreadable"] == [({}, 1)]
    assert damaged["winnow_night_stage_status"] == []
    assert damaged["winnow_night_last_finished_timestamp_seconds"] == [({}, good)]
