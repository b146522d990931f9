"""The job `backlinks import`: exports, domain lists and the domain graph into the workspace."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from screening.applicants.backlinks import fields
from screening.applicants.backlinks.domain_lists import read_disavow, read_ranking
from screening.applicants.backlinks.exports import read_export
from screening.applicants.backlinks.graph_import import graph_files, import_graph
from screening.applicants.backlinks.links import Backlink, BadRow, Tool
from screening.applicants.backlinks.shelf import Shelf, Source
from screening.errors import BusyError, InputError
from screening.jobs.progress import Progress
from screening.workspace import Workspace

FOLDER = "backlinks"
"""Folder of a workspace that holds what was imported."""
_BLOCK = 1 << 20
_ROWS_PER_STEP = 10_000
_BAD_ROWS_KEPT = 10_000
"""Bad rows that are written to quarantine one by one; a file with more is another kind of file."""
_ENOUGH = 100
"""Rows from which the share of bad ones is held against its bound."""

_Row = TypeVar("_Row")


class Format(StrEnum):
    """What can be imported."""

    AHREFS = "ahrefs"
    MAJESTIC = "majestic"
    SEMRUSH = "semrush"
    MOZ = "moz"
    SEARCH_CONSOLE = "search-console"
    COMMONCRAWL = "commoncrawl"
    DISAVOW = "disavow"
    TRANCO = "tranco"


@dataclass(frozen=True, slots=True)
class BacklinksImported:
    """What an import came to.

    `rows` are links, or domains of a list, or links between domains of the graph; `sites` are the sites that links
    lead to, `linking_sites` those they come from (0 for lists). `unattributed` are links of which nobody says whose
    they are. `bad` are rows that could not be used, the first of them with their reasons in `shown`, all in
    `quarantine`.
    """

    format: Format
    file: str
    rows: int
    sites: int
    linking_sites: int
    unattributed: int
    bad: int
    shown: tuple[BadRow, ...]
    quarantine: Path | None
    notices: tuple[str, ...]

    @property
    def incomplete(self) -> bool:
        """Rows were set aside, or nobody says whose links they are."""
        return bool(self.bad or self.unattributed)


def import_backlinks(
    workspace: Workspace, path: Path, kind: Format, target: str | None, now: datetime, progress: Progress
) -> BacklinksImported:
    """Import one file (or the files of one release of the domain graph); a second time changes nothing.

    `target` is the site that the links of an export lead to, for exports that do not say. Raises InputError when the
    file cannot be used, BusyError when another import is under way; what was there before then stays.
    """
    site = _site(target)
    if kind is Format.COMMONCRAWL:
        return _graph(workspace, path, now, progress)
    with _alone(workspace), Shelf(workspace.folder(FOLDER)) as shelf:
        sorting = _Sorting(workspace, path, now, progress)
        source = Source(kind.value, path.name, _digest(path), now, site or "")
        if kind is Format.DISAVOW:
            rows = shelf.keep_disowned(source, sorting.good(read_disavow(path)))
        elif kind is Format.TRANCO:
            rows = shelf.keep_popularity(source, sorting.good(read_ranking(path)))
        else:
            tool = Tool(kind.value)
            rows = shelf.keep_links(source, sorting.counted(sorting.good(read_export(path, tool, site))))
    return sorting.result(kind, rows)


def _graph(workspace: Workspace, path: Path, now: datetime, progress: Progress) -> BacklinksImported:
    def told(part: str, done: int, total: int) -> None:
        progress.step(f"reading {part}", done, total)

    with _alone(workspace):
        done = import_graph(graph_files(path), workspace.folder(FOLDER), now, told)
    notices = [f"{done.domains:,} domains, {done.edges:,} links between them, ranks of {done.ranked:,}."]
    if not done.ranked:
        notices.append("No ranks file was there: ranks are not known.")
    return BacklinksImported(
        Format.COMMONCRAWL, done.release, done.edges, done.domains, 0, 0, 0, (), None, tuple(notices)
    )


class _Sorting:
    """Parts good rows from bad ones while they stream by, and remembers what has to be told."""

    def __init__(self, workspace: Workspace, path: Path, now: datetime, progress: Progress) -> None:
        self._settings = workspace.settings.backlinks
        self._quarantine = workspace.folder("quarantine") / f"backlinks-{now:%Y%m%dT%H%M%S}-{path.name[:60]}.jsonl"
        self._path = path
        self._progress = progress
        self._bad: list[BadRow] = []
        self._bad_count = 0
        self._seen = 0
        self._sites: set[str] = set()
        self._linking: set[str] = set()
        self._unattributed = 0

    def good(self, rows: Iterator[_Row | BadRow]) -> Iterator[_Row]:
        """Yield the good rows. Raises InputError at the end when too many were bad, or there were none at all."""
        for row in rows:
            self._seen += 1
            if self._seen % _ROWS_PER_STEP == 0:
                self._progress.step("reading rows", self._seen, self._seen)
            if isinstance(row, BadRow):
                self._bad_count += 1
                if len(self._bad) < _BAD_ROWS_KEPT:
                    self._bad.append(row)
            else:
                yield row
        self._check()

    def counted(self, links: Iterator[Backlink]) -> Iterator[Backlink]:
        """Pass links on and count the sites they lead to and come from."""
        for link in links:
            self._linking.add(link.source_site)
            if link.target_site is None:
                self._unattributed += 1
            else:
                self._sites.add(link.target_site)
            yield link

    def result(self, kind: Format, rows: int) -> BacklinksImported:
        """Write the bad rows to quarantine and return what the import came to."""
        notices = []
        if self._unattributed:
            notices.append(
                f"The file does not say which site {self._unattributed:,} of its links lead to; they are kept but used "
                "for no applicant. Import it again with --site."
            )
        return BacklinksImported(
            format=kind,
            file=self._path.name,
            rows=rows,
            sites=len(self._sites),
            linking_sites=len(self._linking),
            unattributed=self._unattributed,
            bad=self._bad_count,
            shown=tuple(self._bad),
            quarantine=self._set_aside(),
            notices=tuple(notices),
        )

    def _check(self) -> None:
        good = self._seen - self._bad_count
        if good and (self._seen < _ENOUGH or self._bad_count <= self._settings.refused_share_max * self._seen):
            return
        if not self._seen:
            raise InputError("The file has no rows.", remedy="Export it again.", where=str(self._path))
        first = self._bad[0]
        raise InputError(
            f"{self._bad_count:,} of {self._seen:,} rows cannot be used; in this one {first.field} {first.problem}.",
            remedy=f"{first.remedy} Or check that the file is what --format says.",
            where=f"{self._path}:{first.line}",
        )

    def _set_aside(self) -> Path | None:
        if not self._bad:
            return None
        with self._quarantine.open("w", encoding="utf-8") as file:
            for row in self._bad:
                file.write(json.dumps({"file": self._path.name, **asdict(row)}, ensure_ascii=False) + "\n")
        return self._quarantine


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Let one import at a time work; the lock is gone with its process. Raises BusyError when another one works."""
    path = workspace.folder("locks") / "backlinks.lock"
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                "Another import of backlinks is under way.", remedy="Try again when it is done.", where=str(path)
            ) from error
        yield


def _site(target: str | None) -> str | None:
    if target is None:
        return None
    try:
        return fields.site(target)
    except ValueError as error:
        raise InputError(f"--site: {error}.", remedy="Give a domain such as shop.example.com.") from error


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise InputError(
            f"The file cannot be read: {error.strerror}.", remedy="Check the path.", where=str(path)
        ) from error
    return digest.hexdigest()
