"""The payout gate over HTTP beside a bare FastAPI endpoint: calls a second and waiting times, on loopback.

    python benchmarks/bench_http_gate.py --calls 4000 --together 32

Both are served by uvicorn in a process of their own, one after the other, and asked by the same client: one process,
`--together` connections, one conversion a call. The bare endpoint reads the same body with the same pydantic model and
says yes. The gate judges each conversion against a database with `--judged` decisions and, where it pays, writes run,
ledger, kept answer and audit event to the disk before it answers. Every call pays a conversion of its own.

Calls and time are bounded; nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

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
class Measured:
    name: str
    calls: int
    seconds: float
    waits: list[float]

    def line(self) -> dict[str, object]:
        parts = quantiles(self.waits, n=100)
        return {
            "what": self.name,
            "calls": self.calls,
            "calls_per_second": round(self.calls / self.seconds, 1),
            "p50_ms": round(parts[49] * 1000, 2),
            "p99_ms": round(parts[98] * 1000, 2),
        }


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


async def ask(port: int, key: str, numbers: list[int], waits: list[float]) -> None:
    """Send one call after the other over one connection, as plain HTTP/1.1: the client must not be what is measured."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        body = json.dumps({"conversions": [{"conversion_id": f"c{number}", "amount": "12.50", "currency": "EUR"}]})
        head = (
            f"POST /v1/payout/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
            f"Idempotency-Key: n{number}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        begun = time.perf_counter()
        writer.write((head + body).encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
        said = await reader.readexactly(length)
        waits.append(time.perf_counter() - begun)
        if b" 200 " not in answer or b'"pay"' not in said:
            raise RuntimeError(f"unexpected answer: {answer!r} {said!r}")
    writer.close()
    await writer.wait_closed()


async def load(port: int, key: str, first: int, calls: int, together: int) -> tuple[float, list[float]]:
    waits: list[float] = []
    shares = [list(range(first + part, first + calls, together)) for part in range(together)]
    begun = time.perf_counter()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await asyncio.gather(*(ask(port, key, share, waits) for share in shares if share))
    return time.perf_counter() - begun, waits


def measure(kind: str, root: Path, key: str, calls: int, together: int, first: int) -> Measured:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(kind, root, listening), daemon=True)
    server.start()
    try:
        port = listening.getsockname()[1]
        asyncio.run(load(port, key, first, together, together))  # warms up, and waits until the server answers
        seconds, waits = asyncio.run(load(port, key, first + together, calls, together))
    finally:
        server.terminate()
        server.join()
        listening.close()
    return Measured(f"{kind}, {together} together", calls, seconds, waits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000, choices=range(100, 20001), metavar="100..20000")
    parser.add_argument("--together", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--judged", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        key = prepare(root, asked.judged)
        first = 0
        for together in asked.together:
            calls = asked.calls if together > 1 else max(100, asked.calls // 10)
            rates = {}
            for kind in ("bare", "gate"):
                measured = measure(kind, root, key, calls, together, first)
                rates[kind] = measured.calls / measured.seconds
                print(json.dumps(measured.line()), flush=True)
            first += calls + together
            print(
                json.dumps({"together": together, "gate_of_bare": round(rates["gate"] / rates["bare"], 3)}), flush=True
            )


if __name__ == "__main__":
    main()
