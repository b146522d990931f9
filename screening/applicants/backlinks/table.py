"""The file of an export as rows: encodings, byte order marks, tabs, quotes, and lines above the header."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from screening.errors import InputError

_PROBE = 65_536
"""Characters at the beginning of a file by which its encoding and separator are told."""
_HEADER_WITHIN = 25
"""Lines in which the header must stand; some tools put a title and a date above it."""
_SEPARATORS = ",\t;|"
_FIELD_BYTES = 131_072
"""Longest cell that is read; a longer one is a quote that was never closed."""
_NULS_IN_TEXT = 0.01
"""Share of zero bytes above which a file is no text; a few of them are damage that rows are read around."""
_GZIP_MARK = b"\x1f\x8b"
_ZIP_MARK = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an export: the line it begins at (from 1), and its cells; `broken` says why it cannot be read."""

    line: int
    cells: tuple[str, ...]
    broken: str | None = None


def folded_name(text: str) -> str:
    """Return a column's name for comparison: lower case, letters and digits only."""
    return re.sub(r"[\W_]", "", text.casefold())


@contextmanager
def opened_export(path: Path) -> Iterator[TextIO]:
    """Open a file as text, plain or gzip, in UTF-8, UTF-16 (as some tools write tabs) or the Western code page.

    Raises InputError when it cannot be read or is no text.
    """
    try:
        with path.open("rb") as plain:
            head = plain.read(_PROBE)
        if head.startswith(_ZIP_MARK):
            raise InputError(
                "This is a zip archive or a spreadsheet.", remedy="Unpack it, or save it as CSV.", where=str(path)
            )
        packed = head.startswith(_GZIP_MARK)
        if packed:
            with gzip.open(path, "rb") as unpacked:
                head = unpacked.read(_PROBE)
        encoding = _encoding(head, path)
        with gzip.open(path, "rb") if packed else path.open("rb") as raw:
            yield io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"The file cannot be read: {error}.", remedy="Check the path.", where=str(path)) from error


def read_table(text: TextIO, is_header: Callable[[Sequence[str]], bool]) -> tuple[tuple[str, ...], Iterator[Row]]:
    """Return the header row, the first of the topmost lines that `is_header` accepts, and the rows below it.

    The header is empty when there is none. Nothing below is read ahead.
    """
    probe = text.read(_PROBE)
    lines = _Lines(text, probe)
    separator = _separator(probe, is_header)
    csv.field_size_limit(min(sys.maxsize, _FIELD_BYTES))
    reader = csv.reader(lines, delimiter=separator)
    header: tuple[str, ...] = ()
    for _ in range(_HEADER_WITHIN):
        cells = _next(reader)
        if cells is None:
            break
        if not isinstance(cells, str) and is_header(cells):
            header = tuple(cell.strip().lstrip("\ufeff") for cell in cells)
            break
    return header, _rows(reader, header)


class _Reader(Protocol):
    """What csv.reader returns."""

    line_num: int

    def __next__(self) -> list[str]: ...


class _Lines:
    """The probe's lines, then the file's, without reading ahead."""

    def __init__(self, text: TextIO, probe: str) -> None:
        self._text = text
        self._waiting = io.StringIO(probe, newline="")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.readline()
        if not line.endswith(("\n", "\r")):
            line += self._text.readline()
        if not line:
            raise StopIteration
        return line.replace("\0", "")


def _rows(reader: _Reader, header: Sequence[str]) -> Iterator[Row]:
    while True:
        begins = reader.line_num + 1
        cells = _next(reader)
        if cells is None:
            return
        if isinstance(cells, str):
            yield Row(begins, (), cells)
        elif any(cell.strip() for cell in cells) and tuple(map(str.strip, cells)) != tuple(header):
            yield Row(begins, tuple(cells))


def _next(reader: _Reader) -> list[str] | str | None:
    """Return the cells of the next record, or why it cannot be read, or None at the end."""
    try:
        return next(reader)
    except StopIteration:
        return None
    except csv.Error as error:
        return str(error)


def _encoding(head: bytes, path: Path) -> str:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    pairs = max(1, len(head) // 2)
    for name, zeros in (("utf-16-le", head[1::2].count(0)), ("utf-16-be", head[0::2].count(0))):
        if zeros > pairs // 2:
            return name
    if head.count(0) > _NULS_IN_TEXT * len(head):
        raise InputError("This is no text file.", remedy="Give the export as CSV.", where=str(path))
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _separator(probe: str, is_header: Callable[[Sequence[str]], bool]) -> str:
    """Return the separator by which one of the topmost lines is a header; a comma when none makes one."""
    lines = probe.splitlines()[:_HEADER_WITHIN]
    for separator in _SEPARATORS:
        try:
            if any(is_header(cells) for cells in csv.reader(lines, delimiter=separator)):
                return separator
        except csv.Error:
            continue
    return ","
