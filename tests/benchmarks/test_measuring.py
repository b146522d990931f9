"""Benchmarks measure each way in processes of its own, take turns, and survive a way that fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PROGRAM = """
import sys
import time
from pathlib import Path
sys.path.insert(0, {benchmarks!r})
from measuring import Bench, Way, run

def prepare(folder: Path, size: int) -> None:
    (folder / "rows").write_text("x" * size)

def fresh(folder: Path) -> Path:
    with (folder / "turns").open("a") as turns:
        turns.write(sys.argv[sys.argv.index("--way") + 1][0])
    time.sleep(0.3)
    return folder

def large(folder: Path) -> int:
    return len(bytearray(80_000_000)) and len((folder / "rows").read_text())

ways = {{
    "winnow": Way(lambda folder: time.sleep(0.2), fresh),
    "peer": Way(large, fresh),
    "seldom": Way(lambda folder: None, fresh, repeats=1),
    "broken": Way(lambda folder: 1 / 0, fresh),
}}
run(Bench("tiny", "Tiny", prepare, 7, "rows", ways))
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    program = folder / "tiny.py"
    program.write_text(PROGRAM.format(benchmarks=str(BENCHMARKS)))
    out, data = folder / "tiny.json", folder / "data"
    command = [sys.executable, program, "--size", "1k", "--repeats", "2", "--out", out, "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(out.read_text()), (data / "turns").read_text(), done.stdout


def test_ways_take_turns_and_a_failed_one_is_not_tried_again(measured):
    result, turns, _ = measured
    assert turns == "wpsbwp"
    assert result["ways"]["broken"] == {
        "failed": "ZeroDivisionError: division by zero",
        "against": "winnow",
        "ratio": None,
    }


def test_only_the_work_is_timed_and_compared(measured):
    ways = measured[0]["ways"]
    assert 0.2 <= ways["winnow"]["min"] <= ways["winnow"]["median"] <= ways["winnow"]["max"] < 30
    assert ways["winnow"]["ratio"] == 1.0
    assert ways["peer"]["ratio"] == pytest.approx(ways["peer"]["median"] / ways["winnow"]["median"])
    assert ways["peer"]["found"] == 1000
    assert [ways[name]["repeats"] for name in ("winnow", "peer", "seldom")] == [2, 2, 1]


def test_memory_of_one_way_is_not_counted_for_another(measured):
    ways = measured[0]["ways"]
    assert ways["peer"]["peak_mib"] > ways["winnow"]["peak_mib"] + 50


def test_the_table_names_failures_beside_figures(measured):
    table = measured[2][measured[2].index("| 1,000 rows") :]
    assert "| broken | failed: ZeroDivisionError" in table
    assert "| seldom | " in table
    assert "once" in table
