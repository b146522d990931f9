"""robots.txt as RFC 9309 says, with a bound on what a hostile one may cost."""

from __future__ import annotations

import time
from typing import Literal

from protego import Protego

from screening.applicants.codes import Failure, FetchFlag, RobotsFlag
from screening.applicants.records import Fetch
from screening.settings.crawl import RobotsSettings

RobotsState = Literal["found", "none", "unreachable"]

_LONGEST_DELAY = 86_400.0
"""Seconds: a day. Larger numbers are read as this, so that arithmetic with them is safe."""


class RobotsRules:
    """What one host's robots.txt allows us.

    `state` is `found`, `none` (everything is allowed) or `unreachable` (nothing is). The processor time of reading and
    matching is bounded; beyond it nothing more is allowed and `flags` say so.
    """

    def __init__(self, fetch: Fetch, user_agent: str, settings: RobotsSettings) -> None:
        self._agent = user_agent.partition("/")[0].strip() or user_agent
        self._seconds = settings.cpu_seconds
        self._parsed: Protego | None = None
        self.state: RobotsState = _state(fetch)
        self.flags: set[RobotsFlag] = set()
        self.delay_seconds: float | None = None
        self.sitemaps: tuple[str, ...] = ()
        if self.state == "found":
            self._parse(fetch, settings.read_bytes)

    def allows(self, url: str) -> bool:
        """Say whether the URL may be fetched."""
        if self.state == "none":
            return True
        if self._parsed is None:
            return False
        begun = time.thread_time()
        allowed = bool(self._parsed.can_fetch(url, self._agent))
        self._spend(time.thread_time() - begun)
        return allowed

    def _parse(self, fetch: Fetch, cap: int) -> None:
        begun = time.thread_time()
        if len(fetch.body) > cap or FetchFlag.SIZE_CAP in fetch.flags:
            self.flags.add(RobotsFlag.CUT)
        parsed = Protego.parse(fetch.body[:cap].decode("utf-8-sig", "replace"))
        self._parsed = parsed
        delay = parsed.crawl_delay(self._agent)
        self.delay_seconds = None if delay is None or delay < 0 else min(float(delay), _LONGEST_DELAY)
        self.sitemaps = tuple(dict.fromkeys(parsed.sitemaps))
        self._spend(time.thread_time() - begun)

    def _spend(self, seconds: float) -> None:
        self._seconds -= seconds
        if self._seconds < 0:
            self._parsed = None
            self.state = "unreachable"
            self.flags.add(RobotsFlag.TOO_COSTLY)


def _state(fetch: Fetch) -> RobotsState:
    """RFC 9309 section 2.3.1: 4xx means no rules, 5xx and no answer mean that nothing may be fetched."""
    status = fetch.status
    if fetch.error == Failure.REDIRECT_LIMIT:
        return "none"
    if status is None or (fetch.error is not None and FetchFlag.UNVERIFIED not in fetch.flags):
        return "unreachable"
    if 200 <= status < 300:
        return "found"
    return "unreachable" if status >= 500 or status < 200 else "none"
