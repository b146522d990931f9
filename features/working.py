"""Events in the form that features work on: times as integer microseconds, money as float, on any engine.

Money as float is for features only; what is paid, held or summed always comes from the decimal columns.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.engine import with_microseconds

CLICK_COLUMNS = (
    "click_id",
    "ts_us",
    "affiliate_id",
    "offer_id",
    "sub_id",
    "ip",
    "user_agent",
    "device_id",
    "country",
    "referrer",
)
CONVERSION_COLUMNS = (
    *("conversion_id", "ts_us", "affiliate_id", "offer_id", "sub_id", "payout", "click_id", "click_ts_us"),
    *("ip", "user_agent", "device_id", "country", "referrer", "customer_id", "order_id", "event", "revenue"),
)
FROM_CLICK = ("ip", "user_agent", "device_id", "country", "referrer")
"""Facts that a conversion takes from its click where it lacks them itself."""
_OF_CLICK = (*FROM_CLICK, "affiliate_id", "offer_id")


def working_clicks(clicks: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Turn canonical clicks into `CLICK_COLUMNS`."""
    return with_microseconds(clicks, {"ts_us": "ts"}).select(*CLICK_COLUMNS)


def working_conversions(conversions: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Turn canonical conversions into `CONVERSION_COLUMNS`."""
    return (
        with_microseconds(conversions, {"ts_us": "ts", "click_ts_us": "click_ts"})
        .with_columns(
            payout=nw.col("payout").cast(nw.Float64),
            revenue=nw.col("revenue").cast(nw.Float64),
        )
        .select(*CONVERSION_COLUMNS)
    )


def claimed_clicks(clicks: nw.LazyFrame[Any], conversions: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return the clicks that conversions claim, one row a click id, columns as `features.facts.Inputs.clicks`."""
    claimed = conversions.filter(~nw.col("click_id").is_null()).select("click_id").unique()
    found = clicks.join(claimed, on="click_id", how="inner")
    found = found.group_by("click_id").agg(
        nw.col("ts_us").min().alias("logged_click_us"),
        *[nw.col(column).max().alias(f"click_{column}") for column in _OF_CLICK],
    )
    return found.select("click_id", "logged_click_us", *[f"click_{column}" for column in _OF_CLICK])
