"""Settings of who may come in and of the reference lists."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.responses import Response

from screening.console.auth import allows
from screening.console.context import Console, Here
from screening.console.pages.forms import Fields, see
from screening.console.pages.said import Said
from screening.console.rendering import render
from screening.console.sessions import Person
from screening.errors import WinnowError
from screening.jobs.lists import Upload, upload_list
from screening.jobs.progress import plain_progress
from screening.jobs.users import People, version_of
from screening.jobs.views.lists import list_ages
from screening.review.permissions import Action, Role
from screening.traffic.lists_import import CLASSES_BY_NAME, FORMATS, Imported

router = APIRouter()
Viewer = Annotated[Person, Depends(allows(Action.VIEW))]
Keeper = Annotated[Person, Depends(allows(Action.MANAGE_PEOPLE))]
Editor = Annotated[Person, Depends(allows(Action.CHANGE_PROGRAMME))]
Text = Annotated[str, Form()]
_REFUSED_SHOWN = 100
_ACTS = {
    "role": "has another role and signs in anew.",
    "disable": "is kept out.",
    "enable": "may come in again.",
    "codes": "signs in with the password alone until one-time codes are set up again.",
}


@router.get("/settings")
def show_people(request: Request, console: Here, person: Viewer, done: str = "", act: str = "") -> Response:
    """Show who may come in, as what."""
    said = Said(f"{done} {_ACTS[act]}") if act in _ACTS and console.store.users.one(done) else None
    return _people_page(request, console, person, said=said)


@router.post("/settings/people")
def add_person(request: Request, console: Here, person: Keeper, name: Text, role: Text) -> Response:
    """Add somebody with a password that is shown once and that they change at first."""
    try:
        given = _people(console, person).invite(name, role)
    except WinnowError as error:
        return _people_page(request, console, person, fault=error, typed=name)
    return _people_page(request, console, person, given=given)


@router.post("/settings/people/change")
def change_person(request: Request, console: Here, person: Keeper, fields: Fields) -> Response:
    """Do something about somebody: another role, keep out, let in, a new password, no more one-time codes."""
    name, act = fields.get("name", ""), fields.get("act", "")
    people = _people(console, person, fields.get("seen", ""))
    acts = {
        "role": lambda: people.set_role(name, fields.get("role", "")),
        "disable": lambda: people.disable(name),
        "enable": lambda: people.enable(name),
        "codes": lambda: people.remove_codes(name),
    }
    try:
        if act == "password":
            return _people_page(request, console, person, given=people.give_password(name))
        changed = acts[act]() if act in acts else None
    except WinnowError as error:
        return _people_page(request, console, person, fault=error)
    return see(f"/settings?{urlencode({'done': changed.name, 'act': act})}" if changed else "/settings")


@router.get("/settings/lists")
def show_lists(request: Request, console: Here, person: Viewer) -> Response:
    """Show the reference lists with their age."""
    return _lists_page(request, console, person)


@router.post("/settings/lists")
def take_list(request: Request, console: Here, person: Editor, file: UploadFile, fields: Fields) -> Response:
    """Import an uploaded file as the new version of a list, and say which of its lines could not be used."""
    upload = Upload(
        name=fields.get("name", "").strip(),
        stream=file.file,
        known_as=file.filename or "",
        file_format=fields.get("file_format", "auto"),
        named_class=fields.get("named_class") or None,
        seen=fields.get("seen", ""),
    )
    try:
        imported = upload_list(console.workspace, upload, person.name, console.clock(), plain_progress(lambda _: None))
    except WinnowError as error:
        return _lists_page(request, console, person, fault=error, typed=upload)
    return _lists_page(request, console, person, imported=imported)


def _people_page(
    request: Request,
    console: Console,
    person: Person,
    *,
    fault: WinnowError | None = None,
    **shown: Any,  # noqa: ANN401 - what the template shows beside the people
) -> Response:
    return render(
        request,
        "settings_people.html",
        status_code=fault.http_status if fault else HTTPStatus.OK,
        people=[(user, version_of(user)) for user in console.store.users.all()],
        roles=tuple(Role),
        may_manage=person.may(Action.MANAGE_PEOPLE),
        fault=fault,
        **{"given": None, "typed": "", "said": None, **shown},
    )


def _lists_page(
    request: Request,
    console: Console,
    person: Person,
    *,
    imported: Imported | None = None,
    fault: WinnowError | None = None,
    typed: Upload | None = None,
) -> Response:
    settings = console.workspace.settings.lists
    return render(
        request,
        "settings_lists.html",
        status_code=fault.http_status if fault else HTTPStatus.OK,
        lists=list_ages(console.workspace, console.clock()),
        stale_after=settings.max_age_days,
        bytes_max=settings.upload_bytes_max,
        formats=tuple(str(name) for name in FORMATS),
        classes=tuple(CLASSES_BY_NAME),
        may_change=person.may(Action.CHANGE_PROGRAMME),
        imported=imported,
        refused=imported.refused[:_REFUSED_SHOWN] if imported else (),
        fault=fault,
        typed=typed,
    )


def _people(console: Console, person: Person, seen: str | None = None) -> People:
    return People(console.store, console.settings.login, person.name, console.clock(), console.vault, seen)
