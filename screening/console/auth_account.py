"""A person's own account: password, one-time codes, and where they are signed in."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from screening.console.auth import allows
from screening.console.context import Console, Here
from screening.console.rendering import render
from screening.console.sessions import Person, ended
from screening.errors import DeniedError, InputError
from screening.jobs.signin import confirm_password, is_code_of
from screening.jobs.users import People, enrolment_uri, new_secret
from screening.review.permissions import Action
from screening.store import AuditEvent

router = APIRouter()
Own = Annotated[Person, Depends(allows(Action.VIEW))]
Text = Annotated[str, Form()]
_SECRET = re.compile(r"[A-Z2-7]{32}")
"""160 bits in base 32, as RFC 4226 recommends."""


@router.get("/account")
def show_account(request: Request, console: Here, person: Own) -> Response:
    """Show the account."""
    return _page(request, console, person)


@router.post("/account/password")
def change_password(request: Request, console: Here, person: Own, password: Text, new: Text, again: Text) -> Response:
    """Take another password than the one that was; the person signs in anew everywhere."""
    try:
        confirm_password(console.store, console.settings.login, person.name, password, console.clock())
        _demand_another(password, new, again)
        _people(console, person).set_password(person.name, new)
    except (InputError, DeniedError) as error:
        return _page(request, console, person, fault=_unthrottled(error))
    return _to_login()


@router.post("/account/codes/begin")
def begin_codes(request: Request, console: Here, person: Own) -> Response:
    """Show a new secret as a QR code; nothing changes before a code of it was typed."""
    return _page(request, console, person, secret=new_secret())


@router.post("/account/codes")
def use_codes(request: Request, console: Here, person: Own, password: Text, secret: Text, code: Text) -> Response:
    """Ask for one-time codes of the secret from now on; the person signs in anew everywhere."""
    if not _SECRET.fullmatch(secret):
        raise InputError("The form was sent without its secret.", remedy="Begin again.", where="secret")
    try:
        confirm_password(console.store, console.settings.login, person.name, password, console.clock())
        _demand_code(console, secret, code)
        _people(console, person).enrol(person.name, secret)
    except (InputError, DeniedError) as error:
        return _page(request, console, person, secret, fault=_unthrottled(error))
    return _to_login()


@router.post("/account/codes/off")
def stop_codes(request: Request, console: Here, person: Own, password: Text) -> Response:
    """Ask for one-time codes no longer; the person signs in anew everywhere."""
    try:
        confirm_password(console.store, console.settings.login, person.name, password, console.clock())
    except DeniedError as error:
        return _page(request, console, person, fault=_unthrottled(error))
    _people(console, person).enrol(person.name, None)
    return _to_login()


@router.post("/account/sessions/end")
def end_sessions(console: Here, person: Own) -> Response:
    """Sign out everywhere, here too; the browsers used so far count as unknown again."""
    with console.store.together() as records:
        records.sessions.close_all(person.name)
        event = AuditEvent(console.clock(), person.name, "sign out everywhere", f"user {person.name}", {})
        records.audit.append(event)
    return _to_login()


def _demand_another(password: str, new: str, again: str) -> None:
    if new != again:
        raise InputError("The two new passwords differ.", remedy="Type the same twice.", where="password")
    if new == password:
        raise InputError("This is the password that you have.", remedy="Choose another.", where="password")


def _demand_code(console: Console, secret: str, code: str) -> None:
    if not is_code_of(secret, code, console.clock()):
        raise InputError("This code does not belong to the QR code.", remedy="Type the next one.", where="code")


def _unthrottled(error: InputError | DeniedError) -> InputError | DeniedError:
    """Return the error to show on the page. Raises it when it was one try too many: that has an answer of its own."""
    if error.retry:
        raise error
    return error


def _page(
    request: Request,
    console: Console,
    person: Person,
    secret: str = "",
    *,
    fault: InputError | DeniedError | None = None,
) -> Response:
    now = console.clock()
    sessions = [
        session
        for session in console.store.sessions.of_user(person.name)
        if not ended(session, console.settings.login, now)
    ]
    drawn = segno.make(enrolment_uri(person.name, secret)).svg_data_uri(scale=5, light="white") if secret else ""
    return render(
        request,
        "account.html",
        status_code=fault.http_status if fault else HTTPStatus.OK,
        fault=fault,
        sessions=sessions,
        here=person.session.token_hash,
        given=person.session.user.password_until,
        has_codes=person.session.user.totp_secret is not None,
        secret=secret,
        drawn=drawn,
        letters_min=console.settings.login.password_letters_min,
    )


def _people(console: Console, person: Person) -> People:
    return People(console.store, console.settings.login, person.name, console.clock(), console.vault)


def _to_login() -> Response:
    return RedirectResponse("/login", status_code=HTTPStatus.SEE_OTHER)
