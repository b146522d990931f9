"""How figures, times and shares are written on pages. Unknown is written as such, never as zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from jinja2 import Environment

from screening.jobs.views.lists import title_of_list
from screening.jobs.views.reasons import title_of

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_DAYS_NAMED = 60
UNKNOWN = "not known"


def money(amount: Decimal | None, currency: str | None) -> str:
    """Return an amount with its currency: `1,234.50 EUR`; cents are dropped by nothing."""
    if amount is None:
        return UNKNOWN
    cents = amount.quantize(Decimal("0.01"))
    shown = cents if cents == amount else amount.normalize()
    return f"{shown:,} {currency}" if currency else f"{shown:,}"


def share(value: float | None) -> str:
    """Return a share, 0-1, as a percentage."""
    if value is None:
        return UNKNOWN
    percent = value * 100
    return f"{percent:.1f}%" if percent < 10 else f"{percent:.0f}%"


def interval(low: float | None, high: float | None) -> str:
    """Return an interval of shares."""
    return UNKNOWN if low is None or high is None else f"{share(low)} to {share(high)}"


def exact(moment: datetime) -> str:
    """Return a moment to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def short(moment: datetime) -> str:
    """Return a moment to the minute, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def span(length: timedelta) -> str:
    """Return a length of time in its largest unit: `3 days`, `5 hours`, `2 minutes`."""
    seconds = abs(length.total_seconds())
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= unit:
            count = int(seconds // unit)
            return f"{count} {name}{'s' if count != 1 else ''}"
    return "moments"


def age(moment: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was."""
    return "never" if moment is None else f"{span(now - moment)} ago"


def until(moment: datetime | None, now: datetime) -> str:
    """Return how long until a moment, or how long ago it passed: `9 days left`, `3 hours late`."""
    if moment is None:
        return "no clock"
    return f"{span(moment - now)} left" if moment > now else f"{span(now - moment)} late"


def install(environment: Environment) -> None:
    """Give templates these filters."""
    environment.filters.update(
        money=money,
        share=share,
        exact=exact,
        moment=short,
        span=span,
        age=age,
        until=until,
        title_of=title_of,
        list_title=title_of_list,
    )
    environment.globals["interval"] = interval
