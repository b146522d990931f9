"""The payout gate over HTTP beside a bare FastAPI endpoint: calls a second and waiting times, on loopback.

    python benchmarks/bench_http_gate.py --calls 2000 --repeats 3

Both are served by uvicorn, each in a process of its own, and asked in turns by the same client: one process, so many
connections, so many conversions a call. The bare endpoint reads the same body with the same pydantic model and says
yes. The gate judges each conversion against a database of judged ones and, where it pays, writes run, ledger, kept
answer and audit event to the disk before it answers. Every call pays conversions of its own.

Calls and time are bounded; nothing leaves this machine. What comes to standard output is a table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles

import polars as pl
import uvicorn
from fastapi import FastAPI

from screening.console.api.payouts import PayoutAsked
from screening.console.app import build_app
from screening.jobs.keys import Scope, issue_key
from screening.store import CAPS, SOURCES, RunRecord, open_store
from screening.store.frames import DECISIONS
from screening.workspace import open_workspace

NOW = datetime.now(UTC)
TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Load:
    """So many connections at once, and so many conversions in each call."""

    together: int
    lines: int


LOADS = (Load(1, 1), Load(32, 1), Load(32, 50))


@dataclass
class Rounds:
    """What was measured of one server under one load."""

    rates: list[float] = field(default_factory=list)
    """Calls a second, of each round."""
    processor: list[float] = field(default_factory=list)
    """Processor milliseconds of the server for a call, of each round."""
    waits: list[float] = field(default_factory=list)
    """Seconds of every call."""

    def cells(self, load: Load) -> str:
        """Return the cells of the table's row."""
        parts = quantiles(self.waits, n=100)
        span = f"{min(self.rates):.0f}-{max(self.rates):.0f}"
        return (
            f"{median(self.rates):.0f} | {span} | {median(self.rates) * load.lines:.0f} | {parts[49] * 1000:.1f} | "
            f"{parts[98] * 1000:.1f} | {median(self.processor):.2f}"
        )


def prepare(root: Path, judged: int) -> str:
    """Make a workspace whose scan pays every conversion; return an API key."""
    workspace = open_workspace(root, {})
    numbers = pl.int_range(judged, eager=True)
    decisions = pl.select(
        conversion_id=pl.lit("c") + numbers.cast(pl.String),
        affiliate_id=pl.lit("a1"),
        offer_id=pl.lit("o1"),
        sub_id=pl.lit("s1"),
        ts=pl.lit(NOW).cast(DECISIONS["ts"]),
        payout=pl.lit("12.50").cast(pl.Decimal(18, 4)),
        currency=pl.lit("EUR"),
        decision=pl.lit("pay"),
        score=pl.lit(0.01),
        p_value=pl.lit(0.9),
        reasons=pl.lit([], pl.List(pl.String)),
        missing=pl.lit([], pl.List(pl.String)),
        reason_details=pl.lit(None, pl.String),
    )
    times = {"started_at": NOW - timedelta(minutes=1), "finished_at": NOW}
    run = RunRecord(
        run_id="scan-bench", command="scan", status="complete", **times, period_from=None, period_to=None,
        lake_version=None, inputs={}, settings={}, versions={}, seed=0, counts={},
    )  # fmt: skip
    empty = {"source_id", "cap_id", "run_id"}
    with open_store(workspace.store_url) as store:
        store.record_scan(
            run,
            decisions,
            *(pl.DataFrame(schema={k: v for k, v in schema.items() if k not in empty}) for schema in (SOURCES, CAPS)),
        )
        return issue_key(store, "bench", [Scope.PAYOUTS_DECIDE], "bench", NOW).token


def bare_app() -> FastAPI:
    app = FastAPI()

    @app.post("/v1/payout/decisions")
    async def say_yes(asked: PayoutAsked) -> dict[str, object]:
        return {"decisions": [{"conversion_id": line.conversion_id, "decision": "pay"} for line in asked.conversions]}

    return app


def serve(kind: str, root: Path, listening: socket.socket) -> None:
    app = bare_app() if kind == "bare" else build_app(open_workspace(root, {}), lambda: datetime.now(UTC))
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listening])


async def ask(port: int, key: str, calls: Sequence[range], waits: list[float]) -> None:
    """Send one call after the other over one connection, as plain HTTP/1.1: the client must not be what is measured."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for numbers in calls:
        lines = [{"conversion_id": f"c{number}", "amount": "12.50", "currency": "EUR"} for number in numbers]
        body = json.dumps({"conversions": lines})
        head = (
            f"POST /v1/payout/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
            f"Idempotency-Key: n{numbers[0]}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        begun = time.perf_counter()
        writer.write((head + body).encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
        said = await reader.readexactly(length)
        waits.append(time.perf_counter() - begun)
        if b" 200 " not in answer or said.count(b'"pay"') < len(numbers):
            raise RuntimeError(f"unexpected answer: {answer!r} {said!r}")
    writer.close()
    await writer.wait_closed()


async def load_with(port: int, key: str, load: Load, calls: Sequence[range]) -> tuple[float, list[float]]:
    waits: list[float] = []
    begun = time.perf_counter()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await asyncio.gather(*(ask(port, key, calls[part :: load.together], waits) for part in range(load.together)))
    return time.perf_counter() - begun, waits


class Fresh:
    """Conversions that no call asked about yet."""

    def __init__(self) -> None:
        self._next = 0

    def calls(self, count: int, load: Load) -> list[range]:
        """Return what so many calls ask about."""
        first, self._next = self._next, self._next + count * load.lines
        return [range(start, start + load.lines) for start in range(first, self._next, load.lines)]


@contextmanager
def serving(kind: str, root: Path) -> Iterator[tuple[int, int]]:
    """Serve in a process of its own; give its port and process id."""
    # as `winnow serve` does: only where TCP is named does asyncio send at once
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(kind, root, listening), daemon=True)
    server.start()
    try:
        yield listening.getsockname()[1], server.pid or 0
    finally:
        server.terminate()
        server.join()
        listening.close()


def measure(
    servers: dict[str, tuple[int, int]], fresh: dict[str, Fresh], key: str, load: Load, rounds: tuple[int, int]
) -> dict[str, Rounds]:
    """Ask the servers in turns, so that whatever else the machine does befalls both. `rounds`: how many, of what."""
    found = {kind: Rounds() for kind in servers}
    times, calls = rounds
    for _ in range(times):
        for kind, (port, process) in servers.items():
            # warms up, and waits until the server answers
            asyncio.run(load_with(port, key, load, fresh[kind].calls(load.together, load)))
            used = processor_seconds(process)
            seconds, waits = asyncio.run(load_with(port, key, load, fresh[kind].calls(calls, load)))
            used = processor_seconds(process) - used
            found[kind].rates.append(calls / seconds)
            found[kind].processor.append(used / calls * 1000)
            found[kind].waits.extend(waits)
            print(f"{kind}, {load}: {calls / seconds:.0f} calls a second", file=sys.stderr, flush=True)
    return found


def processor_seconds(process: int) -> float:
    """User and system time of a process (proc(5), fields 14 and 15 of stat, in clock ticks)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000, choices=range(100, 20001), metavar="100..20000")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    counts = {load: max(100, asked.calls // (1 if load == Load(32, 1) else 10)) for load in LOADS}
    judged = sum(asked.repeats * load.lines * (count + load.together) for load, count in counts.items())
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        key = prepare(root, judged)
        print("| connections, conversions a call | calls/s | rounds | conversions/s | p50 ms | p99 ms | processor ms |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        ratios = []
        fresh = {"bare": Fresh(), "gate": Fresh()}
        with serving("bare", root) as bare, serving("gate", root) as gate:
            for load, count in counts.items():
                found = measure({"bare": bare, "gate": gate}, fresh, key, load, (asked.repeats, count))
                for kind, rounds in found.items():
                    print(f"| {kind}, {load.together} and {load.lines} | {rounds.cells(load)} |", flush=True)
                rates = [one / other for one, other in zip(found["gate"].rates, found["bare"].rates, strict=True)]
                ratios.append(f"{median(rates):.2f} at {load.together} and {load.lines}")
    print(f"\nThe gate's calls a second, of the bare endpoint's in the same round: {', '.join(ratios)}.")
    print(f"{judged:,} judged conversions; uvicorn {version('uvicorn')}, fastapi {version('fastapi')}.")


if __name__ == "__main__":
    main()
