"""Records as cut from a file into canonical rows; what cannot be used is set apart with field, fault and value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from features.schema import TABLES, Column, Type, polars_schema
from screening.traffic.intake.amounts import read_money, read_number
from screening.traffic.intake.batch import LINE, Batch
from screening.traffic.intake.faults import Skip
from screening.traffic.intake.layout import Resolved, placeholders, source_name
from screening.traffic.intake.rules import Rules
from screening.traffic.intake.times import read_time
from screening.traffic.intake.words import (
    Reading,
    present,
    read_address,
    read_choice,
    read_country,
    read_currency,
    read_id,
    read_list,
    read_text,
)

LIST_SEPARATORS = {Type.WORDS: ";", Type.URLS: " "}
_IDS = frozenset(
    ("click_id", "conversion_id", "affiliate_id", "offer_id", "sub_id", "device_id", "customer_id", "order_id")
)
_DROPPABLE = frozenset(("ip", "click_ts", "locks_at", "joined_at"))
"""A wrong value here costs the field and not the row: it is evidence, and decides neither identity nor money."""
_AHEAD_ALLOWED = frozenset(("locks_at",))
_SYNTHETIC_BYTES = 12
"""Length of the digest in a synthesised id: 96 bits, so that a billion rows collide with a chance of 1 in 10^11."""
_CELL_END = "\x1f"


@dataclass(frozen=True, slots=True)
class Canonical:
    """Rows read from one batch.

    `rows` has the canonical columns and `LINE`. `refused` and `dropped` have `LINE`, `field`, `fault` and `value` (the
    text as it stood in the file): rows that are refused, and fields that were set to null in rows that are taken.
    """

    rows: pl.DataFrame
    refused: pl.DataFrame
    dropped: pl.DataFrame
    skipped: Mapping[Skip, int] = field(default_factory=dict)


def read_canonical(batch: Batch, resolved: Resolved, rules: Rules) -> Canonical:
    """Read all values of the batch. Rows in = rows + refused + skipped."""
    cells, skipped = _of_this_kind(batch.cells, resolved)
    readings: dict[str, Reading] = {}
    texts: dict[str, pl.Series] = {}
    synthetic = _synthetic_ids(cells, resolved) if resolved.layout.synthesised else None
    for column in TABLES[resolved.kind].columns:
        if column.name in resolved.layout.synthesised and synthetic is not None:
            readings[column.name] = Reading(synthetic)
            continue
        source = _source(cells, column.name, resolved)
        if source is not None:
            texts[column.name] = source
            readings[column.name] = _read(column, source, resolved, rules, clean=batch.clean)
    schema = polars_schema(resolved.kind)
    values = [
        readings[name].values.alias(name) if name in readings else pl.lit(None, dtype).alias(name)
        for name, dtype in schema.items()
    ]
    rows = cells.select(LINE).with_columns(values).select(*schema, LINE)
    faulty = {name: reading.faults for name, reading in readings.items() if reading.faults is not None}
    if not faulty:
        return Canonical(rows, _fault_rows([]), _fault_rows([]), skipped)
    return _set_apart(rows, faulty, texts, skipped)


def _set_apart(
    rows: pl.DataFrame, faulty: Mapping[str, pl.Series], texts: Mapping[str, pl.Series], skipped: Mapping[Skip, int]
) -> Canonical:
    refused = pl.Series([False]).new_from_index(0, rows.height)
    refusals, drops = [], []
    for name, faults in faulty.items():
        found = pl.DataFrame({"row": pl.int_range(rows.height, eager=True), "line": rows[LINE], "fault": faults})
        found = found.with_columns(field=pl.lit(name), value=texts[name].cast(pl.String)).filter(
            pl.col("fault").is_not_null()
        )
        if name in _DROPPABLE:
            drops.append(found)
        else:
            refusals.append(found)
            refused = refused | faults.is_not_null()
    first = _fault_rows(refusals).unique("row", keep="first", maintain_order=True)
    kept_drops = _fault_rows(drops).join(first, on="row", how="anti")
    return Canonical(rows.filter(~refused), first, kept_drops, skipped)


def _fault_rows(found: list[pl.DataFrame]) -> pl.DataFrame:
    schema = {"row": pl.Int64, LINE: pl.Int64, "field": pl.String, "fault": pl.String, "value": pl.String}
    return pl.concat([pl.DataFrame(schema=schema), *(frame.select(list(schema)) for frame in found)])


def _of_this_kind(cells: pl.DataFrame, resolved: Resolved) -> tuple[pl.DataFrame, Mapping[Skip, int]]:
    if resolved.layout.only_with is None:
        return cells, {}
    kept = cells.filter(present(pl.col(source_name(resolved, resolved.layout.only_with))).is_not_null())
    skipped = cells.height - kept.height
    return kept, {Skip.NOT_THIS_KIND: skipped} if skipped else {}


def _source(cells: pl.DataFrame, name: str, resolved: Resolved) -> pl.Series | None:
    layout = resolved.layout
    if name in resolved.columns:
        return _first_filled(cells, resolved.columns[name])
    if name in resolved.templates:
        sources = placeholders(resolved.templates[name])
        text = resolved.templates[name]
        for source in sources:
            text = text.replace(f"{{{source}}}", "{}")
        return cells.select(
            pl.format(text, *(pl.col(source_name(resolved, source)).fill_null("") for source in sources)).alias(name)
        ).to_series()
    if name in layout.constants:
        return pl.Series(name, [layout.constants[name]]).new_from_index(0, cells.height)
    return None


def _first_filled(cells: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    if len(names) == 1:
        return cells[names[0]]
    times = all(isinstance(cells.schema[name], pl.Datetime) for name in names)
    texts = [pl.col(name) if times else present(pl.col(name).cast(pl.String)) for name in names]
    return cells.select(pl.coalesce(texts)).to_series()


def _read(column: Column, cells: pl.Series, resolved: Resolved, rules: Rules, *, clean: bool) -> Reading:
    name, required = column.name, column.required
    if column.type == Type.TIME:
        return read_time(cells, rules, required=required, event=name not in _AHEAD_ALLOWED)
    if isinstance(cells.dtype, pl.Datetime):
        cells = cells.dt.to_string("iso:strict")
    if column.type == Type.MONEY:
        return read_money(cells, required=required)
    if column.type == Type.NUMBER:
        return read_number(cells)
    if column.type in LIST_SEPARATORS:
        return read_list(cells, rules, LIST_SEPARATORS[column.type])
    if column.choices:
        return read_choice(cells, column.choices, resolved.layout.words.get(name, {}), required=required)
    return _read_text(column, cells, resolved, rules, clean=clean)


def _read_text(column: Column, cells: pl.Series, resolved: Resolved, rules: Rules, *, clean: bool) -> Reading:
    if column.required or column.name in _IDS:
        return read_id(cells, rules, required=column.required)
    if column.name == "currency":
        return read_currency(cells, rules)
    if column.name == "ip" and "ip" not in resolved.layout.opaque:
        return read_address(cells)
    if column.name == "country":
        return read_country(cells, rules)
    return read_text(cells, rules, clean=clean)


def _synthetic_ids(cells: pl.DataFrame, resolved: Resolved) -> pl.Series:
    """Return an id per row made from its content alone; equal rows are numbered when duplicates are settled."""
    columns = [
        pl.col(source_name(resolved, name)).cast(pl.String).fill_null("") for name in resolved.layout.synthesised_from
    ]
    content = cells.select(pl.concat_str(columns, separator=_CELL_END)).to_series()
    digests = [hashlib.blake2b(text.encode(), digest_size=_SYNTHETIC_BYTES).hexdigest() for text in content]
    return pl.Series("id", digests, dtype=pl.String)
