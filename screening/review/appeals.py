"""Appeals: somebody contests a hold or a rejection, a clock runs, and a person answers with a reason.

An overturned appeal moves money by verdicts only: the next payout gate pays, by its own rules, and the ledger says
when. What was released already, or never judged, cannot be moved by an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from screening.errors import ConflictError, DeniedError, InputError
from screening.review.act import AFFILIATE, Act, demand
from screening.review.cases import APPROVE, decide_in
from screening.review.permissions import Action
from screening.review.subjects import APPLICATION, CONVERSION, SOURCE, source_of_subject
from screening.review.verdicts import Basis, Settled, Verdict, settle_conversion, settle_source
from screening.settings.review import ReviewSettings
from screening.store import Answer, Appeal, AuditEvent, Case, CaseEvent, Records, Store

UPHELD, OVERTURNED, WITHDRAWN = "upheld", "overturned", "withdrawn"
ANSWERS = (UPHELD, OVERTURNED, WITHDRAWN)
KINDS = (SOURCE, CONVERSION, APPLICATION)
_ORIGIN = "appeal"
_CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Contested:
    """What an appeal is about.

    `subject`: the conversion_id, the application_id, or AFFILIATE/OFFER/SUB for a source (`kind`). `affiliate_id` of an
    application is the applicant's own id, which is the application's.
    """

    kind: str
    subject: str
    affiliate_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answered appeal, and what an overturned one released (None: nothing about money)."""

    appeal: Appeal
    settled: Settled | None


def open_appeal(store: Store, contested: Contested, act: Act, settings: ReviewSettings) -> Appeal:
    """Open an appeal; the note is the statement of whoever contests, and the deadline runs from now.

    An affiliate (role `AFFILIATE`, named by affiliate_id) may contest what is its own; staff with the right to work on
    cases may for any. Raises DeniedError, InputError when there is nothing to contest, when the statement is empty, or
    when an appeal about the subject is open already.
    """
    _demand_right(contested, act)
    if not act.note.strip():
        raise InputError("An appeal needs a statement.", remedy="Say why the decision is wrong.", where="statement")
    with store.together() as records:
        records.audit.lock()
        _demand_contestable(records, contested)
        appeal = records.appeals.open(
            Appeal(
                kind=contested.kind,
                subject=contested.subject,
                affiliate_id=contested.affiliate_id,
                opened_at=act.at,
                opened_by=act.person.name,
                statement=act.note,
                deadline_at=act.at + timedelta(days=settings.appeal_days),
            )
        )
        said = {"kind": appeal.kind, "about": appeal.subject, "statement": appeal.statement, "role": act.person.role}
        _audit(records, appeal, act, "appeal", {**said, "deadline": appeal.deadline_at.isoformat()})
        return appeal


def answer_appeal(store: Store, appeal_id: int, outcome: str, act: Act, settings: ReviewSettings) -> Answered:
    """Answer an open appeal with one of `ANSWERS`; the note is the reason that the affiliate gets.

    `overturned` releases what the appeal is about: the next payout gate pays it, an application counts as approved, and
    a label says that the hold was wrong. `upheld` and `withdrawn` leave the decision as it is. Raises DeniedError,
    InputError without a reason, ConflictError when it was answered before or the money is gone already.
    """
    demand(act.person, Action.ANSWER_APPEALS)
    if outcome not in ANSWERS:
        raise InputError(f"An appeal cannot be {outcome!r}.", remedy=f"Choose one of {', '.join(ANSWERS)}.")
    if not act.note.strip():
        raise InputError("An answer needs a reason.", remedy="Say why, in words for the affiliate.", where="reason")
    with store.together() as records:
        records.audit.lock()
        appeal = records.appeals.one(appeal_id)
        if appeal.answer is not None:
            raise ConflictError(
                f"The appeal {appeal_id} was {appeal.answer.status} by {appeal.answer.answered_by} on "
                f"{appeal.answer.answered_at:%Y-%m-%d}.",
                remedy="An answer is given once.",
            )
        settled = _settle(records, appeal, outcome, act, settings)
        amount, currency = _one_amount(settled if outcome == OVERTURNED else None)
        answer = Answer(outcome, act.at, act.person.name, act.note, amount, currency)
        records.appeals.answer(appeal_id, answer)
        said = {"outcome": outcome, "reason": act.note, "role": act.person.role, "about": appeal.subject}
        _audit(records, appeal, act, "answer", {**said, **({} if settled is None else settled.as_data())})
        return Answered(replace(appeal, answer=answer), settled)


def open_appeals(store: Store) -> list[Appeal]:
    """Return the appeals without an answer, the first deadline first."""
    return [appeal for appeal in store.appeals.all() if appeal.answer is None]


def overdue(appeals: list[Appeal], now: datetime) -> list[Appeal]:
    """Return those without an answer whose deadline has passed."""
    return [appeal for appeal in appeals if appeal.answer is None and appeal.deadline_at < now]


def _demand_right(contested: Contested, act: Act) -> None:
    if contested.kind not in KINDS:
        raise InputError(
            f"Nobody can contest a decision about {contested.kind!r}.", remedy=f"Choose one of {', '.join(KINDS)}."
        )
    if act.person.role != AFFILIATE:
        demand(act.person, Action.WORK_CASES)
    elif act.person.name != contested.affiliate_id:
        raise DeniedError(
            "An affiliate can only contest decisions about its own traffic.", remedy="Name what is your own."
        )


def _demand_contestable(records: Records, contested: Contested) -> None:
    if contested.kind == APPLICATION:
        _demand_refused(records, contested)
        return
    if contested.kind == CONVERSION:
        judged = records.decisions_of([contested.subject])
    else:
        source = source_of_subject(contested.subject, contested.affiliate_id)
        judged = records.decisions_of_source(source.affiliate_id, source.offer_id, source.sub_id)
    if judged.is_empty() or set(judged["affiliate_id"]) != {contested.affiliate_id}:
        raise InputError(
            f"No scan judged a {contested.kind} {contested.subject!r} of the affiliate {contested.affiliate_id}.",
            remedy="Check the ids: `winnow export decisions` lists them.",
            where="subject",
        )
    given = set(records.verdicts.of(judged["conversion_id"])["verdict"])
    if set(judged["decision"]) == {"pay"} and not given & {"fraud", "hold"}:
        raise InputError(
            f"Nothing of {contested.kind} {contested.subject!r} is held or rejected.",
            remedy="There is nothing to contest.",
            where="subject",
        )


def _demand_refused(records: Records, contested: Contested) -> None:
    case, screened = _case_of(records, contested.subject), records.browse.judged.screening(contested.subject)
    decided = case.decision if case is not None and case.decision is not None else screened and screened.decision
    if decided is None:
        raise InputError(f"No application {contested.subject!r} was screened.", remedy="Check its id.", where="subject")
    if decided == APPROVE:
        raise InputError(f"The application {contested.subject!r} is approved.", remedy="There is nothing to contest.")


def _settle(records: Records, appeal: Appeal, outcome: str, act: Act, settings: ReviewSettings) -> Settled | None:
    if outcome != OVERTURNED:
        return None
    if appeal.kind == APPLICATION:
        _approve(records, appeal, act, settings)
        return None
    basis = Basis(_ORIGIN, appeal_id=appeal.appeal_id)
    if appeal.kind == CONVERSION:
        settled = settle_conversion(records, appeal.subject, Verdict.CLEAN, act, basis)
    else:
        source = source_of_subject(appeal.subject, appeal.affiliate_id)
        settled = settle_source(records, source, Verdict.CLEAN, act, basis)
    _close_case(records, appeal, act)
    return settled


def _close_case(records: Records, appeal: Appeal, act: Act) -> None:
    """Close the case that still waits about the same: the appeal answered it."""
    clean = str(Verdict.CLEAN)
    for case in records.cases.about(appeal.kind, appeal.subject):
        if case.status != _CLOSED:
            closed = replace(case, status=_CLOSED, decision=clean, closed_at=act.at, snoozed_until=None)
            records.cases.change(closed, _event(appeal, act, clean))


def _approve(records: Records, appeal: Appeal, act: Act, settings: ReviewSettings) -> None:
    case = _case_of(records, appeal.subject)
    if case is None:
        refused = Case(APPLICATION, appeal.subject, act.at, ("application_contested",))
        case = records.cases.open(refused, _event(appeal, act, ""))
    if case.status == _CLOSED:
        records.cases.change(replace(case, decision=APPROVE, closed_at=act.at), _event(appeal, act, APPROVE))
    else:
        decide_in(records, case, APPROVE, act, settings)


def _case_of(records: Records, subject: str) -> Case | None:
    return next(iter(records.cases.about(APPLICATION, subject)), None)


def _event(appeal: Appeal, act: Act, decision: str) -> CaseEvent:
    details = {"appeal": appeal.appeal_id, "decision": decision}
    return CaseEvent(act.at, act.person.name, "answer appeal", act.note, details)


def _one_amount(settled: Settled | None) -> tuple[Decimal | None, str | None]:
    """Return amount and currency when there is one currency; the audit trail has them all."""
    if settled is None or len(settled.amounts) != 1:
        return None, None
    ((currency, amount),) = settled.amounts.items()
    return amount, currency or None


def _audit(records: Records, appeal: Appeal, act: Act, action: str, details: Mapping[str, Any]) -> None:
    records.audit.append(AuditEvent(act.at, act.person.name, action, f"appeal {appeal.appeal_id}", details))
