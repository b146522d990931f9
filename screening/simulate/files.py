"""Write a simulated programme as the files that a network would export, and the truth in a place of its own."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from features.schema import TABLES, Kind, Type
from screening.simulate.programme import Programme

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.6fZ"
_PARQUET = frozenset({Kind.CONVERSIONS, Kind.CAPS})
"""Kinds written as Parquet; the others are CSV with gzip, so that both ways in are practised."""
_SEPARATOR = {Type.WORDS: ";", Type.URLS: " "}
_COMPRESSION = 1
"""Level of gzip: practice files need to be made soon more than they need to be small."""


def write_events(programme: Programme, folder: Path) -> Mapping[Kind, Path]:
    """Write one file per kind that has rows and return their paths. The same programme gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for kind in Kind:
        table = programme.table(kind)
        if not table.is_empty():
            written[kind] = _write_parquet(kind, table, folder) if kind in _PARQUET else _write_csv(kind, table, folder)
    return written


def write_truth(programme: Programme, folder: Path) -> Path:
    """Write what is simulated fraud, as Parquet in the columns TRUTH, and return its path. No scan may read it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "truth.parquet"
    programme.truth.write_parquet(path)
    return path


def _write_parquet(kind: Kind, table: pl.DataFrame, folder: Path) -> Path:
    path = folder / f"{kind}.parquet"
    table.write_parquet(path)
    return path


def _write_csv(kind: Kind, table: pl.DataFrame, folder: Path) -> Path:
    lists = [column for column in TABLES[kind].columns if column.type in _SEPARATOR]
    flat = table.with_columns(pl.col(column.name).list.join(_SEPARATOR[column.type]) for column in lists)
    path = folder / f"{kind}.csv.gz"
    # without name and time in its header the file is the same whenever it is written
    with path.open("wb") as raw, gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0) as packed:
        packed.write(flat.write_csv(datetime_format=TIME_FORMAT).encode())
    return path
