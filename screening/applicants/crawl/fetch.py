"""Fetch a URL through the guard, redirects and all, within a deadline, and say everything that happened."""

from __future__ import annotations

import hashlib
import http.client
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType

from urllib3.exceptions import HTTPError, ReadTimeoutError

from screening.applicants.codes import Failure, FetchFailedError, FetchFlag, RefusedError
from screening.applicants.crawl.answer import Answer
from screening.applicants.crawl.decode import decode_body
from screening.applicants.crawl.guard import Guard
from screening.applicants.crawl.receive import receive
from screening.applicants.crawl.sniff import Kind, kind_of
from screening.applicants.crawl.tls import TlsContexts, causes, tls_failure
from screening.applicants.crawl.turns import AddressTurns
from screening.applicants.crawl.urls import Target, UrlRefusedError, read_target
from screening.applicants.crawl.watchdog import Watchdog
from screening.applicants.crawl.wire import GuardedSession, Line
from screening.applicants.records import Fetch, Hop
from screening.settings.crawl import FetchSettings

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BAD_CERTIFICATE = frozenset(
    {Failure.TLS_EXPIRED, Failure.TLS_SELF_SIGNED, Failure.TLS_WRONG_HOST, Failure.TLS_UNTRUSTED}
)
_LOCATION_SHOWN = 2048
_COOKIE_CHARACTERS = 16_384
"""All cookies of a visitor together; a server that sets more gets none back (servers refuse headers above 8-16 KiB)."""

Admit = Callable[[Target], Failure | FetchFlag | None]
"""Decides whether a redirect is followed: None to follow, a failure or a flag to stop there."""

logging.getLogger("urllib3").setLevel(logging.ERROR)  # it warns about every malformed header; hostile ones are our job


@dataclass(slots=True)
class _Journey:
    """What is known so far about a fetch."""

    url: str
    final_url: str
    hops: list[Hop] = field(default_factory=list)
    flags: list[FetchFlag] = field(default_factory=list)
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: Failure | None = None


class Visitor:
    """One visitor of one site: its cookies, its agent, its kept connections. Used by one thread; close it."""

    def __init__(self, line: Line, contexts: TlsContexts, site: str, user_agent: str) -> None:
        self.line = line
        self.site = site
        self._contexts = contexts
        self._user_agent = user_agent
        self._session = GuardedSession(line, contexts.verified, user_agent)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    @property
    def has_cookies(self) -> bool:
        """Whether the site has set cookies that would be sent again."""
        return bool(self._session.cookies)

    def session_for(self, target: Target, *, verified: bool) -> tuple[GuardedSession, bool]:
        """Return the session for a request and whether it is to be closed after it.

        Another site, or an unverified look, gets a session of its own: no cookie travels there or back.
        """
        if verified and target.site == self.site:
            return self._session, False
        context = self._contexts.verified if verified else self._contexts.unverified
        return GuardedSession(self.line, context, self._user_agent), True

    def limit_cookies(self) -> None:
        """Forget all cookies when they have grown beyond what servers accept."""
        cookies = self._session.cookies
        if cookies and sum(len(cookie.name) + len(cookie.value or "") for cookie in cookies) > _COOKIE_CHARACTERS:
            cookies.clear()


class Fetcher:
    """Makes visitors and fetches for them; shared by all threads of a crawl."""

    def __init__(
        self, guard: Guard, watchdog: Watchdog, turns: AddressTurns, contexts: TlsContexts, limits: FetchSettings
    ) -> None:
        self._guard = guard
        self._watchdog = watchdog
        self._turns = turns
        self._contexts = contexts
        self._limits = limits

    def visitor(self, site: str, user_agent: str) -> Visitor:
        """Return a visitor of a site (a registrable domain) with no cookies yet."""
        line = Line(self._guard, self._watchdog, self._turns, self._limits)
        return Visitor(line, self._contexts, site, user_agent)

    def fetch(
        self,
        target: Target,
        visitor: Visitor,
        admit: Admit,
        headers: Mapping[str, str] | None = None,
        most_seconds: float = math.inf,
    ) -> Fetch:
        """Fetch a target, following the redirects that `admit` admits. Never raises for what a server does.

        It ends after `most_seconds` or the settings' limit, whichever is sooner.
        """
        started, begun = datetime.now(UTC), time.monotonic()
        line = visitor.line
        line.begin(begun + min(self._limits.total_seconds, most_seconds))
        journey = _Journey(target.url, target.url)
        try:
            self._travel(journey, target, visitor, admit, dict(headers or {}))
        except FetchFailedError as failed:
            _fail(journey, failed)
        finally:
            line.finish()
        return Fetch(
            url=journey.url,
            final_url=journey.final_url,
            hops=tuple(journey.hops),
            status=journey.status,
            headers=journey.headers,
            body=journey.body,
            flags=tuple(dict.fromkeys(journey.flags)),
            error=journey.error,
            elapsed_seconds=time.monotonic() - begun - line.waited,
            body_digest=hashlib.sha256(journey.body).hexdigest(),
            address=line.address,
            fetched_at=started,
        )

    def _travel(
        self, journey: _Journey, target: Target, visitor: Visitor, admit: Admit, headers: dict[str, str]
    ) -> None:
        for _ in range(self._limits.redirects + 1):
            journey.final_url = target.url
            self._guard.check_target(target)
            location = self._exchange(journey, target, visitor, headers)
            if location is None:
                return
            following = _follow(journey, target, location)
            stopped = admit(following)
            if isinstance(stopped, FetchFlag):
                journey.flags.append(stopped)
                return
            if stopped is not None:
                raise FetchFailedError(stopped)
            if target.scheme == "https" and following.scheme == "http":
                journey.flags.append(FetchFlag.HTTPS_DOWNGRADE)
            target = following
        raise FetchFailedError(Failure.REDIRECT_LIMIT)

    def _exchange(
        self, journey: _Journey, target: Target, visitor: Visitor, headers: dict[str, str]
    ) -> list[str] | None:
        """Ask once; return the Location headers of a redirect, or None when this was the last answer."""
        try:
            return self._ask(journey, target, visitor, headers, verified=True)
        except FetchFailedError as failed:
            if failed.code in _BAD_CERTIFICATE:
                self._look_unverified(journey, target, visitor, failed)
                return None
            if failed.code is not Failure.CONNECTION_RESET or not visitor.line.reused:
                raise
        journey.flags.append(FetchFlag.RETRIED)
        return self._ask(journey, target, visitor, headers, verified=True)

    def _look_unverified(self, journey: _Journey, target: Target, visitor: Visitor, failed: FetchFailedError) -> None:
        journey.flags.append(FetchFlag.UNVERIFIED)
        try:
            location = self._ask(journey, target, visitor, {}, verified=False)
            if location:
                journey.hops.append(Hop(target.url, journey.status or 0, location[0][:_LOCATION_SHOWN]))
        except FetchFailedError:
            pass  # the bad certificate is what counts; that nothing was seen behind it shows in the empty body
        journey.error = failed.code

    def _ask(
        self, journey: _Journey, target: Target, visitor: Visitor, headers: dict[str, str], *, verified: bool
    ) -> list[str] | None:
        line = visitor.line
        line.expect(target)
        session, own = visitor.session_for(target, verified=verified)
        try:
            answer = self._send(session, target, line, headers)
            try:
                return self._read(journey, answer, line)
            finally:
                session.release(target, answer)
                visitor.limit_cookies()
        finally:
            if own:
                session.close()

    def _send(self, session: GuardedSession, target: Target, line: Line, headers: dict[str, str]) -> Answer:
        timeout = (min(self._limits.connect_seconds, line.left), min(self._limits.silence_seconds, line.left))
        try:
            return session.ask(target, headers, timeout)
        except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise FetchFailedError(Failure.DEADLINE if line.fired else _classify(error)) from error

    def _read(self, journey: _Journey, answer: Answer, line: Line) -> list[str] | None:
        journey.status, journey.headers = answer.status, answer.headers
        locations = [value for name, value in answer.headers if name == "location"]
        if answer.status in _REDIRECTS and locations:
            if line.fired:
                raise FetchFailedError(Failure.DEADLINE)
            return locations
        received = receive(answer, self._limits.page_bytes)
        journey.flags.extend(received.flags)
        journey.error = Failure.DEADLINE if line.fired else received.error
        encodings = ",".join(value for name, value in journey.headers if name == "content-encoding").lower()
        journey.body = received.body
        decoded = decode_body(
            received.body,
            tuple(token.strip() for token in encodings.split(",")),
            cap=self._limits.page_bytes,
            layers=self._limits.encodings,
        )
        journey.body = decoded.body
        journey.flags.extend(decoded.flags)
        journey.flags.extend(_kind_flags(journey))
        return None


def _follow(journey: _Journey, target: Target, locations: list[str]) -> Target:
    """Read where a redirect leads and keep the hop, readable or not."""
    shown = locations[0][:_LOCATION_SHOWN]
    try:
        following = _redirect_target(target, locations)
        shown = following.url
    finally:
        journey.hops.append(Hop(target.url, journey.status or 0, shown))
    return following


def _redirect_target(target: Target, locations: list[str]) -> Target:
    text = locations[0]
    # No URL has blanks or control characters inside; a line folded into the header shows as one of them.
    if len(set(locations)) > 1 or any(ord(mark) <= 0x20 or ord(mark) == 0x7F for mark in text.strip(" ")):
        raise FetchFailedError(Failure.REDIRECT_REJECTED)
    return read_target(_as_utf8(text), base=target.url)


def _as_utf8(header: str) -> str:
    """Headers arrive as Latin-1; browsers read their bytes as UTF-8."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def _fail(journey: _Journey, failed: FetchFailedError) -> None:
    """Record a failure; one that a redirect led to is named as such."""
    journey.error = failed.code
    if journey.hops and isinstance(failed, RefusedError):
        journey.error = Failure.SSRF_REDIRECT
    elif journey.hops and isinstance(failed, UrlRefusedError):
        journey.error = Failure.REDIRECT_REJECTED
    if failed.flag is not None:
        journey.flags.append(failed.flag)


def _kind_flags(journey: _Journey) -> list[FetchFlag]:
    content_type = next((value for name, value in journey.headers if name == "content-type"), None)
    kind = kind_of(content_type, journey.body)
    if kind in {Kind.OTHER, Kind.OTHER_BY_SNIFFING}:
        return [FetchFlag.NOT_HTML]
    return [FetchFlag.TYPE_SNIFFED] if kind is Kind.HTML_BY_SNIFFING else []


def _classify(error: Exception) -> Failure:
    """Say what an exception of the exchange means, by the innermost thing it wraps."""
    inner = list(causes(error))
    tls = tls_failure(error)
    if tls is not None:
        return tls
    for kinds, failure in _MEANINGS:
        if any(isinstance(one, kinds) for one in inner):
            return failure
    if any("got more than" in str(one) for one in inner if isinstance(one, http.client.HTTPException)):
        return Failure.HEADERS_TOO_LARGE
    return Failure.NOT_HTTP


_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], Failure], ...] = (
    ((ReadTimeoutError, TimeoutError), Failure.SILENCE),
    ((http.client.LineTooLong,), Failure.HEADERS_TOO_LARGE),
    ((http.client.RemoteDisconnected, ConnectionError), Failure.CONNECTION_RESET),
    ((http.client.BadStatusLine, http.client.UnknownProtocol), Failure.NOT_HTTP),
)
