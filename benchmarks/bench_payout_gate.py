"""Gate payout files of a quarter of a million, a million and three million lines, beside a bare Polars join of each.

    python benchmarks/bench_payout_gate.py [csv|parquet] [LINES ...]

Prints seconds, seconds of processor time and peak resident memory of each, every one in a process of its own. The bare
join reads the file and a Parquet file of the decisions and writes the joined lines: no ledger, no duplicates, no
staleness, nothing recorded.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from screening.jobs.payout import gate_payout
from screening.jobs.progress import silent_progress
from screening.store import CAPS, DECISIONS, SOURCES, RunRecord, open_store
from screening.workspace import open_workspace

LINES = (250_000, 1_000_000, 3_000_000)
HELD_EVERY = 20
"""One line in so many was held by the scan."""
ROW_GROUP = 100_000
KIB = 1024


def prepare(root: Path, lines: int) -> None:
    """Record a scan that judged all conversions, and write payout files that name each, and the decisions."""
    numbers = pl.int_range(lines, eager=True)
    held = numbers % HELD_EVERY == 0
    decisions = pl.select(
        conversion_id=pl.format("conversion-{}", numbers),
        affiliate_id=pl.format("a{}", numbers % 500),
        offer_id=pl.lit("o1"),
        sub_id=pl.format("s{}", numbers % 5_000),
        ts=pl.lit(datetime.now(UTC)).cast(DECISIONS["ts"]),
        payout=(numbers % 5_000).cast(DECISIONS["payout"]) / 100,
        currency=pl.lit("USD"),
        decision=pl.when(held).then(pl.lit("hold")).otherwise(pl.lit("pay")),
        score=pl.lit(0.1),
        p_value=pl.lit(0.5),
        reasons=pl.when(held).then(pl.lit(["ctct_short"])).otherwise(pl.lit([], pl.List(pl.String))),
        missing=pl.lit([], pl.List(pl.String)),
    ).cast({"payout": DECISIONS["payout"]})
    now = datetime.now(UTC)
    run = RunRecord("scan-1", "scan", "complete", now, now, None, None, None, {}, {}, {}, 0, {})
    with open_store(open_workspace(root, {}).store_url) as store:
        rest = (
            pl.DataFrame(schema=schema).drop(key, "run_id")
            for schema, key in ((SOURCES, "source_id"), (CAPS, "cap_id"))
        )
        store.record_scan(run, decisions, *rest)
    named = decisions.select("conversion_id", "payout", "currency", "affiliate_id", "offer_id", "sub_id")
    decisions.write_parquet(root / "decisions.parquet")
    named.write_csv(root / "in.csv")
    named.write_parquet(root / "in.parquet", row_group_size=ROW_GROUP)


def gate(root: Path, name: str) -> None:
    """Gate the file as `winnow payout gate` does."""
    now = datetime.now(UTC)
    gate_payout(open_workspace(root, {}), root / name, root / f"gated-{name}", {}, now, silent_progress())


def join(root: Path, name: str) -> None:
    """Join the file with the decisions, and write the lines."""
    decided = pl.scan_parquet(root / "decisions.parquet").select("conversion_id", "decision", "reasons")
    if name.endswith("csv"):
        lines = pl.scan_csv(root / name, infer_schema=False)
        told = decided.with_columns(pl.col("reasons").list.join(";"))
        lines.join(told, on="conversion_id", how="left", maintain_order="left").sink_csv(root / "joined.csv")
    else:
        lines = pl.scan_parquet(root / name)
        lines.join(decided, on="conversion_id", how="left", maintain_order="left").sink_parquet(root / "joined.parquet")


def measured(what: str, root: Path, argument: str) -> str:
    """Do one thing in a process of its own; return what it took."""
    command = [sys.executable, __file__, what, str(root), argument]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def do(what: str, root: Path, argument: str) -> None:
    """Do one thing and say what it took."""
    start = time.perf_counter()
    if what == "prepare":
        prepare(root, int(argument))
    elif what == "gate":
        gate(root, argument)
    else:
        join(root, argument)
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds, busy = time.perf_counter() - start, used.ru_utime + used.ru_stime
    print(f"{seconds:6.1f} s, {busy:6.1f} s of processor, {used.ru_maxrss / KIB:5,.0f} MiB at most")


def main(arguments: list[str]) -> None:
    """Measure all, or do one thing of it."""
    if arguments and arguments[0] in {"prepare", "gate", "join"}:
        do(arguments[0], Path(arguments[1]), arguments[2])
        return
    form = arguments.pop(0) if arguments and arguments[0] in {"csv", "parquet"} else "csv"
    for lines in [int(argument) for argument in arguments] or LINES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            measured("prepare", root, str(lines))
            size = (root / f"in.{form}").stat().st_size / KIB / KIB
            print(f"{lines:,} lines, {size:.0f} MiB of {form}")
            print(f"  bare Polars join      {measured('join', root, f'in.{form}')}")
            print(f"  winnow payout gate    {measured('gate', root, f'in.{form}')}")
            print(f"  the same batch again  {measured('gate', root, f'in.{form}')}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
