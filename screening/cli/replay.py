"""`winnow replay`: run a past scan again and say whether it comes out the same."""

from __future__ import annotations

from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode
from screening.jobs.progress import Progress
from screening.jobs.replay import Replayed, replay
from screening.workspace import Workspace

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("replay")(replay_command)


def replay_command(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Identifier of a scan, or latest.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a past scan again from what was stored; says `identical`, or what differs and exits 1.

    Example: winnow replay latest
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        replayed = replay(opened, run_id)
        data = {
            "run_id": replayed.run.run_id,
            "identical": replayed.identical,
            "inputs_changed": list(replayed.inputs),
            "differences": replayed.differing.to_dicts(),
        }
        return Answer(data, _lines(replayed), ExitCode.DONE if replayed.identical else ExitCode.FAILED)

    run(work, workspace=workspace, as_json=as_json)


def _lines(replayed: Replayed) -> list[str]:
    if replayed.identical:
        return [f"identical: {replayed.compared} decisions of {replayed.run.run_id}"]
    lines = [f"{replayed.run.run_id} differs:"]
    lines += [f"  input: {text}" for text in replayed.inputs]
    lines += [
        f"  {row['conversion_id']}: {row['column']} was {row['then']}, is now {row['now']}"
        for row in replayed.differing.head(_SHOWN).iter_rows(named=True)
    ]
    if replayed.differing.height > _SHOWN:
        lines.append(f"  ... and {replayed.differing.height - _SHOWN} more")
    if replayed.inputs and replayed.differing.is_empty():
        lines.append("  The decisions come out the same.")
    return lines
