"""What a site publishes: too little, nothing but ways out, or somewhere that is not its own."""

from __future__ import annotations

from screening.applicants.codes import SiteFlag
from screening.applicants.identity import host_of, is_free_subdomain, site_of
from screening.applicants.page.words import different_words
from screening.applicants.records import PageFacts, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Exhibit, Finding, State, absent, exhibit, unknown
from screening.applicants.signals.vocabulary import is_listed
from screening.settings.screening import SignalSettings

BOILERPLATE_ROLES = frozenset({"privacy", "terms", "disclosure", "probe", "favicon"})
"""Pages whose words say nothing about what a site publishes."""


def content(crawl: SiteCrawl, settings: SignalSettings) -> tuple[Finding, ...]:
    """Judge how much the site says, and whether it is more than a way elsewhere."""
    elsewhere = _elsewhere(crawl, settings)
    amount = () if any(finding.found for finding in elsewhere) else _amount(crawl, settings)
    return (*elsewhere, *amount, *_place(crawl))


def _amount(crawl: SiteCrawl, settings: SignalSettings) -> tuple[Finding, ...]:
    pages = [(page, facts) for page, facts in readable(crawl) if page.role not in BOILERPLATE_ROLES]
    if not pages:
        return (unknown("thin_content", crawl.site, "no page could be read"),)
    words = different_words([facts.text for _, facts in pages])
    if words >= settings.words_of_thin_site:
        return (absent("thin_content", crawl.site),)
    if SiteFlag.PARTIAL in crawl.flags:
        return (unknown("thin_content", crawl.site, "the crawl ended before all pages were seen"),)
    page, facts = max(pages, key=lambda pair: pair[1].words)
    code = "scant_content" if words < settings.words_of_scant_site else "thin_content"
    shown = exhibit(page, facts.text or "(no text)")
    return (Finding(code, State.FOUND, crawl.site, (shown,), {"words": words, "pages": len(pages)}),)


def _elsewhere(crawl: SiteCrawl, settings: SignalSettings) -> tuple[Finding, ...]:
    if crawl.moved_to is not None and crawl.moved_to != crawl.site:
        shown = Exhibit(crawl.declared[0], f"redirects to {crawl.moved_to}")
        return (Finding("redirector", State.FOUND, crawl.site, (shown,), {"to": crawl.moved_to}),)
    pages = readable(crawl)
    if not pages:
        return (unknown("redirector", crawl.site, "no page could be read"),)
    home, facts = pages[0]
    target = sent_on(crawl.site, facts)
    if target is not None and facts.words < settings.words_of_parked_page:
        shown = exhibit(home, f"goes on to {target}")
        return (Finding("redirector", State.FOUND, crawl.site, (shown,), {"to": site_of(target)}),)
    leaving = _leaving_share(crawl.site, facts)
    if leaving is not None and leaving >= settings.leaving_share and facts.words < settings.words_of_thin_site:
        only_page = len({page.fetch.final_url for page, _ in pages}) == 1
        if only_page:
            shown = exhibit(home, f"{100 * leaving:.0f} % of its links leave the site; {facts.text}")
            return (Finding("link_page", State.FOUND, crawl.site, (shown,), {"share": round(leaving, 2)}),)
    return (absent("redirector", crawl.site), absent("link_page", crawl.site))


def _place(crawl: SiteCrawl) -> tuple[Finding, ...]:
    url = crawl.declared[0] if crawl.declared else f"https://{crawl.site}/"
    host = host_of(url)
    for kind, code in (("link_in_bio", "link_in_bio"), ("shortener", "short_address"), ("social", "social_as_site")):
        if is_listed(kind, host):
            return (Finding(code, State.FOUND, crawl.site, (Exhibit(url, host),), {"host": host}),)
    if is_free_subdomain(host):
        return (Finding("free_subdomain", State.FOUND, crawl.site, (Exhibit(url, host),), {"host": host}),)
    return (absent("free_subdomain", crawl.site),)


def sent_on(site: str, facts: PageFacts) -> str | None:
    """Return the address on another site to which the page takes visitors by itself, None when to none."""
    for resource in facts.resources:
        automatic = (resource.tag, resource.attribute) in {
            ("meta", "refresh"),
            ("header", "refresh"),
            ("script", "location"),
        }
        if automatic and site_of(resource.url) not in {site, ""}:
            return resource.url
    return None


def _leaving_share(site: str, facts: PageFacts) -> float | None:
    """Share of a page's links that leave the site, 0-1; None with too few links to tell."""
    targets = [site_of(link.url) for link in facts.links if link.url.startswith(("http://", "https://"))]
    return sum(target != site for target in targets) / len(targets) if len(targets) >= 3 else None
