"""PostgreSQL: for several machines, or more writers than one file bears. Needs version 14 or newer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import polars as pl
import polars.selectors as cs
import psycopg
from sqlalchemy import (
    URL,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Numeric,
    Subquery,
    Table,
    Text,
    cast,
    column,
    create_engine,
    extract,
    func,
    literal,
    select,
    text,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.selectable import TableValuedAlias

from features.schema import MONEY_SCALE
from screening.errors import BusyError, InputError, IntegrityError, UnavailableError, WinnowError
from screening.store.columns import Money
from screening.store.database import masked
from screening.store.frames import SLICE_ROWS, json_of_words

CONNECT_SECONDS = 10
"""How long to wait for the server to answer a new connection; `?connect_timeout=` in the URL wins."""

SCHEMA_LOCK = 0x77696E6E6F77
"""Key of the advisory lock under which tables are changed: the letters `winnow`."""

_MICROSECONDS = 1_000_000

_REMEDIES = {
    "42501": "Let the user in store.url own the database.",
    "42": "Check that store.url names a database of winnow's own.",
    "53": "Check the server's disk, memory and max_connections.",
    "": "Check that the server runs, and that store.url has the right host, user, password and database.",
}
"""What to do about an SQLSTATE that begins so (PostgreSQL's manual, appendix A); the first that fits counts."""


class PostgreSQL:
    """A database on a server."""

    reading: Mapping[str, Any] = MappingProxyType({"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    writing: Mapping[str, Any] = MappingProxyType({"isolation_level": "READ COMMITTED", "postgresql_readonly": False})

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")

    def connect(self) -> Engine:
        """Return the engine; nothing is connected yet."""
        waits = {} if "connect_timeout" in self._url.query else {"connect_timeout": CONNECT_SECONDS}
        return create_engine(
            self._url, connect_args={"application_name": "winnow", **waits}, pool_pre_ping=True, hide_parameters=True
        )

    def lock_schema(self, connection: Connection) -> None:
        """Wait until no other process changes the tables, and keep others out until the transaction ends."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})

    def whole_number(self, column: ColumnElement[Any]) -> ColumnElement[int]:
        """Return a column of money in ten-thousandths, or of instants in microseconds since 1970-01-01 UTC."""
        if isinstance(column.type, Money):
            return cast(type_coerce(column, Numeric) * 10**MONEY_SCALE, BigInteger)
        return cast(extract("epoch", column) * _MICROSECONDS, BigInteger)

    def listed(self, texts: list[str]) -> TableValuedAlias:
        """Return a relation with one column, `value`, that holds the texts; they travel as one parameter."""
        return func.unnest(literal(texts, ARRAY(Text))).table_valued(column("value", Text)).render_derived()

    def newest(self, key: Column[str], by: Column[int], texts: list[str]) -> Subquery:
        """Return the table's rows of which the key is one of the texts, the one greatest in `by` for each.

        Each text costs one look into an index on (key, by), however large the table is.
        """
        wanted = self.listed(texts)
        found = select(key.table).where(key == wanted.c.value).order_by(by.desc()).limit(1).lateral()
        return select(found).select_from(wanted.join(found, true())).subquery()

    def insert(self, connection: Connection, table: Table, frame: pl.DataFrame) -> None:
        """Add all rows."""
        _copy(connection, table.name, frame)

    def insert_new(self, connection: Connection, table: Table, frame: pl.DataFrame) -> None:
        """Add those rows whose primary key is not in the table yet, and leave the others as they stand."""
        aside = f"new_{table.name}"
        connection.exec_driver_sql(f'CREATE TEMPORARY TABLE "{aside}" (LIKE "{table.name}") ON COMMIT DROP')
        _copy(connection, aside, frame)
        added = f'INSERT INTO "{table.name}" SELECT * FROM "{aside}" ON CONFLICT DO NOTHING'  # noqa: S608 - our own names
        connection.exec_driver_sql(added)
        connection.exec_driver_sql(f'DROP TABLE "{aside}"')

    def explain(self, error: DBAPIError) -> WinnowError:
        """Say what a failure of the database means and what to do about it."""
        where = masked(self._url)
        reason = str(error.orig).strip().partition("\n")[0]
        state = getattr(error.orig, "sqlstate", None) or ""
        if state.startswith("40") or state == "55P03":
            return BusyError("Another winnow is writing the same rows.", remedy="Try again.", where=where)
        if state.startswith("XX00"):
            return IntegrityError(
                f"The database is damaged: {reason}.", remedy="Restore it from a backup.", where=where
            )
        if isinstance(error.orig, psycopg.DataError):
            return InputError(f"The database cannot keep a value: {reason}.", remedy="Mend the input.", where=where)
        known = (prefix for prefix in _REMEDIES if state.startswith(prefix))
        remedy = _REMEDIES[next(known, "")]
        return UnavailableError(f"The database did not answer: {reason}.", remedy=remedy, where=where)


def _copy(connection: Connection, name: str, frame: pl.DataFrame) -> None:
    columns = ", ".join(f'"{column}"' for column in frame.columns)
    driver: psycopg.Connection[Any] | None = connection.connection.driver_connection
    if driver is None:
        raise RuntimeError("a checked-out connection has no driver connection")
    try:
        with driver.cursor() as cursor, cursor.copy(f'COPY "{name}" ({columns}) FROM STDIN') as copy:
            for part in frame.iter_slices(SLICE_ROWS):
                copy.write(_encoded(part))
    except psycopg.Error as error:  # past SQLAlchemy, which would have wrapped it
        raise DBAPIError.instance("COPY", None, error, psycopg.Error, hide_parameters=True) from error


def _encoded(frame: pl.DataFrame) -> str:
    """Return the rows in the text format of COPY, where a backslash escapes what would separate."""
    text_columns: pl.Expr = cs.string()
    for plain, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text_columns = text_columns.str.replace_all(plain, escaped, literal=True)
    return (
        json_of_words(frame)
        .with_columns(text_columns)
        .write_csv(
            include_header=False,
            separator="\t",
            quote_style="never",
            null_value="\\N",
            datetime_format="%Y-%m-%d %H:%M:%S%.6f+00:00",
        )
    )
