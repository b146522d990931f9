"""`winnow lists`: the reference lists of addresses and user agents."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode
from screening.jobs.lists import ListsShown, show_lists, update_list
from screening.jobs.progress import Progress
from screening.traffic.lists_import import CLASSES_BY_NAME, FORMATS, Order
from screening.traffic.lists_text import Refused
from screening.workspace import Workspace

_LINES_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="Reference lists: countries, networks, Tor, VPN, hosting, bots.")
    verb.command("update")(update)
    verb.command("show")(show)
    app.add_typer(verb, name="lists")


def update(
    name: Annotated[str, typer.Argument(help="Name of the list, such as tor, vpn, hosting, country, asn, bots.")],
    files: Annotated[list[Path], typer.Argument(help="Files that together are the list.", metavar="FILE...")],
    file_format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "auto",
    named_class: Annotated[
        str | None, typer.Option("--class", help=f"What the entries are: one of {', '.join(CLASSES_BY_NAME)}.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import a list: .mmdb, CSV ranges, networks, addresses, AS numbers or agent patterns; it replaces the one before.

    Example: winnow lists update tor tor-exit-nodes.lst
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        order = Order(name, tuple(files), file_format, named_class)
        imported = update_list(opened, order, datetime.now(UTC), progress, actor=f"command line ({getpass.getuser()})")
        version, refused = imported.version, imported.refused
        lines = [
            f"{version.name}: {version.rows:,} {version.kind.value} ({version.file_format}), of {version.list_date}"
            + ("" if imported.changed else "; nothing changed"),
            *_refused_lines(refused),
        ]
        data = {**asdict(version), "changed": imported.changed, "refused_lines": [asdict(line) for line in refused]}
        return Answer(data, lines, ExitCode.INCOMPLETE if refused else ExitCode.DONE)

    run(work, workspace=workspace, as_json=as_json)


def show(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Say which lists there are, how old each is, and what is unknown for want of a list.

    Example: winnow lists show
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        shown = show_lists(opened, datetime.now(UTC))
        data = {"lists": [asdict(state) for state in shown.lists], "lacking": shown.lacking}
        return Answer(data, _table(shown))

    run(work, workspace=workspace, as_json=as_json)


def _refused_lines(refused: tuple[Refused, ...]) -> list[str]:
    lines = [f"  refused {line.file}:{line.line}: {line.reason}" for line in refused[:_LINES_SHOWN]]
    if len(refused) > _LINES_SHOWN:
        lines.append(f"  and {len(refused) - _LINES_SHOWN:,} more; --json lists them all")
    return lines


def _table(shown: ListsShown) -> list[str]:
    rows = [("list", "from", "rows", "of", "age", "")]
    for state in shown.lists:
        age = "unknown" if state.age_days is None else f"{state.age_days} days"
        rows.append(
            (
                state.name,
                state.origin,
                "" if state.rows is None else f"{state.rows:,}",
                "unknown" if state.dated is None else state.dated.isoformat(),
                age,
                "STALE" if state.stale else "",
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    stale = [state.name for state in shown.lists if state.stale]
    advice = [f"{len(stale)} stale: import newer data with `winnow lists update`; it answers first."] if stale else []
    lacking = [f"No list gives `{fact}`: what depends on it is unknown, never clean." for fact in shown.lacking]
    return [*lines, *advice, *lacking]
