"""The queues: lists of cases with filters, saved views, and decisions about many at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from screening.console.auth import allows
from screening.console.context import Console, Here
from screening.console.pages.forms import see
from screening.console.pages.queues import QUEUES, case_address, read_cases, read_places, read_queue, reason_names
from screening.console.pages.said import said_of
from screening.console.rendering import render
from screening.console.sessions import Person
from screening.errors import InputError
from screening.jobs.views.review import queue
from screening.review.act import Act
from screening.review.act import Person as Actor
from screening.review.cases import DECISIONS, Outcome, Seen, assign, decide_many, snooze, undo
from screening.review.permissions import Action
from screening.store import Case

router = APIRouter()
Viewer = Annotated[Person, Depends(allows(Action.VIEW))]
Worker = Annotated[Person, Depends(allows(Action.WORK_CASES))]
Judge = Annotated[Person, Depends(allows(Action.DECIDE_CASES))]
Text = Annotated[str, Form()]

SNOOZE_DAYS = 3
"""How long a case is put aside when nobody says how long."""
_NAME_LENGTH = 60
ASSIGN, SNOOZE = "assign", "snooze"


@router.get("/review/{name}")
def show_queue(request: Request, console: Here, person: Viewer, name: str, done: str = "") -> Response:
    """Show a page of a queue."""
    if name not in QUEUES:
        raise InputError(f"There is no queue {name!r}.", remedy=f"Choose one of {', '.join(QUEUES)}.", where="queue")
    now = console.clock()
    address = read_queue(name, request.query_params)
    shown = queue(
        console.workspace, console.store, address.asked, read_places(request.query_params), (person.name, now)
    )
    return render(
        request,
        "queue.html",
        queue=shown,
        address=address,
        kind=address.asked.kind,
        reason_names=reason_names(address.asked.kind, address.asked.reason),
        decisions=DECISIONS[address.asked.kind],
        may_decide=person.may(Action.DECIDE_CASES),
        may_work=person.may(Action.WORK_CASES),
        said=said_of(console.store, read_cases(done, console.workspace.settings.review.bulk_max), address),
    )


@router.post("/review/{name}/views")
def keep_view(console: Here, person: Viewer, name: str, view: Text, filters: Text = "") -> Response:
    """Keep the filters under a name of the person's own."""
    address = read_queue(name, dict(parse_qsl(filters)))
    called = view.strip()[:_NAME_LENGTH]
    if not called:
        raise InputError("The view has no name.", remedy="Give it one.", where="view")
    console.store.browse.trail.save_view(person.name, address.asked.kind, called, address.query, console.clock())
    return see(address.page())


@router.post("/review/{name}/views/drop")
def drop_view(console: Here, person: Viewer, name: str, view: Annotated[int, Form()]) -> Response:
    """Forget a saved view."""
    console.store.browse.trail.drop_view(person.name, view)
    return see(read_queue(name, {}).page())


@router.post("/review/{name}/bulk", dependencies=[Depends(allows(Action.WORK_CASES))])
async def ask_about_many(request: Request, console: Here, name: str) -> Response:
    """Show what a decision about many cases would do, and ask."""
    form = await request.form()
    chosen = [str(one) for one in form.getlist("case")]
    act = str(form.get("act", ""))
    address = read_queue(name, dict(parse_qsl(str(form.get("filters", "")))))
    cases = [console.store.cases.one(seen.case_id) for seen in _seen(chosen)]
    if not cases:
        raise InputError("No case is chosen.", remedy="Choose some by their boxes first.", where="case")
    _demand_act(act, cases[0].kind)
    return render(
        request,
        "bulk.html",
        cases=cases,
        chosen=chosen,
        act=act,
        address=address,
        days=SNOOZE_DAYS,
        sums=_sums(cases),
    )


@router.post("/review/{name}/bulk/confirmed")
async def decide_about_many(request: Request, console: Here, person: Worker, name: str) -> Response:
    """Do it, and say what could not be done."""
    form = await request.form()
    act, note = str(form.get("act", "")), str(form.get("note", ""))
    address = read_queue(name, dict(parse_qsl(str(form.get("filters", "")))))
    seen = _seen([str(one) for one in form.getlist("case")])
    _demand_act(act, address.asked.kind)
    outcomes = _attempted(console, person, seen, act, note)
    done = [outcome.case_id for outcome in outcomes if outcome.done]
    if all(outcome.error is None for outcome in outcomes):
        return see(f"{address.page()}&{urlencode({'done': ','.join(map(str, done))})}")
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    return render(request, "bulk_done.html", failed=failed, done=done, address=address, act=act)


@router.post("/review/{name}/undo")
async def undo_many(request: Request, console: Here, person: Judge, name: str) -> Response:
    """Take back the last decisions of some cases."""
    form = await request.form()
    address = read_queue(name, dict(parse_qsl(str(form.get("filters", "")))))
    act = Act(Actor(person.name, person.role), console.clock(), "")
    seen = _seen([str(one) for one in form.getlist("case")])
    undone = [undo(console.store, one, act).case for one in seen]
    if len(undone) == 1:
        return see(address.of_case(undone[0], done=str(undone[0].case_id)))
    return see(f"{address.page()}&{urlencode({'done': ','.join(str(case.case_id) for case in undone)})}")


@router.get("/cases/{case_id}", dependencies=[Depends(allows(Action.VIEW))])
def find_case(console: Here, case_id: int) -> Response:
    """Go to what a case is about: digests and letters link here."""
    return see(case_address(console.store.cases.one(case_id)))


def _attempted(console: Console, person: Person, seen: list[Seen], act: str, note: str) -> list[Outcome]:
    who = Act(Actor(person.name, person.role), console.clock(), note)
    if act not in (ASSIGN, SNOOZE):
        return decide_many(console.store, seen, act, who, console.workspace.settings.review)
    if act == ASSIGN:
        return [Outcome(one.case_id, assign(console.store, one, person.name, who), None) for one in seen]
    until = who.at + timedelta(days=SNOOZE_DAYS)
    return [Outcome(one.case_id, snooze(console.store, one, until, who), None) for one in seen]


def _seen(chosen: list[str]) -> list[Seen]:
    pairs = [one.partition(":") for one in chosen]
    if not all(case.isdigit() and version.isdigit() for case, _, version in pairs):
        raise InputError("The form names a case that cannot be.", remedy="Open the queue again.", where="case")
    return [Seen(int(case), int(version)) for case, _, version in pairs]


def _demand_act(act: str, kind: str) -> None:
    known = (*DECISIONS[kind], ASSIGN, SNOOZE)
    if act not in known:
        raise InputError(f"{act!r} is nothing to do with a case.", remedy=f"Choose one of {', '.join(known)}.")


def _sums(cases: list[Case]) -> tuple[tuple[str | None, object], ...]:
    sums: dict[str | None, object] = {}
    for case in cases:
        if case.amount is not None:
            sums[case.currency] = case.amount + sums.get(case.currency, 0)  # type: ignore[operator]
    return tuple(sorted(sums.items(), key=lambda pair: pair[0] or ""))
