"""`winnow restore`: a backup into an empty workspace."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.progress import Progress
from screening.jobs.restore import restore
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("restore")(restore_command)


def restore_command(
    file: Annotated[Path, typer.Argument(help="What `winnow backup` wrote.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup; the workspace, its database and its lake must be empty, so that nothing is overwritten.

    Digests, the lake's manifests and the chain of the audit trail are checked. Name another database or lake than the
    backed-up settings do with WINNOW__STORE__URL and WINNOW__LAKE__URL.

    Example: winnow restore acme.backup --workspace acme-restored
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        done = restore(opened, file, datetime.now(UTC), progress)
        lines = [
            f"Restored {done.files} files of {done.made_at} (winnow {done.winnow}) into {opened.root}",
            f"Lake version {done.lake_version} and {done.audit_events} events of the audit trail are as they were.",
            "Look at it with: winnow doctor",
        ]
        if done.sealed:
            lines.append(
                f"{done.sealed} secrets cannot be opened: their key is in no backup. Put secrets/vault.key back "
                "where it was, or set them anew: `winnow users totp NAME --off`, `winnow webhooks remove` and add."
            )
        return Answer(asdict(done), lines)

    run(work, workspace=workspace, as_json=as_json)
