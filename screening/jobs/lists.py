"""Reference lists: import new versions, and say which there are, how old, and what facts are still lacking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from features.intelligence.addresses import FACTS
from screening.errors import InputError
from screening.jobs.progress import Progress
from screening.traffic.lists import ListFolder, load_book
from screening.traffic.lists_import import CLASSES_BY_NAME, FORMATS, Imported, Order, import_list
from screening.traffic.lists_packages import AGENTS_VERSIONED, PACKAGED
from screening.workspace import Workspace

LISTS = "lists"


@dataclass(frozen=True, slots=True)
class ListState:
    """One list as it takes part in a scan.

    `origin` is `imported` or the package that ships it; `rows` is None where the package's rows are not counted;
    `dated` and `age_days` are None where the data do not state their date, and `stale` then is None too.
    """

    name: str
    origin: str
    kind: str
    rows: int | None
    refused: int
    dated: date | None
    age_days: int | None
    stale: bool | None
    version: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListsShown:
    """All lists, and the facts that none of them gives (keys of `FACTS`)."""

    lists: tuple[ListState, ...]
    lacking: tuple[str, ...]


def update_list(workspace: Workspace, order: Order, now: datetime, progress: Progress) -> Imported:
    """Import files as the new version of a list.

    Raises InputError for a format or class that is not known and for files that cannot be used.
    """
    if order.file_format not in FORMATS:
        raise InputError(f"Unknown format {order.file_format!r}.", remedy=f"Choose one of: {', '.join(FORMATS)}.")
    if order.named_class is not None and order.named_class not in CLASSES_BY_NAME:
        raise InputError(
            f"Unknown class {order.named_class!r}.", remedy=f"Choose one of: {', '.join(CLASSES_BY_NAME)}."
        )
    progress.step(f"import {order.name}", 0, 1)
    share = workspace.settings.lists.refused_share_max
    imported = import_list(ListFolder(workspace.folder(LISTS)), order, share, now)
    progress.step(f"import {order.name}", 1, 1)
    return imported


def show_lists(workspace: Workspace, now: datetime) -> ListsShown:
    """Describe every list that a scan would use now. Raises IntegrityError when a stored list is damaged."""
    folder = workspace.folder(LISTS)
    addresses, _, versions = load_book(folder)
    most = workspace.settings.lists.max_age_days
    states = [
        ListState(
            name=version.name,
            origin="imported",
            kind=version.kind.value,
            rows=version.rows,
            refused=version.refused,
            dated=version.list_date,
            age_days=(now.date() - version.list_date).days,
            stale=(now.date() - version.list_date).days > most,
            version=version.version,
            sources=version.sources,
        )
        for version in ListFolder(folder).versions()
    ]
    for package in (*PACKAGED, AGENTS_VERSIONED):
        dated = package.dated()
        age = None if dated is None else (now.date() - dated).days
        kind = "agents" if package is AGENTS_VERSIONED else "addresses"
        states.append(
            ListState(
                name=package.name,
                origin=package.package,
                kind=kind,
                rows=None,
                refused=0,
                dated=dated,
                age_days=age,
                stale=None if age is None else age > most,
                version=versions[package.name],
                sources=tuple(Path(path).name for path in package.files()[:1]),
            )
        )
    return ListsShown(tuple(states), tuple(fact for fact in FACTS if fact in addresses.lacks))
