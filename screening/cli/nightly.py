"""`winnow nightly`: everything a programme needs done once a night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.nightly import NightReport, nightly, planned
from screening.jobs.progress import Progress
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("nightly")(nightly_command)


def nightly_command(
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Do stages once more that this night has done.")] = False,
) -> None:
    """Pull and take in events, judge what is new, screen who is due, write the digest, keep to the retention rules.

    One night at a time. A killed night, run again, goes on where it was; a finished one does nothing. Ends with 0 when
    all is done, 1 when a stage failed (the others ran), 3 when something was set aside or held for lack of evidence.

    Example: winnow nightly --workspace acme
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        now = datetime.now(UTC)
        report = planned(opened, now) if dry_run else nightly(opened, now, progress, again=again)
        return Answer(_data(report), list(_lines(report)), report.exit_code)

    run(work, workspace=workspace, as_json=as_json)


def _data(report: NightReport) -> dict[str, Any]:
    return {"night": report.night.isoformat(), "stages": [asdict(stage) for stage in report.stages]}


def _lines(report: NightReport) -> Iterator[str]:
    yield f"Night of {report.night}:"
    for stage in report.stages:
        when = f" (done at {stage.ended_at})" if stage.earlier else ""
        yield f"  {stage.name:9} {stage.status:10} {stage.message}{when}"
