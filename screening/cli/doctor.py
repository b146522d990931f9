"""`winnow doctor`: check the installation and the workspace."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.progress import Progress
from screening.workspace import Workspace

if TYPE_CHECKING:
    from screening.jobs.doctor import Report

_WIDTH = 110
_INDENT = " " * 22


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("doctor")(doctor)


def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check packages, settings, folders, disk, database, audit trail, lake and lists.

    Ends with 0 when nothing is worse than a warning, 1 when anything failed, 3 when something could not be checked, or
    with `doctor.strict` when there are warnings.

    Example: winnow doctor
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        from screening.jobs.doctor import doctor as examine

        report = examine(opened, datetime.now(UTC), progress)
        data = {"health": report.health, "findings": [asdict(finding) for finding in report.findings]}
        return Answer(data, list(_lines(report)), report.exit_code)

    run(work, workspace=workspace, as_json=as_json)


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        text = f"{finding.health:9}{finding.subject:13}{finding.seen}"
        yield from textwrap.wrap(text, _WIDTH, subsequent_indent=_INDENT, break_long_words=False)
        remedy = f"-> {finding.remedy}" if finding.remedy else ""
        yield from textwrap.wrap(remedy, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
    counts = Counter(finding.health for finding in report.findings)
    yield ", ".join(f"{counts[health]} {health}" for health in type(report.health) if counts[health])
