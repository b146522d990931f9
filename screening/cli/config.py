"""`winnow config`: the settings that hold here, and where each came from."""

from __future__ import annotations

from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.jobs.progress import Progress
from screening.settings import Settings
from screening.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("config")(config)


def config(
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    explain: Annotated[bool, typer.Option("--explain", help="Also print range, unit and meaning.")] = False,
) -> None:
    """Print every setting with its value and its source.

    Example: winnow config --explain
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        rows = [
            {"key": key, "value": _value(opened.settings, key), "source": str(opened.loaded.sources.get(key)), "allowed": allowed, "meaning": meaning}
            for key, allowed, meaning in Settings.described()
        ]
        lines = [f"{row['key']} = {row['value']!r}  [{row['source']}]" + (f"\n    {row['meaning']}; {row['allowed']}" if explain else "") for row in rows]
        return Answer({"settings": rows}, lines)

    run(work, workspace=workspace, as_json=as_json)


def _value(settings: Settings, key: str) -> object:
    value: object = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value
