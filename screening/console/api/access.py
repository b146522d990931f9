"""Which program calls, by the key in `Authorization: Bearer`, and whether its scopes allow it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from screening.console.context import Console, console_of
from screening.console.errors import SignInNeededError
from screening.errors import DeniedError
from screening.jobs.keys import Scope, key_of
from screening.store import ApiKey

_MOST_KEPT = 10_000
"""Keys remembered at most; beyond it all are asked for again."""
_bearer = HTTPBearer(auto_error=False, scheme_name="API key", description="`winnow keys issue` makes one.")


@dataclass(frozen=True, slots=True)
class Caller:
    """The program that calls."""

    key_id: str
    name: str

    @property
    def actor(self) -> str:
        """Under which name its acts are recorded."""
        return f"key {self.key_id} ({self.name})"


@dataclass(slots=True)
class KnownKeys:
    """Keys found good a moment ago, so that not every call asks the database."""

    seconds: float
    _kept: dict[bytes, tuple[ApiKey, datetime]] = field(default_factory=dict)

    async def find(self, console: Console, token: str) -> ApiKey | None:
        """Return the good key of a token, None for any other text."""
        name, now = hashlib.sha256(token.encode()).digest(), console.clock()
        kept = self._kept.get(name)
        if kept is not None and now < kept[1] and kept[0].good(now):
            return kept[0]
        key = await run_in_threadpool(key_of, console.store, token, now)
        if key is not None and self.seconds > 0:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[name] = key, now + timedelta(seconds=self.seconds)
        return key


class Scoped:
    """States that a route is for programs whose key has the scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(
        self, request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        """Return the caller. Raises SignInNeededError without a good key, DeniedError without the scope."""
        keys = cast("KnownKeys", request.app.state.known_keys)
        key = None if sent is None else await keys.find(console_of(request), sent.credentials)
        if key is None:
            raise SignInNeededError(
                "No good API key was sent.", remedy="Send `Authorization: Bearer` with a key.", where="Authorization"
            )
        if self.scope not in key.scopes:
            raise DeniedError(
                f"This key lacks the scope {self.scope}.",
                remedy="Ask an admin for a key with it.",
                where="Authorization",
            )
        return Caller(key.key_id, key.name)


@cache
def scoped(scope: Scope) -> Scoped:
    """Return the dependency of a route for programs with the scope: `Depends(scoped(Scope.CASES_READ))`."""
    return Scoped(scope)
