"""What strangers reach: the application form, and a partner's own page behind a token."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from threading import Lock
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from screening.applicants.policy import programme_policy
from screening.console.auth import anybody
from screening.console.auth_pages import address_of
from screening.console.context import Console, Here
from screening.console.rendering import render
from screening.errors import NotFoundError, WinnowError
from screening.jobs.apply import hand_in, problems_of
from screening.jobs.views.partner import affiliate_of, partner_page
from screening.review.act import AFFILIATE, Act, Person
from screening.review.appeals import Contested, open_appeal

router = APIRouter()
Text = Annotated[str, Form()]
_HOUR = timedelta(hours=1)
_LATER = {"Retry-After": "3600"}
_LONGEST_TEXT = 5_000
_WORD_SHOWN = 80
_ONE_A_LINE = "Write one address a line, such as https://example.com."
_UNREADABLE = {"country": "is no country's code", "phone": "is no telephone number"}
"""In words for applicants, where what reads the field speaks of standards."""
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
    return _form(request, console, {})


@router.post("/apply", dependencies=[Depends(anybody)])
async def apply(request: Request, console: Here) -> Response:
    """Take an application, or show the form again with what is wrong."""
    _demand_open(console)
    form = await request.form()
    given = {name: str(form.get(name, "")).strip() for name in (*_FIELDS, *_LISTS, "consent")}
    given["promo_methods"] = ";".join(str(one) for one in form.getlist("promo_methods") if str(one) in METHODS)
    now, limits = console.clock(), console.workspace.settings.portal
    fields = _fields(given, f"WEB-{now:%Y%m%d}-{secrets.token_hex(6)}")
    faults = _faults(console, given, fields, now)
    if faults:
        return _form(request, console, given, faults)
    address = f"apply {address_of(request)}"
    if not (
        counter.take(address, limits.applications_per_hour, now)
        and counter.take("apply", limits.applications_per_hour_all, now)
    ):
        return _form(request, console, given, limited=True)
    with console.store.together() as records:
        handed = hand_in(console.workspace, records, fields, "application form", now)
    return render(request, "applied.html", application_id=handed.application.application_id)


@router.get("/partner/{token}", dependencies=[Depends(anybody)])
def show_partner(request: Request, console: Here, token: str, done: str = "") -> Response:
    """Show a partner its own page."""
    now = console.clock()
    affiliate_id = affiliate_of(console.workspace, token, now)
    return _partner(request, console, (token, affiliate_id), contested=done == "contested")


@router.post("/partner/{token}/appeal", dependencies=[Depends(anybody)])
def contest(request: Request, console: Here, token: str, subject: Text, statement: Text) -> Response:
    """Take a partner's appeal about one of its own sources."""
    now = console.clock()
    affiliate_id = affiliate_of(console.workspace, token, now)
    typed = (subject, statement[:_LONGEST_TEXT])
    if not counter.take(f"appeal {affiliate_id}", console.workspace.settings.portal.appeals_per_hour, now):
        return _partner(request, console, (token, affiliate_id), fault=_TooManyAppealsError(), typed=typed)
    act = Act(Person(affiliate_id, AFFILIATE), now, statement.strip()[:_LONGEST_TEXT])
    try:
        open_appeal(console.store, Contested("source", subject, affiliate_id), act, console.workspace.settings.review)
    except WinnowError as error:
        return _partner(request, console, (token, affiliate_id), fault=error, typed=typed)
    return RedirectResponse(f"/partner/{token}?done=contested", status_code=HTTPStatus.SEE_OTHER)


class _TooManyAppealsError(WinnowError):
    """The partner's page sent more appeals than are taken in an hour."""

    http_status = HTTPStatus.TOO_MANY_REQUESTS
    retry = True

    def __init__(self) -> None:
        super().__init__("More appeals came from here than are taken in an hour.", remedy="Send it again in an hour.")


def _partner(
    request: Request,
    console: Console,
    whose: tuple[str, str],
    *,
    contested: bool = False,
    fault: WinnowError | None = None,
    typed: tuple[str, str] = ("", ""),
) -> Response:
    """Show a partner's page; `whose` is its token and the affiliate, `typed` the subject and statement to keep."""
    token, affiliate_id = whose
    limited = fault is not None and fault.http_status == HTTPStatus.TOO_MANY_REQUESTS
    return render(
        request,
        "partner.html",
        status_code=fault.http_status if fault else HTTPStatus.OK,
        headers=_LATER if limited else None,
        page=partner_page(console.workspace, console.store, affiliate_id, console.clock()),
        token=token,
        person=None,
        contested=contested,
        fault=fault,
        typed=typed,
    )


def _form(
    request: Request,
    console: Console,
    given: dict[str, str],
    faults: Mapping[str, str] = MappingProxyType({}),
    *,
    limited: bool = False,
) -> Response:
    """Show the form with what was typed: `faults` says of which fields what is wrong, `limited` that it is too many."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
    policy = programme_policy(console.workspace.settings.policy, console.workspace.root)
    methods = policy.allowed_methods or METHODS
    programme = console.workspace.settings.notices.programme
    return render(
        request,
        "apply.html",
        status_code=HTTPStatus.TOO_MANY_REQUESTS if limited else status,
        headers=_LATER if limited else None,
        given=given,
        faults=faults,
        limited=limited,
        methods=methods,
        programme=programme,
        person=None,
    )


def _faults(console: Console, given: dict[str, str], fields: dict[str, object], now: datetime) -> dict[str, str]:
    """Return what is wrong with each field, in words for who filled it in; empty: nothing."""
    if len("".join(given.values())) > _LONGEST_TEXT:
        return {"websites": "All that you entered is too long. Name your main websites and profiles only."}
    faults: dict[str, str] = {}
    for problem in problems_of(console.workspace, fields, now):
        said = _UNREADABLE.get(problem.field, problem.problem.rstrip("."))
        # a sentence stands for itself; "is not a number" needs what it is about
        whole = said if said[:1].isupper() else f"“{problem.value}” {said}" if problem.value else f"This {said}"
        faults.setdefault(problem.field, f"{whole}. {problem.remedy}")
    bare = [word for word in given["websites"].split() if "." not in word]
    if bare:
        faults.setdefault("websites", f"“{bare[0][:_WORD_SHOWN]}” is no web address. {_ONE_A_LINE}")
    if not given["consent"]:
        faults["consent"] = "Without your consent nothing can be checked."
    return faults


def _fields(given: dict[str, str], application_id: str) -> dict[str, object]:
    fields: dict[str, object] = {name: given[name] for name in _FIELDS if given[name]}
    fields |= {name: given[name].split(between) for name, between in _LISTS.items() if given[name]}
    return {**fields, "application_id": application_id}


def _demand_open(console: Console) -> None:
    if not console.workspace.settings.portal.open:
        raise NotFoundError("This programme takes no applications here.", remedy="Ask the programme how to apply.")
