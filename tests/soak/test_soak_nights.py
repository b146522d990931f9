"""Long proofs of reliability: `make soak`. Each prints what it measured; -s shows it."""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import night_programme as nights
import pytest

from screening.errors import ExitCode

KILLS = 100
NIGHTS = 24
_WARM_NIGHTS = 6
"""Nights after which memory is compared: by then every cache and arena has its size."""
_MEMORY_GROWTH_MAX = 0.05

pytestmark = [pytest.mark.soak, pytest.mark.timeout(4 * 3600)]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def kill(root: Path, now, fatal: int) -> int:
    command = [sys.executable, nights.__file__, str(root), now.isoformat(), str(fatal)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout.split()[0]) if fatal == 0 else done.returncode


def test_a_hundred_kills_of_a_night_leave_the_state_of_an_undisturbed_one(tmp_path):
    """Each copy is killed at a random operation, run again, killed again at another, and then left in peace."""
    begun = tmp_path / "begun"
    begun.mkdir()
    for number in range(6):
        nights.drop(begun, nights.FIRST + timedelta(days=number))
    nights.run_night(begun, nights.night_of(nights.FIRST + timedelta(days=5)))
    nights.drop(begun, nights.FIRST + timedelta(days=6))
    now = nights.night_of(nights.FIRST + timedelta(days=6))
    undisturbed = Path(shutil.copytree(begun, tmp_path / "undisturbed"))
    operations = kill(undisturbed, now, 0)
    expected = nights.state(undisturbed)
    chance = random.Random(100)
    killed = 0
    while killed < KILLS:
        root = Path(shutil.copytree(begun, tmp_path / "killed"))
        for _ in range(2):
            if kill(root, now, chance.randint(1, operations)) == -signal.SIGKILL:
                killed += 1
        nights.run_night(root, now)
        assert nights.state(root) == expected
        shutil.rmtree(root)
        say(f"{killed} kills")
    say(f"{killed} kills at random among {operations} file operations of a night: the same state every time")


def test_24_nights_in_a_row_grow_nothing(tmp_path, monkeypatch):
    """Memory, threads, open files and temporary data, night by night, in one process."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    root = tmp_path / "programme"
    root.mkdir()
    for number in range(30):
        nights.drop(root, nights.FIRST + timedelta(days=number))
    day = nights.FIRST + timedelta(days=29)
    nights.run_night(root, nights.night_of(day))
    measured = []
    for _ in range(NIGHTS):
        day += timedelta(days=1)
        nights.drop(root, day)
        report = nights.run_night(root, nights.night_of(day))
        assert report.exit_code is ExitCode.INCOMPLETE, report
        gc.collect()
        measured.append(_usage(root))
        say(f"{day} {measured[-1]}")
    first, last = measured[_WARM_NIGHTS - 1], measured[-1]
    assert last["rss_mib"] <= first["rss_mib"] * (1 + _MEMORY_GROWTH_MAX)
    for what in ("threads", "files", "temporary"):
        assert last[what] <= first[what], what
    assert last["rollups"] <= 28 + 30 + 2


def _usage(root: Path) -> dict[str, int]:
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    left = [path for path in root.rglob("*") if path.name.endswith((".draft", ".fetching", ".unfinished"))]
    mine = list(Path(tempfile.gettempdir()).iterdir())
    return {
        "rss_mib": resident >> 20,
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - names are enough
        "temporary": len(left) + len(mine) + len(list((root / "lake" / "staging").glob("*"))),
        "rollups": len(list((root / "rollups").glob("*"))),
    }
