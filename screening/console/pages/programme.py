"""The leaderboard, affiliates, rings, runs, models and the audit trail."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from screening.console import charts
from screening.console.auth import allows
from screening.console.context import Here
from screening.console.pages.queues import applicant_address, source_address
from screening.console.rendering import render
from screening.console.sessions import Person
from screening.errors import IntegrityError, WinnowError
from screening.jobs.export import What, export
from screening.jobs.views.affiliates import LISTED, ORDERS, AffiliatePage, affiliate_page, leaderboard, rings
from screening.jobs.views.partner import token_for
from screening.jobs.views.runs import DIFFERENCES, replayed, run_page, runs_page
from screening.review.permissions import Action
from screening.settings import without_passwords

router = APIRouter()
Viewer = Annotated[Person, Depends(allows(Action.VIEW))]
Reader = Annotated[Person, Depends(allows(Action.READ_AUDIT))]
Sender = Annotated[Person, Depends(allows(Action.SEND_LETTERS))]
Text = Annotated[str, Form()]
_EVENTS = 100


@router.get("/affiliates", dependencies=[Depends(allows(Action.VIEW))])
def show_leaderboard(request: Request, console: Here, month: str = "", order: str = "rank", start: int = 0) -> Response:
    """Show the partners' scorecards of a month beside one another, and the key figures."""
    try:
        board = leaderboard(console.workspace, console.store, month or None, order, max(0, start))
        failure = None
    except WinnowError as error:
        board, failure = None, error
    return render(
        request,
        "affiliates.html",
        board=board,
        failure=failure,
        month=month,
        order=order,
        orders=ORDERS,
        start=start,
        size=LISTED,
    )


@router.get("/affiliate")
def show_affiliate(request: Request, console: Here, person: Viewer, id: str) -> Response:  # noqa: A002 - the word in the address
    """Show one affiliate."""
    page = affiliate_page(console.workspace, console.store, id, console.clock())
    may_send = person.may(Action.SEND_LETTERS)
    return render(request, "affiliate.html", **_affiliate_parts(page), may_send=may_send, link=None)


@router.post("/affiliate/link")
def make_link(request: Request, console: Here, person: Sender, id: Text) -> Response:  # noqa: A002 - the word in the form
    """Make a link to the affiliate's own page, to be sent to the affiliate."""
    page = affiliate_page(console.workspace, console.store, id, console.clock())
    base = console.settings.public_url or str(request.base_url).rstrip("/")
    link = f"{base}/partner/{token_for(console.workspace, page.affiliate_id, console.clock())}"
    del person
    return render(request, "affiliate.html", **_affiliate_parts(page), may_send=True, link=link)


def _affiliate_parts(page: AffiliatePage) -> dict[str, Any]:
    drawn: tuple[tuple[str, charts.Chart], ...] = ()
    if page.pace is not None:
        names = [f"{week.first:%m-%d}" for week in page.pace.weeks]
        payout = [float(week.payout) for week in page.pace.weeks]
        stopped = [None if week.stopped is None else week.stopped * 100 for week in page.pace.weeks]
        money = f"Payout a week, {page.pace.currency}" if page.pace.currency else "Payout a week"
        drawn = (
            (money, charts.trend(money, names, payout, "{:,.0f}")),
            ("Share not paid a week", charts.trend("Share not paid a week", names, stopped, "{:.4g}%")),
        )
    return {"page": page, "charts": drawn, "source_address": source_address}


@router.get("/rings", dependencies=[Depends(allows(Action.VIEW))])
def show_rings(request: Request, console: Here) -> Response:
    """Show applicants that are joined by what they share."""
    found = rings(console.workspace, console.store, console.clock())
    return render(request, "rings.html", rings=found, applicant_address=applicant_address)


@router.get("/runs", dependencies=[Depends(allows(Action.VIEW))])
def show_runs(request: Request, console: Here, command: str = "", below: int | None = None) -> Response:
    """Show what ran, and the models."""
    page = runs_page(console.store, command or None, below)
    return render(request, "runs.html", page=page, command=command, below=below)


@router.get("/runs/{run_id}")
def show_run(request: Request, console: Here, person: Viewer, run_id: str) -> Response:
    """Show one run."""
    page = run_page(console.store, run_id)
    settings = without_passwords(dict(page.run.settings))
    return render(
        request,
        "run.html",
        page=page,
        settings=settings,
        replay=None,
        shown=DIFFERENCES,
        may_replay=person.may(Action.EXPORT),
    )


@router.post("/runs/{run_id}/replay", dependencies=[Depends(allows(Action.EXPORT))])
def replay_run(request: Request, console: Here, run_id: str) -> Response:
    """Run a past scan again and say whether it decides the same."""
    page = run_page(console.store, run_id)
    settings = without_passwords(dict(page.run.settings))
    found = replayed(console.workspace, page.run.run_id)
    return render(request, "run.html", page=page, settings=settings, replay=found, shown=DIFFERENCES, may_replay=True)


@router.get("/audit", dependencies=[Depends(allows(Action.READ_AUDIT))])
def show_audit(request: Request, console: Here, subject: str = "", below: int | None = None) -> Response:
    """Show who did what, the newest first."""
    events = console.store.browse.trail.trail(_EVENTS, below=below, subject=subject or None)
    older = f"/audit?subject={quote(subject)}&below={events[-1].number}" if len(events) == _EVENTS else None
    newer = f"/audit?subject={quote(subject)}" if below is not None else None
    head = console.store.audit.head()
    return render(
        request, "audit.html", events=events, subject=subject, older=older, newer=newer, head=head, verified=None
    )


@router.post("/audit/verify", dependencies=[Depends(allows(Action.READ_AUDIT))])
def verify_audit(request: Request, console: Here) -> Response:
    """Recompute the chain and say whether it is what was recorded."""
    try:
        console.store.audit.verify()
        verified = ""
    except IntegrityError as error:
        verified = f"{error.cause} {error.where or ''}. {error.remedy}"
    events = console.store.browse.trail.trail(_EVENTS)
    older = f"/audit?below={events[-1].number}" if len(events) == _EVENTS else None
    head = console.store.audit.head()
    return render(
        request, "audit.html", events=events, subject="", older=older, newer=None, head=head, verified=verified
    )


@router.get("/audit/export", dependencies=[Depends(allows(Action.READ_AUDIT))])
def export_audit(console: Here) -> Response:
    """Return the whole trail as CSV; no cell runs in a spreadsheet."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "audit.csv"
        export(console.workspace, What.AUDIT, out, "latest")
        content = out.read_bytes()
    headers = {"Content-Disposition": 'attachment; filename="winnow-audit.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
