"""The models taught on people's decisions about applicants: what they are called, where they lie, which take part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.applicants import ApplicantJudge
from models.sites import SiteModel
from screening.applicants.learned import Learned
from screening.applicants.site_facts import MEASURED, SiteEye
from screening.errors import WinnowError
from screening.review.cases import APPROVE, REJECT
from screening.review.subjects import AFFILIATE_KIND, APPLICATION
from screening.store import AnsweredCase, Records
from screening.store.registry import CHALLENGER, CHAMPION
from screening.traffic.champion import load_model
from screening.workspace import Workspace

APPLICANTS, SITES = "applicants", "sites"
"""Names of the two models in the registry."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What people decided about an applicant, and what the newest screening before that had found.

    `measured` are the measures of each site that was seen; `found` and `unknown` codes.
    """

    applicant: str
    rejected: bool
    decided_at: datetime
    proposed: str
    score: float | None
    found: tuple[str, ...]
    unknown: tuple[str, ...]
    measured: tuple[Mapping[str, Any], ...]
    by_chance: bool
    """The draw alone brought it to a person, who would else never have seen it."""


def decisions_of_people(records: Records) -> list[Decision]:
    """Return what people decided about applicants and affiliates screened again, the oldest decision first.

    Only what the screening had found when they decided; decisions about screenings of an old winnow, which kept no
    details, are left out.
    """
    answered = records.cases.answers((APPLICATION, AFFILIATE_KIND), (APPROVE, REJECT))
    return [decision for case in answered if (decision := _decision(case)) is not None]


def _decision(case: AnsweredCase) -> Decision | None:
    if case.details is None:
        return None
    details = json.loads(case.details)
    measured = [numbers for item in details if item["code"] == MEASURED for numbers in item["numbers"]]
    return Decision(
        applicant=case.subject,
        rejected=case.decision == REJECT,
        decided_at=case.decided_at,
        proposed=case.proposed,
        score=case.score,
        found=tuple(item["code"] for item in details),
        unknown=case.missing,
        measured=tuple(measured),
        by_chance="audit_sample" in case.reasons,
    )


@dataclass(frozen=True, slots=True)
class Panel:
    """The judges of applicants that look at a screening: the promoted one first, then those in the shadow.

    `damaged` says why a judge in the shadow cannot look, by its version.
    """

    judges: tuple[Learned, ...]
    damaged: Mapping[str, str]


def panel_of_judges(workspace: Workspace, records: Records) -> Panel:
    """Return the judges of applicants. Raises IntegrityError when the file of the promoted one is damaged."""
    judges, damaged = [], {}
    for model in sorted(records.models.all(APPLICANTS), key=lambda model: model.role != CHAMPION):
        if model.role not in {CHAMPION, CHALLENGER}:
            continue
        try:
            judge = load_model(workspace.folder("models"), model.digest, ApplicantJudge.load)
        except WinnowError as error:
            if model.role == CHAMPION:
                raise
            damaged[model.version] = str(error)
        else:
            judges.append(Learned(judge, model.version, takes_part=model.role == CHAMPION))
    return Panel(tuple(judges), damaged)


def site_eye(workspace: Workspace, records: Records) -> SiteEye:
    """Return what measures sites, with the promoted site model where there is one.

    Raises IntegrityError when the model's file is damaged.
    """
    judged_from = workspace.settings.screening.learned.site_from
    champion = records.models.champion(SITES)
    if champion is None:
        return SiteEye(None, "", judged_from)
    model = load_model(workspace.folder("models"), champion.digest, SiteModel.load)
    return SiteEye(model, champion.version, judged_from)
