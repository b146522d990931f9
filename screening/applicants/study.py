"""All signals of one application, put together: from what was fetched to findings, identifiers and sketches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from screening.applicants.identifiers import Identifier, of_application, of_site
from screening.applicants.intake_fields import Application
from screening.applicants.policy import Policy
from screening.applicants.records import ApplicationCrawl, Page, SiteCrawl
from screening.applicants.reviews import review_findings
from screening.applicants.signals.access import access, as_far_as_seen, readable, unusable_site
from screening.applicants.signals.applicant import applicant
from screening.applicants.signals.brands import brand_domains
from screening.applicants.signals.category import prohibited
from screening.applicants.signals.cloaking import cloaking
from screening.applicants.signals.content import content
from screening.applicants.signals.copies import Sketch, sketch
from screening.applicants.signals.finding import Exhibit, Finding, State
from screening.applicants.signals.forced_clicks import forced_clicks
from screening.applicants.signals.hacked import hidden_frame, injected_links
from screening.applicants.signals.methods import methods
from screening.applicants.signals.ownership import SHOWN, ownership
from screening.applicants.signals.pages import advertising, care, disclosure, domain_shape
from screening.applicants.signals.parked import parked
from screening.applicants.social import profile_findings
from screening.settings.screening import SignalSettings


@dataclass(frozen=True, slots=True)
class Looked:
    """Everything that was fetched for one application.

    `followed` holds, by site, fetches of the site's own addresses that its pages load unseen; `profiles` the pages of
    declared profiles, by address as declared.
    """

    application: Application
    crawl: ApplicationCrawl
    followed: Mapping[str, tuple[Page, ...]] = field(default_factory=dict)
    profiles: Mapping[str, Page] = field(default_factory=dict)


Lookup = Callable[[Looked], Iterable[Finding]]
"""Adds findings from elsewhere: registries, archives, ranks, backlinks. A service that is off, or did not answer, gives
`unknown`, never nothing."""


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """What the reader of a report has to know of a crawl."""

    site: str
    pages: int
    words: int
    title: str
    language: str
    robots: str
    stops: tuple[str, ...]
    flags: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Studied:
    """What is kept of an application once its pages are forgotten; small enough to hold a night's applications."""

    application: Application
    findings: tuple[Finding, ...]
    identifiers: tuple[Identifier, ...]
    sketches: tuple[Sketch, ...]
    sites: tuple[SiteSummary, ...]
    openings: tuple[str, ...]


def study(looked: Looked, policy: Policy, settings: SignalSettings, beside: Iterable[Finding] = ()) -> Studied:
    """Run all signals that need one application only; `beside` are findings from elsewhere, such as lookups."""
    application, crawl = looked.application, looked.crawl
    findings = [*applicant(application, policy), *profile_findings(application, looked.profiles)]
    findings += review_findings(looked.profiles.values(), settings)
    findings += [unusable_site(item) for item in crawl.unusable]
    for url in application.websites:
        findings += brand_domains(url, policy)
    identifiers = list(of_application(application))
    sketches = []
    for site in crawl.sites:
        owner = ownership(application, site)
        findings += [*as_far_as_seen(site, [owner], settings), *_site(site, looked, policy, settings)]
        identifiers += of_site(site)
        shown = owner.code == SHOWN and owner.found
        sketches.append(sketch(application.application_id, site, owner_shown=shown, applied_at=application.applied_at))
    return Studied(
        application,
        (*findings, *beside),
        tuple(dict.fromkeys(identifiers)),
        tuple(item for item in sketches if item is not None),
        tuple(map(_summary, crawl.sites)),
        crawl.openings,
    )


def failed(application: Application, why: str) -> Studied:
    """Return what is known of an application whose screening failed: it goes to a person with that reason."""
    finding = Finding("screening_failed", State.FOUND, None, (Exhibit("application", why),), {"why": why})
    return Studied(application, (finding,), of_application(application), (), (), ())


def _site(site: SiteCrawl, looked: Looked, policy: Policy, settings: SignalSettings) -> tuple[Finding, ...]:
    seen = (
        *parked(site, settings),
        forced_clicks(site, looked.followed.get(site.site, ())),
        *prohibited(site, policy, settings),
        cloaking(site, settings),
        *content(site, settings),
        injected_links(site, settings),
        hidden_frame(site),
        *methods(looked.application, site, policy, settings),
        disclosure(site, policy),
        *care(site),
        *advertising(site, settings),
    )
    return (*access(site, settings), *as_far_as_seen(site, seen, settings), *domain_shape(site))


def _summary(crawl: SiteCrawl) -> SiteSummary:
    pages = readable(crawl)
    first = pages[0][1] if pages else None
    return SiteSummary(
        site=crawl.site,
        pages=len(pages),
        words=sum(facts.words for _, facts in pages),
        title=(first.title or "")[:200] if first is not None else "",
        language=(first.language or "") if first is not None else "",
        robots=crawl.robots.state,
        stops=crawl.stops,
        flags=crawl.flags,
        seconds=round(crawl.spent.seconds, 1),
    )
