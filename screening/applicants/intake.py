"""Files of applications: CSV, TSV, JSON lines. A bad row is set aside with its place; the others go on."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from screening.applicants.intake_fields import (
    OPTIONAL,
    REQUIRED,
    Application,
    FieldProblem,
    UnusableApplication,
    application,
)
from screening.errors import InputError
from screening.settings.screening import IntakeSettings

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that could not be used: file, line (1 is the first of the file), and the field with its problem."""

    file: str
    line: int
    application_id: str | None
    problem: FieldProblem


@dataclass(frozen=True, slots=True)
class Intake:
    """What a file held: usable applications in file order, rows set aside, and columns that nobody reads."""

    applications: tuple[Application, ...]
    quarantined: tuple[QuarantinedRow, ...]
    unread_columns: tuple[str, ...]


def read_applications(path: Path, limits: IntakeSettings, now: datetime) -> Intake:
    """Read a file of applications; its suffix says the form (.csv, .tsv, .jsonl, .ndjson, .json).

    Raises InputError when the file cannot be read at all, or lacks a required column.
    """
    text = _text(path)
    rows = _json_rows(path, text) if path.suffix.lower() in JSON_SUFFIXES else _csv_rows(path, text)
    applications: dict[str, tuple[int, Application]] = {}
    quarantined: list[QuarantinedRow] = []
    unread: dict[str, None] = {}
    for line, fields in rows:
        if isinstance(fields, FieldProblem):
            quarantined.append(QuarantinedRow(str(path), line, None, fields))
            continue
        unread.update(dict.fromkeys(name for name in fields if name not in REQUIRED + OPTIONAL))
        try:
            found = application(fields, limits, now)
            _refuse_second(found, applications)
        except UnusableApplication as error:
            identity = fields.get("application_id")
            known = str(identity) if identity not in (None, "") else None
            quarantined.append(QuarantinedRow(str(path), line, known, error.problem))
        else:
            applications[found.application_id] = (line, found)
    return Intake(tuple(found for _, found in applications.values()), tuple(quarantined), tuple(unread))


def _refuse_second(found: Application, before: dict[str, tuple[int, Application]]) -> None:
    if found.application_id in before:
        line, _ = before[found.application_id]
        raise UnusableApplication(
            FieldProblem(
                "application_id", found.application_id, f"was given on line {line} already", "Give each its own id."
            )
        )


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The applications cannot be read: {error.strerror}.", remedy="Name a readable file.", where=str(path)
        ) from error
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(
            "The file is not UTF-8 text.", remedy="Save it as UTF-8 and try again.", where=f"{path}:{line}"
        ) from error


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, object] | FieldProblem]]:
    dialect = "excel-tab" if path.suffix.lower() == ".tsv" else "excel"
    reader = csv.reader(io.StringIO(text, newline=""), dialect=dialect, strict=True)
    header: list[str] | None = None
    start = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if header is None:
                raise InputError(
                    f"The header is not readable as CSV: {error}.", remedy="Mend it.", where=f"{path}:{start}"
                ) from error
            yield start, FieldProblem("row", "", f"is not readable as CSV: {error}", "Close and double the quotes.")
            start = reader.line_num + 1
            continue
        if header is None:
            header = [_column(name) for name in cells or ()]
            _check_header(path, header)
        elif cells is None:
            return
        elif cells:
            yield start, _row(header, cells)
        start = reader.line_num + 1


def _row(header: list[str], cells: list[str]) -> dict[str, object] | FieldProblem:
    if len(cells) != len(header):
        problem = f"has {len(cells)} cells where the header has {len(header)}"
        return FieldProblem("row", "", problem, "Quote the fields that contain the separator; keep empty cells.")
    return dict(zip(header, cells, strict=True))


def _column(written: str) -> str:
    """Return a column's name as the contract spells it: `Application ID` and `application-id` are application_id."""
    return re.sub(r"[\s\-]+", "_", written.strip().lower())


def _check_header(path: Path, header: list[str]) -> None:
    if not any(header):
        raise InputError(
            "The file is empty.", remedy=f"Its first line names the columns: {', '.join(REQUIRED)}.", where=f"{path}:1"
        )
    missing = [name for name in REQUIRED if name not in header]
    if missing and len(header) == 1 and header[0].count(";") >= len(REQUIRED) - 1:
        raise InputError(
            "The columns are separated by semicolons.",
            remedy="Save the file with commas, or with tabs as .tsv; semicolons separate words inside a field.",
            where=f"{path}:1",
        )
    if missing:
        shown = ", ".join(ascii(name)[1:-1][:40] for name in header[:20])
        raise InputError(
            f"The file has no column {', '.join(missing)}; it has {shown}.",
            remedy=f"Required are {', '.join(REQUIRED)}; rename what is called otherwise, see docs/screening.md.",
            where=f"{path}:1",
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"The column {twice[0]} stands there twice.", remedy="Keep one of them.", where=f"{path}:1")


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, object] | FieldProblem]]:
    stripped = text.lstrip()
    if stripped.startswith("["):
        raise InputError(
            "The file is one JSON array.", remedy="Write one object per line (JSON lines).", where=f"{path}:1"
        )
    for line, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        try:
            value = json.loads(written)
        except (ValueError, RecursionError) as error:
            yield line, FieldProblem("row", written.strip()[:80], f"is not JSON: {error}", "Write one object per line.")
            continue
        if isinstance(value, dict):
            yield line, value
        else:
            yield line, FieldProblem("row", written.strip()[:80], "is not a JSON object", "Write one object per line.")
