"""Small servers on loopback sockets that do exactly what a behaviour says, down to the byte."""

from __future__ import annotations

import itertools
import random
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from screening.applicants.codes import Failure
from screening.applicants.crawl.resolve import LookupFailedError

NETWORK = "127.80.0.0/16"
"""The addresses of the servers; 127.0.0.1 stays what it is: a place that a crawler must not reach."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    host: str


@dataclass
class Exchange:
    """One request on one connection, and the ways to answer it."""

    connection: socket.socket
    server: LocalServer
    request: Request
    closing: bool = False

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def respond(
        self, body: bytes = b"", *, status: str = "200 OK", headers: tuple[str, ...] = (), length: int | None = -1
    ):
        """Send a whole answer; `length` -1 is the true one, None sends none and closes."""
        lines = [f"HTTP/1.1 {status}", *headers]
        if not any(line.lower().startswith("content-type:") for line in headers):
            lines.append("Content-Type: text/html; charset=utf-8")
        if length is None:
            lines.append("Connection: close")
            self.closing = True
        else:
            lines.append(f"Content-Length: {len(body) if length == -1 else length}")
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def redirect(self, location: str, *, status: str = "302 Found", headers: tuple[str, ...] = ()):
        self.respond(b"", status=status, headers=(f"Location: {location}", *headers))

    def drip(self, data: bytes, pause: float) -> None:
        for byte in data:
            if self.server.stopping.wait(pause):
                return
            self.send(bytes([byte]))

    def wait(self, seconds: float) -> None:
        self.server.stopping.wait(seconds)

    def flood(self, piece: bytes) -> None:
        """Send the same bytes until the other side has had enough."""
        while not self.server.stopping.is_set():
            self.send(piece)

    def reset(self) -> None:
        """End the connection the hard way (RST)."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.closing = True


Behaviour = Callable[[Exchange], None]


@dataclass
class LocalServer:
    """A server on one address. `raw` behaviours get the connection before any request is read."""

    address: str
    port: int
    behaviour: Behaviour
    tls: ssl.SSLContext | None = None
    raw: bool = False
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    busiest: int = 0

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.address, self.port))
        self._listener.listen(128)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def close(self) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def _start(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self.connections += 1
                self.busiest = max(self.busiest, len(self._open))
            self._start(self._serve, connection)

    def _shake_hands(self, connection: ssl.SSLSocket) -> None:
        try:
            connection.do_handshake()
        except ssl.SSLError:
            self.stopping.wait(0.3)  # long enough for the alert to be read before the connection goes
            raise

    def _serve(self, connection: socket.socket) -> None:
        plain = connection
        try:
            if self.raw:
                self.behaviour(Exchange(connection, self, Request("", "", {}, "")))
                return
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self._shake_hands(connection)
            with connection.makefile("rb") as lines:
                while not self.stopping.is_set():
                    request = _read_request(lines)
                    if request is None:
                        return
                    self.requests.append(request)
                    exchange = Exchange(connection, self, request)
                    self.behaviour(exchange)
                    if exchange.closing:
                        return
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(plain)
            with suppress(OSError):
                connection.close()


def _read_request(lines) -> Request | None:
    first = lines.readline(65536).decode("latin-1").split()
    if len(first) < 2:
        return None
    headers = {}
    while (line := lines.readline(65536).strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Request(first[0], first[1], headers, headers.get("host", "").partition(":")[0])


class Names:
    """Stands in for DNS: names and their addresses, and how often each was asked for."""

    def __init__(self) -> None:
        self.addresses_of: dict[str, tuple[str, ...] | Exception | Callable[[], tuple[str, ...]]] = {}
        self.asked: list[str] = []

    def addresses(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        found = self.addresses_of.get(host.rstrip("."), LookupFailedError(Failure.DNS_NOT_FOUND))
        if isinstance(found, Exception):
            raise found
        return found() if callable(found) else found


class Farm:
    """Servers with names, all on one port, each on its own address."""

    def __init__(self, port: int | None = None) -> None:
        self.names = Names()
        self.servers: dict[str, LocalServer] = {}
        self._numbers = itertools.count(1)
        # what a crawler must not reach: it listens on the forbidden loopback address and remembers who came
        self.forbidden = self._forbidden_server(port)
        self.port = self.forbidden.port

    def add(
        self, host: str, behaviour: Behaviour, *, tls: ssl.SSLContext | None = None, raw: bool = False
    ) -> LocalServer:
        number = next(self._numbers)
        address = f"127.80.{number // 250}.{number % 250 + 1}"
        server = LocalServer(address, self.port, behaviour, tls, raw)
        self.servers[host] = server
        self.names.addresses_of[host] = (address,)
        return server

    def alias(self, host: str, other: str) -> None:
        """Give a server another name."""
        self.names.addresses_of[host] = self.names.addresses_of[other]

    def url(self, host: str, path: str = "/", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        for server in (*self.servers.values(), self.forbidden):
            server.close()

    @staticmethod
    def _forbidden_server(port: int | None) -> LocalServer:
        for _ in range(50):
            # below the range of ephemeral ports, so that no client socket holds it on another address
            chosen = port or random.randrange(20_000, 32_000)
            with suppress(OSError):
                return LocalServer("127.0.0.1", chosen, lambda exchange: exchange.respond(b"secret"))
        raise OSError("no free port")


def article(
    words: int = 300, seed: str = "a", links: tuple[str, ...] = (), title: str = "A page", label: str = ""
) -> bytes:
    """Return an honest page of that many words, different for each seed."""
    chosen = random.Random(seed)
    vocabulary = [f"{chosen.choice('bcdfgklmnprst')}{chosen.choice('aeiou')}{number % 97}" for number in range(400)]
    text = " ".join(chosen.choice(vocabulary) for _ in range(words))
    anchors = "".join(f'<a href="{link}">{label or link.strip("/") or "home"}</a> ' for link in links)
    head = f'<!doctype html><html lang="en"><head><title>{title}</title></head>'
    page = f"{head}<body><nav>{anchors}</nav><main>{text}</main></body></html>"
    return page.encode()


def site(pages: dict[str, bytes], *, robots: bytes | None = None) -> Behaviour:
    """Return the behaviour of a plain site with these pages; anything else is a 404."""

    def answer(exchange: Exchange) -> None:
        path = exchange.request.path
        if path == "/robots.txt" and robots is not None:
            exchange.respond(robots, headers=("Content-Type: text/plain",))
        elif path in pages:
            exchange.respond(pages[path])
        else:
            exchange.respond(b"<h1>Not found</h1>", status="404 Not Found")

    return answer
