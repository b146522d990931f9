"""`winnow replay`: run a past scan again and say whether it comes out the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

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
            "cap_differences": replayed.caps_differing.to_dicts(),
        }
        return Answer(data, _lines(replayed), ExitCode.DONE if replayed.identical else ExitCode.FAILED)

    run(work, workspace=workspace, as_json=as_json)


def _lines(replayed: Replayed) -> list[str]:
    compared = f"{replayed.compared:,} decisions and {replayed.caps_compared:,} recommendations about caps"
    if replayed.identical:
        return [f"identical: {compared} of {replayed.run.run_id}"]
    lines = [f"{replayed.run.run_id} differs:"]
    lines += [f"  input: {text}" for text in replayed.inputs]
    lines += _some([f"{row['conversion_id']}: {_change(row)}" for row in replayed.differing.iter_rows(named=True)])
    lines += _some(
        [
            f"cap {row['cap_type']} of {row['affiliate_id'] or 'all partners'} on {row['offer_id']}: {_change(row)}"
            for row in replayed.caps_differing.iter_rows(named=True)
        ]
    )
    if replayed.inputs and replayed.differing.is_empty() and replayed.caps_differing.is_empty():
        lines.append("  Decisions and recommendations come out the same.")
    return lines


def _change(row: Mapping[str, Any]) -> str:
    return f"{row['column']} was {row['then']}, is now {row['now']}"


def _some(lines: Sequence[str]) -> list[str]:
    shown = [f"  {line}" for line in lines[:_SHOWN]]
    return [*shown, f"  ... and {len(lines) - _SHOWN:,} more"] if len(lines) > _SHOWN else shown
