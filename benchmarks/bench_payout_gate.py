"""Gate a payout file of a million lines, beside a bare Polars join with the same decisions.

    python benchmarks/bench_payout_gate.py --size 1M

The bare join reads the file and a Parquet file of the decisions and writes the joined lines: no ledger, no duplicates,
no staleness, nothing recorded.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from measuring import WINNOW, Bench, Way, run

from screening.jobs.payout import gate_payout
from screening.jobs.progress import silent_progress
from screening.store import CAPS, DECISIONS, SOURCES, RunRecord, open_store
from screening.workspace import open_workspace

HELD_EVERY = 20
"""One line in so many was held by the scan."""
ROW_GROUP = 100_000


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


def fresh(folder: Path) -> Path:
    """Copy the workspace, so that no repetition finds the ledger of another."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy, ignore=lambda _, names: {"copy", *(n for n in names if n.startswith("gated"))})
    return copy


def again(folder: Path) -> Path:
    """Copy the workspace and gate the file once, in another process."""
    command = [sys.executable, __file__, "--way", WINNOW, "--data", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "copy"


BENCH = Bench(
    name="payout_gate",
    title="Payout gate: a file of conversions in, the same lines with decisions out",
    prepare=prepare,
    size=1_000_000,
    unit="lines",
    ways={
        WINNOW: Way(lambda root: gate(root, "in.csv"), fresh),
        "winnow, the same file again": Way(lambda root: gate(root, "in.csv"), again, repeats=1),
        "polars join": Way(lambda root: join(root, "in.csv")),
        "winnow, Parquet": Way(lambda root: gate(root, "in.parquet"), fresh, against="winnow, Parquet"),
        "polars join, Parquet": Way(lambda root: join(root, "in.parquet"), against="winnow, Parquet"),
    },
    notes=("The bare join knows no ledger, no duplicate and no stale judgement, and records nothing.",),
)

if __name__ == "__main__":
    sys.exit(run(BENCH))
