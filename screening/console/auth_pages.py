"""Signing in and out, and the choice of colours."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from screening.console.auth import anybody
from screening.console.context import Console, Here
from screening.console.cookies import Cookie, give_cookie, read_cookie, take_cookie
from screening.console.rendering import THEMES, render
from screening.console.sessions import person_of
from screening.errors import DeniedError
from screening.jobs.signin import Attempt, sign_in
from screening.jobs.signin import SignedIn as Opened
from screening.store import AuditEvent

router = APIRouter()
_DAY = 24 * 60 * 60
_THEME_SECONDS = 365 * _DAY

Text = Annotated[str, Form()]


@router.get("/login", dependencies=[Depends(anybody)])
def login_form(request: Request, next: str = "/") -> Response:  # noqa: A002 - the word in the address
    """Show the form, or go on when somebody is signed in."""
    if person_of(request) is not None:
        return RedirectResponse(own_path(next), status_code=HTTPStatus.SEE_OTHER)
    return render(request, "login.html", next=own_path(next), name="", refusal=None)


@router.post("/login", dependencies=[Depends(anybody)])
def login(
    request: Request,
    console: Here,
    name: Text,
    password: Text,
    code: Text = "",
    next: Text = "/",  # noqa: A002 - the word in the address
) -> Response:
    """Open a session, or show the form again with one sentence that says neither what was wrong nor who exists."""
    attempt = Attempt(
        name=name,
        password=password,
        code=code,
        address=address_of(request),
        agent=request.headers.get("User-Agent", ""),
        device=read_cookie(request, Cookie.DEVICE),
    )
    try:
        opened = sign_in(console.store, console.settings.login, attempt, console.clock(), console.vault)
    except DeniedError as error:
        status = HTTPStatus.TOO_MANY_REQUESTS if error.retry else HTTPStatus.UNAUTHORIZED
        return render(request, "login.html", status_code=status, next=own_path(next), name=name, refusal=error)
    response = RedirectResponse(own_path(next), status_code=HTTPStatus.SEE_OTHER)
    _end(console, read_cookie(request, Cookie.SESSION))
    _give_session(response, console, opened)
    return response


@router.post("/logout", dependencies=[Depends(anybody)])
def logout(request: Request, console: Here) -> Response:
    """End this session."""
    person = person_of(request)
    if person is not None:
        console.store.sessions.close(person.session.token_hash)
        console.store.audit.append(AuditEvent(console.clock(), person.name, "sign out", f"user {person.name}", {}))
    response = RedirectResponse("/login", status_code=HTTPStatus.SEE_OTHER)
    take_cookie(response, console, Cookie.SESSION)
    return response


@router.post("/theme", dependencies=[Depends(anybody)])
def choose_theme(console: Here, theme: Text, back: Text = "/") -> Response:
    """Remember the colours that this browser wants; any word but `light` and `dark` means: as the system says."""
    response = RedirectResponse(own_path(back), status_code=HTTPStatus.SEE_OTHER)
    if theme in THEMES:
        give_cookie(response, console, Cookie.THEME, theme, _THEME_SECONDS)
    else:
        take_cookie(response, console, Cookie.THEME)
    return response


def own_path(wanted: str) -> str:
    """Return an address to go on to that is surely on this console: anything else is the first page."""
    plain = wanted.isascii() and wanted.isprintable() and "\\" not in wanted
    return wanted if plain and wanted.startswith("/") and not wanted.startswith("//") else "/"


def address_of(request: Request) -> str:
    """Return the caller's address; behind a trusted proxy, the one that the proxy saw."""
    return request.client.host if request.client else "unknown"


def _end(console: Console, token: str | None) -> None:
    session = None if token is None else console.store.sessions.one(token)
    if session is not None:
        console.store.sessions.close(session.token_hash)


def _give_session(response: Response, console: Console, opened: Opened) -> None:
    settings = console.settings.login
    give_cookie(response, console, Cookie.SESSION, opened.token, round(settings.session_hours * 60 * 60))
    give_cookie(response, console, Cookie.DEVICE, opened.device, settings.device_days * _DAY)
    take_cookie(response, console, Cookie.VISITOR)
