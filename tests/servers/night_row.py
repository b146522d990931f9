"""Runs nights in a row in one process, and says after each what the process and the workspace hold.

night_row.py WORKSPACE NIGHTS       one JSON object per line and night

What a process keeps of freed memory is its allocators' affair: Polars' jemalloc hands freed pages back only after a
while, glibc only from the top of its heap, so resident memory goes up and down by a hundred MiB from night to night.
`held_mib` is what is left once both have given back all they can, for which jemalloc needs ALLOCATOR in the
environment.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import night_programme as nights

from screening.errors import ExitCode

ALLOCATOR = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"}
"""Has the allocator of Polars give pages back as soon as they are free."""
HISTORY_DAYS = 30
_UNFINISHED = (".draft", ".fetching", ".unfinished")


def usage(root: Path, temporary: Path) -> dict[str, int]:
    """What is held now: memory in MiB, threads, open files, temporary files, and daily roll-ups of clicks."""
    gc.collect()
    before = _resident_mib()
    ctypes.CDLL(None).malloc_trim(0)
    left = [path for path in root.rglob("*") if path.name.endswith(_UNFINISHED)]
    return {
        "resident_mib": before,
        "held_mib": _resident_mib(),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - names are enough
        "temporary": len(left) + len(list(temporary.iterdir())) + len(list((root / "lake" / "staging").glob("*"))),
        "rollups": len(list((root / "rollups").glob("*"))),
    }


def _resident_mib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def main(root: Path, count: int) -> None:
    """Make the history, and run the nights."""
    with tempfile.TemporaryDirectory() as temporary:
        tempfile.tempdir = temporary
        for number in range(HISTORY_DAYS):
            nights.drop(root, nights.FIRST + timedelta(days=number))
        day = nights.FIRST + timedelta(days=HISTORY_DAYS - 1)
        nights.run_night(root, nights.night_of(day))
        for _ in range(count):
            day += timedelta(days=1)
            nights.drop(root, day)
            report = nights.run_night(root, nights.night_of(day))
            assert report.exit_code is ExitCode.INCOMPLETE, report  # one row of each day is refused
            sys.stdout.write(json.dumps(usage(root, Path(temporary))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
