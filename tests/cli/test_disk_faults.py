"""What a person reads when the disk is full or read-only: one line with place and remedy; nothing lost, nothing paid.

The disks are small file systems of their own, mounted where only the test's processes see them.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import store_writer as writer

from features.schema import Kind
from screening.errors import of_system
from screening.store import open_store
from screening.traffic.lake import Lake
from screening.workspace import open_workspace

WINNOW = f"{sys.executable} -c 'from screening.cli.entry import main; main()'"
CLICKS = 60_000
"""Their part of the lake takes about a megabyte."""
_MAY_NOT = 77


def shell(script: str, *, mounting: str) -> subprocess.CompletedProcess[str]:
    """Run a script after a mount that only it sees; skips where this user may not mount."""
    command = ["unshare", "-m", "sh", "-uc", f"({mounting}) 2>/dev/null || exit {_MAY_NOT}\n{script}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if done.returncode == _MAY_NOT or "unshare" in done.stderr:
        pytest.skip("this user may not mount a file system")
    return done


def clicks(path: Path, count: int) -> Path:
    chance = random.Random(3)
    rows = [f"k{n}-{chance.random()},2026-01-0{1 + n % 9},a{n % 7},o1\n" for n in range(count)]
    path.write_text("click_id,ts,affiliate_id,offer_id\n" + "".join(rows))
    return path


def test_a_lake_that_cannot_be_written_is_said_in_one_line(tmp_path):
    root, file = tmp_path / "programme", clicks(tmp_path / "c.csv", 3)
    lake = open_workspace(root, {}).lake
    done = shell(
        f"{WINNOW} ingest clicks {file} --workspace {root}",
        mounting=f"mount --bind {lake} {lake} && mount -o remount,ro,bind {lake}",
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"winnow: {lake}/lock: Read-only file system. Mount that place so that it can be written, then do the same "
        "again."
    )
    assert "Traceback" not in done.stderr
    assert Lake(lake).snapshot().version == 0


def test_a_full_disk_is_said_in_one_line_and_the_same_command_completes_it_later(tmp_path):
    root, kept, file = tmp_path / "programme", tmp_path / "kept", clicks(tmp_path / "c.csv", CLICKS)
    root.mkdir()
    ingest = f"{WINNOW} ingest clicks {file} --workspace {root}"
    done = shell(
        f"""
        {ingest} >/dev/null; echo $?
        mount -o remount,size=100m {root}
        {ingest} >/dev/null; echo $?
        cp -a {root} {kept}
        """,
        mounting=f"mount -t tmpfs -o size=600k tmpfs {root}",
    )
    assert done.stdout.split() == ["1", "0"]
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("winnow: ")]
    assert "No space left on device" in said
    assert "Free some space on that disk, then do the same again." in said
    assert "Traceback" not in done.stderr
    snapshot = Lake(kept / "lake").snapshot()
    snapshot.verify()
    assert snapshot.version == 1
    assert snapshot.frame(Kind.CLICKS).collect().height == CLICKS
    assert not [path for path in (kept / "lake").rglob("*") if path.name.endswith(".draft")]


def judged(root: Path) -> None:
    """Record a scan of an hour ago that pays c0 ... c199, c0 nothing and c199 199 dollars."""
    finished = datetime.now(UTC) - timedelta(hours=1)
    decisions = writer.decisions(200, decision=pl.lit("pay"), reasons=pl.lit([], pl.List(pl.String)))
    with open_store(open_workspace(root, {}).store_url) as store:
        store.record_scan(writer.run_record("r1", finished_at=finished), decisions, writer.sources(1), writer.caps(1))


@pytest.mark.parametrize("free_kib", [0, 32])
def test_a_payout_that_meets_a_full_disk_pays_nothing_and_later_everything_once(tmp_path, free_kib):
    root, prepared, full, kept = (tmp_path / name for name in ("programme", "prepared", "full", "kept"))
    root.mkdir()
    judged(prepared)
    file = tmp_path / "payout.csv"
    file.write_text(
        "conversion_id,affiliate_id,offer_id,payout,currency\n" + "".join(f"c{n},a1,o1,{n},USD\n" for n in range(200))
    )
    gate = f"{WINNOW} payout gate {file} --out {root}/out.csv --workspace {root} >/dev/null; echo $?"
    done = shell(
        f"""
        cp -a {prepared}/. {root}
        used=$(df --output=used {root} | tail -1)
        mount -o remount,size=$((used + {free_kib}))k {root}
        {gate}
        cp -a {root} {full}
        mount -o remount,size=100m {root}
        {gate}
        cp -a {root} {kept}
        """,
        mounting=f"mount -t tmpfs -o size=100m tmpfs {root}",
    )
    assert done.stdout.split() == ["1", "0"], done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("winnow: ")]
    assert "disk" in said
    assert "Traceback" not in done.stderr
    assert not list(full.glob("*out.csv*"))
    assert released(full) == 0
    assert released(kept) == 200
    assert (kept / "out.csv").read_text().count(",pay,") == 200


def released(root: Path) -> int:
    with open_store(f"sqlite:///{root}/winnow.db") as store:
        return store.ledger.released([f"c{number}" for number in range(200)]).height


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/w/x"), "/w/x: No space left on device. Free some space on that"),
        (OSError("No space left on device (os error 28)"), "No space left on device (os error 28). Free some space"),
        (PermissionError(13, "Permission denied", "/w/x"), "/w/x: Permission denied. Give the user that runs winnow"),
        (OSError(9999, "Something new", "/w/x"), "/w/x: Something new. Look at that place, then do the same again."),
    ],
)
def test_errors_of_the_system_name_the_place_and_a_remedy(error, said):
    assert str(of_system(error)).startswith(said)
