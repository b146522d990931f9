"""`winnow digest`: what the night found, for staff."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode
from screening.jobs.progress import Progress
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("digest")(make)


def make(*, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Write the digest for staff into reports/digests/, and into the outbox for each of notices.staff.

    Money held, rejected and released, sources to look at, caps proposed, what waits and what is overdue, error rate,
    drift, ages of lists, and what the night lacked. The exit status is 3 when a staff address cannot be used.

    Example: winnow digest
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        from screening.jobs.digest import digest

        done = digest(opened, datetime.now(UTC), progress)
        lines = [f"Digest: {done.path}", *(f"lacking: {line.text}" for line in done.digest.lacked)]
        if done.queued:
            lines.append(f"For {done.queued} people in the outbox: winnow letters send")
        if done.unreachable:
            lines.append(f"No usable address: {', '.join(done.unreachable)}")
        data = {
            "path": str(done.path),
            "queued": done.queued,
            "unreachable": list(done.unreachable),
            "lacked": [line.text for line in done.digest.lacked],
        }
        return Answer(data, lines, ExitCode.INCOMPLETE if done.unreachable else ExitCode.DONE)

    run(work, workspace=workspace, as_json=as_json)
