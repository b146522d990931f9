"""How a job tells how far it is, without knowing whether a terminal, a log or nobody listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Receives the progress of a job."""

    def step(self, name: str, done: int, total: int | None) -> None:
        """Say that `done` of `total` units (None: unknown) of the step called `name` are done."""


class _Plain:
    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._last: tuple[str, int] | None = None

    def step(self, name: str, done: int, total: int | None) -> None:
        tenth = 10 * done // total if total else done
        if self._last != (name, tenth):
            self._last = (name, tenth)
            self._write(f"{name}: {done}/{total}" if total else f"{name}: {done}")


class _Silent:
    def step(self, name: str, done: int, total: int | None) -> None:
        """Ignore it."""


def plain_progress(write: Callable[[str], None]) -> Progress:
    """Return progress that writes a line per tenth of each step."""
    return _Plain(write)


def silent_progress() -> Progress:
    """Return progress that nobody sees."""
    return _Silent()
