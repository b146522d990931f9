"""How benchmarks here measure: each way of doing a thing in processes of its own, in turns, several times.

A benchmark names its ways, winnow's among them, and what they are given. Each repetition is a new process, so that no
way inherits another's memory or caches; the ways take turns, so that what else the machine does falls on all alike.
Seconds are those of the work itself, without the interpreter's start and imports, but with whatever the way starts (a
Java machine, say). Peak memory is what the process and those it started held at most. One JSON file a benchmark in
benchmarks/results/ keeps the figures, the versions and the command; `run_all.py` makes docs/benchmarks.md of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PEERS = ("polars", "pandas", "numpy", "scikit-learn", "pyod", "pyspark", "duckdb", "scrapy", "fastapi", "geoip2fast",
         "ua-parser")  # fmt: skip
TIMEOUT_SECONDS = 600
WINNOW = "winnow"

Work = Callable[[Path], object]


@dataclass(frozen=True)
class Way:
    """One way of doing the thing: `work` is timed, `ready` before it is not; it makes of the data what `work` is given.

    `repeats` is how often it is done at most, for ways that take long; `against` the way whose time its own is divided
    by, if not the benchmark's.
    """

    work: Work
    ready: Callable[[Path], Path] = lambda data: data
    repeats: int = 99
    against: str | None = None


@dataclass(frozen=True)
class Bench:
    """A benchmark: `prepare` makes the data of a size in a folder, all `ways` are given it.

    `against` is the way that ratios are taken against, by default winnow's own.
    """

    name: str
    title: str
    prepare: Callable[[Path, int], None]
    size: int
    unit: str
    ways: Mapping[str, Way]
    notes: Sequence[str] = field(default_factory=tuple)
    against: str = WINNOW


def run(bench: Bench) -> None:
    """Be the benchmark's program: measure all ways, or in a child do one of them."""
    options = argparse.ArgumentParser(description=bench.title)
    options.add_argument("--size", type=count_of, default=bench.size, help=f"{bench.unit}, as 250k or 10M")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--ways", help="only these, separated by commas")
    options.add_argument("--data", type=Path, help="keep the data here, and use what is here already")
    options.add_argument("--out", type=Path, default=RESULTS / f"bench_{bench.name}.json")
    options.add_argument("--way", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.way:
        print(json.dumps(_done(bench.ways[chosen.way], chosen.data)))
        return
    names = chosen.ways.split(",") if chosen.ways else list(bench.ways)
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as scratch:
        data = chosen.data or Path(scratch)
        ready = data / f".prepared-{chosen.size}"
        if not ready.exists():
            data.mkdir(parents=True, exist_ok=True)
            began = time.perf_counter()
            bench.prepare(data, chosen.size)
            ready.touch()
            print(f"data: {chosen.size:,} {bench.unit} in {time.perf_counter() - began:.1f} s", flush=True)
        runs = _turns(bench, names, data, chosen.repeats)
    write(bench, runs, chosen.size, chosen.out)


def _turns(bench: Bench, names: Sequence[str], data: Path, repeats: int) -> dict[str, list[dict[str, Any]]]:
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for turn in range(repeats):
        for name in names:
            if turn >= bench.ways[name].repeats or any("failed" in done for done in runs[name]):
                continue
            command = [sys.executable, sys.argv[0], "--way", name, "--data", str(data)]
            try:
                child = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True)
                done = json.loads(child.stdout.splitlines()[-1])
            except (subprocess.SubprocessError, ValueError, IndexError) as error:
                said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
                done = {"failed": said[-1] if said else type(error).__name__}
            runs[name].append(done)
            print(f"{name}: {json.dumps(done)}", flush=True)
    return runs


def _done(way: Way, data: Path) -> dict[str, Any]:
    given = way.ready(data)
    began, used = time.perf_counter(), os.times()
    found = way.work(given)
    peak = peak_mib()
    seconds, now = time.perf_counter() - began, os.times()
    cpu = sum(now[:4]) - sum(used[:4])
    return {"seconds": seconds, "cpu": cpu, "peak_mib": peak, "found": found}


def peak_mib() -> float:
    """Return what this process and those below it have held at most, MiB.

    Not `ru_maxrss`, which a process takes over from the one that started it.
    """
    return sum(_high_water(process) for process in (os.getpid(), *_below(os.getpid()))) / 1024


def _high_water(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _below(process: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{process}/task").iterdir()
        own = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return [*own, *(grandchild for child in own for grandchild in _below(child))]


def write(bench: Bench, runs: Mapping[str, Sequence[Mapping[str, Any]]], size: int, out: Path) -> None:
    """Sum the repetitions up, print them, and write them down."""
    rows = {name: summed(done) for name, done in runs.items()}
    for name, row in rows.items():
        row["against"] = bench.ways[name].against or bench.against
        base = rows.get(row["against"], {}).get("median")
        row["ratio"] = row["median"] / base if base and row.get("median") else None
    result = {
        "name": bench.name,
        "title": bench.title,
        "size": size,
        "unit": bench.unit,
        "against": bench.against,
        "notes": list(bench.notes),
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "at": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": _versions(),
        "ways": rows,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n")
    print("\n" + table(result))


def summed(done: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return median, least and most seconds, median processor seconds, the highest peak, and what was found."""
    failed = next((one["failed"] for one in done if "failed" in one), None)
    if failed or not done:
        return {"failed": failed or "not run"}
    seconds = [one["seconds"] for one in done]
    return {
        "repeats": len(done),
        "median": statistics.median(seconds),
        "min": min(seconds),
        "max": max(seconds),
        "cpu": statistics.median(one["cpu"] for one in done),
        "peak_mib": max(one["peak_mib"] for one in done),
        "found": done[-1].get("found"),
    }


def table(result: Mapping[str, Any]) -> str:
    """Return a result as a Markdown table."""
    head = f"| {result['size']:,} {result['unit']} | median s | min-max s | processor s | peak MiB | "
    lines = [head + f"of {result['against']}'s time |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for name, row in result["ways"].items():
        if "failed" in row:
            lines.append(f"| {name} | failed: {row['failed'][:80]} | | | | |")
            continue
        ratio = f"{row['ratio']:.3g}" if row["ratio"] else ""
        if ratio and row["against"] != result["against"]:
            ratio += f" ({row['against']})"
        span = f"{row['min']:.2f}-{row['max']:.2f}" if row["repeats"] > 1 else "once"
        figures = f"{row['median']:.2f} | {span} | {row['cpu']:.1f} | {row['peak_mib']:,.0f} | {ratio}"
        lines.append(f"| {name} | {figures} |")
    return "\n".join(lines)


def count_of(text: str) -> int:
    """Read `10M`, `250k` or a plain number."""
    units = {"k": 1_000, "M": 1_000_000}
    return int(float(text[:-1]) * units[text[-1]]) if text[-1] in units else int(text)


def _versions() -> dict[str, str]:
    found = {}
    for package in (WINNOW, *PEERS):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
