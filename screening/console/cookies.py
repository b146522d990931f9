"""The cookies: all HttpOnly and SameSite=Lax, and over TLS with the prefix that binds them to this host."""

from __future__ import annotations

from enum import StrEnum

from fastapi import Request, Response

from screening.console.context import Console, console_of


class Cookie(StrEnum):
    """The cookies there are, by name."""

    SESSION = "winnow-session"
    """Token of a session."""
    DEVICE = "winnow-device"
    """Token of a browser that signed in before."""
    VISITOR = "winnow-visitor"
    """Token of a browser that is not signed in; forms are bound to it."""
    THEME = "winnow-theme"
    """`light` or `dark`; absent: as the system says."""


def name_of(cookie: Cookie, console: Console) -> str:
    """Return the cookie's name as sent. `__Host-` makes browsers refuse it from other hosts and without TLS."""
    return f"__Host-{cookie}" if console.https else str(cookie)


def read_cookie(request: Request, cookie: Cookie) -> str | None:
    """Return the value that the browser sent, None: none."""
    return request.cookies.get(name_of(cookie, console_of(request)))


def give_cookie(response: Response, console: Console, cookie: Cookie, value: str, seconds: int | None) -> None:
    """Have the browser keep a value for so long; None: until it is closed."""
    response.set_cookie(
        name_of(cookie, console),
        value,
        max_age=seconds,
        path="/",
        secure=console.https,
        httponly=True,
        samesite="lax",
    )


def take_cookie(response: Response, console: Console, cookie: Cookie) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(name_of(cookie, console), path="/", secure=console.https, httponly=True, samesite="lax")
