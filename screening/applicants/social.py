"""Profiles that an applicant declares: whether they exist, whose they seem to be, and whether they link back.

Platforms that show nothing without a login stay unknown. What a profile says of itself is a claim; only the link back
to the site is evidence, since only its owner can set it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rapidfuzz import fuzz

from screening.applicants.identity import host_of, label_of, name_key, site_of
from screening.applicants.intake_fields import Application
from screening.applicants.page.jsonld import nested
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
_LOGIN = re.compile(r"(?:^|/)(?:accounts/)?(?:log-?in|sign-?in|signup|authwall|checkpoint)(?:[/?.]|$)", re.IGNORECASE)
"""Paths to which platforms send readers who are not logged in."""
_LOGIN_TITLE = re.compile(
    r"\W*(?:log ?in|sign ?(?:in|up)|anmelden|einloggen|se connecter|connexion|iniciar sesi[oó]n|accedi|inloggen)\b",
    re.IGNORECASE,
)
_WORDS_OF_A_LOGIN = 150
"""Words below which a page with such a title is only the way in."""
_ALIKE = 60
"""Likeness (0-100) of names, in any part, from which a profile may well be the applicant's."""
_HANDLE_LENGTH_MIN = 4
"""Characters below which a handle resembles anything."""
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
    """Return how many followers the page says the profile has, None when it does not say.

    Structured data (schema.org InteractionCounter of a FollowAction) counts before words in the page's metadata and
    text.
    """
    counted = next(_counters(facts), None)
    if counted is not None:
        return counted
    texts = [content for _, content in facts.metas] + [facts.text[:_SEARCHED]]
    for found in filter(None, map(_COUNT.search, texts)):
        number, unit = found["number"].strip(), (found["unit"] or "").casefold()
        plain = number.replace(",", ".") if unit else re.sub(r"\D", "", number)
        try:
            return int(float(plain) * _UNITS[unit])
        except ValueError:
            continue
    return None


def _counters(facts: PageFacts) -> Iterator[int]:
    for item in facts.jsonld:
        for inner in nested(item):
            action = inner.get("interactionType")
            named = action.get("@type") if isinstance(action, dict) else action
            count = inner.get("userInteractionCount")
            if str(named).rpartition("/")[2] == "FollowAction" and re.fullmatch(r"\d{1,12}", str(count)):
                yield int(str(count))


def _walled(page: Page) -> str | None:
    """Say why a page that answered is not the profile: a log-in page, or the platform's front page."""
    facts, final = page.facts, page.fetch.final_url
    if _LOGIN.search(final.split("://", 1)[-1].partition("/")[2]) or (
        facts is not None and _LOGIN_TITLE.match(facts.title or "") and facts.words < _WORDS_OF_A_LOGIN
    ):
        return "it asks to log in"
    if page.fetch.hops and not handle_of(final):
        return "it leads to the front page of the platform"
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
    wall = _walled(page)
    if wall is not None:
        yield unknown("profile_seen", None, f"{url} cannot be seen: {wall}")
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
    if back is None and _is_foreign(application, url, likeness):
        shown = exhibit(page, facts.title or facts.text)
        yield Finding("profile_differs", State.FOUND, None, (shown,), {"profile": url, "handle": handle_of(url)})
    if back is not None:
        shown = Exhibit(page.fetch.final_url, shortened(back), page.fetch.record_id)
        yield Finding("profile_links_back", State.FOUND, None, (shown,), {"profile": url})


def _is_foreign(application: Application, url: str, likeness: float) -> bool:
    """Say whether neither the handle nor the title resembles the applicant, the sites or the other handles."""
    handle = handle_of(url)
    if len(handle) < _HANDLE_LENGTH_MIN or handle.isdigit() or likeness >= _ALIKE:
        return False
    others = [other for other in application.social_profiles if other != url]
    known = [name_key(name).replace(" ", "") for name in (application.name, application.company or "")]
    known += [label_of(host_of(site)).replace("-", "") for site in application.websites]
    known += [application.email.key.partition("@")[0], *map(handle_of, others)]
    parts = [part for part in name_key(application.name).split() if len(part) >= _HANDLE_LENGTH_MIN]
    return all(fuzz.partial_ratio(handle, own) < _ALIKE for own in (*known, *parts) if len(own) >= _HANDLE_LENGTH_MIN)


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
