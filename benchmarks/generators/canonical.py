"""What the third and fourth simulated programmes have in common: canonical tables and files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from features.schema import Kind, polars_schema


@dataclass(frozen=True)
class Programme:
    """A simulated programme: canonical tables, and the truth (conversion_id, is_fraud, kind; kind null: clean)."""

    tables: dict[Kind, pl.DataFrame]
    truth: pl.DataFrame


def canonical(kind: Kind, table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with all canonical columns of its kind, by time; times come as seconds since 1970."""
    columns = []
    for name, dtype in polars_schema(kind).items():
        if name not in table.columns:
            columns.append(pl.lit(None, dtype=dtype).alias(name))
        elif isinstance(dtype, pl.Datetime):
            columns.append((pl.col(name) * 1e6).cast(pl.Int64).cast(dtype))
        else:
            columns.append(pl.col(name).cast(dtype))
    made = table.select(columns)
    return made.sort("ts") if "ts" in made.columns else made


def write(programme: Programme, out: Path) -> None:
    """Write a Parquet file per kind and truth.csv."""
    out.mkdir(parents=True, exist_ok=True)
    for kind, table in programme.tables.items():
        if table.height:
            table.write_parquet(out / f"{kind}.parquet")
    programme.truth.write_csv(out / "truth.csv")
