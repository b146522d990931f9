"""Which page next: a small choice of telling pages, the same ones every time."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from screening.applicants.codes import FetchFailedError, SiteFlag
from screening.applicants.crawl.sitemaps import SitemapEntry
from screening.applicants.crawl.traps import is_trap, is_worth_visiting, shape_of, without_session
from screening.applicants.crawl.urls import Target, read_target, site_of
from screening.applicants.page.words import word_count
from screening.applicants.records import Link
from screening.settings.crawl import CrawlSettings

_ROLES = {
    "disclosure": r"affiliat|disclos|advertis(?:ing|er|e)[-_ ]?(?:policy|disclosure)|werbehinweis|anzeigenkennz"
    r"|transparen[zc]|liens[-_ ]?affili|publicidad|partner(?:links|hinweis)|how[-_ ]we[-_ ]make[-_ ]money",
    "about": r"about|who[-_ ]we[-_ ]are|über[-_ ]uns|ueber[-_ ]uns|uber[-_ ]uns|qui[-_ ]sommes"
    r"|a[-_ ]propos|à[-_ ]propos|sobre|quienes[-_ ]somos|quem[-_ ]somos|chi[-_ ]siamo|over[-_ ]ons|o[-_ ]nas|om[-_ ]oss"
    r"|om[-_ ]os|hakk"
    r"|о[-_ ]нас"  # noqa: RUF001 - Russian
    r"|運営者|プロフィール|自己紹介|会社概要|关于|關於|소개|เกี่ยวกับ|giới thiệu|tentang|من نحن|אודות|σχετικά",
    "contact": r"contact|kontakt|contatti|contato|imprint|impressum|mentions[-_ ]legales|iletisim|контакт|yhteys"
    r"|問い?合わ?せ|联系|聯絡|聯繫|문의|연락처|ติดต่อ|liên hệ|hubungi|اتصل|تواصل|צור קשר|επικοινων",
    "privacy": r"privacy|datenschutz|confidentialit|privacidad|privacidade|privatliv|integritet|prywatno|gizlilik"
    r"|конфиденциальн|cookie"
    r"|プライバシー|個人情報|隐私|隱私|개인정보|ความเป็นส่วนตัว|quyền riêng tư|bảo mật|privasi|الخصوصية|פרטיות|απορρήτ",
    "terms": r"terms|conditions|tos\b|agb\b|nutzungsbed|conditions[-_ ]g|terminos|términos|termos|condizioni"
    r"|voorwaarden|regulamin|legal"
    r"|利用規約|服务条款|使用條款|이용약관|ข้อกำหนด|điều khoản|الشروط|תנאי שימוש|όροι χρήσης",
}
"""Words in the link text or path, in the languages of most programmes, by the kind of page they lead to."""
_ROLE = re.compile("|".join(f"(?P<{role}>{words})" for role, words in _ROLES.items()), re.IGNORECASE)
_ABSOLUTE = re.compile(r"https?://([a-z0-9.\-_]+)(?::\d+)?(/[^#]*)")
_TEXT_OF_THE_PAGE = frozenset({"main", "comment"})
_LONGEST_LABEL = 60
"""Characters of a link text that may name such a page; longer ones are headlines."""
_MOST_WORDS = 4
"""Words of a link text that may name such a page."""
_MOST_WORDS_UNSPACED = 6
"""The same in scripts without spaces, where words are reckoned from characters: 12 in Japanese."""
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
        self._others: dict[str, int] = {}
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
        """Take the links of a page into account.

        Most are never followed, so they are looked at closely only when they are drawn.
        """
        if depth > self._settings.site.depth:
            return
        for link in links:
            if link.url in self._considered:
                continue
            self._considered.add(link.url)
            found = _ABSOLUTE.match(link.url)
            if found is None or site_of(found[1]) not in self.scope or not self._is_host_known(found[1]):
                continue
            # Away from the home page, what the text itself links to is an article, whatever it is called.
            named = depth <= 1 or link.position not in _TEXT_OF_THE_PAGE
            role = _role_of(link, found[2]) if named else None
            if role is None or not self._add_role(role, link.url, depth):
                self._add_other(link.url, depth)

    def add_entries(self, entries: Iterable[SitemapEntry]) -> None:
        """Take the pages of a sitemap into account; the one changed last is worth a visit of its own."""
        newest = ("", "")
        for entry in entries:
            found = _ABSOLUTE.match(entry.url)
            if found is None or found[2] == "/" or site_of(found[1]) not in self.scope:
                continue
            if self._is_host_known(found[1]):
                self._add_other(entry.url, 1)
                newest = max(newest, (entry.changed, entry.url))
        candidate = self._candidate(newest[1], "newest", 1) if newest[0] else None
        if candidate is not None and (self._newest is None or newest[0] > self._newest[0]):
            self._newest = (newest[0], candidate)

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
        return self._draw()

    def _draw(self) -> Candidate | None:
        """Draw a page of no special kind, the same ones for the same seed and site."""
        if self._drawn >= self._settings.site.random_pages:
            return None
        waiting = sorted(self._others)
        while waiting:
            url = waiting.pop(self._random.randrange(len(waiting)))
            candidate = self._candidate(url, "random", self._others.pop(url))
            if candidate is not None:
                return candidate
        return None

    def _add_role(self, role: str, url: str, depth: int) -> bool:
        if role in self._roles_done or role in self._by_role:
            return False
        candidate = self._candidate(url, role, depth)
        if candidate is not None:
            self._by_role[role] = candidate
        return candidate is not None

    def _add_other(self, url: str, depth: int) -> None:
        if len(url) > self._settings.traps.url_length:
            self.flags.add(SiteFlag.TRAP_LINKS)
        elif len(self._others) < _MOST_WAITING:
            self._others.setdefault(url, depth)

    def _is_host_known(self, host: str) -> bool:
        """Say whether the host is one of the few that are visited, and make it one while there is room."""
        if host not in self._hosts:
            if len(self._hosts) >= self._settings.site.hosts:
                self.flags.add(SiteFlag.HOSTS_CUT)
                return False
            self._hosts.add(host)
        return True

    def _candidate(self, url: str, role: str, depth: int) -> Candidate | None:
        """Return the page behind a link unless it is a trap, no page, or known already."""
        try:
            target = read_target(without_session(url))
        except (FetchFailedError, ValueError):
            return None
        if target.url in self._seen or target.site not in self.scope or not is_worth_visiting(target.url):
            return None
        if is_trap(target.url, self._settings.traps):
            self.flags.add(SiteFlag.TRAP_LINKS)
            return None
        return Candidate(target, role, depth)


def _role_of(link: Link, path: str) -> str | None:
    named_by_text = (
        len(link.text) <= _LONGEST_LABEL
        and len(link.text.split()) <= _MOST_WORDS
        and word_count(link.text) <= _MOST_WORDS_UNSPACED
    )
    label = link.text if named_by_text else ""
    found = _ROLE.search(f"{label} {path}" if len(path) <= _LONGEST_LABEL else label)
    return found.lastgroup if found else None
