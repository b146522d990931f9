"""`winnow digest`: what the night found, for staff."""

from __future__ import annotations

import os
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
    """Write the digest for staff into reports/digests/, and mail it to each of notices.staff.

    Money held, rejected and released, sources to look at, caps proposed, what waits and what is overdue, error rate,
    drift, ages of lists, and what the night lacked. The exit status is 3 when it could not be mailed to somebody.

    Example: winnow digest
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        from screening.jobs.digest import KIND, digest
        from screening.jobs.outbox import send_letters

        now = datetime.now(UTC)
        done = digest(opened, now, progress)
        lines = [f"Digest: {done.path}", *(f"lacking: {line.text}" for line in done.digest.lacked)]
        data: dict[str, object] = {"path": str(done.path), "lacked": [line.text for line in done.digest.lacked]}
        data |= {"queued": done.queued, "unreachable": list(done.unreachable), "sent": 0}
        left = bool(done.unreachable)
        if opened.settings.notices.staff:
            posted = send_letters(opened, now, os.environ, progress, KIND)
            sent = posted.ended["sent"]
            data["sent"] = sent
            left = left or posted.stopped is not None or sum(posted.ended.values()) > sent
            lines.append(f"{sent} sent to staff{f', as files in {posted.folder}' if posted.folder else ''}")
            if posted.stopped is not None:
                lines.append(f"Not mailed: {posted.stopped}")
        if done.unreachable:
            lines.append(f"No usable address: {', '.join(done.unreachable)}")
        return Answer(data, lines, ExitCode.INCOMPLETE if left else ExitCode.DONE)

    run(work, workspace=workspace, as_json=as_json)
