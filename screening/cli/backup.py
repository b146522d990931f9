"""`winnow backup`: everything a workspace holds, in one file."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.backup import backup
from screening.jobs.progress import Progress
from screening.workspace import Workspace

_MIB = 1024**2


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("backup")(backup_command)


def backup_command(
    out: Annotated[Path, typer.Option("--out", help="File to write, such as acme.backup; must not exist.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy database, lake, models, evidence and settings, in one consistent state, while other commands may run.

    The file holds personal data and the secrets of config.yaml: keep it where only you can read it.

    Example: winnow backup --out /backups/acme-2026-01-31.backup
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        made = backup(opened, out, datetime.now(UTC), progress)
        lines = [
            f"{made.path}: {made.files} files, {made.bytes / _MIB:.1f} MiB",
            f"lake version {made.lake_version}, {made.audit_events} events of the audit trail",
            f"Table of contents: sha256 {made.digest}",
        ]
        return Answer(asdict(made), lines)

    run(work, workspace=workspace, as_json=as_json)
