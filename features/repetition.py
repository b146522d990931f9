"""The same address, network, device, customer, order or click again, inside one affiliate and across affiliates.

Counts are taken over the 28-day window of the conversion. Sharing an address is not fraud: homes, offices and carriers
share addresses, so these are held against what the offer's other affiliates show.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.flags import flag_where
from features.registry import Share

REPEATED = ("ip", "network", "device_id", "customer_id", "order_id", "click_id", "user_agent")
"""Columns whose values are counted; each gives `<name>_uses` (by this affiliate) and `<name>_partners` (affiliates)."""


def _again(column: str, least: int = 2) -> nw.Expr:
    return flag_where(~nw.col(column).is_null(), nw.col(f"{column}_uses") >= least)


def _elsewhere(column: str) -> nw.Expr:
    return flag_where(~nw.col(column).is_null(), nw.col(f"{column}_partners") >= 2)


SHARES = (
    Share(
        "ip_again", "came from an address that this affiliate's conversions used before or after", ("ip",), _again("ip")
    ),
    Share(
        "ip_often", "came from an address with five or more of this affiliate's conversions", ("ip",), _again("ip", 5)
    ),
    Share(
        "network_again",
        "came from a network (/24 or /48) with three or more of this affiliate's conversions",
        ("ip",),
        _again("network", 3),
    ),
    Share(
        "device_again",
        "came from a device that this affiliate's conversions used before or after",
        ("device_id",),
        _again("device_id"),
    ),
    Share(
        "customer_again",
        "came from a customer with several conversions of this affiliate",
        ("customer_id",),
        _again("customer_id"),
    ),
    Share(
        "click_again",
        "claims a click that other conversions of this affiliate claim too",
        ("click_id",),
        _again("click_id"),
    ),
    Share(
        "order_again",
        "has an order number that this affiliate's conversions have twice",
        ("order_id",),
        _again("order_id"),
    ),
    Share("ip_elsewhere", "came from an address that converts for other affiliates too", ("ip",), _elsewhere("ip")),
    Share(
        "device_elsewhere",
        "came from a device that converts for other affiliates too",
        ("device_id",),
        _elsewhere("device_id"),
    ),
    Share(
        "customer_elsewhere",
        "came from a customer that converts for other affiliates too",
        ("customer_id",),
        _elsewhere("customer_id"),
    ),
    Share(
        "agent_lonely",
        "came from a user agent that converts three times or more and only for this affiliate",
        ("user_agent",),
        flag_where(
            ~nw.col("user_agent").is_null(), (nw.col("user_agent_partners") < 2) & (nw.col("user_agent_uses") >= 3)
        ),
    ),
)


def with_uses(facts: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Add, for each repeated column, how often this affiliate's conversions use the value and how many affiliates do.

    `facts` needs `affiliate_id`, `window28` and the repeated columns; null values get null counts.
    """
    seen = facts.select("window28", "affiliate_id", *REPEATED)
    for column in REPEATED:
        used = seen.filter(~nw.col(column).is_null()).group_by("window28", column, "affiliate_id").agg(uses=nw.len())
        partners = used.group_by("window28", column).agg(partners=nw.len())
        counts = used.join(partners, on=["window28", column], how="inner").rename(
            {"uses": f"{column}_uses", "partners": f"{column}_partners"}
        )
        facts = facts.join(counts, on=["window28", column, "affiliate_id"], how="left")
    return facts
