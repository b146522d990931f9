"""`winnow export`: results as files for other programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.export import What, export
from screening.jobs.progress import Progress
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("export")(export_rows)


def export_rows(
    what: Annotated[What, typer.Argument(help="What to write.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="File to write: .parquet or .csv.")],
    of_run: Annotated[
        str, typer.Option("--run", metavar="RUN", help="A run_id; `winnow export runs` lists them.")
    ] = "latest",
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="YYYY-MM", help="Of scorecards: the month; default: the last whole one."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write decisions, sources, caps or screenings of a run, scorecards, all runs, or the audit trail, to a file.

    Parquet keeps every type. CSV joins lists with `;`, and puts a ' before text that a spreadsheet would run.

    Example: winnow export decisions --out decisions.parquet

    Example: winnow export sources --out sources.csv --run latest

    Example: winnow export scorecards --out october.csv --month 2026-10
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        done = export(opened, what, out, of_run, month, progress)
        of = f" of run {done.run_id}" if done.run_id else ""
        return Answer({**asdict(done), "out": str(done.out)}, [f"{done.rows:,} {done.what}{of}: {done.out}"])

    run(work, workspace=workspace, as_json=as_json)
