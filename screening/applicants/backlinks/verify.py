"""Look whether links are there: fetch the linking page through the guard and find the link on it.

What cannot be seen stays unknown: a page that does not answer, asks us not to come, or is not read to its end proves
nothing about its links.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from random import Random

from screening.applicants.codes import FetchFailedError, FetchFlag, PageFlag
from screening.applicants.crawl.crawler import Crawler
from screening.applicants.crawl.fetch import Visitor
from screening.applicants.crawl.robots import RobotsRules
from screening.applicants.crawl.urls import Target, declared_target, read_target
from screening.applicants.evidence.archive import LINKS_WARC_NAME, Archive
from screening.applicants.identifiers import owner_ids
from screening.applicants.identity import host_of, site_of
from screening.applicants.records import Fetch, Link, Page, PageFacts
from screening.applicants.signals.access import in_words
from screening.applicants.signals.finding import shortened
from screening.applicants.signals.vocabulary import around, is_listed
from screening.settings.backlinks import BacklinkSettings

_GONE = frozenset({404, 410})
_NOT_FOLLOWED = frozenset({"nofollow", "ugc", "sponsored"})
"""Link types by which a page does not vouch for a link (HTML standard 4.6.7; Google's ugc and sponsored)."""
_PAGE_DIRECTIVES = frozenset({"nofollow", "none"})
"""Directives of a page for all its links, in its robots meta or X-Robots-Tag header."""
_AGENTS = frozenset({"robots", "googlebot"})
"""Whose directives count: everybody's, and those of the search engine that links are made for."""
_DIRECTIVES_WITH_VALUES = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_AT_A_TIME = 8
"""Links of one application that are looked at side by side; each is on another site, or nearly."""
_WORDS_OF_AN_EMPTY_PAGE = 20
"""Words below which a page with scripts shows its content to browsers only."""


class Presence(StrEnum):
    """Whether the link is on the page."""

    THERE = "there"
    NOT_THERE = "not there"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was seen of one link.

    `declared` says that the applicant named it (else it was drawn from an import). `followed`, `anchor`, `position` and
    `context` (the text around it) are None unless the link is there. `address` is the linking server's, `owner_ids`
    the identifiers of its owner on the page, as (kind, value); `why` says for NOT_THERE and UNKNOWN what was seen;
    `record_id` is the WARC record that holds the page (None: not kept).
    """

    source_url: str
    source_site: str
    declared: bool
    presence: Presence
    followed: bool | None = None
    anchor: str | None = None
    position: str | None = None
    context: str | None = None
    address: str | None = None
    owner_ids: tuple[tuple[str, str], ...] = ()
    why: str = ""
    record_id: str | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """What to look for: links from `declared` pages (canonical addresses) and from `imported` ones to the `websites`.

    `application_id` chooses which of too many imported links are drawn: the same ones every time.
    """

    application_id: str
    websites: tuple[str, ...]
    declared: tuple[str, ...]
    imported: tuple[str, ...]


def check_links(
    claims: Claims, crawler: Crawler, settings: BacklinkSettings, evidence: Path | None = None
) -> tuple[Checked, ...]:
    """Look at the pages that are said to link, declared ones first, within the settings' numbers and seconds.

    With `evidence`, the pages are archived in that folder and each answer names its record. Never raises for what a
    page does. Pages of the applicant's own sites are left out: they are no links from others.
    """
    ends = time.monotonic() + settings.check_seconds
    questions = [_Question(url, declared, claims.websites, ends) for url, declared in _chosen(claims, settings)]
    if not questions:
        return ()
    robots: dict[str, RobotsRules] = {}
    with ThreadPoolExecutor(min(_AT_A_TIME, len(questions)), thread_name_prefix="links") as pool:
        looked = list(pool.map(lambda question: _check(question, crawler, robots), questions))
    if evidence is None:
        return tuple(checked for checked, _ in looked)
    about = [("software", crawler.settings.user_agent), ("application", claims.application_id)]
    about += [("guard-opened", opening) for opening in crawler.openings]
    archive = Archive(evidence, crawler.settings.evidence.application_bytes, about, LINKS_WARC_NAME)
    with closing(archive):
        return tuple(_kept(checked, fetch, archive) for checked, fetch in looked)


@dataclass(frozen=True, slots=True)
class _Question:
    url: str
    declared: bool
    websites: tuple[str, ...]
    ends: float

    @property
    def left(self) -> float:
        """Seconds until the application's time for links is used up."""
        return self.ends - time.monotonic()


def _chosen(claims: Claims, settings: BacklinkSettings) -> Iterator[tuple[str, bool]]:
    """Yield the pages to look at and whether they were declared; few of each site, so that no site is pressed."""
    own = {site_of(url) for url in claims.websites if not _is_shared(url)}
    drawn = list(dict.fromkeys(claims.imported))
    Random(claims.application_id).shuffle(drawn)  # noqa: S311 - a sample, not a secret
    asked: Counter[str] = Counter()
    seen: set[str] = set()
    for url, declared in (*((url, True) for url in claims.declared), *((url, False) for url in drawn)):
        site = site_of(url)
        if site in own or url in seen or asked[site] >= settings.checked_per_site:
            continue
        if len(seen) >= settings.checked_max:
            return
        seen.add(url)
        asked[site] += 1
        yield url, declared


def _kept(checked: Checked, fetch: Fetch | None, archive: Archive) -> Checked:
    return checked if fetch is None else replace(checked, record_id=archive.keep(fetch).record_id)


def _check(question: _Question, crawler: Crawler, robots: dict[str, RobotsRules]) -> tuple[Checked, Fetch | None]:
    """Look at one page; return what was seen and the fetch, None when nothing was fetched."""
    if question.left <= 0 or crawler.stopping.is_set():
        return _unknown(question.url, question.declared, "no time was left to look"), None
    try:
        target = declared_target(question.url)
    except FetchFailedError as failed:
        return _unknown(question.url, question.declared, f"its address cannot be used: {in_words(failed.code)}"), None
    if crawler.never_fetch(target.host):
        return _unknown(question.url, question.declared, "a network's click address is never fetched"), None
    with crawler.fetcher.visitor(target.site, crawler.settings.user_agent) as visitor:
        rules = _robots(target, visitor, crawler, robots, question.left)
        if rules is not None and not rules.allows(target.url):
            return _unknown(question.url, question.declared, "its robots.txt asks not to be visited"), None
        fetch = crawler.fetcher.fetch(target, visitor, crawler.admit_any, most_seconds=max(question.left, 0.001))
        page = crawler.parsed(fetch, "single")
    return judged(page, question.url, question.websites, declared=question.declared), fetch


def _robots(
    target: Target, visitor: Visitor, crawler: Crawler, known: dict[str, RobotsRules], seconds: float
) -> RobotsRules | None:
    """Return the rules of the target's host; None when it gave none because it cannot be reached at all."""
    if target.authority not in known:
        url = read_target(f"{target.authority}/robots.txt")
        fetch = crawler.fetcher.fetch(url, visitor, crawler.admit_any, most_seconds=seconds)
        if fetch.status is None:
            return None
        known[target.authority] = RobotsRules(fetch, crawler.settings.user_agent, crawler.settings.robots)
    return known[target.authority]


def judged(page: Page, url: str, websites: Sequence[str], *, declared: bool) -> Checked:
    """Say what a fetched page shows of a link to one of the web sites."""
    fetch, facts = page.fetch, page.facts
    if fetch.status in _GONE:
        return _seen(page, url, declared, Presence.NOT_THERE, f"the page is gone (status {fetch.status})")
    if not fetch.ok or facts is None:
        return _unknown(url, declared, _failure(page))
    if site_of(fetch.final_url) in {site_of(site) for site in websites if not _is_shared(site)}:
        return _seen(page, url, declared, Presence.NOT_THERE, "the page only redirects to the site")
    found = [link for link in facts.links if any(leads_to(link.url, site) for site in websites)]
    if not found:
        why = _not_read_whole(page, facts)
        if why is not None:
            return _unknown(url, declared, why)
        others = len({site_of(link.url) for link in facts.links if link.url.startswith("http")})
        return _seen(page, url, declared, Presence.NOT_THERE, f"no link to the site; links to {others} sites")
    link = next((link for link in found if _link_followed(link)), found[0])
    return Checked(
        source_url=url,
        source_site=site_of(url),
        declared=declared,
        presence=Presence.THERE,
        followed=_link_followed(link) and not _page_unfollowed(page, facts),
        anchor=shortened(link.text),
        position=link.position,
        context=shortened(around(facts.text, link.text) if link.text.strip() else facts.text[:240]),
        address=fetch.address,
        owner_ids=owner_ids(page),
    )


def leads_to(url: str, website: str) -> bool:
    """Say whether an address belongs to a web site; on platforms that many share, only below the declared path."""
    if site_of(url) != site_of(website):
        return False
    if not _is_shared(website):
        return True
    wanted = _path(website)
    return _path(url) == wanted or _path(url).startswith(f"{wanted}/")


def _is_shared(website: str) -> bool:
    host = host_of(website)
    return is_listed("social", host) or is_listed("link_in_bio", host)


def _path(url: str) -> str:
    return url.split("://", 1)[-1].partition("/")[2].partition("?")[0].partition("#")[0].strip("/").casefold()


def _link_followed(link: Link) -> bool:
    return not _NOT_FOLLOWED & set(link.rel)


def _page_unfollowed(page: Page, facts: PageFacts) -> bool:
    said = [content for name, content in facts.metas if name in _AGENTS]
    said += [value for name, value in page.fetch.headers if name == "x-robots-tag"]
    return any(_forbids_following(text) for text in said)


def _forbids_following(directives: str) -> bool:
    """Read `noindex, nofollow` and, in headers, `agent: noindex, nofollow`: what follows an agent's name is for it."""
    agent = "robots"
    for token in directives.casefold().split(","):
        name, colon, value = (part.strip() for part in token.partition(":"))
        if colon and name in _DIRECTIVES_WITH_VALUES:
            continue
        agent, directive = (name, value) if colon else (agent, name)
        if agent in _AGENTS and directive in _PAGE_DIRECTIVES:
            return True
    return False


def _not_read_whole(page: Page, facts: PageFacts) -> str | None:
    if PageFlag.LINKS_CUT in facts.flags or FetchFlag.TRUNCATED in page.fetch.flags:
        return "the page is longer than what is read of one"
    if facts.words < _WORDS_OF_AN_EMPTY_PAGE and (facts.scripts or any(r.tag == "script" for r in facts.resources)):
        return "the page shows its content to browsers only"
    return None


def _failure(page: Page) -> str:
    if page.fetch.error is not None:
        return f"the page could not be had: {in_words(page.fetch.error)}"
    if page.fetch.status is not None and not page.fetch.ok:
        return f"the server answered with status {page.fetch.status}"
    return "the answer is no page that can be read"


def _seen(page: Page, url: str, declared: bool, presence: Presence, why: str) -> Checked:  # noqa: FBT001 - ours alone
    return Checked(url, site_of(url), declared, presence, address=page.fetch.address, why=why)


def _unknown(url: str, declared: bool, why: str) -> Checked:  # noqa: FBT001
    return Checked(url, site_of(url), declared, Presence.UNKNOWN, why=why)
