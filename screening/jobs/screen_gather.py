"""Gather what a screening needs: crawl every application, look at profiles and unseen addresses, run the signals."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from screening.applicants.codes import Failure, FetchFailedError, FetchFlag
from screening.applicants.crawl.crawler import Crawler, open_crawler
from screening.applicants.crawl.journal import JOURNAL_NAME
from screening.applicants.crawl.many import crawl_many
from screening.applicants.crawl.urls import Target, read_target
from screening.applicants.identity import site_of
from screening.applicants.intake_fields import Application
from screening.applicants.policy import Policy
from screening.applicants.records import ApplicationCrawl, Declared, Page
from screening.applicants.signals.forced_clicks import own_addresses_loaded, own_code_loaded
from screening.applicants.signals.networks import affiliate_url, is_click_host
from screening.applicants.social import profiles_to_visit
from screening.applicants.study import Looked, Lookup, Studied, failed, study
from screening.jobs.progress import Progress
from screening.settings import Settings
from screening.settings.screening import SignalSettings

STUDENTS = 8
"""Threads that look at profiles and run signals: beyond the crawl's own threads the work is the interpreter's."""
WAITING_MAX = 4 * STUDENTS
"""Finished crawls that wait to be studied; each holds the pages of an application."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gathering:
    """How to gather: settings, policy, where evidence is kept, and what opens the lookups that add findings."""

    settings: Settings
    policy: Policy
    evidence: Path
    lookups: Callable[[Crawler], AbstractContextManager[Sequence[Lookup]]]


@dataclass(frozen=True, slots=True)
class _Eyes:
    """What a run looks with."""

    crawler: Crawler
    lookups: Sequence[Lookup]


def gather(applications: Sequence[Application], how: Gathering, progress: Progress) -> dict[str, Studied]:
    """Crawl and study all applications; the answer is by application id.

    One whose study fails is in the answer as failed, so that a person looks at it. What a killed run had crawled is
    used again if it is recent; else everything is fetched anew. Call `forget_journal` once the results are recorded.
    """
    forget_old_journal(how.evidence, datetime.now(UTC), how.settings.screening.resume_hours)
    by_id = {item.application_id: item for item in applications}
    declared = [Declared(item.application_id, item.websites) for item in applications]
    found: dict[str, Studied] = {}
    progress.step("screening applications", 0, len(declared))
    with open_crawler(how.settings.crawl, never_fetch=is_click_host) as crawler, how.lookups(crawler) as lookups:
        for item in _studied(declared, by_id, _Eyes(crawler, lookups), how):
            found[item.application.application_id] = item
            progress.step("screening applications", len(found), len(declared))
    return found


def forget_journal(evidence: Path) -> None:
    """Remove the journal of a run whose results are recorded; before that, a killed run would lose its crawl."""
    (evidence / JOURNAL_NAME).unlink(missing_ok=True)


def forget_old_journal(evidence: Path, now: datetime, hours: float) -> None:
    """Remove the journal of a killed run when what it remembers is too old to be used again."""
    path = evidence / JOURNAL_NAME
    if path.exists() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < now - timedelta(hours=hours):
        path.unlink()


def _studied(
    declared: Iterable[Declared], by_id: Mapping[str, Application], eyes: _Eyes, how: Gathering
) -> Iterator[Studied]:
    waiting: deque[Future[Studied]] = deque()
    with ThreadPoolExecutor(STUDENTS, thread_name_prefix="study") as pool:
        for crawl in crawl_many(declared, eyes.crawler, how.evidence):
            waiting.append(pool.submit(_study, by_id[crawl.application_id], crawl, eyes, how))
            while waiting and (waiting[0].done() or len(waiting) >= WAITING_MAX):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _study(application: Application, crawl: ApplicationCrawl, eyes: _Eyes, how: Gathering) -> Studied:
    try:
        signals = how.settings.screening.signals
        profiles = _profiles(profiles_to_visit(application, signals.profiles_max), eyes.crawler)
        looked = Looked(application, crawl, _followed(crawl, eyes.crawler, signals), profiles)
        beside = [finding for lookup in eyes.lookups for finding in lookup(looked)]
        return study(looked, how.policy, signals, beside)
    except Exception as error:  # noqa: BLE001 - one application must not end the run of all; a person looks at it
        _log.exception("screening of application %r failed", application.application_id)
        return failed(application, f"{type(error).__name__}: {error}"[:200])


def _profiles(urls: Iterable[str], crawler: Crawler) -> dict[str, Page]:
    pages = {}
    for url in urls:
        try:
            pages[url] = crawler.look_at(url)
        except FetchFailedError:
            continue  # no URL at all: the profile stays unvisited, and is reported so
    return pages


def _followed(crawl: ApplicationCrawl, crawler: Crawler, signals: SignalSettings) -> dict[str, tuple[Page, ...]]:
    """Fetch the site's own addresses that its pages load unseen, as far as the first redirect to a network."""
    found: dict[str, list[Page]] = defaultdict(list)
    probes, scripts = signals.probes_max, signals.scripts_max
    for site in crawl.sites:
        unseen = [url for url in own_addresses_loaded(site) if site_of(url) == site.site][:probes]
        code = [url for url in own_code_loaded(site) if site_of(url) == site.site and url not in unseen][:scripts]
        probes, scripts = probes - len(unseen), scripts - len(code)
        for url in (*unseen, *code):
            page = _follow(url, site.site, crawler)
            if page is not None:
                found[site.site].append(page)
    return {site: tuple(pages) for site, pages in found.items()}


def _follow(url: str, site: str, crawler: Crawler) -> Page | None:
    try:
        target = read_target(url)
    except FetchFailedError:
        return None
    with crawler.fetcher.visitor(site, crawler.settings.user_agent) as visitor:
        return crawler.parsed(crawler.fetcher.fetch(target, visitor, _no_network), "single")


def _no_network(target: Target) -> Failure | FetchFlag | None:
    """Never follow a redirect to an affiliate network: each visit would be a false click for a merchant."""
    match = affiliate_url(target.url)
    return Failure.NEVER_FETCH if match is not None and match.sets_cookie else None
