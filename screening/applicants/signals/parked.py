"""Sites on which nobody publishes: domains parked or for sale, pages a host shows by default, empty pages."""

from __future__ import annotations

from screening.applicants.identity import host_of
from screening.applicants.records import Page, PageFacts, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.content import sent_on
from screening.applicants.signals.finding import Exhibit, Finding, State, absent, exhibit, unknown
from screening.applicants.signals.vocabulary import Phrases, around, is_listed, page_phrases
from screening.settings.screening import SignalSettings

CODES = ("parked", "host_default", "no_content")
_FRONT_ROLES = frozenset({"home", "declared", "refresh"})
_WEIGHT_OF_TITLE = 2
_ENOUGH = 2
"""A phrase in the title or a heading, a host of a parking service, or two phrases in the text."""


def parked(crawl: SiteCrawl, settings: SignalSettings) -> tuple[Finding, ...]:
    """Look for parking on the front pages. A long page is a publisher's own, whatever words it uses."""
    moved = crawl.moved_to
    if moved is not None and is_listed("parking", moved):
        shown = Exhibit(crawl.declared[0], f"redirects to {moved}")
        return (Finding("parked", State.FOUND, crawl.site, (shown,), {"signs": f"redirect to {moved}"}),)
    pages = [(page, facts) for page, facts in readable(crawl) if page.role in _FRONT_ROLES]
    if not pages:
        return tuple(unknown(code, crawl.site, "no page could be read") for code in CODES)
    for page, facts in pages:
        found = _parked(crawl.site, page, facts, settings) or _host_default(crawl.site, page, facts, settings)
        if found is not None:
            return (found,)
    findings = [absent("parked", crawl.site), absent("host_default", crawl.site)]
    return (*findings, _no_content(crawl, settings))


def _parked(site: str, page: Page, facts: PageFacts, settings: SignalSettings) -> Finding | None:
    if facts.words > settings.words_of_parked_page:
        return None
    phrases = page_phrases("parked")
    front = phrases.found_in(_front_of(facts))
    anywhere = phrases.found_in(facts.text)
    hosts = sorted({host for host in map(host_of, _addresses(facts)) if host and is_listed("parking", host)})
    weight = _WEIGHT_OF_TITLE * (len(front) + len(hosts)) + len(anywhere)
    if weight < _ENOUGH and not (anywhere and facts.words <= settings.words_of_empty_page * 3):
        return None
    signs = [*dict.fromkeys((*front, *anywhere)), *hosts]
    shown = exhibit(page, around(facts.text, signs[0]) if (front or anywhere) else f"loads or links {', '.join(hosts)}")
    return Finding("parked", State.FOUND, site, (shown,), {"signs": ", ".join(signs[:5]), "words": facts.words})


def _host_default(site: str, page: Page, facts: PageFacts, settings: SignalSettings) -> Finding | None:
    phrases: Phrases = page_phrases("host_default")
    front = phrases.found_in(_front_of(facts)) if facts.words <= settings.words_of_parked_page else ()
    anywhere = phrases.found_in(facts.text) if facts.words <= settings.words_of_empty_page * 3 else ()
    signs = tuple(dict.fromkeys((*front, *anywhere)))
    if not signs:
        return None
    shown = exhibit(page, around(f"{_front_of(facts)} {facts.text}", signs[0]))
    return Finding("host_default", State.FOUND, site, (shown,), {"signs": ", ".join(signs[:5]), "words": facts.words})


def _no_content(crawl: SiteCrawl, settings: SignalSettings) -> Finding:
    pages = readable(crawl)
    most = max(facts.words for _, facts in pages)
    scripted = any(resource.tag == "script" for _, facts in pages for resource in facts.resources)
    leaving = any(sent_on(crawl.site, facts) is not None for _, facts in pages)
    if most >= settings.words_of_empty_page or scripted or leaving:
        return absent("no_content", crawl.site)
    page, facts = pages[0]
    shown = exhibit(page, facts.text or "(no text)")
    return Finding("no_content", State.FOUND, crawl.site, (shown,), {"words": most})


def _front_of(facts: PageFacts) -> str:
    return " . ".join((facts.title or "", *(text for level, text in facts.headings if level <= 2)))


def _addresses(facts: PageFacts) -> list[str]:
    return [*(resource.url for resource in facts.resources), *(link.url for link in facts.links)]
