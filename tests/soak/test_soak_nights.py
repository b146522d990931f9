"""Long proofs of reliability: `make soak`. Each prints what it measured; -s shows it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import night_programme as nights
import night_row
import pytest
from night_killer import killer

from screening.errors import ExitCode

KILLS = 100
NIGHTS = 24
_WARM_NIGHTS = 6
"""Nights after which memory is compared: by then every cache and arena has its size."""
_MEMORY_GROWTH_MAX = 0.05
_BEGUN_DAYS = 3
_KILLS_OF_A_COPY = 6
SOAK = pytest.mark.soak

pytestmark = [pytest.mark.timeout(4 * 3600)]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@pytest.fixture
def begun(tmp_path):
    """A workspace with a fraud and a first night behind it, with the files of the next day dropped; and its moment."""
    return nights.begun(tmp_path / "begun", days=4, ended=_BEGUN_DAYS)


@pytest.mark.parametrize("kills", [pytest.param(6, id="a few"), pytest.param(KILLS, marks=SOAK, id="a hundred")])
def test_kills_of_a_night_leave_the_state_of_an_undisturbed_one(begun, tmp_path, kills):
    """Copies are killed again and again, before a random file operation or at a random moment, until one ends."""
    begun, now = begun
    chance = random.Random(kills)
    killed = {"operation": 0, "seconds": 0}
    copies = 0
    with killer() as program:
        undisturbed = Path(shutil.copytree(begun, tmp_path / "undisturbed"))
        whole = program.night(undisturbed, now)
        assert whole.status == ExitCode.INCOMPLETE  # one row of each day is refused
        expected = nights.state(undisturbed)
        assert expected["cases"]
        while sum(killed.values()) < kills:
            copies += 1
            root = Path(shutil.copytree(begun, tmp_path / "killed"))
            for _ in range(_KILLS_OF_A_COPY):
                how = chance.choice(["operation", "seconds"])
                fatal = {"operation": chance.randint(1, whole.operations), "seconds": chance.uniform(0, whole.seconds)}
                if not program.night(root, now, **{how: fatal[how]}).killed:
                    break
                killed[how] += 1
            program.night(root, now)
            assert nights.state(root) == expected, f"copy {copies}, {killed}"
            shutil.rmtree(root)
            say(f"{killed} in {copies} copies")
    say(
        f"{killed['operation']} kills before one of the night's {whole.operations} file operations and "
        f"{killed['seconds']} at a moment of its {whole.seconds:.1f} s, in {copies} copies: the same state every time"
    )


@SOAK
def test_24_nights_in_a_row_grow_nothing(tmp_path):
    """Memory, threads, open files and temporary data, night by night, in one process."""
    command = [sys.executable, night_row.__file__, str(tmp_path), str(NIGHTS)]
    measured = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | night_row.ALLOCATOR) as process:
        for line in process.stdout:
            measured.append(json.loads(line))
            say(f"night {len(measured)} {line.strip()}")
    assert process.returncode == 0
    assert len(measured) == NIGHTS
    early, late = measured[_WARM_NIGHTS : 2 * _WARM_NIGHTS], measured[-_WARM_NIGHTS:]
    most = {what: (max(night[what] for night in early), max(night[what] for night in late)) for what in measured[0]}
    assert most["held_mib"][1] <= most["held_mib"][0] * (1 + _MEMORY_GROWTH_MAX)
    for what in ("threads", "files", "temporary"):
        assert most[what][1] <= most[what][0], what
    assert most["rollups"][1] <= 28 + night_row.HISTORY_DAYS + 2
