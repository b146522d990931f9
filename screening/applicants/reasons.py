"""The reason codes of screening: what each means, how it is decided on, and what the applicant may be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml

from models.evidence import Invalid, PartnerCategory, ReasonCode, Severity


class Tier(StrEnum):
    """How a code takes part in the decision.

    `policy`: a fact against a clause of the policy; may reject without a person. `decisive` and `supporting`: points.
    `weak`: points that are capped together. `credit`: speaks for the applicant and offsets weak points only. `unseen`:
    something could not be checked, or the case was chosen for a person; goes to one, whatever the points. `context`:
    for the reader, without points.
    """

    POLICY = "policy"
    DECISIVE = "decisive"
    SUPPORTING = "supporting"
    WEAK = "weak"
    CREDIT = "credit"
    UNSEEN = "unseen"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True)
class ScreeningReason(ReasonCode):
    """A reason code of screening.

    `fixable` says that the applicant can put it right and apply again; `advice` is what may be written to them: it
    says what to mend, and nothing of how it was found.
    """

    tier: Tier
    fixable: bool
    advice: str


_SEVERITY = {
    Tier.POLICY: Severity.CERTAIN,
    Tier.DECISIVE: Severity.STRONG,
    Tier.SUPPORTING: Severity.STRONG,
    Tier.UNSEEN: Severity.STRONG,
    Tier.WEAK: Severity.WEAK,
    Tier.CREDIT: Severity.INFO,
    Tier.CONTEXT: Severity.INFO,
}


@cache
def reasons() -> Mapping[str, ScreeningReason]:
    """Return all reason codes of screening by code, in the order of data/reasons.yaml: the gravest tiers first."""
    raw = yaml.safe_load((resources.files("screening.applicants") / "data" / "reasons.yaml").read_text("utf-8"))
    return MappingProxyType({code: _reason(code, body) for code, body in raw.items()})


def explained(code: str, numbers: Mapping[str, str | int | float]) -> str:
    """Return the explanation of a code with the numbers of a case. Raises KeyError for an unknown code or number."""
    return reasons()[code].explanation.format_map(numbers)


def _reason(code: str, body: Mapping[str, Any]) -> ScreeningReason:
    tier = Tier(body["tier"])
    return ScreeningReason(
        code=code,
        severity=_SEVERITY[tier],
        invalid=Invalid.NONE,
        partner=PartnerCategory[body["partner"].upper()],
        title=body["title"],
        explanation=body["explanation"],
        tier=tier,
        fixable=bool(body["fixable"]),
        advice=body["advice"],
    )
