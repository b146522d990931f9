"""How long the store takes to record a large scan, to read it back, and to look up its conversions.

    python benchmarks/record_scan.py sqlite:////tmp/winnow.db --rows 300000
    python benchmarks/record_scan.py postgresql://user:password@host/database --rows 300000

The database should be empty. Two scans are recorded, so that every conversion has an older judgement too.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import polars as pl

from screening.store import CAPS, DECISIONS, SOURCES, RunRecord, open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rows", type=int, default=300_000)
    arguments = parser.parse_args()
    decisions = _decisions(arguments.rows)
    print(f"{arguments.rows:,} decisions, {decisions.estimated_size('mb'):.0f} MB as a frame")
    nothing = {table: pl.DataFrame(schema=_given(schema)) for table, schema in (("s", SOURCES), ("c", CAPS))}
    with open_store(arguments.url) as store:
        for number in range(2):
            with _timed(f"record_scan, scan {number + 1}"):
                store.record_scan(_run(f"scan-{time.time_ns()}"), decisions, nothing["s"], nothing["c"])
        with _timed("decisions"):
            read = store.decisions("latest")
        if not read.drop("run_id").equals(decisions.sort("conversion_id")):
            raise SystemExit("what came back is not what was recorded")
        del read
        with _timed("decisions_of, all of them"):
            found = store.decisions_of(decisions["conversion_id"])
        print(f"{found.height:,} found; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _decisions(rows: int) -> pl.DataFrame:
    number = pl.int_range(rows, dtype=pl.UInt64)
    scattered = number.hash(seed=1)
    columns = {
        "conversion_id": pl.format("{}-{}", scattered, number),
        "affiliate_id": pl.format("a{}", scattered % 500),
        "offer_id": pl.format("o{}", scattered % 50),
        "sub_id": pl.format("s{}", scattered % 5000),
        "ts": pl.lit(NOW) + pl.duration(microseconds=(scattered % 86_400_000_000).cast(pl.Int64)),
        "payout": (scattered % 1000).cast(pl.Decimal(18, 4)),
        "currency": pl.lit("USD"),
        "decision": pl.lit("hold"),
        "score": (scattered % 1009) / 1009,
        "p_value": (scattered % 1013) / 1013,
        "reasons": pl.lit(["short_click_to_conversion", "hosting_address"]),
        "missing": pl.lit(["ip"]),
        "reason_details": pl.lit('[{"code":"short_click_to_conversion","numbers":{"share":0.41,"norm":0.02}}]'),
    }
    frame = pl.select(number=number).select(**columns)
    return frame.cast({name: DECISIONS[name] for name in frame.columns})


def _given(schema: pl.Schema) -> dict[str, pl.DataType]:
    return {name: kind for name, kind in schema.items() if name not in {"run_id", "source_id", "cap_id"}}


def _run(run_id: str) -> RunRecord:
    return RunRecord(
        run_id, "scan", "complete", NOW, NOW, date(2026, 1, 1), date(2026, 1, 1), 1, {}, {}, {"winnow": "0"}, 1, {}
    )


@contextmanager
def _timed(what: str) -> Iterator[None]:
    begun, used = time.perf_counter(), time.process_time()
    yield
    wall, processor = time.perf_counter() - begun, time.process_time() - used
    print(f"{what}: {wall:.1f} s ({processor:.1f} s of this process's processor time)")


if __name__ == "__main__":
    main()
