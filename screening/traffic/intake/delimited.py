"""CSV and TSV: whole blocks at once where they parse without doubt, line by line where they do not."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from screening.errors import InputError
from screening.traffic.intake.batch import LINE, Batch, Limits, RawLines
from screening.traffic.intake.carefully import CarefulReader, Dialect
from screening.traffic.intake.faults import Skip
from screening.traffic.intake.layout import unique_names
from screening.traffic.intake.lineblocks import LineBlocks
from screening.traffic.intake.opened import Opened

_SEPARATORS = (",", "\t", ";", "|")
_STRETCH_BYTES = 64 << 10
"""A block that does not parse is tried again in stretches of this size; only bad ones are read line by line."""
_SCAN_BYTES = 256 << 10
"""Bytes compared at a time, so that the comparison's result stays in the processor's cache."""
_LINE_FEED, _TAB, _RETURN, _SPACE = 10, 9, 13, 32


@dataclass(slots=True)
class Delimited:
    """A delimited file after its header. `names` are the source columns, repeated ones told apart."""

    names: list[str]
    blocks: LineBlocks
    dialect: Dialect

    def batches(self) -> Iterator[Batch]:
        """Yield all records of the file. Every line is in a batch, refused, or counted as skipped."""
        while (data := self.blocks.next()) is not None:
            refused = tuple(self.blocks.refused)
            self.blocks.refused.clear()
            batch = self._whole(data, self.blocks.line)
            if batch is None:
                batch, used, line = self._piecewise(data, self.blocks.line)
                self.blocks.give_back(data[used:])
                self.blocks.line = line
            yield Batch(batch.cells, batch.raw, batch.clean, (*refused, *batch.refused), batch.skipped)
        if self.blocks.refused:
            yield Batch(self._empty(), RawLines(b"", 1, {}), refused=tuple(self.blocks.refused))

    def _whole(self, data: bytes, line: int) -> Batch | None:
        lines, clean = _census(data)
        cells = self._parsed(data, line, lines)
        if cells is None:
            return None
        self.blocks.line += lines
        cells, headers = self._without_headers(cells)
        raw = RawLines(data, line, {})
        return Batch(cells, raw, clean, (), {Skip.REPEATED_HEADER: headers} if headers else {})

    def _piecewise(self, data: bytes, line: int) -> tuple[Batch, int, int]:
        careful = CarefulReader(data, self.dialect, complete=self.blocks.at_end, line=line)
        frames = []
        headers = 0
        while careful.position < len(data) and not careful.unfinished:
            stop = data.find(b"\n", careful.position + _STRETCH_BYTES) + 1 or len(data)
            lines, _ = _census(data[careful.position : stop])
            cells = self._parsed(data[careful.position : stop], careful.line, lines)
            if cells is None:
                careful.read_to(stop)
            else:
                cells, repeated = self._without_headers(cells)
                headers += repeated
                frames.append(cells)
                careful.line += lines
                careful.position = stop
        frames.append(self._from_rows(careful))
        skipped = dict(careful.skipped)
        if headers:
            skipped[Skip.REPEATED_HEADER] = skipped.get(Skip.REPEATED_HEADER, 0) + headers
        raw = RawLines(data, line, careful.spans)
        clean = _census(data)[1]
        cells = pl.concat(frames).sort(LINE)
        return Batch(cells, raw, clean, tuple(careful.refused), skipped), careful.position, careful.line

    def _parsed(self, data: bytes, line: int, lines: int) -> pl.DataFrame | None:
        """Parse the lines at once; None when one of them may not be a record of its own with exactly all fields."""
        try:
            cells = pl.read_csv(
                data,
                has_header=False,
                schema=dict.fromkeys(self.names, pl.String),
                separator=self.dialect.separator,
                empty_string_is_null=False,
            )
        except (pl.exceptions.ComputeError, pl.exceptions.SchemaError, pl.exceptions.NoDataError):
            return None
        if cells.height != lines or not self._fully_separated(data, cells):
            return None
        return cells.with_columns(pl.int_range(line, line + lines, dtype=pl.Int64).alias(LINE))

    def _fully_separated(self, data: bytes, cells: pl.DataFrame) -> bool:
        # Polars fills the fields that a short line lacks with empty text; then separators are missing in the bytes
        if not (cells.to_series(-1) == "").any():
            return True
        separators = _count_byte(data, ord(self.dialect.separator))
        if b'"' in data:
            inside = pl.all().str.count_matches(self.dialect.separator, literal=True).sum()
            separators -= sum(cells.select(inside).row(0))
        return separators == cells.height * (len(self.names) - 1)

    def _without_headers(self, cells: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        first = self.dialect.header[0]
        if not (cells.to_series(0) == first).any():
            return cells, 0
        same = pl.all_horizontal(
            pl.col(name) == text for name, text in zip(self.names, self.dialect.header, strict=True)
        )
        kept = cells.filter(~same)
        return kept, cells.height - kept.height

    def _from_rows(self, careful: CarefulReader) -> pl.DataFrame:
        schema = dict.fromkeys(self.names, pl.String)
        rows = pl.DataFrame(careful.rows, schema=schema, orient="row") if careful.rows else pl.DataFrame(schema=schema)
        return rows.with_columns(pl.Series(LINE, careful.lines, dtype=pl.Int64))

    def _empty(self) -> pl.DataFrame:
        return pl.DataFrame(schema={**dict.fromkeys(self.names, pl.String), LINE: pl.Int64})


def read_delimited(source: Opened, limits: Limits) -> Delimited:
    """Read the header of a delimited file. Raises InputError when there is none."""
    csv.field_size_limit(max(csv.field_size_limit(), limits.record_bytes_max))
    blocks = LineBlocks(
        _line_feeds(source.chunks), limits.block_bytes, limits.record_bytes_max, limits.quarantine_raw_bytes
    )
    line = b""
    while not line.strip():
        data = blocks.next()
        if data is None or blocks.refused:
            raise InputError("The file has no header line.", remedy="Export it again.", where=str(source.path))
        end = data.find(b"\n") + 1 or len(data)
        line = data[:end]
        blocks.give_back(data[end:])
        blocks.line += 1
    try:
        text = line.decode().rstrip("\r\n")
        separator = _separator(text)
        header = next(csv.reader([text], delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"The header line cannot be read: {error}.",
            remedy="Export the file as UTF-8 CSV.",
            where=f"{source.path}:1",
        ) from error
    dialect = Dialect(
        separator, tuple(header), limits.record_bytes_max, limits.record_lines_max, limits.quarantine_raw_bytes
    )
    return Delimited(unique_names(header), blocks, dialect)


def _separator(header: str) -> str:
    def fields(separator: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=separator, strict=True)))
        except csv.Error:
            return 0

    return max(_SEPARATORS, key=fields)


def _line_feeds(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the text with the line ends of old Macintosh files, a lone carriage return, as line feeds."""
    first = next(chunks, b"")
    alone = b"\r" in first and b"\n" not in first
    yield first.replace(b"\r", b"\n") if alone else first
    for chunk in chunks:
        yield chunk.replace(b"\r", b"\n") if alone else chunk


def _census(data: bytes) -> tuple[int, bool]:
    """Return the number of lines, and whether the text is free of control characters but line ends and tabs."""
    text = np.frombuffer(data, np.uint8)
    feeds = low = 0
    for at in range(0, len(text), _SCAN_BYTES):
        piece = text[at : at + _SCAN_BYTES]
        feeds += int(np.count_nonzero(piece == _LINE_FEED))
        low += int(np.count_nonzero(piece < _SPACE))
    clean = low == feeds or low == feeds + _count_byte(data, _RETURN) + _count_byte(data, _TAB)
    return feeds + (not data.endswith(b"\n")), clean


def _count_byte(data: bytes, byte: int) -> int:
    text = np.frombuffer(data, np.uint8)
    return sum(int(np.count_nonzero(text[at : at + _SCAN_BYTES] == byte)) for at in range(0, len(text), _SCAN_BYTES))
