"""Whether anything ties the applicant to the site: anybody can type in an address that belongs to somebody else."""

from __future__ import annotations

import re
import unicodedata

from screening.applicants.identity import host_of, name_key, registered_domain, site_of
from screening.applicants.intake_fields import Application
from screening.applicants.records import Page, PageFacts, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Exhibit, Finding, State, absent, exhibit, unknown
from screening.applicants.signals.vocabulary import FOLDED_LENGTH, around, folded

SHOWN, MISSING = "ownership_shown", "ownership_unverified"
_NAME = 6
"""Letters and blanks of a name that a text may hold by chance when it is shorter."""
_UNSPACED = (
    (re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"), 3),
    (re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+"), 6),
)
"""Scripts in which names stand without spaces around them (Chinese, Japanese and Korean; Thai and its neighbours), and
the letters of a name that a text may hold by chance when it is shorter."""


def ownership(application: Application, crawl: SiteCrawl) -> Finding:
    """Look for ties: e-mail at the site's domain, the address or name on its pages, links to the declared profiles."""
    domain = registered_domain(application.email.domain)
    if domain == crawl.site and not application.email.free:
        shown = Exhibit(crawl.declared[0], f"{application.email.written} is at the site's own domain")
        return Finding(SHOWN, State.FOUND, crawl.site, (shown,), {"tie": "e-mail at the site's domain"})
    pages = readable(crawl)
    if not pages:
        return unknown(MISSING, crawl.site, "no page could be read")
    for page, facts in pages:
        tie = _tie(application, page, facts)
        if tie is not None:
            kind, shown = tie
            return Finding(SHOWN, State.FOUND, crawl.site, (shown,), {"tie": kind})
    shown = Exhibit(crawl.declared[0], f"no e-mail, name or profile of the applicant on {len(pages)} pages")
    return Finding(MISSING, State.FOUND, crawl.site, (shown,), {"pages": len(pages)})


def owner_absent(site: str) -> Finding:
    """Say that ownership was shown, in the form that scorecards expect."""
    return absent(MISSING, site)


def _tie(application: Application, page: Page, facts: PageFacts) -> tuple[str, Exhibit] | None:
    address = application.email.written.casefold()
    if address in facts.text.casefold() or any(
        link.url.casefold().startswith(f"mailto:{address}") for link in facts.links
    ):
        return "the e-mail address on a page", exhibit(page, around(facts.text, address))
    profiles = {_profile(url) for url in application.social_profiles}
    for link in facts.links:
        if _profile(link.url) in profiles:
            return "a link to a declared profile", exhibit(page, f"{link.text} ({link.url})")
    for name in (application.name, application.company or ""):
        if _names(facts.text, name, alone=name is application.company):
            return "the name on a page", exhibit(page, around(facts.text, name))
    author = next((value for key, value in facts.metas if key in {"author", "article:author"}), "")
    if folded(author) == folded(application.name) and author:
        return "the name as author", exhibit(page, f"author: {author}")
    return None


def _names(text: str, name: str, *, alone: bool) -> bool:
    """Say whether a text names somebody; a single word only counts `alone`, where chance does not put it there."""
    letters = "".join(unicodedata.normalize("NFKC", name).split())
    least = next((least for script, least in _UNSPACED if script.fullmatch(letters)), None)
    if least is not None:
        return len(letters) >= least and letters in "".join(unicodedata.normalize("NFKC", text[:FOLDED_LENGTH]).split())
    key = name_key(name)
    return len(key) >= _NAME and (" " in key or alone) and f" {key} " in f" {name_key(text[:FOLDED_LENGTH])} "


def _profile(url: str) -> str:
    """Return a profile's address without what does not tell profiles apart."""
    rest = url.split("://", 1)[-1].split("?", 1)[0].rstrip("/").casefold()
    return f"{site_of(host_of(url))}/{rest.partition('/')[2].removeprefix('@')}" if "://" in url else rest
