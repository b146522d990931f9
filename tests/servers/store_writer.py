"""A process that writes to a store, for tests that run several of them or kill one.

open URL                     open the store
scan URL RUN ROWS [TABLE]    record a scan; with TABLE say `there` after its rows are written, and then wait
audit URL ACTOR EVENTS       append events to the audit trail
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime

import polars as pl

from screening.store import CAPS, DECISIONS, SOURCES, AuditEvent, RunRecord, Store, open_store

NOW = datetime(2026, 3, 1, 2, 0, 0, 123456, UTC)


def run_record(run_id: str, **changed: object) -> RunRecord:
    values = {
        "run_id": run_id,
        "command": "scan",
        "status": "complete",
        "started_at": NOW,
        "finished_at": NOW.replace(microsecond=999999),
        "period_from": date(2026, 2, 1),
        "period_to": date(2026, 2, 28),
        "lake_version": 7,
        "inputs": {"conversions/2026-02-01/part.parquet": "ab" * 32},
        "settings": {"engine": "polars", "decisions": {"clean_share_of_held_max": 0.005}},
        "versions": {"winnow": "0.1.0"},
        "seed": 2**40,
        "counts": {"conversions": 3},
    }
    return RunRecord(**{**values, **changed})  # type: ignore[arg-type]


def decisions(rows: int, start: int = 0, **changed: object) -> pl.DataFrame:
    numbers = pl.int_range(start, start + rows, eager=True)
    columns = {
        "conversion_id": pl.lit("c") + numbers.cast(pl.String),
        "affiliate_id": pl.lit("a1"),
        "offer_id": pl.lit("o1"),
        "sub_id": pl.lit("s1"),
        "ts": pl.lit(NOW).cast(DECISIONS["ts"]),
        "payout": numbers.cast(pl.Decimal(18, 4)),
        "currency": pl.lit("USD"),
        "decision": pl.lit("hold"),
        "score": pl.lit(0.9),
        "p_value": pl.lit(0.01),
        "reasons": pl.lit(["short_click_to_conversion"]),
        "missing": pl.lit(["ip"]),
        "reason_details": pl.lit('[{"code":"short_click_to_conversion"}]'),
    }
    frame = pl.select(numbers=numbers).select(**columns).with_columns(**changed)
    return frame.cast({name: DECISIONS[name] for name in frame.columns})


def sources(rows: int) -> pl.DataFrame:
    source = {
        "affiliate_id": "a1",
        "offer_id": "o1",
        "sub_id": None,
        "from": date(2026, 2, 1),
        "to": date(2026, 2, 28),
        "clicks": None,
        "conversions": 3,
        "payout": None,
        "score": 0.5,
        "p_value": None,
        "flagged": True,
        "bad_share": 0.4,
        "bad_share_low": 0.2,
        "bad_share_high": 0.6,
        "reasons": ["short_click_to_conversion"],
        "missing": ["ip", "user_agent"],
        "reason_details": None,
    }
    schema = {name: SOURCES[name] for name in source}
    return pl.DataFrame([source] * rows, schema=schema).with_columns(
        payout=pl.int_range(pl.len()).cast(SOURCES["payout"])
    )


def caps(rows: int) -> pl.DataFrame:
    cap = {
        "affiliate_id": None,
        "offer_id": "o1",
        "cap_type": "daily_payout",
        "current": None,
        "recommended": None,
        "action": "keep",
        "expected_saving": None,
        "saving_low": None,
        "saving_high": None,
        "expires_at": NOW,
        "reasons": [],
        "status": "proposed",
    }
    return pl.DataFrame([cap] * rows, schema={name: CAPS[name] for name in cap})


def record(store: Store, run_id: str, rows: int) -> None:
    store.record_scan(run_record(run_id), decisions(rows), sources(rows), caps(rows))


def _wait_after(store: Store, table_name: str) -> None:
    backend = store._judgements._access.backend
    insert = backend.insert

    def insert_and_wait(connection, table, frame):
        insert(connection, table, frame)
        if table.name == table_name:
            sys.stdout.write("there\n")
            sys.stdout.flush()
            time.sleep(60)

    backend.insert = insert_and_wait


def main(verb: str, url: str, *rest: str) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with open_store(url) as store:
        if verb == "scan":
            if len(rest) > 2:
                _wait_after(store, rest[2])
            record(store, rest[0], int(rest[1]))
        if verb == "audit":
            for number in range(int(rest[1])):
                store.audit.append(AuditEvent(NOW, rest[0], "count", "test", {"number": number}))


if __name__ == "__main__":
    main(*sys.argv[1:])
