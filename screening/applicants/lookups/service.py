"""Ask services of others: through the guard, one question at a time each, within a deadline, and not when it is down.

A service that cannot be asked, or whose answer cannot be used, raises NoAnswerError: the fact is missing then.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from screening.applicants.codes import Failure, FetchFailedError, FetchFlag
from screening.applicants.crawl.crawler import Crawler
from screening.applicants.crawl.urls import Target, read_target
from screening.applicants.lookups.cache import Answer, AnswerCache
from screening.applicants.records import Fetch
from screening.applicants.signals.access import in_words

_BUSY = frozenset({429, 503})
"""Statuses by which a server asks to be left alone for a while (RFC 6585, RFC 9110)."""
_WAIT_UNSAID = 60.0
"""Seconds to leave a busy server alone when it does not say how long."""
_WAIT_MAX = 86_400.0
"""Seconds: a day. A server that asks for more is left alone for the whole run anyway."""
_USABLE = frozenset({200, 404})


class NoAnswerError(Exception):
    """The fact could not be had; its text says why, in words for whoever reads the evidence."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask: the service's name, the question as it is filed, the address, headers, and where the turn is taken.

    `server` is what the pause holds for (such as the host of a registry); `seconds` the longest wait for the answer,
    `pause_seconds` that between two questions. `keep` is how long the answer is filed (None: not at all). `redirects`
    says whether redirects are followed; questions with a key in their headers must not be.
    """

    service: str
    filed_as: str
    url: str
    server: str
    seconds: float
    pause_seconds: float
    keep: timedelta | None
    headers: Mapping[str, str] = field(default_factory=dict)
    redirects: bool = True


@dataclass(slots=True)
class _Server:
    """When a server may be asked next, and until when it wants to be left alone."""

    next_turn: float = 0.0
    away_until: float = 0.0


class Services:
    """Asks; shared by all lookups and threads of a run.

    `turn_seconds` is the longest wait for a turn; after `failures_max` failures in a row a server is not asked again.
    """

    def __init__(self, crawler: Crawler, cache: AnswerCache, turn_seconds: float, failures_max: int) -> None:
        self._crawler = crawler
        self._cache = cache
        self._turn_seconds = turn_seconds
        self._failures_max = failures_max
        self._lock = threading.Lock()
        self._servers: dict[str, _Server] = {}
        self._failures: Counter[str] = Counter()

    def ask(self, question: Question, left: float) -> Answer:
        """Return the answer, filed or fresh, within `left` seconds. Raises NoAnswerError."""
        filed = self.filed(question.service, question.filed_as)
        if filed is not None:
            return filed
        if self._failures[question.server] >= self._failures_max:
            raise NoAnswerError(f"{question.service} failed {self._failures_max} times in a row and is left alone")
        ends = time.monotonic() + left
        self._wait_for_turn(question, left)
        answer = self._asked(question, ends - time.monotonic())
        self._failures[question.server] = 0
        if question.keep is not None and _is_json(answer):
            self._cache.put(question.service, question.filed_as, answer, question.keep)
        return answer

    def filed(self, service: str, filed_as: str) -> Answer | None:
        """Return an answer that is on file and not too old."""
        return self._cache.get(service, filed_as, datetime.now(UTC))

    def file(self, service: str, filed_as: str, body: bytes, keep: timedelta) -> None:
        """File something for so long."""
        self._cache.put(service, filed_as, Answer(200, body, datetime.now(UTC)), keep)

    def _wait_for_turn(self, question: Question, left: float) -> None:
        now = time.monotonic()
        with self._lock:
            server = self._servers.setdefault(question.server, _Server())
            if server.away_until > now:
                raise NoAnswerError(
                    f"{question.service} asked to be left alone for {server.away_until - now:.0f} more seconds"
                )
            turn = max(server.next_turn, now)
            if turn - now > min(self._turn_seconds, left):
                raise NoAnswerError(f"{question.service} had no turn free in time")
            server.next_turn = turn + question.pause_seconds
        if turn > now and self._crawler.stopping.wait(turn - now):
            raise NoAnswerError("the run was ended")

    def _asked(self, question: Question, left: float) -> Answer:
        if left <= 0:
            raise NoAnswerError("no time was left")
        try:
            target = read_target(question.url)
        except FetchFailedError as failed:
            raise NoAnswerError(
                f"{question.service} has an address that cannot be used: {in_words(failed.code)}"
            ) from failed
        started = datetime.now(UTC)
        with self._crawler.fetcher.visitor(target.site, self._crawler.settings.user_agent) as visitor:
            fetch = self._crawler.fetcher.fetch(
                target,
                visitor,
                _follow if question.redirects else _stay,
                question.headers,
                most_seconds=min(question.seconds, left),
            )
        if fetch.status in _BUSY:
            self._leave_alone(question.server, fetch.header("retry-after"))
            raise NoAnswerError(f"{question.service} is busy (status {fetch.status})")
        if fetch.error is not None or fetch.status not in _USABLE or FetchFlag.TRUNCATED in fetch.flags:
            if left >= question.seconds:  # else the time that was left may have been too short for anybody
                self._failures[question.server] += 1
            raise NoAnswerError(f"{question.service} gave no usable answer: {_why(fetch)}")
        return Answer(int(fetch.status or 0), fetch.body, started)

    def _leave_alone(self, server: str, retry_after: str | None) -> None:
        until = time.monotonic() + min(_seconds_of(retry_after), _WAIT_MAX)
        with self._lock:
            self._servers.setdefault(server, _Server()).away_until = until


def read_json(answer: Answer, service: str) -> Any:  # noqa: ANN401 - what JSON holds; readers check every step
    """Return the body as JSON. Raises NoAnswerError when it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise NoAnswerError(f"{service} answered with something that is no JSON") from error


Asker = Callable[[Question], Answer]
"""Services.ask with the time that an application has left."""


def _is_json(answer: Answer) -> bool:
    """Say whether an answer is worth filing: pages that say `back soon` are not."""
    try:
        read_json(answer, "")
    except NoAnswerError:
        return False
    return True


def _why(fetch: Fetch) -> str:
    return in_words(fetch.error) if fetch.error is not None else f"status {fetch.status}"


def _seconds_of(retry_after: str | None) -> float:
    """Read Retry-After: seconds or a date (RFC 9110 section 10.2.3)."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return _WAIT_UNSAID
    until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _follow(_: Target) -> None:
    """Follow any redirect; the guard refuses those that lead inside."""


def _stay(_: Target) -> Failure:
    return Failure.REDIRECT_REJECTED
