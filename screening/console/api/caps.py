"""Cap recommendations: listed, approved and rejected."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from sqlalchemy import Row

from screening.console.api.access import Caller, scoped
from screening.console.api.bodies import CapAdvice, CapDecision, Page, money
from screening.console.api.lists import After, Limit, next_of, place_after, size_of
from screening.console.context import Console, Here
from screening.errors import ConflictError, NotFoundError
from screening.jobs.caps_decide import APPROVED, PROPOSED, REJECTED, approve_caps, reject_caps
from screening.jobs.keys import Scope
from screening.review.act import Act, Person
from screening.review.permissions import Role

router = APIRouter(tags=["caps"])
Reader = Annotated[Caller, Depends(scoped(Scope.CAPS_READ))]
Decider = Annotated[Caller, Depends(scoped(Scope.CAPS_DECIDE))]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
_MONEY = ("current", "recommended", "expected_saving", "saving_low", "saving_high")


@router.get("/v1/caps")
def list_caps(
    console: Here,
    _: Reader,
    status: Literal["proposed", "approved", "rejected", "pushed", "failed"] = "proposed",
    after: After = None,
    limit: Limit = None,
) -> Page[CapAdvice]:
    """List the recommendations of a status, the next to expire first."""
    page = console.store.browse.judged.caps(status, (place_after(after), None), size_of(limit, console))
    return Page(items=[_said(row) for row in page.rows], next=next_of(page.after))


@router.get("/v1/caps/{cap_id}")
def read_cap(console: Here, _: Reader, cap_id: Number) -> CapAdvice:
    """Return a recommendation."""
    return _said(_one(console, cap_id))


@router.post("/v1/caps/{cap_id}/decision")
def decide_cap(console: Here, caller: Decider, cap_id: Number, asked: CapDecision) -> CapAdvice:
    """Approve or reject a recommendation that is proposed; the next `winnow caps push` brings it to the network.

    The same call again gives the same answer.
    """
    wanted = APPROVED if asked.decision == "approve" else REJECTED
    row = _one(console, cap_id)
    if row.status == wanted and row.decided_by == caller.actor:
        return _said(row)
    if row.status != PROPOSED:
        raise ConflictError(f"The recommendation is {row.status}.", remedy="GET /v1/caps lists what is proposed.")
    act = Act(Person(caller.actor, Role.MANAGER), console.clock(), asked.note)
    if asked.decision == "approve":
        limit = None if asked.limit is None else Decimal(asked.limit)
        approve_caps(console.workspace, [cap_id], limit, act)
    else:
        reject_caps(console.workspace, [cap_id], act)
    return _said(_one(console, cap_id))


def _one(console: Console, cap_id: int) -> Row[Any]:
    row = console.store.browse.judged.cap(cap_id)
    if row is None:
        raise NotFoundError(f"There is no recommendation {cap_id}.", remedy="GET /v1/caps lists them.", where="path")
    return row


def _said(row: Row[Any]) -> CapAdvice:
    fields = row._asdict()
    plain = {name: fields[name] for name in CapAdvice.model_fields}
    return CapAdvice(**{**plain, **{name: money(fields[name]) for name in _MONEY}})
