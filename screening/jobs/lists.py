"""Reference lists: import new versions, and say which there are, how old, and what facts are still lacking."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import IO

from features.intelligence.addresses import FACTS
from screening.errors import ConflictError, InputError
from screening.jobs.progress import Progress
from screening.store import AuditEvent, open_store
from screening.traffic.lakelock import holding_lock
from screening.traffic.lists import ListFolder, load_book
from screening.traffic.lists_import import CLASSES_BY_NAME, FORMATS, Imported, Order, import_list
from screening.traffic.lists_packages import AGENTS_VERSIONED, PACKAGED
from screening.workspace import Workspace

LISTS = "lists"
_CHUNK_BYTES = 1 << 20
_NAME_LETTERS = 80
_WAIT_SECONDS = 30.0
"""The largest lists take about that long to import on a slow core."""
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


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


@dataclass(frozen=True, slots=True)
class Upload:
    """A list as somebody sent it: a stream, which may be anything, and what it is called where it came from.

    `seen` is the digest of the list's version that the sender saw, empty: none; None: whatever it is by now.
    """

    name: str
    stream: IO[bytes]
    known_as: str
    file_format: str = "auto"
    named_class: str | None = None
    seen: str | None = None


def upload_list(workspace: Workspace, upload: Upload, actor: str, now: datetime, progress: Progress) -> Imported:
    """Import what somebody sent as the new version of a list, by the way of `update_list`.

    Raises as that does, with the name of the sent file in place of a path; InputError for a file that is too large,
    ConflictError when somebody imported another version meanwhile.
    """
    called = _plain_name(upload.known_as)
    with tempfile.TemporaryDirectory(prefix="winnow-list-") as folder:
        path = Path(folder) / called
        _copied(upload.stream, path, workspace.settings.lists.upload_bytes_max)
        order = Order(upload.name, (path,), upload.file_format, upload.named_class, (called,))
        try:
            with _alone(workspace, now, progress):
                _demand_seen(workspace, upload)
                imported = _updated(workspace, order, now, progress, actor=actor)
        except InputError as error:
            where = error.where and error.where.replace(str(path), called)
            raise InputError(error.cause.replace(str(path), called), remedy=error.remedy, where=where) from error
    refused = tuple(replace(line, file=called) for line in imported.refused)
    return replace(imported, refused=refused)


@contextmanager
def _alone(workspace: Workspace, now: datetime, progress: Progress) -> Iterator[None]:
    def waiting(told: str) -> None:
        progress.step(told, 0, 1)

    with holding_lock(
        workspace.root / "locks" / LISTS,
        command="import a list",
        now=now,
        wait_seconds=_WAIT_SECONDS,
        waiting=waiting,
        what="A list is being imported",
    ):
        yield


def _demand_seen(workspace: Workspace, upload: Upload) -> None:
    here = {version.name: version.digest for version in ListFolder(workspace.folder(LISTS)).versions()}
    if upload.seen is not None and upload.seen != here.get(upload.name, ""):
        raise ConflictError(f"Somebody imported another version of {upload.name}.", remedy="Look at it, then decide.")


def _plain_name(text: str) -> str:
    """Return a file name that leads nowhere: the last part of a path, plain letters only."""
    last = text.replace("\\", "/").rsplit("/", 1)[-1]
    return _NOT_PLAIN.sub("_", last).lstrip(".")[-_NAME_LETTERS:] or "list"


def _copied(stream: IO[bytes], path: Path, most: int) -> None:
    left = most
    with path.open("xb") as out:
        while chunk := stream.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise InputError(
                    f"The file has more than {most:,} bytes.",
                    remedy="Import it on the server with `winnow lists update`, or raise lists.upload_bytes_max.",
                    where="file",
                )
            out.write(chunk)


def update_list(workspace: Workspace, order: Order, now: datetime, progress: Progress, *, actor: str) -> Imported:
    """Import files as the new version of a list, one import at a time, and write down that `actor` did.

    Raises InputError for a format or class that is not known and for files that cannot be used, and BusyError when
    another import takes too long.
    """
    with _alone(workspace, now, progress):
        return _updated(workspace, order, now, progress, actor=actor)


def _updated(workspace: Workspace, order: Order, now: datetime, progress: Progress, *, actor: str) -> Imported:
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
    version = imported.version
    said = {"version": version.version, "rows": version.rows, "refused": version.refused, "from": list(version.sources)}
    with open_store(workspace.store_url) as store:
        store.audit.append(AuditEvent(now, actor, "import list", f"list {version.name}", said))
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
            age_days=_age(version.list_date, now),
            stale=_is_stale(version.list_date, now, most),
            version=version.version,
            sources=version.sources,
        )
        for version in ListFolder(folder).versions()
    ]
    for package in (*PACKAGED, AGENTS_VERSIONED):
        dated = package.dated()
        kind = "agents" if package is AGENTS_VERSIONED else "addresses"
        states.append(
            ListState(
                name=package.name,
                origin=package.package,
                kind=kind,
                rows=None,
                refused=0,
                dated=dated,
                age_days=_age(dated, now),
                stale=_is_stale(dated, now, most),
                version=versions[package.name],
                sources=tuple(Path(path).name for path in package.files()[:1]),
            )
        )
    return ListsShown(tuple(states), tuple(fact for fact in FACTS if fact in addresses.lacks))


def _age(dated: date | None, now: datetime) -> int | None:
    return None if dated is None else (now.date() - dated).days


def _is_stale(dated: date | None, now: datetime, most: int) -> bool | None:
    age = _age(dated, now)
    return None if age is None else age > most
