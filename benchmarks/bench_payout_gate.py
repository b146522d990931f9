"""Gate a payout file of a million lines, beside a bare Polars join of the same lines with the same decisions.

    python benchmarks/bench_payout_gate.py [LINES]

Prints seconds and peak resident memory of each, every one in a process of its own. The bare join reads the file and a
Parquet file of the decisions and writes the joined lines: no ledger, no duplicates, no staleness, nothing recorded.
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

LINES = 1_000_000
HELD_EVERY = 20
"""One line in so many was held by the scan."""
KIB = 1024


def prepare(root: Path, lines: int) -> None:
    """Record a scan that judged all conversions, and write a payout file that names each, and the decisions."""
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
    decisions.write_parquet(root / "decisions.parquet")
    decisions.select("conversion_id", "payout", "currency", "affiliate_id", "offer_id", "sub_id").write_csv(
        root / "in.csv"
    )


def gate(root: Path) -> None:
    """Gate the file as `winnow payout gate` does."""
    now = datetime.now(UTC)
    gate_payout(open_workspace(root, {}), root / "in.csv", root / "gated.csv", {}, now, silent_progress())


def join(root: Path) -> None:
    """Join the file with the decisions, and write the lines."""
    decided = pl.scan_parquet(root / "decisions.parquet").select(
        "conversion_id", "decision", pl.col("reasons").list.join(";")
    )
    lines = pl.scan_csv(root / "in.csv", infer_schema=False)
    lines.join(decided, on="conversion_id", how="left", maintain_order="left").sink_csv(root / "joined.csv")


def measured(what: str, root: Path) -> str:
    """Run one of the two in a process of its own."""
    command = [sys.executable, __file__, what, str(root)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main(arguments: list[str]) -> None:
    """Measure both, or do one of them and say what it took."""
    if arguments and arguments[0] in {"gate", "join"}:
        start = time.perf_counter()
        {"gate": gate, "join": join}[arguments[0]](Path(arguments[1]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB
        print(f"{time.perf_counter() - start:.1f} s, {peak:,.0f} MiB at most")
        return
    lines = int(arguments[0]) if arguments else LINES
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        prepare(root, lines)
        print(f"{lines:,} lines, {(root / 'in.csv').stat().st_size / KIB / KIB:.0f} MiB")
        print(f"bare Polars join     {measured('join', root)}")
        print(f"winnow payout gate   {measured('gate', root)}")
        print(f"the same file again  {measured('gate', root)}")


if __name__ == "__main__":
    main(sys.argv[1:])
