"""Crawl many applications at once: one thread per site, one crawl per site at a time, resumable, bounded."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from screening.applicants.codes import FetchFailedError, SiteFlag, Stop
from screening.applicants.crawl.crawler import Crawler
from screening.applicants.crawl.journal import Journal
from screening.applicants.crawl.site import SiteRequest, crawl_site
from screening.applicants.crawl.urls import Target, declared_target
from screening.applicants.evidence.archive import Archive
from screening.applicants.evidence.facts import write_facts
from screening.applicants.records import ApplicationCrawl, Declared, SiteCrawl, Unusable

_AHEAD = 16
"""Applications taken in beyond the number of threads, so that a thread always finds a site that is free."""

_log = logging.getLogger(__name__)


def crawl_many(
    declared: Iterable[Declared], crawler: Crawler, evidence: Path | None = None
) -> Iterator[ApplicationCrawl]:
    """Crawl everything that applications declare and yield each application when it is done, in any order.

    With `evidence`, a folder below it keeps each application's archive and facts, and a journal lets a run that was
    killed go on: applications that are recorded there with the same declaration are read back, not crawled again.
    Closing the iterator ends the crawls under way; they are not recorded. Only an error of our own is raised.
    """
    for opening in crawler.openings:
        _log.warning("The crawl guard is open: %s.", opening)
    journal = None if evidence is None else Journal(evidence)
    with _Crew(crawler, journal) as crew:
        for one in declared:
            finished = None if journal is None else journal.finished(one)
            if finished is not None:
                yield finished
                continue
            while crew.in_flight >= crawler.settings.threads + _AHEAD:
                yield crew.next_finished()
            crew.add(one)
        while crew.in_flight:
            yield crew.next_finished()


def crawl_application(declared: Declared, crawler: Crawler, evidence: Path | None = None) -> ApplicationCrawl:
    """Crawl what one application declares; see crawl_many."""
    (crawled,) = crawl_many([declared], crawler, evidence)
    return crawled


@dataclass(slots=True)
class _Work:
    """One application on its way: the sites still to crawl, and what came of the others."""

    declared: Declared
    waiting: deque[tuple[Target, ...]]
    unusable: tuple[Unusable, ...]
    flags: set[SiteFlag]
    archive: Archive | None
    folder: Path | None
    sites: list[SiteCrawl] = field(default_factory=list)
    seconds: float = 0.0


class _Crew:
    """The threads and the queue between them."""

    def __init__(self, crawler: Crawler, journal: Journal | None) -> None:
        self._crawler = crawler
        self._journal = journal
        self._changed = threading.Condition()
        self._queue: deque[_Work] = deque()
        self._busy: set[str] = set()
        self._done: deque[ApplicationCrawl] = deque()
        self._failure: BaseException | None = None
        self._closed = False
        self._threads: list[threading.Thread] = []
        self.in_flight = 0

    def __enter__(self) -> _Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self.in_flight:
            self._crawler.interrupt()
        for thread in self._threads:
            thread.join()
        for work in self._queue:
            if work.archive is not None:
                work.archive.close()

    def add(self, declared: Declared) -> None:
        """Take an application in."""
        work = self._prepared(declared)
        self.in_flight += 1
        if not work.waiting:
            self._finish(work)
            return
        with self._changed:
            self._queue.append(work)
            self._changed.notify()
        if len(self._threads) < min(self._crawler.settings.threads, self.in_flight):
            thread = threading.Thread(target=self._run, name=f"crawl-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def next_finished(self) -> ApplicationCrawl:
        """Wait for the next application to be done. Raises what a thread raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._done or self._failure is not None)
            if self._failure is not None:
                raise self._failure
            self.in_flight -= 1
            return self._done.popleft()

    def _prepared(self, declared: Declared) -> _Work:
        settings = self._crawler.settings
        sites, unusable = _by_site(declared, self._crawler)
        flags = {SiteFlag.SITES_CUT} if len(sites) > settings.application_sites else set()
        folder = archive = None
        if self._journal is not None:
            folder = self._journal.folder(declared.application_id)
            about = [("software", settings.user_agent), ("application", declared.application_id)]
            about += [("guard-opened", opening) for opening in self._crawler.openings]
            archive = Archive(folder, settings.evidence.application_bytes, about)
        waiting = deque(list(sites.values())[: settings.application_sites])
        return _Work(declared, waiting, unusable, flags, archive, folder)

    def _run(self) -> None:
        try:
            while (work := self._take()) is not None:
                self._crawl(work)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for results
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _take(self) -> _Work | None:
        """Wait for an application whose next site nobody is crawling."""
        with self._changed:
            while not self._closed:
                for work in self._queue:
                    site = work.waiting[0][0].site
                    if site not in self._busy:
                        self._queue.remove(work)
                        self._busy.add(site)
                        return work
                self._changed.wait()
        return None

    def _crawl(self, work: _Work) -> None:
        targets = work.waiting.popleft()
        left = self._crawler.settings.application_seconds - work.seconds
        request = SiteRequest(work.declared.application_id, targets, left)
        try:
            crawled = crawl_site(request, self._crawler, work.archive)
        finally:
            with self._changed:
                self._busy.discard(request.site)
                self._changed.notify_all()
        work.sites.append(crawled)
        work.seconds += crawled.spent.seconds
        if Stop.INTERRUPTED in crawled.stops or not work.waiting:
            self._finish(work)
            return
        with self._changed:
            self._queue.appendleft(work)
            self._changed.notify()

    def _finish(self, work: _Work) -> None:
        result = self._result(work)
        if work.archive is not None and work.folder is not None and self._journal is not None:
            work.archive.close()
            if not any(Stop.INTERRUPTED in site.stops for site in result.sites):
                digest = write_facts(work.folder, result)
                with self._changed:
                    self._journal.record(work.declared, digest)
        with self._changed:
            self._done.append(result)
            self._changed.notify_all()

    def _result(self, work: _Work) -> ApplicationCrawl:
        flags = set(work.flags)
        if self._crawler.openings:
            flags.add(SiteFlag.GUARD_OPENED)
        if work.archive is not None and work.archive.cut:
            flags.add(SiteFlag.EVIDENCE_CUT)
        return ApplicationCrawl(
            application_id=work.declared.application_id,
            sites=tuple(work.sites),
            unusable=work.unusable,
            flags=tuple(sorted(flags)),
            openings=self._crawler.openings,
            evidence=None if work.folder is None else str(work.folder),
        )


def _by_site(declared: Declared, crawler: Crawler) -> tuple[dict[str, tuple[Target, ...]], tuple[Unusable, ...]]:
    """Sort declared URLs by site, in the applicant's order; those that cannot be crawled apart, with the reason."""
    sites: dict[str, tuple[Target, ...]] = {}
    unusable: list[Unusable] = []
    for url in declared.urls:
        try:
            target = declared_target(url)
            crawler.guard.check_target(target)
        except FetchFailedError as failed:
            unusable.append(Unusable(url, failed.code))
            continue
        known = sites.get(target.site, ())
        if target not in known:
            sites[target.site] = (*known, target)
    return sites, tuple(unusable)
