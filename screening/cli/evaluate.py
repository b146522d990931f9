"""`winnow evaluate`: measure the judges on the programme's own past."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, day_of, run
from screening.jobs.progress import Progress
from screening.workspace import Workspace

evaluate_app = typer.Typer(help="Measure on the programme's own past, with a report.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.add_typer(evaluate_app, name="evaluate")


@evaluate_app.callback()
def evaluate_command(
    context: typer.Context,
    *,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    first: Annotated[str | None, typer.Option("--from", help="First day, as 2026-01-31; default: the first.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; default: the last.")] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", help="What is fraud in a simulated programme: conversion_id, is_fraud, kind."),
    ] = None,
    teach: Annotated[
        bool, typer.Option("--teach/--no-teach", help="Also teach a judge on the earlier days, to judge the later.")
    ] = True,
    inject: Annotated[
        bool, typer.Option("--inject/--no-inject", help="Also inject fraud of every kind into the own traffic.")
    ] = True,
) -> None:
    """Play the past again and measure what was stopped, rightly and by mistake, beside vendors' presets and PyOD.

    Example: winnow evaluate --from 2026-01-01
    """
    if context.invoked_subcommand is not None:
        return
    from screening.jobs.evaluate import Wanted
    from screening.jobs.evaluation.report import report

    def work(opened: Workspace, progress: Progress) -> Answer:
        wanted = Wanted(day_of(first, "--from"), day_of(last, "--to"), truth, teach, inject)
        reported = report(opened, wanted, datetime.now(UTC), progress)
        return Answer({**reported.data, "report": str(reported.path)}, reported.lines)

    run(work, workspace=workspace, as_json=as_json)


@evaluate_app.command("caps")
def evaluate_caps_command(
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    first: Annotated[str | None, typer.Option("--from", help="First day that limits hold; default: day 15.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; default: the last.")] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="What is fraud in a simulated programme: conversion_id, is_fraud.")
    ] = None,
    every: Annotated[
        int, typer.Option("--every", help="Days between two advices; more of them take less time.", min=1)
    ] = 1,
) -> None:
    """Play the past again: what following the advice about limits would have saved and cost, beside other ways.

    Example: winnow evaluate caps

    Example: winnow evaluate caps --truth winnow-workspace/demo/truth/truth.parquet
    """
    from screening.cli.evaluate_caps import caps_answer
    from screening.jobs.evaluate_caps import Wanted, evaluate_caps

    def work(opened: Workspace, progress: Progress) -> Answer:
        wanted = Wanted(day_of(first, "--from"), day_of(last, "--to"), truth, every)
        return caps_answer(evaluate_caps(opened, wanted, datetime.now(UTC), progress))

    run(work, workspace=workspace, as_json=as_json)
