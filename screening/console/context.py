"""What every request needs: the workspace, the open store, the clock and how the console is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from screening.errors import WinnowError
from screening.jobs.live import LiveWorkspace
from screening.jobs.vault import Vault, vault_of
from screening.settings.console import ConsoleSettings
from screening.store import Store
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Console:
    """The console of one workspace. `clock` returns the time in UTC."""

    live: LiveWorkspace
    store: Store
    clock: Callable[[], datetime]

    @property
    def workspace(self) -> Workspace:
        """The workspace with the settings that hold now."""
        return self.live.current()

    @property
    def fault(self) -> WinnowError | None:
        """Why the settings file cannot be used as it is now, None: it holds."""
        return self.live.fault

    @property
    def vault(self) -> Vault:
        """What seals and opens secrets."""
        return vault_of(self.live.current(), self.live.environment)

    @property
    def settings(self) -> ConsoleSettings:
        """The settings of the console."""
        return self.workspace.settings.console

    @property
    def https(self) -> bool:
        """People reach the console by TLS: cookies are then sent by TLS only."""
        return self.settings.public_url.startswith("https://")


def console_of(request: Request) -> Console:
    """Return the console that answers this request."""
    return cast("Console", request.app.state.console)


Here = Annotated[Console, Depends(console_of)]
"""A parameter of a route: the console that answers."""
