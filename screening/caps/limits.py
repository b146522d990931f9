"""What a cap limits: a measure in a period, of one partner on an offer or of the whole offer. Periods are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum

DIGITS = 3
"""Significant digits of a recommended limit: as exact as a person would set it."""
_MONEY_STEP = Decimal("0.01")


class Span(StrEnum):
    """The period after which a cap counts anew."""

    DAILY = "daily"
    WEEKLY = "weekly"
    """From Monday."""
    MONTHLY = "monthly"
    """From the first of the month."""
    TOTAL = "total"
    """Never counts anew."""


class Measure(StrEnum):
    """What a cap counts."""

    CLICKS = "clicks"
    CONVERSIONS = "conversions"
    PAYOUT = "payout"
    REVENUE = "revenue"


MONEY = frozenset({Measure.PAYOUT, Measure.REVENUE})
"""Measures whose limits are amounts in a currency."""
DAYS = {Span.DAILY: 1, Span.WEEKLY: 7, Span.MONTHLY: 30, Span.TOTAL: 30}
"""Usual length of a span in days, to carry an amount from one span to another; a total counts as a month."""


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit that a network keeps. affiliate_id None: of the whole offer."""

    offer_id: str
    affiliate_id: str | None
    cap_type: str

    @property
    def span(self) -> Span:
        """The period."""
        return Span(self.cap_type.partition("_")[0])

    @property
    def measure(self) -> Measure:
        """What is counted."""
        return Measure(self.cap_type.partition("_")[2])

    @property
    def budget(self) -> bool:
        """Whether the limit is the advertiser's money: an offer-wide limit of payout or revenue."""
        return self.affiliate_id is None and self.measure in MONEY


def begins(span: Span, day: date) -> date | None:
    """Return the first day of the period that a day lies in; None: it began with the first event."""
    if span is Span.DAILY:
        return day
    if span is Span.WEEKLY:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if span is Span.MONTHLY else None


def days_left(span: Span, day: date, horizon: int) -> int:
    """Return how many days the period of a day still has, that day counted; of a total, the horizon."""
    if span is Span.TOTAL:
        return horizon
    last = day
    while begins(span, last + timedelta(days=1)) == begins(span, day):
        last += timedelta(days=1)
    return (last - day).days + 1


def rounded_up(amount: Decimal, measure: Measure) -> Decimal:
    """Round up to `DIGITS` significant digits, to whole numbers where things are counted."""
    return _rounded(amount, measure, ROUND_CEILING)


def rounded_down(amount: Decimal, measure: Measure) -> Decimal:
    """Round down to `DIGITS` significant digits, to whole numbers where things are counted."""
    return _rounded(amount, measure, ROUND_FLOOR)


def _rounded(amount: Decimal, measure: Measure, how: str) -> Decimal:
    if amount <= 0:
        return Decimal(0)
    finest = _MONEY_STEP if measure in MONEY else Decimal(1)
    step = max(finest, Decimal(1).scaleb(amount.adjusted() - DIGITS + 1))
    return (amount / step).to_integral_value(rounding=how) * step
