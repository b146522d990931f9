"""The pages of what cases are about: an applicant, a traffic source, a conversion."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from screening.console import charts
from screening.console.auth import allows
from screening.console.context import Console, Here
from screening.console.pages.queues import (
    Address,
    applicant_address,
    case_address,
    read_cases,
    read_opened_from,
    read_queue,
    source_address,
)
from screening.console.pages.said import said_of
from screening.console.rendering import render
from screening.console.sessions import Person
from screening.errors import NotFoundError
from screening.jobs.views.applicant import ApplicantPage, applicant_page, picture_of
from screening.jobs.views.dossiers import folder_of
from screening.jobs.views.letters import letter_preview
from screening.jobs.views.panel import SPAN_NAMES, Panel
from screening.jobs.views.source import SourcePage, source_page
from screening.review.cases import DECISIONS
from screening.review.permissions import Action
from screening.store import Case
from screening.store.browse_judged import SourceName

router = APIRouter()
Viewer = Annotated[Person, Depends(allows(Action.VIEW))]
_PNG = b"\x89PNG\r\n\x1a\n"
_PICTURE_ONLY = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""For what shows a stranger's site: opened by itself it can neither load nor run anything."""


class ApplicantAsked(BaseModel):
    """What the address of an applicant's page holds; `letter` says which letter to preview."""

    id: str
    queue: str = ""
    done: str = ""
    letter: str = "ask"


class SourceAsked(BaseModel):
    """What the address of a source's page holds; `line` is the score of the what-if."""

    affiliate: str
    offer: str
    sub: str | None = None
    line: Annotated[float, Field(ge=0, le=1)] = 0.5
    queue: str = ""
    done: str = ""


@router.get("/applicant")
def show_applicant(
    request: Request, console: Here, person: Viewer, asked: Annotated[ApplicantAsked, Query()]
) -> Response:
    """Show everything about an applicant."""
    page = applicant_page(console.workspace, console.store, asked.id)
    if page.screening is None and page.case is None:
        raise NotFoundError(
            f"No application {asked.id!r} was screened.", remedy="Choose one from the queue.", where="id"
        )
    opened_from = read_opened_from(asked.queue)
    kind = page.case.kind if page.case else "application"
    return render(
        request,
        "applicant.html",
        page=page,
        graph=_graph(page),
        letter=letter_preview(console.workspace, page.dossier, asked.letter),
        letter_about=asked.letter,
        case_address=case_address,
        **_case_parts(console, person, (page.case, opened_from), asked.queue),
        said=said_of(console.store, read_cases(asked.done, 1), opened_from or read_queue(_queue_name(kind), {})),
        trail=_trail(opened_from, ("Applicants", "/review/applicants")),
    )


@router.get("/applicant/screenshot", dependencies=[Depends(allows(Action.VIEW))])
def show_screenshot(console: Here, id: str) -> Response:  # noqa: A002 - the word in the address
    """Return the screenshot of an applicant's site, when one was taken."""
    screening = console.store.browse.judged.screening(id)
    folder = folder_of(console.workspace, screening.evidence if screening else None)
    picture = picture_of(folder)
    if picture is None or picture.file is None or not picture.file.read_bytes().startswith(_PNG):
        raise NotFoundError("No screenshot was taken.", remedy="Switch crawl.browser.escalated on.", where="id")
    headers = {"Content-Security-Policy": _PICTURE_ONLY, "Content-Disposition": 'inline; filename="site.png"'}
    return FileResponse(picture.file, media_type="image/png", headers=headers)


@router.get("/source")
def show_source(request: Request, console: Here, person: Viewer, asked: Annotated[SourceAsked, Query()]) -> Response:
    """Show everything about a traffic source."""
    page = source_page(
        console.workspace, console.store, SourceName(asked.affiliate, asked.offer, asked.sub), asked.line
    )
    if page.source is None and page.case is None:
        raise NotFoundError("No scan has judged this source.", remedy="Choose one from the queue.", where="source")
    opened_from = read_opened_from(asked.queue)
    return render(
        request,
        "source.html",
        page=page,
        charts=_charts(page.panel) if page.panel else (),
        curve=_curve(page),
        source_address=source_address,
        case_address=case_address,
        **_case_parts(console, person, (page.case, opened_from), asked.queue),
        said=said_of(console.store, read_cases(asked.done, 1), opened_from or read_queue("sources", {})),
        trail=_trail(opened_from, ("Traffic sources", "/review/sources")),
    )


@router.get("/conversions", dependencies=[Depends(allows(Action.VIEW))])
def find_conversion(request: Request, console: Here, id: str) -> Response:  # noqa: A002 - the word in the address
    """Show what was judged about one conversion, which its partner may ask about."""
    rows = console.store.decisions_of([id]).to_dicts()
    if not rows:
        raise NotFoundError(f"No scan has judged the conversion {id!r}.", remedy="Check its id.", where="id")
    row = rows[0]
    verdict = console.store.verdicts.of([id]).to_dicts()
    released = console.store.ledger.released([id]).to_dicts()
    name = SourceName(row["affiliate_id"], row["offer_id"], row["sub_id"])
    return render(request, "conversion.html", row=row, verdict=verdict, released=released, source=source_address(name))


def _case_parts(
    console: Console, person: Person, case_in: tuple[Case | None, Address | None], queue: str
) -> dict[str, Any]:
    """Return what the panel of decisions needs."""
    case, opened_from = case_in
    before = after = None
    if case is not None and opened_from is not None:
        asked = opened_from.asked
        numbers = console.store.browse.cases.beside(asked.filter(console.clock()), asked.order, case)
        before, after = (
            None if number is None else opened_from.of_case(console.store.cases.one(number)) for number in numbers
        )
    return {
        "case": case,
        "queue": queue,
        "before": before,
        "after": after,
        "decisions": DECISIONS[case.kind] if case else (),
        "may_decide": person.may(Action.DECIDE_CASES),
        "may_work": person.may(Action.WORK_CASES),
        "people": tuple(user.name for user in console.store.users.all() if user.active),
    }


def _trail(opened_from: Address | None, default: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return ((default[0], opened_from.page() if opened_from else default[1]),)


def _queue_name(kind: str) -> str:
    return "affiliates" if kind == "affiliate" else "applicants"


def _graph(page: ApplicantPage) -> charts.Graph | None:
    if len(page.ring) < 2:
        return None
    members = [(member.member, member.kind, applicant_address(member.member)) for member in page.ring]
    return charts.ring(members, [(tie.one, tie.other, tie.shared) for tie in page.ties])


def _charts(panel: Panel) -> tuple[tuple[str, charts.Chart], ...]:
    days = [day for day, *_ in panel.days]
    clicks, conversions = [day[1] for day in panel.days], [day[2] for day in panel.days]
    others = [day[3] for day in panel.days]
    hours = charts.Axis([f"{hour:02d}" for hour in range(24)], "hour (UTC)", 3)
    spans = charts.Axis([name.removeprefix("under ") for name in SPAN_NAMES], "time from click to conversion, under")
    norm = "the offer's norm"
    drawn = [
        (
            "Time from click to conversion",
            charts.shares("Time from click to conversion", spans, panel.spans, panel.norm_spans, norm),
        ),
        ("Conversions a day", charts.over_days("Conversions", days, conversions, others, panel.surges)),
        ("Clicks a day", charts.over_days("Clicks", days, clicks, (), panel.surges)),
        (
            "Conversions by hour of day",
            charts.shares("Conversions by hour", hours, panel.hours, panel.norm_hours, norm),
        ),
    ]
    if panel.rate is not None:
        drawn.append(("Rate against peers", charts.beside_peers(panel.rate, panel.peers)))
    return tuple(drawn)


def _curve(page: SourcePage) -> charts.Chart | None:
    if page.what_if is None or page.source is None:
        return None
    currency = page.held_money[0][0] if page.held_money else None
    points = [(score, float(money), clean) for score, money, clean in page.what_if.curve]
    return charts.curve(points, page.what_if.line, currency or "")
