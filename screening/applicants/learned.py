"""What a judge taught on people's decisions may do in a screening: doubt, spare a review, ask for an answer.

It never rejects and never overrules a fact: `decide` lets its word count only where points alone decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil

import numpy as np
import polars as pl

from models.applicants import ApplicantJudge, Fact
from screening.applicants.batch import Judged
from screening.applicants.decide import CHOSEN, DOUBTED, SPARED, UNSURE, Decision, Verdict, decide, may_be_spared
from screening.applicants.reasons import Tier, reasons
from screening.applicants.signals.finding import Exhibit, Finding, State
from screening.settings.screening import ScreeningSettings

EVEN = 0.5
"""The chance of which nothing is less sure."""
_EXHIBITED = "application"


@dataclass(frozen=True, slots=True)
class Learned:
    """A judge with its version. `takes_part`: a person promoted it; else it looks on, and changes no decision."""

    judge: ApplicantJudge
    version: str
    takes_part: bool


@dataclass(frozen=True, slots=True)
class Opinion:
    """Between which chances (0..1) people would reject: `low` if all that is not known were well, `high` if not.

    `taught`: all that was found, or is not known, against the applicant was found often enough in teaching.
    """

    low: float
    high: float
    taught: bool

    @property
    def middle(self) -> float:
        """The chance in the middle."""
        return (self.low + self.high) / 2


@cache
def learned_facts() -> tuple[Fact, ...]:
    """Return the facts that the judge learns from: each code that counts, or sends to a person, found (1) or not (0).

    What a model said itself, or chance drew, is no fact about an applicant, and context is for the reader only.
    """
    against = [
        Fact(code, 1, reason.tier.value)
        for code, reason in reasons().items()
        if reason.tier not in {Tier.CREDIT, Tier.CONTEXT} and code not in CHOSEN
    ]
    return (
        *against,
        *(Fact(code, -1, Tier.CREDIT.value) for code, one in reasons().items() if one.tier is Tier.CREDIT),
    )


def fact_rows(screened: Iterable[tuple[Iterable[str], Iterable[str]]]) -> pl.DataFrame:
    """Return a row of `learned_facts` for each pair of codes found and codes that could not be known.

    1 found, 0 not found, null not known; a code that was found on one site and unknown on another counts as found.
    """
    names = [fact.name for fact in learned_facts()]
    rows = []
    for found, unknown in screened:
        seen, lacking = frozenset(found), frozenset(unknown)
        rows.append([1.0 if name in seen else None if name in lacking else 0.0 for name in names])
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64), orient="row")


def facts_of(verdicts: Iterable[Verdict]) -> pl.DataFrame:
    """Return the facts of verdicts, one row each."""
    return fact_rows(
        ([item.reason.code for item in verdict.scorecard.weighed], verdict.missing) for verdict in verdicts
    )


def opinions(judged: Sequence[Judged], judge: ApplicantJudge) -> list[Opinion | None]:
    """Return the judge's opinion of each application; None: it has none."""
    facts = facts_of(item.verdict for item in judged)
    chances = zip(judged, judge.floor(facts).tolist(), judge.score(facts).tolist(), strict=True)
    return [
        None if np.isnan(low) or np.isnan(high) else Opinion(low, high, _against(item.verdict) <= judge.taught)
        for item, low, high in chances
    ]


def _against(verdict: Verdict) -> frozenset[str]:
    """Return the codes that speak against the applicant, found or not known; what the judge was not taught among them.

    Trees say nothing of what they never met, so to them a new fact is as good as none.
    """
    codes = {*(item.reason.code for item in verdict.scorecard.weighed), *verdict.missing}
    speaking = {code for code in codes if reasons()[code].tier not in {Tier.CREDIT, Tier.CONTEXT}}
    return frozenset(speaking - CHOSEN)


def would(opinion: Opinion, verdict: Verdict, settings: ScreeningSettings) -> str | None:
    """Return the code by which an opinion would change a decision, None where it agrees or has no say.

    It never spares where something speaks against the applicant that it was not taught.
    """
    learned = settings.learned
    if verdict.decision is Decision.APPROVE and opinion.low >= learned.doubt_from:
        return DOUBTED
    if opinion.taught and opinion.high < learned.spare_below and verdict.decision is Decision.REVIEW:
        return SPARED if may_be_spared(verdict.scorecard, settings) else None
    return None


def reconsidered(
    judged: Sequence[Judged], held: Sequence[Opinion | None], learned: Learned, settings: ScreeningSettings
) -> tuple[Judged, ...]:
    """Return the applications as they are decided with a learned judge, in order.

    One that only looks on marks reviews that would teach it most, and changes nothing else.
    """
    asked = _teaching_most(judged, held, settings.learned.ask_share, among_approved=learned.takes_part)
    return tuple(
        _again(item, _said(item, opinion, learned, settings, asks=place in asked), settings)
        for place, (item, opinion) in enumerate(zip(judged, held, strict=True))
    )


def _said(
    item: Judged, opinion: Opinion | None, learned: Learned, settings: ScreeningSettings, *, asks: bool
) -> list[Finding]:
    if opinion is None:
        return []
    said = []
    code = would(opinion, item.verdict, settings) if learned.takes_part else None
    if code is not None:
        points = item.verdict.scorecard.points
        chance = opinion.low if code == DOUBTED else opinion.high
        numbers: dict[str, str | int | float] = {"model": learned.version, "chance": chance, "points": points}
        if code == DOUBTED:
            telling = learned.judge.telling(facts_of([item.verdict]), settings.learned.telling_max)[0]
            numbers["telling"] = ", ".join(reasons()[name].title for name in telling) or "nothing alone"
        said.append(_finding(code, numbers, f"chance of rejection {opinion.low:.1%} to {opinion.high:.1%}"))
    if asks:
        said.append(_finding(UNSURE, {"model": learned.version}, "among the least sure of this run"))
    return said


def _finding(code: str, numbers: Mapping[str, str | int | float], shown: str) -> Finding:
    exhibit = Exhibit(_EXHIBITED, f"{numbers['model']}: {shown}")
    return Finding(code, State.FOUND, None, (exhibit,), dict(numbers))


def _again(item: Judged, said: Sequence[Finding], settings: ScreeningSettings) -> Judged:
    if not said:
        return item
    findings = (*item.findings, *said)
    return replace(item, findings=findings, verdict=decide(item.studied.application.application_id, findings, settings))


def _teaching_most(
    judged: Sequence[Judged], held: Sequence[Opinion | None], share: float, *, among_approved: bool
) -> frozenset[int]:
    """Return the places of the applications that the judge is least sure of, one of each sort of findings.

    Never more than `share` of all. Where facts settle the decision an answer would teach nothing of use.
    """
    doubtful = []
    for place, (item, opinion) in enumerate(zip(judged, held, strict=True)):
        allowed = {Decision.REVIEW, *([Decision.APPROVE] if among_approved else [])}
        if opinion is not None and item.verdict.decision in allowed and not _settled(item.verdict):
            sort = frozenset(weighed.reason.code for weighed in item.verdict.scorecard.weighed)
            doubtful.append((abs(opinion.middle - EVEN), place, sort))
    chosen: dict[frozenset[str], int] = {}
    for _, place, sort in sorted(doubtful, key=lambda one: one[:2]):
        chosen.setdefault(sort, place)
    return frozenset(list(chosen.values())[: ceil(share * len(judged))])


def _settled(verdict: Verdict) -> bool:
    return any(item.reason.tier in {Tier.POLICY, Tier.DECISIVE} for item in verdict.scorecard.weighed)
