"""Everything that the threads of a crawl share, opened and closed as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from screening.applicants.codes import Failure, FetchFlag
from screening.applicants.crawl.fetch import Fetcher
from screening.applicants.crawl.guard import Guard, make_guard
from screening.applicants.crawl.resolve import Resolver
from screening.applicants.crawl.sniff import charset_of
from screening.applicants.crawl.tls import TlsContexts, tls_contexts
from screening.applicants.crawl.turns import AddressTurns
from screening.applicants.crawl.urls import Target, declared_target
from screening.applicants.crawl.watchdog import Watchdog
from screening.applicants.page.pool import ParserPool, Reading
from screening.applicants.records import Fetch, Page
from screening.settings.crawl import CrawlSettings

NeverFetch = Callable[[str], bool]
"""Says of a host whether it is never fetched: each visit to an affiliate network's click host is a false click."""


@dataclass(frozen=True, slots=True)
class Crawler:
    """The open parts of a crawl; made by `open_crawler`, safe to share between threads."""

    settings: CrawlSettings
    guard: Guard
    fetcher: Fetcher
    parsers: ParserPool
    watchdog: Watchdog
    never_fetch: NeverFetch
    stopping: threading.Event

    @property
    def openings(self) -> tuple[str, ...]:
        """What the guard was told to allow, in words; say it to whoever reads the results. Empty normally."""
        return self.guard.openings

    def look_at(self, url: str, role: str = "single") -> Page:
        """Fetch and parse one page by itself, through the guard, without asking robots.txt.

        For single pages that an applicant named, such as a profile or the source of a backlink. Redirects are followed
        anywhere but to hosts that are never fetched. Raises FetchFailedError when the text is no URL at all.
        """
        target = declared_target(url)
        with self.fetcher.visitor(target.site, self.settings.user_agent) as visitor:
            return self.parsed(self.fetcher.fetch(target, visitor, self.admit_any), role)

    def admit_any(self, target: Target) -> Failure | FetchFlag | None:
        """Follow a redirect to anywhere but hosts that are never fetched."""
        return Failure.NEVER_FETCH if self.never_fetch(target.host) else None

    def parsed(self, fetch: Fetch, role: str) -> Page:
        """Return the page of a fetch, with its facts if it is HTML."""
        reading = self.read(fetch)
        return Page(fetch, reading.facts, role, reading.flags)

    def read(self, fetch: Fetch) -> Reading:
        """Parse what was fetched; no facts and no flags when it is not HTML."""
        if not fetch.body or FetchFlag.NOT_HTML in fetch.flags:
            return Reading(None, ())
        return self.parsers.read(fetch.final_url, fetch.body, charset_of(fetch.header("content-type")))

    def interrupt(self) -> None:
        """End all fetches now; crawls under way stop at once and are not complete."""
        self.stopping.set()
        self.watchdog.fire_all()


def _fetch_anything(_: str) -> bool:
    return False


@contextmanager
def open_crawler(
    settings: CrawlSettings,
    *,
    resolver: Resolver | None = None,
    contexts: TlsContexts | None = None,
    never_fetch: NeverFetch = _fetch_anything,
) -> Iterator[Crawler]:
    """Open a crawler; on leaving, its threads, processes and connections are gone.

    `resolver` takes the place of DNS, `contexts` that of the default trust. Raises SettingsError for a bad hosts file.
    """
    guard = make_guard(settings, resolver)
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog())
        parsers = stack.enter_context(ParserPool(settings.parse))
        turns = AddressTurns(settings.per_address)
        fetcher = Fetcher(guard, watchdog, turns, contexts or tls_contexts(), settings.fetch)
        yield Crawler(settings, guard, fetcher, parsers, watchdog, never_fetch, threading.Event())
