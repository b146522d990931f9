"""The guard at the socket: connections of urllib3, used through requests, that only the guard can open.

The check happens where the connection is made, on the very address that is dialled, so no lookup, redirect or spelling
can come between. Host header, TLS name and pooling keep the host name.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.poolmanager import PoolManager

from screening.applicants.codes import Failure, FetchFailedError, FetchFlag, RefusedError
from screening.applicants.crawl.decode import ACCEPTED_ENCODINGS
from screening.applicants.crawl.guard import Guard
from screening.applicants.crawl.turns import AddressTurns
from screening.applicants.crawl.urls import Target
from screening.applicants.crawl.watchdog import Watch, Watchdog
from screening.settings.crawl import FetchSettings


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
    def __init__(self, *args: Any, line: Line, **options: Any) -> None:  # noqa: ANN401 - urllib3's own arguments
        super().__init__(*args, **options)
        self._line = line

    def _new_conn(self) -> socket.socket:
        return self._line.open(self.host, self.port)

    def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        if self.sock is not None:
            self._line.resume(self.sock)
        super().request(*args, **options)


class _GuardedTlsConnection(HTTPSConnection):
    def __init__(self, *args: Any, line: Line, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **options)
        self._line = line

    def connect(self) -> None:
        super().connect()
        # Keeps urllib3 from warning people: that a look was unverified is recorded with the fetch.
        self.is_verified = True

    def _new_conn(self) -> socket.socket:
        return self._line.open(self.host, self.port)

    def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
        if self.sock is not None:
            self._line.resume(self.sock)
        super().request(*args, **options)


class _GuardedPools(PoolManager):
    def __init__(self, line: Line, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._line = line

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        connection = _GuardedTlsConnection if scheme == "https" else _GuardedConnection
        pool.ConnectionCls = partial(connection, line=self._line)  # type: ignore[assignment]
        return pool


class _GuardedAdapter(HTTPAdapter):
    def __init__(self, line: Line, context: ssl.SSLContext) -> None:
        self._line = line
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: Any) -> None:  # noqa: ANN401, FBT001, FBT002
        self.poolmanager = _GuardedPools(self._line, num_pools=connections, maxsize=maxsize, block=block)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:  # noqa: ANN401
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:  # noqa: ANN401
        """Leave the connection alone: its context knows the authorities, and loading them again is slow."""


class GuardedSession(requests.Session):
    """A requests session without the surroundings' proxies and passwords, that never follows a redirect itself."""

    def __init__(self, line: Line, context: ssl.SSLContext, user_agent: str) -> None:
        super().__init__()
        self.trust_env = False
        self.adapters.clear()
        adapter = _GuardedAdapter(line, context)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self._standing = {
            "User-Agent": user_agent,
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "en;q=0.9,*;q=0.5",
            "Accept-Encoding": ACCEPTED_ENCODINGS,
        }

    def ask(self, url: str, headers: Mapping[str, str], timeout: tuple[float, float]) -> requests.Response:
        """Send a GET and return the answer with its body still to be read.

        The request is put together by hand: requests' own way reads the URL again, merges settings and looks for
        passwords and proxies, which takes a third of a fetch.
        """
        request = requests.PreparedRequest()
        request.method, request.url, request.hooks = "GET", url, {"response": []}
        request.headers = CaseInsensitiveDict({**self._standing, **headers})
        request.prepare_cookies(self.cookies)
        options: dict[str, Any] = {"verify": True, "cert": None, "proxies": {}}
        return self.send(request, stream=True, allow_redirects=False, timeout=timeout, **options)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None always; otherwise requests would read the bodies of redirects (bombs) on the way."""


def _connect_failure(error: OSError) -> Failure:
    if isinstance(error, ConnectionRefusedError):
        return Failure.CONNECT_REFUSED
    if isinstance(error, TimeoutError):
        return Failure.CONNECT_TIMEOUT
    return Failure.CONNECT_FAILED
