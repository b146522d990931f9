"""Services of others on loopback addresses, speaking what the real ones speak: RDAP, CDX, Safe Browsing, plain pages.

One port; what answers is told by the Host header. Each question is remembered with its headers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import parse_qs, urlsplit

ADDRESS = "127.81.0.1"
NETWORK = "127.81.0.0/16"


@dataclass(frozen=True)
class Said:
    """An answer; `drip` is the pause before each byte of the body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0


@dataclass(frozen=True)
class Asked:
    host: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]


Speaks = Callable[[Asked], Said]


class Town:
    """All services of a test: `services` by host name, `asked` in order."""

    def __init__(self) -> None:
        self.services: dict[str, Speaks] = {}
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        self._server = _Server((ADDRESS, 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    def url(self, host: str, path: str = "/") -> str:
        return f"http://{host}:{self.port}{path}"

    def questions(self, host: str) -> list[Asked]:
        return [item for item in self.asked if item.host == host and item.path != "/robots.txt"]

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def running_town() -> Iterator[Town]:
    town = Town()
    try:
        yield town
    finally:
        town.close()


def as_json(data: object, status: int = 200, kind: str = "application/json", **headers: str) -> Said:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(json.dumps(data).encode(), status, {"Content-Type": kind, **named})


def bootstrap(servers: dict[str, str]) -> dict[str, object]:
    """The list of IANA (RFC 9224), as https://data.iana.org/rdap/dns.json has it."""
    return {
        "description": "RDAP bootstrap file for Domain Name System registrations",
        "publication": "2026-11-20T19:00:01Z",
        "services": [[[suffix], [address]] for suffix, address in servers.items()],
        "version": "1.0",
    }


def registry(registered: dict[str, str]) -> Speaks:
    """A registry's RDAP server (RFC 9083); `registered` is the day of each domain it knows, empty: not told."""

    def speak(asked: Asked) -> Said:
        name = asked.path.rpartition("/domain/")[2].lower()
        kind = "application/rdap+json"
        if name not in registered:
            return as_json({"errorCode": 404, "title": "Not Found", "rdapConformance": ["rdap_level_0"]}, 404, kind)
        events = [{"eventAction": "last update of RDAP database", "eventDate": "2026-11-22T00:00:00Z"}]
        if registered[name]:
            events.append({"eventAction": "registration", "eventDate": registered[name]})
        notices = [{"title": "REDACTED FOR PRIVACY", "description": ["Some data are not shown."]}]
        body = {"objectClassName": "domain", "ldhName": name.upper(), "status": ["active"], "events": events}
        return as_json({**body, "notices": notices, "entities": []}, 200, kind)

    return speak


def archive(captures: dict[str, list[str]]) -> Speaks:
    """A CDX server with output=json; `captures` are the timestamps of each host."""

    def speak(asked: Asked) -> Said:
        assert asked.query["output"] == ["json"]
        columns = asked.query["fl"][0].split(",")
        values = {"statuscode": "200", "digest": "AAAA"}
        rows = [
            [{**values, "timestamp": stamp}[column] for column in columns]
            for stamp in captures.get(asked.query["url"][0], [])
        ][: int(asked.query["limit"][0])]
        return as_json([columns, *rows] if rows else [])

    return speak


def threat_lists(listed: dict[str, str], key: str, *, attributes: tuple[str, ...] = ()) -> Speaks:
    """Safe Browsing v5 hashes:search; `listed` maps expressions to threat types."""
    hashes = {hashlib.sha256(expression.encode()).digest(): kind for expression, kind in listed.items()}

    def speak(asked: Asked) -> Said:
        if asked.headers.get("X-Goog-Api-Key") != key:
            return as_json({"error": {"code": 403, "status": "PERMISSION_DENIED"}}, 403)
        prefixes = [base64.b64decode(text) for text in asked.query["hashPrefixes"]]
        assert all(len(prefix) == 4 for prefix in prefixes)
        details = {
            kind: {"threatType": kind, **({"attributes": list(attributes)} if attributes else {})}
            for kind in listed.values()
        }
        found = [
            {"fullHash": base64.b64encode(full).decode(), "fullHashDetails": [details[kind]]}
            for full, kind in hashes.items()
            if full[:4] in prefixes
        ]
        return as_json({"cacheDuration": "300s", **({"fullHashes": found} if found else {})})

    return speak


def page(html: str, **headers: str) -> Speaks:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Said(html.encode(), 200, {"Content-Type": "text/html; charset=utf-8", **named})


def answers(said: Said) -> Speaks:
    return lambda _: said


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def server_bind(self) -> None:
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the game."""


def _handler(town: Town) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host = (self.headers.get("Host") or "").rsplit(":", 1)[0].lower()
            parts = urlsplit(self.path)
            asked = Asked(host, parts.path, parse_qs(parts.query), dict(self.headers.items()))
            town.asked.append(asked)
            speaks = town.services.get(host)
            if speaks is None or (parts.path == "/robots.txt" and not getattr(speaks, "robots", False)):
                said = Said(b"not found", 404)
            else:
                said = speaks(asked)
            with suppress(OSError):
                self._send(said)

        def _send(self, said: Said) -> None:
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            if not said.drip:
                self.wfile.write(said.body)
                return
            for byte in said.body:
                if town.ended.wait(said.drip):
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    return Handler
