"""Forecast what a source would bring: a robust level times the weekday's usual share, and the spread of past days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from screening.caps.evidence import Demand, Floats

WEEKDAY_PRIOR_WEEKS = 2.0
"""Weeks of an even week that a weekday's factor is drawn to: two odd Sundays do not make a season."""
_OUTLIER = 3 * 1.4826
"""Days more than three standard deviations (from the median absolute deviation) above the median are cut to there."""


def weekday_factors(days: Sequence[date], amounts: Floats) -> Floats:
    """Return for Monday to Sunday how many times an average day it has, shape (7,), mean near 1."""
    factors = np.ones(7)
    mean = float(amounts.mean()) if amounts.size else 0.0
    if mean <= 0:
        return factors
    weekday = np.array([day.weekday() for day in days])
    for number in range(7):
        own = amounts[weekday == number] / mean
        factors[number] = (own.sum() + WEEKDAY_PRIOR_WEEKS) / (len(own) + WEEKDAY_PRIOR_WEEKS)
    return factors


def forecast(
    history: tuple[Sequence[date], Floats], factors: Floats, half_life_days: float, horizon: tuple[date, float, int]
) -> Demand | None:
    """Forecast from whole past days; None when none of them had anything.

    history: days without gaps, ascending, and their amounts. factors: of the weekdays. horizon: its first day, the
    share of it that is still to come (0..1), and its number of days. Later days weigh more: one `half_life_days`
    before the last weighs half.
    """
    days, amounts = history
    if not len(amounts) or amounts.sum() <= 0:
        return None
    even = amounts / factors[[day.weekday() for day in days]]
    weight = 0.5 ** (np.arange(len(even))[::-1] / half_life_days)
    level = float(np.average(_without_outliers(even), weights=weight))
    ratios = even / even.mean()
    first, rest, number = horizon
    coming = [first + timedelta(days=offset) for offset in range(number)]
    expected = [level * float(factors[day.weekday()]) for day in coming]
    return Demand(first, (expected[0] * rest, *expected[1:]), tuple(float(ratio) for ratio in ratios))


def _without_outliers(amounts: Floats) -> Floats:
    middle = float(np.median(amounts))
    spread = float(np.median(np.abs(amounts - middle)))
    # where most days are alike, often empty, the spread tells nothing
    return np.asarray(np.minimum(amounts, middle + _OUTLIER * spread) if spread > 0 else amounts, np.float64)
