"""The lake: versions, days, canonical frames, and what a reader sees while others write, fail and die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest

from features.schema import TABLES, Kind, polars_schema
from screening.errors import BusyError, InputError, IntegrityError
from screening.traffic.lake import Lake, part_path
from screening.traffic.lakewrite import writing

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def click(click_id: str, day: date, **facts) -> dict:
    ts = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return {"click_id": click_id, "ts": ts, "affiliate_id": "a", "offer_id": "o", **facts}


def frame(kind: Kind, *rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=polars_schema(kind))


def opened(lake: Lake, **options):
    return writing(lake, **{"command": "test", "now": NOW, "wait_seconds": 0, "waiting": lambda _: None, **options})


def commit_clicks(lake: Lake, day: date, *ids: str):
    with opened(lake) as writer:
        rows = frame(Kind.CLICKS, *(click(name, day) for name in ids))
        return writer.commit([writer.stage_frame(Kind.CLICKS, day, 1, rows)])


def ids(snapshot, *period) -> list[str]:
    return snapshot.frame(Kind.CLICKS, *period).collect()["click_id"].to_list()


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


def test_a_lake_that_is_not_there_is_version_0_and_empty(lake):
    snapshot = lake.snapshot()
    assert (snapshot.version, snapshot.parts, snapshot.days(Kind.CLICKS)) == (0, (), [])
    for kind in Kind:
        assert dict(snapshot.frame(kind).collect_schema()) == polars_schema(kind)


def test_each_commit_is_a_version_and_old_versions_stay_as_they_were(lake):
    days = [date(2026, 1, day) for day in range(1, 26)]
    for number, day in enumerate(days):
        assert commit_clicks(lake, day, f"c{number}").version == number + 1
    for version in range(len(days) + 1):
        snapshot = lake.snapshot(version)
        assert ids(snapshot) == [f"c{number}" for number in range(version)]
        assert snapshot.days(Kind.CLICKS) == days[:version]
    with pytest.raises(InputError, match="no version 26"):
        lake.snapshot(26)


def test_a_frame_is_limited_to_inclusive_days_and_has_all_canonical_columns(lake):
    for day in (1, 2, 3, 4):
        commit_clicks(lake, date(2026, 1, day), f"c{day}")
    snapshot = lake.snapshot()
    assert ids(snapshot, date(2026, 1, 2), date(2026, 1, 3)) == ["c2", "c3"]
    assert ids(snapshot, None, date(2026, 1, 1)) == ["c1"]
    assert ids(snapshot, date(2026, 1, 9)) == []
    assert dict(snapshot.frame(Kind.CLICKS).collect_schema()) == polars_schema(Kind.CLICKS)
    selected = snapshot.select((Kind.CLICKS, Kind.CAPS), date(2026, 1, 4))
    assert [(part.kind, part.day, part.rows) for part in selected] == [(Kind.CLICKS, date(2026, 1, 4), 1)]


def test_a_part_that_lacks_a_canonical_column_reads_as_null_there(lake):
    day = date(2026, 1, 1)
    with opened(lake) as writer:
        older = frame(Kind.CLICKS, click("c", day)).drop("referrer").with_columns(extra=1)
        older.write_parquet(writer.staged(Kind.CLICKS, day, 1))
        writer.commit([writer.part(Kind.CLICKS, day, 1, 1)])
    assert lake.snapshot().frame(Kind.CLICKS).collect().to_dicts() == frame(Kind.CLICKS, click("c", day)).to_dicts()


def test_undated_kinds_give_the_newest_record_of_each_key(lake):
    for name in ("first", "second"):
        with opened(lake) as writer:
            rows = frame(Kind.AFFILIATES, {"affiliate_id": "1", "name": name}, {"affiliate_id": name, "name": "x"})
            writer.commit([writer.stage_frame(Kind.AFFILIATES, None, 1, rows)])
    found = lake.snapshot().frame(Kind.AFFILIATES).collect()
    assert dict(found.select("affiliate_id", "name").iter_rows()) == {"1": "second", "first": "x", "second": "x"}
    assert TABLES[Kind.AFFILIATES].dated_by is None


def test_removed_parts_leave_new_versions_only(lake):
    commit_clicks(lake, date(2026, 1, 1), "old")
    commit_clicks(lake, date(2026, 1, 2), "kept")
    with opened(lake) as writer:
        writer.commit([], removed=[part for part in writer.before.parts if part.day == date(2026, 1, 1)])
    assert ids(lake.snapshot()) == ["kept"]
    assert ids(lake.snapshot(2)) == ["old", "kept"]


def test_what_is_staged_or_moved_but_not_in_a_manifest_is_invisible_and_cleared_by_the_next_writer(lake):
    commit_clicks(lake, date(2026, 1, 1), "c1")
    orphan = lake.root / part_path(Kind.CLICKS, date(2026, 1, 5), 2, 7)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"half a part")
    stale = lake.root / "staging" / "rest"
    stale.parent.mkdir(exist_ok=True)
    stale.write_bytes(b"x")
    assert ids(lake.snapshot()) == ["c1"]
    commit_clicks(lake, date(2026, 1, 2), "c2")
    assert ids(lake.snapshot()) == ["c1", "c2"]
    assert not orphan.exists()
    assert not stale.parent.exists()


def test_a_writer_that_fails_leaves_nothing(lake):
    commit_clicks(lake, date(2026, 1, 1), "c1")
    before = sorted(path for path in lake.root.rglob("*") if path.is_file())
    day = date(2026, 1, 2)
    with pytest.raises(ZeroDivisionError), opened(lake) as writer:
        writer.stage_frame(Kind.CLICKS, day, 1, frame(Kind.CLICKS, click("c2", day))).rows / 0
    assert sorted(path for path in lake.root.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize("harm", ["change", "delete"])
def test_a_part_that_is_not_what_was_written_is_noticed(lake, harm):
    commit_clicks(lake, date(2026, 1, 1), "c1")
    commit_clicks(lake, date(2026, 1, 2), "c2")
    snapshot = lake.snapshot()
    snapshot.verify()
    path = lake.root / snapshot.parts[1].path
    if harm == "change":
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    else:
        path.unlink()
    snapshot.verify(snapshot.parts[:1])
    with pytest.raises(IntegrityError, match=path.name):
        snapshot.verify()


def test_a_missing_or_broken_manifest_is_an_error_and_not_an_empty_lake(lake):
    for day in (1, 2, 3):
        commit_clicks(lake, date(2026, 1, day), f"c{day}")
    lake.manifest_path(2).write_text("{")
    with pytest.raises(IntegrityError, match=r"00000002\.json"):
        lake.snapshot()
    lake.manifest_path(2).unlink()
    with pytest.raises(IntegrityError, match=r"00000002\.json"):
        lake.snapshot()


HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from screening.traffic.lake import Lake
from screening.traffic.lakewrite import writing
with writing(Lake(Path(sys.argv[1])), command="winnow ingest clicks", now=datetime(2026, 2, 1, tzinfo=UTC),
             wait_seconds=0, waiting=print):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_told_who_writes_and_gets_the_lock_when_that_process_is_killed(lake):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, lake.root], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        told: list[str] = []
        with pytest.raises(BusyError) as busy, opened(lake, wait_seconds=0.3, waiting=told.append):
            pass
        message = str(busy.value)
        assert f"process {holder.pid}" in message
        assert "winnow ingest clicks" in message
        assert "2026-02-01T00:00:00+00:00" in message
        assert busy.value.retry
        assert told == [f"waiting for process {holder.pid} (`winnow ingest clicks`, since 2026-02-01T00:00:00+00:00)"]
        assert ids(lake.snapshot()) == []  # reading needs no lock
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
    commit_clicks(lake, date(2026, 1, 1), "c1")
    assert ids(lake.snapshot()) == ["c1"]
