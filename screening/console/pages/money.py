"""Caps, payout batches and appeals: what moves money, and who said so."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from screening.console.auth import allows
from screening.console.context import Console, Here
from screening.console.pages.forms import see
from screening.console.pages.said import Said
from screening.console.rendering import render
from screening.console.sessions import Person
from screening.errors import InputError, WinnowError
from screening.jobs.caps_decide import CapFilter, approve_caps, list_caps, reject_caps
from screening.jobs.progress import plain_progress
from screening.jobs.views.caps import effects
from screening.jobs.views.payouts import ROWS, batch, batches, gate_upload
from screening.review.act import Act
from screening.review.act import Person as Actor
from screening.review.appeals import ANSWERS, KINDS, Contested, answer_appeal, open_appeal
from screening.review.permissions import Action
from screening.review.subjects import APPLICATION

router = APIRouter()
Viewer = Annotated[Person, Depends(allows(Action.VIEW))]
Decider = Annotated[Person, Depends(allows(Action.DECIDE_CAPS))]
Gatekeeper = Annotated[Person, Depends(allows(Action.GATE_PAYOUTS))]
Answerer = Annotated[Person, Depends(allows(Action.ANSWER_APPEALS))]
Worker = Annotated[Person, Depends(allows(Action.WORK_CASES))]
Text = Annotated[str, Form()]
_STATUSES = ("proposed", "approved", "pushed", "rejected", "failed")
_IN_FORCE = ("approved", "pushed")
_ACTIONS = ("pause", "lower", "raise")
_CAPS_A_PAGE = 10
_ANSWERED_SHOWN = 100
_LONGEST_STATEMENT = 5_000


class Typed(BaseModel):
    """What the form of a new appeal sends."""

    kind: str = ""
    subject: str = ""
    affiliate: str = ""
    statement: Annotated[str, Field(max_length=_LONGEST_STATEMENT)] = ""


class CapsAsked(BaseModel):
    """What the address of the caps holds: which to show, from which on, and the one that was decided last."""

    status: str = "proposed"
    action: str = ""
    affiliate: str = ""
    offer: str = ""
    start: Annotated[int, Field(ge=0)] = 0
    done: str = ""

    def at(self, start: int) -> str:
        """Return the address of another page of the same."""
        chosen = {"status": self.status, "action": self.action, "affiliate": self.affiliate, "offer": self.offer}
        given = {name: value for name, value in chosen.items() if value}
        return f"/caps?{urlencode({**given, 'start': max(0, start)})}"


class AppealsAsked(BaseModel):
    """What the address of the appeals holds: what to contest, and what was done last to an appeal (its number)."""

    kind: str = ""
    subject: str = ""
    affiliate: str = ""
    done: str = ""
    act: str = ""


@router.get("/caps")
def show_caps(request: Request, console: Here, person: Viewer, asked: Annotated[CapsAsked, Query()]) -> Response:
    """Show recommendations of a status, those that save most first."""
    now, status = console.clock(), asked.status if asked.status in _STATUSES else "proposed"
    affiliate, offer = asked.affiliate.strip() or None, asked.offer.strip() or None
    listed = list_caps(console.workspace, CapFilter(offer, affiliate, asked.action or None, status), now)
    shown = listed.caps[asked.start : asked.start + _CAPS_A_PAGE]
    return render(
        request,
        "caps.html",
        listed=listed,
        shown=shown,
        effects=effects(console.store, shown, now) if status in _IN_FORCE else {},
        status=status,
        statuses=_STATUSES,
        actions=_ACTIONS,
        asked=asked,
        before=asked.at(asked.start - _CAPS_A_PAGE) if asked.start else None,
        after=asked.at(asked.start + _CAPS_A_PAGE) if asked.start + _CAPS_A_PAGE < len(listed.caps) else None,
        may_decide=person.may(Action.DECIDE_CAPS),
        said=_said_of_cap(console, asked.done),
    )


@router.post("/caps/{cap_id}")
def decide_cap(
    console: Here, person: Decider, cap_id: int, decision: Text, limit: Text = "", note: Text = ""
) -> Response:
    """Approve a recommendation, with another limit when one is given, or reject it."""
    act = Act(Actor(person.name, person.role), console.clock(), note.strip())
    if decision == "reject":
        reject_caps(console.workspace, [cap_id], act)
    elif decision == "approve":
        approve_caps(console.workspace, [cap_id], _limit(limit), act)
    else:
        raise InputError(f"{decision!r} is no decision about a cap.", remedy="Choose approve or reject.")
    return see(f"/caps?done={cap_id}")


@router.get("/payouts")
def show_batches(request: Request, console: Here, person: Viewer, below: int | None = None) -> Response:
    """Show the payout batches, the newest first."""
    found = batches(console.workspace, console.store, below)
    older = f"/payouts?below={found[-1].run.number}" if len(found) == ROWS else None
    newer = "/payouts" if below is not None else None
    may_gate = person.may(Action.GATE_PAYOUTS)
    return render(request, "payouts.html", batches=found, older=older, newer=newer, may_gate=may_gate)


@router.post("/payouts")
async def gate_batch(console: Here, person: Gatekeeper, file: UploadFile) -> Response:
    """Gate an uploaded payout file."""
    content = await file.read()
    name = file.filename or ""
    now = console.clock()
    run_id = await run_in_threadpool(gate_upload, console.workspace, name, content, now, plain_progress(lambda _: None))
    del person
    return see(f"/payouts/{run_id}")


@router.get("/payouts/{run_id}", dependencies=[Depends(allows(Action.VIEW))])
def show_batch(request: Request, console: Here, run_id: str, after: str = "") -> Response:
    """Show what a batch released, held and refused."""
    found = batch(console.workspace, console.store, run_id, after)
    more = f"/payouts/{run_id}?{urlencode({'after': found.releases[-1].conversion_id})}" if found.releases else None
    return render(request, "batch.html", batch=found, more=more, after=after)


@router.get("/payouts/{run_id}/answer", dependencies=[Depends(allows(Action.EXPORT))])
def download_answer(console: Here, run_id: str) -> Response:
    """Return the lines of an uploaded batch with their decisions."""
    found = batch(console.workspace, console.store, run_id, "")
    if found.answer is None:
        raise InputError("This batch was not uploaded here.", remedy="Its answer is where --out said.", where="batch")
    return FileResponse(found.answer, filename=found.answer.name, media_type="application/octet-stream")


@router.get("/appeals")
def show_appeals(request: Request, console: Here, person: Viewer, asked: Annotated[AppealsAsked, Query()]) -> Response:
    """Show the appeals, the first deadline first, and those that were answered."""
    words = {"opened": "opened; the clock runs.", "answered": "answered."}
    said = Said(f"Appeal {asked.done}: {words[asked.act]}") if asked.done.isdigit() and asked.act in words else None
    typed = Typed(kind=asked.kind, subject=asked.subject, affiliate=asked.affiliate)
    return _appeals_page(request, console, person, typed=typed, said=said)


@router.post("/appeals")
def open_for_partner(request: Request, console: Here, person: Worker, form: Annotated[Typed, Form()]) -> Response:
    """Open an appeal for a partner or an applicant who wrote or called; the statement is what they said."""
    act = Act(Actor(person.name, person.role), console.clock(), form.statement.strip())
    subject, settings = form.subject.strip(), console.workspace.settings.review
    affiliate = subject if form.kind == APPLICATION else form.affiliate.strip()
    try:
        appeal = open_appeal(console.store, Contested(form.kind, subject, affiliate), act, settings)
    except WinnowError as error:
        return _appeals_page(request, console, person, typed=form, fault=error)
    return see(f"/appeals?done={appeal.appeal_id}&act=opened")


def _appeals_page(
    request: Request,
    console: Console,
    person: Person,
    *,
    typed: Typed,
    fault: WinnowError | None = None,
    said: Said | None = None,
) -> Response:
    found = console.store.appeals.all()
    return render(
        request,
        "appeals.html",
        status_code=fault.http_status if fault else HTTPStatus.OK,
        waiting=[appeal for appeal in found if appeal.answer is None],
        answered=[appeal for appeal in reversed(found) if appeal.answer is not None][:_ANSWERED_SHOWN],
        answers=ANSWERS,
        may_answer=person.may(Action.ANSWER_APPEALS),
        may_open=person.may(Action.WORK_CASES),
        kinds=KINDS,
        typed=typed,
        days=console.workspace.settings.review.appeal_days,
        fault=fault,
        said=said,
    )


@router.post("/appeals/{appeal_id}")
def answer(console: Here, person: Answerer, appeal_id: int, outcome: Text, reason: Text) -> Response:
    """Answer an appeal; the reason goes to the partner."""
    act = Act(Actor(person.name, person.role), console.clock(), reason.strip())
    answer_appeal(console.store, appeal_id, outcome, act, console.workspace.settings.review)
    return see(f"/appeals?done={appeal_id}&act=answered")


def _said_of_cap(console: Console, done: str) -> Said | None:
    """Return what somebody just decided about a recommendation, None: nothing."""
    cap = console.store.browse.judged.cap(int(done)) if done.isascii() and done.isdigit() and len(done) < 16 else None
    if cap is None or cap.decided_by is None:
        return None
    return Said(f"{cap.affiliate_id or 'All affiliates'} on {cap.offer_id}: {cap.status} by {cap.decided_by}.")


def _limit(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        return Decimal(text.replace(",", "").strip())
    except InvalidOperation as error:
        raise InputError(f"{text[:40]!r} is not a limit.", remedy="Write a number.", where="limit") from error
