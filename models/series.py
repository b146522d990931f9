"""A judge of hourly rates (click-through, conversion rate, cost per click): is this day unlike the series' own past?

For every day it compares the hour-by-hour profile of the last 24 and the last 48 hours with the profiles that ended at
the same clock time on earlier days, and asks how far the nearest of them are, in units of how far earlier days were
from each other. This is a discord that only looks back (Yankov, Keogh, Rebbapragada 2008, "Disk aware discord
discovery", KAIS 17:241-262), on profiles aligned by the clock instead of sliding windows.

What follows from it: hour-of-day shape is compared with itself; weekends find earlier weekends; a level shift is
reported and, once `NEIGHBOURS` days lie on the new level, becomes the norm; a missing hour is left out, not zero.
A day is judged at its end, when the nightly scan runs: data after that midnight (UTC) are never used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.judge import Floats, lacking, numbers

HOURS = 24
SPANS_DAYS = (1, 2)
"""Lengths of the compared profiles: a night's incident, and one that builds up over two days."""
PAST_DAYS = 56
"""How far back a series is remembered: eight weeks, so eight of each weekday."""
LEAST_PAST_DAYS = 7
"""Days with data before a series can be judged: one of each weekday."""
NEIGHBOURS = 3
"""How many of the nearest earlier profiles are averaged: one alone could be an earlier incident of the same kind."""
LOG_FLOOR = 10.0
"""Values are compared as log(1 + LOG_FLOOR x value / usual): ratios count, down to a tenth of the usual value."""
QUIET = 0.02
"""Smallest usual distance that is believed, on that scale (2 %): a flat series is not infinitely sure."""


@dataclass(frozen=True, slots=True, eq=False)
class SeriesJudge:
    """Judges rows (series, ts, value): `series` a key, `ts` UTC, `value` a non-negative rate in any unit.

    All hours of a series' day get the score of that day, r / (1 + r), where r is the distance to its nearest past days
    relative to the usual distance: 0.5 is as usual, 0.75 three times as far. NaN for a null value, for a day with less
    than half of its hours, and until a series has `LEAST_PAST_DAYS`. Several rows in an hour are averaged.
    """

    past: Mapping[str, _Hours] | None = None
    name: str = "series"
    version: str = "1"
    needs: tuple[str, ...] = ("series", "ts", "value")

    def fit(self, features: pl.DataFrame, *, seed: int) -> Self:  # noqa: ARG002 - nothing here is random
        """Return a judge that remembers the last `PAST_DAYS` of each series. Raises ValueError on a negative value."""
        if lacking(features, self.needs):
            return type(self)()
        return type(self)(past={key: hours.last(PAST_DAYS) for key, hours, _ in _by_series(features)})

    def score(self, features: pl.DataFrame) -> Floats:
        """Return the score of each row's day; earlier days in `features` count as past too."""
        ratios = self._judged(features, _unlikeness)
        if not ratios.size or np.isnan(ratios).all():
            return ratios
        return np.where(np.isnan(numbers(features, ("value",))[:, 0]), np.nan, ratios / (1 + ratios))

    def expected(self, features: pl.DataFrame) -> Floats:
        """Return the median value that past days had at each row's hour, shape (rows,); NaN where unknown."""
        return self._judged(features, _usual_hours)

    def _judged(self, features: pl.DataFrame, verdict: Callable[[Floats], Floats]) -> Floats:
        result = np.full(features.height, np.nan)
        if self.past is None or lacking(features, self.needs):
            return result
        for key, new, rows in _by_series(features):
            whole = self.past[key].followed_by(new) if key in self.past else new
            for day in np.unique(rows.day):
                chosen = rows.day == day
                result[rows.position[chosen]] = verdict(whole.until(int(day), PAST_DAYS + 1))[rows.hour[chosen]]
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Hours:
    """Hourly values of one series: row i of `values` (days, 24) is day `first` + i, counted from 1970; NaN unknown."""

    first: int
    values: Floats

    def last(self, days: int) -> _Hours:
        dropped = max(len(self.values) - days, 0)
        return _Hours(self.first + dropped, self.values[dropped:].copy())

    def until(self, day: int, days: int) -> Floats:
        """Return the `days` days that end with `day`, shape (days, 24)."""
        wanted = np.full((days, HOURS), np.nan)
        start = day - days + 1
        low, high = max(self.first, start), min(self.first + len(self.values), day + 1)
        if low < high:
            wanted[low - start : high - start] = self.values[low - self.first : high - self.first]
        return wanted

    def followed_by(self, newer: _Hours) -> _Hours:
        """Join both; where both know an hour the newer value holds. Only days that can still matter are kept."""
        end = newer.first + len(newer.values) - 1
        days = len(newer.values) + PAST_DAYS
        old, new = self.until(end, days), newer.until(end, days)
        return _Hours(end - days + 1, np.where(np.isnan(new), old, new))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Where the rows of one series stand in the frame, and their day (from 1970) and hour of day."""

    position: NDArray[np.int64]
    day: NDArray[np.int64]
    hour: NDArray[np.int64]


def _by_series(features: pl.DataFrame) -> Iterator[tuple[str, _Hours, _Rows]]:
    values = numbers(features, ("value",))[:, 0]
    if (values < 0).any():
        raise ValueError("a rate cannot be negative")
    stamps = features.get_column("ts").dt.epoch("s")
    usable = (stamps.is_not_null() & features.get_column("series").is_not_null()).to_numpy()
    keys = features.get_column("series").cast(pl.String).fill_null("").to_numpy()
    hours = stamps.fill_null(0).to_numpy() // 3600
    order = np.flatnonzero(usable)[np.argsort(keys[usable], kind="stable")]
    if not order.size:
        return
    for position in np.split(order, np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1):
        day, hour = np.divmod(hours[position], HOURS)
        first = int(day.min())
        yield (
            str(keys[position[0]]),
            _Hours(first, _hourly(day - first, hour, values[position])),
            _Rows(position, day, hour),
        )


def _hourly(day: NDArray[np.int64], hour: NDArray[np.int64], values: Floats) -> Floats:
    days = int(day.max()) + 1
    known = ~np.isnan(values)
    slot = (day * HOURS + hour)[known]
    count = np.bincount(slot, minlength=days * HOURS)
    total = np.bincount(slot, weights=values[known], minlength=days * HOURS)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(days, HOURS)


def _usual_hours(days: Floats) -> Floats:
    past = days[:-1]
    if np.count_nonzero(_half_known(past)) < LEAST_PAST_DAYS:
        return np.full(HOURS, np.nan)
    known = [hour[~np.isnan(hour)] for hour in past.T]
    return np.array([np.median(hour) if hour.size else np.nan for hour in known])


def _unlikeness(days: Floats) -> Floats:
    """Return the distance of the last day to its nearest past days, in usual distances, the same for each hour."""
    past = days[:-1][~np.isnan(days[:-1])]
    unknown = np.full(HOURS, np.nan)
    if np.count_nonzero(_half_known(days[:-1])) < LEAST_PAST_DAYS or not _half_known(days[-1:])[0]:
        return unknown
    usual = float(np.median(past)) or float(past.mean()) or 1.0
    scaled = np.log1p(LOG_FLOOR * days / usual)
    squares, counts = _pairwise(scaled)
    ratios = [ratio for span in SPANS_DAYS if (ratio := _ratio(squares, counts, span)) is not None]
    return np.full(HOURS, np.mean(ratios)) if ratios else unknown


def _half_known(days: Floats) -> NDArray[np.bool_]:
    return np.asarray(2 * np.count_nonzero(~np.isnan(days), axis=1) >= HOURS)


def _pairwise(days: Floats) -> tuple[Floats, Floats]:
    """Return for each pair of days the sum of squared differences over hours known in both, and their number."""
    known = (~np.isnan(days)).astype(np.float64)
    filled = np.nan_to_num(days, nan=0.0)
    squares = filled**2 @ known.T + known @ (filled**2).T - 2 * filled @ filled.T
    return np.maximum(squares, 0.0), known @ known.T


def _ratio(squares: Floats, counts: Floats, span: int) -> float | None:
    """Compare profiles of `span` days: how far the last is from its nearest, over how far earlier ones usually are."""
    total, hours = squares[span - 1 :, span - 1 :].copy(), counts[span - 1 :, span - 1 :].copy()
    for back in range(1, span):
        stop = len(squares) - back
        total += squares[span - 1 - back : stop, span - 1 - back : stop]
        hours += counts[span - 1 - back : stop, span - 1 - back : stop]
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where(2 * hours >= span * HOURS, np.sqrt(total / hours), np.inf)
    apart = np.abs(np.subtract.outer(np.arange(len(distance)), np.arange(len(distance))))
    distance[apart < span] = np.inf
    nearest_to_last = _nearest(distance[-1:, :-1])
    usual = _nearest(distance[:-1, :-1])
    usual = usual[np.isfinite(usual)]
    if not np.isfinite(nearest_to_last[0]) or usual.size < NEIGHBOURS:
        return None
    return float(nearest_to_last[0] / max(float(np.median(usual)), QUIET))


def _nearest(distance: Floats) -> Floats:
    return np.asarray(np.sort(distance, axis=1)[:, :NEIGHBOURS].mean(axis=1), dtype=np.float64)
