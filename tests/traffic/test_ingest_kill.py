"""An ingest that is killed at any moment leaves the lake as before or after; the same command again completes it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from features.schema import Kind
from screening.errors import BusyError

# The child takes files in as the command does. With a number it kills itself with SIGKILL before the file operation of
# that number inside its folder (opening, moving, linking, removing); without, it prints how many there were.
CHILD = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from features.schema import Kind
from screening.settings.ingest import IngestSettings
from screening.traffic.ingest import IngestRequest, ingest
from screening.traffic.intake.layout import Layout
from screening.traffic.lake import Lake

root, fatal, settings = Path(sys.argv[1]), int(sys.argv[2]), IngestSettings.model_validate_json(sys.argv[3])
count = 0

def operation(event, arguments):
    global count
    if event.startswith(("open", "os.", "shutil.")) and arguments and str(arguments[0]).startswith(str(root)):
        count += 1
        if count == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

request = IngestRequest(Kind.CLICKS, tuple(sorted(root.glob("*.csv"))), Layout(), "winnow ingest clicks",
                        datetime(2026, 2, 1, 12, tzinfo=UTC))
sys.addaudithook(operation)
print("begun", flush=True)
report = ingest(Lake(root / "lake"), root / "quarantine", request, settings, lambda *_: None)
print(count, flush=True)
"""
SMALL = {"block_bytes": 4096, "part_rows": 1_000, "buffered_rows": 3_000}


def fill(root: Path) -> None:
    """Write two files of three days with rows that repeat, conflict, and cannot be used."""
    root.mkdir(exist_ok=True)
    chance = random.Random(5)
    for name, first in (("a", 0), ("b", 1_500)):
        lines = ["click_id,ts,affiliate_id,offer_id,ip"]
        for number in range(first, first + 2_500):
            ts = f"2026-01-0{1 + number % 3}T00:00:{number % 60:02d}Z"
            lines.append(f"c{number},{ts},a{number % 7},o1,1.2.3.{number % 256}")
            if chance.random() < 0.01:
                lines.append(f"x{number},never,a,o1,")
            if chance.random() < 0.01:
                lines.append(f"c{number},{ts},other,o1,")
        (root / f"{name}.csv").write_text("\n".join(lines) + "\n")


def child(root: Path, fatal: int, settings: str) -> subprocess.Popen:
    command = [sys.executable, "-c", CHILD, str(root), str(fatal), settings]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def state(programme) -> tuple:
    """All that a later reader can see: version, parts, rows with their order, quarantine, and what lies about."""
    snapshot = programme.snapshot
    snapshot.verify()
    left = [path for folder in ("lake/staging", "quarantine") for path in (programme.root / folder).rglob("*.draft")]
    quarantine = [
        path.read_text().replace(str(programme.root), "") for path in sorted(programme.root.glob("quarantine/*"))
    ]
    parts = {str(path.relative_to(programme.root)) for path in programme.root.glob("lake/clicks/*/*")}
    assert parts == {f"lake/{part.path}" for part in snapshot.parts}
    return snapshot.version, snapshot.parts, programme.rows(Kind.CLICKS).rows(), quarantine, left


def retaken(programme, root: Path) -> tuple:
    """The state after the same command again, run in this process."""
    again = type(programme)(root)
    again.take(Kind.CLICKS, *sorted(root.glob("*.csv")), **SMALL)
    return state(again)


def test_killed_before_any_file_operation_and_run_again_gives_the_undisturbed_lake(programme, shipped):
    settings = shipped.model_copy(update=SMALL).model_dump_json()
    undisturbed = type(programme)(programme.root / "undisturbed")
    fill(undisturbed.root)
    output, errors = child(undisturbed.root, 0, settings).communicate()
    operations = int(output.split()[1]) if len(output.split()) == 2 else pytest.fail(errors)
    expected = state(undisturbed)
    assert expected[0] == 1
    assert len(expected[2]) == 4_000
    # the commit is in the last operations, so half of the moments are drawn from them; the very last one is after it
    chance = random.Random(11)
    late = range(operations - 45, operations)
    moments = sorted([*chance.sample(range(1, operations - 45), 7), *chance.sample(late, 6), operations])
    roots = {moment: programme.root / f"killed-{moment}" for moment in moments}
    versions = set()
    for pair in zip(moments[::2], moments[1::2], strict=True):
        children = []
        for moment in pair:
            fill(roots[moment])
            children.append(child(roots[moment], moment, settings))
        for moment, process in zip(pair, children, strict=True):
            process.communicate()
            assert process.returncode == -signal.SIGKILL, moment
            versions.add(type(programme)(roots[moment]).snapshot.version)
            assert retaken(programme, roots[moment]) == expected, f"killed before operation {moment} of {operations}"
    assert versions == {0, 1}  # some died before the commit and some after it


def test_killed_at_any_time_and_run_again_gives_the_undisturbed_lake(programme, shipped):
    settings = shipped.model_copy(update=SMALL).model_dump_json()
    undisturbed = type(programme)(programme.root / "undisturbed")
    fill(undisturbed.root)
    expected = retaken(programme, undisturbed.root)
    chance = random.Random(12)
    for number in range(6):
        root = programme.root / f"killed-{number}"
        fill(root)
        process = child(root, 0, settings)
        assert process.stdout.readline() == "begun\n"
        time.sleep(chance.uniform(0, 0.6))
        process.kill()
        process.communicate()
        before = type(programme)(root).snapshot
        assert (before.version, before.parts) in ((0, ()), expected[:2])
        assert retaken(programme, root) == expected, number


def test_what_a_kill_after_the_commit_left_goes_with_the_next_ingest(programme, monkeypatch):
    """The draft of an ingest that refused nothing is removed after its commit; a kill in between leaves it, empty."""
    head = "click_id,ts,affiliate_id,offer_id\n"
    with monkeypatch.context() as killed:
        killed.setattr(Path, "unlink", lambda *_, **__: None)  # as if dead before the last of its file operations
        programme.take(Kind.CLICKS, programme.write("a.csv", head + "k1,2026-01-01,a,o\n"))
    assert [path.name for path in (programme.root / "quarantine").iterdir()] == ["ingest-00000001.draft"]
    programme.take(Kind.CLICKS, programme.write("b.csv", head + "k2,2026-01-02,a,o\n"))
    assert programme.snapshot.version == 2
    assert not list((programme.root / "quarantine").iterdir())


def test_two_ingests_at_once_wait_for_each_other_or_say_who_runs(programme, shipped):
    fill(programme.root)
    files = sorted(programme.root.glob("*.csv"))
    first = child(programme.root, 0, shipped.model_copy(update={**SMALL, "part_rows": 1_000}).model_dump_json())
    lock = programme.root / "lake" / "lock"
    try:
        assert first.stdout.readline() == "begun\n"
        while not (lock.is_file() and lock.stat().st_size):
            time.sleep(0.001)
        os.kill(first.pid, signal.SIGSTOP)
        with pytest.raises(
            BusyError, match=rf"process {first.pid} \(`winnow ingest clicks`, since 2026-02-01T12:00:00"
        ):
            programme.take(Kind.CLICKS, *files, lock_wait_seconds=0.2)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    report = programme.take(Kind.CLICKS, *files, lock_wait_seconds=60, **SMALL)
    _, errors = first.communicate()
    assert first.returncode == 0, errors
    assert [file.outcome for file in report.files] == ["already_taken", "already_taken"]
    assert programme.snapshot.version == 1
