"""SQLite: one file beside the events, for one machine. Readers never wait for the one writer (write-ahead log)."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import polars.selectors as cs
from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Subquery,
    Table,
    Text,
    column,
    create_engine,
    event,
    func,
    select,
    type_coerce,
)
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.selectable import TableValuedAlias

from screening.errors import BusyError, IntegrityError, SettingsError, UnavailableError, WinnowError
from screening.store.frames import SLICE_ROWS, json_of_words

BUSY_SECONDS = 60.0
"""How long a writer waits for another: several times what recording a large scan takes. `?timeout=` in the URL wins."""

CACHE_KIB = 65_536
"""Page cache of a connection: the index of a large scan stays in it while the scan is recorded."""

_PRIMARY_CODE = 0xFF
"""The low byte of an SQLite result code is its primary code (sqlite.org/rescode.html)."""

_LOG_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between tries to turn a new database's log on: each holds the file for milliseconds."""

_BEGIN = "winnow_begin"


class SQLite:
    """A database in one file. Raises SettingsError for a URL that names no file."""

    reading: Mapping[str, Any] = MappingProxyType({_BEGIN: "BEGIN"})
    writing: Mapping[str, Any] = MappingProxyType({_BEGIN: "BEGIN IMMEDIATE"})

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:":
            raise SettingsError(
                "A database in memory would forget every decision.",
                remedy="Name a file: sqlite:///path/to/winnow.db.",
                where="store.url",
            )
        self._url = url
        self._path = Path(url.database)

    def connect(self) -> Engine:
        """Return the engine; nothing is connected yet."""
        waits = {} if "timeout" in self._url.query else {"timeout": BUSY_SECONDS}
        engine = create_engine(self._url, connect_args=waits, hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def lock_schema(self, connection: Connection) -> None:
        """Do nothing: a writing transaction already keeps other writers out."""

    def whole_number(self, column: ColumnElement[Any]) -> ColumnElement[int]:
        """Return a column of money in ten-thousandths, or of instants in microseconds since 1970-01-01 UTC."""
        return type_coerce(column, BigInteger)

    def listed(self, texts: list[str]) -> TableValuedAlias:
        """Return a relation with one column, `value`, that holds the texts; they travel as one parameter."""
        return func.json_each(json.dumps(texts)).table_valued(column("value", Text))

    def newest(self, key: Column[str], by: Column[int], texts: list[str]) -> Subquery:
        """Return the table's rows of which the key is one of the texts, the one greatest in `by` for each.

        Each text costs one look into an index on (key, by), however large the table is.
        """
        wanted, others = self.listed(texts), key.table.alias()
        greatest = select(func.max(others.c[by.name])).where(others.c[key.name] == wanted.c.value).scalar_subquery()
        return select(key.table).join(wanted, (key == wanted.c.value) & (by == greatest)).subquery()

    def insert(self, connection: Connection, table: Table, frame: pl.DataFrame) -> None:
        """Add all rows."""
        self._insert(connection, table, frame, "")

    def insert_new(self, connection: Connection, table: Table, frame: pl.DataFrame) -> None:
        """Add those rows whose primary key is not in the table yet, and leave the others as they stand."""
        key = ", ".join(f'"{column.name}"' for column in table.primary_key)
        self._insert(connection, table, frame, f" ON CONFLICT ({key}) DO NOTHING")

    def explain(self, error: DBAPIError) -> WinnowError:
        """Say what a failure of the database means and what to do about it."""
        where, reason = str(self._path), str(error.orig)
        code = getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY_CODE
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return BusyError(
                "Another winnow is writing to the database.", remedy="Try again when it is done.", where=where
            )
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return IntegrityError(
                f"The database file is damaged: {reason}.", remedy="Restore it with `winnow restore`.", where=where
            )
        return UnavailableError(
            f"The database did not answer: {reason}.",
            remedy="Check that the file can be read and written, and that the disk has room.",
            where=where,
        )

    @staticmethod
    def _insert(connection: Connection, table: Table, frame: pl.DataFrame, conflict: str) -> None:
        names = ", ".join(f'"{name}"' for name in frame.columns)
        places = ", ".join("?" * frame.width)
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({places}){conflict}'  # noqa: S608 - our own names
        for part in frame.iter_slices(SLICE_ROWS):
            connection.exec_driver_sql(statement, _encoded(part).rows())


def _encoded(frame: pl.DataFrame) -> pl.DataFrame:
    return json_of_words(frame).with_columns(
        cs.decimal().to_physical().cast(pl.Int64), cs.datetime().to_physical(), cs.date().dt.to_string("iso")
    )


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # SQLAlchemy's events begin the transactions; the driver's own implicit BEGIN would come too late for IMMEDIATE
    connection.isolation_level = None
    cursor = connection.cursor()
    _use_log(cursor)
    # what is deleted or replaced is overwritten where that costs no write of its own
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = FAST", f"cache_size = -{CACHE_KIB}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_log(cursor: DBAPICursor) -> None:
    """Turn the write-ahead log on, also when several processes do so with one new file at the same moment.

    SQLite does not wait for another connection here: to turn the log on it needs the file alone, and waiting while it
    reads could be for ever (sqlite.org/c3ref/busy_handler.html). So this waits.
    """
    for pause in _LOG_PAUSES:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(pause)
        else:
            return
    cursor.execute("PRAGMA journal_mode = WAL")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options()[_BEGIN])
