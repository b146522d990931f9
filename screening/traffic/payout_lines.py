"""The lines of a payout file between reading and deciding: on the disk, so that memory does not grow with their number.

They lie in files without a name, which are gone when the process ends, however it ends.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow.parquet as pq

from screening.traffic.payout_columns import PayoutColumns

FIELD = "field"
_ROWS_AT_A_TIME = 50_000
"""Rows in memory at a time when frames are read back."""
_IDS_AT_A_TIME = 250_000
"""Lines among which repetitions are looked for at a time; all lines of one conversion are among the same."""


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Let an error of writing, such as a full disk, name the folder: the operating system does not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(folder)
        raise


class FrameFile:
    """Frames of the same columns, appended to a file and read back in their order, as often as wanted.

    Used in a `with` block; then the file, which has no name, is gone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as this
        self._writer: pq.ParquetWriter | None = None
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()
        self._file.close()

    def append(self, frame: pl.DataFrame) -> None:
        """Write a frame behind the others; one without rows is left out."""
        if frame.is_empty():
            return
        table = frame.to_arrow()
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, table.schema, compression="lz4")
        with writing_to(self._folder):
            self._writer.write_table(table, row_group_size=_ROWS_AT_A_TIME)
        self.rows += table.num_rows

    def finish(self) -> None:
        """End the writing. Only then can the frames be read."""
        if self._writer is not None and self._writer.is_open:
            with writing_to(self._folder):
                self._writer.close()
                self._file.flush()

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield what was appended, whole or some columns of it, some rows at a time."""
        if self._writer is not None:
            yield from frames_of(self._file, columns)


def write_frames(path: Path, frames: Iterable[pl.DataFrame]) -> None:
    """Write frames of the same columns, at least one, to a Parquet file, and have it safely on the disk."""
    with writing_to(path.parent), path.open("wb") as file:
        writer: pq.ParquetWriter | None = None
        for frame in frames:
            table = frame.to_arrow()
            writer = writer or pq.ParquetWriter(file, table.schema)
            writer.write_table(table)
        if writer is None:
            raise ValueError("there is no frame to write")
        writer.close()
        file.flush()
        os.fsync(file.fileno())


def frames_of(source: IO[bytes] | Path, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """Yield a Parquet file row group by row group."""
    with pq.ParquetFile(source) as file:
        for number in range(file.num_row_groups):
            yield pl.DataFrame(file.read_row_group(number, columns=None if columns is None else list(columns)))


class MissingRowsError(Exception):
    """There are fewer rows than are asked for."""


def numbered(frames: Iterator[pl.DataFrame]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield each frame behind the number of rows before it."""
    at = 0
    for frame in frames:
        yield at, frame
        at += frame.height


class InStep:
    """Frames cut anew, into pieces of the sizes that something else comes in."""

    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self._frames = frames
        self._rest: pl.DataFrame | None = None

    def take(self, rows: int) -> pl.DataFrame:
        """Return the next rows, at least one. Raises MissingRowsError when there are not so many."""
        pieces: list[pl.DataFrame] = []
        while rows:
            frame = self._rest if self._rest is not None else next(self._frames, None)
            if frame is None:
                raise MissingRowsError
            pieces.append(frame.head(rows))
            self._rest = frame.slice(rows) if frame.height > rows else None
            rows -= pieces[-1].height
        return pl.concat(pieces)


@dataclass(frozen=True, slots=True)
class PayoutLines:
    """The lines of a payout file.

    `digest` is the SHA-256 of the content: of decompressed UTF-8 text, or of the Parquet file. `repeated`, bool of
    shape (lines,): an earlier line names the same conversion.
    """

    path: Path
    columns: PayoutColumns
    digest: str
    read: FrameFile
    repeated: npt.NDArray[np.bool_]

    @property
    def count(self) -> int:
        """How many there are."""
        return self.read.rows

    def slices(self) -> Iterator[pl.DataFrame]:
        """Yield all lines in their order, some at a time.

        The columns are those of `screening.gate.payout.LINES`, `line` (its number, from 1) and `field` (the source
        column at fault).
        """
        at = 0
        for frame in self.read.frames():
            yield frame.with_columns(repeated=pl.Series(self.repeated[at : at + frame.height]))
            at += frame.height


def repetitions(lines: FrameFile) -> npt.NDArray[np.bool_]:
    """Say of each line whether an earlier one names the same conversion.

    Lines are compared in as many lots as bound their number, by a hash that sends equal conversions to the same lot.
    """
    repeated = np.zeros(lines.rows, dtype=np.bool_)
    lots = lines.rows // _IDS_AT_A_TIME + 1
    for lot in range(lots):
        first: list[pl.DataFrame] = []
        at = 0
        for frame in lines.frames(["conversion_id"]):
            ids = frame.with_row_index("at", at).drop_nulls()
            ids = ids.filter(pl.col("conversion_id").hash() % lots == lot) if lots > 1 else ids
            repeated[ids["at"]] = True
            first.append(ids.unique("conversion_id", keep="first"))
            at += frame.height
        firsts = pl.concat(first).unique("conversion_id", keep="first", maintain_order=True)
        repeated[firsts["at"]] = False
    return repeated
