"""What the applicant claims beside what was measured, in one table: the first thing a person looks for."""

from __future__ import annotations

from collections.abc import Sequence

from screening.applicants.intake_fields import Application
from screening.applicants.signals.finding import Finding, State

NOT_KNOWN = "not known"
_ROWS = (
    ("Domain registered", ("domain_since", "domain_young", "domain_new"), "{since}"),
    ("In the web archive", ("archive_seen", "domain_reused"), "{first} to {last}, {months} months"),
    ("Popularity", ("popularity_seen",), "position {rank} of {domains}"),
    ("Linking sites", ("backlinks_known",), "{sites} known; links followed: {followed}"),
    ("Domain graph", ("graph_rank",), "{linking} linking domains; position {harmonic} of {domains}"),
)
"""Label, the codes that tell it (of the last ones only why it is not known), and how it is written."""


def measured(application: Application, findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return rows of `what`, `claimed` and `measured`, as texts; what could not be measured says why."""
    visits = application.claimed_monthly_visits
    rows = [_row("Visits a month", f"{visits:,}" if visits is not None else "", _visits(findings))]
    sites = list(dict.fromkeys(finding.site for finding in findings if finding.site is not None))
    for site in sites:
        own = [finding for finding in findings if finding.site == site]
        for what, codes, text in _ROWS:
            said = _said(own, codes, text)
            if said is not None:
                rows.append(_row(f"{what}, {site}" if len(sites) > 1 else what, "", said))
    links = next((item for item in findings if item.code == "backlinks_checked"), None)
    if links is not None and application.backlinks:
        text = "{declared_there} there, {declared_lacking} not there, {declared_unseen} not seen"
        said = text.format_map(links.numbers) if links.found else _unknown(links)
        rows.append(_row("Declared links", str(len(application.backlinks)), said))
    profiles = (item.numbers for item in findings if item.code == "profile_seen" and item.found)
    rows += [_row("Followers", str(seen["profile"]), str(seen["followers"])) for seen in profiles]
    return rows


def _row(what: str, claimed: str, said: str) -> dict[str, str]:
    return {"what": what, "claimed": claimed, "measured": said}


def _visits(findings: Sequence[Finding]) -> str:
    """Rankings give no visits; they tell whether a claim can be."""
    finding = next((item for item in findings if item.code == "visits_overclaimed"), None)
    if finding is None or finding.state is State.UNKNOWN:
        return _unknown(finding)
    if finding.found:
        return "not among the {domains} most visited sites".format_map(finding.numbers)
    return "among the most visited sites"


def _said(own: Sequence[Finding], codes: tuple[str, ...], text: str) -> str | None:
    """Return what a site's findings say; None when none of the codes was looked for at all."""
    found = next((item for item in own if item.code in codes and item.found and _fits(item, text)), None)
    if found is not None:
        return text.format_map(found.numbers)
    unknown = next((item for item in own if item.code in codes and item.state is State.UNKNOWN), None)
    return _unknown(unknown) if unknown is not None else None


def _fits(finding: Finding, text: str) -> bool:
    try:
        text.format_map(finding.numbers)
    except KeyError:
        return False
    return True


def _unknown(finding: Finding | None) -> str:
    return f"{NOT_KNOWN}: {finding.why}" if finding is not None and finding.why else NOT_KNOWN
