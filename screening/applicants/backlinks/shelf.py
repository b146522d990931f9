"""What was imported of links, disowned domains and popularity, in one SQLite file below the workspace.

An import is one transaction: a process that is killed leaves what was there before. SQLite, because these tables are
written rarely, hold millions of rows at most, and are asked one domain at a time.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from screening.applicants.backlinks.links import Backlink
from screening.errors import BusyError, IntegrityError

FILE_NAME = "backlinks.db"
_WAIT_SECONDS = 60.0
"""How long an import waits for another one to end."""
_ROWS_AT_A_TIME = 5_000
_Item = TypeVar("_Item")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS imports (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, file TEXT NOT NULL, digest TEXT NOT NULL, target TEXT NOT NULL,
    imported_at TEXT NOT NULL, rows INTEGER NOT NULL, UNIQUE (kind, digest, target));
CREATE TABLE IF NOT EXISTS links (
    import INTEGER NOT NULL REFERENCES imports (id), target_site TEXT, source_site TEXT NOT NULL, source_url TEXT,
    target_url TEXT, anchor TEXT, followed INTEGER, first_seen TEXT, last_seen TEXT, lost INTEGER,
    pages INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS links_of_site ON links (target_site);
CREATE INDEX IF NOT EXISTS links_of_import ON links (import);
CREATE TABLE IF NOT EXISTS disowned (domain TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS popularity (domain TEXT PRIMARY KEY, rank INTEGER NOT NULL) WITHOUT ROWID;
"""
_COLUMNS = (
    "source_site, target_site, source_url, target_url, anchor, followed, first_seen, last_seen, lost, pages, import"
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: the kind (a tool, `disavow` or `tranco`), the file, its SHA-256, and when.

    `target` is the site that the caller says the links lead to, empty when the file says so.
    """

    kind: str
    file: str
    digest: str
    imported_at: datetime
    target: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """An imported popularity list: how many domains it has, from which file, and when it was imported."""

    domains: int
    file: str
    imported_at: datetime


class Shelf:
    """The imported rows; safe to share between threads. Close it."""

    def __init__(self, folder: Path) -> None:
        """Open, and make if need be, the file in the folder. Raises IntegrityError when it is no such file."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE_NAME
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, check_same_thread=False)
        self._connection.isolation_level = None
        with self._errors():
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(_SCHEMA)

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def keep_links(self, source: Source, links: Iterable[Backlink]) -> int:
        """Keep links as one import; the same file with the same target replaces what it gave before. Return how many.

        Raises BusyError when another import does not end, and whatever `links` raises: then nothing is kept.
        """
        with self._writing():
            before = self._connection.execute(
                "SELECT id FROM imports WHERE kind = ? AND digest = ? AND target IN (?, '')",
                (source.kind, source.digest, source.target),
            ).fetchall()
            for (old,) in before:
                self._connection.execute("DELETE FROM links WHERE import = ?", (old,))
                self._connection.execute("DELETE FROM imports WHERE id = ?", (old,))
            new = self._begin(source)
            rows = 0
            for batch in _batches(_row(link, new) for link in links):
                self._connection.executemany(
                    f"INSERT INTO links ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                    batch,
                )
                rows += len(batch)
            self._connection.execute("UPDATE imports SET rows = ? WHERE id = ?", (rows, new))
        return rows

    def keep_disowned(self, source: Source, domains: Iterable[str]) -> int:
        """Add domains to those that somebody disowned links from; return how many stand there now."""
        with self._writing():
            self._forget(source)
            new = self._begin(source)
            for batch in _batches((domain,) for domain in domains):
                self._connection.executemany("INSERT OR IGNORE INTO disowned (domain) VALUES (?)", batch)
            (rows,) = self._connection.execute("SELECT count(*) FROM disowned").fetchone()
            self._connection.execute("UPDATE imports SET rows = ? WHERE id = ?", (rows, new))
        return int(rows)

    def keep_popularity(self, source: Source, ranks: Iterable[tuple[str, int]]) -> int:
        """Put a popularity list (domain, rank from 1) in the place of the one before; return its number of domains."""
        with self._writing():
            self._connection.execute("DELETE FROM popularity")
            self._connection.execute("DELETE FROM imports WHERE kind = ?", (source.kind,))
            new = self._begin(source)
            for batch in _batches(ranks):
                self._connection.executemany("INSERT OR IGNORE INTO popularity (domain, rank) VALUES (?, ?)", batch)
            (rows,) = self._connection.execute("SELECT count(*) FROM popularity").fetchone()
            self._connection.execute("UPDATE imports SET rows = ? WHERE id = ?", (rows, new))
        return int(rows)

    def links_to(self, site: str, most: int) -> tuple[Backlink, ...]:
        """Return at most so many known links to a site, each page or linking site once: the newest import tells.

        Links from the site itself are left out.
        """
        rows = self._asked(
            f"SELECT {_COLUMNS} FROM links WHERE target_site = ? AND source_site <> ?"  # noqa: S608 - our own names
            " ORDER BY import DESC, rowid LIMIT ?",
            (site, site, most),
        )
        found: dict[tuple[str, str | None, str | None], Backlink] = {}
        for row in rows:
            link = _link(row)
            found.setdefault((link.source_site, link.source_url, link.target_url), link)
        return tuple(found.values())

    def disowned(self, domains: Iterable[str]) -> frozenset[str]:
        """Return those of the domains that somebody disowned links from."""
        found: set[str] = set()
        for batch in _batches(domains):
            marks = ", ".join("?" * len(batch))
            rows = self._asked(f"SELECT domain FROM disowned WHERE domain IN ({marks})", batch)  # noqa: S608 - marks only
            found.update(str(domain) for (domain,) in rows)
        return frozenset(found)

    def has_disowned(self) -> bool:
        """Say whether any list of disowned domains was imported."""
        return bool(self._asked("SELECT 1 FROM disowned LIMIT 1", ()))

    def rank(self, domain: str) -> int | None:
        """Return the rank of a domain in the popularity list, from 1; None when it is not there."""
        rows = self._asked("SELECT rank FROM popularity WHERE domain = ?", (domain,))
        return int(rows[0][0]) if rows else None

    def ranking(self) -> Ranking | None:
        """Return what is known of the popularity list, None when there is none."""
        rows = self._asked("SELECT rows, file, imported_at FROM imports WHERE kind = 'tranco'", ())
        return Ranking(int(rows[0][0]), str(rows[0][1]), datetime.fromisoformat(rows[0][2])) if rows else None

    def _begin(self, source: Source) -> int:
        done = self._connection.execute(
            "INSERT INTO imports (kind, file, digest, target, imported_at, rows) VALUES (?, ?, ?, ?, ?, 0)",
            (source.kind, source.file, source.digest, source.target, source.imported_at.isoformat()),
        )
        return int(done.lastrowid or 0)

    def _forget(self, source: Source) -> None:
        self._connection.execute(
            "DELETE FROM imports WHERE kind = ? AND digest = ? AND target = ?",
            (source.kind, source.digest, source.target),
        )

    def _asked(self, query: str, values: Iterable[object]) -> list[tuple[Any, ...]]:
        with self._lock, self._errors():
            return self._connection.execute(query, tuple(values)).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Do the block as one transaction, or not at all."""
        with self._lock, self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise BusyError(
                "Another import of backlinks is under way.", remedy="Try again when it is done.", where=str(self._path)
            ) from error
        except sqlite3.DatabaseError as error:
            raise IntegrityError(
                f"The imported backlinks cannot be read: {error}.",
                remedy="Move the file away and import again.",
                where=str(self._path),
            ) from error


def _row(link: Backlink, imported: int) -> tuple[object, ...]:
    return (
        link.source_site,
        link.target_site,
        link.source_url,
        link.target_url,
        link.anchor,
        link.followed,
        link.first_seen.isoformat() if link.first_seen is not None else None,
        link.last_seen.isoformat() if link.last_seen is not None else None,
        link.lost,
        link.pages,
        imported,
    )


def _link(row: tuple[object, ...]) -> Backlink:
    source, target, source_url, target_url, anchor, followed, first, last, lost, pages, _ = row
    return Backlink(
        source_site=str(source),
        target_site=None if target is None else str(target),
        source_url=None if source_url is None else str(source_url),
        target_url=None if target_url is None else str(target_url),
        anchor=None if anchor is None else str(anchor),
        followed=None if followed is None else bool(followed),
        first_seen=None if first is None else date.fromisoformat(str(first)),
        last_seen=None if last is None else date.fromisoformat(str(last)),
        lost=None if lost is None else bool(lost),
        pages=int(str(pages)),
    )


def _batches(rows: Iterable[_Item]) -> Iterator[list[_Item]]:
    left = iter(rows)
    while batch := list(islice(left, _ROWS_AT_A_TIME)):
        yield batch
