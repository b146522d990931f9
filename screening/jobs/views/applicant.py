"""The page of an applicant: what was decided and why, the evidence, who they are tied to, and what was done before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from screening.applicants.headless.browser import SCREENSHOT_NAME, VISIT_NAME
from screening.jobs.views.dossiers import dossier_of, folder_of, past_screenings
from screening.jobs.views.reasons import ShownReason, of_screening, title_of
from screening.store import Case, CaseEvent, Store
from screening.store.browse_judged import ScreeningRow
from screening.workspace import Workspace

_SIMILAR = 6
_DONE_SHOWN = 20
_RING_SHOWN = 24
_AFFILIATE = "affiliate:"


@dataclass(frozen=True, slots=True)
class RingMember:
    """Somebody in the applicant's ring. `kind` is self, applicant or active; `decision` None: not known."""

    member: str
    name: str
    kind: str
    decision: str | None


@dataclass(frozen=True, slots=True)
class Tie:
    """Two members and what they share, in words."""

    one: str
    other: str
    shared: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the applicant's site as a browser showed it, and what the page did though nobody clicked.

    `attempts` are click hosts of affiliate networks that it called, by which it would have claimed a visitor's orders;
    `error` says why nothing, or only a part, was seen. None: all of it was. `taken_at` None: not known.
    """

    file: Path | None
    taken_at: datetime | None
    url: str
    final_url: str | None
    attempts: tuple[str, ...]
    popups: tuple[str, ...]
    downloads: tuple[str, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class ApplicantPage:
    """Everything about an applicant on one page. `dossier` is decision.json, None when there is no evidence.

    `against` and `in_favour` are reasons; `similar` are closed cases with the share of reasons in common, 0-1.
    """

    application_id: str
    screening: ScreeningRow | None
    dossier: dict[str, Any] | None
    against: tuple[ShownReason, ...]
    in_favour: tuple[ShownReason, ...]
    missing: tuple[str, ...]
    ring: tuple[RingMember, ...]
    ties: tuple[Tie, ...]
    past: tuple[dict[str, Any], ...]
    similar: tuple[tuple[float, Case], ...]
    case: Case | None
    events: tuple[CaseEvent, ...]
    picture: Picture | None


def applicant_page(workspace: Workspace, store: Store, application_id: str) -> ApplicantPage:
    """Gather the page. Raises IntegrityError when the evidence cannot be read."""
    screening = store.browse.judged.screening(application_id)
    evidence = screening.evidence if screening else None
    dossier = dossier_of(workspace, evidence)
    kind = "affiliate" if application_id.startswith(_AFFILIATE) else "application"
    cases = store.cases.about(kind, application_id)
    case = cases[0] if cases else None
    shown = of_screening(dossier["reasons"]) if dossier else ()
    ring, ties = _ring(workspace, store, application_id, dossier)
    return ApplicantPage(
        application_id=application_id,
        screening=screening,
        dossier=dossier,
        against=tuple(reason for reason in shown if (reason.points or 0.0) >= 0 and reason.weight != "credit"),
        in_favour=tuple(reason for reason in shown if (reason.points or 0.0) < 0 or reason.weight == "credit"),
        missing=tuple(title_of(code) for code in (screening.missing if screening else ())),
        ring=ring,
        ties=ties,
        past=past_screenings(workspace, evidence)[1:],
        similar=store.browse.cases.similar(case, _SIMILAR) if case else (),
        case=case,
        events=tuple(reversed(store.cases.history(case.case_id))) if case and case.case_id else (),
        picture=picture_of(folder_of(workspace, evidence)),
    )


def picture_of(folder: Path | None) -> Picture | None:
    """Return what a browser saw of the applicant's site, with an error where that cannot be read; None: none looked."""
    if folder is None or not (folder / VISIT_NAME).exists():
        return None
    try:
        seen = json.loads((folder / VISIT_NAME).read_text("utf-8"))
        return Picture(
            file=folder / SCREENSHOT_NAME if (folder / SCREENSHOT_NAME).is_file() else None,
            taken_at=datetime.fromtimestamp((folder / VISIT_NAME).stat().st_mtime, UTC),
            url=str(seen["url"]),
            final_url=seen["final_url"],
            attempts=tuple(str(one["url"]) for one in seen["attempts"])[:_DONE_SHOWN],
            popups=tuple(map(str, seen["popups"]))[:_DONE_SHOWN],
            downloads=tuple(map(str, seen["downloads"]))[:_DONE_SHOWN],
            error=seen["error"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Picture(None, None, "the site", None, (), (), (), "what_it_saw_cannot_be_read")


def _ring(
    workspace: Workspace, store: Store, application_id: str, dossier: dict[str, Any] | None
) -> tuple[tuple[RingMember, ...], tuple[Tie, ...]]:
    members = tuple(dossier["ring"])[:_RING_SHOWN] if dossier else ()
    if not members or dossier is None:
        return (), ()
    screened = store.browse.judged.screenings(members)
    found: list[RingMember] = []
    ties: dict[tuple[str, ...], Tie] = {}
    for member in members:
        screening = screened.get(member)
        body = dossier if member == application_id else dossier_of(workspace, screening.evidence if screening else None)
        kind = "self" if member == application_id else "active" if member.startswith(_AFFILIATE) else "applicant"
        name = body["application"]["name"] if body else member
        found.append(RingMember(member, name or member, kind, screening.decision if screening else None))
        for tie in _ties(member, body, members):
            ties.setdefault((*sorted((tie.one, tie.other)), tie.shared), tie)
    return tuple(found), tuple(ties.values())


def _ties(member: str, dossier: dict[str, Any] | None, members: tuple[str, ...]) -> list[Tie]:
    """Read from a member's findings whom it is tied to, and by what."""
    ties = []
    for reason in dossier["reasons"] if dossier else ():
        for finding in reason["findings"]:
            numbers = finding["numbers"]
            if numbers.get("other") in members and "kinds" in numbers:
                ties.append(Tie(member, str(numbers["other"]), str(numbers["kinds"])))
    return ties
