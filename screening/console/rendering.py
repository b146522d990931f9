"""Pages: Jinja2 templates that escape everything, with what each page needs beside its own content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from screening.console.context import console_of
from screening.console.cookies import Cookie, give_cookie, read_cookie
from screening.console.csrf import secret_of, token_for
from screening.console.sessions import person_of
from screening.jobs.signin import token
from screening.review.permissions import Action

_HERE = Path(__file__).resolve().parent
STATIC = _HERE / "static"
_DIGEST_LETTERS = 12
THEMES = ("light", "dark")
_PUBLIC = ("/apply", "/partner/")
"""Beginnings of the addresses that strangers open: their pages lead nowhere else."""

environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def render(
    request: Request,
    template: str,
    *,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,  # noqa: ANN401 - whatever the template shows
) -> HTMLResponse:
    """Return a page: the template with `context`, and beside it

    `person` (None: nobody is signed in), `csrf` for the hidden field of that name in every form, `theme` (`light`,
    `dark`, or empty: as the system says), `said` (a message at the top, None: none), `path`, `public` (a page for
    strangers, which leads nowhere else) and `now`. A `person` in `context` is taken without a look at the database.
    """
    console = console_of(request)
    if "person" not in context:
        context["person"] = getattr(request.state, "person", None) or person_of(request)
    secret = secret_of(request)
    visitor = None if secret else token()
    chosen = read_cookie(request, Cookie.THEME)
    page = environment.get_template(template).render(
        {
            "csrf": token_for(secret or visitor or ""),
            "theme": chosen if chosen in THEMES else "",
            "said": None,
            "path": request.url.path,
            "public": request.url.path.startswith(_PUBLIC),
            "now": console.clock(),
            **context,
        }
    )
    response = HTMLResponse(page, status_code=status_code, headers=dict(headers or {}))
    if visitor is not None:
        give_cookie(response, console, Cookie.VISITOR, visitor, None)
    return response


def static_url(name: str) -> str:
    """Return the address of a file in static/; it changes with its content, so that browsers may keep it for ever."""
    return f"/static/{name}?v={_version(name)}"


environment.globals["static_url"] = static_url
environment.globals["Action"] = Action


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:_DIGEST_LETTERS]
