"""How a site promotes, by what it says about itself, against what was declared and what the policy allows."""

from __future__ import annotations

from ada_url import URL

from screening.applicants.identity import host_of
from screening.applicants.intake_fields import Application
from screening.applicants.policy import Policy, clause
from screening.applicants.records import Page, PageFacts, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Finding, Numbers, State, absent, exhibit, unknown
from screening.applicants.signals.vocabulary import Phrases, around, is_listed, method_phrases
from screening.settings.screening import SignalSettings

FORBIDDEN, UNDECLARED = "method_on_site", "method_undeclared"
_FRONT = 3
"""Weight of a term in the title or a first heading, in mentions: a site names there what it is."""


def methods(
    application: Application, crawl: SiteCrawl, policy: Policy, settings: SignalSettings
) -> tuple[Finding, ...]:
    """Look for coupons, cashback, toolbars and incentives that were not declared or are not allowed."""
    pages = readable(crawl)
    if not pages:
        return (unknown(UNDECLARED, crawl.site, "no page could be read"),)
    findings = []
    for method, phrases in method_phrases().items():
        if method in application.promo_methods:
            continue
        seen = _seen(method, phrases, pages, settings)
        if seen is None:
            continue
        page, terms, mentions = seen
        forbidden = bool(policy.allowed_methods) and method not in policy.allowed_methods
        shown = exhibit(page, around(page.facts.text if page.facts is not None else "", terms[0]))
        numbers: Numbers = {"method": method, "mentions": mentions, "terms": ", ".join(terms[:5])}
        code = FORBIDDEN if forbidden else UNDECLARED
        cited = clause("allowed_methods") if forbidden else None
        findings.append(Finding(code, State.FOUND, crawl.site, (shown,), numbers, cited))
    return tuple(findings) or (absent(FORBIDDEN, crawl.site), absent(UNDECLARED, crawl.site))


def _seen(
    method: str, phrases: Phrases, pages: tuple[tuple[Page, PageFacts], ...], settings: SignalSettings
) -> tuple[Page, tuple[str, ...], int] | None:
    best: tuple[Page, tuple[str, ...], int] | None = None
    total = 0
    for page, facts in pages:
        front = " . ".join((facts.title or "", *(text for level, text in facts.headings if level == 1)))
        terms = tuple(dict.fromkeys((*phrases.found_in(front), *phrases.found_in(facts.text))))
        mentions = phrases.count(facts.text) + _FRONT * len(phrases.found_in(front))
        mentions += _FRONT * (method == "toolbar" and any(_installs(link.url) for link in facts.links))
        total += mentions
        if terms and (best is None or mentions > best[2]):
            best = (page, terms, mentions)
    words = sum(facts.words for _, facts in pages)
    if (
        best is None
        or total < settings.method_mentions
        or total * 1000 < settings.method_mentions_per_1000_words * words
    ):
        return None
    return best[0], best[1], total


def _installs(url: str) -> bool:
    try:
        return is_listed("extension_store", host_of(url), str(URL(url).pathname))
    except ValueError:
        return False
