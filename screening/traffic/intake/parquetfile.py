"""Parquet files: read batch by batch, every column as text but for times."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from screening.errors import InputError
from screening.traffic.intake.batch import LINE, Batch

_BATCH_ROWS = 100_000


@dataclass(slots=True)
class ParquetRows:
    """An open Parquet file. `names` are its columns.

    `columns` are those to hand on; a list in one that `lists` names becomes text, its items joined by what stands
    there. Both are set once the layout is known.
    """

    path: Path
    names: list[str]
    file: pq.ParquetFile
    columns: tuple[str, ...] = ()
    lists: Mapping[str, str] = field(default_factory=dict)

    def batches(self) -> Iterator[Batch]:
        """Yield all rows. Raises InputError when a column cannot be text, or when the file is damaged."""
        line = 1
        self._refuse_too_wide()
        try:
            for arrow in self.file.iter_batches(_BATCH_ROWS, columns=list(self.columns)):
                frame = pl.DataFrame(pa.Table.from_batches([arrow]))
                lines = pl.int_range(line, line + frame.height, dtype=pl.Int64).alias(LINE)
                cells = frame.select(*(self._cell(frame, name) for name in self.columns), lines)
                yield Batch(cells, _RowsAsJson(cells, line))
                line += frame.height
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"The Parquet file is damaged: {error}. Nothing of it was taken.",
                remedy="Fetch the file again.",
                where=str(self.path),
            ) from error

    def _refuse_too_wide(self) -> None:
        """Refuse decimals of more digits than anything here can hold, which conversion to a frame would not survive."""
        for column in self.file.schema_arrow:
            if column.name in self.columns and pa.types.is_decimal256(column.type):
                raise self._unusable(column.name, str(column.type))

    def _unusable(self, name: str, kind: str) -> InputError:
        return InputError(
            f"The column {name} is of type {kind}, which is no text, number or time.",
            remedy="Export it as text, or leave it out.",
            where=str(self.path),
        )

    def _cell(self, frame: pl.DataFrame, name: str) -> pl.Expr:
        kind = frame.schema[name]
        column = pl.col(name)
        if kind == pl.String or isinstance(kind, pl.Datetime):
            return column
        if isinstance(kind, pl.Date):
            return column.cast(pl.Datetime("us"))
        if kind == pl.List(pl.String) and name in self.lists:
            return column.list.join(self.lists[name])
        if kind.is_numeric() or kind in (pl.Boolean, pl.Categorical, pl.Enum, pl.Null):
            return column.cast(pl.String)
        raise self._unusable(name, str(kind))


@dataclass(frozen=True, slots=True)
class _RowsAsJson:
    cells: pl.DataFrame
    first_line: int

    def __call__(self, lines: Sequence[int]) -> dict[int, bytes]:
        rows = self.cells[[line - self.first_line for line in lines]].drop(LINE).to_dicts()
        return {line: json.dumps(row, default=str).encode() for line, row in zip(lines, rows, strict=True)}


def read_parquet(path: Path) -> ParquetRows:
    """Open the file and read its footer. Raises InputError when it has none."""
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"The Parquet file cannot be read: {error}.", remedy="Fetch the file again.", where=str(path)
        ) from error
    return ParquetRows(path, list(file.schema_arrow.names), file)
