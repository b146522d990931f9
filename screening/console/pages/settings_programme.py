"""Settings of the programme: its policy, how long things are kept, and its connections to networks and mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from screening.applicants.policy import Policy, programme_policy
from screening.console.auth import allows
from screening.console.context import Console, Here
from screening.console.pages.forms import Fields, given, see
from screening.console.pages.said import Said
from screening.console.rendering import render
from screening.console.sessions import Person
from screening.errors import InputError, NotFoundError, WinnowError
from screening.jobs.connections import KINDS, Connection, Wanted, change_connection, connections
from screening.jobs.settings_change import (
    Edit,
    SettingsDesk,
    fixed_by,
    values_of,
    version_of,
    version_of_policy,
)
from screening.review.permissions import Action
from screening.settings import Loaded, Settings, descriptions
from screening.settings.retention import RetentionSettings

router = APIRouter()
Viewer = Annotated[Person, Depends(allows(Action.VIEW))]
Editor = Annotated[Person, Depends(allows(Action.CHANGE_PROGRAMME))]
_DAYS = tuple(f"retention.{name}" for name in RetentionSettings.model_fields)
_DESCRIBED = {item.key: item for item in descriptions(Settings)}
_SWITCHES = frozenset({"networks.everflow.pull"})
_NUMBERS = frozenset({"notices.smtp.port"})
_ENTRY_LETTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Came:
    """What a form came to: what was typed and is wrong (`fault`, of the part `about`), or what was done (`said`)."""

    typed: Mapping[str, Any] | None = None
    fault: WinnowError | None = None
    about: str = ""
    said: Said | None = None


@router.get("/settings/policy")
def show_policy(request: Request, console: Here, person: Viewer, done: str = "") -> Response:
    """Show the policy, clause by clause."""
    return _policy_page(request, console, person, Came(said=_said("policy", done)))


@router.post("/settings/policy")
def change_policy(request: Request, console: Here, person: Editor, fields: Fields) -> Response:
    """Change clauses of the policy."""
    typed = {name: _entries(fields.get(name, "")) for name in Policy.model_fields}
    try:
        for name in Policy.model_fields:
            given(fields, name)
        _demand_short(typed)
        changed = _editing(console, person).change_policy(typed, fields.get("seen", ""))
    except WinnowError as error:
        return _policy_page(request, console, person, Came(typed, error))
    return see(f"/settings/policy?done={','.join(changed) or 'nothing'}")


@router.get("/settings/retention")
def show_retention(request: Request, console: Here, person: Viewer, done: str = "") -> Response:
    """Show how long what is kept."""
    return _retention_page(request, console, person, Came(said=_said("retention", done)))


@router.post("/settings/retention")
def change_retention(request: Request, console: Here, person: Editor, fields: Fields) -> Response:
    """Change how long what is kept; the next purge goes by it."""
    typed = {key: fields.get(key, "").strip() for key in _DAYS}
    try:
        values = {key: _whole(key, text) for key, text in typed.items()}
        changed = _editing(console, person).change(Edit("retention", values, fields.get("seen", "")))
    except WinnowError as error:
        return _retention_page(request, console, person, Came(typed, error))
    return see(f"/settings/retention?done={','.join(changed) or 'nothing'}")


@router.get("/settings/connections")
def show_connections(request: Request, console: Here, person: Viewer, done: str = "") -> Response:
    """Show where winnow connects to, and since when each secret is set."""
    return _connections_page(request, console, person, Came(said=_said("connection", done)))


@router.post("/settings/connections/{name}")
def edit_connection(request: Request, console: Here, person: Editor, name: str, fields: Fields) -> Response:
    """Change where a connection leads, or its secret."""
    if name not in KINDS:
        raise NotFoundError(f"There is no connection {name!r}.", remedy=f"Choose one of {', '.join(KINDS)}.")
    try:
        values = _values(console.workspace.loaded, KINDS[name].keys, fields)
        wanted = Wanted(values, fields.get("seen", ""), fields.get("secret", ""), fields.get("remove") == "yes")
        changed = change_connection(_editing(console, person), name, wanted)
    except WinnowError as error:
        return _connections_page(request, console, person, Came(fields, error, about=name))
    return see(f"/settings/connections?done={','.join(changed) or 'nothing'}")


def _policy_page(request: Request, console: Console, person: Person, came: Came) -> Response:
    desk = _desk(console, person)
    section, policy, unreadable = None, None, None
    try:
        section = desk.loaded().settings.policy
        policy = programme_policy(section, console.workspace.root)
    except WinnowError as error:
        unreadable = error
    stored = {name: list(entries) for name, entries in policy.model_dump().items()} if policy else {}
    return _render(
        request,
        person,
        "settings_policy.html",
        came,
        stored=stored,
        shown=came.typed or stored,
        seen=version_of_policy(policy) if policy else "",
        file=section.file if section else "",
        fixed={} if section and section.file else fixed_by(console.workspace.loaded, _policy_keys()),
        unreadable=unreadable,
    )


def _retention_page(request: Request, console: Console, person: Person, came: Came) -> Response:
    loaded = console.workspace.loaded
    stored = values_of(loaded, _DAYS)
    return _render(
        request,
        person,
        "settings_retention.html",
        came,
        items=[_DESCRIBED[key] for key in _DAYS],
        stored=stored,
        shown=came.typed or stored,
        seen=version_of(stored),
        fixed=fixed_by(loaded, _DAYS),
    )


def _connections_page(request: Request, console: Console, person: Person, came: Came) -> Response:
    found: tuple[Connection, ...] = connections(console.workspace, console.live.environment)
    return _render(
        request,
        person,
        "settings_connections.html",
        came,
        connections=found,
        choices=_CHOICES,
        typed=came.typed or {},
        switches=_SWITCHES,
    )


def _render(request: Request, person: Person, template: str, came: Came, **shown: Any) -> Response:  # noqa: ANN401 - whatever the template shows
    return render(
        request,
        template,
        status_code=came.fault.http_status if came.fault else HTTPStatus.OK,
        may_change=person.may(Action.CHANGE_PROGRAMME),
        fault=came.fault,
        about=came.about,
        said=came.said,
        **shown,
    )


_CHOICES = {
    "networks.push.to": ("none", "file", "everflow"),
    "notices.transport": ("files", "smtp"),
    "notices.smtp.security": ("starttls", "tls", "none"),
}


def _desk(console: Console, person: Person) -> SettingsDesk:
    return SettingsDesk(console.workspace.root, console.live.environment, console.store, person.name, console.clock())


def _editing(console: Console, person: Person) -> SettingsDesk:
    """Return the desk for a change. Raises what is wrong with the settings file: a change would build on something else
    than what holds."""
    desk = _desk(console, person)
    if console.fault is not None:
        raise console.fault
    return desk


def _policy_keys() -> tuple[str, ...]:
    return tuple(f"policy.{name}" for name in Policy.model_fields)


def _entries(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _demand_short(typed: Mapping[str, list[str]]) -> None:
    for name, entries in typed.items():
        if any(len(entry) > _ENTRY_LETTERS_MAX or not entry.isprintable() for entry in entries):
            raise InputError(
                f"An entry of {name.replace('_', ' ')} is too long or not plain text.",
                remedy=f"Write one entry a line, of at most {_ENTRY_LETTERS_MAX} letters.",
                where=name,
            )


def _values(loaded: Loaded, keys: tuple[str, ...], fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form says; a key that a variable sets may lack, as browsers do not send what cannot be changed."""
    fixed = values_of(loaded, tuple(fixed_by(loaded, keys)))
    return {key: fixed[key] if key in fixed and key not in fields else _value(key, fields) for key in keys}


def _value(key: str, fields: Mapping[str, str]) -> Any:  # noqa: ANN401 - a settings value of any type
    if key in _SWITCHES:
        return fields.get(key) == "yes"
    text = given(fields, key).strip()
    return _whole(key, text) if key in _NUMBERS else text


def _whole(key: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InputError(f"{text[:40]!r} is no whole number.", remedy=f"Allowed: {_DESCRIBED[key].allowed}.", where=key)
    return int(text)


def _said(what: str, done: str) -> Said | None:
    """Say at the top of the page what was changed; the address may hold anything, so that only known words count."""
    known = {*_DESCRIBED, *Policy.model_fields, "secret"}
    names = [name.rpartition(".")[2].replace("_", " ") for name in done.split(",") if name in known]
    if done == "nothing":
        return Said("Nothing was changed: it was so already.")
    return Said(f"Kept. Changed in the {what}: {', '.join(names)}.") if names else None
