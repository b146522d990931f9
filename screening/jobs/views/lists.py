"""The reference lists with their ages, without reading the lists themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from screening.traffic.lists import ListFolder
from screening.traffic.lists_packages import AGENTS_VERSIONED, PACKAGED
from screening.workspace import Workspace

IMPORTED = "imported"


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
