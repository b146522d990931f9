"""Data frames as they go into the store and come out of it: their columns, types, and the checks on the way in."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import polars as pl
import polars.selectors as cs
from sqlalchemy import BigInteger, Boolean, Column, Date, Double, Table, Text

from features.schema import MONEY_PRECISION, MONEY_SCALE
from screening.errors import InputError
from screening.store import tables
from screening.store.columns import Document, Instant, Money, Words

SLICE_ROWS = 50_000
"""Rows that are turned into Python objects at a time: some 50 MB, whatever the size of the frame."""

MONEY = pl.Decimal(MONEY_PRECISION, MONEY_SCALE)
INSTANT = pl.Datetime("us", "UTC")
WORDS = pl.List(pl.String)

POLARS_TYPES = MappingProxyType[type, pl.DataType](
    {
        Text: pl.String(),
        Document: pl.String(),
        Money: MONEY,
        Instant: INSTANT,
        Words: WORDS,
        Date: pl.Date(),
        Boolean: pl.Boolean(),
        Double: pl.Float64(),
        BigInteger: pl.Int64(),
    }
)
"""The Polars type of each column type of the tables."""


def polars_type(column: Column[Any]) -> pl.DataType:
    """Return the Polars type of a table's column."""
    return POLARS_TYPES[type(column.type)]


def schema_of(table: Table) -> pl.Schema:
    """Return the columns of the frames that go into and come out of a table, the run as its `run_id`."""
    columns = {column.name: polars_type(column) for column in table.columns if column.name != "run_key"}
    return pl.Schema({**columns, "run_id": pl.String()} if "run_key" in table.columns else columns)


DECISIONS = schema_of(tables.decisions)
"""The contract's columns and `reason_details`: the reasons with their numbers as a JSON text, null when not known."""
SOURCES = schema_of(tables.sources)
"""As DECISIONS; also `source_id`, given by the store, and `missing`. `from` and `to` are the first and last day."""
CAPS = schema_of(tables.caps)
"""As DECISIONS; also `cap_id`, given by the store. Null affiliate_id: the whole offer. Null limit: none."""
SCREENINGS = schema_of(tables.screenings)
"""As DECISIONS. `evidence` is a path in the workspace."""


def conformed(frame: pl.DataFrame, table: Table, run_id: str | None = None) -> pl.DataFrame:
    """Return the frame with exactly the table's columns, ready to be stored: NaN is unknown, so it becomes null.

    A column of `run_id` may be there and must then name that run; columns with `info["optional"]` may be absent.
    Raises TypeError for a wrong column or type, ValueError for a null where a value must be, and InputError for text
    with a NUL character, which PostgreSQL cannot keep.
    """
    if run_id is not None and "run_id" in frame.columns:
        if set(frame["run_id"].to_list()) - {run_id}:
            raise ValueError(f"{table.name}: some rows belong to another run than {run_id}")
        frame = frame.drop("run_id")
    given = [column for column in table.columns if not (column.name == "run_key" or column.info.get("numbered"))]
    _refuse_wrong_names(frame, table, given)
    frame = frame.select(_typed(frame, table, column) for column in given).with_columns(cs.float().fill_nan(None))
    for column in given:
        if not column.nullable and frame[column.name].null_count():
            raise ValueError(f"{table.name}: {column.name} is unknown in {frame[column.name].null_count()} rows")
    _refuse_nul(frame, table)
    return frame


def json_of_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with every list of words as the text of a JSON array."""
    return frame.with_columns(
        pl.when(pl.col(name).is_not_null())
        .then(pl.struct(words=name).struct.json_encode().str.strip_prefix('{"words":').str.strip_suffix("}"))
        .alias(name)
        for name, dtype in frame.schema.items()
        if dtype == WORDS
    )


def words_of_json(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Turn the named columns of JSON arrays back into lists of words."""
    return frame.with_columns(pl.col(name).str.json_decode(WORDS) for name in names)


def _refuse_wrong_names(frame: pl.DataFrame, table: Table, given: list[Column[Any]]) -> None:
    known = {column.name for column in given}
    absent = {column.name for column in given if not column.info.get("optional")} - set(frame.columns)
    unknown = set(frame.columns) - known
    if absent or unknown:
        raise TypeError(f"{table.name}: columns absent {sorted(absent)}, unknown {sorted(unknown)}")


def _typed(frame: pl.DataFrame, table: Table, column: Column[Any]) -> pl.Expr:
    wanted = polars_type(column)
    found: pl.DataType = frame.schema.get(column.name, pl.Null())
    exact = (
        found == wanted
        or found in {pl.Null(), pl.List(pl.Null())}
        or (wanted == pl.Int64 and found.is_integer())
        or (wanted == pl.Float64 and found.is_float())
        or (wanted == pl.String and isinstance(found, pl.Enum | pl.Categorical))
    )
    if not exact:
        raise TypeError(f"{table.name}: {column.name} is {found}, must be {wanted}")
    return (pl.col(column.name) if column.name in frame.columns else pl.lit(None).alias(column.name)).cast(wanted)


def _refuse_nul(frame: pl.DataFrame, table: Table) -> None:
    found = frame.select(cs.string().str.contains("\0", literal=True).any())
    for name in found.columns:
        if found[name].item():
            raise InputError(
                f"{table.name}: {name} holds a NUL character.", remedy="Remove it from the input.", where=name
            )
