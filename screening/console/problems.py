"""Errors as answers: one mapper from the errors of winnow to `application/problem+json` (RFC 9457) and to a page."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException

from screening.console.errors import OwnPasswordNeededError, SignInNeededError
from screening.console.rendering import render
from screening.console.sessions import Person, person_of
from screening.errors import InputError, WinnowError
from screening.jobs.signin import ThrottledError
from screening.logs import events

MEDIA_TYPE = "application/problem+json"
_FOR_PROGRAMS = ("/v1/", "/metrics", "/healthz")
_LOGIN = "/login"


class ProblemResponse(JSONResponse):
    """An error as JSON."""

    media_type = MEDIA_TYPE


def problem(error: WinnowError) -> dict[str, Any]:
    """Return the body of an error: the same words as `--json` prints, with `type`, `title` and `status`."""
    said = error.as_data()
    return {
        "type": f"urn:winnow:error:{said['error']}",
        "title": error.http_status.phrase,
        "status": int(error.http_status),
        "detail": error.cause,
        "remedy": error.remedy,
        "where": error.where,
        "retry": error.retry,
    }


def install(app: FastAPI) -> None:
    """Have the app answer every error as a problem or as a page."""
    app.add_exception_handler(WinnowError, _answer_winnow)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(DataError, _answer_unkeepable)
    app.add_exception_handler(OverflowError, _answer_unkeepable)
    app.add_exception_handler(Exception, _answer_unexpected)


async def _answer_winnow(request: Request, error: Exception) -> Response:
    assert isinstance(error, WinnowError)  # noqa: S101 - what the handler is registered for
    return answer(request, error)


async def _answer_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what the handler is registered for
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return answer(
        request, InputError(f"The request cannot be used: {first['msg']}.", remedy="Correct it.", where=where)
    )


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    return answer(request, _HttpError(error.status_code, str(error.detail)), error.headers)


async def _answer_unkeepable(request: Request, error: Exception) -> Response:
    """Answer a number that no column holds, or text with a zero character, which PostgreSQL keeps nowhere."""
    events().warning("unkeepable", error=type(error).__name__)
    refused = InputError(
        "The request holds a number that is too large, or a character that cannot be kept.",
        remedy="Check the address and what you typed.",
    )
    return answer(request, refused)


async def _answer_unexpected(request: Request, _: Exception) -> Response:
    unexpected = WinnowError("winnow failed.", remedy="The server's log says how; report it with what you did.")
    return answer(request, unexpected)


def answer(request: Request, error: WinnowError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to a request that ended with an error: JSON for programs, a page for people."""
    given = dict(headers or {})
    if isinstance(error, ThrottledError):
        given["Retry-After"] = str(error.seconds)
    status = int(error.http_status)
    if request.url.path.startswith(_FOR_PROGRAMS):
        if isinstance(error, SignInNeededError):
            given["WWW-Authenticate"] = 'Bearer realm="winnow"'
        return ProblemResponse(problem(error), status_code=status, headers=given)
    if isinstance(error, SignInNeededError):
        return RedirectResponse(_login_for(request), status_code=HTTPStatus.SEE_OTHER)
    if isinstance(error, OwnPasswordNeededError):
        return RedirectResponse("/account", status_code=HTTPStatus.SEE_OTHER)
    shown = {"error": error, "status": error.http_status, "person": _reader(request)}
    return render(request, "error.html", status_code=status, headers=given, **shown)


def _reader(request: Request) -> Person | None:
    """Return who is signed in, None also when the database, which may be what failed, does not say."""
    try:
        return getattr(request.state, "person", None) or person_of(request)
    except Exception:  # noqa: BLE001 - whatever failed, the page about it must not fail too
        return None


class _HttpError(WinnowError):
    """What the framework itself refuses, such as an unknown address."""

    def __init__(self, status: int, detail: str) -> None:
        missing = status in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
        cause = "There is no such page." if missing else f"{detail.rstrip('.')}."
        super().__init__(cause, remedy="Check the address.")
        self.http_status = HTTPStatus(status)


def _login_for(request: Request) -> str:
    if request.method != "GET":
        return _LOGIN
    path = quote(request.url.path)
    wanted = f"{path}?{request.url.query}" if request.url.query else path
    return f"{_LOGIN}?{urlencode({'next': wanted})}" if wanted != "/" else _LOGIN
