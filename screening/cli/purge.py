"""`winnow purge`: keep to the retention rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.progress import Progress
from screening.jobs.purge import Purged, purge
from screening.workspace import Workspace

_MIB = 1024**2


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("purge")(purge_command)


def purge_command(
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
) -> None:
    """Remove what the settings below `retention` say is kept no longer: personal details of old events, evidence, logs.

    What an open case, an open appeal or a held conversion needs stays. Scans that read what is gone cannot be replayed.

    Example: winnow purge --dry-run
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        purged = purge(opened, datetime.now(UTC), progress, dry_run=dry_run)
        data = {"dry_run": purged.dry_run, "items": [asdict(item) for item in purged.items]}
        return Answer(data, list(_lines(purged)))

    run(work, workspace=workspace, as_json=as_json)


def _lines(purged: Purged) -> Iterator[str]:
    if not purged.items:
        yield "Nothing is older than the retention rules allow."
        return
    yield "Would remove:" if purged.dry_run else "Removed:"
    for item in purged.items:
        size = f", {item.bytes / _MIB:.1f} MiB" if item.bytes else ""
        age = f", from before {item.before:%Y-%m-%d}" if item.before else ""
        kept = f"; {item.kept} stay because a case, an appeal or a hold needs them" if item.kept else ""
        yield f"  {item.count:>8} {item.unit:8} {item.what}{size}{age}{kept}"
