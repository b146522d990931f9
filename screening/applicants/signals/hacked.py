"""Sites that somebody else writes on: links for drugs, casinos or pornography on pages about something else.

The owner is usually a victim; the site is still not fit to send traffic, and may be asked to be cleaned.
"""

from __future__ import annotations

from screening.applicants.identity import site_of
from screening.applicants.records import SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Finding, Numbers, State, absent, exhibit, unknown
from screening.applicants.signals.vocabulary import categories
from screening.settings.screening import SignalSettings

CODE = "injected_links"
_INJECTED = ("adult", "gambling", "drugs", "counterfeit", "piracy", "payday_loans", "essay_mills", "fake_documents")
"""Categories for which links are planted on other people's sites (for pharmacies: Leontiadis, Moore and Christin,
"Measuring and Analyzing Search-Redirection Attacks", USENIX Security 2011)."""


def injected_links(crawl: SiteCrawl, settings: SignalSettings) -> Finding:
    """Look for links to other sites whose texts are of such a category while titles and headings are not."""
    pages = readable(crawl)
    if not pages:
        return unknown(CODE, crawl.site, "no page could be read")
    for category in categories():
        if category.name not in _INJECTED:
            continue
        front = " . ".join(
            (facts.title or "") + " . " + " . ".join(text for _, text in facts.headings) for _, facts in pages
        )
        if category.terms.found_in(front):
            continue
        for page, facts in pages:
            planted = {
                link.url: link.text
                for link in facts.links
                if site_of(link.url) != crawl.site
                and category.terms.found_in(f"{link.text} {link.url.replace('-', ' ')}")
            }
            if len(planted) >= settings.injected_links_min:
                shown = exhibit(page, "; ".join(f"{text} ({url})" for url, text in list(planted.items())[:4]))
                numbers: Numbers = {"links": len(planted), "category": category.name}
                return Finding(CODE, State.FOUND, crawl.site, (shown,), numbers)
    return absent(CODE, crawl.site)
