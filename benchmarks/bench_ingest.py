"""Taking clicks in, beside the bare conversion of the same file into one Parquet file a day.

    python benchmarks/bench_ingest.py --size 1M

The bare conversions parse times, sort rows to their days and write Parquet. They check no field, know no duplicate,
keep no account of what was refused, and leave half a lake behind when they are killed.
"""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from large_programme import Programme
from measuring import Bench, Way, run

from features.schema import Kind
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.workspace import open_workspace

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def prepare(folder: Path, clicks: int) -> None:
    """Write a week of clicks as one CSV and one Parquet file."""
    programme = Programme(clicks)
    parts = []
    for number, block in enumerate(block for day in programme.span for block in programme.day(day)):
        parts.append(folder / f"block-{number:03d}.parquet")
        block.drop("fraud").write_parquet(parts[-1])
    whole = pl.scan_parquet(parts)
    whole.sink_csv(folder / "clicks.csv")
    whole.sink_parquet(folder / "clicks.parquet")
    for part in parts:
        part.unlink()


def empty(folder: Path) -> Path:
    """Clear away what the repetition before took in."""
    for name in ("workspace", "converted"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    return folder


def by_winnow(folder: Path, name: str) -> int:
    """Take the file in as `winnow ingest clicks FILE` does."""
    workspace = open_workspace(folder / "workspace", {})
    done = ingest_files(workspace, Kind.CLICKS, [folder / name], Reading(), NOW, silent_progress())
    return sum(report.staged for report in done.report.files)


def by_polars(folder: Path, events: pl.LazyFrame) -> int:
    """Convert with Polars' streaming engine."""
    target = pl.PartitionBy(folder / "converted", key=pl.col("ts").dt.date().alias("date"))
    events.sink_parquet(target, mkdir=True)
    return len(list((folder / "converted").rglob("*.parquet")))


def by_duckdb(folder: Path, events: str) -> int:
    """Convert with DuckDB."""
    import duckdb  # noqa: PLC0415 - only this way needs it

    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    database.execute(
        f"COPY (SELECT *, ts::DATE AS date FROM {events}) TO '{folder}/converted' "
        "(FORMAT parquet, COMPRESSION zstd, PARTITION_BY date, OVERWRITE)"
    )
    return len(list((folder / "converted").rglob("*.parquet")))


def csv(folder: Path) -> pl.LazyFrame:
    """Read the CSV file lazily, times as times and all else as text."""
    return pl.scan_csv(folder / "clicks.csv", infer_schema=False).with_columns(
        pl.col("ts").str.to_datetime(time_unit="us", time_zone="UTC")
    )


BENCH = Bench(
    name="ingest",
    title="Ingest: a week of clicks in one file into the lake",
    prepare=prepare,
    size=1_000_000,
    unit="clicks",
    ways={
        "winnow, CSV": Way(lambda folder: by_winnow(folder, "clicks.csv"), empty),
        "polars, CSV": Way(lambda folder: by_polars(folder, csv(folder)), empty),
        "duckdb, CSV": Way(
            lambda folder: by_duckdb(
                folder, f"read_csv('{folder}/clicks.csv', all_varchar=true, types={{'ts': 'TIMESTAMPTZ'}})"
            ),
            empty,
        ),
        "winnow, Parquet": Way(lambda folder: by_winnow(folder, "clicks.parquet"), empty, against="winnow, Parquet"),
        "polars, Parquet": Way(
            lambda folder: by_polars(folder, pl.scan_parquet(folder / "clicks.parquet")),
            empty,
            against="winnow, Parquet",
        ),
        "duckdb, Parquet": Way(
            lambda folder: by_duckdb(folder, f"'{folder}/clicks.parquet'"), empty, against="winnow, Parquet"
        ),
    },
    against="winnow, CSV",
    notes=("The bare conversions check no field, find no duplicate and account for nothing refused.",),
)

if __name__ == "__main__":
    sys.exit(run(BENCH))
