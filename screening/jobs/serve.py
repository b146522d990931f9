"""The job `serve`: the console and the HTTP API until somebody stops it."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, replace

from screening.errors import InputError
from screening.settings.console import ConsoleSettings
from screening.store import open_store
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server listens. `exposed`: others than this machine can reach it, and without TLS."""

    host: str
    port: int
    url: str
    exposed: bool


def place_of(settings: ConsoleSettings, host: str | None, port: int | None) -> Place:
    """Return where to listen: as asked, else as the settings say."""
    chosen, number = host or settings.host, settings.port if port is None else port
    shown = f"[{chosen}]" if ":" in chosen else chosen
    exposed = not _is_loopback(chosen) and not settings.public_url.startswith("https://")
    return Place(chosen, number, settings.public_url or f"http://{shown}:{number}", exposed)


def bind(place: Place) -> tuple[socket.socket, Place]:
    """Listen there and return the socket; port 0 becomes the one that was free.

    Raises InputError when the address is not of this machine or the port is taken.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only where TCP is named; else answers wait 40 ms for an acknowledgement
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((place.host, place.port))
    except OSError as error:
        listening.close()
        raise InputError(
            f"The server cannot listen at {place.host} port {place.port}: {error.strerror}.",
            remedy="Name another --host or --port, or stop what listens there.",
            where="console",
        ) from error
    number = listening.getsockname()[1]
    return listening, replace(place, port=number, url=place.url.replace(f":{place.port}", f":{number}"))


def count_people(workspace: Workspace) -> int:
    """Return how many active people may sign in; opens the database, and so makes or updates it."""
    with open_store(workspace.store_url) as store:
        return sum(user.active for user in store.users.all())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
