"""Sorted tables of address ranges, searched for a whole column at once.

IPv4 bounds are unsigned 32-bit numbers, IPv6 bounds 16-byte big-endian keys; the searches are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.intelligence.parsing import IPV4, IPV6, byte_keys

NOT_FOUND = -1
BOUNDS = ("version", "start_high", "start_low", "end_high", "end_low")
"""Columns that say where a range begins and ends (both inclusive), as in `parse_addresses`."""
_HALF = 2**64


@dataclass(frozen=True, slots=True)
class RangeTable:
    """Disjoint ranges in ascending order, each with a code (a row number of the caller's values)."""

    starts: NDArray[Any]
    ends: NDArray[Any]
    codes: NDArray[np.int64]

    def find(self, keys: NDArray[Any]) -> NDArray[np.int64]:
        """Return the code of the range that holds each key, `NOT_FOUND` where none does."""
        if not len(self.starts) or not len(keys):
            return np.full(len(keys), NOT_FOUND, dtype=np.int64)
        place = np.searchsorted(self.starts, keys, side="right") - 1
        inside = (place >= 0) & (keys <= self.ends[place])
        return np.where(inside, self.codes[place], NOT_FOUND)


@dataclass(frozen=True, slots=True)
class RangeIndex:
    """The IPv4 and IPv6 tables of one list, and its values: row `code` of `values` belongs to a range of that code."""

    tables: dict[int, RangeTable]
    values: pl.DataFrame

    @classmethod
    def of(cls, ranges: pl.DataFrame, columns: Sequence[str]) -> RangeIndex:
        """Index ranges (`BOUNDS` and `columns`). Where ranges overlap, the narrowest wins."""
        values = ranges.select(columns).unique(maintain_order=True)
        coded = ranges.join(values.with_row_index("code"), on=list(columns), nulls_equal=True, maintain_order="left")
        return cls({version: _table(coded, version) for version in (IPV4, IPV6)}, values)

    @classmethod
    def covering(cls, ranges: pl.DataFrame, value: pl.DataFrame) -> RangeIndex:
        """Index ranges that all have the same value (a frame of one row)."""
        return cls.of(covering(ranges).join(value, how="cross"), value.columns)

    def find(self, version: int, keys: NDArray[Any]) -> NDArray[np.int64]:
        """Return the row of `values` for each key of that IP version, `NOT_FOUND` where no range holds it."""
        return self.tables[version].find(keys)


def keys_of(frame: pl.DataFrame, version: int, prefix: str = "") -> NDArray[Any]:
    """Return search keys from the columns `<prefix>high` and `<prefix>low` of rows of one IP version."""
    low = frame[f"{prefix}low"].to_numpy()
    if version == IPV4:
        return low.astype(np.uint32)
    return byte_keys(frame[f"{prefix}high"].to_numpy(), low)


def disjoint(ranges: pl.DataFrame) -> pl.DataFrame:
    """Return the ranges sorted and cut so that none overlap; the narrowest keeps its place, other columns go along."""
    return pl.concat([_disjoint(ranges.filter(pl.col("version") == version)) for version in (IPV4, IPV6)])


def covering(ranges: pl.DataFrame) -> pl.DataFrame:
    """Return the fewest ranges that cover the same addresses (`BOUNDS` only), ascending."""
    return pl.concat([_covering(ranges.filter(pl.col("version") == version), version) for version in (IPV4, IPV6)])


def _covering(ranges: pl.DataFrame, version: int) -> pl.DataFrame:
    ordered = ranges.select(BOUNDS).sort("start_high", "start_low")
    if version == IPV4:
        # a range begins a new piece where it starts beyond the end of everything before it
        reach = pl.col("end_low").cum_max().shift(1)
        pieces = ordered.with_columns(piece=((pl.col("start_low") > reach + 1).fill_null(value=True)).cum_sum())
        return (
            pieces.group_by("piece", maintain_order=True)
            .agg(pl.col("version", "start_high", "start_low", "end_high").first(), pl.col("end_low").max())
            .select(BOUNDS)
        )
    merged: list[list[int]] = []
    for start_high, start_low, end_high, end_low in ordered.select(BOUNDS[1:]).rows():
        start, end = start_high << 64 | start_low, end_high << 64 | end_low
        if merged and start <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    halves = [(IPV6, start // _HALF, start % _HALF, end // _HALF, end % _HALF) for start, end in merged]
    return pl.DataFrame(halves, schema=ordered.schema, orient="row")


def is_disjoint(ranges: pl.DataFrame) -> bool:
    """Say whether the ranges of one IP version are ascending and do not overlap."""
    next_high, next_low = pl.col("start_high").shift(-1), pl.col("start_low").shift(-1)
    overlap = (next_high < pl.col("end_high")) | ((next_high == pl.col("end_high")) & (next_low <= pl.col("end_low")))
    return not bool(ranges.select(overlap.any())[0, 0])


def _disjoint(ranges: pl.DataFrame) -> pl.DataFrame:
    if is_disjoint(ranges):
        return ranges
    ordered = ranges.sort("start_high", "start_low", "end_high", "end_low", maintain_order=True)
    if is_disjoint(ordered):
        return ordered
    bounds = ordered.select("start_high", "start_low", "end_high", "end_low").rows()
    spans = [(high << 64 | low, end_high << 64 | end_low) for high, low, end_high, end_low in bounds]
    pieces = _narrowest(spans)
    rows = ordered[[piece[2] for piece in pieces]]
    return rows.with_columns(
        start_high=pl.Series([start // _HALF for start, _, _ in pieces], dtype=pl.UInt64),
        start_low=pl.Series([start % _HALF for start, _, _ in pieces], dtype=pl.UInt64),
        end_high=pl.Series([end // _HALF for _, end, _ in pieces], dtype=pl.UInt64),
        end_low=pl.Series([end % _HALF for _, end, _ in pieces], dtype=pl.UInt64),
    )


def _narrowest(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Cut spans into disjoint pieces (start, end, index of the span); at each point the narrowest open span wins."""
    starts = sorted(range(len(spans)), key=lambda index: spans[index][0])
    cuts = sorted({start for start, _ in spans} | {end + 1 for _, end in spans})
    pieces: list[tuple[int, int, int]] = []
    open_spans: list[int] = []
    upcoming = 0
    for cut, next_cut in pairwise(cuts):
        open_spans = [index for index in open_spans if spans[index][1] >= cut]
        while upcoming < len(starts) and spans[starts[upcoming]][0] == cut:
            open_spans.append(starts[upcoming])
            upcoming += 1
        if not open_spans:
            continue
        best = min(open_spans, key=lambda index: (spans[index][1] - spans[index][0], index))
        if pieces and pieces[-1][2] == best and pieces[-1][1] == cut - 1:
            pieces[-1] = (pieces[-1][0], next_cut - 1, best)
        else:
            pieces.append((cut, next_cut - 1, best))
    return pieces


def _table(coded: pl.DataFrame, version: int) -> RangeTable:
    own = _disjoint(coded.filter(pl.col("version") == version))
    return RangeTable(
        keys_of(own, version, "start_"), keys_of(own, version, "end_"), own["code"].cast(pl.Int64).to_numpy()
    )
