"""Blocks of whole lines of a large text file, plain or gzip, parsed as columns; a bad line is named exactly."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import polars as pl

from screening.errors import InputError

_BLOCK_BYTES = 8 * 1024 * 1024
"""Text parsed at a time: large enough that parsing costs little beside unpacking, small beside any memory."""
_GZIP_MARK = b"\x1f\x8b"

Columns = Mapping[str, type[pl.DataType]]


def column_blocks(
    path: Path, columns: Columns, progress: Callable[[int, int], None], *, optional: int = 0
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield (line of the first row, rows) of a tab-separated file without header; lines that begin with # are left out.

    `columns` are names and types in order; the last `optional` ones may be lacking in the whole file. `progress` is
    told how many of how many bytes of the file are read. Raises InputError that names file and line when a line does
    not fit or the file ends too soon.
    """
    size = path.stat().st_size
    fitting: Columns | None = None
    line = 1
    try:
        with path.open("rb") as packed:
            is_gzip = packed.read(2) == _GZIP_MARK
            packed.seek(0)
            with gzip.GzipFile(fileobj=packed) if is_gzip else packed as text:
                rest = b""
                while block := text.read(_BLOCK_BYTES):
                    progress(packed.tell(), size)
                    whole, cut, rest = (rest + block).rpartition(b"\n")
                    if not cut:
                        continue
                    fitting = fitting or _fitting(whole, columns, optional)
                    yield line, _parsed(whole, fitting, path, line)
                    line += whole.count(b"\n") + 1
                if rest.strip():
                    yield line, _parsed(rest, fitting or _fitting(rest, columns, optional), path, line)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"The file cannot be read to its end: {error}.", remedy="Download it again.", where=str(path)
        ) from error


def _fitting(text: bytes, columns: Columns, optional: int) -> Columns:
    """Take as many columns as the first line of data has, as far as they may be lacking."""
    first = next((line for line in text.split(b"\n", 1000) if line and not line.startswith(b"#")), b"")
    lacking = len(columns) - len(first.split(b"\t"))
    return dict(list(columns.items())[: len(columns) - lacking]) if 0 < lacking <= optional else columns


def _parsed(text: bytes, columns: Columns, path: Path, line: int) -> pl.DataFrame:
    data = b"\n".join(row for row in text.split(b"\n") if not row.startswith(b"#")) if text.startswith(b"#") else text
    if not data:
        return pl.DataFrame(schema=dict(columns))
    try:
        frame = pl.read_csv(data, separator="\t", has_header=False, quote_char=None, schema=dict(columns))
        if not any(frame.null_count().row(0)):
            return frame
    except pl.exceptions.PolarsError:
        pass  # the bad line is looked for below
    raise _bad_line(text, columns, path, line)


def _bad_line(text: bytes, columns: Columns, path: Path, line: int) -> InputError:
    for number, row in enumerate(text.split(b"\n"), start=line):
        cells = row.split(b"\t")
        whole = len(cells) == len(columns) and all(
            cell.isdigit() for cell, kind in zip(cells, columns.values(), strict=True) if kind.is_integer()
        )
        if not row.startswith(b"#") and not whole:
            names = ", ".join(columns)
            return InputError(
                f"The line is not {names} separated by tabs: `{ascii(row[:80])[2:-1]}`.",
                remedy="Give the files of a domain graph as Common Crawl publishes them.",
                where=f"{path}:{number}",
            )
    return InputError(
        "A number in this file is too large, or a text empty.",
        remedy="Give the files of a domain graph as Common Crawl publishes them.",
        where=f"{path}:{line}",
    )
