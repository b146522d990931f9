"""What both parsers have in common: reading attributes the way browsers do, and gathering facts within limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

from ada_url import join_url

from screening.applicants.codes import PageFlag
from screening.applicants.page.jsonld import read_jsonld
from screening.applicants.page.limits import PageLimits
from screening.applicants.page.simhash import simhash
from screening.applicants.page.words import word_count

SNIPPET = 300
"""Characters of markup or text shown with a fact."""
MOST_RESOURCES = 2_000
_MOST_HIDING_RULES = 300
_MOST_FORMS, _MOST_HEADINGS, _MOST_METAS, _MOST_FIELDS = 100, 200, 300, 100
_LONGEST_VALUE = 2_000
"""Characters and counts above which nothing is added; no page that people made comes near."""

RESOURCE_ATTRIBUTES = {
    "iframe": ("src", "srcdoc", "data-src", "data-lazy-src"),
    "frame": ("src",),
    "img": ("src", "srcset"),
    "script": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "input": ("src",),
    "body": ("background",),
    "link": ("href",),
    "image": ("href", "xlink:href"),
}
SELF_RUNNING = (
    *("onload", "onpageshow", "onerror", "onunload", "onbeforeunload", "onscroll", "onwheel", "onresize", "ontoggle"),
    *("onmouseover", "onmouseenter", "onmousemove", "onfocus", "onanimationstart"),
)
"""Attributes whose script runs without an act of the reader that means anything."""
SPECULATION = "speculationrules"
"""Type of scripts that list pages to load before anybody asks for them (HTML standard, speculation rules)."""
MOST_HANDLERS = 200
_LOADING_LINKS = frozenset(
    {"stylesheet", "preload", "prefetch", "prerender", "modulepreload", "preconnect", "dns-prefetch", "import", "icon"}
    | {"apple-touch-icon", "manifest", "next"}
)
REGIONS = {
    "header": "header", "banner": "header", "nav": "nav", "navigation": "nav", "menu": "nav", "footer": "footer",
    "contentinfo": "footer", "aside": "aside", "complementary": "aside", "sidebar": "aside", "main": "main",
    "article": "main", "comments": "comment", "comment": "comment", "respond": "comment",
}  # fmt: skip
"""Parts of a page by tag, role, id or class."""
REGION_SELECTOR = ",".join(
    ["header", "nav", "footer", "aside", "main", "article", "[role]"]
    + [
        f"{mark}{name}"
        for name in ("header", "menu", "footer", "sidebar", "comments", "comment", "respond")
        for mark in "#."
    ]
)

_SIMHASH_CHARACTERS = 10_000
"""Characters of the text that are given to the simhash, which looks at some 8,000 bytes."""

_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0?\.?0*(?![.\d])\s*(?:;|!|$|\})"
    r"|(?:left|right|top|bottom|text-indent|margin-left|margin-top)\s*:\s*-\s*\d{3,}"
    r"|clip\s*:\s*rect\(\s*[01](?:px)?[\s,]+[01]|translate[XY]?\(\s*-\s*\d{3,}",
    re.IGNORECASE,
)
_SHEET = (
    re.compile(r"position\s*:\s*(?:fixed|absolute)", re.IGNORECASE),
    re.compile(
        r"inset\s*:\s*0|width\s*:\s*100(?:%|vw).*height\s*:\s*100(?:%|vh)|height\s*:\s*100(?:%|vh).*width\s*:\s*100(?:%|vw)"
        r"|(?=.*\btop\s*:\s*0)(?=.*\bbottom\s*:\s*0)(?=.*\bleft\s*:\s*0)(?=.*\bright\s*:\s*0)",
        re.IGNORECASE,
    ),
)
_HIDING_HINTS = ("none", "hidden", "opacity", ":-", ": -", "rect(")
"""Every hiding rule in lower case holds one of them; looking for them first is ten times faster on long sheets."""
_SIMPLE_SELECTOR = re.compile(r"[.#][A-Za-z_][\w\-]{0,80}")
_SIZE = {
    side: re.compile(rf"(?:^|[;\s]){side}\s*:\s*(\d{{1,6}})(?:\.\d+)?(?:px)?\s*(?:;|!|$)", re.IGNORECASE)
    for side in ("width", "height")
}
_DIGITS = re.compile(r"\s*(\d{1,6})(?:\.\d+)?\s*(?:px)?\s*$")
STYLE_LOAD = re.compile(r"url\(\s*[\"']?([^\"')\s]{1,2000})|@import\s+[\"']([^\"'\s]{1,2000})", re.IGNORECASE)
_REFRESH = re.compile(r"^\s*[\d.]*\s*[;,]?\s*(?:url\s*=)?\s*[\"']?\s*([^\"'\s][^\"']{0,2000})", re.IGNORECASE)
_QUOTED_URL = r"[\"'`]\s*((?:https?:)?//[^\"'`\s<>]{3,2000}|/[^\"'`\s<>]{0,2000})\s*[\"'`]"
_MOVES = (
    ("location", re.compile(rf"location(?:\s*\.\s*href)?\s*(?:=|\.\s*(?:replace|assign)\s*\()\s*{_QUOTED_URL}")),
    ("open", re.compile(rf"open\s*\(\s*{_QUOTED_URL}")),
)
"""Literal first, so that a script without them costs one scan for a fixed string each."""
_METHOD_OF_OTHERS = re.compile(r"[\w$\])]\s*\.\s*$")
_OF_WINDOW = re.compile(r"\b(?:window|document|self|top|parent|this)\s*\.\s*$")
_ANY_URL = re.compile(r"(?:https?:)?//[^\s\"'<>\\)]{4,2000}", re.IGNORECASE)


@dataclass(slots=True)
class Collected:
    """Facts of one page while they are gathered."""

    url: str
    limits: PageLimits
    base: str = ""
    title: str | None = None
    language: str | None = None
    favicon: str | None = None
    canonical: str | None = None
    links: list[tuple[str, str, list[str], str]] = field(default_factory=list)
    resources: list[tuple[str, str, str, int | None, int | None, bool, str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    metas: list[tuple[str, str]] = field(default_factory=list)
    jsonld: list[dict[str, Any]] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    forms: list[tuple[str, str, list[tuple[str, str]]]] = field(default_factory=list)
    flags: list[PageFlag] = field(default_factory=list)
    script_room: int = 0

    def __post_init__(self) -> None:
        self.base = self.url
        self.script_room = self.limits.script_characters

    def set_base(self, href: str | None) -> None:
        """Take the page's base element into account."""
        if href:
            self.base = resolve(href, self.url)

    def add_link(self, href: str, text: str, rel: str | None, position: str) -> None:
        """Add an anchor; beyond the limit only the flag says so."""
        if len(self.links) >= self.limits.links:
            self._flag(PageFlag.LINKS_CUT)
            return
        target = resolve(href, self.base).partition("#")[0]
        if target:
            self.links.append((target, squeeze(text)[:SNIPPET], (rel or "").lower().split(), position))

    def add_resource(self, tag: str, attributes: dict[str, str | None], snippet: str, *, hidden: bool) -> None:
        """Add every URL that an element loads."""
        if tag == "link":
            self._add_relation(attributes)
            if not _LOADING_LINKS & set((attributes.get("rel") or "").lower().split()):
                return
        style = attributes.get("style") or ""
        width, height = size(attributes.get("width"), style, "width"), size(attributes.get("height"), style, "height")
        for attribute in RESOURCE_ATTRIBUTES[tag]:
            for url in _urls_of(attribute, attributes.get(attribute)):
                self._resource(tag, attribute, url, snippet, box=(width, height), hidden=hidden)

    def add_script(self, text: str) -> None:
        """Add an inline script and the navigations that stand in it literally."""
        if not text.strip():
            return
        if len(text) > self.script_room:
            self._flag(PageFlag.SCRIPTS_CUT)
        kept = text[: self.script_room]
        self.script_room -= len(kept)
        if not kept:
            return
        self.scripts.append(kept)
        for attribute, pattern in _MOVES:
            for found in pattern.finditer(kept):
                before = kept[max(found.start() - 80, 0) : found.start()]
                if _OF_WINDOW.search(before) or not _METHOD_OF_OTHERS.search(before):
                    self._resource("script", attribute, found[1], before + kept[found.start() : found.end() + 80])

    def add_style(self, text: str) -> None:
        """Add what a style sheet or attribute loads."""
        for found in STYLE_LOAD.finditer(text):
            shown = text[max(found.start() - 80, 0) : found.end() + 40]
            self._resource("style", "url", found[1] or found[2], shown)

    def add_speculation(self, text: str) -> None:
        """Add what speculation rules have loaded from other places."""
        for found in islice(_ANY_URL.finditer(text.replace("\\/", "/")), _MOST_FIELDS):
            self._resource("script", "speculation", found[0], text[max(found.start() - 80, 0) : found.end() + 40])

    def add_ping(self, ping: str | None, href: str) -> None:
        """Add the addresses that are told when a link is followed."""
        for url in (ping or "").split()[:10]:
            self._resource("a", "ping", url, f'<a href="{href[:100]}" ping="{url}">')

    def add_jsonld(self, text: str) -> None:
        """Add a JSON-LD block."""
        limits = self.limits
        found = read_jsonld(text, longest=limits.jsonld_characters, deepest=limits.jsonld_depth)
        if found is None:
            self._flag(PageFlag.JSONLD_INVALID)
        else:
            self.jsonld.extend(found)

    def add_meta(self, attributes: dict[str, str | None]) -> None:
        """Add a meta element; a refresh is also a resource."""
        content = attributes.get("content")
        equivalent = attributes.get("http-equiv")
        name = f"http-equiv:{equivalent}" if equivalent else attributes.get("name") or attributes.get("property")
        if content is None or not name or len(self.metas) >= _MOST_METAS:
            return
        self.metas.append((name.lower()[:100], content[:_LONGEST_VALUE]))
        if name.lower() == "http-equiv:refresh" and (url := refresh_target(content)):
            shown = f'<meta http-equiv="refresh" content="{content}">'
            self._resource("meta", "refresh", url, shown)

    def add_heading(self, level: int, text: str) -> None:
        """Add a heading of level 1-6."""
        if len(self.headings) < _MOST_HEADINGS and (shown := squeeze(text)[:SNIPPET]):
            self.headings.append((level, shown))

    def add_form(self, action: str | None, method: str | None, fields: list[tuple[str, str]]) -> None:
        """Add a form."""
        if len(self.forms) < _MOST_FORMS:
            target = resolve(action, self.base) if action else self.url
            self.forms.append((target, (method or "get").lower()[:10], fields[:_MOST_FIELDS]))

    def result(self, text: str, template: str, parser: str) -> dict[str, Any]:
        """Return everything as plain data, ready to be sent to another process."""
        joined = " ".join(text.split())
        if len(joined) > self.limits.text_characters:
            self._flag(PageFlag.TEXT_CUT)
        return {
            "url": self.url,
            "title": self.title,
            "language": self.language,
            "text": joined[: self.limits.text_characters],
            "words": word_count(joined),
            "links": [dict(zip(("url", "text", "rel", "position"), link, strict=True)) for link in self.links],
            "resources": [dict(zip(_RESOURCE_FIELDS, one, strict=True)) for one in self.resources],
            "scripts": self.scripts,
            "metas": self.metas,
            "jsonld": self.jsonld,
            "headings": self.headings,
            "forms": [dict(zip(("action", "method", "fields"), form, strict=True)) for form in self.forms],
            "favicon_url": self.favicon,
            "canonical_url": self.canonical,
            "text_simhash": simhash(joined[:_SIMHASH_CHARACTERS].lower()),
            "template_simhash": simhash(template),
            "parser": parser,
            "flags": self.flags,
        }

    def _add_relation(self, attributes: dict[str, str | None]) -> None:
        rel, href = (attributes.get("rel") or "").lower().split(), attributes.get("href")
        if href and "icon" in rel and self.favicon is None:
            self.favicon = resolve(href, self.base)
        if href and "canonical" in rel and self.canonical is None:
            self.canonical = resolve(href, self.base)

    def _resource(
        self,
        tag: str,
        attribute: str,
        url: str,
        snippet: str,
        *,
        box: tuple[int | None, int | None] = (None, None),
        hidden: bool = False,
    ) -> None:
        if len(self.resources) >= MOST_RESOURCES:
            self._flag(PageFlag.RESOURCES_CUT)
        elif target := resolve(url, self.base):
            self.resources.append((tag, attribute, target, *box, hidden, squeeze(snippet[: 2 * SNIPPET])[:SNIPPET]))

    def _flag(self, flag: PageFlag) -> None:
        if flag not in self.flags:
            self.flags.append(flag)


_RESOURCE_FIELDS = ("tag", "attribute", "url", "width", "height", "hidden", "snippet")


@lru_cache(maxsize=8192)
def resolve(href: str, base: str) -> str:
    """Return an absolute URL as a browser would, the text itself (cut) when it is none."""
    href = href.strip()
    try:
        return join_url(base, href)[:_LONGEST_VALUE]
    except (ValueError, UnicodeError):
        return href[:_LONGEST_VALUE]


def squeeze(text: str) -> str:
    """Return the text with every run of white space made one space."""
    return " ".join(text.split())


def hides(style: str | None) -> bool:
    """Say whether declarations of CSS hide an element or move it off the screen."""
    return bool(style) and _HIDING.search(style or "") is not None


def covers_page(tag: str, style: str | None) -> bool:
    """Say whether an element gets the first click anywhere: the page itself, or a sheet laid over it."""
    return tag in {"body", "html"} or (bool(style) and all(part.search(style or "") for part in _SHEET))


def hidden_selectors(sheet: str) -> list[str]:
    """Return the plain class and id selectors whose rules in a style sheet hide what they match."""
    rules = (piece for piece in sheet.split("}") if any(hint in piece for hint in _HIDING_HINTS))
    found: list[str] = []
    for rule in islice(rules, _MOST_HIDING_RULES):
        before, _, declarations = rule.rpartition("{")
        if hides(declarations):
            selectors = before.rpartition("{")[2][-_LONGEST_VALUE:].split(",")
            found += [one for one in map(str.strip, selectors) if _SIMPLE_SELECTOR.fullmatch(one)]
    return list(dict.fromkeys(found))


def size(attribute: str | None, style: str, side: str) -> int | None:
    """Return a declared width or height in CSS pixels, the style's before the attribute's; None when not in pixels."""
    found = _SIZE[side].search(style) or _DIGITS.match(attribute or "")
    return int(found[1]) if found else None


def refresh_target(content: str) -> str | None:
    """Return the URL of a refresh (meta or header), None when it only reloads the page."""
    found = _REFRESH.match(content)
    target = found[1].strip() if found else ""
    return target if target.strip("0123456789.;, ") else None


def region(tag: str, attributes: dict[str, str | None]) -> str | None:
    """Return the part of a page that an element marks, None when it marks none."""
    names = [(attributes.get("role") or "").lower(), (attributes.get("id") or "").lower()]
    names += (attributes.get("class") or "").lower().split()
    return REGIONS.get(tag) or next((REGIONS[name] for name in names if name in REGIONS), None)


def _urls_of(attribute: str, value: str | None) -> list[str]:
    if not value or not value.strip():
        return []
    if attribute == "srcset":
        return [part.split()[0] for part in value.split(",") if part.split()][:10]
    if attribute == "srcdoc":
        return _ANY_URL.findall(value)[:50]
    return [] if value.lstrip()[:5].lower() == "data:" else [value]
