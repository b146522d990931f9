"""Which page next: a small choice of telling pages, the same ones every time."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from screening.applicants.codes import FetchFailedError, SiteFlag
from screening.applicants.crawl.sitemaps import SitemapEntry
from screening.applicants.crawl.traps import is_trap, is_worth_visiting, shape_of, without_session
from screening.applicants.crawl.urls import Target, read_target
from screening.applicants.records import Link
from screening.settings.crawl import CrawlSettings

_ROLES = {
    "disclosure": r"affiliat|disclos|advertis(?:ing|er|e)[-_ ]?(?:policy|disclosure)|werbehinweis|anzeigenkennz"
    r"|transparen[zc]|liens[-_ ]?affili|publicidad|partner(?:links|hinweis)|how[-_ ]we[-_ ]make[-_ ]money",
    "about": r"about|who[-_ ]we[-_ ]are|über[-_ ]uns|ueber[-_ ]uns|uber[-_ ]uns|qui[-_ ]sommes"
    r"|a[-_ ]propos|à[-_ ]propos|sobre|quienes[-_ ]somos|quem[-_ ]somos|chi[-_ ]siamo|over[-_ ]ons|o[-_ ]nas|om[-_ ]oss"
    r"|om[-_ ]os|hakk"
    r"|о[-_ ]нас",  # noqa: RUF001 - Russian
    "contact": r"contact|kontakt|contatti|contato|imprint|impressum|mentions[-_ ]legales|iletisim|контакт|yhteys",
    "privacy": r"privacy|datenschutz|confidentialit|privacidad|privacidade|privatliv|integritet|prywatno|gizlilik"
    r"|конфиденциальн|cookie",
    "terms": r"terms|conditions|tos\b|agb\b|nutzungsbed|conditions[-_ ]g|terminos|términos|termos|condizioni"
    r"|voorwaarden|regulamin|legal",
}
"""Words in the link text or path, in the languages of most programmes, by the kind of page they lead to."""
_ROLE_PATTERNS = {role: re.compile(words, re.IGNORECASE) for role, words in _ROLES.items()}
_LONGEST_LABEL = 60
"""Characters of a link text that may name such a page; longer ones are headlines."""
_MOST_WORDS = 4
"""Words of a link text that may name such a page."""
_MOST_WAITING = 1_000
"""Pages of no special kind that are remembered: three of them are visited."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A page to fetch: where, why (a `Page.role`), and how many links from the first page."""

    target: Target
    role: str
    depth: int


class Frontier:
    """The pages known and not yet fetched of one site."""

    def __init__(self, seed: str, settings: CrawlSettings) -> None:
        self._settings = settings
        self._random = random.Random(seed)  # noqa: S311 - a reproducible sample, not a secret
        self._first: list[Candidate] = []
        self._by_role: dict[str, Candidate] = {}
        self._newest: tuple[str, Candidate] | None = None
        self._others: dict[str, Candidate] = {}
        self._seen: set[str] = set()
        self._considered: set[str] = set()
        self._shapes: Counter[str] = Counter()
        self._hosts: set[str] = set()
        self._roles_done: set[str] = set()
        self._drawn = 0
        self.scope: set[str] = set()
        self.flags: set[SiteFlag] = set()

    def put_first(self, target: Target, role: str, depth: int = 0) -> None:
        """Queue a page that is fetched before all others; the one put first comes first."""
        if target.url not in self._seen:
            self._seen.add(target.url)
            self._hosts.add(target.host)
            self._first.append(Candidate(target, role, depth))

    def mark_seen(self, url: str) -> None:
        """Remember that a page was fetched, under another URL perhaps."""
        self._seen.add(url)

    def add_links(self, links: Iterable[Link], depth: int) -> None:
        """Take the links of a page into account."""
        for link in links:
            if link.url in self._considered:
                continue
            self._considered.add(link.url)
            candidate = self._candidate(link.url, depth)
            if candidate is None:
                continue
            role = _role_of(link, candidate.target)
            if role is not None and role not in self._roles_done:
                self._by_role.setdefault(role, Candidate(candidate.target, role, depth))
            elif len(self._others) < _MOST_WAITING:
                self._others.setdefault(candidate.target.url, candidate)

    def add_entries(self, entries: Iterable[SitemapEntry]) -> None:
        """Take the pages of a sitemap into account; the one changed last is worth a visit of its own."""
        for entry in entries:
            candidate = self._candidate(entry.url, 1)
            if candidate is None or urlsplit(candidate.target.url).path == "/":
                continue
            self._others.setdefault(candidate.target.url, candidate)
            if entry.changed and (self._newest is None or entry.changed > self._newest[0]):
                self._newest = (entry.changed, Candidate(candidate.target, "newest", 1))

    def next(self) -> Candidate | None:
        """Return the next page, or None when nothing worthwhile is left."""
        while (candidate := self._best()) is not None:
            shape = shape_of(candidate.target.url)
            if candidate.role == "random" and self._shapes[shape] >= self._settings.traps.pages_per_shape:
                self.flags.add(SiteFlag.SHAPE_CUT)
                continue
            self._shapes[shape] += 1
            self._seen.add(candidate.target.url)
            if candidate.role == "random":
                self._drawn += 1
            return candidate
        return None

    def _best(self) -> Candidate | None:
        if self._first:
            return self._first.pop(0)
        for role in ("about", "contact", "disclosure", "privacy", "terms"):
            if role in self._by_role and role not in self._roles_done:
                self._roles_done.add(role)
                return self._by_role.pop(role)
        if self._newest is not None and "newest" not in self._roles_done:
            self._roles_done.add("newest")
            return self._newest[1]
        if self._drawn >= self._settings.site.random_pages:
            return None
        left = sorted(url for url in self._others if url not in self._seen)
        if not left:
            return None
        drawn = self._others.pop(self._random.choice(left))
        return Candidate(drawn.target, "random", drawn.depth)

    def _candidate(self, url: str, depth: int) -> Candidate | None:
        """Return the page behind a link if it belongs to the site, is no trap, and is not known yet."""
        if depth > self._settings.site.depth or not url.startswith("http"):
            return None
        if len(url) > self._settings.traps.url_length:
            self.flags.add(SiteFlag.TRAP_LINKS)
            return None
        try:
            target = read_target(without_session(url))
        except (FetchFailedError, ValueError):
            return None
        if target.site not in self.scope or target.url in self._seen or not is_worth_visiting(target.url):
            return None
        if is_trap(target.url, self._settings.traps):
            self.flags.add(SiteFlag.TRAP_LINKS)
            return None
        if target.host not in self._hosts:
            if len(self._hosts) >= self._settings.site.hosts:
                self.flags.add(SiteFlag.HOSTS_CUT)
                return None
            self._hosts.add(target.host)
        return Candidate(target, "random", depth)


def _role_of(link: Link, target: Target) -> str | None:
    named_by_text = len(link.text) <= _LONGEST_LABEL and len(link.text.split()) <= _MOST_WORDS
    label = link.text if named_by_text else ""
    path = urlsplit(target.url).path
    named = f"{label} {path}" if len(path) <= _LONGEST_LABEL else label
    return next((role for role, words in _ROLE_PATTERNS.items() if words.search(named)), None)
