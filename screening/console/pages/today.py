"""The first page."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from screening.console.auth import allows
from screening.console.context import Here
from screening.console.rendering import render
from screening.jobs.views.today import LOCKS_SOON, Alarm, today
from screening.review.permissions import Action

router = APIRouter()
_UNUSABLE = "The settings file cannot be used"


@router.get("/", dependencies=[Depends(allows(Action.VIEW))])
def first_page(request: Request, console: Here) -> Response:
    """Show where the money stands and what waits."""
    now = console.clock()
    page = today(console.workspace, console.store, now)
    fault = console.fault
    unusable = () if fault is None else (Alarm(_UNUSABLE, f"{fault} What held before goes on to hold.", grave=True),)
    return render(
        request,
        "today.html",
        page=page,
        alarms=(*unusable, *page.alarms),
        soon=LOCKS_SOON,
    )
