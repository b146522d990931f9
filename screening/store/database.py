"""An open database: transactions that read, transactions that write, and what its failures mean.

Repositories get an `Access`: either the database itself, where each call is a transaction of its own, or one open
transaction that several repositories share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl
from sqlalchemy import URL, Column, ColumnElement, Connection, Engine, Subquery, Table
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.sql.selectable import TableValuedAlias

from screening.errors import UnavailableError, WinnowError


class Backend(Protocol):
    """What differs between SQLite and PostgreSQL."""

    reading: Mapping[str, Any]
    """Execution options of a connection that reads one unchanging state of the database."""
    writing: Mapping[str, Any]
    """Execution options of a connection that writes."""

    def connect(self) -> Engine:
        """Return the engine; nothing is connected yet."""
        ...

    def lock_schema(self, connection: Connection) -> None:
        """Wait until no other process changes the tables, and keep others out until the transaction ends."""
        ...

    def whole_number(self, column: ColumnElement[Any]) -> ColumnElement[int]:
        """Return a column of money in ten-thousandths, or of instants in microseconds since 1970-01-01 UTC."""
        ...

    def listed(self, texts: list[str]) -> TableValuedAlias:
        """Return a relation with one column, `value`, that holds the texts; they travel as one parameter."""
        ...

    def newest(self, key: Column[str], by: Column[int], texts: list[str]) -> Subquery:
        """Return the table's rows of which the key is one of the texts, the one greatest in `by` for each.

        Each text costs one look into an index on (key, by), however large the table is.
        """
        ...

    def insert(self, connection: Connection, table: Table, frame: pl.DataFrame) -> None:
        """Add all rows of a frame that has the table's column names and the types of `frames.POLARS_TYPES`."""
        ...

    def insert_new(self, connection: Connection, table: Table, frame: pl.DataFrame) -> None:
        """Add those rows whose primary key is not in the table yet, and leave the others as they stand."""
        ...

    def explain(self, error: DBAPIError) -> WinnowError:
        """Say what a failure of the database means and what to do about it."""
        ...


class Access(Protocol):
    """Where a repository gets its transactions from."""

    @property
    def backend(self) -> Backend:
        """What differs between the databases."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one unchanging state of the database."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """Give a connection that writes: all of it is stored at the end of the block, or nothing after an exception."""
        ...


class Database:
    """A database with a pool of connections. Every block is a transaction of its own.

    Blocks raise UnavailableError when the database does not answer, BusyError when another process keeps it locked,
    and IntegrityError (of screening.errors) when its file is damaged. A broken constraint stays an IntegrityError of
    SQLAlchemy; a value that a column cannot hold raises TypeError or ValueError.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._engine = backend.connect()

    @property
    def backend(self) -> Backend:
        """What differs between the databases."""
        return self._backend

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one unchanging state of the database."""
        with self._transaction(self._backend.reading) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection that writes: all of it is stored at the end of the block, or nothing after an exception."""
        with self._transaction(self._backend.writing) as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, options: Mapping[str, Any]) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise self._backend.explain(error) from error
        except StatementError as error:
            # a value that a column type refused, before it reached the database
            raise (error.orig or error) from error
        except PoolTimeoutError as error:
            raise UnavailableError("All connections to the database are in use.", remedy="Try again.") from error


def masked(url: URL) -> str:
    """Return the URL as it may be shown: without its passwords."""
    query = {name: "***" if "password" in name.lower() else value for name, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)


@dataclass(frozen=True, slots=True)
class Open:
    """One transaction that has begun; whoever began it ends it."""

    backend: Backend
    connection: Connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give the open connection."""
        yield self.connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give the open connection."""
        yield self.connection
