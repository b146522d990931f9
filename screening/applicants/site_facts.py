"""What the site model looks at: measures of a site's address and pages, and what a fitted model says of them.

The measures are those with which content-based detection of web spam began (Ntoulas, Najork, Manasse and Fetterly, WWW
2006: words, title, anchor text, compressibility, repeated words) with links, scripts and forms beside them. They are
written down with every screening, so that later decisions of people can teach a model what was there to be seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

import numpy as np
import polars as pl

from models.sites import SiteModel
from models.sites_address import ADDRESS_FACTS, address_facts
from screening.applicants.identity import site_of
from screening.applicants.records import Page, PageFacts, Resource, SiteCrawl
from screening.applicants.signals.access import readable, seen_in_part
from screening.applicants.signals.finding import Exhibit, Finding, State, absent, exhibit, unknown
from screening.applicants.signals.networks import affiliate_url
from screening.applicants.study import Looked

MEASURED, LIKE_REJECTED = "site_measured", "site_like_rejected"
PAGE_FACTS = (
    "pages",
    "words_per_page",
    "words_median",
    "words_spread",
    "title_words",
    "letters_per_word",
    "distinct_word_share",
    "compressed_share",
    "same_title_share",
    "links_per_100_words",
    "links_out_share",
    "domains_linked",
    "affiliate_link_share",
    "anchor_words_share",
    "scripts_out_per_page",
    "frames_per_page",
    "hidden_per_page",
    "forms_per_page",
    "password_fields",
    "headings_per_1000_words",
    "structured_data_share",
    "language_share",
    "icon",
)
"""Measures of a site's readable pages. Counts, shares 0..1, and lengths as their names say."""
SITE_FACTS = (*PAGE_FACTS, *(name for name in ADDRESS_FACTS if name.startswith(("host", "suffix"))))
_TEXT_READ = 20_000
"""Characters of a page whose words are looked at; compressing more says no more."""
_DIGITS = 4
"""Decimals that are kept of a measure."""


@dataclass(frozen=True, slots=True)
class SiteEye:
    """A lookup (see study.Lookup) that measures every site, and lets a promoted site model judge what it measured.

    `model` None: no site model was promoted. `judged_from` is the score from which a site counts as found.
    """

    model: SiteModel | None
    version: str
    judged_from: float

    def __call__(self, looked: Looked) -> tuple[Finding, ...]:
        """Return the measures of all sites of an application, and what the model says of each."""
        findings = []
        for crawl in looked.crawl.sites:
            pages = readable(crawl)
            if not pages or seen_in_part(crawl):
                why = "a part of a page is missing" if pages else "no page could be read"
                findings.append(unknown(MEASURED, crawl.site, why))
                if self.model is not None:
                    findings.append(unknown(LIKE_REJECTED, crawl.site, why))
                continue
            facts = site_facts(crawl)
            shown = exhibit(pages[0][0], pages[0][1].title or "")
            findings.append(Finding(MEASURED, State.FOUND, crawl.site, (shown,), facts))
            if self.model is not None:
                findings.append(self._judged(self.model, crawl, facts))
        return tuple(findings)

    def _judged(self, model: SiteModel, crawl: SiteCrawl, facts: Mapping[str, object]) -> Finding:
        score = float(model.score(fact_frame([facts]))[0])
        if np.isnan(score):
            return unknown(LIKE_REJECTED, crawl.site, "the site model was taught on facts that are missing here")
        if score < self.judged_from:
            return absent(LIKE_REJECTED, crawl.site)
        shown = Exhibit(crawl.declared[0] if crawl.declared else crawl.site, f"{self.version}: score {score:.2f}")
        return Finding(LIKE_REJECTED, State.FOUND, crawl.site, (shown,), {"model": self.version, "chance": score})


def fact_frame(measured: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Return a row of `SITE_FACTS` for each set of measures, float64, null where one is not known."""
    rows = [[_number(facts.get(name)) for name in SITE_FACTS] for facts in measured]
    return pl.DataFrame(rows, schema=dict.fromkeys(SITE_FACTS, pl.Float64), orient="row")


def site_facts(crawl: SiteCrawl) -> dict[str, str | int | float]:
    """Return the measures that are known of a site, by name; those of its pages need a readable page."""
    pages = readable(crawl)
    facts = [one for _, one in pages]
    measures = {**_texts(facts), **_links(crawl, facts), **_makings(pages)} if facts else {}
    address = address_facts([crawl.declared[0] if crawl.declared else crawl.site]).row(0, named=True)
    measures |= {name: address[name] for name in SITE_FACTS if address.get(name) is not None}
    return {name: round(float(measures[name]), _DIGITS) for name in SITE_FACTS if name in measures}


def _texts(facts: Sequence[PageFacts]) -> dict[str, float]:
    counts = [one.words for one in facts]
    read = [one.text[:_TEXT_READ] for one in facts]
    words = [word.lower() for text in read for word in text.split()]
    together = "\n".join(read).encode()
    titles = [one.title or "" for one in facts]
    return {
        "pages": len(facts),
        "words_per_page": fmean(counts),
        "words_median": median(counts),
        "words_spread": max(counts) - min(counts),
        "title_words": fmean(len(title.split()) for title in titles),
        "letters_per_word": fmean(map(len, words)) if words else 0.0,
        "distinct_word_share": len(set(words)) / len(words) if words else 0.0,
        "compressed_share": len(zlib.compress(together)) / len(together) if together else 1.0,
        "same_title_share": sum(a == b for a, b in pairwise(sorted(titles))) / len(titles),
        "headings_per_1000_words": 1_000 * sum(len(one.headings) for one in facts) / max(sum(counts), 1),
    }


def _links(crawl: SiteCrawl, facts: Sequence[PageFacts]) -> dict[str, float]:
    links = [link for one in facts for link in one.links if link.url.startswith(("http://", "https://"))]
    out = [link for link in links if site_of(link.url) != crawl.site]
    words = max(sum(one.words for one in facts), 1)
    return {
        "links_per_100_words": 100 * len(links) / words,
        "links_out_share": len(out) / len(links) if links else 0.0,
        "domains_linked": len({site_of(link.url) for link in out}),
        "affiliate_link_share": sum(affiliate_url(link.url) is not None for link in out) / len(out) if out else 0.0,
        "anchor_words_share": min(1.0, sum(len(link.text.split()) for link in links) / words),
    }


def _makings(pages: Sequence[tuple[Page, PageFacts]]) -> dict[str, float]:
    facts = [one for _, one in pages]
    loaded = [resource for one in facts for resource in one.resources]
    fields = [kind for one in facts for form in one.forms for _, kind in form.fields]
    count = len(facts)
    return {
        "scripts_out_per_page": sum(_is_script(resource) for resource in loaded) / count,
        "frames_per_page": sum(resource.tag == "iframe" for resource in loaded) / count,
        "hidden_per_page": sum(resource.hidden for resource in loaded) / count,
        "forms_per_page": sum(len(one.forms) for one in facts) / count,
        "password_fields": sum(kind == "password" for kind in fields),
        "structured_data_share": sum(bool(one.jsonld) for one in facts) / count,
        "language_share": sum(one.language is not None for one in facts) / count,
        "icon": float(any(one.favicon_url is not None for one in facts)),
    }


def _is_script(resource: Resource) -> bool:
    return resource.tag == "script" and resource.attribute == "src"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
