"""`winnow watch`: judge what comes in during the day."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from threading import Event
from types import FrameType
from typing import Annotated

import typer

from screening.cli.caps import headline
from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.progress import Progress
from screening.jobs.watch import Round, Watching, watch
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("watch")(watch_command)


def watch_command(
    *,
    every: Annotated[
        float | None,
        typer.Option("--every", help="Seconds between two looks.", min=0.1, show_default="watch.every_seconds"),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", help="End after so many looks.", min=1, show_default="when stopped")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge new events as they come, and recommend limits within minutes instead of next morning.

    Looks for files in the drop folder and for events that others took in, and scans the days they are of, as a night
    would. Tells each round on standard error. Control-C or SIGTERM ends it when the scan under way is done; killed at
    any moment, the next watch goes on where it was.

    Example: winnow watch --every 30
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        seconds = opened.settings.watch.every_seconds if every is None else every
        done = watch(opened, Watching(_stop_on_signals(), rounds, seconds, lambda: datetime.now(UTC), _Teller()))
        line = (
            f"Looked {done.rounds} times, scanned {done.scans} times, recommended {done.proposed} changes of limits; "
            f"{done.failures} rounds failed. Memory: at most {done.memory_bytes / 1e6:,.0f} MB."
        )
        return Answer(asdict(done), [line])

    run(work, workspace=workspace, as_json=as_json)


def _stop_on_signals() -> Event:
    """Return what the first SIGINT or SIGTERM sets; the second one ends the process as it would without this."""
    stop = Event()

    def asked(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)
        typer.echo("Stopping when this round is done.", err=True)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked)
    return stop


class _Teller:
    """Prints rounds, but not again every round what is still so: a file that stays unusable, a fault that lasts."""

    def __init__(self) -> None:
        self._last = ("", "")

    def __call__(self, told: Round) -> None:
        """Print what is new of a round."""
        both = zip((told.taken, told.failed), self._last, strict=True)
        taken, failed = (text if text != before else "" for text, before in both)
        self._last = (told.taken, told.failed)
        for line in lines_of(replace(told, taken=taken, failed=failed)):
            typer.echo(line, err=True)


def lines_of(told: Round) -> Iterator[str]:
    """Say a round in lines; nothing when it was idle."""
    clock = f"{told.at:%Y-%m-%d %H:%M:%S}"
    if told.taken:
        yield f"{clock} took in {told.taken}"
    if told.run_id and told.period:
        first, last = told.period
        days = f"{first}" if first == last else f"{first} to {last}"
        yield f"{clock} judged {told.judged:,} conversions of {days}, run {told.run_id}"
        yield from (f"{clock} {headline(item)}" for item in told.proposed)
    if told.failed:
        yield f"{clock} failed, to be tried again: {told.failed}"
