"""`winnow drift`: how far features and scores have moved since the model's reference."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode
from screening.jobs.progress import Progress
from screening.workspace import Workspace

_SHOWN = 15


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("drift")(drift_command)


def drift_command(
    run_id: Annotated[str, typer.Argument(help="A scan.", metavar="[RUN]")] = "latest",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which features have moved since the days that the model was taught on, or since its first scan.

    Example: winnow drift
    """
    from screening.jobs.drift import drift

    def work(opened: Workspace, _: Progress) -> Answer:
        seen = drift(opened, run_id)
        if seen is None:
            return Answer({"run_id": run_id, "drift": None}, ("This scan did not look at drift.",), ExitCode.INCOMPLETE)
        lines = [seen.sentence()]
        if seen.moved:
            lines.append(f"  {'column':40} {'index':>6} {'missing then':>13} {'missing now':>12}")
        lines += [
            f"  {moved.column:40} {moved.index:6.2f} {moved.missing_before:>13.0%} {moved.missing_now:>12.0%}"
            for moved in seen.moved[:_SHOWN]
        ]
        if seen.drifted > _SHOWN:
            lines.append(f"  ... and {seen.drifted - _SHOWN} more")
        return Answer(asdict(seen), lines)

    run(work, workspace=workspace, as_json=as_json)
