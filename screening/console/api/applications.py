"""Applications: handed in, and how they were judged."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from screening.console.api.access import Caller, scoped
from screening.console.api.bodies import ApplicationAsked, ApplicationJudged, ApplicationReceived, Page
from screening.console.api.lists import Limit, size_of
from screening.console.api.once import Call, once
from screening.console.api.payouts import IdempotencyKey
from screening.console.context import Here
from screening.errors import NotFoundError
from screening.jobs.apply import ACTION, hand_in, subject_of
from screening.jobs.keys import Scope
from screening.store import Records
from screening.store.browse_judged import ScreeningRow

router = APIRouter(tags=["applications"])
_ID_LETTERS = 20
Reader = Annotated[Caller, Depends(scoped(Scope.APPLICATIONS_READ))]
Writer = Annotated[Caller, Depends(scoped(Scope.APPLICATIONS_WRITE))]


@router.post("/v1/applications", response_model=ApplicationReceived, status_code=HTTPStatus.CREATED)
def submit_application(console: Here, asked: ApplicationAsked, key: IdempotencyKey, caller: Writer) -> Response:
    """Hand in an application; the next night screens it.

    Without `application_id` the application gets one. Handing in the same id again replaces what still waits.
    """
    fields = asked.model_dump(exclude_none=True)
    fields.setdefault("application_id", _id_of(caller, key))

    def work(records: Records) -> ApplicationReceived:
        handed = hand_in(console.workspace, records, fields, caller.actor, console.clock())
        return ApplicationReceived(
            application_id=handed.application.application_id, status="received", unreadable=list(handed.unreadable)
        )

    return once(console, Call(caller, key, "applications", asked), HTTPStatus.CREATED, work)


@router.get("/v1/applications")
def list_applications(
    console: Here,
    _: Reader,
    after: Annotated[str, Query(max_length=512, description="`next` of the page before")] = "",
    limit: Limit = None,
) -> Page[ApplicationJudged]:
    """List the newest screening of each application, by application_id."""
    size = size_of(limit, console)
    rows = console.store.listing.screenings(after, size)
    return Page(items=[_judged(row) for row in rows], next=rows[-1].application_id if len(rows) == size else None)


@router.get("/v1/applications/{application_id}")
def read_application(console: Here, _: Reader, application_id: str) -> ApplicationJudged:
    """Say how an application stands."""
    row = console.store.browse.judged.screening(application_id)
    if row is not None:
        return _judged(row)
    if any(
        event.action == ACTION for event in console.store.browse.trail.trail(20, subject=subject_of(application_id))
    ):
        return ApplicationJudged(
            application_id=application_id,
            status="received",
            decision=None,
            score=None,
            reasons=[],
            missing=[],
            run_id=None,
            judged_at=None,
        )
    raise NotFoundError("There is no such application.", remedy="GET /v1/applications lists them.", where="path")


def _judged(row: ScreeningRow) -> ApplicationJudged:
    return ApplicationJudged(
        application_id=row.application_id,
        status="screened",
        decision=row.decision,
        score=row.score,
        reasons=list(row.reasons),
        missing=list(row.missing),
        run_id=row.run_id,
        judged_at=row.judged_at,
    )


def _id_of(caller: Caller, key: str) -> str:
    """Return an id that the same call gets again, even if its first try was cut off."""
    return f"web-{hashlib.sha256(f'{caller.key_id} {key}'.encode()).hexdigest()[:_ID_LETTERS]}"
