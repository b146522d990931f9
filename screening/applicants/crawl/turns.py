"""Turns at an address: many sites share one server, and together they must not press it."""

from __future__ import annotations

import threading
from collections import Counter


class AddressTurns:
    """At most `limit` fetches at a time from one address; safe to share between threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._busy: Counter[str] = Counter()
        self._freed = threading.Condition()

    def take(self, address: str, longest_wait: float) -> bool:
        """Wait for a turn, at most so many seconds; say whether it came."""
        with self._freed:
            came = self._freed.wait_for(lambda: self._busy[address] < self._limit, longest_wait)
            if came:
                self._busy[address] += 1
            elif not self._busy[address]:
                del self._busy[address]
            return came

    def give_back(self, address: str) -> None:
        """End a turn."""
        with self._freed:
            self._busy[address] -= 1
            if not self._busy[address]:
                del self._busy[address]
            self._freed.notify_all()
