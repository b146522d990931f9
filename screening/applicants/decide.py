"""The decision on an application: approve, review or reject.

Only a fact that the settings name rejects without a person. Anything that could not be seen goes to a person, whatever
else is known; so does a random share of what would be approved, so that the error of approving is measured. A learned
judge may send to a person what would be approved, and spare a person what points alone ask for, never more than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import mmh3

from screening.applicants.reasons import Tier, reasons
from screening.applicants.scorecard import Scorecard, scorecard
from screening.applicants.signals.finding import Exhibit, Finding, State
from screening.errors import SettingsError
from screening.settings.screening import ScreeningSettings

_DRAWS = 2**32
MAY_REJECT = frozenset({Tier.POLICY, Tier.DECISIVE})
"""Tiers whose codes a programme may let reject without a person."""
SPARED = "approved_alike"
"""Found: a learned judge expects people to approve, so points that only ask for a person need none."""
DOUBTED = "rejected_alike"
"""Found: a learned judge expects people to reject."""
UNSURE = "model_unsure"
"""Found: a learned judge would learn most from an answer here."""
CHOSEN = frozenset({"audit_sample", DOUBTED, UNSURE})
"""Codes of cases that are chosen for a person; there is nothing about them that an applicant could mend."""


class Decision(StrEnum):
    """What becomes of an application, mildest first."""

    APPROVE = "approve"
    REVIEW = "review"
    REJECT = "reject"


class Advice(StrEnum):
    """What the person who reviews is advised to do."""

    APPROVE = "approve"
    ASK = "ask the applicant to mend it"
    LOOK = "look closely"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with the scorecard it rests on, advice to the reviewer, and the facts that were not available.

    `reasons` are the codes that speak against the applicant or ask for a person, the gravest first; `missing` are the
    codes of signals that had no facts, sorted.
    """

    decision: Decision
    advice: Advice
    scorecard: Scorecard
    reasons: tuple[str, ...]
    missing: tuple[str, ...]


def decide(application_id: str, findings: Sequence[Finding], settings: ScreeningSettings) -> Verdict:
    """Decide on an application from all its findings. No findings at all is a review, never an approval."""
    if not findings:
        findings = [Finding("screening_failed", State.FOUND, None, (), {"why": "nothing was looked at"})]
    card = scorecard(findings, settings.scorecard)
    decision = _decision(card, settings)
    if decision is Decision.APPROVE and _drawn(application_id, settings):
        shown = Exhibit("application", f"{100 * settings.audit_share:g} % of approvals, seed {settings.seed}")
        drawn = Finding("audit_sample", State.FOUND, None, (shown,))
        card = scorecard([*findings, drawn], settings.scorecard)
        decision = Decision.REVIEW
    speaking = tuple(item.reason.code for item in card.weighed if item.reason.tier not in {Tier.CREDIT, Tier.CONTEXT})
    missing = tuple(sorted({finding.code for finding in findings if finding.state is State.UNKNOWN}))
    return Verdict(decision, _advice(card, decision, settings), card, speaking, missing)


def check_gates(codes: Iterable[str]) -> None:
    """Check that only facts may reject without a person. Raises SettingsError that names the code."""
    for code in codes:
        reason = reasons().get(code)
        if reason is None or reason.tier not in MAY_REJECT:
            allowed = ", ".join(name for name, known in reasons().items() if known.tier in MAY_REJECT)
            raise SettingsError(
                f"`{code}` may not reject without a person.",
                remedy=f"Allowed are {allowed}.",
                where="screening.reject_on",
            )


def _decision(card: Scorecard, settings: ScreeningSettings) -> Decision:
    found = {item.reason.code for item in card.weighed}
    if found & set(settings.reject_on):
        return Decision.REJECT
    policy = any(item.reason.tier is Tier.POLICY for item in card.weighed)
    unseen = any(item.reason.tier is Tier.UNSEEN for item in card.weighed)
    if policy or unseen:
        return Decision.REVIEW
    if card.points < settings.review_from_points or (SPARED in found and may_be_spared(card, settings)):
        return Decision.APPROVE
    return Decision.REVIEW


def may_be_spared(card: Scorecard, settings: ScreeningSettings) -> bool:
    """Say whether points alone ask for a person, and too few of them to speak for rejecting."""
    alone = all(item.reason.tier not in {Tier.POLICY, Tier.DECISIVE, Tier.UNSEEN} for item in card.weighed)
    return alone and card.points < settings.propose_reject_from_points


def _advice(card: Scorecard, decision: Decision, settings: ScreeningSettings) -> Advice:
    if decision is Decision.APPROVE:
        return Advice.APPROVE
    if decision is Decision.REJECT or card.points >= settings.propose_reject_from_points:
        return Advice.REJECT
    asking = [item for item in card.weighed if item.points > 0 or item.reason.tier is Tier.UNSEEN]
    asking = [item for item in asking if item.reason.code not in CHOSEN]
    if card.points < settings.review_from_points and not asking:
        return Advice.APPROVE
    return Advice.ASK if asking and all(item.reason.fixable for item in asking) else Advice.LOOK


def _drawn(application_id: str, settings: ScreeningSettings) -> bool:
    """Draw by the application's id: the same seed draws the same ones, whatever else is in the file."""
    return mmh3.hash(f"{settings.seed}:{application_id}", signed=False) < settings.audit_share * _DRAWS
