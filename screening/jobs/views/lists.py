"""The reference lists with their ages, without reading the lists themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from screening.traffic.lists import ListFolder
from screening.traffic.lists_packages import AGENTS_VERSIONED, PACKAGED
from screening.workspace import Workspace

IMPORTED = "imported"
_TITLES = {
    "geoip2fast-country": "Countries of addresses",
    "geoip2fast-operators": "Operators of networks",
    "warning-lists": "Clouds, data centres and VPN ranges",
    "iporigin": "Tor, VPN, relay and hosting addresses",
    "crawler-user-agents": "Declared bots and tools",
    "carried-facts": "Facts that winnow itself carries",
    "model": "Model that judged",
}
"""What the lists that come with winnow hold, by the names under which runs and commands know them."""


def title_of_list(name: str) -> str:
    """Return what a list is in a few words; one that somebody imported stands for itself."""
    return _TITLES.get(name, name)


@dataclass(frozen=True, slots=True)
class ListAge:
    """A list and how old its data are. None: the data do not say, and then whether they are stale is not known.

    Of an imported list also how many rows it has and how many lines were refused, and its digest; None, and empty, for
    a list that a package ships.
    """

    name: str
    origin: str
    dated: date | None
    age_days: int | None
    stale: bool | None
    rows: int | None = None
    refused: int | None = None
    digest: str = ""


def list_ages(workspace: Workspace, now: datetime) -> tuple[ListAge, ...]:
    """Return every list that a scan would use now. Raises IntegrityError when a manifest is damaged."""
    imported = ListFolder(workspace.folder("lists")).versions()
    named = [(found.name, IMPORTED, found.list_date) for found in imported]
    counted = {found.name: (found.rows, found.refused, found.digest) for found in imported}
    most = workspace.settings.lists.max_age_days
    ages = []
    for name, origin, dated in (*named, *_packaged()):
        days = None if dated is None else (now.date() - dated).days
        stale = None if days is None else days > most
        ages.append(ListAge(name, origin, dated, days, stale, *counted.get(name, (None, None, ""))))
    return tuple(ages)


@cache
def _packaged() -> tuple[tuple[str, str, date | None], ...]:
    # what an installed package ships changes only with the installation
    return tuple((package.name, package.package, package.dated()) for package in (*PACKAGED, AGENTS_VERSIONED))
