"""The queries that grow with a programme use an index, on both databases, and readers do not wait for the writer."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import polars as pl
import psycopg
import pytest
import store_writer as writer
from sqlalchemy import event

from screening.store import AuditEvent, Case, CaseEvent, open_store

LARGE = ("decisions", "sources", "audit_events", "ledger", "cases", "case_events", "letters", "letter_items")
"""Tables that grow night by night."""


@pytest.fixture
def store(store_url):
    with open_store(store_url) as opened:
        for number in range(3):
            run = writer.run_record(f"r{number}")
            opened.record_scan(run, writer.decisions(300, 100 * number), writer.sources(5), writer.caps(2))
        opened.audit.append(AuditEvent(writer.NOW, "test", "did", "case 1", {}))
        opened.cases.open(Case("conversion", "c1", writer.NOW, ("x",)), CaseEvent(writer.NOW, "test", "opened"))
        yield opened


QUERIES = {
    "newest decisions": lambda store: store.decisions_of([f"c{n}" for n in range(50)]),
    "decisions of a run": lambda store: store.decisions("r1"),
    "decisions of a source": lambda store: store.decisions_of_source("a1", "o1", "s1"),
    "sources of a run": lambda store: store.sources("latest"),
    "old holds": lambda store: store.held_since(writer.NOW + timedelta(days=1)),
    "released": lambda store: store.ledger.released([f"c{n}" for n in range(50)]),
    "sums of queues": lambda store: store.browse.cases.totals(),
    "queue": lambda store: store.cases.waiting("conversion"),
    "history of a case": lambda store: store.cases.history(1),
    "applications to tell": lambda store: store.listing.untold_applications("application", ("approve", "reject")),
    "letters to send": lambda store: store.outbox.due(writer.NOW),
    "what letters told": lambda store: store.outbox.told(pl.Series(["hold/c1", "hold/c2"])),
    "trail of a subject": lambda store: store.audit.events("case 1"),
    "end of the trail": lambda store: store.audit.append(AuditEvent(writer.NOW, "test", "did", "case 2", {})),
}


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_reads_a_whole_large_table(store, store_url, name):
    asked: list[tuple[str, object]] = []
    engine = store._database._engine

    @event.listens_for(engine, "before_cursor_execute")
    def _(_connection, _cursor, statement, parameters, _context, _many):
        if statement.lstrip().startswith("SELECT"):
            asked.append((statement, parameters))

    QUERIES[name](store)
    assert asked
    for statement, parameters in asked:
        for line in plan(store, store_url, statement, parameters):
            read_whole = [table for table in LARGE if f"Seq Scan on {table} " in f"{line} " or line == f"SCAN {table}"]
            assert not read_whole, f"{line}\n{statement}"


def plan(store, store_url, statement, parameters) -> list[str]:
    if store_url.startswith("postgresql"):
        with psycopg.connect(store_url) as connection:
            # tables this small would be read whole; so disabled, a whole reading shows only where no index helps
            connection.execute("SET enable_seqscan = off")
            return [row[0].strip(" ->") for row in connection.execute(f"EXPLAIN {statement}", parameters)]
    with store._database.reading() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row[3] for row in rows]


def test_many_readers_read_on_while_a_night_is_being_recorded(store, store_url):
    stop, slowest, failures = threading.Event(), [0.0], []

    def read() -> None:
        try:
            while not stop.is_set():
                began = time.monotonic()
                assert store.decisions_of(["c250"])["run_id"].to_list() == ["r2"]
                slowest[0] = max(slowest[0], time.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - told by the test, not lost in a thread
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(12)]
    for reader in readers:
        reader.start()
    with open_store(store_url) as night, night.together() as records:
        records.record_scan(writer.run_record("r3"), writer.decisions(3_000), writer.sources(5), writer.caps(2))
        time.sleep(1)  # the night's transaction stays open, and nobody waits for it
        stop.set()
        for reader in readers:
            reader.join()
    assert failures == []
    assert slowest[0] < 5
    assert store.decisions_of(["c250"])["run_id"].to_list() == ["r3"]
