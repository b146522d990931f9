"""What every command shares: workspace, `--json`, progress, and how results and errors end the process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from screening.errors import ExitCode, InputError, WinnowError, of_system
from screening.jobs.progress import Progress, plain_progress
from screening.workspace import Workspace, open_workspace

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", help="Folder of the programme.", envvar="WINNOW_WORKSPACE", show_default="./winnow-workspace"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command says at its end: `data` for --json, `lines` for a person, and the exit status."""

    data: Mapping[str, Any]
    lines: Sequence[str] = field(default_factory=tuple)
    exit_code: ExitCode = ExitCode.DONE


def run(work: Callable[[Workspace, Progress], Answer], *, workspace: Path | None, as_json: bool) -> None:
    """Open the workspace, do the work, print the answer, and leave with its exit status. Never returns normally."""
    with reporting_errors(as_json=as_json):
        opened = open_workspace(workspace)
        _start_log(opened)
        with terminal_progress() as progress:
            answer = work(opened, progress)
        finish(answer, as_json=as_json)


def _start_log(opened: Workspace) -> None:
    if opened.settings.logs.target != "none":
        from screening.logs import start_log

        start_log(opened.settings.logs, opened.root, datetime.now(UTC))


def day_of(text: str | None, option: str) -> date | None:
    """Read a day as an option gives it. Raises InputError that names the option."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a day.", remedy="Write it as 2026-01-31.", where=option) from error


def finish(answer: Answer, *, as_json: bool) -> None:
    """Print the answer and leave with its exit status."""
    if as_json:
        typer.echo(json.dumps(dict(answer.data), default=str, ensure_ascii=False))
    else:
        for line in answer.lines:
            typer.echo(line)
    raise typer.Exit(int(answer.exit_code))


@contextmanager
def reporting_errors(*, as_json: bool) -> Iterator[None]:
    """Turn a WinnowError into one clear message on standard error (and a JSON object) and its exit status.

    So are errors of the operating system: a full or read-only disk may meet any command anywhere.
    """
    try:
        yield
    except WinnowError as error:
        _tell(error, as_json=as_json)
        raise typer.Exit(int(error.exit_code)) from error
    except BrokenPipeError:
        # whoever read the output has gone; there is nobody to tell
        raise
    except OSError as error:
        told = of_system(error)
        _tell(told, as_json=as_json)
        raise typer.Exit(int(told.exit_code)) from error


def _tell(error: WinnowError, *, as_json: bool) -> None:
    typer.echo(f"winnow: {error}", err=True)
    if as_json:
        typer.echo(json.dumps(error.as_data(), ensure_ascii=False))


@contextmanager
def terminal_progress() -> Iterator[Progress]:
    """Give progress that draws a bar on a terminal and writes plain lines elsewhere, both on standard error."""
    if not sys.stderr.isatty():
        yield plain_progress(partial(print, file=sys.stderr, flush=True))
        return
    from rich.console import Console

    from screening.cli.bar import bar_progress

    with bar_progress(Console(stderr=True)) as progress:
        yield progress
