"""Text that stands on more than one site, and which of the sites is the copy.

A site is sketched by the hashes of its sixteen-word phrases that fall into one class out of eight (a sample that two
sites draw alike: Broder, "On the resemblance and containment of documents", 1997). Phrases that long run over the end
of a sentence, so that stock sentences in another order are no copy; phrases that many sites have are boilerplate. Which
of two sites copied is told by what a copy carries along: the other's name, addresses and links.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import mmh3
from rapidfuzz import fuzz

from screening.applicants.identity import label_of, registered_domain, site_of
from screening.applicants.records import PageFacts, SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.content import BOILERPLATE_ROLES
from screening.applicants.signals.finding import Exhibit, Finding, Numbers, State, absent, shortened, unknown
from screening.applicants.signals.pages import care
from screening.applicants.signals.vocabulary import FOLDED_LENGTH
from screening.settings.screening import SignalSettings

PHRASE_WORDS = 16
SAMPLED_ONE_IN = 8
SKETCH_MAX = 200
"""Hashes kept of one site: the smallest, so that large sites stay comparable."""
TITLE_LENGTH = 300
"""Characters of a title that are read."""
_UNSPACED_PHRASE = 24
"""Characters of a phrase in scripts without spaces."""
ORIGIN_VOTES = 2
"""Votes by which one site must lead to be held for the origin; a strong sign alone is enough."""
MUCH_MORE = 1.3
"""How much more text than its copy an origin has when only a part of it was copied."""
_NAME_LIKENESS = 80
"""Likeness, 0-100, from which a site's name and a domain's label are the same name."""
_TITLE_PARTS = re.compile(r"\s+[|\u2013\u2014\u00b7:-]\s+")
"""What stands between the title of a page and the name of its site."""
_COPYRIGHT = re.compile(r"(?:\u00a9|\(c\)|copyright)\s*(?:\d{4}[\d\s\u2013-]*)?([\w' .&-]{4,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of a site to find copies of it.

    `member` is whose it is, `phrases` sampled hashes, `names` what the site calls itself, `points_to` other sites that
    its pages name as their own origin (canonical links, mail addresses, hot-linked pictures), `care_pages` how many of
    contact, privacy and about it has, `applied_at` when its owner applied, as ISO 8601 in UTC.
    """

    member: str
    site: str
    url: str
    phrases: tuple[int, ...]
    names: tuple[str, ...]
    points_to: frozenset[str]
    owner_shown: bool
    care_pages: int = 0
    applied_at: str | None = None


@dataclass(frozen=True, slots=True)
class CopiedFrom:
    """A pair of sites that share text: share of the first's phrases, 0-1, and which is the copy if known."""

    site: str
    other_member: str
    other_site: str
    share: float
    is_copy: bool | None


def sketch(member: str, crawl: SiteCrawl, *, owner_shown: bool, applied_at: datetime | None = None) -> Sketch | None:
    """Sketch a crawled site; None when no page could be read."""
    pages = [facts for page, facts in readable(crawl) if page.role not in BOILERPLATE_ROLES]
    if not pages:
        return None
    hashes: set[int] = set()
    for facts in pages:
        hashes.update(_phrases(facts.text[:FOLDED_LENGTH]))
    return Sketch(
        member=member,
        site=crawl.site,
        url=crawl.declared[0] if crawl.declared else f"https://{crawl.site}/",
        phrases=tuple(sorted(hashes)[:SKETCH_MAX]),
        names=_names(pages),
        points_to=_points_to(crawl.site, pages),
        owner_shown=owner_shown,
        care_pages=sum(finding.state is State.ABSENT for finding in care(crawl)),
        applied_at=applied_at.isoformat() if applied_at is not None else None,
    )


def copies(sketches: Sequence[Sketch], settings: SignalSettings) -> Mapping[tuple[str, str], tuple[CopiedFrom, ...]]:
    """Compare all sites; the answer maps (member, site) to the sites of other members that it shares text with."""
    found: dict[tuple[str, str], list[CopiedFrom]] = defaultdict(list)
    for (first, second), count in _in_common(sketches, settings).items():
        one, other = sketches[first], sketches[second]
        smaller = min(len(one.phrases), len(other.phrases))
        if one.member == other.member or one.site == other.site or count < settings.copied_share * smaller:
            continue
        verdict = _copy_of(one, other)
        found[one.member, one.site].append(_pair(one, other, count, verdict))
        found[other.member, other.site].append(_pair(other, one, count, None if verdict is None else not verdict))
    return {key: tuple(sorted(pairs, key=lambda pair: -pair.share)) for key, pairs in found.items()}


def _in_common(sketches: Sequence[Sketch], settings: SignalSettings) -> Counter[tuple[int, int]]:
    """Count, for pairs of places in the sequence, the sampled phrases that both sketches have."""
    holders: dict[int, list[int]] = defaultdict(list)
    for index, item in enumerate(sketches):
        if len(item.phrases) >= settings.copied_sketch_min:
            for phrase in item.phrases:
                holders[phrase].append(index)
    shared: Counter[tuple[int, int]] = Counter()
    for indexes in holders.values():
        if len(indexes) <= settings.copied_sites_max:
            shared.update(combinations(indexes, 2))
    return shared


def copy_findings(site: str, url: str, pairs: Iterable[CopiedFrom] | None) -> tuple[Finding, ...]:
    """Turn the comparison of one site into findings; None: the site could not be compared."""
    if pairs is None:
        return (unknown("copied_content", site, "the site has too little text to compare"),)
    pairs = tuple(pairs)
    if not pairs:
        return (absent("copied_content", site),)
    worst = next(
        (pair for pair in pairs if pair.is_copy), next((pair for pair in pairs if pair.is_copy is None), pairs[0])
    )
    code = {True: "copied_content", None: "same_content", False: "content_was_copied"}[worst.is_copy]
    snippet = f"{100 * worst.share:.0f} % of its sampled phrases stand on {worst.other_site} ({worst.other_member})"
    numbers: Numbers = {"share": round(worst.share, 2), "other": worst.other_site, "sites": len(pairs)}
    return (Finding(code, State.FOUND, site, (Exhibit(url, shortened(snippet)),), numbers),)


def _pair(one: Sketch, other: Sketch, count: int, is_copy: bool | None) -> CopiedFrom:  # noqa: FBT001 - three values
    return CopiedFrom(one.site, other.member, other.site, count / len(one.phrases), is_copy)


def _copy_of(one: Sketch, other: Sketch) -> bool | None:
    """Say whether the first site copied the second (True), was copied (False), or nobody can tell (None)."""
    weight = _origin(other, one) - _origin(one, other)
    return None if abs(weight) < ORIGIN_VOTES else weight > 0


def _origin(site: Sketch, other: Sketch) -> int:
    """Count what speaks for a site as the origin.

    Strong: the other points to it, or bears its name. Weak: only its owner is known, it says much more, it has the
    pages of a real publisher that the other lacks, its owner applied earlier.
    """
    strong = (site.site in other.points_to, any(_same_name(name, site.site) for name in (*site.names, *other.names)))
    earlier = site.applied_at is not None and other.applied_at is not None and site.applied_at < other.applied_at
    weak = (
        site.owner_shown and not other.owner_shown,
        len(site.phrases) >= MUCH_MORE * len(other.phrases),
        site.care_pages > other.care_pages,
        earlier,
    )
    return ORIGIN_VOTES * sum(strong) + sum(weak)


def _same_name(name: str, site: str) -> bool:
    label = label_of(site).replace("-", "")
    plain = re.sub(r"\W", "", name.casefold())
    return len(plain) >= 4 and fuzz.ratio(plain, label) >= _NAME_LIKENESS


def _phrases(text: str) -> set[int]:
    words = re.findall(r"\w+", text.casefold())
    phrases = [" ".join(words[start : start + PHRASE_WORDS]) for start in range(len(words) - PHRASE_WORDS + 1)]
    for run in re.findall(r"[\u3040-\u30ff\u3400-\u9fff]{24,}", text):
        phrases.extend(run[start : start + _UNSPACED_PHRASE] for start in range(len(run) - _UNSPACED_PHRASE + 1))
    hashes = (mmh3.hash(phrase, signed=False) for phrase in phrases)
    return {value for value in hashes if value % SAMPLED_ONE_IN == 0}


def _names(pages: list[PageFacts]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for facts in pages:
        names.update(dict.fromkeys(value for key, value in facts.metas if key in {"og:site_name", "application-name"}))
        names.update(dict.fromkeys(_TITLE_PARTS.split((facts.title or "")[:TITLE_LENGTH])))
        names.update(dict.fromkeys(_COPYRIGHT.findall(facts.text[:FOLDED_LENGTH])))
    return tuple(name.strip() for name in names if name.strip())


def _points_to(site: str, pages: list[PageFacts]) -> frozenset[str]:
    targets: set[str] = set()
    for facts in pages:
        if facts.canonical_url:
            targets.add(site_of(facts.canonical_url))
        targets.update(site_of(resource.url) for resource in facts.resources if resource.tag == "img")
        targets.update(site_of(value) for key, value in facts.metas if key in {"og:url", "og:image"} and "://" in value)
        for link in facts.links:
            if link.url.startswith("mailto:") and "@" in link.url:
                targets.add(registered_domain(link.url.split("@", 1)[1].split("?")[0]) or "")
            elif link.position in {"header", "nav", "footer"}:
                targets.add(site_of(link.url))
    return frozenset(targets - {site, ""})
