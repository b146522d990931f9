"""Periods of whole days for scorecards and key figures, and the period that each is compared with."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from screening.errors import InputError


@dataclass(frozen=True, slots=True)
class Span:
    """UTC days, both ends inclusive."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise InputError(
                f"The period ends on {self.last} before it begins on {self.first}.", remedy="Give --from before --to."
            )

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def whole_month(self) -> bool:
        """Whether it is one month from its first to its last day."""
        return self.first.day == 1 and self.last == _month_end(self.first)

    def before(self) -> Span:
        """Return what it is compared with.

        A month, or its beginning, is compared with the same days of the month before; anything else with the same
        number of days right before it.
        """
        yesterday = self.first - timedelta(days=1)
        if self.first.day == 1 and self.last <= _month_end(self.first):
            last = (
                yesterday
                if self.whole_month
                else min(yesterday, yesterday.replace(day=1) + timedelta(days=self.days - 1))
            )
            return Span(yesterday.replace(day=1), last)
        return Span(self.first - timedelta(days=self.days), yesterday)


def month_of(text: str, newest: date) -> Span:
    """Return the month written as `2026-11`, no further than the newest day. Raises InputError for other text."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text) or text.startswith("0000"):
        raise InputError(f"{text!r} is not a month.", remedy="Write for example 2026-11.", where="--month")
    first = date.fromisoformat(f"{text}-01")
    if first > newest:
        raise InputError(f"There are no events of {text} yet.", remedy=f"The newest are of {newest}.", where="--month")
    return Span(first, min(_month_end(first), newest))


def last_whole_month(newest: date) -> Span:
    """Return the last month whose last day is not after the newest day."""
    if newest == _month_end(newest):
        return Span(newest.replace(day=1), newest)
    end = newest.replace(day=1) - timedelta(days=1)
    return Span(end.replace(day=1), end)


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
