"""Profiles that an applicant declares: whether they exist, whose they seem to be, and whether they link back.

Platforms that show nothing without a login stay unknown. What a profile says of itself is a claim; only the link back
to the site is evidence, since only its owner can set it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rapidfuzz import fuzz

from screening.applicants.identity import host_of, name_key, site_of
from screening.applicants.intake_fields import Application
from screening.applicants.records import Page, PageFacts
from screening.applicants.signals.finding import Exhibit, Finding, Numbers, State, exhibit, shortened, unknown
from screening.applicants.signals.vocabulary import is_listed

GONE_STATUSES = frozenset({404, 410})
_COUNT = re.compile(
    r"(?P<number>\d[\d.,\u00a0 ]{0,12})\s*(?P<unit>k|m|mil|mln|mio|тыс|万)?\.?\s*"
    r"(?:followers?|subscribers?|abonn(?:és|enten|ees?)|seguidores|follower|abonnees|iscritti|подписчик\w*|フォロワー|粉丝)",
    re.IGNORECASE,
)
_UNITS = {
    "": 1,
    "k": 1_000,
    "тыс": 1_000,
    "万": 10_000,
    "m": 1_000_000,
    "mln": 1_000_000,
    "mio": 1_000_000,
    "mil": 1_000,
}
_SEARCHED = 5_000
"""Characters of a profile's page in which counts are looked for: they stand at its top."""


def profiles_to_visit(application: Application, most: int) -> tuple[str, ...]:
    """Return the declared profiles that show something to a reader who is not logged in, at most so many."""
    return tuple(url for url in application.social_profiles if not is_listed("login_walled", host_of(url)))[:most]


def profile_findings(application: Application, seen: Mapping[str, Page]) -> tuple[Finding, ...]:
    """Judge the declared profiles; `seen` holds the pages of those that were visited."""
    findings: list[Finding] = []
    for url in application.social_profiles:
        page = seen.get(url)
        if is_listed("login_walled", host_of(url)):
            findings.append(unknown("profile_seen", None, f"{host_of(url)} shows profiles to logged-in readers only"))
        elif page is None:
            findings.append(unknown("profile_seen", None, f"{url} was not visited"))
        else:
            findings.extend(_of_profile(application, url, page))
    return tuple(findings)


def handle_of(url: str) -> str:
    """Return the name of a profile in its address, without marks: `janedoe` of https://people.example/@jane.doe."""
    segments = [part for part in url.split("://", 1)[-1].split("?", 1)[0].split("/")[1:] if part]
    return re.sub(r"[^\w]", "", segments[-1].casefold()) if segments else ""


def followers_of(facts: PageFacts) -> int | None:
    """Return how many followers the page says the profile has, None when it does not say."""
    texts = [content for _, content in facts.metas] + [facts.text[:_SEARCHED]]
    for found in filter(None, map(_COUNT.search, texts)):
        number, unit = found["number"].strip(), (found["unit"] or "").casefold()
        plain = number.replace(",", ".") if unit else re.sub(r"\D", "", number)
        try:
            return int(float(plain) * _UNITS[unit])
        except ValueError:
            continue
    return None


def _of_profile(application: Application, url: str, page: Page) -> Iterator[Finding]:
    status = page.fetch.status
    if status in GONE_STATUSES:
        shown = exhibit(page, f"status {status}")
        yield Finding("profile_absent", State.FOUND, None, (shown,), {"profile": url, "status": status})
        return
    facts = page.facts
    if facts is None or not page.fetch.ok:
        yield unknown("profile_seen", None, f"{url} could not be read: {page.fetch.error or status}")
        return
    followers = followers_of(facts)
    names = (application.name, application.company or "")
    likeness = max(fuzz.token_set_ratio(name_key(name), name_key(facts.title or "")) for name in names)
    numbers: Numbers = {
        "profile": url,
        "followers": "not shown" if followers is None else followers,
        "handle": handle_of(url),
        "name_likeness": round(likeness),
    }
    yield Finding("profile_seen", State.FOUND, None, (exhibit(page, facts.title or facts.text),), numbers)
    back = _link_back(application, facts)
    if back is not None:
        shown = Exhibit(page.fetch.final_url, shortened(back), page.fetch.record_id)
        yield Finding("profile_links_back", State.FOUND, None, (shown,), {"profile": url})


def _link_back(application: Application, facts: PageFacts) -> str | None:
    sites = {site_of(url) for url in application.websites}
    for link in facts.links:
        if site_of(link.url) in sites:
            return f"links to {link.url} ({' '.join(link.rel) or 'no rel'})"
    for item in facts.jsonld:
        same = item.get("sameAs", [])
        for url in [same] if isinstance(same, str) else same if isinstance(same, list) else []:
            if isinstance(url, str) and site_of(url) in sites:
                return f"names {url} as the same"
    return None
