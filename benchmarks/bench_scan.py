"""A whole scan, from events in the lake to decisions in the store, beside what one would write instead.

    python benchmarks/bench_scan.py --size 10M

`polars by day` and `polars streaming` only count: clicks and distinct addresses, devices, agents and countries by
source and day, conversions beside them, quantiles of the click-to-conversion time. They are the floor under any scan of
the same events. `spark` counts the same on `local[2]`. `pandas and pyod` is the script that a data scientist would
write for comparable features and flags (benchmarks/pandas_scan.py), decisions into SQLite included.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from large_programme import Programme, load_lake, write_events
from measuring import WINNOW, Bench, Way, run

from screening.jobs.progress import silent_progress
from screening.jobs.scan import scan
from screening.workspace import open_workspace

SOURCE = ("affiliate_id", "offer_id", "sub_id")
COUNTED = ("ip", "device_id", "user_agent", "country")
MANY = 30_000_000
"""Clicks from which the programme runs for four weeks, not one."""


def prepare(folder: Path, clicks: int) -> None:
    """Write the events and put them into the lake of a workspace."""
    programme = Programme(clicks, days=28 if clicks > MANY else 7)
    write_events(programme, folder / "events")
    (folder / "workspace").mkdir()
    load_lake(folder / "events", open_workspace(folder / "workspace", {}))


def fresh(folder: Path) -> Path:
    """Return a workspace that has never scanned, with the lake's files shared."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "workspace" / "lake", copy / "lake", copy_function=lambda a, b: Path(b).hardlink_to(a))
    shutil.copytree(folder / "workspace" / "lists", copy / "lists")
    return copy


def scanned(workspace: Path) -> dict[str, int]:
    """Scan as `winnow scan` does, with no roll-up kept from an earlier night."""
    now = datetime(2026, 6, 1, tzinfo=UTC)
    done = scan(open_workspace(workspace, {}), (None, None), now, silent_progress())
    return {"conversions": done.run.counts["conversions"], "sources": done.run.counts["sources"]}


def again(workspace: Path) -> Path:
    """Scan once in another process, so that the days' roll-ups are there, as they are every night but the first."""
    command = [sys.executable, __file__, "--way", WINNOW, "--data", str(workspace)]
    subprocess.run(command, check=True, capture_output=True)
    copy = workspace / "copy"
    for database in copy.glob("winnow.db*"):
        database.unlink()
    return copy


def counted(clicks: pl.LazyFrame) -> pl.LazyFrame:
    """Aggregate clicks by source and day."""
    distinct = [pl.col(name).n_unique() for name in COUNTED]
    return clicks.group_by(*SOURCE, day=pl.col("ts").dt.date()).agg(pl.len().alias("clicks"), *distinct)


def with_conversions(counts: pl.LazyFrame, conversions: Path) -> int:
    """Put conversions and the quantiles of their click-to-conversion time beside the counts; return the rows."""
    sold = pl.scan_parquet(conversions / "*.parquet").with_columns(lag=pl.col("ts") - pl.col("click_ts"))
    quantiles = [pl.col("lag").quantile(part).alias(f"q{part}") for part in (0.1, 0.5, 0.9)]
    sums = sold.group_by(*SOURCE, day=pl.col("ts").dt.date()).agg(
        pl.len().alias("conversions"), pl.col("payout").sum(), *quantiles
    )
    both = counts.join(sums, on=[*SOURCE, "day"], how="full", coalesce=True, nulls_equal=True)
    return both.collect(engine="streaming").height


def by_day(folder: Path) -> int:
    """Count a day at a time."""
    files = sorted((folder / "events" / "clicks").iterdir())
    days = sorted({file.name[:10] for file in files})
    parts = [
        counted(pl.scan_parquet([file for file in files if file.name.startswith(day)])).collect(engine="streaming")
        for day in days
    ]
    return with_conversions(pl.concat(parts).lazy(), folder / "events" / "conversions")


def streaming(folder: Path) -> int:
    """Count all days at once, with the streaming engine."""
    clicks = pl.scan_parquet(folder / "events" / "clicks" / "*.parquet")
    return with_conversions(counted(clicks), folder / "events" / "conversions")


def spark(folder: Path) -> int:
    """Count the same on a local Spark."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - only this way needs it
    from pyspark.sql import functions as f  # noqa: PLC0415

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "4g")
        .config("spark.sql.shuffle.partitions", "16")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    clicks = session.read.parquet(str(folder / "events" / "clicks"))
    sold = session.read.parquet(str(folder / "events" / "conversions"))
    keys = [*SOURCE, "day"]
    counts = clicks.withColumn("day", f.to_date("ts")).groupBy(*keys).agg(
        f.count("*").alias("clicks"), *[f.count_distinct(name).alias(name) for name in COUNTED]
    )  # fmt: skip
    lag = f.col("ts").cast("double") - f.col("click_ts").cast("double")
    sums = sold.withColumn("day", f.to_date("ts")).withColumn("lag", lag).groupBy(*keys).agg(
        f.count("*").alias("conversions"), f.sum("payout"), f.percentile_approx("lag", [0.1, 0.5, 0.9]).alias("q")
    )  # fmt: skip
    return int(counts.join(sums, on=keys, how="full").count())


def pandas_and_pyod(folder: Path) -> dict[str, int]:
    """Do it with pandas, scikit-learn and PyOD."""
    from pandas_scan import scan_with_pandas  # noqa: PLC0415 - only this way needs PyOD

    return scan_with_pandas(folder / "events", folder / "workspace" / "lists" / "packages", folder / "pandas.db")


BENCH = Bench(
    name="scan",
    title="Scan: from events in the lake to decisions in the store",
    prepare=prepare,
    size=10_000_000,
    unit="clicks and three conversions a hundred",
    ways={
        WINNOW: Way(scanned, fresh),
        "winnow with kept roll-ups": Way(scanned, again, repeats=1),
        "polars by day": Way(by_day),
        "polars streaming": Way(streaming, repeats=1),
        "pandas and pyod": Way(pandas_and_pyod, repeats=1),
        "spark local[2]": Way(spark, repeats=1),
    },
    notes=("The floor is `polars by day`: it only counts, and nothing is judged or stored.",),
)

if __name__ == "__main__":
    sys.exit(run(BENCH))
