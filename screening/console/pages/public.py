"""What strangers reach: the application form, and a partner's own page behind a token."""

from __future__ import annotations

import secrets
from collections import deque
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from screening.applicants.policy import programme_policy
from screening.console.auth import anybody
from screening.console.auth_pages import address_of
from screening.console.context import Console, Here
from screening.console.rendering import render
from screening.errors import InputError, NotFoundError, WinnowError
from screening.jobs.apply import hand_in
from screening.jobs.views.partner import affiliate_of, partner_page
from screening.review.act import AFFILIATE, Act, Person
from screening.review.appeals import Contested, open_appeal

router = APIRouter()
Text = Annotated[str, Form()]
_HOUR = timedelta(hours=1)
_LONGEST_TEXT = 5_000
_FIELDS = ("name", "email", "company", "country", "phone", "claimed_monthly_visits", "payout_account")
_LISTS = {"websites": None, "social_profiles": None, "promo_methods": ";"}
"""Fields that hold several values, by what separates them; None: any white space."""
METHODS = (
    "content",
    "coupon",
    "cashback",
    "email",
    "social",
    "search",
    "display",
    "native",
    "push",
    "app",
    "influencer",
)


class Counter:
    """Counts what came from where in the last hour. It forgets when the server stops."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[datetime]] = {}
        self._lock = Lock()

    def take(self, bucket: str, most: int, now: datetime) -> bool:
        """Count one more, and say whether that is still allowed; what is refused does not count."""
        with self._lock:
            for name in [name for name, times in self._seen.items() if times[-1] <= now - _HOUR]:
                del self._seen[name]
            times = self._seen.setdefault(bucket, deque())
            while times and times[0] <= now - _HOUR:
                times.popleft()
            if len(times) >= most:
                return False
            times.append(now)
            return True


counter = Counter()


@router.get("/apply", dependencies=[Depends(anybody)])
def application_form(request: Request, console: Here) -> Response:
    """Show the form: it asks what screening uses, and says what will be checked."""
    _demand_open(console)
    return _form(request, console, {}, None, HTTPStatus.OK)


@router.post("/apply", dependencies=[Depends(anybody)])
async def apply(request: Request, console: Here) -> Response:
    """Take an application, or show the form again with what is wrong."""
    _demand_open(console)
    form = await request.form()
    given = {name: str(form.get(name, "")).strip() for name in (*_FIELDS, *_LISTS, "consent")}
    if len("".join(given.values())) > _LONGEST_TEXT:
        fault = InputError("The form is too long.", remedy="Shorten it.", where="websites")
        return _form(request, console, {}, fault, HTTPStatus.UNPROCESSABLE_ENTITY)
    given["promo_methods"] = ";".join(str(one) for one in form.getlist("promo_methods") if str(one) in METHODS)
    if not given["consent"]:
        fault = InputError("Without your consent nothing can be checked.", remedy="Tick the box.", where="consent")
        return _form(request, console, given, fault, HTTPStatus.UNPROCESSABLE_ENTITY)
    now, limits = console.clock(), console.workspace.settings.portal
    address = f"apply {address_of(request)}"
    if not (
        counter.take(address, limits.applications_per_hour, now)
        and counter.take("apply", limits.applications_per_hour_all, now)
    ):
        return render(
            request, "too_many.html", status_code=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "3600"}
        )
    fields = _fields(given, f"WEB-{now:%Y%m%d}-{secrets.token_hex(6)}")
    try:
        with console.store.together() as records:
            handed = hand_in(console.workspace, records, fields, "application form", now)
    except InputError as error:
        return _form(request, console, given, error, HTTPStatus.UNPROCESSABLE_ENTITY)
    return render(
        request, "applied.html", application_id=handed.application.application_id, unreadable=handed.unreadable
    )


@router.get("/partner/{token}", dependencies=[Depends(anybody)])
def show_partner(request: Request, console: Here, token: str, done: str = "") -> Response:
    """Show a partner its own page."""
    now = console.clock()
    affiliate_id = affiliate_of(console.workspace, token, now)
    page = partner_page(console.workspace, console.store, affiliate_id, now)
    return render(
        request, "partner.html", page=page, token=token, person=None, contested=done == "contested", fault=None
    )


@router.post("/partner/{token}/appeal", dependencies=[Depends(anybody)])
def contest(request: Request, console: Here, token: str, subject: Text, statement: Text) -> Response:
    """Take a partner's appeal about one of its own sources."""
    now = console.clock()
    affiliate_id = affiliate_of(console.workspace, token, now)
    if not counter.take(f"appeal {affiliate_id}", console.workspace.settings.portal.appeals_per_hour, now):
        return render(
            request, "too_many.html", status_code=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "3600"}
        )
    act = Act(Person(affiliate_id, AFFILIATE), now, statement.strip()[:_LONGEST_TEXT])
    try:
        open_appeal(console.store, Contested("source", subject, affiliate_id), act, console.workspace.settings.review)
    except WinnowError as error:
        page = partner_page(console.workspace, console.store, affiliate_id, now)
        return render(
            request,
            "partner.html",
            status_code=error.http_status,
            page=page,
            token=token,
            person=None,
            contested=False,
            fault=error,
        )
    return RedirectResponse(f"/partner/{token}?done=contested", status_code=HTTPStatus.SEE_OTHER)


def _form(request: Request, console: Console, given: dict[str, str], fault: InputError | None, status: int) -> Response:
    policy = programme_policy(console.workspace.settings.policy, console.workspace.root)
    methods = policy.allowed_methods or METHODS
    programme = console.workspace.settings.notices.programme
    return render(
        request,
        "apply.html",
        status_code=status,
        given=given,
        fault=fault,
        methods=methods,
        programme=programme,
        person=None,
    )


def _fields(given: dict[str, str], application_id: str) -> dict[str, object]:
    fields: dict[str, object] = {name: given[name] for name in _FIELDS if given[name]}
    fields |= {name: given[name].split(between) for name, between in _LISTS.items() if given[name]}
    return {**fields, "application_id": application_id}


def _demand_open(console: Console) -> None:
    if not console.workspace.settings.portal.open:
        raise NotFoundError("This programme takes no applications here.", remedy="Ask the programme how to apply.")
