"""Daily roll-ups of clicks per source. They are kept, so that a night costs what that night's clicks cost."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.families import CLICK_SHAPES, CLICK_SHARES, DISTINCT
from features.windows import day_from_microseconds

SOURCE_DAY = ("affiliate_id", "offer_id", "sub", "day")
_BUCKETS = {shape.name: shape.buckets for shape in CLICK_SHAPES}
ROLLUP_VERSION = 1
"""Raised whenever the columns of a roll-up or their meaning change; stored ones of another version are made again."""


def click_rollup(
    clicks: nw.LazyFrame[Any], addresses: nw.LazyFrame[Any], agents: nw.LazyFrame[Any], referrals: nw.LazyFrame[Any]
) -> nw.LazyFrame[Any]:
    """Sum one or more days of clicks to one row per source and day.

    `clicks` has canonical columns with `ts_us`; the other frames are as in `features.facts.Inputs`. The result has
    `clicks`, `k_<share>` and `n_<share>` (clicks with the property, clicks whose facts tell), `b_<shape>_<bucket>`, and
    k and n of repeats within the day. All columns are sums, so days add up.
    """
    frame = clicks.with_columns(day=day_from_microseconds("ts_us"), sub=nw.coalesce(nw.col("sub_id"), nw.lit("")))
    frame = frame.join(addresses, on="ip", how="left").join(agents, on="user_agent", how="left")
    frame = with_hits(frame.join(referrals, on=["affiliate_id", "referrer"], how="left"))
    distinct = [nw.col(column).n_unique().alias(f"distinct_{column}") for column in DISTINCT]
    return with_repeats(frame.group_by(*SOURCE_DAY).agg(*hit_sums(), *distinct))


def with_hits(clicks: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Add to clicks, which have what is known of address, agent and referrer beside them, what `hit_sums` adds up."""
    frame = clicks.with_columns(
        *[share.hit.alias(f"hit_{share.name}") for share in CLICK_SHARES],
        *[shape.bucket.alias(f"bucket_{shape.name}") for shape in CLICK_SHAPES],
    )
    return with_bucket_flags(frame, _BUCKETS)[0]


def hit_sums() -> list[nw.Expr]:
    """Return the sums of a roll-up over columns of `with_hits`."""
    sums = [nw.len().alias("clicks")]
    for share in CLICK_SHARES:
        sums += [
            nw.col(f"hit_{share.name}").sum().alias(f"k_{share.name}"),
            nw.col(f"hit_{share.name}").count().alias(f"n_{share.name}"),
        ]
    sums += [nw.col(column).sum() for column in bucket_columns(_BUCKETS)]
    return [*sums, *[nw.col(column).count().alias(f"n_click_{column}_again") for column in DISTINCT]]


def with_repeats(rolled: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Turn how many distinct values a source had in a day (`distinct_<column>`, null counting as one) into repeats."""
    return rolled.with_columns(*[_repeats(column) for column in DISTINCT]).drop(
        *[f"distinct_{column}" for column in DISTINCT]
    )


def _repeats(column: str) -> nw.Expr:
    # a null counts as one distinct value: take it away where the column has nulls
    with_value = nw.col(f"n_click_{column}_again")
    nulls = nw.when(with_value < nw.col("clicks")).then(nw.lit(1)).otherwise(nw.lit(0))
    return (with_value - (nw.col(f"distinct_{column}") - nulls)).alias(f"k_click_{column}_again")


def with_bucket_flags(frame: nw.LazyFrame[Any], shapes: dict[str, int]) -> tuple[nw.LazyFrame[Any], list[str]]:
    """Add a column `b_<shape>_<i>` of 1 and 0 per bucket of each shape; return the frame and those columns' names."""
    flags = [
        nw.when(nw.col(f"bucket_{name}") == index).then(nw.lit(1)).otherwise(nw.lit(0)).alias(f"b_{name}_{index}")
        for name, buckets in shapes.items()
        for index in range(buckets)
    ]
    return frame.with_columns(*flags), bucket_columns(shapes)


def bucket_columns(shapes: dict[str, int]) -> list[str]:
    """Return the names of the columns that `with_bucket_flags` adds."""
    return [f"b_{name}_{index}" for name, buckets in shapes.items() for index in range(buckets)]
