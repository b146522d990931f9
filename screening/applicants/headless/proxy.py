"""A proxy on loopback that is the browser's only way out, and that asks the guard before every connection.

A browser resolves names and follows redirects by itself, out of reach of the guard of our own fetches. Behind this
proxy it can connect only to what the guard allows; hosts that must never be fetched (click hosts of affiliate networks)
are refused and remembered: the attempt is the evidence, and no false click is counted anywhere.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from screening.applicants.codes import FetchFailedError
from screening.applicants.crawl.guard import Guard
from screening.applicants.crawl.urls import Target, read_target
from screening.settings.crawl import CrawlSettings

_HEAD_BYTES = 65_536
_PIECE = 65_536
_ACCEPT_SECONDS = 0.2
_BROWSERS_OWN = frozenset(
    {"clients2.google.com", "update.googleapis.com", "edgedl.me.gvt1.com", "safebrowsing.googleapis.com"}
    | {"optimizationguide-pa.googleapis.com", "content-autofill.googleapis.com"}
)
"""What Chromium asks for by itself, whatever the page: refused, and no part of what the page did."""
_DROPPED = frozenset({b"proxy-connection", b"proxy-authorization", b"connection", b"keep-alive"})


@dataclass(slots=True)
class ProxyRecord:
    """What went through a proxy: hosts never fetched that were tried, places the guard refused, and how much."""

    attempts: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    connections: int = 0
    bytes: int = 0
    cut: bool = False


class GuardedProxy:
    """One browser's proxy, for CONNECT and for plain HTTP; use it as a context manager."""

    def __init__(self, guard: Guard, never_fetch: Callable[[str], bool], settings: CrawlSettings) -> None:
        self._guard = guard
        self._never_fetch = never_fetch
        self._settings = settings
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(_ACCEPT_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self.record = ProxyRecord()

    def __enter__(self) -> GuardedProxy:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, name="crawl-browser-proxy", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            client.settimeout(self._settings.fetch.silence_seconds)
            head, rest = _read_head(client)
            method, address, *_ = head.split(b" ", 2)
            target = _target(method, address)
            refusal = self._refusal(target)
            if refusal is not None:
                client.sendall(b"HTTP/1.1 403 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % refusal)
                return
            with self._connect(target) as server:
                if method == b"CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    server.sendall(rest)
                else:
                    server.sendall(_origin_form(head, target) + rest)
                self._relay(client, server)

    def _refusal(self, target: Target) -> bytes | None:
        """Say why the browser may not go there, None when it may."""
        record, limits = self.record, self._settings.browser
        if target.host in _BROWSERS_OWN:
            return b"Refused"
        with self._lock:
            record.connections += 1
            if record.connections > limits.requests or record.bytes > limits.total_bytes:
                record.cut = True
                return b"Too much"
            if self._never_fetch(target.host):
                record.attempts.append(target.url)
                return b"Recorded"
        try:
            self._guard.check_target(target)
            self._guard.addresses(target.host)
        except FetchFailedError as failed:
            with self._lock:
                record.refused.append(f"{target.host}:{target.port} {failed.code}")
            return b"Refused"
        return None

    def _connect(self, target: Target) -> socket.socket:
        """Connect to one of the host's addresses, each checked at this very moment, and check the peer."""
        last: OSError | None = None
        try:
            addresses = self._guard.addresses(target.host)
        except FetchFailedError as failed:
            raise ConnectionRefusedError(failed.code) from failed
        for address in addresses[: self._settings.fetch.attempts]:
            try:
                server = socket.create_connection((address, target.port), self._settings.fetch.connect_seconds)
            except OSError as error:
                last = error
                continue
            try:
                self._guard.check_address(str(server.getpeername()[0]))
            except FetchFailedError as failed:
                server.close()
                raise ConnectionRefusedError(failed.code) from failed
            return server
        raise last or ConnectionRefusedError(target.host)

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        """Carry bytes both ways until one side ends, the page's bytes are used up, or the proxy closes."""
        until = time.monotonic() + self._settings.browser.seconds + self._settings.fetch.total_seconds
        ends = {client: server, server: client}
        while not self._closing.is_set() and time.monotonic() < until:
            ready, _, _ = select.select(list(ends), [], [], _ACCEPT_SECONDS)
            for one in ready:
                piece = one.recv(_PIECE)
                if not piece:
                    return
                ends[one].sendall(piece)
                with self._lock:
                    self.record.bytes += len(piece)
                    if self.record.bytes > self._settings.browser.total_bytes:
                        self.record.cut = True
                        return


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(_PIECE)
        if not piece or len(data) > _HEAD_BYTES:
            raise ValueError("no request")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _target(method: bytes, address: bytes) -> Target:
    text = address.decode("latin-1")
    try:
        return read_target(f"https://{text}/" if method == b"CONNECT" else text)
    except FetchFailedError as failed:
        raise ValueError(failed.code) from failed


def _origin_form(head: bytes, target: Target) -> bytes:
    """Rewrite a request made to a proxy as one made to the server, for this one exchange only."""
    first, *lines = head.split(b"\r\n")
    method, _, version = first.split(b" ")
    path = b"/" + target.url.split("/", 3)[3].encode("latin-1", "replace")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in _DROPPED]
    return b"\r\n".join([b" ".join([method, path, version]), *kept, b"Connection: close", b"", b""])
