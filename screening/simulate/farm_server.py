"""The servers of the farm: many names on a few loopback addresses and one port."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import ClassVar, cast

from screening.errors import UnavailableError
from screening.simulate.farm_answers import PORT, Answer, Manner, Site, Visit, html

DRIP_SECONDS = 0.5
"""Pause between the bytes of a slow answer."""
_ATTEMPTS = 20
"""Ports tried until one is free on all addresses."""


@dataclass(frozen=True, slots=True)
class Served:
    """Where the sites are served: a port, and the address of each host name."""

    port: int
    addresses: Mapping[str, str]


@contextmanager
def serve(sites: Mapping[str, Site], addresses: int) -> Iterator[Served]:
    """Serve the sites on that many loopback addresses (at most 200); on leaving, all connections end.

    Raises UnavailableError when no port is free.
    """
    stopping = threading.Event()
    names = [f"127.0.1.{1 + index}" for index in range(addresses)]
    servers = _bound(names, sites, stopping)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        by_host = {host: names[index % addresses] for index, host in enumerate(sites)}
        yield Served(servers[0].server_port, by_host)
    finally:
        stopping.set()
        for server in servers:
            server.shutdown()
        for server, thread in zip(servers, threads, strict=True):
            thread.join()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def server_bind(self) -> None:
        """Bind without asking DNS for the address's name, as HTTPServer would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hang up are part of the game."""


def _bound(names: list[str], sites: Mapping[str, Site], stopping: threading.Event) -> list[_Server]:
    handler = _handler(sites, stopping)
    for _ in range(_ATTEMPTS):
        servers = [_Server((names[0], 0), handler)]
        try:
            servers.extend(_Server((name, servers[0].server_port), handler) for name in names[1:])
        except OSError:
            for server in servers:
                server.server_close()
            continue
        return servers
    raise UnavailableError("No port is free on the loopback addresses.", remedy="Try again.")


def _handler(sites: Mapping[str, Site], stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        served = sites
        ended = stopping

    return Handler


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[Mapping[str, Site]]
    ended: ClassVar[threading.Event]
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Answer a request as the site of its host does."""
        headers = self.headers
        site = self.served.get((headers.get("Host") or "").rsplit(":", 1)[0].lower())
        agent, referrer = headers.get("User-Agent") or "", headers.get("Referer") or ""
        visit = Visit(self.path, agent, referrer, headers.get("Cookie") or "")
        answer = site.answer(visit) if site is not None else html("unknown host", status=421)
        with suppress(OSError):
            if answer.manner is Manner.NORMAL:
                self._send(answer)
            else:
                self.close_connection = True
                self._misbehave(answer)

    def _send(self, answer: Answer) -> None:
        port = str(cast("_Server", self.server).server_port)
        body = answer.body.replace(PORT.encode(), port.encode())
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value.replace(PORT, port))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _misbehave(self, answer: Answer) -> None:
        if answer.manner is Manner.SILENT:
            self.ended.wait()
        elif answer.manner is Manner.GARBAGE:
            self.wfile.write(b"\x00\x01SSH-2.0-nothing\r\n" + answer.body)
        elif answer.manner is Manner.SLOW:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
            for byte in answer.body:
                if self.ended.wait(DRIP_SECONDS):
                    return
                self.wfile.write(bytes([byte]))
                self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""
