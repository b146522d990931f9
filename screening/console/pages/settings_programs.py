"""Settings of the programs around winnow: keys that may call the API, and webhooks that hear of decisions and cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from screening.console.auth import allows
from screening.console.context import Console, Here
from screening.console.pages.forms import see
from screening.console.pages.said import Said
from screening.console.rendering import render
from screening.console.sessions import Person
from screening.errors import InputError, WinnowError
from screening.jobs.keys import Scope, issue_key, revoke_key
from screening.jobs.webhooks import add_webhook, remove_webhook
from screening.review.permissions import Action
from screening.store.webhooks import EVENTS

router = APIRouter()
Viewer = Annotated[Person, Depends(allows(Action.VIEW))]
Keeper = Annotated[Person, Depends(allows(Action.MANAGE_PEOPLE))]
_DAYS_MAX = 3650
_DAYS_STANDARD = "365"
_MESSAGES_SHOWN = 10
SCOPE_MEANINGS = {
    Scope.PAYOUTS_DECIDE: "has conversions decided, which releases money",
    Scope.APPLICATIONS_WRITE: "hands in applications",
    Scope.APPLICATIONS_READ: "reads how applications were judged",
    Scope.SOURCES_READ: "reads how traffic sources were judged",
    Scope.CAPS_READ: "reads cap recommendations",
    Scope.CAPS_DECIDE: "approves and rejects caps",
    Scope.CASES_READ: "reads cases and their history",
    Scope.RUNS_READ: "reads what ran, and with what",
    Scope.METRICS_READ: "reads figures for monitoring",
}
EVENT_MEANINGS = {
    "case.opened": "something waits for a person",
    "case.changed": "somebody decided, assigned or put aside",
    "payout.decided": "a payout call of the API was decided",
}
_SAID = {
    "revoked": "Key {} is revoked. A running server may take it for a few seconds more.",
    "removed": "Webhook {} is removed, and what waited for it is dropped.",
}


class KeyForm(BaseModel):
    """What the form of a new key sends; `days` empty: it does not expire."""

    name: str = ""
    scopes: list[str] = Field(default_factory=list)
    days: str = ""


class HookForm(BaseModel):
    """What the form of a new webhook sends."""

    url: str = ""
    events: list[str] = Field(default_factory=list)


@router.get("/settings/programs")
def show_programs(request: Request, console: Here, person: Viewer, done: str = "", act: str = "") -> Response:
    """Show which programs may call, and which are told."""
    said = Said(_SAID[act].format(done)) if act in _SAID and done.isalnum() else None
    return _page(request, console, person, said=said)


@router.post("/settings/programs/keys")
def make_key(request: Request, console: Here, person: Keeper, form: Annotated[KeyForm, Form()]) -> Response:
    """Make a key and show it once."""
    now = console.clock()
    try:
        ends = _ends(form.days, now)
        issued = issue_key(console.store, form.name, form.scopes, person.name, now, expires_at=ends)
    except WinnowError as error:
        return _page(request, console, person, key_fault=error, typed_key=form)
    return _page(request, console, person, issued=issued)


@router.post("/settings/programs/keys/{key_id}/revoke")
def end_key(request: Request, console: Here, person: Keeper, key_id: str) -> Response:
    """End a key for good."""
    try:
        key = revoke_key(console.store, key_id, person.name, console.clock())
    except WinnowError as error:
        return _page(request, console, person, key_fault=error)
    return see(f"/settings/programs?{urlencode({'done': key.key_id, 'act': 'revoked'})}")


@router.post("/settings/programs/webhooks")
def make_webhook(request: Request, console: Here, person: Keeper, form: Annotated[HookForm, Form()]) -> Response:
    """Have messages sent to an address, and show once the secret that signs them."""
    try:
        added = add_webhook(console.store, form.url.strip(), form.events, person.name, console.clock(), console.vault)
    except WinnowError as error:
        return _page(request, console, person, hook_fault=error, typed_hook=form)
    return _page(request, console, person, added=added)


@router.post("/settings/programs/webhooks/{hook_id}/remove")
def end_webhook(request: Request, console: Here, person: Keeper, hook_id: str) -> Response:
    """Send no more messages there."""
    try:
        remove_webhook(console.store, hook_id, person.name, console.clock())
    except WinnowError as error:
        return _page(request, console, person, hook_fault=error)
    return see(f"/settings/programs?{urlencode({'done': hook_id, 'act': 'removed'})}")


def _page(
    request: Request,
    console: Console,
    person: Person,
    *,
    key_fault: WinnowError | None = None,
    hook_fault: WinnowError | None = None,
    **shown: Any,  # noqa: ANN401 - what the template shows beside keys and webhooks
) -> Response:
    fault, now = key_fault or hook_fault, console.clock()
    keys, hooks = console.store.keys.all(), console.store.webhooks.all()
    forms = {"typed_key": KeyForm(days=_DAYS_STANDARD), "typed_hook": HookForm()}
    standard = {"issued": None, "added": None, "said": None, **forms}
    return render(
        request,
        "settings_programs.html",
        status_code=fault.http_status if fault else HTTPStatus.OK,
        good=[key for key in keys if key.good(now)],
        ended=[key for key in reversed(keys) if not key.good(now)],
        # the path of an address is often a secret of its own: only who may change it sees it
        hooks=[
            (hook, urlsplit(hook.url).hostname, console.store.webhooks.of_hook(hook.hook_id, _MESSAGES_SHOWN))
            for hook in hooks
        ],
        scopes=SCOPE_MEANINGS,
        events={event: EVENT_MEANINGS[event] for event in EVENTS},
        days_max=_DAYS_MAX,
        may_manage=person.may(Action.MANAGE_PEOPLE),
        key_fault=key_fault,
        hook_fault=hook_fault,
        **{**standard, **shown},
    )


def _ends(days: str, now: datetime) -> datetime | None:
    """Return when a key expires, None for empty text: never."""
    text = days.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:5]) <= _DAYS_MAX:
        raise InputError(
            f"{text[:40]!r} is not a number of days.",
            remedy=f"Write a whole number from 1 to {_DAYS_MAX}, or nothing for a key that does not expire.",
            where="days",
        )
    return now + timedelta(days=int(text))
