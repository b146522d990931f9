"""`winnow quality`: the error rate measured from sources drawn at random."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.progress import Progress
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("quality")(quality_command)


def quality_command(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Say how often decisions are right, from the random draw that people looked at, and how many answers are lacking.

    Example: winnow quality
    """
    from screening.jobs.quality import quality

    def work(opened: Workspace, _: Progress) -> Answer:
        measured = quality(opened, datetime.now(UTC))
        released = {currency: str(amount) for currency, amount in measured.released.items()}
        return Answer({**asdict(measured), "released": released}, measured.sentences())

    run(work, workspace=workspace, as_json=as_json)
