"""A lake on object storage: the same rows, the same promise, whatever dies or answers too late in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from features.schema import Kind
from screening.errors import InputError, IntegrityError, SettingsError, UnavailableError
from screening.jobs.backup import backup
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.purge import purge
from screening.jobs.restore import restore
from screening.traffic.lake import Lake
from screening.traffic.lake_remote import remote_of
from screening.workspace import Workspace, open_workspace

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:moto", "ignore::DeprecationWarning:botocore")


def workspace(folder: Path, bucket: str, seconds: float = 20) -> Workspace:
    settings = {"WINNOW__LAKE__URL": f"s3://{bucket}/lake", "WINNOW__LAKE__REQUEST_SECONDS": str(seconds)}
    return open_workspace(folder, settings)


def clicks(folder: Path, name: str, first: int, count: int = 50) -> Path:
    lines = ["click_id,ts,affiliate_id,offer_id,ip"]
    lines += [f"c{n},2026-01-0{1 + n % 3}T00:00:00Z,a{n % 7},o1,1.2.3.{n % 256}" for n in range(first, first + count)]
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def take(opened: Workspace, *files: Path):
    return ingest_files(opened, Kind.CLICKS, files, Reading(), NOW, silent_progress()).report


def ids(opened: Workspace) -> list[str]:
    return sorted(Lake(opened.lake).snapshot().frame(Kind.CLICKS).collect()["click_id"].to_list())


def keys(storage) -> list[str]:
    client, bucket = storage
    return sorted(entry["Key"] for entry in client.list_objects_v2(Bucket=bucket).get("Contents", []))


def test_what_one_workspace_takes_in_another_reads_and_continues(tmp_path, storage):
    _, bucket = storage
    one, other = workspace(tmp_path / "one", bucket), workspace(tmp_path / "other", bucket)
    assert ids(other) == []
    report = take(one, clicks(tmp_path, "a.csv", 0), clicks(tmp_path, "b.csv", 25))
    assert report.totals()["taken"] == 75
    assert report.totals()["repeated"] == 25
    local = open_workspace(tmp_path / "local", {})
    take(local, clicks(tmp_path, "a.csv", 0), clicks(tmp_path, "b.csv", 25))
    assert ids(one) == ids(other) == ids(local)
    fresh = [Lake(opened.lake).snapshot().frame(Kind.CLICKS).collect() for opened in (other, local)]
    assert fresh[0].equals(fresh[1])
    # the other one goes on: it knows the files and the ids that the first took in
    again = take(other, tmp_path / "a.csv", clicks(tmp_path, "c.csv", 70))
    assert [file.outcome for file in again.files] == ["already_taken", "taken"]
    assert (again.totals()["taken"], again.totals()["repeated"]) == (45, 5)
    assert Lake(one.lake).snapshot().version == 2
    assert ids(one) == sorted(f"c{n}" for n in range(120))
    Lake(one.lake).snapshot().verify()


def test_only_what_is_read_is_fetched(tmp_path, storage):
    _, bucket = storage
    take(workspace(tmp_path / "one", bucket), clicks(tmp_path, "a.csv", 0))
    other = workspace(tmp_path / "other", bucket)
    snapshot = Lake(other.lake).snapshot()
    assert not list(other.lake.rglob("*.parquet"))
    snapshot.frame(Kind.CLICKS, snapshot.days(Kind.CLICKS)[0], snapshot.days(Kind.CLICKS)[0]).collect()
    assert len(list(other.lake.rglob("*.parquet"))) == 1
    snapshot.verify()
    assert len(list(other.lake.rglob("*.parquet"))) == 1
    assert not list(other.lake.rglob("*.fetching"))


def test_of_two_writers_at_once_one_wins_and_the_other_leaves_nothing(tmp_path, storage, monkeypatch):
    _, bucket = storage
    opened = [workspace(tmp_path / name, bucket) for name in ("one", "other")]
    files = [clicks(tmp_path, "a.csv", 0), clicks(tmp_path, "b.csv", 25)]
    together = threading.Barrier(2)
    remote = type(remote_of(opened[0].lake))
    publish = remote.publish
    monkeypatch.setattr(remote, "publish", lambda self, *given: (together.wait(20), publish(self, *given))[1])
    ended: list[object] = [None, None]

    def write(number: int) -> None:
        try:
            ended[number] = take(opened[number], files[number])
        except UnavailableError as error:
            ended[number] = error

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    monkeypatch.undo()
    lost = [number for number in range(2) if isinstance(ended[number], UnavailableError)]
    assert len(lost) == 1
    assert "at the same time" in str(ended[lost[0]])
    assert ended[lost[0]].retry
    won = 1 - lost[0]
    assert ids(opened[0]) == ids(opened[1]) == sorted(f"c{n}" for n in range(25 * won, 25 * won + 50))


def test_the_loser_of_a_race_succeeds_when_it_tries_again(tmp_path, storage):
    _, bucket = storage
    one, other = workspace(tmp_path / "one", bucket), workspace(tmp_path / "other", bucket)
    behind = Lake(other.lake).snapshot()
    take(one, clicks(tmp_path, "a.csv", 0))
    assert behind.version == 0
    take(other, clicks(tmp_path, "b.csv", 25))
    assert ids(one) == sorted(f"c{n}" for n in range(75))


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from screening.traffic.lake_remote import Remote
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.workspace import open_workspace
from features.schema import Kind
publish = Remote.publish
def die(self, *given):
    if sys.argv[3] == "after": publish(self, *given)
    os.kill(os.getpid(), signal.SIGKILL)
Remote.publish = die
opened = open_workspace(Path(sys.argv[1]), {"WINNOW__LAKE__URL": sys.argv[2]})
now = datetime(2026, 2, 1, 12, tzinfo=UTC)
ingest_files(opened, Kind.CLICKS, [Path(sys.argv[4])], Reading(), now, silent_progress())
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_manifest_the_lake_is_as_before_or_as_after(tmp_path, storage, moment):
    _, bucket = storage
    opened = workspace(tmp_path / "one", bucket)
    take(opened, clicks(tmp_path, "a.csv", 0))
    second = clicks(tmp_path, "b.csv", 25)
    command = [sys.executable, "-c", KILLED, str(opened.root), f"s3://{bucket}/lake", moment, str(second)]
    killed = subprocess.run(command, check=False, capture_output=True, env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    uploaded = len([key for key in keys(storage) if "part-00000002" in key])
    assert uploaded == 3
    reader = workspace(tmp_path / "reader", bucket)
    assert len(ids(reader)) == (50 if moment == "before" else 75)
    report = take(opened, second)
    assert [file.outcome for file in report.files] == ["taken" if moment == "before" else "already_taken"]
    assert ids(reader) == ids(opened) == sorted(f"c{n}" for n in range(75))
    Lake(opened.lake).snapshot().verify()


def test_a_storage_that_does_not_answer_is_said_and_loses_nothing(tmp_path, storage, s3_server, monkeypatch):
    _, bucket = storage
    opened = workspace(tmp_path / "one", bucket, seconds=1)
    take(opened, clicks(tmp_path, "a.csv", 0))
    remote = type(remote_of(opened.lake))
    upload = remote.upload

    def cut_off(self, files):
        upload(self, files)
        s3_server.stop()

    monkeypatch.setattr(remote, "upload", cut_off)
    port = s3_server.get_host_and_port()[1]
    try:
        with pytest.raises(UnavailableError, match="storage did not answer") as caught:
            take(opened, clicks(tmp_path, "b.csv", 25))
        assert "AWS_ENDPOINT_URL" in caught.value.remedy
        with pytest.raises(UnavailableError):
            Lake(opened.lake).snapshot()
    finally:
        monkeypatch.undo()
        s3_server._port = port
        s3_server._server_ready = False
        s3_server.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    assert len(ids(opened)) == 50
    assert take(opened, tmp_path / "b.csv").totals()["taken"] == 25


def test_an_answer_that_got_lost_is_recognised_as_this_writers_own(tmp_path, storage):
    _, bucket = storage
    remote = remote_of(workspace(tmp_path / "one", bucket).lake)
    assert remote.publish("manifests/00000001.json", b"mine")
    assert remote.publish("manifests/00000001.json", b"mine")
    assert not remote.publish("manifests/00000001.json", b"another's")


def test_a_part_that_is_gone_or_changed_in_the_storage_is_named(tmp_path, storage):
    client, bucket = storage
    take(workspace(tmp_path / "one", bucket), clicks(tmp_path, "a.csv", 0))
    first, second, _ = [key for key in keys(storage) if "/clicks/" in key and key.endswith(".parquet")]
    client.put_object(Bucket=bucket, Key=first, Body=b"PAR1 nonsense")
    fresh = Lake(workspace(tmp_path / "fresh", bucket).lake).snapshot()
    with pytest.raises(IntegrityError, match="not what was written"):
        fresh.verify()
    client.delete_object(Bucket=bucket, Key=first)
    client.delete_object(Bucket=bucket, Key=second)
    with pytest.raises(IntegrityError, match="missing"):
        fresh.verify()


def test_a_purge_takes_details_from_the_storage_too_and_old_copies_from_the_mirror(tmp_path, storage):
    _, bucket = storage
    opened = workspace(tmp_path / "one", bucket)
    take(opened, clicks(tmp_path, "a.csv", 0))
    old = [key for key in keys(storage) if "/clicks/" in key and key.endswith(".parquet")]
    purge(opened, NOW + timedelta(days=300), silent_progress())
    now_there = [key for key in keys(storage) if "/clicks/" in key and key.endswith(".parquet")]
    assert len(old) == len(now_there) == 3
    assert not set(old) & set(now_there)
    purge(opened, NOW + timedelta(days=301), silent_progress())
    assert not list(opened.lake.glob("clicks/*/*.parquet"))
    rows = Lake(opened.lake).snapshot().frame(Kind.CLICKS).collect()
    assert (rows.height, rows["ip"].null_count()) == (50, 50)


def test_a_backup_of_it_is_whole_and_goes_into_another_prefix(tmp_path, storage):
    _, bucket = storage
    opened = workspace(tmp_path / "one", bucket)
    take(opened, clicks(tmp_path, "a.csv", 0))
    shutil.rmtree(opened.lake)
    fresh = workspace(tmp_path / "one", bucket)
    backup(fresh, tmp_path / "a.backup", NOW, silent_progress())
    elsewhere = {"WINNOW__LAKE__URL": f"s3://{bucket}/restored"}
    restore(open_workspace(tmp_path / "two", elsewhere), tmp_path / "a.backup", NOW, silent_progress(), elsewhere)
    assert ids(open_workspace(tmp_path / "two", elsewhere)) == ids(opened)


def test_urls_that_cannot_be_a_lake_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot be kept there"):
        open_workspace(tmp_path / "a", {"WINNOW__LAKE__URL": "ftp://host/lake"})
    with pytest.raises(SettingsError, match="must not hold credentials"):
        open_workspace(tmp_path / "b", {"WINNOW__LAKE__URL": "s3://key:secret@bucket/lake"})
    with pytest.raises((InputError, UnavailableError)):
        Lake(open_workspace(tmp_path / "c", {"WINNOW__LAKE__URL": "s3://"}).lake).snapshot()


def test_a_mirror_that_lost_its_origin_is_named_again_and_a_broken_one_is_said(tmp_path, storage):
    _, bucket = storage
    opened = workspace(tmp_path / "one", bucket)
    take(opened, clicks(tmp_path, "a.csv", 0))
    origin = opened.lake / "origin.json"
    assert json.loads(origin.read_text())["url"] == f"s3://{bucket}/lake"
    assert "secret" not in origin.read_text()
    origin.write_text("{")
    with pytest.raises(IntegrityError, match="of which storage"):
        Lake(opened.lake).snapshot()
    assert len(ids(workspace(tmp_path / "one", bucket))) == 50


def test_rows_are_equal_whatever_the_place(tmp_path, storage):
    _, bucket = storage
    remote, local = workspace(tmp_path / "one", bucket), open_workspace(tmp_path / "two", {})
    for opened in (remote, local):
        take(opened, clicks(tmp_path, "a.csv", 0, 200))
    frames = [Lake(opened.lake).snapshot().frame(Kind.CLICKS).collect() for opened in (remote, local)]
    assert frames[0].equals(frames[1])
    assert isinstance(frames[0], pl.DataFrame)
