"""Canonical rows gathered by day and written as parts that nobody sees yet."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from features.schema import TABLES, Kind, polars_schema
from screening.traffic.intake.batch import LINE
from screening.traffic.intake.idhashes import HashRuns, key_hash
from screening.traffic.lake import Part
from screening.traffic.lakewrite import Writer
from screening.traffic.parquet_file import put_parquet

FILE = "file"
"""Column with the number of the file within its ingest, from 1; with `LINE` it says where a row came from."""
_COMPRESSION_LEVEL = 1
"""zstd's fastest: a tenth larger than its default, at two thirds of the time."""
_WRITES_WAITING = 1
_PAST_BATCHES = 3
"""Batches without a row of a day after which, in a file in the order of time, no more of it come: it can be written."""
_WORTH_A_PART = 20_000
"""Rows below which a day waits for the end of the file all the same: a file in no order must not give small parts."""


def stored_schema(kind: Kind) -> dict[str, pl.DataType]:
    """Return the columns of a part: the canonical ones, and where the row came from."""
    return {**polars_schema(kind), FILE: pl.UInt32(), LINE: pl.Int64()}


@dataclass(slots=True)
class Staging:
    """Takes rows in, in file order. Memory is bounded by `buffered_rows` and a few parts of `part_rows`.

    Parts are written in a thread of their own while the next rows are read, those of a day that is past at once.
    """

    writer: Writer
    kind: Kind
    part_rows: int
    buffered_rows: int
    runs: HashRuns
    _days: dict[date | None, list[pl.DataFrame]] = field(default_factory=dict)
    _rows: dict[date | None, int] = field(default_factory=dict)
    _seen: dict[date | None, int] = field(default_factory=dict)
    _batches: int = 0
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "winnow-write"))
    _writes: deque[Future[Part]] = field(default_factory=deque)
    _parts: list[Part] = field(default_factory=list)
    _number: int = 0

    def add(self, rows: pl.DataFrame, file: int) -> None:
        """Take in rows with the canonical columns and `LINE`, that come from the file of this number."""
        if rows.is_empty():
            return
        self.runs.add(rows.select(key_hash(self.kind)).to_series().to_numpy())
        self._batches += 1
        stored = rows.select(*polars_schema(self.kind), pl.lit(file, pl.UInt32).alias(FILE), LINE)
        for day, of_day in _by_day(stored, TABLES[self.kind].dated_by):
            self._days.setdefault(day, []).append(of_day)
            self._rows[day] = self._rows.get(day, 0) + of_day.height
            self._seen[day] = self._batches
            if self._rows[day] >= self.part_rows:
                self._write(day)
        for day in self._past_days():
            self._write(day)
        while sum(self._rows.values()) > self.buffered_rows:
            self._write(max(self._rows, key=lambda day: self._rows[day]))

    def finish(self) -> list[Part]:
        """Write what is left and return all staged parts, in the order in which their rows came."""
        for day in list(self._rows):
            self._write(day)
        while self._writes:
            self._parts.append(self._writes.popleft().result())
        self._thread.shutdown()
        self.runs.finish()
        return self._parts

    def stop(self) -> None:
        """Give up: no further part is written."""
        self._thread.shutdown(cancel_futures=True)

    def _past_days(self) -> list[date | None]:
        latest = self._batches - _PAST_BATCHES
        return [day for day, rows in self._rows.items() if rows >= _WORTH_A_PART and self._seen[day] <= latest]

    def _write(self, day: date | None) -> None:
        rows = pl.concat(self._days.pop(day), rechunk=False)
        del self._rows[day]
        self._number += 1
        while len(self._writes) >= _WRITES_WAITING:
            self._parts.append(self._writes.popleft().result())
        self._writes.append(self._thread.submit(write_part, self.writer, self.kind, day, self._number, rows))


def write_part(writer: Writer, kind: Kind, day: date | None, number: int, rows: pl.DataFrame) -> Part:
    """Write the rows, with the stored columns, as a staged part."""
    path = writer.staged(kind, day, number)
    put_parquet(rows, path, compression="zstd", compression_level=_COMPRESSION_LEVEL)
    return writer.part(kind, day, number, rows.height)


def _by_day(rows: pl.DataFrame, dated_by: str | None) -> list[tuple[date | None, pl.DataFrame]]:
    if dated_by is None:
        return [(None, rows)]
    first, last = rows.select(first=pl.min(dated_by), last=pl.max(dated_by)).row(0)
    if first.date() == last.date():
        return [(first.date(), rows)]
    days = rows.with_columns(_day=pl.col(dated_by).dt.date()).partition_by("_day", as_dict=True, include_key=False)
    return [(day[0], of_day) for day, of_day in days.items()]
