"""Roll-ups of clicks in memory, on Polars: what `features.clicks.click_rollup` gives, several times faster.

Text is what makes clicks expensive: each join and each count of distinct values hashes and compares the same addresses,
agents and referrers again. Here each text column becomes whole numbers once, what is known of a value is looked up once
a value, and everything after that works on numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from features.clicks import hit_sums, with_hits, with_repeats
from features.families import DISTINCT
from features.lookups import ADDRESS_COLUMNS, AGENT_COLUMNS, Classifier, Lookups, referrals
from features.windows import MICROSECONDS_PER_DAY

_DAY = pl.col("ts_us") // MICROSECONDS_PER_DAY
_KEYS = ("affiliate_id", "offer_id", "sub", "day")
_LOOKED_UP = ("ip", "user_agent", "device_id", "referrer")


@dataclass(frozen=True, slots=True)
class Coded:
    """A column as numbers: row i has the value that row `first[codes[i]]` has. Null is a value like others.

    `codes` has shape (rows,), 0..values-1 in the order of first appearance; `first` has shape (values,).
    """

    codes: NDArray[np.int64]
    first: NDArray[np.int64]


def coded(column: pl.Series) -> Coded:
    """Number the distinct values of a column.

    They are told apart by a 64-bit hash; that no two values share one is checked, not assumed.
    """
    numbered = _numbered(_hashed(column))
    if not column[numbered.first][numbered.codes].equals(column):
        return _numbered(column.rank("dense").fill_null(0).to_numpy())
    return numbered


def _hashed(column: pl.Series) -> NDArray[np.uint64]:
    return column.hash().to_numpy()


def _numbered(values: NDArray[np.integer]) -> Coded:
    codes, distinct = pd.factorize(values)
    first = np.empty(len(distinct), dtype=np.int64)
    # of several rows with the same code the last one written stays: the first row
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return Coded(codes, first)


def rolled_up(clicks: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    """Look up and roll up working clicks of one or more days: columns and values as `click_rollup`, rows in any order.

    `clicks` may lack `click_id`.
    """
    clicks = clicks.with_columns(sub=pl.col("sub_id").fill_null(""), day=_DAY)
    names = (*_KEYS, *_LOOKED_UP)
    with ThreadPoolExecutor(pl.thread_pool_size()) as threads:
        columns = dict(zip(names, threads.map(coded, (clicks[name] for name in names)), strict=True))
        source_day = _together([columns[name] for name in _KEYS])
        known = [
            threads.submit(_known, clicks, columns["ip"], lookups.addresses, ADDRESS_COLUMNS[:3]),
            threads.submit(_known, clicks, columns["user_agent"], lookups.agents, AGENT_COLUMNS),
            threads.submit(_off_site, clicks, columns, lookups.sites),
        ]
        distinct = dict(
            zip(DISTINCT, threads.map(lambda name: _distinct(source_day, columns[name]), DISTINCT), strict=True)
        )
        seen = clicks.select("ts_us", "country", *_LOOKED_UP, source_day=pl.Series(source_day.codes))
        facts = pl.concat([seen, *(future.result() for future in known)], how="horizontal")
    hits = with_hits(nw.from_native(facts.lazy())).group_by("source_day").agg(*hit_sums())
    sums = nw.to_native(hits).collect()
    place = sums["source_day"].to_numpy()
    keys = clicks.select(_KEYS)[source_day.first[place]]
    counted = pl.DataFrame({f"distinct_{name}": number[place] for name, number in distinct.items()}).cast(pl.UInt32)
    counts = pl.concat([keys, sums.drop("source_day"), counted], how="horizontal")
    repeated: pl.LazyFrame = nw.to_native(with_repeats(nw.from_native(counts.lazy())))
    return repeated.collect()


def _together(columns: Sequence[Coded]) -> Coded:
    """Number the combinations of several columns' values."""
    first, *rest = columns
    for other in rest:
        # numbered anew after each column, so that the product stays far below 64 bits
        first = _numbered(first.codes * len(other.first) + other.codes)
    return first


def _known(clicks: pl.DataFrame, column: Coded, classify: Classifier, names: Sequence[str]) -> pl.DataFrame:
    """Look up each distinct value of a column once, and return what is known of it for every row."""
    key, *facts = names
    values = clicks[key][column.first]
    given = values.drop_nulls()
    table = classify(given).select(names)
    if not table[key].equals(given):
        first = table.unique(key, keep="first", maintain_order=True)
        table = given.to_frame(key).join(first, on=key, how="left", maintain_order="left")
    # the row after the last, of nulls, is what is known of a value that is null
    place = np.where(values.is_null().to_numpy(), table.height, np.cumsum(values.is_not_null().to_numpy()) - 1)
    known = pl.concat([table.select(facts), table.select(facts).clear(1)])
    return known[place[column.codes]]


def _off_site(clicks: pl.DataFrame, columns: dict[str, Coded], sites: pl.DataFrame) -> pl.DataFrame:
    pair = _together([columns["affiliate_id"], columns["referrer"]])
    pairs = clicks.select("affiliate_id", "referrer")[pair.first]
    known = referrals(pairs.drop_nulls(), sites)
    joined = pairs.join(known, on=["affiliate_id", "referrer"], how="left", maintain_order="left")
    return joined.select("off_site")[pair.codes]


def _distinct(group: Coded, column: Coded) -> NDArray[np.int64]:
    """Count the distinct values, null being one, of a column in each group."""
    pairs = pd.unique(group.codes * len(column.first) + column.codes)
    return np.bincount(pairs // len(column.first), minlength=len(group.first)) if len(pairs) else np.zeros(0, np.int64)
