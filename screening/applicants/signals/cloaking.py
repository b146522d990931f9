"""Cloaking: pages that show something else to a crawler than to a reader, beyond what changes by itself.

The declared page is seen twice in the same way; how much these two differ is the noise of the site (rotating texts,
advertisements). Only a difference well above that noise counts (Invernizzi et al., "Cloak of Visibility", IEEE S&P
2016, compare browser profiles in the same way).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from screening.applicants.identity import site_of
from screening.applicants.records import Page, SiteCrawl, View
from screening.applicants.signals.finding import Finding, State, absent, exhibit, unknown
from screening.settings.screening import SignalSettings

CODE = "cloaking"
_SEEN_BY = {
    "browser": "a browser's user agent",
    "referred": "a visitor from a search result",
    "returning": "a returning visitor",
}


def cloaking(crawl: SiteCrawl, settings: SignalSettings) -> Finding:
    """Compare the views of the declared page with what the crawler was shown."""
    home = crawl.home
    others = [view for view in crawl.views if view.profile != "again" and _seen(view.page)]
    if home is None or not _seen(home):
        return unknown(CODE, crawl.site, "the declared page could not be read")
    if not others:
        return unknown(CODE, crawl.site, "the page was not fetched as another visitor")
    again = next((view.page for view in crawl.views if view.profile == "again" and _seen(view.page)), None)
    if again is None:
        return unknown(CODE, crawl.site, "the page was not fetched twice in the same way, so its noise is not known")
    noise = _likeness(home, again)
    for view in others:
        found = _difference(crawl.site, home, view, noise, settings)
        if found is not None:
            return found
    return absent(CODE, crawl.site)


def _difference(site: str, home: Page, view: View, noise: float, settings: SignalSettings) -> Finding | None:
    elsewhere = _destination(view.page)
    if elsewhere != _destination(home):
        return _finding(
            site, home, view, {"difference": f"leads to {elsewhere}", "likeness": 0.0, "noise": round(noise, 2)}
        )
    likeness = _likeness(home, view.page)
    if likeness < settings.cloaking_likeness and likeness < noise - settings.cloaking_margin:
        share = f"{100 * likeness:.0f} % of the words in common, {100 * noise:.0f} % between two equal visits"
        return _finding(
            site, home, view, {"difference": share, "likeness": round(likeness, 2), "noise": round(noise, 2)}
        )
    return None


def _finding(site: str, home: Page, view: View, numbers: Mapping[str, str | float]) -> Finding:
    facts, seen = home.facts, view.page.facts
    shown = (
        exhibit(home, f"the crawler saw: {facts.text if facts is not None else ''}"),
        exhibit(
            view.page, f"{_SEEN_BY[view.profile]} saw: {seen.text if seen is not None else _destination(view.page)}"
        ),
    )
    return Finding(CODE, State.FOUND, site, shown, {**numbers, "visitor": _SEEN_BY[view.profile]})


def _seen(page: Page) -> bool:
    """A page, or a redirect that was recorded: both are something shown to a visitor. An error is not."""
    status = page.fetch.status
    return status is not None and (page.facts is not None if 200 <= status < 300 else 300 <= status < 400)


def _destination(page: Page) -> str:
    last = page.fetch.hops[-1].location if page.fetch.hops else None
    return site_of(last or page.fetch.final_url)


def _likeness(one: Page, other: Page) -> float:
    """Share of distinct word pairs that two pages have in common (Jaccard), 0-1; 1 when neither has any."""
    left, right = _pairs(one), _pairs(other)
    union = left | right
    return len(left & right) / len(union) if union else 1.0


def _pairs(page: Page) -> set[tuple[str, str]]:
    words = re.findall(r"\w+", page.facts.text.casefold()) if page.facts is not None else []
    return set(pairwise(words))
