"""When in the day and the week events happen, and how they bunch. Times of day are UTC: only the comparison counts."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.flags import flag_where
from features.registry import Of, Shape, Share

_HOUR_US = 3_600_000_000
_THREE_HOURS = 3 * _HOUR_US
EIGHTHS = 8
_EIGHTH = (nw.col("ts_us") // _THREE_HOURS) % EIGHTHS

SHARES = (
    Share(
        "same_minute",
        "converted in the same minute as another conversion of this affiliate and offer",
        (),
        flag_where(nw.col("ts_us") >= 0, nw.col("minute_uses") >= 2),
    ),
    Share(
        "weekend",
        "converted on a Saturday or Sunday (UTC)",
        (),
        flag_where(nw.col("ts_us") >= 0, (nw.col("day") + 3) % 7 >= 5),
    ),
)
SHAPES = (Shape("hour_shape", "histogram of the time of day of conversions", (), EIGHTHS, _EIGHTH),)
CLICK_SHAPES = (Shape("click_hour_shape", "histogram of the time of day of clicks", (), EIGHTHS, _EIGHTH, Of.CLICKS),)


def with_minute_uses(facts: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Add how many conversions of the same affiliate and offer fall in the same minute."""
    facts = facts.with_columns(minute=nw.col("ts_us") // 60_000_000)
    uses = facts.group_by("affiliate_id", "offer_id", "minute").agg(minute_uses=nw.len())
    return facts.join(uses, on=["affiliate_id", "offer_id", "minute"], how="left")
