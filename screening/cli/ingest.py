"""`winnow ingest`: event files into the lake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from features.schema import Kind
from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.errors import ExitCode, InputError
from screening.jobs.ingest import Ingested, Reading, ingest_files
from screening.jobs.progress import Progress
from screening.traffic.intake.report import FileReport, IngestReport, Outcome
from screening.workspace import Workspace

_FILES_SHOWN = 20
"""Files that are listed one by one; of more, only those of which something did not get in."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("ingest")(ingest)


def ingest(
    kind: Annotated[Kind, typer.Argument(help="What the files hold.")],
    files: Annotated[list[Path], typer.Argument(help="Files, or folders of files.", metavar="FILE...")],
    *,
    profile: Annotated[
        str | None, typer.Option(help="Whose export it is, such as everflow; or the path of a profile of your own.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="CANONICAL=SOURCE", help="Column of the file that holds a canonical one."),
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Zone of times that name none, such as Europe/Berlin.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take events into the lake: CSV, TSV, JSON lines or Parquet, plain, gzip or zstd.

    Taking the same file in twice changes nothing. Rows that cannot be used go to the workspace's quarantine/ with
    reason, file, line and remedy; then the exit status is 3. It is 2 when a file cannot be used at all.

    Example: winnow ingest clicks clicks-*.csv.gz --profile everflow

    Example: winnow ingest conversions sales.csv --map conversion_id="Order No" --timezone America/New_York
    """

    def work(opened: Workspace, progress: Progress) -> Answer:
        reading = Reading(profile, _mapping(columns or []), timezone)
        return _answer(ingest_files(opened, kind, files, reading, datetime.now(UTC), progress))

    run(work, workspace=workspace, as_json=as_json)


def _mapping(pairs: Sequence[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        canonical, equals, source = pair.partition("=")
        if not (equals and canonical.strip() and source.strip()):
            raise InputError(f"--map {pair} is not CANONICAL=SOURCE.", remedy="Write for example --map click_id=cid.")
        mapping[canonical.strip()] = source.strip()
    return mapping


def _answer(ingested: Ingested) -> Answer:
    report = ingested.report
    if len(report.files) == 1 and report.files[0].error is not None:
        raise report.files[0].error
    exit_code = ExitCode.INCOMPLETE if report.incomplete else ExitCode.DONE
    return Answer(_data(ingested), list(_lines(ingested)), ExitCode.UNUSABLE if report.refused else exit_code)


def _data(ingested: Ingested) -> dict[str, Any]:
    report = ingested.report
    return {
        "kind": str(report.kind),
        "lake_version": report.version,
        **report.totals(),
        "quarantine": str(report.quarantine) if report.quarantine else None,
        "note": ingested.note,
        "files": [file.as_json() for file in report.files],
    }


def _lines(ingested: Ingested) -> Iterator[str]:
    report = ingested.report
    for file in report.files:
        if len(report.files) <= _FILES_SHOWN or file.incomplete or file.error:
            yield from _file_lines(file)
    if len(report.files) > 1:
        outcomes = Counter(file.outcome for file in report.files)
        counts = ", ".join(f"{count:,} {str(outcome).replace('_', ' ')}" for outcome, count in outcomes.items())
        yield f"{len(report.files):,} files: {counts}; {_counts(report.totals())}"
    if report.quarantine:
        yield f"Refused rows, each with its reason and remedy: {report.quarantine}"
    yield _closing(report)
    if ingested.note:
        yield f"Note on {ingested.note}"


def _closing(report: IngestReport) -> str:
    taken = report.totals()["taken"]
    if all(file.outcome != Outcome.TAKEN for file in report.files):
        return f"Nothing new: the lake stays at version {report.version}."
    return f"{taken:,} {report.kind} are new in the lake, which is now at version {report.version}."


def _file_lines(file: FileReport) -> Iterator[str]:
    if file.error:
        yield f"{file.path}: refused. {file.error.cause} {file.error.remedy}"
        return
    if file.earlier:
        yield f"{file.path}: already taken, at version {file.earlier.version}: {file.rows:,} rows" + (
            f", of which {file.quarantined:,} were quarantined" if file.quarantined else ""
        )
        return
    counts = {"rows": file.rows, "taken": file.taken, "revised": file.revised, "repeated": file.repeated}
    yield f"{file.path}: {_counts({**counts, 'quarantined': file.quarantined, 'skipped': file.skipped.total()})}"
    if file.faults:
        yield "    quarantined: " + ", ".join(f"{count:,} {fault}" for fault, count in file.faults.most_common())
    if file.skipped:
        yield "    skipped: " + ", ".join(f"{count:,} {skip}" for skip, count in file.skipped.most_common())
    if file.dropped:
        dropped = (f"{count:,} {field} ({fault})" for (field, fault), count in file.dropped.most_common())
        yield "    rows taken without a field: " + ", ".join(dropped)
    if file.rest_lost:
        yield "    the file ends before its end: fetch it again and take it in"
    if file.ignored:
        yield "    columns not used: " + ", ".join(file.ignored)


def _counts(counts: dict[str, int]) -> str:
    rows = counts["rows"]
    rest = (f"{count:,} {name}" for name, count in counts.items() if name != "rows" and (count or name != "revised"))
    return f"{rows:,} {'row' if rows == 1 else 'rows'}: {', '.join(rest)}"
