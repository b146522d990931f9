"""A judge of change: does a source's day differ from its own past more than its peers' days do from theirs?

A source is whatever the caller names (affiliate x offer x sub_id); its peers are the sources that a sale, a price
change or an outage would move with it (usually those of one offer). models/change_surprise.py holds the statistics.
What is benign by construction: weekday patterns; a flash sale or outage that moves the peers too; mailings that the
source has sent before; new partners, whose first weeks are growth and are unknown, not bad. A first mailing ever looks
like any other burst in a count; judged as a share of something bad, it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.change_surprise import PAST_DAYS, Surprise, surprise
from models.judge import Floats, lacking, numbers

RAMP_DAYS = 14
"""First days of a new source, in which it grows: neither judged nor taken as its level."""
HALF_SCORE = 3.0
"""Standard deviations that score 0.5 (the usual three-sigma limit of control charts)."""
MOST_DAYS = 1_500
"""Longest period in one table (four years): beyond it a date is probably wrong, and the table would not fit."""
MONDAY = 3
"""1970-01-01, day 0, was a Thursday: (day + 3) % 7 counts from Monday."""


class Measure(StrEnum):
    """What is counted."""

    COUNT = "count"
    """Events per day."""
    SHARE = "share"
    """Events that have a property, out of `exposure` events per day."""


class Direction(StrEnum):
    """Which change is bad."""

    MORE = "more"
    LESS = "less"
    EITHER = "either"


_SIGN = {Direction.MORE: 1, Direction.LESS: -1, Direction.EITHER: 0}


@dataclass(frozen=True, slots=True, eq=False)
class ChangeJudge:
    """Judges rows (source, peers, day, events and, for shares, exposure), one row per source and day.

    `source` and `peers` are keys, `day` a date, `events` and `exposure` numbers >= 0. A day without a row, or with a
    null, is unknown, not zero: see `with_quiet_days`. The score is z / (z + 3), z being how many standard deviations
    the day, or the sum of the 7 or 28 days that end with it, lies beyond what was expected, in the bad direction: 0 as
    expected or better, 0.5 at three. NaN for days that are unknown, an outage, or have too little past.
    """

    measure: Measure
    direction: Direction
    past: Mapping[str, _Daily] | None = None
    name: str = "change"
    version: str = "1"

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns that are read; `exposure` for shares only."""
        return ("source", "peers", "day", "events") + (("exposure",) if self.measure is Measure.SHARE else ())

    def fit(self, features: pl.DataFrame, *, seed: int) -> Self:  # noqa: ARG002 - nothing here is random
        """Return a judge that remembers the last `PAST_DAYS`. Raises ValueError on a negative number."""
        if lacking(features, self.needs):
            return type(self)(self.measure, self.direction)
        past = {key: daily.remembered() for key, daily, _ in self._groups(features)}
        return type(self)(self.measure, self.direction, past)

    def score(self, features: pl.DataFrame) -> Floats:
        """Return each row's score; earlier days in `features` count as past too."""
        z = self.evidence(features)["z"].to_numpy()
        bad = np.abs(z) if self.direction is Direction.EITHER else np.maximum(_SIGN[self.direction] * z, 0.0)
        return np.asarray(bad / (bad + HALF_SCORE), dtype=np.float64)

    def evidence(self, features: pl.DataFrame) -> pl.DataFrame:
        """Return the numbers behind each row's score, in the order of the rows, as float columns (NaN unknown).

        `z`; `span_days` (1, 7 or 28) of the telling sum; its `observed` and `expected` events; `common`, the factor by
        which the peers moved in that span; and `peers`, how many there were to tell.
        """
        columns = {name: np.full(features.height, np.nan) for name in (field.name for field in fields(Surprise))}
        if self.past is not None and not lacking(features, self.needs):
            for key, new, rows in self._groups(features):
                whole = self.past[key].followed_by(new) if key in self.past else new
                place = np.searchsorted(whole.sources, new.sources)
                for day in np.unique(rows.day):
                    found = self._of_day(whole, int(day))
                    chosen = rows.day == day
                    for name, values in columns.items():
                        values[rows.position[chosen]] = getattr(found, name)[place[rows.source[chosen]]]
        return pl.DataFrame(columns)

    def _of_day(self, daily: _Daily, day: int) -> Surprise:
        days = np.arange(day - PAST_DAYS, day + 1)
        events, exposure = daily.window(day)
        weekday = (days + MONDAY) % 7
        of_shares = self.measure is Measure.SHARE
        return surprise(events, exposure, weekday, _SIGN[self.direction], of_shares=of_shares)

    def _groups(self, features: pl.DataFrame) -> Iterator[tuple[str, _Daily, _Rows]]:
        usable = features.select(pl.all_horizontal(pl.col("source", "peers", "day").is_not_null())).to_series()
        position = np.flatnonzero(usable.to_numpy())
        kept = features.filter(usable)
        values = numbers(kept, ("events", "exposure"))
        if self.measure is Measure.COUNT:
            values[:, 1] = 1.0
        if (values < 0).any():
            raise ValueError("events and exposure cannot be negative")
        peers, sources = (kept.get_column(name).cast(pl.String).to_numpy() for name in ("peers", "source"))
        day = kept.get_column("day").cast(pl.Date).to_physical().cast(pl.Int64).to_numpy()
        order = np.argsort(peers, kind="stable")
        for rows in np.split(order, np.flatnonzero(peers[order][1:] != peers[order][:-1]) + 1) if order.size else ():
            names, source = np.unique(sources[rows], return_inverse=True)
            yield (
                str(peers[rows[0]]),
                _daily(names, source, day[rows], values[rows]),
                _Rows(position[rows], day[rows], source),
            )


def with_quiet_days(features: pl.DataFrame) -> pl.DataFrame:
    """Add rows with 0 events for days on which a source had none although its peers had some.

    For tables that hold only what happened: a source between its first and last day was quiet when its peers were seen,
    and unknown when nobody was. `exposure`, if there, is 0 on added days (which leaves a share unknown).
    """
    keys = ["source", "peers"]
    spans = features.group_by(keys).agg(first=pl.col("day").min(), last=pl.col("day").max())
    seen = features.select("peers", "day").unique()
    wanted = spans.join(seen, on="peers").filter(pl.col("day").is_between("first", "last")).drop("first", "last")
    missing = wanted.join(features, on=[*keys, "day"], how="anti")
    zeros = [
        pl.lit(0, dtype=features.schema[name]).alias(name)
        for name in ("events", "exposure")
        if name in features.columns
    ]
    return pl.concat([features, missing.with_columns(zeros)], how="diagonal").sort([*keys, "day"])


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Where the rows of one group stand in the frame, their day (from 1970) and which source they are about."""

    position: NDArray[np.int64]
    day: NDArray[np.int64]
    source: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Daily:
    """Daily numbers of the sources of one group: arrays (sources, days), day `first` + column, NaN unknown."""

    first: int
    sources: NDArray[np.str_]
    events: Floats
    exposure: Floats
    judged_from: NDArray[np.int64]
    """Day from which each source is grown up, shape (sources,)."""

    @property
    def days(self) -> int:
        return int(self.events.shape[1])

    def window(self, day: int) -> tuple[Floats, Floats]:
        """Return events and exposure of the `PAST_DAYS` + 1 days that end with `day`, growing sources unknown."""
        days = np.arange(day - PAST_DAYS, day + 1)
        grown = days[None, :] >= self.judged_from[:, None]
        here = (days >= self.first) & (days < self.first + self.days)
        events, exposure = (np.full((len(self.sources), PAST_DAYS + 1), np.nan) for _ in range(2))
        events[:, here] = self.events[:, days[here] - self.first]
        exposure[:, here] = self.exposure[:, days[here] - self.first]
        return np.where(grown, events, np.nan), exposure

    def remembered(self) -> _Daily:
        """Return the last `PAST_DAYS`, without sources that were not seen in them."""
        recent = slice(max(self.days - PAST_DAYS, 0), None)
        alive = ~np.isnan(self.events[:, recent]).all(axis=1)
        return _Daily(
            self.first + (recent.start or 0),
            self.sources[alive],
            self.events[alive, recent].copy(),
            self.exposure[alive, recent].copy(),
            self.judged_from[alive],
        )

    def followed_by(self, newer: _Daily) -> _Daily:
        """Join both; where both know a day the newer numbers hold."""
        first = min(self.first, newer.first)
        last = max(self.first + self.days, newer.first + newer.days)
        names = np.union1d(self.sources, newer.sources)
        events, exposure = (np.full((len(names), last - first), np.nan) for _ in range(2))
        judged_from = np.full(len(names), np.iinfo(np.int64).max)
        for part in (newer, self):
            place = np.searchsorted(names, part.sources)
            columns = part.first - first + np.arange(part.days)
            at = np.ix_(place, columns)
            fresh = np.isnan(events[at])
            events[at] = np.where(fresh, part.events, events[at])
            exposure[at] = np.where(fresh, part.exposure, exposure[at])
            judged_from[place] = part.judged_from
        new_here = ~np.isin(names, self.sources)
        judged_from[new_here] = np.maximum(judged_from[new_here], _first_known(events[new_here]) + first + RAMP_DAYS)
        return _Daily(first, names, events, exposure, judged_from)


def _daily(names: NDArray[np.str_], source: NDArray[np.int64], day: NDArray[np.int64], values: Floats) -> _Daily:
    """Lay rows out as sources x days; several rows of a source's day are summed, a null among them makes it unknown."""
    first, last = int(day.min()), int(day.max())
    days = last - first + 1
    if days > MOST_DAYS:
        raise ValueError(f"the days span {days}, at most {MOST_DAYS} can be judged in one table; is a date wrong?")
    slot = source * days + day - first
    shape = (len(names), days)
    rows = np.bincount(slot, minlength=shape[0] * days).reshape(shape)
    events, exposure = (
        np.where(rows > 0, np.bincount(slot, weights=each, minlength=shape[0] * days).reshape(shape), np.nan)
        for each in values.T
    )
    born = _first_known(events)
    return _Daily(first, names, events, exposure, first + np.where(born == 0, 0, born + RAMP_DAYS))


def _first_known(events: Floats) -> NDArray[np.int64]:
    return np.asarray((~np.isnan(events)).argmax(axis=1), dtype=np.int64)
