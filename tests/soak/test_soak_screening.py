"""A long night of applications, 5 % of them on hostile servers: `make soak`. -s shows what it measured."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import screening_night

from screening.applicants.crawl.journal import JOURNAL_NAME

APPLICATIONS, HOSTILE = 2_000, 100
SMALL, SMALL_HOSTILE = 30, 10
_PEAK_MIB_MAX = 900
"""For the large night, of which importing the program takes 300."""
_CHANCE_CODES = frozenset({"site_slow", "site_unreachable", "site_partial", "site_error", "site_unparseable"})
"""Which of these a hostile server gets depends on the moment at which it is cut off."""


@contextmanager
def farm(folder: Path, applications: int, hostile: int):
    command = [sys.executable, screening_night.__file__, "farm", str(folder), str(applications), str(hostile)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.stdin.close()
        try:
            process.wait(60)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def start(folder: Path, root: Path) -> subprocess.Popen:
    root.mkdir(exist_ok=True)
    command = [sys.executable, screening_night.__file__, "screen", str(folder), str(root)]
    with (root / "stderr.txt").open("w") as errors:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)


def finish(process: subprocess.Popen, root: Path) -> dict:
    output, _ = process.communicate()
    assert process.returncode == 0, (root / "stderr.txt").read_text()
    return json.loads(output)


def kill_in_the_middle(process: subprocess.Popen, journal: Path, applications: int) -> tuple[list[int], int]:
    """Kill the run without warning once half of its applications are recorded; its parsers and the number recorded."""
    while process.poll() is None:
        done = journal.read_bytes().count(b"\n") if journal.exists() else 0
        if done >= applications // 2:
            parsers = screening_night.children(process.pid)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            return parsers, journal.read_bytes().count(b"\n")
        time.sleep(0.1)
    raise AssertionError("the run ended before it could be killed")


def all_gone(processes: list[int]) -> bool:
    """Wait until none of the processes runs any more; half a minute at most."""
    ends = time.monotonic() + 30
    while any(Path(f"/proc/{one}").exists() for one in processes):
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True


def night(tmp_path: Path, applications: int, hostile: int) -> tuple[dict, dict]:
    """Screen undisturbed, and again with one kill in the middle; both must come to the same."""
    folder = tmp_path / "night"
    folder.mkdir()
    with farm(folder, applications, hostile):
        root = tmp_path / "undisturbed"
        undisturbed = finish(start(folder, root), root)
        root = tmp_path / "killed"
        journal = root / "evidence" / JOURNAL_NAME
        parsers, recorded = kill_in_the_middle(start(folder, root), journal, applications)
        assert parsers
        assert all_gone(parsers)
        kept = [json.loads(line)["folder"] for line in journal.read_text().splitlines()]
        stamps = {name: (root / "evidence" / name / "facts.json").stat().st_mtime_ns for name in kept}
        resumed = finish(start(folder, root), root)
        assert stamps == {name: (root / "evidence" / name / "facts.json").stat().st_mtime_ns for name in kept}
        assert not journal.exists()
    check(undisturbed, resumed, applications)
    for name, run in (("undisturbed", undisturbed), (f"killed after {recorded}, resumed", resumed)):
        shown = {key: value for key, value in run.items() if key != "decisions"}
        sys.stdout.write(f"{applications} applications, {name}: {shown}\n")
    return undisturbed, resumed


def check(undisturbed: dict, resumed: dict, applications: int) -> None:
    for run in (undisturbed, resumed):
        assert len(run["decisions"]) == applications
        assert run["grown"]["threads"] == 0
        assert run["grown"]["processes"] == 0
        assert run["grown"]["files"] <= 0
    for identifier, (decision, reasons) in undisturbed["decisions"].items():
        again, reasons_again = resumed["decisions"][identifier]
        assert again == decision, (identifier, reasons, reasons_again)
        if not identifier.startswith("HOSTILE"):
            assert set(reasons) - _CHANCE_CODES == set(reasons_again) - _CHANCE_CODES, identifier


def test_a_night_that_is_killed_comes_to_the_same(tmp_path):
    night(tmp_path, SMALL, SMALL_HOSTILE)


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
def test_a_long_night_that_is_killed_comes_to_the_same_within_bounded_memory(tmp_path):
    for run in night(tmp_path, APPLICATIONS, HOSTILE):
        assert run["peak_mib"] <= _PEAK_MIB_MAX
