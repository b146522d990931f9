"""The crawl of one site: manners, budgets, and a small choice of telling pages."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from screening.applicants.codes import (
    Failure,
    FetchFailedError,
    FetchFlag,
    PageFlag,
    RobotsFlag,
    SiteFlag,
    Stop,
)
from screening.applicants.crawl.crawler import Crawler
from screening.applicants.crawl.fetch import Visitor
from screening.applicants.crawl.frontier import Candidate, Frontier
from screening.applicants.crawl.robots import RobotsRules
from screening.applicants.crawl.sitemaps import read_sitemap
from screening.applicants.crawl.urls import Target, read_target
from screening.applicants.crawl.views import varying
from screening.applicants.evidence.archive import Archive
from screening.applicants.page.collect import refresh_target
from screening.applicants.page.pool import Reading
from screening.applicants.page.simhash import distance
from screening.applicants.records import Fetch, Page, Robots, SiteCrawl, Spent, View

NEAR_BITS = 3
"""Bits of a 64-bit simhash in which near copies differ at most (Manku, Jain, Das Sarma, WWW 2007)."""
_SEARCH_PAGE = "https://www.google.com/"
"""Sent as Referer in the comparison: what a visitor from a search engine's result carries."""


@dataclass(frozen=True, slots=True)
class SiteRequest:
    """One site to crawl: whose application, what was declared on it, and how many seconds it may take."""

    application_id: str
    targets: tuple[Target, ...]
    seconds: float

    @property
    def site(self) -> str:
        """The registrable domain that the crawl keeps to."""
        return self.targets[0].site


def crawl_site(request: SiteRequest, crawler: Crawler, archive: Archive | None = None) -> SiteCrawl:
    """Crawl one site and return everything seen. Never raises for what a site does; budgets end it, not errors."""
    with crawler.fetcher.visitor(request.site, crawler.settings.user_agent) as visitor:
        visit = _SiteVisit(request, crawler, archive, visitor)
        visit.run()
        return visit.result()


class _EndedError(Exception):
    def __init__(self, stop: Stop) -> None:
        super().__init__(stop.value)
        self.stop = stop


@dataclass(slots=True)
class _Seen:
    pages: list[Page] = field(default_factory=list)
    others: list[Page] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    flags: set[SiteFlag] = field(default_factory=set)
    disallowed: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    fetches: int = 0
    bytes: int = 0


class _SiteVisit:
    def __init__(self, request: SiteRequest, crawler: Crawler, archive: Archive | None, visitor: Visitor) -> None:
        self._request = request
        self._crawler = crawler
        self._limits = crawler.settings.site
        self._archive = archive
        self._visitor = visitor
        self._seed = f"{request.application_id}:{request.site}"
        self._frontier = Frontier(self._seed, crawler.settings)
        self._frontier.scope.add(request.site)
        self._seen = _Seen()
        self._rules: dict[str, RobotsRules] = {}
        self._first_rules: RobotsRules | None = None
        self._begun = time.monotonic()
        self._waited = 0.0
        self._last_fetch: float | None = None
        self._delay = self._limits.delay_seconds
        self._home_only = False
        self._near_copies = 0
        self._hard_pages = 0
        self._readings: dict[tuple[str, str], Reading] = {}
        self._probe: Page | None = None
        self._moved_to: str | None = None

    def run(self) -> None:
        """Crawl until a budget, the site or the caller ends it."""
        if self._crawler.openings:
            self._seen.flags.add(SiteFlag.GUARD_OPENED)
        try:
            for index, target in enumerate(self._request.targets):
                self._frontier.put_first(target, "declared" if index else "home")
            while (candidate := self._frontier.next()) is not None:
                self._visit(candidate)
            self._seen.stops.append(Stop.EXHAUSTED)
        except _EndedError as ended:
            self._seen.stops.append(ended.stop)
            if ended.stop in {Stop.SECONDS, Stop.APPLICATION, Stop.BYTES, Stop.INTERRUPTED}:
                self._seen.flags.add(SiteFlag.PARTIAL)

    def result(self) -> SiteCrawl:
        """Return what was seen."""
        seen = self._seen
        return SiteCrawl(
            site=self._request.site,
            declared=tuple(target.url for target in self._request.targets),
            pages=tuple(seen.pages),
            others=tuple(seen.others),
            views=tuple(seen.views),
            robots=self._robots(),
            stops=tuple(dict.fromkeys(seen.stops)),
            flags=tuple(sorted(seen.flags | self._frontier.flags)),
            moved_to=self._moved_to,
            spent=Spent(self._used(), seen.fetches, len(seen.pages), seen.bytes, len(seen.hosts)),
        )

    # --- one page -----------------------------------------------------------------------------------------------

    def _visit(self, candidate: Candidate) -> None:
        rules = self._rules_for(candidate.target)
        first = not self._seen.pages
        if not rules.allows(candidate.target.url):
            self._seen.disallowed.append(candidate.target.url)
            if first:
                raise _EndedError(Stop.ROBOTS_UNREACHABLE if rules.state == "unreachable" else Stop.ROBOTS_DISALLOWED)
            return
        page = self._noted(self._page(self._fetch(candidate.target), candidate.role))
        self._seen.pages.append(page)
        self._frontier.mark_seen(page.fetch.final_url)
        if self._leaves(page, candidate):
            return
        if first and (page.fetch.error is not None or page.fetch.status is None):
            raise _EndedError(Stop.HOME_FAILED)
        if page.facts is not None:
            self._frontier.add_links(page.facts.links, candidate.depth + 1)
            self._queue_refresh(page, candidate)
        if first:
            self._after_home(page, candidate.target)
        if len(self._seen.pages) >= self._limits.pages:
            raise _EndedError(Stop.PAGES)
        if self._near_copies >= self._crawler.settings.traps.near_copies:
            raise _EndedError(Stop.NEAR_COPIES)
        if self._hard_pages >= self._crawler.settings.traps.hard_pages:
            raise _EndedError(Stop.HARD_PAGES)

    def _after_home(self, page: Page, target: Target) -> None:
        if self._home_only:
            raise _EndedError(Stop.CRAWL_DELAY)
        self._compare_views(page, target)
        self._fetch_favicon(page, target)
        self._probe_missing(target)
        self._read_sitemaps(target)

    def _noted(self, page: Page) -> Page:
        """Mark a page that is like an earlier one or like the answer to a path that cannot exist."""
        if page.facts is None or page.facts.text_simhash is None:
            return page
        mine, flags = page.facts.text_simhash, list(page.flags)
        earlier = [other.facts.text_simhash for other in self._seen.pages if other.facts is not None]
        if any(one is not None and distance(one, mine) <= NEAR_BITS for one in earlier):
            flags.append(PageFlag.NEAR_COPY)
            self._near_copies += 1
        else:
            self._near_copies = 0
        probe = self._probe.facts.text_simhash if self._probe is not None and self._probe.facts is not None else None
        if probe is not None and distance(probe, mine) <= NEAR_BITS:
            flags.append(PageFlag.SOFT_404)
        return replace(page, flags=tuple(flags))

    def _leaves(self, page: Page, candidate: Candidate) -> bool:
        """Deal with a home page that redirects to another site: crawl that one instead, once, and say so."""
        if FetchFlag.OFFSITE_REDIRECT not in page.fetch.flags or candidate.role != "home":
            return FetchFlag.OFFSITE_REDIRECT in page.fetch.flags
        target = read_target(page.fetch.hops[-1].location or "")
        already, self._moved_to = self._moved_to, target.site
        if already is not None or self._crawler.never_fetch(target.host):
            self._seen.flags.add(SiteFlag.OFFSITE_HOME)
        else:
            self._seen.flags.add(SiteFlag.SITE_MOVED)
            self._frontier.scope.add(target.site)
            self._frontier.put_first(target, "home")
        return True

    def _queue_refresh(self, page: Page, candidate: Candidate) -> None:
        """Follow a refresh or scripted move inside the site; one that leaves it is only recorded."""
        moves = [
            one.url
            for one in (page.facts.resources if page.facts is not None else ())
            if (one.tag, one.attribute) in {("meta", "refresh"), ("script", "location")}
        ]
        header = refresh_target(page.fetch.header("refresh") or "")
        for url in [*([header] if header else []), *moves][:3]:
            try:
                target = read_target(url, base=page.fetch.final_url)
            except FetchFailedError:
                continue
            if target.site in self._frontier.scope and candidate.depth < self._limits.depth:
                self._frontier.put_first(target, "refresh", candidate.depth + 1)

    # --- beside the pages ---------------------------------------------------------------------------------------

    def _compare_views(self, first: Page, target: Target) -> None:
        if not self._limits.compare_views or first.fetch.error is not None:
            return
        settings = self._crawler.settings
        profiles: list[tuple[Literal["again", "browser", "referred"], str, dict[str, str]]] = [
            ("again", settings.user_agent, {}),
            ("browser", settings.browser_agent, {}),
            ("referred", settings.browser_agent, {"Referer": _SEARCH_PAGE}),
        ]
        for profile, agent, headers in profiles:
            with self._crawler.fetcher.visitor(self._visitor.site, agent) as stranger:
                page = self._page(self._fetch(target, stranger, headers), "home")
            self._seen.views.append(View(profile, page))
        if self._visitor.has_cookies:
            self._seen.views.append(View("returning", self._page(self._fetch(target), "home")))
        self._seen.flags |= varying(first, self._seen.views)

    def _fetch_favicon(self, page: Page, target: Target) -> None:
        try:
            url = page.facts.favicon_url if page.facts is not None and page.facts.favicon_url else "/favicon.ico"
            icon = read_target(url, base=target.url)
        except FetchFailedError:
            return
        if icon.site in self._frontier.scope and self._rules_for(icon).allows(icon.url):
            self._seen.others.append(Page(self._fetch(icon), None, "favicon"))

    def _probe_missing(self, target: Target) -> None:
        name = f"{random.Random(self._seed).getrandbits(96):024x}"  # noqa: S311 - the same path every time
        probe = read_target(f"/{name}.html", base=target.url)
        if not self._rules_for(probe).allows(probe.url):
            return
        page = self._page(self._fetch(probe), "probe")
        self._seen.others.append(page)
        if page.fetch.ok and page.facts is not None:
            self._probe = page
            self._seen.flags.add(SiteFlag.SOFT_404)

    def _read_sitemaps(self, target: Target) -> None:
        traps = self._crawler.settings.traps
        declared = self._rules_for(target).sitemaps or ("/sitemap.xml",)
        waiting = [(url, 1) for url in declared[: traps.sitemaps]]
        asked: set[str] = set()
        room = traps.sitemap_urls
        while waiting and len(asked) < traps.sitemaps and room > 0:
            url, level = waiting.pop(0)
            fetch = self._sitemap(url, target, asked)
            if fetch is None or not fetch.ok:
                continue
            content = read_sitemap(fetch.body, most=room, cap=self._crawler.settings.fetch.page_bytes)
            room -= len(content.entries)
            self._frontier.add_entries(content.entries)
            if content.cut:
                self._seen.flags.add(SiteFlag.SITEMAP_CUT)
            if not content.valid:
                self._seen.flags.add(SiteFlag.SITEMAP_INVALID)
            if level < traps.sitemap_levels:
                waiting += [(nested, level + 1) for nested in content.nested[: traps.sitemaps]]
        if waiting:
            self._seen.flags.add(SiteFlag.SITEMAP_CUT)

    def _sitemap(self, url: str, home: Target, asked: set[str]) -> Fetch | None:
        try:
            target = read_target(url, base=home.url)
        except FetchFailedError:
            return None
        if target.url in asked or target.site not in self._frontier.scope:
            return None
        asked.add(target.url)
        if not self._rules_for(target).allows(target.url):
            return None
        fetch = self._fetch(target)
        self._seen.others.append(Page(replace(fetch, body=b"") if self._archive is None else fetch, None, "sitemap"))
        return fetch

    # --- robots.txt ---------------------------------------------------------------------------------------------

    def _rules_for(self, target: Target) -> RobotsRules:
        known = self._rules.get(target.authority)
        if known is not None:
            return known
        settings = self._crawler.settings
        fetch = self._fetch(read_target("/robots.txt", base=target.url), robots=True)
        rules = RobotsRules(fetch, settings.user_agent, settings.robots)
        if read_target(fetch.final_url).site != target.site:
            rules.flags.add(RobotsFlag.OFFSITE)
        self._rules[target.authority] = rules
        self._seen.others.append(Page(fetch, None, "robots"))
        if self._first_rules is None:
            self._first_rules = rules
        if rules.delay_seconds is not None:
            if rules.delay_seconds > self._limits.delay_seconds_max:
                rules.flags.add(RobotsFlag.DELAY_CAPPED)
                self._home_only = True
            self._delay = min(max(self._delay, rules.delay_seconds), self._limits.delay_seconds_max)
        return rules

    def _robots(self) -> Robots:
        rules = self._first_rules
        if rules is None:
            return Robots("unasked", None, (), ())
        flags = tuple(sorted(rules.flags))
        return Robots(rules.state, rules.delay_seconds, rules.sitemaps[:20], tuple(self._seen.disallowed), flags)

    # --- one fetch ----------------------------------------------------------------------------------------------

    def _fetch(
        self,
        target: Target,
        visitor: Visitor | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        robots: bool = False,
    ) -> Fetch:
        """Fetch within the budgets, after the pause that the site is owed. Raises _EndedError when they are spent."""
        self._pause()
        left = self._left()
        visitor = visitor or self._visitor
        admit = self._crawler.admit_any if robots else self._admit
        fetch = self._crawler.fetcher.fetch(target, visitor, admit, headers, left)
        self._last_fetch = time.monotonic()
        self._waited += visitor.line.waited
        self._seen.fetches += 1
        self._seen.hosts.add(target.host)
        self._seen.bytes += len(fetch.body)
        if self._crawler.stopping.is_set():
            raise _EndedError(Stop.INTERRUPTED)
        return fetch if self._archive is None else self._archive.keep(fetch)

    def _page(self, fetch: Fetch, role: str) -> Page:
        """Parse a fetch; what was parsed before (another view of the same bytes) is not parsed again."""
        key = (fetch.final_url, fetch.body_digest)
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = self._crawler.read(fetch)
            self._waited += reading.waited_seconds
            self._hard_pages += bool({PageFlag.FALLBACK, PageFlag.UNPARSEABLE} & set(reading.flags))
        return Page(fetch, reading.facts, role, reading.flags)

    def _admit(self, target: Target) -> Failure | FetchFlag | None:
        if target.site not in self._frontier.scope or self._crawler.never_fetch(target.host):
            return FetchFlag.OFFSITE_REDIRECT
        known = self._rules.get(target.authority)
        return Failure.ROBOTS if known is not None and not known.allows(target.url) else None

    def _pause(self) -> None:
        if self._last_fetch is not None:
            pause = self._last_fetch + self._delay - time.monotonic()
            if pause > 0 and self._crawler.stopping.wait(min(pause, self._left())):
                raise _EndedError(Stop.INTERRUPTED)
        if self._crawler.stopping.is_set():
            raise _EndedError(Stop.INTERRUPTED)

    def _left(self) -> float:
        """Return the seconds left for this site. Raises _EndedError when there are none, or no bytes."""
        if self._seen.bytes >= self._limits.total_bytes:
            raise _EndedError(Stop.BYTES)
        left = min(self._limits.seconds, self._request.seconds) - self._used()
        if left <= 0:
            raise _EndedError(Stop.SECONDS if self._limits.seconds <= self._request.seconds else Stop.APPLICATION)
        return left

    def _used(self) -> float:
        return time.monotonic() - self._begun - self._waited
