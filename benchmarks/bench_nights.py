"""A night on top of a lake with history, beside the same night on an empty lake, and one of twice the events.

    python benchmarks/bench_nights.py [--days 90] [--clicks 20000] [--conversions 600] [--repeats 3]

Makes a programme with heavy-tailed sources, takes in and judges its history, and then times the night of one more day,
each in a process of its own: seconds by the clock, processor seconds, and peak memory. The ratio that counts is that of
processor seconds, which a busy machine changes least.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path

import numpy as np
import polars as pl
from measuring import peak_mib

from features.schema import Kind, polars_schema
from screening.jobs.nightly import nightly
from screening.jobs.progress import silent_progress
from screening.workspace import open_workspace

FIRST = date(2026, 1, 1)
SETTINGS = {"WINNOW__NIGHTLY__QUIET_SECONDS": "0", "WINNOW__NIGHTLY__RESCREEN_MAX": "0"}


def drop(root: Path, day: date, clicks: int, conversions: int) -> None:
    """Drop a day's events: partners and addresses with heavy tails, conversions twenty minutes after their clicks."""
    draw = np.random.default_rng(day.toordinal())
    start = int(datetime.combine(day, clock(), UTC).timestamp() * 1_000_000)
    partner = np.minimum(draw.zipf(1.6, clicks), 400)
    table = pl.DataFrame(
        {
            "click_id": [f"{day:%y%m%d}-{n}-{x:x}" for n, x in enumerate(draw.integers(0, 1 << 40, clicks))],
            "ts": start + np.sort(draw.integers(0, 86_000_000_000, clicks)),
            "affiliate_id": [f"a{n}" for n in partner],
            "offer_id": [f"o{n % 7}" for n in partner],
            "sub_id": [f"s{n}" for n in draw.integers(0, 6, clicks)],
            "ip": [f"81.{n >> 16 & 63}.{n >> 8 & 255}.{n & 255}" for n in draw.integers(0, 1 << 22, clicks)],
            "user_agent": [
                f"Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0"
                for n in draw.integers(90, 140, clicks)
            ],
            "device_id": [f"d{n}" for n in draw.integers(0, 10 * clicks, clicks)],
            "country": draw.choice(["GB", "DE", "FR"], clicks),
        }
    ).with_columns(pl.col("ts").cast(pl.Datetime("us", "UTC")))
    sold = table.sample(conversions, seed=day.toordinal())
    sales = sold.select(
        conversion_id="x" + pl.col("click_id"),
        ts=pl.min_horizontal(
            pl.col("ts") + pl.duration(minutes=20), pl.lit(start + 86_399_000_000).cast(pl.Datetime("us", "UTC"))
        ),
        affiliate_id="affiliate_id",
        offer_id="offer_id",
        payout=pl.lit("4.50"),
        click_id="click_id",
        ip="ip",
        currency=pl.lit("EUR"),
    )
    for kind, rows in ((Kind.CLICKS, table), (Kind.CONVERSIONS, sales)):
        folder = root / "drop" / str(kind)
        folder.mkdir(parents=True, exist_ok=True)
        schema = {name: dtype for name, dtype in polars_schema(kind).items() if name in rows.columns}
        rows.with_columns(pl.col(name).cast(dtype) for name, dtype in schema.items()).write_parquet(
            folder / f"{day}.parquet"
        )


def night_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), clock(2), UTC)


def history(root: Path, days: int, clicks: int, conversions: int) -> None:
    """Take in the days before the night and judge them, as the nights before it would have."""
    for number in range(days):
        drop(root, FIRST + timedelta(days=number), clicks, conversions)
    workspace = open_workspace(root, SETTINGS)
    # the night after the last day takes all of it in and judges the newest `nightly.rejudge_days`
    nightly(workspace, night_of(FIRST + timedelta(days=days - 1)), silent_progress())


def timed(root: Path, day: date) -> dict[str, float]:
    """Run the night of that day in this process and measure it."""
    workspace = open_workspace(root, SETTINGS)
    began, before = time.perf_counter(), time.process_time()
    report = nightly(workspace, night_of(day), silent_progress())
    said = {stage.name: stage.message for stage in report.stages}
    failed = [stage for stage in report.stages if stage.status == "failed"]
    if failed:
        raise SystemExit(f"the night failed: {failed}")
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - before,
        "peak_mib": peak_mib(),
        "scan": said["scan"],
    }


def measure(root: Path, day: date, scratch: Path) -> dict[str, float]:
    copy = scratch / "copy"
    shutil.copytree(root, copy)
    try:
        command = [sys.executable, __file__, "--time", str(copy), "--day", day.isoformat()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
        return json.loads(done.stdout.splitlines()[-1])
    finally:
        shutil.rmtree(copy)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--clicks", type=int, default=20_000)
    options.add_argument("--conversions", type=int, default=600)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--time", type=Path)
    options.add_argument("--day", type=date.fromisoformat)
    chosen = options.parse_args()
    if chosen.time:
        print(json.dumps(timed(chosen.time, chosen.day)))
        return
    day = FIRST + timedelta(days=chosen.days)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        full, empty, twice = (scratch / name for name in ("full", "empty", "twice"))
        for root in (full, empty, twice):
            (root / "lists").mkdir(parents=True)
        history(full, chosen.days, chosen.clicks, chosen.conversions)
        for root, times in ((full, 1), (empty, 1), (twice, 2)):
            drop(root, day, times * chosen.clicks, times * chosen.conversions)
        for root in (empty, twice):
            shutil.copytree(full / "lists", root / "lists", dirs_exist_ok=True)
        print(f"| night | cpu s (median of {chosen.repeats}) | clock s | peak MiB | judged |")
        print("| --- | --- | --- | --- | --- |")
        cpu = {}
        nights = {"empty lake": empty, f"{chosen.days}-day lake": full, "empty lake, twice the events": twice}
        done: dict[str, list[dict[str, float]]] = {name: [] for name in nights}
        for _ in range(chosen.repeats):
            for name, root in nights.items():
                done[name].append(measure(root, day, scratch))
        for name, runs in done.items():
            middle = {key: statistics.median(run[key] for run in runs) for key in ("cpu", "seconds", "peak_mib")}
            cpu[name] = middle["cpu"]
            figures = f"{middle['cpu']:.2f} | {middle['seconds']:.2f} | {middle['peak_mib']:.0f}"
            print(f"| {name} | {figures} | {runs[0]['scan']} |")
        first, second, third = cpu.values()
        ratios = f"{second / first:.2f} on {chosen.days} days, {third / first:.2f} with twice the events"
        size = f"{chosen.clicks:,} clicks and {chosen.conversions:,} conversions a day"
        print(f"\nOf the processor time on an empty lake: {ratios}; {size}.")


if __name__ == "__main__":
    main()
