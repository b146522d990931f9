"""A clock that really ends a fetch.

Socket timeouts bound one read or write only, so a server that sends a byte now and then holds a thread for as long as
it likes. The watchdog shuts the connection down when the whole fetch is out of time; the blocked read then returns.
"""

from __future__ import annotations

import heapq
import os
import socket
import threading
import time
from contextlib import suppress
from itertools import count
from types import TracebackType


class Watch:
    """One connection under watch. `fired` says that its time ran out."""

    def __init__(self, connection: socket.socket) -> None:
        # A duplicate: a TLS handshake takes the original descriptor over, and shutting down either ends both.
        self._connection: socket.socket | None = socket.socket(fileno=os.dup(connection.fileno()))
        self._lock = threading.Lock()
        self.fired = False

    def end(self) -> None:
        """Stop watching."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def fire(self) -> None:
        """Shut the connection down, if it is still watched."""
        with self._lock:
            if self._connection is not None:
                self.fired = True
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """One thread that watches all connections; use it as a context manager."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Watch]] = []
        self._changed = threading.Condition()
        self._number = count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def __enter__(self) -> Watchdog:
        self._thread = threading.Thread(target=self._run, name="crawl-watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def watch(self, connection: socket.socket, deadline: float) -> Watch:
        """Shut the connection down at `deadline` (of time.monotonic) unless the watch is ended before."""
        watch = Watch(connection)
        with self._changed:
            sooner = not self._due or deadline < self._due[0][0]
            heapq.heappush(self._due, (deadline, next(self._number), watch))
            if sooner:
                self._changed.notify()
        return watch

    def fire_all(self) -> None:
        """Shut every watched connection down now."""
        with self._changed:
            due, self._due = self._due, []
        for _, _, watch in due:
            watch.fire()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                while self._due and self._due[0][0] <= now:
                    heapq.heappop(self._due)[2].fire()
                self._changed.wait(self._due[0][0] - now if self._due else None)
