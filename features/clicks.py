"""Daily roll-ups of clicks per source. They are kept, so that a night costs what that night's clicks cost."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.families import CLICK_SHAPES, CLICK_SHARES, DISTINCT
from features.windows import day_from_microseconds

SOURCE_DAY = ("affiliate_id", "offer_id", "sub", "day")
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
    frame = frame.join(referrals, on=["affiliate_id", "referrer"], how="left")
    frame = frame.with_columns(
        *[share.hit.alias(f"hit_{share.name}") for share in CLICK_SHARES],
        *[shape.bucket.alias(f"bucket_{shape.name}") for shape in CLICK_SHAPES],
    )
    sums = [nw.len().alias("clicks")]
    for share in CLICK_SHARES:
        sums += [
            nw.col(f"hit_{share.name}").sum().alias(f"k_{share.name}"),
            nw.col(f"hit_{share.name}").count().alias(f"n_{share.name}"),
        ]
    frame, buckets = with_bucket_flags(frame, {shape.name: shape.buckets for shape in CLICK_SHAPES})
    sums += [nw.col(column).sum() for column in buckets]
    for column in DISTINCT:
        sums += [
            nw.col(column).n_unique().alias(f"distinct_{column}"),
            nw.col(column).count().alias(f"n_click_{column}_again"),
        ]
    rolled = frame.group_by(*SOURCE_DAY).agg(*sums)
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
    return frame.with_columns(*flags), [
        f"b_{name}_{index}" for name, buckets in shapes.items() for index in range(buckets)
    ]
