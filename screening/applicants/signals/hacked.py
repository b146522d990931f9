"""Sites that somebody else writes on: links for drugs, casinos or pornography on pages about something else.

The owner is usually a victim; the site is still not fit to send traffic, and may be asked to be cleaned.
"""

from __future__ import annotations

from screening.applicants.identity import host_of, site_of
from screening.applicants.records import Page, PageFacts, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Finding, Numbers, State, absent, exhibit, unknown
from screening.applicants.signals.forced_clicks import unseen
from screening.applicants.signals.networks import affiliate_url
from screening.applicants.signals.vocabulary import Category, around, categories, is_listed
from screening.settings.screening import SignalSettings

CODE, FRAME_CODE = "injected_links", "hidden_frame"
_FRAMES = frozenset({"iframe", "frame", "embed", "object"})
_INJECTED = ("adult", "gambling", "drugs", "counterfeit", "piracy", "payday_loans", "essay_mills", "fake_documents")
"""Categories for which links are planted on other people's sites (for pharmacies: Leontiadis, Moore and Christin,
"Measuring and Analyzing Search-Redirection Attacks", USENIX Security 2011)."""


def injected_links(crawl: SiteCrawl, settings: SignalSettings) -> Finding:
    """Look for links to other sites, or words, of such a category on pages whose titles and headings are not of it."""
    pages = readable(crawl)
    if not pages:
        return unknown(CODE, crawl.site, "no page could be read")
    for category in categories():
        if category.name not in _INJECTED or category.terms.found_in(_front(pages)):
            continue
        for page, facts in pages:
            if len(category.apart.found_in(facts.text)) > 1:
                continue
            planted = _planted(crawl.site, facts, category)
            terms = category.terms.found_in(facts.text)
            if len(planted) >= settings.injected_links_min or len(terms) >= settings.injected_terms_min:
                links = "; ".join(f"{text} ({url})" for url, text in list(planted.items())[:4])
                numbers: Numbers = {"links": len(planted), "terms": len(terms), "category": category.name}
                shown = exhibit(page, links or around(facts.text, terms[0]))
                return Finding(CODE, State.FOUND, crawl.site, (shown,), numbers)
    return absent(CODE, crawl.site)


def hidden_frame(crawl: SiteCrawl) -> Finding:
    """Look for frames that cannot be seen and load another site: how exploits and stuffing through strangers come in.

    Frames of tag managers, comment boxes and advertising are hidden by custom and do not count; nor do the affiliate
    networks' own addresses, which are a finding of their own.
    """
    pages = readable(crawl)
    if not pages:
        return unknown(FRAME_CODE, crawl.site, "no page could be read")
    for page, facts in pages:
        for resource in facts.resources:
            host = host_of(resource.url)
            if resource.tag not in _FRAMES or not unseen(resource) or not resource.url.startswith("http"):
                continue
            if resource.attribute.startswith("data-"):
                continue  # it loads when a reader opens what hides it
            if site_of(host) == crawl.site or is_listed("hidden_by_custom", host) or is_listed("advertising", host):
                continue
            if affiliate_url(resource.url) is None:
                shown = exhibit(page, resource.snippet)
                return Finding(FRAME_CODE, State.FOUND, crawl.site, (shown,), {"host": host})
    return absent(FRAME_CODE, crawl.site)


def _planted(site: str, facts: PageFacts, category: Category) -> dict[str, str]:
    return {
        link.url: link.text
        for link in facts.links
        if site_of(link.url) != site and category.terms.found_in(f"{link.text} {link.url.replace('-', ' ')}")
    }


def _front(pages: tuple[tuple[Page, PageFacts], ...]) -> str:
    texts = [facts.title or "" for _, facts in pages]
    return " . ".join([*texts, *(text for _, facts in pages for _, text in facts.headings)])
