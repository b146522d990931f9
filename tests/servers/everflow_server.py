"""A server that speaks the part of Everflow's network API that winnow uses, with its documented limits and failures.

It keeps custom caps and conversions in memory and counts how often each was changed. `faults` makes the next writing
calls go wrong. Statuses change some time after the answer, as the documentation says.
"""

from __future__ import annotations

import json
import ssl
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import trustme

KEY = "everflow-key-of-the-tests"
CLICKS_MAX = 10_000
LONGEST = timedelta(days=14)
CAP_FIELDS = {
    f"{span}_{measure}_cap"
    for span in ("daily", "weekly", "monthly", "global")
    for measure in ("click", "conversion", "payout", "revenue")
}


@dataclass
class Account:
    """What the server knows. `faults` holds for the next writing calls, in turn: see `Handler._write`."""

    conversions: dict[str, dict[str, Any]] = field(default_factory=dict)
    clicks: list[dict[str, Any]] = field(default_factory=list)
    caps: dict[int, dict[str, Any]] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refuse_next: int = 0
    retry_after: str | None = "0"
    delay_seconds: float = 0.0
    moved_to: str | None = None
    silence_seconds: float = 1.5
    applied: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def add(self, conversion_id: str, status: str = "pending", at: int = 1_770_000_000, **more: Any) -> None:
        relationship = {"affiliate": {"network_affiliate_id": 7}, "offer": {"network_offer_id": 3}}
        row = {"conversion_id": conversion_id, "status": status, "conversion_unix_timestamp": at, "payout": 12.5}
        self.conversions[conversion_id] = {**row, "currency_id": "USD", "relationship": relationship, **more}

    def cap(self, affiliate: int, offer: int) -> dict[str, Any] | None:
        for cap in self.caps.values():
            if (cap["network_affiliate_id"], cap["network_offer_id"]) == (affiliate, offer):
                return cap
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    account: Account

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._dispatch("GET")

    def do_POST(self) -> None:
        self._dispatch("POST")

    def do_PATCH(self) -> None:
        self._dispatch("PATCH")

    def _dispatch(self, method: str) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        path = urlsplit(self.path)
        self.account.calls.append((method, path.path))
        if self.headers.get("X-Eflow-Api-Key") != KEY:
            return self._answer(401, {"Error": "invalid API key"})
        with self.account.lock:
            refused = self.account.refuse_next > 0
            self.account.refuse_next -= refused
        if refused:
            headers = {} if self.account.retry_after is None else {"Retry-After": self.account.retry_after}
            return self._answer(429, {"Error": "too many requests"}, headers)
        if self.account.moved_to is not None:
            return self._answer(302, {}, {"Location": self.account.moved_to})
        query = {name: values[0] for name, values in parse_qs(path.query).items()}
        return self._route(method, path.path.removeprefix("/v1/networks"), query, body)

    def _route(self, method: str, path: str, query: dict[str, str], body: Any) -> None:
        conversions = "/reporting/conversions"
        if method == "GET" and path.startswith(f"{conversions}/"):
            found = self.account.conversions.get(unquote(path.rpartition("/")[2]))
            return self._answer(200, found) if found else self._answer(404, {"Error": "not found"})
        if (method, path) == ("PATCH", conversions):
            return self._write(lambda: self._set_statuses(body))
        if (method, path) == ("POST", conversions):
            return self._search(query, body)
        if (method, path) == ("POST", "/reporting/clicks/stream"):
            return self._stream(body)
        if path == "/custom/caps":
            if method == "GET":
                return self._list_caps(query)
            return self._write(lambda: self._create_cap(body) if method == "POST" else self._change_caps(body))
        return self._answer(404, {"Error": f"no {path}"})

    def _write(self, work: Any) -> None:
        with self.account.lock:
            fault = self.account.faults.pop(0) if self.account.faults else ""
        if fault == "500":
            return self._answer(500, {"Error": "before anything was done"})
        if fault == "true and nothing":
            return self._answer(200, {"result": True})
        if fault == "false":
            return self._answer(200, {"result": False})
        if fault == "hang up":
            self.close_connection = True
            return self.connection.shutdown(2)
        status, answer = work()
        if fault == "500 after applying":
            return self._answer(500, {"Error": "after everything was done"})
        if fault == "silent after applying":
            self.account.applied.set()
            time.sleep(self.account.silence_seconds)
            self.close_connection = True
            return None
        return self._answer(status, answer)

    def _set_statuses(self, body: Any) -> tuple[int, Any]:
        if body["conversion_status"] not in ("approved", "rejected"):
            return 400, {"Error": "conversion_status must be approved or rejected"}
        if any(name.startswith("poison") for name in body["conversion_ids"]):
            return 400, {"Error": "a conversion cannot be changed"}

        def make() -> None:
            time.sleep(self.account.delay_seconds)
            for name in body["conversion_ids"]:
                if name in self.account.conversions:
                    self.account.conversions[name]["status"] = body["conversion_status"]
                    self.account.changes[name] += 1

        if self.account.delay_seconds:
            Thread(target=make, daemon=True).start()
        else:
            make()
        return 200, {"result": True}

    def _create_cap(self, body: Any) -> tuple[int, Any]:
        number = len(self.account.caps) + 1
        self.account.caps[number] = {"network_custom_cap_setting_id": number, **body}
        self.account.changes[f"cap {body['network_affiliate_id']} {body['network_offer_id']}"] += 1
        return 200, self.account.caps[number]

    def _change_caps(self, body: Any) -> tuple[int, Any]:
        for number in body["network_custom_cap_setting_ids"]:
            cap = self.account.caps[number]
            for changed in body["fields"]:
                if changed["field_type"] not in CAP_FIELDS or not isinstance(changed["field_value"], int):
                    return 400, {"Error": "unknown field"}
                cap[changed["field_type"]] = changed["field_value"]
            self.account.changes[f"cap {cap['network_affiliate_id']} {cap['network_offer_id']}"] += 1
        return 200, {"result": True}

    def _list_caps(self, query: dict[str, str]) -> None:
        page, size = int(query.get("page", 1)), int(query.get("page_size", 50))
        wanted = {name[7:-1]: value for name, value in query.items() if name.startswith("filter[")}
        found = [
            cap
            for cap in self.account.caps.values()
            if all(str(cap.get(name)) == value for name, value in wanted.items())
        ]
        self._answer(200, {"caps": found[(page - 1) * size : page * size], "paging": {"total_count": len(found)}})

    def _search(self, query: dict[str, str], body: Any) -> None:
        page, size = int(query.get("page", 1)), int(query.get("page_size", 50))
        rows = _within(self.account.conversions.values(), "conversion_unix_timestamp", body)
        rows.sort(key=lambda row: (row["conversion_unix_timestamp"], row["conversion_id"]))
        part = rows[(page - 1) * size : page * size]
        self._answer(200, {"conversions": part, "paging": {"page": page, "total_count": len(rows)}})

    def _stream(self, body: Any) -> None:
        if _moment(body["to"]) - _moment(body["from"]) > LONGEST:
            return self._answer(400, {"Error": "at most 14 days"})
        rows = _within(self.account.clicks, "unix_timestamp", body)
        return self._answer(200, {"clicks": rows[:CLICKS_MAX]})

    def _answer(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        named = {"Content-Type": "application/json", "Content-Length": str(len(data)), "X-RateLimit-Limit": "600"}
        for name, value in {**named, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@dataclass(frozen=True)
class EverflowServer:
    """A running server: its address, the certificate to trust, and its account."""

    url: str
    ca_pem: bytes
    account: Account


@contextmanager
def everflow_server() -> Iterator[EverflowServer]:
    """Run a server over TLS on a free port."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    account = Account()
    server = _Server(("localhost", 0), type("Bound", (Handler,), {"account": account}))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield EverflowServer(f"https://localhost:{server.server_address[1]}/v1", authority.cert_pem.bytes(), account)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that dies or gives up is what the tests are about."""


def _within(rows: Iterable[dict[str, Any]], name: str, body: Any) -> list[dict[str, Any]]:
    first, last = _moment(body["from"]).timestamp(), _moment(body["to"]).timestamp()
    return [row for row in rows if first <= row[name] <= last]


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
