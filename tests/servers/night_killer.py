"""Runs nights in processes of their own and kills some of them: `kill -9` before a file operation, or at a moment.

Run as a program it reads one JSON object per line, {"root", "now", "settings", "operation", "seconds"}, and answers
each with a line once the night's process has ended. It imports winnow once and forks from there, so that a hundred
nights are affordable; it computes nothing itself before it forks, so no thread of Polars is lost in a fork.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import night_programme as nights

_POLL_SECONDS = 0.002
_OPERATIONS = ("open", "os.", "shutil.", "sqlite3.")
"""Begins of the names of Python's audit events that are file operations."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a night's process ended: `killed`, or by itself with the night's exit status after so many operations."""

    killed: bool
    status: int | None
    operations: int | None
    seconds: float


class Killer:
    """The other end of the program's pipe."""

    def __init__(self, process: subprocess.Popen[str], settings: dict[str, str]) -> None:
        self._process = process
        self._settings = settings

    def night(self, root: Path, now: datetime, **fatal: float) -> Ended:
        """Run a night, killed before its `operation`th file operation or after `seconds`, or left in peace."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"root": str(root), "now": now.isoformat(), "settings": self._settings, **fatal}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))


@contextmanager
def killer(**settings: str) -> Iterator[Killer]:
    """Start the program, and end it with the block. `settings` are those of its nights."""
    command = [sys.executable, __file__]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Killer(process, settings)
    finally:
        process.communicate()


def _count_operations(root: str, fatal: int | None) -> list[int]:
    count = [0]

    def operation(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(_OPERATIONS) and arguments and root in str(arguments[0]):
            count[0] += 1
            if count[0] == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(operation)
    return count


def _in_child(order: dict[str, Any], answer: int) -> None:
    count = _count_operations(order["root"], order.get("operation"))
    report = nights.run_night(Path(order["root"]), datetime.fromisoformat(order["now"]), **order["settings"])
    os.write(answer, f"{int(report.exit_code)} {count[0]}".encode())


def _done(order: dict[str, Any]) -> Ended:
    reading, writing = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _in_child(order, writing)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    fatal = order.get("seconds")
    while not (ended := os.waitpid(child, os.WNOHANG if fatal is not None else 0))[0]:
        if time.monotonic() - began >= fatal:
            os.kill(child, signal.SIGKILL)
            fatal = None
        time.sleep(_POLL_SECONDS)
    seconds = time.monotonic() - began
    said = os.read(reading, 100).decode().split()
    os.close(reading)
    killed = os.waitstatus_to_exitcode(ended[1]) == -signal.SIGKILL
    if not killed and not said:
        raise RuntimeError("the night's process failed; what it said is above")
    return Ended(killed, None if killed else int(said[0]), None if killed else int(said[1]), seconds)


def _serve() -> None:
    for line in sys.stdin:
        ended = _done(json.loads(line))
        said = {"killed": ended.killed, "status": ended.status, "operations": ended.operations}
        sys.stdout.write(json.dumps(said | {"seconds": ended.seconds}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
