"""The lock that lets one process at a time write the lake. The kernel releases it when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from screening.errors import BusyError

LOCK = "lock"
_POLL_SECONDS = 0.1


@contextmanager
def holding_lock(
    root: Path,
    *,
    command: str,
    now: datetime,
    wait_seconds: float,
    waiting: Callable[[str], None],
    what: str = "The lake is being written",
) -> Iterator[None]:
    """Hold the lock of a folder, such as the lake's, while the block runs. `what` says what its holder does.

    When another process holds it, `waiting` is called once with a sentence that says who, and the lock is tried again
    for `wait_seconds`. Then BusyError names the holder's process, command and start.
    """
    root.mkdir(parents=True, exist_ok=True)
    path = root / LOCK
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, path, wait_seconds, waiting, what)
        holder = {"pid": os.getpid(), "command": command, "since": now.isoformat(timespec="seconds")}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, wait_seconds: float, waiting: Callable[[str], None], what: str) -> None:
    give_up = time.monotonic() + wait_seconds
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _holder(descriptor)
            if time.monotonic() >= give_up:
                raise BusyError(f"{what} by {holder}.", remedy="Try again when it is done.", where=str(path)) from error
            if not told:
                waiting(f"waiting for {holder}")
                told = True
            time.sleep(_POLL_SECONDS)
        else:
            return


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return "another process that has just begun"
    return f"process {holder['pid']} (`{holder['command']}`, since {holder['since']})"
