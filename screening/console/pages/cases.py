"""What is done about one case, from its page: decide, ask, put aside, give to somebody, note, undo."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from screening.console.auth import allows
from screening.console.context import Console, Here
from screening.console.pages.forms import see
from screening.console.pages.queues import Address, case_address, read_opened_from
from screening.console.sessions import Person
from screening.review.act import Act
from screening.review.act import Person as Actor
from screening.review.cases import Seen, add_note, assign, decide, snooze, undo, wake
from screening.review.permissions import Action
from screening.store import Case

router = APIRouter()
Worker = Annotated[Person, Depends(allows(Action.WORK_CASES))]
Judge = Annotated[Person, Depends(allows(Action.DECIDE_CASES))]
Text = Annotated[str, Form()]
Number = Annotated[int, Form()]
_LONGEST_SNOOZE = 365


class CaseForm(BaseModel):
    """What every form about a case sends: the version that the person saw, and the queue it was opened from."""

    version: int
    note: str = ""
    queue: str = ""


class DecisionForm(CaseForm):
    """A decision."""

    decision: str


class SnoozeForm(CaseForm):
    """Putting aside, for some days."""

    days: Annotated[int, Field(ge=1, le=_LONGEST_SNOOZE)] = 3


@router.post("/cases/{case_id}/decide")
def decide_case(console: Here, person: Judge, case_id: int, form: Annotated[DecisionForm, Form()]) -> Response:
    """Decide the case and go on to the next of the queue."""
    opened_from = read_opened_from(form.queue)
    following = _next(console, case_id, opened_from)
    act, settings = _act(console, person, form.note), console.workspace.settings.review
    done = decide(console.store, Seen(case_id, form.version), form.decision, act, settings)
    return _go_on(done.case, following, opened_from)


@router.post("/cases/{case_id}/snooze")
def snooze_case(console: Here, person: Worker, case_id: int, form: Annotated[SnoozeForm, Form()]) -> Response:
    """Put the case aside for some days and go on to the next."""
    opened_from = read_opened_from(form.queue)
    following = _next(console, case_id, opened_from)
    act = _act(console, person, form.note)
    done = snooze(console.store, Seen(case_id, form.version), act.at + timedelta(days=form.days), act)
    return _go_on(done.case, following, opened_from)


@router.post("/cases/{case_id}/wake")
def wake_case(console: Here, person: Worker, case_id: int, version: Number, queue: Text = "") -> Response:
    """Take the case back to hand."""
    return _stay(wake(console.store, Seen(case_id, version), _act(console, person)).case, queue)


@router.post("/cases/{case_id}/assign")
def assign_case(
    console: Here, person: Worker, case_id: int, version: Number, to: Text = "", queue: Text = ""
) -> Response:
    """Give the case to somebody; an empty name: to nobody."""
    act = _act(console, person)
    return _stay(assign(console.store, Seen(case_id, version), to or None, act).case, queue)


@router.post("/cases/{case_id}/note")
def note_case(console: Here, person: Worker, case_id: int, note: Text, queue: Text = "") -> Response:
    """Keep a note."""
    return _stay(add_note(console.store, case_id, _act(console, person, note)).case, queue)


@router.post("/cases/{case_id}/undo")
def undo_case(console: Here, person: Judge, case_id: int, version: Number, queue: Text = "") -> Response:
    """Take back the last decision."""
    return _stay(undo(console.store, Seen(case_id, version), _act(console, person)).case, queue)


def _act(console: Console, person: Person, note: str = "") -> Act:
    return Act(Actor(person.name, person.role), console.clock(), note.strip())


def _next(console: Console, case_id: int, opened_from: Address | None) -> Case | None:
    """Return the case after this one in the queue, or before it at the end; asked before the case leaves it."""
    if opened_from is None:
        return None
    asked = opened_from.asked
    case = console.store.cases.one(case_id)
    before, after = console.store.browse.cases.beside(asked.filter(console.clock()), asked.order, case)
    number = after if after is not None else before
    return None if number is None else console.store.cases.one(number)


def _go_on(done: Case, following: Case | None, opened_from: Address | None) -> RedirectResponse:
    if opened_from is None:
        return see(case_address(done, done=str(done.case_id)))
    if following is None:
        return see(f"{opened_from.page()}&done={done.case_id}")
    return see(opened_from.of_case(following, done=str(done.case_id)))


def _stay(case: Case, queue: str) -> RedirectResponse:
    opened_from = read_opened_from(queue)
    done = str(case.case_id)
    return see(case_address(case, done=done) if opened_from is None else opened_from.of_case(case, done=done))
