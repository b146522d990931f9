"""Forced affiliate clicks: pages that make the reader's browser record a click that nobody made.

An affiliate URL in an `<a>` is what an affiliate is for and never counts. The same URL where the browser loads it by
itself counts as one of the ways below, whatever it looks like; when it is also hidden, that is evidence of intent.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice

from screening.applicants.page.collect import STYLE_LOAD, refresh_target
from screening.applicants.records import Page, Resource, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Exhibit, Finding, State, absent, exhibit, unknown
from screening.applicants.signals.networks import AffiliateUrl, affiliate_url
from screening.applicants.signals.scripts import Load, loads, runs_by_itself

CODE = "forced_click"
INVISIBLE_PIXELS = 2
"""Width or height, in CSS pixels, up to which a frame or picture cannot be seen."""
HITS_MAX = 30
"""Places shown of one page; nobody reads more, and hostile pages have thousands."""

_INERT_RELATIONS = re.compile(
    r"""rel\s*=\s*["']?[^"'>]*\b(?:dns-prefetch|preconnect|canonical|alternate|shortlink|author|me|next|prev|search|"""
    r"""license|help|pingback|profile|edituri|amphtml)\b""",
    re.IGNORECASE,
)
_SUBMIT = re.compile(r"\.\s*submit\s*\(\s*\)")
_PRESS = re.compile(
    r"""(?:getElementById\(\s*["']|querySelector\(\s*["'][^"'#.]{0,80}[#.]|\$\(\s*["'][^"'#.]{0,80}[#.])(?P<name>[\w-]{1,80})"""
    r"""[^"']{0,80}["']\s*\)(?:\[0\]|\.get\(0\))?\s*\.\s*(?:click\s*\(\s*\)|trigger\s*\(\s*["']click)"""
)
"""A link is pressed that is named by its id or class."""
BODY_SEARCHED = 1_000_000
"""Bytes of a page's markup in which a link that a script presses is looked for."""


class Way(StrEnum):
    """The ways in which a click can be forced."""

    IFRAME = "frame"
    IMAGE = "picture"
    SCRIPT = "script source"
    LINK = "link prefetch"
    EMBED = "embedded object"
    REFRESH = "automatic refresh"
    NAVIGATION = "scripted navigation"
    WINDOW = "scripted window"
    REQUEST = "scripted request"
    FORM = "form sent by script"
    PRESSED = "link pressed by script"
    PING = "ping of a link to elsewhere"
    STYLE = "style sheet"
    REDIRECT = "redirect without a click"


_WAYS: dict[tuple[str, str], Way] = {
    ("iframe", "src"): Way.IFRAME,
    ("img", "src"): Way.IMAGE,
    ("script", "src"): Way.SCRIPT,
    ("link", "href"): Way.LINK,
    ("embed", "src"): Way.EMBED,
    ("object", "data"): Way.EMBED,
    ("meta", "refresh"): Way.REFRESH,
    ("header", "refresh"): Way.REFRESH,
    ("style", "url"): Way.STYLE,
    ("iframe", "srcdoc"): Way.IFRAME,
    ("frame", "src"): Way.IFRAME,
    ("img", "srcset"): Way.IMAGE,
    ("source", "src"): Way.IMAGE,
    ("source", "srcset"): Way.IMAGE,
    ("video", "src"): Way.EMBED,
    ("video", "poster"): Way.IMAGE,
    ("audio", "src"): Way.EMBED,
    ("input", "src"): Way.IMAGE,
    ("body", "background"): Way.STYLE,
    ("iframe", "data-src"): Way.IFRAME,
    ("iframe", "data-lazy-src"): Way.IFRAME,
    ("image", "href"): Way.IMAGE,
    ("image", "xlink:href"): Way.IMAGE,
    ("track", "src"): Way.EMBED,
    ("script", "speculation"): Way.LINK,
    ("a", "ping"): Way.PING,
}
_SCRIPTED = {
    "navigation": Way.NAVIGATION,
    "window": Way.WINDOW,
    "request": Way.REQUEST,
    "source": Way.SCRIPT,
    "markup": Way.SCRIPT,
    "pressed": Way.PRESSED,
}
_LINK_HEADER = re.compile(
    r"<([^<>]{4,2000})>\s*;[^,]*?\brel\s*=\s*\"?[^\",]*\b(?:prefetch|prerender|preload|stylesheet)\b"
)
_LIBRARY = re.compile(
    r"jquery|bootstrap|wp-includes|/plugins/|/themes/|polyfill|modernizr|vendor|chunk|runtime|framework|bundle|/_next/|/_nuxt/"
    r"|swiper|slick|lodash|react|vue|angular|cookie|consent",
    re.IGNORECASE,
)
"""In the addresses of scripts that most sites share: looked at after the others."""
OWN_SCRIPT_LENGTH = 30_000
"""Characters of a script file that are read; longer ones are applications, whose parts nobody can tell apart here."""
_ENTRY_ROLES = frozenset({"home", "declared", "refresh"})
"""Pages that a visitor reaches without following a link of the site; others were asked for, as by a click."""


def forced_clicks(crawl: SiteCrawl, followed: Iterable[Page] = ()) -> Finding:
    """Look for forced clicks on every page of a site and in every view of it.

    `followed` are fetches of the site's own addresses that its pages load by themselves (`/go/...` in a frame, scripts,
    style sheets): a redirect of theirs to a network, and what they load in turn, counts as if it stood in the page.
    """
    pages = [*crawl.pages, *(view.page for view in crawl.views)]
    hits = [hit for page in pages for hit in islice(_of_page(page), HITS_MAX)]
    hits += [hit for page in followed for hit in islice(_of_followed(page), HITS_MAX)]
    if not hits:
        return absent(CODE, crawl.site) if readable(crawl) else unknown(CODE, crawl.site, "no page could be read")
    hits = _once(hits)
    ways = list(dict.fromkeys(way for way, _, _, _ in hits))
    networks = list(dict.fromkeys(match.network for _, match, _, _ in hits))
    concealed = sum(1 for _, _, _, hidden in hits if hidden)
    return Finding(
        CODE,
        State.FOUND,
        crawl.site,
        tuple(shown for _, _, shown, _ in hits),
        {"ways": ", ".join(ways), "networks": ", ".join(networks), "places": len(hits), "hidden": concealed},
    )


def _once(hits: Iterable[_Hit]) -> list[_Hit]:
    """Return each place once, as the first visitor saw it: the others were shown the same page."""
    places: dict[tuple[Way, str, str], _Hit] = {}
    for hit in hits:
        places.setdefault((hit[0], hit[2].url, hit[2].snippet), hit)
    return list(places.values())


def own_addresses_loaded(crawl: SiteCrawl) -> tuple[str, ...]:
    """Return the site's own addresses that a browser would load unseen and that may redirect to a network.

    The most telling ones first: frames, objects, navigations and requests of scripts; then pictures that are hidden or
    too small to see; then what style sheets load. Not ordinary pictures.
    """
    ranked: dict[str, int] = {}
    for page in (*crawl.pages, *(view.page for view in crawl.views)):
        for resource in page.facts.resources if page.facts is not None else ():
            rank = _rank(resource)
            if rank is not None:
                ranked[resource.url] = min(rank, ranked.get(resource.url, rank))
        for load in _scripted_loads(page):
            ranked[load.url] = 0
    return tuple(url for url in sorted(ranked, key=lambda url: ranked[url]) if affiliate_url(url) is None)


def own_code_loaded(crawl: SiteCrawl) -> tuple[str, ...]:
    """Return the addresses of scripts and style sheets that pages load, those least like common libraries first."""
    found: dict[str, None] = {}
    for page in crawl.pages:
        for resource in page.facts.resources if page.facts is not None else ():
            sheet = resource.tag == "link" and "stylesheet" in resource.snippet.lower()
            if sheet or (resource.tag, resource.attribute) == ("script", "src"):
                found[resource.url] = None
    return tuple(
        sorted(found, key=lambda url: (_LIBRARY.search(url) is not None, not url.partition("?")[0].endswith(".js")))
    )


def _rank(resource: Resource) -> int | None:
    way = _WAYS.get((resource.tag, resource.attribute))
    if way in (Way.IFRAME, Way.EMBED):
        return 0
    if way is Way.IMAGE and unseen(resource):
        return 2 if _looks_like_picture(resource.url) else 1
    return 3 if way is Way.STYLE else None


_Hit = tuple[Way, AffiliateUrl, Exhibit, bool]


def _of_page(page: Page) -> Iterator[_Hit]:
    if page.role in _ENTRY_ROLES:
        yield from _of_redirects(page, Way.REDIRECT)
    yield from _of_headers(page)
    yield from _of_scripts(page)
    for resource in page.facts.resources if page.facts is not None else ():
        way = _WAYS.get((resource.tag, resource.attribute))
        match = affiliate_url(resource.url) if way is not None else None
        if way is None or match is None or not match.sets_cookie:
            continue
        if way is Way.LINK and _INERT_RELATIONS.search(resource.snippet):
            continue
        if resource.attribute == "srcdoc" and "<a" in resource.snippet.lower().replace("&lt;", "<"):
            continue
        yield way, match, exhibit(page, resource.snippet or resource.url), unseen(resource)


def _of_followed(page: Page) -> Iterator[_Hit]:
    yield from _of_redirects(page, Way.REDIRECT)
    if page.facts is not None:
        yield from _of_page(page)
        return
    kind = page.fetch.header("content-type") or ""
    text = page.fetch.body[:OWN_SCRIPT_LENGTH].decode("utf-8", "replace")
    if "javascript" in kind and len(page.fetch.body) <= OWN_SCRIPT_LENGTH:
        for load in loads(text, page.fetch.final_url):
            yield from _hit(_SCRIPTED[load.kind], load.url, exhibit(page, load.snippet))
    elif "css" in kind:
        for found in STYLE_LOAD.finditer(text):
            shown = text[max(found.start() - 80, 0) : found.end() + 40]
            yield from _hit(Way.STYLE, found[1] or found[2], exhibit(page, shown))


def _of_headers(page: Page) -> Iterator[_Hit]:
    moved = refresh_target(page.fetch.header("refresh") or "")
    if moved:
        yield from _hit(Way.REFRESH, moved, exhibit(page, f"Refresh: {page.fetch.header('refresh')}"))
    for found in _LINK_HEADER.finditer(page.fetch.header("link") or ""):
        yield from _hit(Way.LINK, found[1], exhibit(page, f"Link: {found[0]}"))


def _hit(way: Way, url: str, shown: Exhibit) -> Iterator[_Hit]:
    """Yield a hit when the address is one that a network counts as a click."""
    match = affiliate_url(url)
    if match is not None and match.sets_cookie:
        yield way, match, shown, True


def _of_scripts(page: Page) -> Iterator[_Hit]:
    for load in _scripted_loads(page):
        yield from _hit(_SCRIPTED[load.kind], load.url, exhibit(page, load.snippet))
    scripts = page.facts.scripts if page.facts is not None else ()
    for form in page.facts.forms if page.facts is not None else ():
        match = affiliate_url(form.action)
        if match is not None and match.sets_cookie and any(_alone(_SUBMIT, script) for script in scripts):
            yield Way.FORM, match, exhibit(page, f"form to {form.action}, sent by script"), True
    for press in islice((match for script in scripts for match in _PRESS.finditer(script)), HITS_MAX):
        pressed = _link_named(page, press["name"]) if runs_by_itself(press.string, press.start()) else None
        match = affiliate_url(pressed) if pressed is not None else None
        if match is not None and match.sets_cookie:
            yield Way.PRESSED, match, exhibit(page, f"{press.group()} on the link to {pressed}"), True


def _scripted_loads(page: Page) -> Iterator[Load]:
    for script in page.facts.scripts if page.facts is not None else ():
        yield from loads(script, page.fetch.final_url)


def _alone(expression: re.Pattern[str], script: str) -> bool:
    return any(runs_by_itself(script, match.start()) for match in islice(expression.finditer(script), HITS_MAX))


def _link_named(page: Page, name: str) -> str | None:
    """Return the target of the link that bears a name as its id or class, None when the markup has none."""
    markup = html.unescape(page.fetch.body[:BODY_SEARCHED].decode("utf-8", "replace"))
    bears = rf"""\b(?:id|class)\s*=\s*(?:["'](?:[^"'>]*\s)?)?{re.escape(name)}["'\s>]"""
    found = re.search(rf"<a\b[^>]*?{bears}[^>]*>?", markup)
    target = re.search(r"""href\s*=\s*["']([^"']+)""", found.group()) if found is not None else None
    return target.group(1) if target is not None else None


def _of_redirects(page: Page, way: Way) -> Iterator[_Hit]:
    for hop in page.fetch.hops:
        match = affiliate_url(hop.location) if hop.location else None
        if match is not None and match.sets_cookie:
            shown = Exhibit(
                page.fetch.url, f"{hop.status} redirect from {hop.url} to {hop.location}", page.fetch.record_id
            )
            yield way, match, shown, True


def unseen(resource: Resource) -> bool:
    """Say whether a reader cannot see what an element loads: hidden, off the screen, or too small."""
    return resource.hidden or any(
        size is not None and size <= INVISIBLE_PIXELS for size in (resource.width, resource.height)
    )


def _looks_like_picture(url: str) -> bool:
    return re.search(r"\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp)(?:\?|$)", url, re.IGNORECASE) is not None
