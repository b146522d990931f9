"""From the session cookie to the person who is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request

from screening.console.context import Console, console_of
from screening.console.cookies import Cookie, read_cookie
from screening.review.permissions import Action, may
from screening.settings.console import LoginSettings
from screening.store import Session

_SEEN_EVERY = timedelta(minutes=1)
"""A session's last use is written down this often at most, so that looking at pages is not writing."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in, as they are now: a changed role or a disabled account counts at once."""

    name: str
    role: str
    session: Session

    def may(self, action: Action) -> bool:
        """Say whether the person's role allows that."""
        return may(self.role, action)


def person_of(request: Request) -> Person | None:
    """Return who sent the request, None: nobody who is signed in. Notes that the session was used."""
    token = read_cookie(request, Cookie.SESSION)
    return None if token is None else person_of_token(console_of(request), token)


def person_of_token(console: Console, token: str) -> Person | None:
    """Return the person of a session token, None: expired, ended, disabled or never there."""
    session = console.store.sessions.one(token)
    now = console.clock()
    if session is None or not session.user.active or ended(session, console.settings.login, now):
        return None
    if now - session.seen_at > _SEEN_EVERY:
        console.store.sessions.see(session.token_hash, now)
    return Person(session.user.name, session.user.role, session)


def ended(session: Session, settings: LoginSettings, now: datetime) -> bool:
    """Say whether a session is too old, or was not used for too long."""
    return now >= session.expires_at or now - session.seen_at >= timedelta(minutes=settings.idle_minutes)
