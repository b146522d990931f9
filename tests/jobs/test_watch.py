"""Watching: events are judged as they come, advice is told once, and stopping or killing it loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event

import polars as pl
import pytest

from features.schema import Kind
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.night_period import night_period
from screening.jobs.progress import silent_progress
from screening.jobs.watch import Watching, watch
from screening.simulate import simulate, small_spec
from screening.store import open_store
from screening.traffic.lake import Lake
from screening.workspace import open_workspace

START = date(2026, 5, 1)
SPEC = replace(small_spec(START), clicks=12_000, conversions=1_500)
LAST = START + timedelta(days=SPEC.days - 1)
NOON = datetime(LAST.year, LAST.month, LAST.day, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def programme():
    return simulate(SPEC, 5)


@pytest.fixture
def workspace(tmp_path, programme):
    """Everything up to noon of the last day is in the lake."""
    opened = open_workspace(tmp_path / "programme", {"WINNOW__NIGHTLY__DROP_FOLDER": "drop"})
    for kind in (Kind.AFFILIATES, Kind.CAPS, Kind.CLICKS, Kind.CONVERSIONS):
        table = programme.table(kind)
        drop(opened, kind, table.filter(pl.col("ts") < NOON) if "ts" in table.columns else table, "first")
    return opened


def drop(workspace, kind, table, name):
    folder = workspace.root / "drop" / kind
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.parquet"
    table.write_parquet(path)
    os.utime(path, (0, 0))  # long complete
    return path


def watched(workspace, rounds=1, now=NOON):
    told = []
    done = watch(workspace, Watching(Event(), rounds, 0.01, lambda: now, told.append))
    return done, told


def test_events_are_judged_as_they_come_and_advice_is_told_once(workspace, programme):
    _, (first,) = watched(workspace)
    assert first.period == (LAST - timedelta(days=2), LAST)
    assert first.judged
    assert {item.row["action"] for item in first.proposed} & {"lower", "pause"}
    assert not list((workspace.root / "drop" / "conversions").iterdir())
    with open_store(workspace.store_url) as store:
        # a day of which the watch saw a part is still the night's to judge
        night = night_period(
            Lake(workspace.lake).snapshot(), store, LAST + timedelta(days=1), workspace.settings.nightly
        )
    assert night is not None
    assert night[1] == LAST
    done, (idle,) = watched(workspace)
    assert idle.idle
    assert done.scans == 0

    afternoon = NOON + timedelta(hours=3)
    later = programme.conversions.filter(pl.col("ts").is_between(NOON, afternoon))
    path = workspace.root / "afternoon.parquet"
    later.write_parquet(path)
    ingest_files(workspace, Kind.CONVERSIONS, [path], Reading(), afternoon, silent_progress())
    _, (second,) = watched(workspace, now=afternoon)
    assert second.period == (LAST, LAST)
    with open_store(workspace.store_url) as store:
        assert set(later["conversion_id"]) <= set(store.decisions(second.run_id)["conversion_id"])
    assert not advice(second) & advice(first)


def advice(told):
    return {(item.row["offer_id"], item.row["affiliate_id"], item.row["recommended"]) for item in told.proposed}


def test_a_bad_folder_is_told_and_does_not_end_the_watch(workspace):
    (workspace.root / "drop" / "klicks").mkdir()
    done, told = watched(workspace, rounds=2)
    assert done.failures == 2
    assert "klicks" in told[0].failed


def test_an_empty_workspace_waits(tmp_path):
    done, _ = watched(open_workspace(tmp_path / "empty", {}), rounds=2)
    assert (done.rounds, done.scans, done.failures) == (2, 0, 0)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_on_a_signal_when_the_round_is_done(tmp_path, how):
    process = subprocess.Popen(
        [Path(sys.executable).with_name("winnow"), "watch", "--every", "60", "--workspace", tmp_path / "w"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "w" / "winnow.db").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Looked 1 times" in out
