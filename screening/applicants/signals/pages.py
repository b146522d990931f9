"""Weak signs of care: contact, privacy, about and disclosure pages, advertising, the shape of the domain.

Most honest small sites lack one or two of these; each is worth little and asks for a fix, never for a refusal.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from screening.applicants.identity import host_of, label_of, suffix_of
from screening.applicants.policy import ANY_WORDING, Policy
from screening.applicants.records import Page, PageFacts, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Exhibit, Finding, Numbers, State, absent, exhibit, unknown
from screening.applicants.signals.networks import affiliate_url
from screening.applicants.signals.vocabulary import Phrases, host_list, is_listed, page_phrases
from screening.settings.screening import SignalSettings

_CARE = {"contact": "contact_missing", "privacy": "privacy_missing", "about": "about_missing"}
LINKS_READ, PATH_READ = 1_000, 200
"""Links of a page, and characters of a link's path, that are read for what they offer."""
_DIGITS_MANY, _HYPHENS_MANY, _LABEL_LONG = 4, 3, 25
"""From these on a label looks generated; 1.5, 0.2 and 0.5 % of the labels in the Tranco million are so."""


def care(crawl: SiteCrawl) -> tuple[Finding, ...]:
    """Look for a way to reach the publisher, a privacy notice and who is behind the site, in links and headings."""
    pages = readable(crawl)
    if not pages:
        return tuple(unknown(code, crawl.site, "no page could be read") for code in _CARE.values())
    findings = []
    for kind, code in _CARE.items():
        if any(page.role == kind for page, _ in pages) or any(_offers(facts, kind) for _, facts in pages):
            findings.append(absent(code, crawl.site))
        else:
            shown = exhibit(pages[0][0], f"no link or heading for {kind} on {len(pages)} pages")
            findings.append(Finding(code, State.FOUND, crawl.site, (shown,), {"pages": len(pages)}))
    return tuple(findings)


def disclosure(crawl: SiteCrawl, policy: Policy) -> Finding:
    """Look for a disclosure on the pages that carry affiliate links; with a clause in the policy it is a duty."""
    pages = readable(crawl)
    code, clause = (
        ("disclosure_required", "required_disclosure") if policy.required_disclosure else ("disclosure_missing", None)
    )
    if not pages:
        return unknown(code, crawl.site, "no page could be read")
    own = tuple(word for word in policy.required_disclosure if word != ANY_WORDING)
    wordings = Phrases.of(own) if own else page_phrases("disclosure")
    linking = [(page, facts, links) for page, facts in pages if (links := _affiliate_links(facts))]
    bare = [(page, facts, links) for page, facts, links in linking if not wordings.found_in(_all_text(facts))]
    if not bare:
        return absent(code, crawl.site)
    page, _, links = bare[0]
    shown = exhibit(page, f"affiliate link without disclosure: {links[0]}")
    numbers = {"pages": len(bare), "linking": len(linking)}
    if any(wordings.found_in(_all_text(facts)) for _, facts in pages):
        return Finding("disclosure_apart", State.FOUND, crawl.site, (shown,), numbers, clause)
    return Finding(code, State.FOUND, crawl.site, (shown,), numbers, clause)


def advertising(crawl: SiteCrawl, settings: SignalSettings) -> tuple[Finding, ...]:
    """Count advertising slots by the words around them, and look for windows that open by themselves."""
    pages = readable(crawl)
    if not pages:
        return (unknown("ad_density", crawl.site, "no page could be read"),)
    return (_popunder(crawl.site, pages), _density(crawl.site, pages, settings))


def domain_shape(crawl: SiteCrawl) -> tuple[Finding, ...]:
    """Look at the domain alone: a top-level domain that is mostly abused, a label that looks generated."""
    host = host_of(crawl.declared[0]) if crawl.declared else crawl.site
    findings = []
    suffix = suffix_of(host)
    if suffix in host_list("abused_suffixes"):
        findings.append(_shape("suffix_abused", crawl, f".{suffix}", {"suffix": suffix}))
    label = label_of(host)
    digits, hyphens = sum(map(str.isdigit, label)), label.count("-")
    if not label.startswith("xn--") and (
        digits >= _DIGITS_MANY or hyphens >= _HYPHENS_MANY or len(label) >= _LABEL_LONG
    ):
        numbers: Numbers = {"digits": digits, "hyphens": hyphens, "length": len(label)}
        findings.append(_shape("domain_generated", crawl, label, numbers))
    return tuple(findings) or (absent("domain_generated", crawl.site),)


def _shape(code: str, crawl: SiteCrawl, snippet: str, numbers: Numbers) -> Finding:
    return Finding(code, State.FOUND, crawl.site, (Exhibit(crawl.declared[0], snippet),), numbers)


def _offers(facts: PageFacts, kind: str) -> bool:
    if kind == "contact" and any(link.url.startswith(("mailto:", "tel:")) for link in facts.links):
        return True
    if kind == "about" and any(key in {"author", "article:author"} and value for key, value in facts.metas):
        return True
    return bool(page_phrases(kind).found_in(_menu(facts)))


def _menu(facts: PageFacts) -> str:
    """Join what links and headings say, and what the links' paths say, in one text."""
    links = (f"{link.text} {_path_words(link.url)}" for link in facts.links[:LINKS_READ])
    return " . ".join([*links, *(text for _, text in facts.headings)])


def _path_words(url: str) -> str:
    path = url.split("://", 1)[-1].partition("/")[2].partition("?")[0]
    return re.sub(r"[-_/.]", " ", unquote(path[:PATH_READ]))


def _affiliate_links(facts: PageFacts) -> list[str]:
    found = []
    for link in facts.links:
        match = affiliate_url(link.url)
        if match is not None and match.sets_cookie:
            found.append(link.url)
    return found


def _all_text(facts: PageFacts) -> str:
    return f"{facts.text} . {' . '.join(link.text for link in facts.links)}"


def _popunder(site: str, pages: tuple[tuple[Page, PageFacts], ...]) -> Finding:
    for page, facts in pages:
        for resource in facts.resources:
            if is_listed("popunder", host_of(resource.url)):
                host = host_of(resource.url)
                return Finding("popunder", State.FOUND, site, (exhibit(page, resource.snippet),), {"host": host})
    return absent("popunder", site)


def _density(site: str, pages: tuple[tuple[Page, PageFacts], ...], settings: SignalSettings) -> Finding:
    slots = [(page, facts, _slots(facts)) for page, facts in pages]
    words = sum(facts.words for _, facts, _ in slots)
    total = sum(count for _, _, count in slots)
    if total * 1000 <= settings.ads_per_1000_words * max(words, 1):
        return absent("ad_density", site)
    page, _, count = max(slots, key=lambda slot: slot[2])
    shown = exhibit(page, f"{count} advertising slots on this page")
    return Finding("ad_density", State.FOUND, site, (shown,), {"slots": total, "words": words})


def _slots(facts: PageFacts) -> int:
    frames = sum(
        resource.tag == "iframe" and is_listed("advertising", host_of(resource.url), "/")
        for resource in facts.resources
    )
    return frames + sum(script.count("adsbygoogle ||") + script.count("googletag.display(") for script in facts.scripts)
