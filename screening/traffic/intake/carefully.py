"""Delimited text read line by line, where a block did not parse as a whole: good records kept, bad lines refused."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field

from screening.traffic.intake.faults import Fault, Refusal, Skip

_UNCLOSED = "unexpected end of data"
"""What the csv module says of a record that ends inside a quoted field."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the fields of a delimited file are told apart, and how long a record may be."""

    separator: str
    header: tuple[str, ...]
    """The fields of the header line as they stand in the file."""
    record_bytes_max: int
    record_lines_max: int
    kept_bytes: int
    """Bytes of a refused line that are kept."""


@dataclass(slots=True)
class CarefulReader:
    """Reads records of `data` one after another from byte `position` on, which is line `line` of the file.

    `complete` says that no more text follows; otherwise a record that runs to the end of the data is left, and
    `unfinished` is set. Results gather in `lines` (first line of each record), `rows` (their fields), `spans` (how many
    lines a record has, if more than one), `refused` and `skipped`.
    """

    data: bytes
    dialect: Dialect
    complete: bool
    position: int = 0
    line: int = 1
    unfinished: bool = False
    lines: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    spans: dict[int, int] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    skipped: dict[Skip, int] = field(default_factory=dict)

    def read_to(self, stop: int) -> None:
        """Read records that begin before byte `stop`; the last of them may end after it."""
        while self.position < stop and not self.unfinished:
            self._record()

    def _record(self) -> None:
        end = self._line_end(self.position)
        raw = self.data[self.position : end].rstrip(b"\r\n")
        if not raw.strip():
            self._skip(Skip.BLANK_LINE, end)
        elif len(raw) > self.dialect.record_bytes_max:
            self._refuse(Fault.OVERSIZED_RECORD, raw, end)
        else:
            self._fields(raw, end)

    def _fields(self, raw: bytes, end: int) -> None:
        try:
            fields = self._split(raw.decode())
        except UnicodeDecodeError:
            self._refuse(Fault.BAD_ENCODING, raw, end)
            return
        except csv.Error as error:
            if str(error) == _UNCLOSED:
                self._spanning(raw, end)
            else:
                self._refuse(Fault.TEXT_AFTER_QUOTE, raw, end)
            return
        fault = self._miscounted(fields)
        if fault is not None:
            self._refuse(fault, raw, end)
        elif tuple(fields) == self.dialect.header:
            self._skip(Skip.REPEATED_HEADER, end)
        else:
            self._keep(fields, end, span=1)

    def _spanning(self, first: bytes, first_end: int) -> None:
        """A quoted field is open at the end of the line: join the lines that follow, or refuse this line alone."""
        end = first_end
        for span in range(2, self.dialect.record_lines_max + 1):
            if end >= len(self.data):
                if not self.complete:
                    self.unfinished = True
                    return
                break
            end = self._line_end(end)
            raw = self.data[self.position : end].rstrip(b"\r\n")
            if len(raw) > self.dialect.record_bytes_max:
                break
            if b'"' not in self.data[self.data.rfind(b"\n", 0, end - 1) + 1 : end]:
                continue
            try:
                fields = self._split(raw.decode())
            except UnicodeDecodeError:
                break
            except csv.Error as error:
                if str(error) == _UNCLOSED:
                    continue
                break
            if self._miscounted(fields) is None:
                self._keep(fields, end, span)
                return
            break
        self._refuse(Fault.UNCLOSED_QUOTE, first, first_end)

    def _split(self, text: str) -> list[str]:
        # newline characters inside a quoted field are part of the text, so the whole record goes in as one item
        return next(csv.reader([text], delimiter=self.dialect.separator, strict=True))

    def _miscounted(self, fields: list[str]) -> Fault | None:
        surplus = len(fields) - len(self.dialect.header)
        if surplus < 0:
            return Fault.TOO_FEW_FIELDS
        if surplus == 1 and not fields[-1]:
            return Fault.TRAILING_SEPARATOR
        return Fault.TOO_MANY_FIELDS if surplus else None

    def _line_end(self, start: int) -> int:
        return self.data.find(b"\n", start) + 1 or len(self.data)

    def _keep(self, fields: list[str], end: int, span: int) -> None:
        self.lines.append(self.line)
        self.rows.append(fields)
        if span > 1:
            self.spans[self.line] = span
        self._advance(end, span)

    def _refuse(self, fault: Fault, raw: bytes, end: int) -> None:
        self.refused.append(Refusal(self.line, fault, raw[: self.dialect.kept_bytes], len(raw)))
        self._advance(end, 1)

    def _skip(self, skip: Skip, end: int) -> None:
        self.skipped[skip] = self.skipped.get(skip, 0) + 1
        self._advance(end, 1)

    def _advance(self, end: int, lines: int) -> None:
        self.position = end
        self.line += lines
