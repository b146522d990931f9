"""The guard at the socket: connections of urllib3 that only the guard can open.

The check happens where the connection is made, on the very address that is dialled, so no lookup, redirect or spelling
can come between. Host header and TLS name keep the host name.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from http.cookiejar import CookieJar
from urllib.request import Request

from urllib3.connection import HTTPConnection, HTTPSConnection

from screening.applicants.codes import Failure, FetchFailedError, FetchFlag, RefusedError
from screening.applicants.crawl.answer import Answer
from screening.applicants.crawl.decode import ACCEPTED_ENCODINGS
from screening.applicants.crawl.guard import Guard
from screening.applicants.crawl.turns import AddressTurns
from screening.applicants.crawl.urls import Target
from screening.applicants.crawl.watchdog import Watch, Watchdog
from screening.settings.crawl import FetchSettings

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MOST_CONNECTIONS = 4
"""Kept by a visitor: a site has few hosts; the one used longest ago is closed."""


class Line:
    """Opens and watches the connections of one visitor, one fetch at a time; used by one thread only."""

    def __init__(self, guard: Guard, watchdog: Watchdog, turns: AddressTurns, limits: FetchSettings) -> None:
        self._guard = guard
        self._watchdog = watchdog
        self._turns = turns
        self._limits = limits
        self._target: Target | None = None
        self._watch: Watch | None = None
        self._turn: str | None = None
        self.deadline = 0.0
        self.waited = 0.0
        self.address: str | None = None
        self.reused = False

    @property
    def fired(self) -> bool:
        """Whether the watchdog ended the current exchange."""
        return self._watch is not None and self._watch.fired

    @property
    def left(self) -> float:
        """Seconds until the deadline, at least a millisecond."""
        return max(self.deadline - time.monotonic(), 0.001)

    def begin(self, deadline: float) -> None:
        """Begin a fetch that must end at `deadline` of time.monotonic, waiting for a turn not counted."""
        self.deadline = deadline
        self.waited = 0.0
        self.address = None

    def expect(self, target: Target) -> None:
        """Say where the next request leads; a connection to anywhere else is refused."""
        self.finish()
        self._target = target
        self.reused = False

    def finish(self) -> None:
        """End the current exchange: stop watching it and give the turn at its address back."""
        if self._watch is not None:
            self._watch.end()
        if self._turn is not None:
            self._turns.give_back(self._turn)
        self._watch = self._turn = None

    def open(self, host: str, port: int) -> socket.socket:
        """Connect to the expected target: look it up, check every answer, dial a checked one, check the peer."""
        host = host.strip("[]")
        if self._target is None or (host, port) != (self._target.host, self._target.port):
            raise RefusedError(Failure.URL_INVALID, FetchFlag.REFUSED_NAME, f"{host}:{port}")
        failure = Failure.CONNECT_FAILED
        for address in self._guard.addresses(host)[: self._limits.attempts]:
            self._take_turn(address)
            try:
                return self._dial(address, port)
            except OSError as error:
                failure = _connect_failure(error)
                self.finish()
            if time.monotonic() >= self.deadline:
                failure = Failure.DEADLINE
                break
        raise FetchFailedError(failure)

    def resume(self, connection: socket.socket) -> None:
        """Use a kept connection for the expected target; one that was opened for it just now is under watch already."""
        if self._watch is not None:
            return
        address = str(connection.getpeername()[0])
        self._take_turn(address)
        self.address, self.reused = address, True
        self._watch = self._watchdog.watch(connection, self.deadline)

    def _dial(self, address: str, port: int) -> socket.socket:
        timeout = min(self._limits.connect_seconds, self.left)
        connection = socket.create_connection((address, port), timeout)
        try:
            self._guard.check_address(str(connection.getpeername()[0]))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._watch = self._watchdog.watch(connection, self.deadline)
        except BaseException:
            connection.close()
            raise
        self.address, self.reused = address, False
        return connection

    def _take_turn(self, address: str) -> None:
        before = time.monotonic()
        # As long as the ones before us may take, were they all to use up their time.
        came = self._turns.take(address, 4 * self._limits.total_seconds)
        waited = time.monotonic() - before
        self.deadline += waited
        self.waited += waited
        if not came:
            raise FetchFailedError(Failure.ADDRESS_BUSY)
        self._turn = address


class _GuardedConnection(HTTPConnection):
    def __init__(self, line: Line, host: str, port: int) -> None:
        super().__init__(host, port)
        self._line = line

    def _new_conn(self) -> socket.socket:
        return self._line.open(self.host, self.port)


class _GuardedTlsConnection(HTTPSConnection):
    def __init__(self, line: Line, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, ssl_context=context)
        self._line = line

    def _new_conn(self) -> socket.socket:
        return self._line.open(self.host, self.port)


class GuardedSession:
    """A visitor's connections and cookies; it never follows a redirect itself and knows no proxies or passwords.

    urllib3 makes the connections (lookup and dialling are the guard's; it checks TLS names); the exchange on them
    is `Answer`'s. A visitor has one connection a host and asks for one thing at a time.
    """

    def __init__(self, line: Line, context: ssl.SSLContext, user_agent: str) -> None:
        self.cookies = CookieJar()
        self._line = line
        self._context = context
        self._connections: dict[str, HTTPConnection] = {}
        self._standing = {
            "User-Agent": user_agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "en;q=0.9,*;q=0.5",
            "Accept-Encoding": ACCEPTED_ENCODINGS,
        }

    def ask(self, target: Target, headers: Mapping[str, str], timeout: tuple[float, float]) -> Answer:
        """Send a GET and return the answer with its body still to be read; `timeout` is for connecting and silence.

        Call `release` when done with it. Raises RefusedError or FetchFailedError for what the guard refuses or cannot
        reach, and what urllib3, http.client, ssl and socket raise.
        """
        connection = self._connection(target)
        try:
            answer = self._exchange(connection, target, headers, timeout)
        except BaseException:
            connection.close()
            raise
        if self.cookies or answer.get_all("set-cookie"):
            self.cookies.extract_cookies(answer, _as_request(target))  # type: ignore[arg-type]  # info() is all it asks
            _forget_unsendable(self.cookies)
        return answer

    def release(self, target: Target, answer: Answer) -> None:
        """Keep the connection of an answer for the next request, or close it when it cannot carry one."""
        if not answer.reusable:
            self._connections.pop(target.authority).close()

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _connection(self, target: Target) -> HTTPConnection:
        known = self._connections.pop(target.authority, None)
        if known is None:
            known = self._new_connection(target)
            if len(self._connections) >= _MOST_CONNECTIONS:
                self._connections.pop(next(iter(self._connections))).close()
        elif not known.is_connected:
            known.close()  # the other side hung up, or has said more than it should
        self._connections[target.authority] = known
        return known

    def _new_connection(self, target: Target) -> HTTPConnection:
        if target.scheme == "https":
            return _GuardedTlsConnection(self._line, target.host, target.port, self._context)
        return _GuardedConnection(self._line, target.host, target.port)

    def _exchange(
        self, connection: HTTPConnection, target: Target, headers: Mapping[str, str], timeout: tuple[float, float]
    ) -> Answer:
        connection.timeout, silence = timeout
        if connection.sock is None:
            connection.connect()
        else:
            self._line.resume(connection.sock)
        connection.sock.settimeout(silence)
        with suppress(ConnectionError):  # some servers answer and hang up before they have read it: the answer counts
            connection.sock.sendall(self._request(target, headers))
        return Answer(connection.sock)

    def _request(self, target: Target, headers: Mapping[str, str]) -> bytes:
        sent = {**self._standing, **headers}
        if self.cookies:
            request = _as_request(target)
            self.cookies.add_cookie_header(request)
            sent |= request.unredirected_hdrs
        lines = [f"GET {target.path} HTTP/1.1", f"Host: {target.named_host}"]
        lines += [f"{name}: {value}" for name, value in sent.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _as_request(target: Target) -> Request:
    """Return what a cookie jar wants to know of a request; it is never opened."""
    return Request(target.url)  # noqa: S310


def _forget_unsendable(cookies: CookieJar) -> None:
    """Forget cookies with control characters, as browsers do (RFC 6265bis, 5.6): sent back they would be headers."""
    for cookie in tuple(cookies):
        if _CONTROL.search(f"{cookie.name}{cookie.value or ''}"):
            cookies.clear(cookie.domain, cookie.path, cookie.name)


def _connect_failure(error: OSError) -> Failure:
    if isinstance(error, ConnectionRefusedError):
        return Failure.CONNECT_REFUSED
    if isinstance(error, TimeoutError):
        return Failure.CONNECT_TIMEOUT
    return Failure.CONNECT_FAILED
