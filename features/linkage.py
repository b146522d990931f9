"""Whether the conversion fits the click that it claims."""

from __future__ import annotations

import narwhals as nw

from features.flags import flag_where, is_missing
from features.registry import Share

_CLICK_FOUND = nw.col("click_found") == 1


def _differs(column: str) -> nw.Expr:
    known = _CLICK_FOUND & ~nw.col(f"own_{column}").is_null() & ~nw.col(f"click_{column}").is_null()
    return flag_where(known, nw.col(f"own_{column}") != nw.col(f"click_{column}"))


SHARES = (
    Share("no_click", "names no click at all", ("click_id",), is_missing("click_id")),
    Share(
        "click_unknown",
        "names a click that the click log does not have",
        ("click_id", "clicks"),
        flag_where(~nw.col("click_found").is_null(), nw.col("click_found") == 0),
    ),
    Share("ip_differs", "converted from another address than the click's", ("ip", "clicks"), _differs("ip")),
    Share(
        "agent_differs",
        "converted with another user agent than the click's",
        ("user_agent", "clicks"),
        _differs("user_agent"),
    ),
    Share(
        "device_differs", "converted on another device than the click's", ("device_id", "clicks"), _differs("device_id")
    ),
    Share("country_unlike_click", "claims another country than its click", ("country", "clicks"), _differs("country")),
    Share(
        "click_time_differs",
        "reports a click time more than two seconds off the click log",
        ("click_ts", "clicks"),
        flag_where(
            _CLICK_FOUND & ~nw.col("click_ts_us").is_null(),
            (nw.col("click_ts_us") - nw.col("logged_click_us")).abs() > 2_000_000,
        ),
    ),
)
