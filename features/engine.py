"""What differs between engines: how times are read, and how a result that is used several times is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw


def settled(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Compute a frame now and return it as the start of a new plan.

    Without it a plan that uses a result several times repeats it, and after a few joins with itself explodes. Polars
    keeps the result in memory, Spark in its executors.
    """
    native = nw.to_native(frame)
    native = native.collect().lazy() if frame.implementation.is_polars() else native.localCheckpoint()
    result: nw.LazyFrame[Any] = nw.from_native(native)
    return result


def with_microseconds(frame: nw.LazyFrame[Any], columns: Mapping[str, str]) -> nw.LazyFrame[Any]:
    """Add, for each new name, the microseconds since 1970-01-01 UTC of a time column; null stays null."""
    if frame.implementation.is_polars():
        return frame.with_columns(**{name: nw.col(column).dt.timestamp("us") for name, column in columns.items()})
    # narwhals reads no timestamps on Spark; Spark's own SQL does
    native = nw.to_native(frame)
    expressions = [f"unix_micros(`{column}`) AS `{name}`" for name, column in columns.items()]
    result: nw.LazyFrame[Any] = nw.from_native(native.selectExpr("*", *expressions))
    return result
