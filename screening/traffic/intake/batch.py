"""A stretch of a file's records as its reader hands them on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl

from screening.traffic.intake.faults import Refusal, Skip

LINE = "line"
"""Column with the number of the physical line on which the record begins, from 1; in Parquet the row's number."""

_LINE_FEED = 10

RawRecords = Callable[[Sequence[int]], dict[int, bytes]]
"""Gives the bytes of the records that begin on these lines."""


class Limits(Protocol):
    """The settings that bound what a reader holds in memory."""

    @property
    def block_bytes(self) -> int:
        """Text read at a time."""

    @property
    def record_bytes_max(self) -> int:
        """Longest record."""

    @property
    def record_lines_max(self) -> int:
        """Most lines of a record."""

    @property
    def quarantine_raw_bytes(self) -> int:
        """Bytes of a refused line that are kept."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records cut into fields but not yet read as values.

    `cells` has the column `LINE` and one column per source column under its name: text as it stands in the file, or for
    Parquet and JSON lines a time or a list where the file has those types. `clean` says that no text holds a control
    character, which the reader knew without looking at each field.
    """

    cells: pl.DataFrame
    raw: RawRecords
    clean: bool = False
    refused: tuple[Refusal, ...] = ()
    skipped: Mapping[Skip, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawLines:
    """The bytes of records by their first line, found again in their block."""

    data: bytes
    first_line: int
    spans: dict[int, int]

    def __call__(self, lines: Sequence[int]) -> dict[int, bytes]:
        """Return the bytes of the records that begin on these lines, without line end."""
        ends = np.flatnonzero(np.frombuffer(self.data, np.uint8) == _LINE_FEED)
        found = {}
        for line in lines:
            at = line - self.first_line
            start = int(ends[at - 1]) + 1 if at else 0
            last = at + self.spans.get(line, 1) - 1
            stop = int(ends[last]) if last < len(ends) else len(self.data)
            found[line] = self.data[start:stop].rstrip(b"\r")
        return found
