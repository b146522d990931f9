"""Findings on backlinks for one application: declared links looked at, known links weighed, rank in the graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.stats import wilson
from screening.applicants.backlinks import pattern
from screening.applicants.backlinks.graph import DomainGraph, Standing
from screening.applicants.backlinks.links import Backlink
from screening.applicants.backlinks.shelf import Shelf
from screening.applicants.backlinks.verify import Checked, Claims, Presence, check_links
from screening.applicants.crawl.crawler import Crawler
from screening.applicants.identifiers import owner_ids
from screening.applicants.identity import host_of, is_free_subdomain, site_of
from screening.applicants.records import SiteCrawl
from screening.applicants.signals.access import readable
from screening.applicants.signals.finding import Exhibit, Finding, Numbers, State, absent, shortened, unknown
from screening.applicants.signals.vocabulary import is_listed
from screening.applicants.study import Looked
from screening.settings.backlinks import BacklinkSettings

_LEVEL = 0.95
"""Confidence of the interval of the share of declared links that are there."""
_EXAMPLES = 20
"""Links shown in the evidence."""
_PATTERNS = ("backlinks_disowned", "backlinks_reciprocal", "backlinks_anchors", "backlinks_burst")
_NOTHING_KNOWN = "no export that names it was imported, and the domain graph does not know it"


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the links to one site; `standing` is None without a graph or when it does not know the site."""

    crawl: SiteCrawl
    links: tuple[Backlink, ...]
    standing: Standing | None

    @property
    def sites(self) -> tuple[str, ...]:
        """The linking sites of both sources, each once."""
        named = self.standing.linking if self.standing is not None else ()
        return tuple(dict.fromkeys((*pattern.linking_sites(self.links), *named)))


class BacklinkLookup:
    """A lookup (see study.Lookup); safe to share between threads. `graph` is None when none was imported."""

    def __init__(self, shelf: Shelf, graph: DomainGraph | None, crawler: Crawler, settings: BacklinkSettings) -> None:
        self._shelf = shelf
        self._graph = graph
        self._crawler = crawler
        self._settings = settings

    def __call__(self, looked: Looked) -> tuple[Finding, ...]:
        """Return the findings on the links to all sites of an application."""
        application = looked.application
        known = [self._known(crawl) for crawl in looked.crawl.sites if not _is_shared(crawl)]
        imported = [link.source_url for item in known for link in item.links if link.source_url is not None]
        claims = Claims(application.application_id, application.websites, application.backlinks, tuple(imported))
        folder = looked.crawl.evidence
        checked = check_links(claims, self._crawler, self._settings, Path(folder) if folder is not None else None)
        names = (application.name, application.company or "", *(item.crawl.site for item in known))
        findings = [*_declared(checked, len(application.backlinks), self._settings), *self._network(checked, looked)]
        for item in known:
            findings += self._of_site(item, names)
        return tuple(findings)

    def _known(self, crawl: SiteCrawl) -> _Known:
        links = pattern.standing_links(self._shelf.links_to(crawl.site, self._settings.known_max))
        standing = self._graph.standing(crawl.site, self._settings.graph_max) if self._graph is not None else None
        return _Known(crawl, links, standing)

    def _of_site(self, known: _Known, names: Sequence[str]) -> Iterator[Finding]:
        site = known.crawl.site
        if not known.links and known.standing is None:
            shared = ", where subdomains of shared hosts have no place" if is_free_subdomain(site) else ""
            yield unknown("backlinks_known", site, f"{_NOTHING_KNOWN}{shared}")
            return
        yield _summary(known)
        if known.standing is not None and self._graph is not None:
            yield _ranked(known.standing, self._graph.release)
        enough = len(known.sites) >= self._settings.sites_min
        if not enough:
            few = f"only {len(known.sites)} linking sites are known, too few to judge their pattern"
            yield from (unknown(code, site, few) for code in _PATTERNS)
            return
        yield self._disowned(known)
        yield self._reciprocal(known)
        yield self._anchors(known, names)
        yield self._burst(known)

    def _disowned(self, known: _Known) -> Finding:
        code, site = "backlinks_disowned", known.crawl.site
        if not self._shelf.has_disowned():
            return unknown(code, site, "no list of disowned domains was imported")
        hosts: dict[str, set[str]] = defaultdict(set)
        for name in known.sites:
            hosts[name].add(name)
        for link in known.links:
            if link.source_url is not None:
                hosts[link.source_site].update(_hosts_above(host_of(link.source_url), link.source_site))
        listed = self._shelf.disowned({host for group in hosts.values() for host in group})
        return _judged(code, site, pattern.disowned_share(hosts, listed), self._settings.disowned_share)

    def _reciprocal(self, known: _Known) -> Finding:
        code, site = "backlinks_reciprocal", known.crawl.site
        back = {site_of(link.url) for _, facts in readable(known.crawl) for link in facts.links}
        sure = self._graph is not None and known.standing is not None
        if sure and self._graph is not None:
            back |= {other for other in known.sites if other not in back and self._graph.links(site, other)}
        share = pattern.reciprocal(known.sites, back)
        if not sure and share.share < self._settings.reciprocal_share:
            return unknown(code, site, "not all of its own links are known, only those on the pages that were visited")
        return _judged(code, site, share, self._settings.reciprocal_share)

    def _anchors(self, known: _Known, names: Sequence[str]) -> Finding:
        share = pattern.promotional_anchor(known.links, names)
        if share.of < self._settings.sites_min:
            return unknown("backlinks_anchors", known.crawl.site, f"the anchors of only {share.of} sites are known")
        return _judged("backlinks_anchors", known.crawl.site, share, self._settings.anchor_share)

    def _burst(self, known: _Known) -> Finding:
        code, site = "backlinks_burst", known.crawl.site
        found = pattern.burst(known.links)
        if found is None or found[0].of < self._settings.sites_min:
            return unknown(code, site, "of too few linking sites it is known when they were first seen")
        share, before = found
        if share.share >= self._settings.burst_share and before < self._settings.burst_years:
            return unknown(code, site, f"the known links reach back only {before:.1f} years before most of them")
        return _judged(code, site, share, self._settings.burst_share)

    def _network(self, checked: Iterable[Checked], looked: Looked) -> Iterator[Finding]:
        there = [item for item in checked if item.presence is Presence.THERE]
        if not there:
            return
        own = frozenset(pair for crawl in looked.crawl.sites for page in crawl.pages for pair in owner_ids(page))
        share = pattern.network(there, own)
        if share.of < self._settings.network_sites_min:
            yield unknown("backlinks_network", None, f"links on only {share.of} sites were seen")
        elif share.sites < self._settings.network_sites_min:
            yield absent("backlinks_network")
        else:
            yield _judged("backlinks_network", None, share, self._settings.network_share)


def _declared(checked: Sequence[Checked], declared: int, settings: BacklinkSettings) -> Iterator[Finding]:
    if not checked:
        if declared:
            yield unknown("backlinks_checked", None, "none of the declared links is from another site")
        else:
            yield unknown("backlinks_checked", None, "no links were declared")
        return
    by = {presence: [item for item in checked if item.presence is presence] for presence in Presence}
    named = [item.presence for item in checked if item.declared]
    numbers: Numbers = {
        "declared_there": named.count(Presence.THERE),
        "declared_lacking": named.count(Presence.NOT_THERE),
        "declared_unseen": named.count(Presence.UNKNOWN),
        "checked": len(checked),
        "found": len(by[Presence.THERE]),
        "followed": sum(item.followed is True for item in by[Presence.THERE]),
        "lacking": len(by[Presence.NOT_THERE]),
        "unseen": len(by[Presence.UNKNOWN]),
    }
    order = (Presence.NOT_THERE, Presence.THERE, Presence.UNKNOWN)
    shown = [_exhibit(item) for presence in order for item in by[presence]][:_EXAMPLES]
    yield Finding("backlinks_checked", State.FOUND, None, tuple(shown), numbers)
    claimed = [item for item in checked if item.declared and item.presence is not Presence.UNKNOWN]
    if not claimed:
        if declared:
            yield unknown("backlinks_not_found", None, "none of the declared links could be looked at")
        return
    there = sum(item.presence is Presence.THERE for item in claimed)
    _, at_most = wilson(there, len(claimed), _LEVEL)
    if float(at_most) >= settings.found_share_min:
        yield absent("backlinks_not_found")
        return
    lacking = tuple(_exhibit(item) for item in claimed if item.presence is Presence.NOT_THERE)[:_EXAMPLES]
    yield Finding("backlinks_not_found", State.FOUND, None, lacking, {"found": there, "checked": len(claimed)})


def _exhibit(item: Checked) -> Exhibit:
    if item.presence is Presence.THERE:
        followed = "followed" if item.followed else "not followed by search engines"
        said = f"there, {followed}, place: {item.position}; anchor “{item.anchor}”: {item.context}"
    else:
        said = f"{item.presence.value}: {item.why}"
    named = "declared" if item.declared else "imported"
    return Exhibit(item.source_url, shortened(f"{named}: {said}"), item.record_id)


def _summary(known: _Known) -> Finding:
    links, site = known.links, known.crawl.site
    spread = pattern.concentration(links)
    said = [link.followed for link in links if link.followed is not None]
    numbers: Numbers = {
        "sites": len(known.sites),
        "links": sum(link.pages for link in links),
        "followed": f"{sum(said) / len(said):.0%}" if said else "not known",
        "largest": f"{spread.largest} ({spread.largest_share:.0%})" if spread is not None else "not known",
        "concentration": round(spread.index, 3) if spread is not None else "not known",
    }
    shown = [Exhibit(link.source_url or link.source_site, _told(link)) for link in links[:5]]
    if not shown and known.standing is not None:
        shown = [Exhibit(site, "linked to by " + ", ".join(known.standing.linking[:_EXAMPLES]))]
    return Finding("backlinks_known", State.FOUND, site, tuple(shown), numbers)


def _told(link: Backlink) -> str:
    parts = [f"anchor “{link.anchor}”" if link.anchor else "anchor not known"]
    if link.first_seen is not None:
        parts.append(f"first seen {link.first_seen}")
    if link.followed is not None:
        parts.append("followed" if link.followed else "not followed")
    return shortened("imported: " + ", ".join(parts))


def _ranked(standing: Standing, release: str) -> Finding:
    numbers: Numbers = {
        "linking": standing.linking_domains,
        "release": release,
        "harmonic": f"{standing.harmonic:,}" if standing.harmonic is not None else "not known",
        "pagerank": f"{standing.pagerank:,}" if standing.pagerank is not None else "not known",
        "domains": standing.domains,
    }
    some = ", ".join(standing.linking[:_EXAMPLES]) or "no other domain"
    shown = Exhibit(standing.domain, shortened(f"{release}: linked to by {some}"))
    return Finding("graph_rank", State.FOUND, standing.domain, (shown,), numbers)


def _judged(code: str, site: str | None, share: pattern.Share, bound: float) -> Finding:
    if share.share < bound or not share.sites:
        return absent(code, site)
    numbers: Numbers = {"share": share.share, "sites": share.sites, "of": share.of, "what": shortened(share.what)}
    shown = Exhibit(site or "links", f"{share.what}: {', '.join(share.examples)}".lstrip(": "))
    return Finding(code, State.FOUND, site, (shown,), numbers)


def _hosts_above(host: str, site: str) -> Iterator[str]:
    """Yield a host and those above it down to its registered domain."""
    while host and host != site:
        yield host
        host = host.partition(".")[2]


def _is_shared(crawl: SiteCrawl) -> bool:
    return any(is_listed("social", host_of(url)) or is_listed("link_in_bio", host_of(url)) for url in crawl.declared)
