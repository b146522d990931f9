"""Whole copies of the database: one unchanging state of it into files, and those files into an empty database.

SQLite is copied as a file, by its own online backup. PostgreSQL is copied table by table in COPY's binary format, all
in one transaction that sees one state; no program of the server's is needed.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, inspect, make_url, select, text
from sqlalchemy.exc import DBAPIError

from screening.errors import IntegrityError, WorkspaceError
from screening.store import tables
from screening.store.database import Database, masked
from screening.store.migrate import VERSION_TABLE, upgrade_to, version_of
from screening.store.store import backend_of, parsed_url

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_FILE = "winnow.db"
_SUFFIX = ".copy"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DatabaseCopy:
    """What a copy is of: `kind` of database, version of its tables, and files in the order in which they go back."""

    kind: str
    version: str
    files: tuple[str, ...]


def kind_of(url: str) -> str:
    """Return the kind of database that a store's URL names. Raises SettingsError for a URL that cannot be used."""
    return SQLITE if parsed_url(url).get_backend_name() == SQLITE else POSTGRESQL


def copy_database(url: str, folder: Path) -> DatabaseCopy:
    """Write one state of the database, which must exist, into files in `folder`. Raises UnavailableError or such."""
    database = Database(backend_of(parsed_url(url)))
    try:
        if kind_of(url) == SQLITE:
            return _copy_sqlite(database, Path(parsed_url(url).database or ""), folder / _FILE)
        with database.reading() as connection:
            return _copy_postgres(connection, folder)
    finally:
        database.close()


def is_empty(url: str) -> bool:
    """Say whether nothing of winnow's is in the database yet."""
    if kind_of(url) == SQLITE:
        return not Path(parsed_url(url).database or "").exists()
    database = Database(backend_of(parsed_url(url)))
    try:
        with database.reading() as connection:
            return not inspect(connection).has_table(VERSION_TABLE)
    finally:
        database.close()


def restore_database(url: str, copied: DatabaseCopy, folder: Path) -> None:
    """Put a copy into an empty database, all or nothing; a store that opens it then brings it up to date.

    Raises WorkspaceError when the copy is of another kind of database or of a newer winnow, or the database not empty.
    """
    place = masked(make_url(url))
    if kind_of(url) != copied.kind:
        remedy = f"Restore with a store.url of {copied.kind}, as in WINNOW__STORE__URL=..."
        raise WorkspaceError(f"The copy is of a {copied.kind} database.", remedy=remedy, where=place)
    if not is_empty(url):
        raise WorkspaceError("The database is not empty.", remedy="Name an empty one.", where=place)
    if copied.kind == SQLITE:
        target = Path(parsed_url(url).database or "")
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / _FILE).replace(target)
        return
    database = Database(backend_of(parsed_url(url)))
    try:
        with database.writing() as connection:
            database.backend.lock_schema(connection)
            upgrade_to(connection, copied.version, place)
            _fill_postgres(connection, copied.files, folder)
    finally:
        database.close()


def _copy_sqlite(database: Database, source: Path, target: Path) -> DatabaseCopy:
    with database.reading() as connection:
        version = version_of(connection) or ""
    try:
        with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
            original.backup(copy)
            damage = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise database.backend.explain(DBAPIError("backup", None, error)) from error
    if damage != "ok":
        raise IntegrityError(
            f"The database file is damaged: {damage}.", remedy="Restore an older backup.", where=str(source)
        )
    return DatabaseCopy(SQLITE, version, (target.name,))


def _copy_postgres(connection: Connection, folder: Path) -> DatabaseCopy:
    files = []
    for table in tables.metadata.sorted_tables:
        file = folder / f"{table.name}{_SUFFIX}"
        command = f'COPY "{table.name}" TO STDOUT (FORMAT binary)'
        with _driver(connection).cursor() as cursor, file.open("wb") as out, cursor.copy(command) as rows:
            for chunk in rows:
                out.write(chunk)
        files.append(file.name)
    return DatabaseCopy(POSTGRESQL, version_of(connection) or "", tuple(files))


def _fill_postgres(connection: Connection, files: tuple[str, ...], folder: Path) -> None:
    names = [name.removesuffix(_SUFFIX) for name in files]
    if foreign := [name for name in names if name not in tables.metadata.tables]:
        raise IntegrityError(
            f"The copy has tables that are not winnow's: {foreign}.", remedy="Use a backup that winnow made."
        )
    for name in reversed(names):
        # what a migration put there; the audit trail is empty and refuses deletion
        if name != tables.audit_events.name:
            connection.exec_driver_sql(f'DELETE FROM "{name}"')  # noqa: S608 - checked against our own tables
    for name, file in zip(names, files, strict=True):
        command, path = f'COPY "{name}" FROM STDIN (FORMAT binary)', folder / file
        with _driver(connection).cursor() as cursor, path.open("rb") as source, cursor.copy(command) as rows:
            while chunk := source.read(_CHUNK_BYTES):
                rows.write(chunk)
        _count_on(connection, name)


def _count_on(connection: Connection, name: str) -> None:
    """Have the numbers that the database gives to new rows begin after those that are there."""
    table = tables.metadata.tables[name]
    for column in table.primary_key:
        place = {"table": f'"{name}"', "column": column.name}
        sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:table, :column)"), place)
        if sequence is not None:
            greatest = connection.scalar(select(column).order_by(column.desc()).limit(1))
            if greatest is not None:
                connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": greatest})


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] | None = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("a checked-out connection has no driver connection")
    return driver
