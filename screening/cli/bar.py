"""A progress bar for terminals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from screening.jobs.progress import Progress


class _Bar:
    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def step(self, name: str, done: int, total: int | None) -> None:
        if name not in self._tasks:
            self.end_unmeasured()
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)

    def end_unmeasured(self) -> None:
        """Fill the bars of steps whose length was never known: another step begins, so they are done."""
        for task in self._bars.tasks:
            if task.total is None:
                self._bars.update(task.id, completed=max(task.completed, 1), total=max(task.completed, 1))


@contextmanager
def bar_progress(console: Console) -> Iterator[Progress]:
    """Give progress that draws one bar per step, and leave the console to others when the work ends or fails."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with RichProgress(*columns, console=console) as bars:
        bar = _Bar(bars)
        yield bar
        bar.end_unmeasured()
