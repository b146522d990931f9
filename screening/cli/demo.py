"""`winnow demo`: everything winnow does, on a simulated programme."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode
from screening.jobs.demo import Demonstrated, run_demo
from screening.jobs.progress import Progress
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("demo")(demo)


def demo(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Simulate a programme of the last 35 days, with fraud in it, and take it through all that winnow does.

    Takes less than two minutes. The workspace must hold no events of your own; running the demo again finds what is
    there. All its partners, customers and fraud are simulated.

    Example: winnow demo --workspace demo-workspace
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        shown = run_demo(opened, datetime.now(UTC), progress)
        incomplete = any(ingested.report.incomplete for ingested in shown.ingested)
        code = ExitCode.INCOMPLETE if incomplete else ExitCode.DONE
        return Answer(_data(opened, shown), list(_lines(opened, shown)), code)

    run(work, workspace=workspace, as_json=as_json)


def _data(opened: Workspace, shown: Demonstrated) -> dict[str, Any]:
    practice = shown.practice
    return {
        "simulated": True,
        "workspace": str(opened.root),
        "seed": practice.seed,
        "from": practice.start.isoformat(),
        "to": practice.last.isoformat(),
        "made": practice.made,
        "files": {str(kind): str(path) for kind, path in practice.events.items()},
        "truth": str(practice.truth),
        "ingested": {str(item.report.kind): item.report.totals() for item in shown.ingested},
        "lake_version": shown.lake_version,
        "lake_rows": {str(kind): count for kind, count in shown.lake_rows.items()},
    }


def _lines(opened: Workspace, shown: Demonstrated) -> Iterator[str]:
    practice = shown.practice
    made = "Simulated" if practice.made else "Found"
    yield f"{made} a programme of {practice.affiliates} affiliates, {practice.start} to {practice.last}."
    rows = ", ".join(f"{count:,} {kind}" for kind, count in shown.lake_rows.items())
    yield f"The lake holds {rows}. Nobody in it exists; the fraud in it is simulated."
    yield ""
    yield "Look next:"
    yield f"  winnow doctor --workspace {opened.root}"
    yield f"  {practice.truth}  which conversions are simulated fraud; no scan reads it"
