"""`winnow backlinks`: exports of backlink tools, the open domain graph, and lists of domains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode
from screening.jobs.backlinks import BacklinksImported, Format, import_backlinks
from screening.jobs.progress import Progress
from screening.workspace import Workspace

_SHOWN = 20
"""Bad rows listed one by one; all are in quarantine/."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    verb = typer.Typer(no_args_is_help=True, help="Links to applicants' sites: exports, the open domain graph, lists.")
    verb.callback()(_nothing)
    verb.command("import")(import_file)
    app.add_typer(verb, name="backlinks")


def _nothing() -> None:
    """Keep `import` a command of its own: typer makes a single command the whole verb."""


def import_file(
    file: Annotated[
        Path, typer.Argument(help="The export; for commoncrawl the folder of a release, or one of its files.")
    ],
    *,
    kind: Annotated[Format, typer.Option("--format", help="Where the file comes from.")],
    site: Annotated[
        str | None, typer.Option("--site", help="Site that the links lead to, for exports that do not say.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import who links to whom; `winnow screen` then uses it. The same file again changes nothing.

    Rows that cannot be used go to quarantine/ with line, field and remedy; then the exit status is 3. `tranco` is a
    list of rank,domain; `disavow` a list of domains whose links somebody disowned.

    Example: winnow backlinks import acme-backlinks.csv --format ahrefs

    Example: winnow backlinks import cc-main-2026-jan-feb-mar/ --format commoncrawl
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        done = import_backlinks(opened, file, kind, site, datetime.now(UTC), progress)
        exit_code = ExitCode.INCOMPLETE if done.incomplete else ExitCode.DONE
        data = {**asdict(done), "shown": [asdict(row) for row in done.shown[:_SHOWN]]}
        return Answer(data, list(_lines(done)), exit_code)

    run(work, workspace=workspace, as_json=as_json)


def _lines(done: BacklinksImported) -> Iterator[str]:
    for notice in done.notices:
        yield f"NOTICE  {notice}" if done.unattributed else notice
    if done.format in {Format.DISAVOW, Format.TRANCO}:
        yield f"{done.rows:,} domains are on the list now."
    elif done.format is not Format.COMMONCRAWL:
        sites = f"{done.linking_sites:,} linking sites, {done.sites:,} linked to"
        yield f"{done.rows:,} links imported from {done.file}: {sites}."
    if done.bad:
        yield f"{done.bad:,} rows could not be used; they are in {done.quarantine}"
    for row in done.shown[:_SHOWN]:
        yield f"  {done.file}:{row.line} {row.field} {row.problem}. {row.remedy}"
