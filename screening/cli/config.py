"""`winnow config`: the settings that hold here, and where each came from."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
import yaml

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import InputError
from screening.jobs.progress import Progress
from screening.settings import Loaded, Settings, descriptions, without_passwords
from screening.workspace import Workspace

_WIDTH = 100
_INDENT = "    "


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("config")(config)


def config(
    below: Annotated[str, typer.Argument(help="Only this setting or section, such as crawl.fetch.")] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    explain: Annotated[bool, typer.Option("--explain", help="Also print meaning, range and source.")] = False,
) -> None:
    """Print every setting with its value; those that are not the default say where they were set.

    Example: winnow config crawl --explain
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        rows = list(_rows(opened.loaded, below))
        if not rows:
            raise InputError(f"There is no setting or section `{below}`.", remedy="`winnow config` lists all.")
        return Answer({"settings": rows}, list(_explained(rows)) if explain else _listed(rows))

    run(work, workspace=workspace, as_json=as_json)


def _rows(loaded: Loaded, below: str) -> Iterator[dict[str, Any]]:
    values = without_passwords(loaded.settings.model_dump(mode="json"))
    for item in descriptions(Settings):
        if below and item.key != below and not item.key.startswith(f"{below}."):
            continue
        yield {
            "key": item.key,
            "value": _at(values, item.key),
            "default": not loaded.overridden(item.key),
            "sources": [str(source) for source in loaded.sources_of(item.key)],
            "allowed": item.allowed,
            "meaning": item.meaning,
        }


def _at(values: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 - a setting's value may have any type
    here: Any = values
    for part in key.split("."):
        here = here[part]
    return here


def _listed(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_assignment(row) + ("" if row["default"] else f"  # set by {_joined(row['sources'])}") for row in rows]


def _explained(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield _assignment(row)
        yield from textwrap.wrap(_sentence(row["meaning"]), _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
        yield f"{_INDENT}Allowed: {row['allowed']}."
        yield f"{_INDENT}{'Default, from' if row['default'] else 'Set by'} {_joined(row['sources'])}."
        yield ""


def _assignment(row: Mapping[str, Any]) -> str:
    value = yaml.safe_dump(row["value"], default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False)
    text = value.strip().removesuffix("...").strip()  # YAML ends a bare scalar with the document marker
    return f"{row['key']}: {text}"


def _joined(sources: Sequence[str]) -> str:
    return ", ".join(sources)


def _sentence(meaning: str) -> str:
    return meaning[:1].upper() + meaning[1:] + "."
