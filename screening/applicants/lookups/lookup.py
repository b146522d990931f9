"""Findings from services of others for one application: age of its domains, their history, popularity, threats."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from screening.applicants.backlinks.shelf import Ranking, Shelf
from screening.applicants.identity import host_of, is_free_subdomain, registered_domain
from screening.applicants.lookups.archive import History, history
from screening.applicants.lookups.rdap import Registration, Registries, registration, registries
from screening.applicants.lookups.safe_browsing import threats
from screening.applicants.lookups.service import Asker, NoAnswerError, Services
from screening.applicants.records import SiteCrawl
from screening.applicants.signals.finding import Exhibit, Finding, Numbers, State, absent, unknown
from screening.applicants.signals.vocabulary import is_listed
from screening.applicants.study import Looked
from screening.settings.lookups import LookupSettings

_OFF = "{} is switched off in config.yaml"


class ServiceLookup:
    """A lookup (see study.Lookup) that asks all services that settings switch on; safe to share between threads.

    `now` is when the screening runs: ages are counted up to it.
    """

    def __init__(self, services: Services, shelf: Shelf, settings: LookupSettings, now: datetime) -> None:
        self._services = services
        self._shelf = shelf
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._registries: Registries | None = None

    def __call__(self, looked: Looked) -> tuple[Finding, ...]:
        """Return the findings on all sites of an application, within its seconds."""
        ends = time.monotonic() + self._settings.application_seconds
        sites = [crawl for crawl in looked.crawl.sites if not _is_shared(crawl)]
        if not sites:
            why = "there is no site of the applicant's own to ask about"
            codes = ("domain_new", "domain_reused", "visits_overclaimed", "listed_dangerous")
            return tuple(unknown(code, None, why) for code in codes)
        findings: list[Finding] = []
        claimed = looked.application.claimed_monthly_visits
        for crawl in sites:
            registered = self._registered(crawl.site, ends)
            findings += self._age(crawl.site, registered, claimed)
            findings += self._past(crawl, registered, ends)
        findings += self._popularity(looked, sites)
        findings += self._threats(sites, ends)
        return tuple(findings)

    def _ask(self, ends: float) -> Asker:
        return lambda question: self._services.ask(question, ends - time.monotonic())

    def _registered(self, site: str, ends: float) -> Registration | str:
        """Return when a site's domain was registered, or why that is not known."""
        if not self._settings.rdap.enabled:
            return _OFF.format("asking registries (lookups.rdap)")
        if is_free_subdomain(site) or registered_domain(site) is None:
            return "it is no domain of its own"
        try:
            return registration(site, self._known_registries(ends), self._ask(ends), self._settings.rdap)
        except NoAnswerError as error:
            return str(error)

    def _known_registries(self, ends: float) -> Registries:
        with self._lock:
            if self._registries is None:
                self._registries = registries(self._ask(ends), self._settings.rdap)
            return self._registries

    def _age(self, site: str, registered: Registration | str, claimed: int | None) -> Iterator[Finding]:
        if isinstance(registered, str):
            yield unknown("domain_new", site, registered)
            return
        settings = self._settings
        days = max(0, (self._now - registered.registered).days)
        shown = (Exhibit(f"{registered.server}domain/{site}", f"registered {registered.registered:%Y-%m-%d}"),)
        numbers: Numbers = {"days": days, "since": f"{registered.registered:%Y-%m-%d}", "claimed": f"{claimed or 0:,}"}
        if days >= settings.young_days:
            yield Finding("domain_since", State.FOUND, site, shown, numbers)
            yield absent("domain_new", site)
            return
        code = "domain_new" if days < settings.new_days else "domain_young"
        yield Finding(code, State.FOUND, site, shown, numbers)
        if claimed is not None and claimed >= settings.claim_of_new:
            yield Finding("domain_new_claims", State.FOUND, site, shown, numbers)

    def _past(self, crawl: SiteCrawl, registered: Registration | str, ends: float) -> Iterator[Finding]:
        site = crawl.site
        if not self._settings.archive.enabled:
            yield unknown("domain_reused", site, _OFF.format("asking the web archive (lookups.archive)"))
            return
        host = host_of(crawl.declared[0]) or site
        try:
            past = history(host, self._ask(ends), self._settings.archive)
        except NoAnswerError as error:
            yield unknown("domain_reused", site, str(error))
            return
        yield _archived(site, host, past)
        yield self._reused(site, host, past, registered)

    def _reused(self, site: str, host: str, past: History, registered: Registration | str) -> Finding:
        """Say whether the domain had another owner before: archived long before it was registered."""
        code = "domain_reused"
        if isinstance(registered, str):
            return unknown(code, site, registered)
        if past.first is None:
            return unknown(code, site, "the web archive has nothing of it")
        gap = (registered.registered - past.first).days
        age = (self._now - registered.registered).days
        if gap < self._settings.reused_gap_days or age > self._settings.reused_within_days:
            return absent(code, site)
        first, since = f"{past.first:%Y-%m-%d}", f"{registered.registered:%Y-%m-%d}"
        shown = Exhibit(host, f"archived {first}, registered {since}")
        return Finding(code, State.FOUND, site, (shown,), {"first": first, "since": since})

    def _popularity(self, looked: Looked, sites: list[SiteCrawl]) -> Iterator[Finding]:
        code, settings = "visits_overclaimed", self._settings.popularity
        ranking = self._shelf.ranking()
        if ranking is None or self._now - ranking.imported_at > timedelta(days=settings.max_age_days):
            yield unknown(code, None, "no popularity list of late was imported (--format tranco)")
            return
        ranks = {crawl.site: self._shelf.rank(crawl.site) for crawl in sites}
        for site, rank in ranks.items():
            if rank is not None:
                shown = Exhibit(site, f"position {rank:,} in {ranking.file}")
                yield Finding("popularity_seen", State.FOUND, site, (shown,), _of(rank, ranking))
        yield self._claim(looked, ranks, ranking)

    def _claim(self, looked: Looked, ranks: dict[str, int | None], ranking: Ranking) -> Finding:
        code, settings = "visits_overclaimed", self._settings.popularity
        claimed = looked.application.claimed_monthly_visits
        if claimed is None:
            return unknown(code, None, "no visits were claimed")
        if claimed < settings.claim_min:
            return unknown(code, None, f"too few visits were claimed ({claimed:,}) for the list to tell")
        if any(rank is not None for rank in ranks.values()):
            return absent(code)
        if len(ranks) < len(looked.crawl.sites) or any(map(is_free_subdomain, ranks)):
            return unknown(code, None, "sites on shared hosts have no place of their own in the list")
        if ranking.domains < settings.domains_min:
            return unknown(code, None, f"the list has only {ranking.domains:,} domains")
        shown = Exhibit(ranking.file, f"none of {', '.join(ranks)} is among {ranking.domains:,} domains")
        return Finding(code, State.FOUND, None, (shown,), {"claimed": f"{claimed:,}", "domains": ranking.domains})

    def _threats(self, sites: list[SiteCrawl], ends: float) -> Iterator[Finding]:
        code, settings = "listed_dangerous", self._settings.safe_browsing
        if not settings.enabled:
            yield unknown(code, None, _OFF.format("Safe Browsing (lookups.safe_browsing)"))
            return
        key = os.environ.get(settings.key_variable, "").strip()
        if not key:
            yield unknown(code, None, f"the variable {settings.key_variable} holds no key")
            return
        ask = partial(threats, key=key, services=self._services, settings=settings)
        for crawl in sites:
            try:
                found = ask(crawl.declared, left=ends - time.monotonic())
            except NoAnswerError as error:
                yield unknown(code, crawl.site, str(error))
                continue
            shown = tuple(Exhibit(threat.expression, threat.kind.replace("_", " ").lower()) for threat in found)
            kinds = ", ".join(dict.fromkeys(item.snippet for item in shown))
            yield Finding(code, State.FOUND, crawl.site, shown, {"kinds": kinds}) if shown else absent(code, crawl.site)


def _archived(site: str, host: str, past: History) -> Finding:
    if past.first is None or past.last is None:
        return unknown("archive_seen", site, "the web archive has nothing of its front page")
    more = "at least " if past.cut else ""
    numbers = {"first": f"{past.first:%Y-%m-%d}", "last": f"{past.last:%Y-%m-%d}", "months": f"{more}{past.months}"}
    shown = Exhibit(host, f"first archived {past.first:%Y-%m-%d}")
    return Finding("archive_seen", State.FOUND, site, (shown,), numbers)


def _of(rank: int, ranking: Ranking) -> dict[str, str | int | float]:
    return {"rank": f"{rank:,}", "domains": f"{ranking.domains:,}"}


def _is_shared(crawl: SiteCrawl) -> bool:
    return any(is_listed("social", host_of(url)) or is_listed("link_in_bio", host_of(url)) for url in crawl.declared)
