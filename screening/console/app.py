"""The console and the HTTP API as one app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from importlib.metadata import version
from itertools import chain
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from screening.console import auth_account, auth_pages, problems
from screening.console.api import ROUTERS as API_ROUTERS
from screening.console.api.access import KnownKeys
from screening.console.api.metrics import Figures
from screening.console.api.payouts import Waiting
from screening.console.api.schema import PROBLEMS, describe
from screening.console.auth import statements
from screening.console.context import Console
from screening.console.csrf import refuse_forged_forms
from screening.console.headers import SecurityHeaders
from screening.console.limits import BodyLimit
from screening.console.pages import ROUTERS
from screening.console.pump import deliver_forever
from screening.console.rendering import STATIC
from screening.jobs.live import LiveWorkspace
from screening.jobs.payout_calls import PayoutDesk
from screening.jobs.vault import seal_stored
from screening.settings.console import ConsoleSettings
from screening.store import open_store
from screening.workspace import Workspace

PAGE_ROUTERS = (auth_pages.router, auth_account.router, *ROUTERS)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_KEPT_FOR_EVER = "public, max-age=31536000, immutable"
_KEPT_SHORTLY = "public, max-age=300"


def build_app(
    workspace: Workspace, clock: Callable[[], datetime], environment: Mapping[str, str] | None = None
) -> FastAPI:
    """Return the console of a workspace; its database is open until the app is shut down.

    `clock` returns the time with its zone; `environment` are the variables that the workspace was opened with, None:
    those of the process. Secrets that an earlier winnow stored in clear are sealed. Raises ValueError when a route does
    not state who may call it, and what open_store raises.
    """
    console = Console(LiveWorkspace(workspace, environment), open_store(workspace.store_url), clock)
    seal_stored(console.store, console.vault, clock())
    app = FastAPI(
        title="winnow", version=version("winnow"), docs_url=None, redoc_url=None, openapi_url=None, lifespan=_closing
    )
    app.state.console = console
    refuse_unstated((*API_ROUTERS, *PAGE_ROUTERS))
    problems.install(app)
    app.state.known_keys = KnownKeys(console.settings.api.key_seconds)
    app.state.payouts_waiting = Waiting(PayoutDesk(workspace, console.store, clock))
    app.state.figures = Figures(console)
    for router in API_ROUTERS:
        app.include_router(router, responses=PROBLEMS)
    for router in PAGE_ROUTERS:
        app.include_router(router, dependencies=[Depends(refuse_forged_forms)], include_in_schema=False)
    app.mount("/static", _Static(directory=STATIC), name="static")
    app.openapi = partial(describe, app)  # type: ignore[method-assign]  # the way that FastAPI documents
    app.add_middleware(BodyLimit, console=console)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts_answered(console.settings), www_redirect=False)
    app.add_middleware(SecurityHeaders, https=console.https)
    return app


def refuse_unstated(routers: Sequence[APIRouter]) -> None:
    """Raise ValueError when a route does not state, exactly once, who may call it."""
    for route in chain.from_iterable(router.routes for router in routers):
        stated = set(statements(route.dependant)) if isinstance(route, APIRoute) else set()
        if len(stated) != 1:
            place = getattr(route, "path", route)
            raise ValueError(f"{place} must state once who may call it: allows(...), scoped(...) or anybody")


def hosts_answered(settings: ConsoleSettings) -> list[str]:
    """Return the names in `Host` that are answered; others may be a name that an attacker points at this address."""
    public = urlsplit(settings.public_url).hostname
    every = settings.host in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound to
    own = () if every else (f"[{settings.host}]" if ":" in settings.host else settings.host,)
    return list(dict.fromkeys((*_LOOPBACK, *own, *((public,) if public else ()), *settings.allowed_hosts)))


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    delivering = asyncio.create_task(deliver_forever(app.state.console))
    yield
    delivering.cancel()
    with suppress(asyncio.CancelledError):
        await delivering
    app.state.console.store.close()


class _Static(StaticFiles):
    """Files that browsers may keep: for ever when the address names their version (`static_url`)."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _KEPT_FOR_EVER if scope["query_string"].startswith(b"v=") else _KEPT_SHORTLY
        return response
