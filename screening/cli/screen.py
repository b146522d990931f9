"""`winnow screen`: applications, or affiliates whose turn it is again, to approve, review or reject."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode, InputError
from screening.jobs.progress import Progress
from screening.jobs.screen import Screened, report_of, screen_affiliates, screen_file
from screening.workspace import Workspace

_SHOWN = 25
"""Outcomes and rows listed one by one; the rest is in the workspace."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("screen")(screen)


def screen(
    file: Annotated[Path | None, typer.Argument(help="Applications: CSV, TSV or JSON lines.")] = None,
    *,
    affiliates: Annotated[
        bool, typer.Option("--affiliates", help="Screen again the affiliates whose turn it is, instead of a file.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Screen applicants: crawl what they declare and decide approve, review or reject, with a page of evidence each.

    The pages are in evidence/<application_id>/report.html of the workspace. Rows that cannot be used go to quarantine/;
    then, and when a site could not be seen, the exit status is 3.

    Example: winnow screen applications.csv --workspace acme
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        now = datetime.now(UTC)
        if (file is None) != affiliates:
            raise InputError("Give a file of applications, or --affiliates.", remedy="See winnow screen --help.")
        done = (
            screen_file(opened, file, now, progress) if file is not None else screen_affiliates(opened, now, progress)
        )
        exit_code = ExitCode.INCOMPLETE if done.incomplete else ExitCode.DONE
        return Answer(_data(done), list(_lines(opened, done)), exit_code)

    run(work, workspace=workspace, as_json=as_json)


def _data(done: Screened) -> dict[str, Any]:
    return {
        "run_id": done.run_id,
        "counts": done.counts,
        "notices": list(done.notices),
        "screenings": [
            {
                "application_id": item.application_id,
                "decision": item.decision,
                "advice": item.advice,
                "points": item.points,
                "score": round(item.score, 4),
                "reasons": list(item.reasons),
                "missing": list(item.missing),
                "evidence": item.evidence,
                "changed": None if item.changed is None else list(item.changed),
            }
            for item in done.outcomes
        ],
        "quarantined": [
            {"file": row.file, "line": row.line, "application_id": row.application_id, **asdict(row.problem)}
            for row in done.quarantined
        ],
        "quarantine": str(done.quarantine) if done.quarantine is not None else None,
    }


def _lines(opened: Workspace, done: Screened) -> Iterator[str]:
    for notice in done.notices:
        yield f"NOTICE  {notice}"
    counts = done.counts
    decided = ", ".join(f"{counts[name]} {name}" for name in ("approve", "review", "reject"))
    yield f"{len(done.outcomes)} screened: {decided}"
    order = {"reject": 0, "review": 1, "approve": 2}
    listed = sorted(done.outcomes, key=lambda item: (order[item.decision], -item.points, item.application_id))
    for item in listed[:_SHOWN]:
        why = ", ".join(item.reasons[:4]) or "nothing found"
        new = f"  [new: {', '.join(item.changed)}]" if item.changed else ""
        yield f"  {item.decision:8} {item.points:5g}  {item.application_id}  {why}{new}"
    if len(listed) > _SHOWN:
        yield f"  and {len(listed) - _SHOWN} more; winnow export screenings lists all"
    if listed:
        yield f"Evidence of the first: {report_of(opened, listed[0])}"
    if done.quarantined:
        yield f"{len(done.quarantined)} rows could not be used; they are in {done.quarantine}"
    for row in done.quarantined[:_SHOWN]:
        yield f"  {row.file}:{row.line} {row.problem.field} {row.problem.problem}. {row.problem.remedy}"
