"""The last step of a screening: compare all applications with each other and with everybody known, and decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from screening.applicants.decide import Verdict, decide
from screening.applicants.identifiers import Identifier, of_address, of_person
from screening.applicants.identity import mail_address, telephone, web_address
from screening.applicants.known import AFFILIATE_PREFIX, Known
from screening.applicants.rings import Member, Rings, Standing, ring_findings, rings, sequential_mail
from screening.applicants.signals.copies import CopiedFrom, copies, copy_findings
from screening.applicants.signals.finding import Finding
from screening.applicants.study import Studied
from screening.settings.screening import ScreeningSettings


@dataclass(frozen=True, slots=True)
class Judged:
    """An application with all its findings and the verdict; `ring` are the members it is joined with, and itself."""

    studied: Studied
    findings: tuple[Finding, ...]
    verdict: Verdict
    ring: tuple[str, ...]


def affiliate_member(record: Mapping[str, object], known: Mapping[str, Known]) -> Member:
    """Return an affiliate of the programme as a member, with what is known of its sites from earlier screenings."""
    member = f"{AFFILIATE_PREFIX}{record['affiliate_id']}"
    identifiers = list(_person(record))
    sites = record.get("approved_sites")
    for address in sites if isinstance(sites, list) else []:
        try:
            identifiers += of_address(web_address(str(address)))
        except ValueError:
            continue  # an address that no browser opens ties nobody
    if member in known:
        identifiers += known[member].identifiers
    standing = record.get("status")
    named: Standing = "banned" if standing == "banned" else "paused" if standing == "paused" else "active"
    return Member(member, str(record.get("name") or ""), named, tuple(dict.fromkeys(identifiers)))


def judge(
    studied: Sequence[Studied],
    known: Mapping[str, Known],
    affiliates: Sequence[Member],
    settings: ScreeningSettings,
) -> tuple[Judged, ...]:
    """Decide on every application, in order."""
    new = {item.application.application_id for item in studied}
    sketches = [item for one in studied for item in one.sketches]
    sketches += [item for one in known.values() if one.member not in new for item in one.sketches]
    copied = copies(sketches, settings.signals)
    members = _members(studied, known, affiliates)
    ringed = rings(members, _copied_pairs(copied), settings.rings)
    series = sequential_mail(members, settings.rings)
    judged = []
    for item in studied:
        member = item.application.application_id
        findings = (
            *item.findings,
            *_copy_findings(item, copied, settings),
            *_ring_findings(member, ringed, settings),
            *([series[member]] if member in series else []),
        )
        verdict = decide(member, findings, settings)
        judged.append(Judged(item, findings, verdict, ringed.ring_of.get(member, ())))
    return tuple(judged)


def _members(studied: Sequence[Studied], known: Mapping[str, Known], affiliates: Sequence[Member]) -> list[Member]:
    by_id = {member.member: member for member in affiliates}
    for item in known.values():
        if item.member not in by_id and not item.member.startswith(AFFILIATE_PREFIX):
            by_id[item.member] = Member(item.member, item.name, "applicant", item.identifiers)
    for one in studied:
        application = one.application
        standing: Standing = "applicant"
        before = by_id.get(application.application_id)
        if before is not None and application.application_id.startswith(AFFILIATE_PREFIX):
            standing = before.standing
        by_id[application.application_id] = Member(
            application.application_id, application.name, standing, one.identifiers
        )
    return list(by_id.values())


def _ring_findings(member: str, ringed: Rings, settings: ScreeningSettings) -> Iterable[Finding]:
    found = ring_findings(member, ringed, settings.rings)
    if not member.startswith(AFFILIATE_PREFIX):
        return found
    # an affiliate was an applicant once: ties to applications are mostly to its own
    return (item for item in found if item.code not in {"shared_identifier", "duplicate_application"})


def _copied_pairs(copied: Mapping[tuple[str, str], tuple[CopiedFrom, ...]]) -> Iterable[frozenset[str]]:
    for pairs in copied.values():
        yield from (frozenset((pair.site, pair.other_site)) for pair in pairs if pair.is_copy is not None)


def _copy_findings(
    item: Studied,
    copied: Mapping[tuple[str, str], tuple[CopiedFrom, ...]],
    settings: ScreeningSettings,
) -> Iterable[Finding]:
    for own in item.sketches:
        compared = len(own.phrases) >= settings.signals.copied_sketch_min
        pairs = copied.get((own.member, own.site), ()) if compared else None
        yield from copy_findings(own.site, own.url, pairs)


def _person(record: Mapping[str, object]) -> tuple[Identifier, ...]:
    country = record.get("country")
    dialled_in = str(country).upper() if country else None
    email = _read(lambda text: mail_address(text).key, record.get("email"))
    phone = _read(lambda text: telephone(text, dialled_in).e164, record.get("phone"))
    account = record.get("payout_account")
    return of_person(email, phone, str(account) if account else None)


def _read(read: Callable[[str], str], value: object) -> str | None:
    try:
        return read(str(value)) if value else None
    except ValueError:
        return None
