"""The first page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from screening.console.auth import allows
from screening.console.context import Console, Here
from screening.console.rendering import render
from screening.jobs.views.today import LOCKS_SOON, Alarm, Today, today
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
        alarms=(*unusable, *_late(console, now), *page.alarms, *_set_aside(page)),
        soon=LOCKS_SOON,
    )


def _late(console: Console, now: datetime) -> Iterator[Alarm]:
    """Say how much waits beyond the day on which a network locks it: paid or lost with no decision."""
    for kind, what, queue in (("source", "traffic sources", "sources"), ("conversion", "conversions", "conversions")):
        late = console.store.browse.cases.due_before(now, kind)
        if late:
            text = "Nobody decided before their networks locked them. Decide these first, or tell the networks."
            title = f"{late:,} held {what} are past their lock"
            yield Alarm(title, text, grave=True, href=f"/review/{queue}?order=clock", action="Decide them")


def _set_aside(page: Today) -> Iterator[Alarm]:
    """Say what could not be read: rows that the newest run of a command set aside, and stages that lacked something."""
    newest = {run.command: run for run in reversed(page.runs)}
    for command, run in newest.items():
        rows = run.counts.get("quarantined", 0)
        if rows:
            text = "They could not be read and are judged by nobody; the quarantine folder has each with its reason."
            title = f"The last {command} set {rows:,} rows aside"
            yield Alarm(title, text, grave=False, href=f"/runs/{run.run_id}", action="Look at the run")
    for stage in page.night.stages if page.night else ():
        if stage.status.value == "incomplete":
            yield Alarm(f"Last night's {stage.name} lacked something", stage.message, grave=False)
