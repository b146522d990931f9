"""Small building blocks for properties of events: three-valued flags that keep null as null on every engine."""

from __future__ import annotations

import narwhals as nw


def flag(condition: nw.Expr) -> nw.Expr:
    """Turn a boolean into 1 and 0, keeping null. Sums of booleans are not portable between engines."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.when(~condition).then(nw.lit(0)))


def flag_where(known: nw.Expr, condition: nw.Expr) -> nw.Expr:
    """Return 1 or 0 by `condition` where `known` is true, null elsewhere (also where `known` is null)."""
    return nw.when(known).then(nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)))


def is_missing(column: str) -> nw.Expr:
    """1 where the column is null, 0 elsewhere."""
    return nw.when(nw.col(column).is_null()).then(nw.lit(1)).otherwise(nw.lit(0))


def bucket(value: nw.Expr, edges: tuple[float, ...]) -> nw.Expr:
    """Count the `edges` (rising) that a value reaches: 0 below the first, len(edges) at or above the last."""
    total = nw.when(value >= edges[0]).then(nw.lit(1)).otherwise(nw.when(value < edges[0]).then(nw.lit(0)))
    for edge in edges[1:]:
        total = total + nw.when(value >= edge).then(nw.lit(1)).otherwise(nw.lit(0))
    return total
