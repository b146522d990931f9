"""Patterns in who links to a site: concentration, anchors, links back, disowned sites, networks, bursts.

Each is a weak sign by itself: old and large sites are linked to by anybody, small ones by friends. A share is judged
only from `backlinks.sites_min` linking sites on; below, the answer is unknown.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources

import yaml
from rapidfuzz import fuzz

from screening.applicants.backlinks.links import Backlink
from screening.applicants.backlinks.verify import Checked, Presence
from screening.applicants.identity import is_free_subdomain, label_of

_BURST_DAYS = 30
_YEAR_DAYS = 365.25
_NAME_LIKENESS = 85
"""rapidfuzz's partial ratio (0-100) from which an anchor is the site's own name."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `of` linking sites share something; `what` it is, `examples` at most five of them."""

    sites: int
    of: int
    what: str = ""
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share, 0 when there are no linking sites."""
        return self.sites / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Concentration:
    """How links spread over linking sites: the largest share and whose it is, and Herfindahl's index (1/n to 1)."""

    largest: str
    largest_share: float
    index: float


def standing_links(links: Iterable[Backlink]) -> tuple[Backlink, ...]:
    """Return the links that are not known to be lost."""
    return tuple(link for link in links if not link.lost)


def linking_sites(links: Iterable[Backlink]) -> tuple[str, ...]:
    """Return the linking sites, each once, in order."""
    return tuple(dict.fromkeys(link.source_site for link in links))


def concentration(links: Iterable[Backlink]) -> Concentration | None:
    """Return how links spread over linking sites; None without links."""
    pages: Counter[str] = Counter()
    for link in links:
        pages[link.source_site] += link.pages
    if not pages:
        return None
    total = sum(pages.values())
    site, most = max(pages.items(), key=lambda pair: (pair[1], pair[0]))
    return Concentration(site, most / total, sum((count / total) ** 2 for count in pages.values()))


def promotional_anchor(links: Iterable[Backlink], names: Sequence[str]) -> Share:
    """Return the promotional anchor that most linking sites use, among the sites whose anchors are known.

    An anchor is promotional unless it is an address, the site's own name (`names`: domains and names of people and
    companies), or made of words such as `read more` only.
    """
    anchors: dict[str, set[str]] = defaultdict(set)
    known: set[str] = set()
    for link in links:
        if link.anchor is None:
            continue
        known.add(link.source_site)
        if _promotes(link.anchor, names):
            anchors[_folded(link.anchor)].add(link.source_site)
    if not anchors:
        return Share(0, len(known))
    anchor, sites = max(anchors.items(), key=lambda pair: (len(pair[1]), pair[0]))
    return Share(len(sites), len(known), anchor, tuple(sorted(sites)[:5]))


def disowned_share(hosts_of: Mapping[str, Iterable[str]], disowned: frozenset[str]) -> Share:
    """Return the linking sites of which the domain, or the host that links, is disowned; `hosts_of` is by site."""
    found = sorted(site for site, hosts in hosts_of.items() if disowned & {site, *hosts})
    return Share(len(found), len(hosts_of), examples=tuple(found[:5]))


def reciprocal(sites: Sequence[str], linked_back: Iterable[str]) -> Share:
    """Return the linking sites that the site links back to."""
    back = set(linked_back)
    found = [site for site in sites if site in back]
    return Share(len(found), len(sites), examples=tuple(found[:5]))


def burst(links: Iterable[Backlink]) -> tuple[Share, float] | None:
    """Return the most linking sites first seen within 30 days, and how many years the known links reach back before it.

    Sites without a day are left out; None when none has one.
    """
    first: dict[str, date] = {}
    for link in links:
        if link.first_seen is not None:
            first[link.source_site] = min(link.first_seen, first.get(link.source_site, link.first_seen))
    if not first:
        return None
    sites = sorted(first, key=lambda site: (first[site], site))
    days = [first[site] for site in sites]
    begin = best = best_begin = 0
    for end, day in enumerate(days):
        while day - days[begin] >= timedelta(days=_BURST_DAYS):
            begin += 1
        if end - begin + 1 > best:
            best, best_begin = end - begin + 1, begin
    before = (days[best_begin] - days[0]).days / _YEAR_DAYS
    examples = tuple(sites[best_begin : best_begin + best][:5])
    return Share(best, len(days), days[best_begin].isoformat(), examples), before


def network(checked: Iterable[Checked], own_ids: frozenset[tuple[str, str]]) -> Share:
    """Return the linking sites that most have in common: an owner's identifier, or one network (/24, /48 in IPv6).

    Only links that are there count, and only public addresses of sites with a domain of their own: thousands share the
    servers of blog hosts. `own_ids` are the applicant's: a linking site that carries one is the applicant's too.
    """
    there = [item for item in checked if item.presence is Presence.THERE]
    groups: dict[str, set[str]] = defaultdict(set)
    for item in there:
        for kind, value in item.owner_ids:
            groups[f"the {kind} {value}"].add(item.source_site)
            if (kind, value) in own_ids:
                groups["an identifier of the applicant's own site"].add(item.source_site)
        block = _block(item)
        if block is not None:
            groups[f"the network {block}"].add(item.source_site)
    sites = len({item.source_site for item in there})
    if not groups:
        return Share(0, sites)
    what, members = max(groups.items(), key=lambda pair: (len(pair[1]), pair[0]))
    return Share(len(members), sites, what, tuple(sorted(members)[:5]))


def _block(item: Checked) -> str | None:
    if item.address is None or is_free_subdomain(item.source_site):
        return None
    address = ipaddress.ip_address(item.address)
    if not address.is_global:
        return None
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


def _promotes(anchor: str, names: Sequence[str]) -> bool:
    folded = _folded(anchor)
    if not folded or re.search(r"https?:|www\.|\w\.\w{2,}(?:/|$|\s)", anchor.casefold()):
        return False
    joined = folded.replace(" ", "")
    for name in names:
        own = _folded(label_of(name) if "." in name else name).replace(" ", "")
        if len(own) >= 3 and (own in joined or fuzz.partial_ratio(own, joined) >= _NAME_LIKENESS):
            return False
    return any(word not in _generic() and not word.isdigit() for word in folded.split())


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


@cache
def _generic() -> frozenset[str]:
    raw = (resources.files("screening.applicants") / "data" / "anchor_words.yaml").read_text("utf-8")
    return frozenset(word for line in yaml.safe_load(raw)["generic"] for entry in line for word in entry.split())
