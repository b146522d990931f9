"""Forced affiliate clicks: pages that make the reader's browser record a click that nobody made.

An affiliate URL in an `<a>` is what an affiliate is for and never counts. The same URL where the browser loads it by
itself counts as one of the ways below, whatever it looks like; when it is also hidden, that is evidence of intent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice

from screening.applicants.identity import host_of
from screening.applicants.records import Page, Resource, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Exhibit, Finding, State, absent, exhibit, unknown
from screening.applicants.signals.networks import AffiliateUrl, affiliate_url

CODE = "forced_click"
INVISIBLE_PIXELS = 2
"""Width or height, in CSS pixels, up to which a frame or picture cannot be seen."""
HITS_MAX = 30
"""Places shown of one page; nobody reads more, and hostile pages have thousands."""
SCRIPT_SEARCHED = 20_000
"""Characters before a navigation in which the function around it is looked for."""
SCRIPT_CONTEXT = 400
"""Characters of script before a navigation in which a listener for the reader's own act is looked for."""

_INERT_RELATIONS = re.compile(
    r"""rel\s*=\s*["']?[^"'>]*\b(?:dns-prefetch|preconnect|canonical|alternate|shortlink|author|me|next|prev|search|"""
    r"""license|help|pingback|profile|edituri|amphtml)\b""",
    re.IGNORECASE,
)
_LISTENER = re.compile(
    r"""(?P<target>[\w.$()'"#\[\]=-]*)\s*\.\s*(?:addEventListener\s*\(\s*["'](?:click|submit|mousedown|mouseup|pointerdown|"""
    r"""touchstart|keydown|change)["']|on(?:click|submit|mousedown|touchstart|change)\s*=|(?:on|one)\s*\(\s*["'](?:click|submit)|"""
    r"""(?:click|submit)\s*\(\s*function)""",
    re.IGNORECASE,
)
_WHOLE_PAGE = re.compile(
    r"(?:^|[^\w])(?:document(?:\.body|\.documentelement)?|window|body|\$\(\s*(?:document|window|['\"]body['\"])\s*\))$",
    re.IGNORECASE,
)
MOVE_LENGTH = 80
"""Characters that a navigation takes up before the host of its address."""
_MOVE = re.compile(
    r"""(?:location(?:\s*\.\s*href)?\s*(?:=|\.\s*\w+\s*\()|open\s*\()\s*["'`]\s*(?:https?:)?//$""", re.IGNORECASE
)
_FUNCTION = re.compile(
    r"function\s+(\w+)\s*\([^)]{0,200}\)\s*\{|(?:const|let|var)\s+(\w+)\s*=\s*(?:async\s*)?(?:function\b|\([^)]{0,200}\)\s*=>)"
)


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
    ("script", "location"): Way.NAVIGATION,
    ("script", "open"): Way.WINDOW,
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
}
_SCRIPTED = frozenset({Way.NAVIGATION, Way.WINDOW})
_ENTRY_ROLES = frozenset({"home", "declared", "refresh"})
"""Pages that a visitor reaches without following a link of the site; others were asked for, as by a click."""


def forced_clicks(crawl: SiteCrawl, followed: Iterable[Page] = ()) -> Finding:
    """Look for forced clicks on every page of a site and in every view of it.

    `followed` are fetches of the site's own addresses that its pages load by themselves (`/go/...` in a frame): a
    redirect of theirs to a network counts as if the network's URL stood in the page.
    """
    pages = [*crawl.pages, *(view.page for view in crawl.views)]
    hits = [hit for page in pages for hit in islice(_of_page(page), HITS_MAX)]
    hits += [hit for page in followed for hit in _of_redirects(page, Way.REDIRECT)]
    if not hits:
        return absent(CODE, crawl.site) if readable(crawl) else unknown(CODE, crawl.site, "no page could be read")
    ways = list(dict.fromkeys(way for way, _, _, _ in hits))
    networks = list(dict.fromkeys(match.network for _, match, _, _ in hits))
    concealed = sum(1 for _, _, _, hidden in hits if hidden)
    return Finding(
        CODE,
        State.FOUND,
        crawl.site,
        tuple(dict.fromkeys(shown for _, _, shown, _ in hits)),
        {"ways": ", ".join(ways), "networks": ", ".join(networks), "places": len(hits), "hidden": concealed},
    )


def own_addresses_loaded(crawl: SiteCrawl) -> tuple[str, ...]:
    """Return the site's own addresses that a browser would load unseen and that may redirect to a network.

    Frames, objects and pictures that are hidden or too small to see, navigations and refreshes; not ordinary pictures.
    """
    found: dict[str, None] = {}
    for page in (*crawl.pages, *(view.page for view in crawl.views)):
        for resource in page.facts.resources if page.facts is not None else ():
            way = _WAYS.get((resource.tag, resource.attribute))
            frame = way in (Way.IFRAME, Way.EMBED)
            unseen_picture = way is Way.IMAGE and _unseen(resource) and not _looks_like_picture(resource.url)
            if frame or unseen_picture or (way in _SCRIPTED and _by_itself(page, resource)):
                found[resource.url] = None
    return tuple(url for url in found if affiliate_url(url) is None)


_Hit = tuple[Way, AffiliateUrl, Exhibit, bool]


def _of_page(page: Page) -> Iterator[_Hit]:
    if page.role in _ENTRY_ROLES:
        yield from _of_redirects(page, Way.REDIRECT)
    for resource in page.facts.resources if page.facts is not None else ():
        way = _WAYS.get((resource.tag, resource.attribute))
        match = affiliate_url(resource.url) if way is not None else None
        if way is None or match is None or not match.sets_cookie:
            continue
        if way is Way.LINK and _INERT_RELATIONS.search(resource.snippet):
            continue
        if resource.attribute == "srcdoc" and "<a" in resource.snippet.lower().replace("&lt;", "<"):
            continue
        if way in _SCRIPTED and not _by_itself(page, resource):
            continue
        yield way, match, exhibit(page, resource.snippet or resource.url), _unseen(resource)


def _of_redirects(page: Page, way: Way) -> Iterator[_Hit]:
    for hop in page.fetch.hops:
        match = affiliate_url(hop.location) if hop.location else None
        if match is not None and match.sets_cookie:
            shown = Exhibit(
                page.fetch.url, f"{hop.status} redirect from {hop.url} to {hop.location}", page.fetch.record_id
            )
            yield way, match, shown, True


def _unseen(resource: Resource) -> bool:
    return resource.hidden or any(
        size is not None and size <= INVISIBLE_PIXELS for size in (resource.width, resource.height)
    )


def _looks_like_picture(url: str) -> bool:
    return re.search(r"\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp)(?:\?|$)", url, re.IGNORECASE) is not None


def _by_itself(page: Page, resource: Resource) -> bool:
    """Say whether a scripted navigation happens anywhere without an act of the reader on a thing made for it.

    A listener on the whole document, which fires at the first click anywhere, is no such act. A navigation whose place
    in the scripts cannot be found again happens by itself as far as anybody can tell.
    """
    places = list(islice(_places_in_scripts(page, resource), HITS_MAX))
    return not places or any(_runs_by_itself(script, place) for script, place in places)


def _runs_by_itself(script: str, place: int) -> bool:
    before = script[max(0, place - SCRIPT_CONTEXT) : place]
    listeners = list(_LISTENER.finditer(before))
    if listeners and not _closed_since(before[listeners[-1].end() :]):
        return _WHOLE_PAGE.search(listeners[-1].group("target")) is not None
    functions = list(_FUNCTION.finditer(script, max(0, place - SCRIPT_SEARCHED), place))
    if functions and not _closed_since(script[functions[-1].end() : place], opened=1):
        name = functions[-1].group(1) or functions[-1].group(2)
        return _called_by_itself(name, script[: functions[-1].start()] + script[place:])
    return True


def _called_by_itself(name: str, script: str) -> bool:
    """Say whether a function is used anywhere but as the answer to the reader's act on a thing made for it."""
    for use in re.finditer(rf"\b{re.escape(name)}\b", script):
        listeners = list(_LISTENER.finditer(script[max(0, use.start() - SCRIPT_CONTEXT) : use.start()]))
        if not listeners or _WHOLE_PAGE.search(listeners[-1].group("target")):
            return True
    return False


def _places_in_scripts(page: Page, resource: Resource) -> Iterator[tuple[str, int]]:
    """Yield (script, place) of every navigation in the page's scripts to the address, or at least to its host."""
    address = resource.url.split("://", 1)[-1].rstrip("/")
    for needle in (address, host_of(resource.url)):
        found = False
        for script in page.facts.scripts if page.facts is not None else ():
            for match in re.finditer(re.escape(needle), script):
                move = _MOVE.search(script, max(0, match.start() - MOVE_LENGTH), match.start())
                if move is not None:
                    found = True
                    yield script, move.start()
        if found:
            return


def _closed_since(text: str, opened: int = 0) -> bool:
    """Say whether the braces opened before the text have been closed in it; `opened` stand open at its beginning."""
    depth = opened
    for mark in text:
        depth += (mark == "{") - (mark == "}")
        if depth < opened or (opened and depth == 0):
            return True
    return False
