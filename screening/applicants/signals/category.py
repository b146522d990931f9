"""Prohibited categories of content: what the pages say about themselves, confirmed on a second page.

A page that writes about a thing uses a few of its words; a page that sells it uses many different ones, again and
again. So a page counts by its number of distinct terms, and a site only with a second page, or with its title.
"""

from __future__ import annotations

from dataclasses import dataclass

from screening.applicants.policy import Policy, clause
from screening.applicants.records import Page, PageFacts, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Finding, Numbers, State, absent, exhibit, unknown
from screening.applicants.signals.vocabulary import Category, Phrases, around, categories
from screening.settings.screening import SignalSettings

CERTAIN, SUSPECTED = "prohibited_category", "category_suspected"
_APART_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class _Hit:
    page: Page
    facts: PageFacts
    terms: tuple[str, ...]
    occurrences: int
    in_front: bool


def policy_categories(policy: Policy) -> tuple[tuple[str, Category], ...]:
    """Return (name in the policy, category with words) for every prohibited category.

    A category that winnow has no words for is looked for by its own name; `unworded` lists those.
    """
    known = {name: category for category in categories() for name in (category.name, *category.same_as)}
    return tuple((name, known.get(name) or _own_words(name)) for name in policy.prohibited_categories)


def unworded(policy: Policy) -> tuple[str, ...]:
    """Return the prohibited categories of the policy for which only their own name can be looked for."""
    known = {name for category in categories() for name in (category.name, *category.same_as)}
    return tuple(name for name in policy.prohibited_categories if name not in known)


def prohibited(crawl: SiteCrawl, policy: Policy, settings: SignalSettings) -> tuple[Finding, ...]:
    """Look for every prohibited category on every page of the site and every view of it."""
    pages = [*readable(crawl), *((view.page, view.page.facts) for view in crawl.views if view.page.facts is not None)]
    found: dict[str, Finding] = {}
    for name, category in policy_categories(policy):
        if not pages:
            return (unknown(CERTAIN, crawl.site, "no page could be read"),)
        finding = _judged(crawl.site, name, category, [_hit(page, facts, category) for page, facts in pages], settings)
        if finding is not None and category.name not in found:
            found[category.name] = finding
    if any(finding.code == CERTAIN for finding in found.values()):
        return tuple(found.values())
    return (absent(CERTAIN, crawl.site), *found.values())


def _judged(site: str, name: str, category: Category, hits: list[_Hit], settings: SignalSettings) -> Finding | None:
    own_words = len(category.terms.entries) <= 2
    few, many = (1, 1) if own_words else (settings.category_terms_suspected, settings.category_terms_certain)
    pages = {hit.page.fetch.final_url: hit for hit in hits if len(hit.terms) >= few and _dense(hit, settings)}
    if not pages:
        return None
    strong = [hit for hit in pages.values() if len(hit.terms) >= many]
    front = any(hit.in_front for hit in pages.values())
    confirmed = len(pages) >= 2
    if not (confirmed or front or (strong and not own_words)):
        return None
    certain = bool(strong) and confirmed and front and not own_words
    best = sorted(pages.values(), key=lambda hit: (-len(hit.terms), -hit.occurrences))[:3]
    terms = list(dict.fromkeys(term for hit in best for term in hit.terms))
    shown = tuple(exhibit(hit.page, around(hit.facts.text, hit.terms[0])) for hit in best)
    numbers: Numbers = {"category": name, "terms": ", ".join(terms[:8]), "pages": len(pages), "distinct": len(terms)}
    code = CERTAIN if certain else SUSPECTED
    return Finding(code, State.FOUND, site, shown, numbers, clause("prohibited_categories", name))


def _hit(page: Page, facts: PageFacts, category: Category) -> _Hit:
    title = " . ".join((facts.title or "", *(text for level, text in facts.headings if level == 1)))
    everything = f"{title} . {facts.text}"
    terms = category.terms.found_in(everything)
    if len(category.apart.found_in(everything)) >= _APART_ENOUGH:
        terms = ()
    front = bool(category.terms.found_in(title))
    return _Hit(page, facts, terms, category.terms.count(facts.text) if terms else 0, front)


def _dense(hit: _Hit, settings: SignalSettings) -> bool:
    return hit.occurrences * 1000 >= settings.category_terms_per_1000_words * max(hit.facts.words, 1)


def _own_words(name: str) -> Category:
    return Category(name, frozenset(), Phrases.of((name.replace("_", " "),)), Phrases.of(()))
