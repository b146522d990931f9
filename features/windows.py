"""Windows of days, counted backwards from the last day of a scan.

Window 0 of length 7 is the last seven days of the scan, window 1 the seven before. Every event is in exactly one window
of each length, so a night's own window is the trailing one, and a scan of a longer past is cut into equal pieces.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import narwhals as nw

MICROSECONDS_PER_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Return the days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """Return the date that is `number` days after 1970-01-01."""
    return _EPOCH + timedelta(days=number)


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970-01-01 UTC of an aware time. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("times need a zone")
    return round(moment.timestamp() * 1_000_000)


def day_from_microseconds(column: str) -> nw.Expr:
    """Days since 1970-01-01 of an integer column of microseconds."""
    return nw.col(column) // MICROSECONDS_PER_DAY


def window_name(days: int) -> str:
    """Name of the column that holds the index of the window of that length."""
    return f"window{days}"


def window_index(last_day: int, days: int) -> nw.Expr:
    """Index of the window of `days` days that a `day` lies in; 0 is the one that ends on `last_day`."""
    return (nw.lit(last_day) - nw.col("day")) // days


def window_bounds(last_day: int, index: int, days: int) -> tuple[date, date]:
    """Return the first and last date of a window."""
    end = last_day - index * days
    return day_of(end - days + 1), day_of(end)
