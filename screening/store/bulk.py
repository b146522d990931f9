"""Many rows at once: frames into a table, rows of a table into a frame, in slices so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

import polars as pl
from sqlalchemy import Column, ColumnElement, Connection, Subquery, Table, Text, select, type_coerce
from sqlalchemy.sql.elements import KeyedColumnElement

from screening.store import tables
from screening.store.columns import Document, Instant, Money, Words
from screening.store.database import Access, Backend
from screening.store.frames import INSTANT, MONEY, SLICE_ROWS, polars_type, schema_of, words_of_json

IDS_PER_QUERY = 50_000
"""Keys looked up by one query; more of them need more memory and save no time."""

_TEN_THOUSANDTH = Decimal("0.0001")


def read(backend: Backend, connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> pl.DataFrame:
    """Return the rows that meet the conditions, in no particular order, with the types of the store's frames.

    Where the table's rows belong to runs, the frame has `run_key`, not `run_id`; `with_run_id` exchanges them.
    """
    rows = select(table).where(*conditions).subquery()
    return _one(table.columns, _frames(backend, connection, table.columns, rows))


def read_ids(
    backend: Backend, connection: Connection, key: Column[str], ids: pl.Series, names: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the rows of a table whose key is among the ids, however many these are, in no particular order.

    `names` are the columns wanted, None: all.
    """
    wanted = _wanted(key, names)
    asked = (select(key.table).where(key.in_(select(backend.listed(some).c.value))) for some in _slices(ids))
    found = (_frames(backend, connection, wanted, rows.subquery()) for rows in asked)
    return _one(wanted, list(chain.from_iterable(found)))


def read_newest(
    backend: Backend,
    connection: Connection,
    key: Column[str],
    by: Column[int],
    ids: pl.Series,
    names: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return for each of the ids the row with that key that is greatest in `by`, in no particular order.

    `names` are the columns wanted, None: all.
    """
    wanted = _wanted(key, names)
    found = (_frames(backend, connection, wanted, backend.newest(key, by, some)) for some in _slices(ids))
    return _one(wanted, list(chain.from_iterable(found)))


def with_run_id(connection: Connection, frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Return the rows of a table of runs with `run_id` and `judged_at`, the end of the run, in place of `run_key`."""
    keys = frame["run_key"].unique().to_list()
    runs = tables.runs.c
    query = select(runs.run_key, runs.run_id, runs.finished_at).where(runs.run_key.in_(keys))
    found = pl.DataFrame(
        [tuple(row) for row in connection.execute(query)],
        schema={"run_key": pl.Int64, "run_id": pl.String, "judged_at": INSTANT},
        orient="row",
    )
    joined = frame.join(found, on="run_key", how="left")
    return joined.select(*(name for name in schema_of(table) if name in joined.columns), "judged_at")


def of_run(access: Access, table: Table, run_id: str, *order: str) -> pl.DataFrame:
    """Return the rows of one run, sorted; empty when the run has none or is not there."""
    with access.reading() as connection:
        run_key = connection.scalar(select(tables.runs.c.run_key).where(tables.runs.c.run_id == run_id))
        frame = read(access.backend, connection, table, table.c.run_key == run_key)
    return frame.with_columns(run_id=pl.lit(run_id)).select(*schema_of(table)).sort(order)


def _wanted(key: Column[str], names: Sequence[str] | None) -> list[Column[Any]]:
    return [column for column in key.table.columns if names is None or column.name in names]


def _as_stored(backend: Backend, column: KeyedColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Money | Instant):
        return backend.whole_number(column).label(column.name)
    if isinstance(column.type, Words | Document):
        return type_coerce(column, Text).label(column.name)
    return column


def _slices(ids: pl.Series) -> Iterator[list[str]]:
    for start in range(0, len(ids), IDS_PER_QUERY):
        yield ids.slice(start, IDS_PER_QUERY).to_list()


def _frames(
    backend: Backend, connection: Connection, wanted: Iterable[Column[Any]], rows: Subquery
) -> list[pl.DataFrame]:
    plain = {column.name: polars_type(column) for column in wanted}
    whole = {column.name for column in wanted if isinstance(column.type, Money | Instant)}
    words = [column.name for column in wanted if isinstance(column.type, Words)]
    fetched = plain | dict.fromkeys(whole, pl.Int64()) | dict.fromkeys(words, pl.String())
    amounts = [name for name in whole if plain[name] == MONEY]
    instants = [name for name in whole if plain[name] == INSTANT]
    query = select(*(_as_stored(backend, rows.columns[name]) for name in plain))
    with connection.execute(query.execution_options(yield_per=SLICE_ROWS)) as result:
        return [
            words_of_json(pl.DataFrame([tuple(row) for row in rows], schema=fetched, orient="row"), words).with_columns(
                pl.col(instants).cast(INSTANT), *(_money(name) for name in amounts)
            )
            for rows in result.partitions()
        ]


def _money(name: str) -> pl.Expr:
    # multiplied in 38 digits: a cast of the whole number alone would need 22, of which Decimal(18, 4) has 18
    return (pl.col(name).cast(pl.Decimal(38, 4)) * pl.lit(_TEN_THOUSANDTH, dtype=pl.Decimal(38, 4))).cast(MONEY)


def _one(columns: Iterable[Column[Any]], frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the frames as one, that has those columns also where there is no frame."""
    if len(frames) == 1:
        return frames[0]
    empty = pl.DataFrame(schema={column.name: polars_type(column) for column in columns})
    return pl.concat([empty, *frames])
