"""What people do about cases. Each act is one transaction: the case, what follows from it, and its audit event.

Every act names the case as the person saw it (`Seen`): when somebody changed it since, nothing is written and
ConflictError says who did what. Every act is checked against `permissions` and needs a named person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from screening.errors import BusyError, ConflictError, InputError, WinnowError
from screening.review.act import Act, demand
from screening.review.permissions import Action
from screening.review.subjects import AFFILIATE_KIND, APPLICATION, CONVERSION, SOURCE, source_of_case
from screening.review.verdicts import Basis, Settled, Verdict, settle_conversion, settle_source, take_back
from screening.settings.review import ReviewSettings
from screening.store import AuditEvent, Case, CaseEvent, Records, Store
from screening.store.browse_judged import SourceName

APPROVE, REJECT, ASK = "approve", "reject", "ask"
_TRAFFIC = tuple(Verdict)
_PEOPLE = (APPROVE, REJECT, ASK)
DECISIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {SOURCE: _TRAFFIC, CONVERSION: _TRAFFIC, APPLICATION: _PEOPLE, AFFILIATE_KIND: _PEOPLE}
)
"""The decisions that a case of each kind can get. `hold` and `ask` leave it snoozed; the others close it."""

_OPEN, _SNOOZED, _CLOSED = "open", "snoozed", "closed"
_DECIDE, _UNDO = "decide", "undo"
_SAMPLED = "audit_sample"
_RESTORED = ("status", "decision", "closed_at", "snoozed_until")


@dataclass(frozen=True, slots=True)
class Seen:
    """A case as a person saw it: its number and its version."""

    case_id: int
    version: int


@dataclass(frozen=True, slots=True)
class Done:
    """What an act came to: the case as it is now and, for decisions on traffic, the conversions that it reached."""

    case: Case
    settled: Settled | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case of a bulk act: `done`, or the `error` that kept it from being done."""

    case_id: int
    done: Done | None
    error: WinnowError | None


def decide(store: Store, seen: Seen, decision: str, act: Act, settings: ReviewSettings) -> Done:
    """Decide a case with one of `DECISIONS` of its kind.

    Traffic: `clean` releases what is held (the next payout gate pays it), `fraud` makes the gate reject it, `hold`
    keeps it held; `clean` and `fraud` are also kept as labels. Applications: `approve`, `reject`, `ask` for a fix.
    Raises DeniedError, InputError for a decision that does not fit or a closed case, ConflictError.
    """
    demand(act.person, Action.DECIDE_CASES)
    with store.together() as records:
        case = _seen(records, seen)
        return decide_in(records, case, decision, act, settings)


def decide_in(records: Records, case: Case, decision: str, act: Act, settings: ReviewSettings) -> Done:
    """Decide a case as a part of a larger transaction, for those who have checked who may."""
    if decision not in DECISIONS[case.kind]:
        raise InputError(
            f"A case about {_article(case.kind)} cannot be decided as {decision!r}.",
            remedy=f"Choose one of {', '.join(DECISIONS[case.kind])}.",
            where="decision",
        )
    if case.status == _CLOSED:
        raise ConflictError(
            f"The case {case.case_id} is closed: {_last_act(records, case)}.", remedy="Undo that decision first."
        )
    settled = _settle(records, case, decision, act)
    waits = {Verdict.HOLD: settings.hold_again_days, ASK: settings.ask_days}.get(decision)
    changed = replace(
        case,
        decision=str(decision),
        status=_CLOSED if waits is None else _SNOOZED,
        closed_at=act.at if waits is None else None,
        snoozed_until=None if waits is None else act.at + timedelta(days=waits),
    )
    before = {name: _said(getattr(case, name)) for name in _RESTORED}
    details = {"decision": changed.decision, "before": before, **({} if settled is None else settled.as_data())}
    return Done(_record(records, changed, act, _DECIDE, details), settled)


def decide_many(store: Store, seen: Sequence[Seen], decision: str, act: Act, settings: ReviewSettings) -> list[Outcome]:
    """Decide several cases alike, each in a transaction of its own; what cannot be done is reported, not skipped.

    Raises DeniedError, and InputError for more cases than the settings allow; then nothing is decided.
    """
    demand(act.person, Action.DECIDE_CASES)
    if len(seen) > settings.bulk_max:
        raise InputError(f"{len(seen)} cases are too many at once.", remedy=f"Choose at most {settings.bulk_max}.")

    def attempt(one: Seen) -> Outcome:
        try:
            return Outcome(one.case_id, decide(store, one, decision, act, settings), None)
        except WinnowError as error:
            return Outcome(one.case_id, None, error)

    return [attempt(one) for one in seen]


def assign(store: Store, seen: Seen, assignee: str | None, act: Act) -> Done:
    """Give a case to somebody, or to nobody (None). Raises InputError for a name that is no active user."""
    demand(act.person, Action.WORK_CASES)
    with store.together() as records:
        case = _seen(records, seen)
        _demand_user(records, assignee)
        changed = replace(case, assignee=assignee)
        return Done(_record(records, changed, act, "assign", {"assignee": assignee, "before": case.assignee}))


def snooze(store: Store, seen: Seen, until: datetime, act: Act) -> Done:
    """Put a case aside until a moment; then it waits again by itself.

    Raises InputError for a moment that is past, ConflictError for a closed case.
    """
    demand(act.person, Action.WORK_CASES)
    if until <= act.at:
        raise InputError("A case can only be put aside until a later time.", remedy="Name one in the future.")
    with store.together() as records:
        case = _not_closed(records, _seen(records, seen))
        changed = replace(case, status=_SNOOZED, snoozed_until=until)
        return Done(_record(records, changed, act, "snooze", {"until": until.isoformat()}))


def wake(store: Store, seen: Seen, act: Act) -> Done:
    """Take a snoozed case back to hand at once. Raises ConflictError for a closed case."""
    demand(act.person, Action.WORK_CASES)
    with store.together() as records:
        case = _not_closed(records, _seen(records, seen))
        return Done(_record(records, replace(case, status=_OPEN, snoozed_until=None), act, "wake", {}))


def add_note(store: Store, case_id: int, act: Act) -> Done:
    """Write a note on a case, whatever version of it the person saw. Raises InputError when the note is empty."""
    demand(act.person, Action.WORK_CASES)
    if not act.note.strip():
        raise InputError("The note is empty.", remedy="Write what the next reader should know.", where="note")
    with store.together() as records:
        return Done(_record(records, records.cases.one(case_id), act, "note", {}))


def undo(store: Store, seen: Seen, act: Act) -> Done:
    """Take back the last decision of a case: it is as before, its verdicts and labels no longer count.

    Whoever decided may undo; for a decision of somebody else it takes the right to answer appeals. Raises
    ConflictError when money was released meanwhile, InputError when there is nothing to undo.
    """
    demand(act.person, Action.DECIDE_CASES)
    with store.together() as records:
        case = _seen(records, seen)
        last = _last_decision(records, case)
        if last.author != act.person.name:
            demand(act.person, Action.ANSWER_APPEALS)
        given = records.verdicts.of_case(seen.case_id)
        take_back(records, given.filter(given["at"] == last.at), list(last.details.get("labels", [])), act)
        before = last.details["before"]
        changed = replace(
            case,
            status=before["status"],
            decision=before["decision"],
            closed_at=_moment(before["closed_at"]),
            snoozed_until=_moment(before["snoozed_until"]),
        )
        if changed.status != _CLOSED and any(
            other.case_id != case.case_id and other.status != _CLOSED
            for other in records.cases.about(case.kind, case.subject)
        ):
            raise ConflictError("A newer case about the same is open.", remedy="Decide that one instead.")
        return Done(_record(records, changed, act, _UNDO, {"undone": last.details["decision"], "by": last.author}))


def _settle(records: Records, case: Case, decision: str, act: Act) -> Settled | None:
    if case.kind not in (SOURCE, CONVERSION):
        return None
    origin = "audit slice" if _SAMPLED in case.reasons else "review"
    basis = Basis(origin, case_id=case.case_id, run_id=case.run_id)
    if case.kind == CONVERSION:
        return settle_conversion(records, case.subject, Verdict(decision), act, basis)
    source = source_of_case(case)
    name = SourceName(source.affiliate_id, source.offer_id, source.sub_id)
    window = None if case.run_id is None else records.browse.judged.source(name, case.run_id)
    if window is not None:
        basis = replace(basis, period=(window.first, window.last))
    return settle_source(records, source, Verdict(decision), act, basis)


def _seen(records: Records, seen: Seen) -> Case:
    records.audit.lock()
    case = records.cases.one(seen.case_id)
    if case.version != seen.version:
        raise ConflictError(
            f"The case {case.case_id} changed after you opened it: {_last_act(records, case)}.",
            remedy="Look at it again, then decide.",
            where=f"case {case.case_id}",
        )
    return case


def _last_act(records: Records, case: Case) -> str:
    last = records.cases.history(case.case_id or 0)[-1]
    what = last.details.get("decision") or last.details.get("assignee") or ""
    return f"{last.author} did `{f'{last.action} {what}'.strip()}` at {last.at:%Y-%m-%d %H:%M} UTC"


def _last_decision(records: Records, case: Case) -> CaseEvent:
    undone = 0
    for event in reversed(records.cases.history(case.case_id or 0)):
        if event.action == _UNDO:
            undone += 1
        elif event.action == _DECIDE:
            if not undone:
                return event
            undone -= 1
    raise InputError(f"The case {case.case_id} has no decision to undo.", remedy="Decide it.", where="case")


def _record(records: Records, changed: Case, act: Act, action: str, details: Mapping[str, Any]) -> Case:
    event = CaseEvent(act.at, act.person.name, action, act.note, details)
    try:
        stored = records.cases.change(changed, event)
    except ConflictError:
        raise
    except BusyError as error:
        raise ConflictError(error.cause, remedy=error.remedy, where=error.where) from error
    said = {**details, "role": act.person.role, "note": act.note, "kind": changed.kind, "about": changed.subject}
    records.audit.append(AuditEvent(act.at, act.person.name, action, f"case {changed.case_id}", said))
    return stored


def _not_closed(records: Records, case: Case) -> Case:
    if case.status == _CLOSED:
        raise ConflictError(f"The case is closed: {_last_act(records, case)}.", remedy="Undo that decision first.")
    return case


def _demand_user(records: Records, name: str | None) -> None:
    users = records.users.all()
    if name is not None and users and name not in {user.name for user in users if user.active}:
        raise InputError(f"There is no active user {name!r}.", remedy="`winnow users` lists them.", where="assignee")


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _said(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
