"""When people are about: hours of the day, days of the week, growth, blasts and sales."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from screening.simulate.columns import HOUR, Floats, Ints


class Clock(IntEnum):
    """The daily and weekly habits of an audience, in its own time zone."""

    EVENING = 0
    """Shoppers: a hump at noon, a peak after supper, busier weekends."""
    DAY = 1
    """Forms and comparisons: from breakfast to night, weaker weekends."""
    WAKING = 2
    """Telephones: all waking hours."""
    OFFICE = 3
    """Companies: office hours, hardly any weekend."""
    FLAT = 4
    """No habit at all."""


_HOURS = np.array(
    [
        [9, 5, 3, 2, 2, 3, 8, 16, 24, 30, 34, 36, 42, 38, 34, 34, 36, 42, 50, 60, 68, 64, 44, 22],
        [5, 3, 2, 2, 2, 4, 12, 26, 42, 54, 58, 56, 52, 50, 48, 46, 44, 42, 40, 42, 40, 34, 22, 11],
        [16, 9, 5, 4, 4, 7, 18, 30, 36, 38, 40, 42, 46, 44, 42, 42, 44, 48, 52, 56, 58, 58, 48, 30],
        [1, 1, 1, 1, 1, 2, 6, 22, 58, 78, 82, 76, 52, 62, 78, 74, 64, 40, 18, 10, 8, 6, 4, 2],
        [1] * 24,
    ],
    dtype=np.float64,
)
"""Relative traffic by hour of the day."""
_WEEK = np.array(
    [
        [0.98, 0.95, 0.95, 0.97, 0.96, 1.05, 1.20],
        [1.12, 1.12, 1.10, 1.06, 0.98, 0.80, 0.82],
        [0.97, 0.97, 0.97, 0.98, 1.02, 1.06, 1.06],
        [1.28, 1.35, 1.33, 1.28, 1.08, 0.24, 0.22],
        [1.0] * 7,
    ]
)
"""Relative traffic by day of the week, from Monday."""


def weekday_shape(clock: Clock, first_weekday: int, days: int) -> Floats:
    """Return the factor of each day; `first_weekday` is 0 for Monday."""
    return np.asarray(_WEEK[clock][(first_weekday + np.arange(days)) % 7], np.float64)


def time_of_day(clock: Ints, offset: Floats, rng: np.random.Generator) -> Ints:
    """Draw microseconds after midnight UTC for audiences whose clocks are `offset` hours ahead; may leave the day."""
    drawn = np.zeros(len(clock), np.float64)
    where = rng.random(len(clock))
    for kind in np.unique(clock):
        chosen = clock == kind
        total = np.concatenate([[0.0], np.cumsum(_HOURS[kind])])
        drawn[chosen] = np.interp(where[chosen] * total[-1], total, np.arange(25))
    return _milliseconds((drawn - offset) * HOUR)


def after_blast(hour: Floats, rng: np.random.Generator) -> Ints:
    """Draw microseconds after midnight UTC for readers of a mail sent at `hour`: half within the hour, a day's tail."""
    delay = np.exp(np.log(0.75) + 1.25 * rng.standard_normal(len(hour)))
    return _milliseconds((hour + np.minimum(delay, 40)) * HOUR)


def daily_noise(rows: int, days: int, rng: np.random.Generator) -> Floats:
    """Return a factor for each row and day around 1, that remembers yesterday."""
    level = np.zeros((rows, days))
    shock = 0.22 * rng.standard_normal((rows, days))
    for day in range(days):
        level[:, day] = shock[:, day] + (0.6 * level[:, day - 1] if day else 0)
    return np.asarray(np.exp(level - 0.04), np.float64)


def blast_days(rows: int, days: int, rng: np.random.Generator) -> Floats:
    """Return for each row and day how a list that is mailed one to three times a week behaves."""
    weekly = np.zeros((rows, days))
    for row in range(rows):
        sent = rng.choice(7, int(rng.integers(1, 4)), replace=False)
        weekly[row] = np.where(np.isin(np.arange(days) % 7, sent), 1.0, 0.12)
        weekly[row] *= np.where(rng.random(days) < 0.15, rng.uniform(0.2, 2.5, days), 1.0)
    return weekly


def ramp(joined_day: Floats, days: int) -> Floats:
    """Return for each partner and day how far a newcomer has grown: 0 before joining, near 1 after three weeks."""
    age = np.arange(days)[None, :] - joined_day[:, None]
    return np.asarray(np.where(age < 0, 0.0, 1 - 0.85 * np.exp(-np.maximum(age, 0) / 7)), np.float64)


def _milliseconds(microseconds: Floats) -> Ints:
    return (np.round(microseconds / 1000) * 1000).astype(np.int64)
