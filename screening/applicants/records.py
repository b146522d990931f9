"""What a crawl saw, as frozen records: fetches, page facts, sites, and the crawl of one application.

Everything in these records is evidence or is derived from it without judgement. A site's own bytes and texts are
untrusted: escape them wherever they are shown. None always means "not known", never "no".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Hop:
    """One answer that redirected: the URL asked, its status, and its Location as an absolute URL.

    `location` is the raw header text (cut to 2,048 characters) when it could not be read as a URL, None when absent.
    """

    url: str
    status: int
    location: str | None


@dataclass(frozen=True, slots=True)
class Fetch:
    """One fetch with all its hops, successful or not.

    `url` is the canonical URL asked, `final_url` the last one asked (the same without redirects); `status` and
    `headers` belong to the last answer (None and empty when there was none), header names in lower case, in the order
    received. `body` is decoded from its transfer and content encodings and cut at the cap; `body_digest` is its
    SHA-256 in hex. `error` is a code of `screening.applicants.codes` or None; a fetch with an error may still
    carry what was seen (a body cut by the deadline, a page behind an expired certificate): it is evidence, not a good
    answer. `flags` are codes of things worth knowing. `address` is the peer that was connected to, `fetched_at` when
    the fetch began, `record_id` the WARC record that holds it (None when evidence is not kept).
    """

    url: str
    final_url: str
    hops: tuple[Hop, ...]
    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    flags: tuple[str, ...]
    error: str | None
    elapsed_seconds: float
    body_digest: str
    address: str | None
    fetched_at: datetime
    record_id: str | None = None

    @property
    def ok(self) -> bool:
        """A whole answer with a status of 200-299 and no error."""
        return self.error is None and self.status is not None and 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """Return the first header of that (lower-case) name, None when the answer had none."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Link:
    """An `<a>` or `<area>` with its canonical http(s) target; other schemes keep their text as written.

    `text` is the visible anchor text (or the alternative text of its image), `rel` the lower-case tokens, `position`
    the part of the page that holds it.
    """

    url: str
    text: str
    rel: tuple[str, ...]
    position: Literal["header", "nav", "main", "aside", "footer", "comment", "body"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A URL that the page loads or goes to without a click.

    `tag`/`attribute` say where it stood: (`iframe`, `src`), (`img`, `src`), (`script`, `src`), (`link`, `href`),
    (`embed`, `src`), (`object`, `data`), (`meta`, `refresh`), (`script`, `location`) and (`script`, `open`) for
    literal navigations in inline scripts, (`style`, `url`), (`header`, `refresh`). `width` and `height` are CSS pixels
    as declared, None when not declared. `hidden` says that its own or an ancestor's style or attribute hides it or
    moves it off the screen. `snippet` is its markup as parsed, at most 300 characters.
    """

    tag: str
    attribute: str
    url: str
    width: int | None
    height: int | None
    hidden: bool
    snippet: str


@dataclass(frozen=True, slots=True)
class Form:
    """A form: canonical action URL (the page's own when absent), lower-case method, and (name, type) of its fields."""

    action: str
    method: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page says, extracted without judgement.

    `url` is the one it was fetched from; `base` is not applied to it. `title` and `language` (lower-case tag of the
    `lang` attribute) are None when absent. `text` is the visible text with runs of space collapsed, `words` its number
    of words (before any cut; see page.words for scripts without spaces). `scripts` are inline scripts, `metas` pairs of
    lower-case name or property and content (`http-equiv:` before those), `jsonld` the objects of JSON-LD blocks,
    flattened from lists and `@graph`, `headings` pairs of level 1-6 and text. `text_simhash` is the 64-bit simhash of
    word 4-shingles (None under 4 words), `template_simhash` that of tag and class paths: near copies differ in at most
    3 bits. `parser` is `lexbor` or `soup`. `flags` say what was cut or stripped before parsing.
    """

    url: str
    title: str | None
    language: str | None
    text: str = field(repr=False)
    words: int
    links: tuple[Link, ...] = field(repr=False)
    resources: tuple[Resource, ...] = field(repr=False)
    scripts: tuple[str, ...] = field(repr=False)
    metas: tuple[tuple[str, str], ...] = field(repr=False)
    jsonld: tuple[dict[str, Any], ...] = field(repr=False)
    headings: tuple[tuple[int, str], ...] = field(repr=False)
    forms: tuple[Form, ...] = field(repr=False)
    favicon_url: str | None
    canonical_url: str | None
    encoding: str
    text_simhash: int | None
    template_simhash: int | None
    parser: Literal["lexbor", "soup"]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A fetch and, when it gave HTML that could be parsed, its facts.

    `role` says why it was fetched: `home`, `declared`, `about`, `contact`, `privacy`, `terms`, `disclosure`,
    `newest`, `random`, `refresh` (a meta refresh or scripted move inside the site), `probe` (a path that cannot
    exist), `favicon`, or `single` (asked for by itself). `facts` is None when there was nothing to parse or both
    parsers failed (`unparseable_html` is then among the flags).
    """

    fetch: Fetch
    facts: PageFacts | None
    role: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A declared page seen as somebody else, to find pages that show visitors different things.

    `profile` is `again` (same agent, no cookies: the noise level), `browser` (a browser's user agent), `referred`
    (as if from a search result), or `returning` (with the cookies of the first visit).
    """

    profile: Literal["again", "browser", "referred", "returning"]
    page: Page


@dataclass(frozen=True, slots=True)
class Robots:
    """What the site's robots.txt said.

    `state` is `found`, `none` (4xx: everything is allowed), `unreachable` (5xx, no answer or too costly to read:
    nothing is allowed), or `unasked` (the crawl ended before). `delay_seconds` is its Crawl-delay for us, as written.
    `disallowed` are the URLs that the crawl wanted and did not fetch because of it.
    """

    state: Literal["found", "none", "unreachable", "unasked"]
    delay_seconds: float | None
    sitemaps: tuple[str, ...]
    disallowed: tuple[str, ...]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a crawl used of its budgets. Seconds exclude waiting for another crawl of the same address or site."""

    seconds: float
    fetches: int
    pages: int
    bytes: int
    hosts: int


@dataclass(frozen=True, slots=True)
class SiteCrawl:
    """The crawl of one site (a registrable domain, or a host where anybody may have one).

    `site` is the registrable domain of the first declared URL, `declared` the canonical URLs that were declared on it,
    `pages` in the order fetched (robots.txt, sitemaps and probes excluded; their fetches are in `others`). `stops`
    are the codes of why the crawl ended, at least one (`exhausted` when nothing worthwhile was left); `flags` of what
    else to know, `guard_opened` among them when settings allow addresses or ports that are otherwise refused.
    `moved_to` is another registrable domain that the home page redirected to, followed or not (see flags).
    """

    site: str
    declared: tuple[str, ...]
    pages: tuple[Page, ...]
    others: tuple[Page, ...]
    views: tuple[View, ...]
    robots: Robots
    stops: tuple[str, ...]
    flags: tuple[str, ...]
    moved_to: str | None
    spent: Spent

    @property
    def home(self) -> Page | None:
        """The page that was fetched first, None when nothing could be."""
        return self.pages[0] if self.pages else None


@dataclass(frozen=True, slots=True)
class Declared:
    """What an application declares to be crawled: its id and URLs or domains as written, in the applicant's order."""

    application_id: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A declared URL that cannot be crawled, as written, and the code of why."""

    url: str
    code: str


@dataclass(frozen=True, slots=True)
class ApplicationCrawl:
    """The crawl of everything one application declared.

    `evidence` is the folder with its WARC and facts.json, None when evidence is not kept. `flags` hold
    `guard_opened` and codes of what was cut (`sites_cut`, `application_budget`, `evidence_cut`). `openings` says in
    words which addresses, ports and names the guard was told to allow; empty in a normal deployment.
    """

    application_id: str
    sites: tuple[SiteCrawl, ...]
    unusable: tuple[Unusable, ...]
    flags: tuple[str, ...]
    openings: tuple[str, ...]
    evidence: str | None
