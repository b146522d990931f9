"""How surprising the last day of many sources is, each against its own past and against what moved all of them.

Days count against an expectation: the source's own level before the judged days x its own weekday pattern (shrunk to
its peers') x the common movement of its peers on those days (the median, the source itself left out). Counts vary more
than Poisson, so their scatter is estimated from each source's day-to-day differences and shrunk to its peers'
(quasi-Poisson; McCullagh and Nelder 1989, chapter 9). Sums of the last 1, 7 and 28 days are tested (moving sums, Chu,
Hornik, Kaul 1995, Biometrika 82:603-617): one day finds a burst, 28 days a slow ramp that no single day shows.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

PAST_DAYS = 56
"""Days before the judged one that count."""
SPANS_DAYS = (1, 7, 28)
"""Lengths of the sums that are tested, all ending with the judged day."""
REFERENCE_DAYS = 28
"""Days right before such a sum that give the level it is held against."""
LEAST_PAST_DAYS = 14
"""Known reference days without which there is nothing to compare with."""
WEEK = 7
CAPPED_DAYS = 2
"""Highest days of a past that are cut down to the next highest, so that one blast does not become the level."""
PEERS_MIN = 3
"""Peers without which nothing is said about a common movement."""
PEER_EVENTS_MIN = 5.0
"""Expected events from which a peer's movement is more than noise."""
MANY_SOURCES = 500
"""Sources in a group above which a source counts among its own peers: one in so many does not move a median."""
OUTAGE = 0.2
"""Common movement under which the day is an outage of tracking, and nobody's day is known."""
PRIOR_COUNT = 0.5
"""Pseudo-events added to the past of a count, so that a source that was silent has a level (Jeffreys)."""
PRIOR_EXPOSURE = 20.0
"""Pseudo-exposure at the peers' share added to the past of a share: small sources are shrunk to their peers."""
PRIOR_WEEKDAY_EVENTS = 30.0
"""Pseudo-events at the peers' weekday pattern added to the source's own."""
PRIOR_SCATTER_DAYS = 10.0
"""Pseudo-days at the peers' scatter added to the source's own."""
NATURAL_DRIFT = 0.1
"""Relative change over `REFERENCE_DAYS` that honest sources show beside their peers, one standard deviation."""
ORDINARY_RECORD = 2.0
"""Second highest of many standard normal numbers, about; past surges beyond it stretch the source's own yardstick."""
RECORD_SPANS_MIN = 4
"""Past spans without which a source has no record to speak of."""
MAD_OF_NORMAL = 0.6745
"""Median absolute deviation of a normal distribution, in standard deviations."""
MEDIAN_COST = np.pi / 2
"""Variance of a median over that of a mean, for normal samples."""
NOTHING = 1e-12
"""Keeps divisions by an absent quantity finite; what comes of them is unknown anyway."""
MOST_EVENTS = 1e12
"""Events of a day above which they count as this many; keeps huge values finite."""


@dataclass(frozen=True, slots=True, eq=False)
class Surprise:
    """What the telling sum of each source showed; arrays of shape (sources,), NaN where unknown.

    `z` is in standard deviations, above 0 more than expected; `span_days` the length of the sum, `observed` and
    `expected` its events, `common` the factor by which the peers moved (1 with too few of them), `peers` their number.
    """

    z: Floats
    span_days: Floats
    observed: Floats
    expected: Floats
    common: Floats
    peers: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """Sources x days, the judged day last. An unknown day has 0 events and 0 `multiple` (exposure x weekday factor)."""

    events: Floats
    multiple: Floats
    of_shares: bool

    @property
    def known(self) -> Bools:
        return np.asarray(self.multiple > 0)

    def part(self, first: int, last: int) -> _Days:
        return _Days(self.events[:, first:last], self.multiple[:, first:last], self.of_shares)


def surprise(events: Floats, exposure: Floats, weekday: Integers, sign: int, *, of_shares: bool) -> Surprise:
    """Judge the last of `PAST_DAYS` + 1 days for sources of one group of peers.

    `events` and `exposure` have shape (sources, days), NaN where unknown; `weekday` (days,) is 0..6. `of_shares` says
    that events are part of their exposure. `sign` chooses the telling sum: 1 most above, -1 most below, 0 either.
    """
    known = ~np.isnan(events) & (np.nan_to_num(exposure) > 0)
    counted, exposed = (np.minimum(np.where(known, each, 0.0), MOST_EVENTS) for each in (events, exposure))
    factors = _weekday_factors(counted[:, :-1], exposed[:, :-1], weekday[:-1])
    days = _without_outages(_Days(counted, exposed * factors[:, weekday], of_shares))
    past = days.part(0, PAST_DAYS)
    moved = past.multiple * _level(past)[:, None] * _daily_movement(past, _level(past))
    scatter = _scatter(past, moved)
    found = [_of_span(days, moved, scatter, span) for span in SPANS_DAYS]
    z = np.stack([each.z for each in found])
    telling = np.nan_to_num(np.abs(z) if sign == 0 else sign * z, nan=-np.inf).argmax(axis=0)

    def of_telling(name: str) -> Floats:
        each = np.stack([getattr(span, name) for span in found])[telling, np.arange(len(events))]
        return np.where(days.known[:, -1], each, np.nan)

    return Surprise(*(of_telling(field.name) for field in fields(Surprise)))


def _of_span(days: _Days, moved: Floats, scatter: Floats, span: int) -> Surprise:
    """Test the sum of the last `span` days against the `REFERENCE_DAYS` before them."""
    end = PAST_DAYS + 1
    test, reference = days.part(end - span, end), days.part(end - span - REFERENCE_DAYS, end - span)
    level = _level(reference)
    observed = test.events.sum(axis=1)
    alone = level * test.multiple.sum(axis=1)
    common, error, peers = _common(observed, alone, scatter)
    expected = alone * common
    drift = NATURAL_DRIFT**2 * span / REFERENCE_DAYS
    # the level was counted too: on the scale of roots its error adds in proportion to the lengths (two Poisson samples)
    lengths = common * test.multiple.sum(axis=1) / np.maximum(reference.multiple.sum(axis=1), NOTHING)
    z = _standardised(observed, expected, scatter * _binomial(level, days) * (1 + lengths), error + drift)
    z /= _record(days.part(0, PAST_DAYS), moved, scatter, span)
    enough = (reference.known.sum(axis=1) >= LEAST_PAST_DAYS) & (2 * test.known.sum(axis=1) >= span)
    return Surprise(np.where(enough, z, np.nan), np.full(len(z), float(span)), observed, expected, common, peers)


def _weekday_factors(events: Floats, exposure: Floats, weekday: Integers) -> Floats:
    """Return how much of its ordinary level each source has on each weekday, shape (sources, 7), near 1."""
    on = np.eye(WEEK)[weekday]
    plain = _Days(events, exposure, of_shares=False)
    seen = _capped(plain) @ on
    expected = (_capped(plain).sum(axis=1) / np.maximum(exposure.sum(axis=1), NOTHING))[:, None] * exposure @ on
    of_peers = (seen.sum(axis=0) + PRIOR_WEEKDAY_EVENTS) / (expected.sum(axis=0) + PRIOR_WEEKDAY_EVENTS)
    own = (seen + PRIOR_WEEKDAY_EVENTS * of_peers) / (expected + PRIOR_WEEKDAY_EVENTS)
    return np.asarray(own, dtype=np.float64)


def _capped(days: _Days) -> Floats:
    """Return the events with the `CAPPED_DAYS` highest days of each source cut down to the rate of the next highest."""
    rate = np.where(days.known, days.events / np.where(days.known, days.multiple, 1.0), -1.0)
    next_highest = np.partition(rate, -1 - CAPPED_DAYS, axis=1)[:, -1 - CAPPED_DAYS]
    enough = days.known.sum(axis=1) >= LEAST_PAST_DAYS
    return np.where(enough[:, None], np.minimum(days.events, next_highest[:, None] * days.multiple), days.events)


def _level(days: _Days) -> Floats:
    """Return each source's events per multiple, shape (sources,), a little shrunk; NaN without any known day."""
    events, multiple = _capped(days).sum(axis=1), days.multiple.sum(axis=1)
    weight, prior = 0.0, PRIOR_COUNT
    if days.of_shares:
        weight = PRIOR_EXPOSURE
        prior = weight * float((events.sum() + PRIOR_COUNT) / (multiple.sum() + 1.0))
    return np.where(multiple > 0, (events + prior) / np.maximum(multiple + weight, NOTHING), np.nan)


def _binomial(level: Floats, days: _Days) -> Floats:
    """Return the variance of an event beside Poisson's: below 1 for shares, because they cannot pass 1."""
    return np.clip(1 - level, 0.05, 1.0) if days.of_shares else np.ones_like(level)


def _without_outages(days: _Days) -> _Days:
    """Return the days with those unknown on which tracking failed for most sources; who escaped tells nothing then."""
    lost = _daily_movement(days, _level(days.part(0, PAST_DAYS))) < OUTAGE
    return _Days(np.where(lost, 0.0, days.events), np.where(lost, 0.0, days.multiple), days.of_shares)


def _daily_movement(days: _Days, level: Floats) -> Floats:
    """Return the median factor by which all sources moved on each day, shape (days,); 1 where too few show it."""
    alone = level[:, None] * days.multiple
    tells = days.known & (np.nan_to_num(alone) >= PEER_EVENTS_MIN)
    middle = _median(np.where(tells, days.events / np.where(tells, alone, 1.0), np.nan))
    return np.where(tells.sum(axis=0) >= PEERS_MIN, middle, 1.0)


def _scatter(past: _Days, moved: Floats) -> Floats:
    """Return each source's variance over Poisson's, at least 1, from differences between neighbouring known days.

    Differences do not see a ramp or a shift, which are what is looked for; the highest few are cut like blasts.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        residual = (past.events - moved) / np.sqrt(moved * _binomial(_level(past), past)[:, None])
    squares = np.diff(residual, axis=1) ** 2 / 2
    usable = past.known[:, 1:] & past.known[:, :-1] & np.isfinite(squares)
    squares = np.where(usable, squares, -1.0)
    cut = np.partition(squares, -1 - 2 * CAPPED_DAYS, axis=1)[:, -1 - 2 * CAPPED_DAYS]
    squares = np.where(usable, np.minimum(squares, np.maximum(cut, 1.0)[:, None]), 0.0)
    count = usable.sum(axis=1)
    of_peers = (squares.sum() + PRIOR_SCATTER_DAYS) / (count.sum() + PRIOR_SCATTER_DAYS)
    own = (squares.sum(axis=1) + PRIOR_SCATTER_DAYS * of_peers) / (count + PRIOR_SCATTER_DAYS)
    return np.asarray(np.maximum(own, 1.0), dtype=np.float64)


def _common(observed: Floats, alone: Floats, scatter: Floats) -> tuple[Floats, Floats, Floats]:
    """Return per source the peers' median movement, its relative variance for a single source, and how many peers.

    The relative variance has two parts: the error of the median, and how unevenly the peers moved beyond what their own
    counts explain (a sale lifts some more than others).
    """
    tells = np.nan_to_num(alone) >= PEER_EVENTS_MIN
    ratio = np.where(tells, observed / np.where(tells, alone, 1.0), np.nan)
    peers = (tells.sum() - tells).astype(np.float64)
    others = np.repeat(ratio[:, None], len(ratio) if len(ratio) <= MANY_SOURCES else 1, axis=1)
    if len(ratio) <= MANY_SOURCES:
        np.fill_diagonal(others, np.nan)
    middle = _median(others)
    least = np.maximum(middle, OUTAGE)
    uneven = _median(np.abs(others - middle)) / MAD_OF_NORMAL / least
    by_chance = _median(np.where(np.isnan(others), np.nan, (scatter / np.maximum(alone, NOTHING))[:, None])) / least
    error = MEDIAN_COST * uneven**2 / np.maximum(peers, 1.0) + np.maximum(uneven**2 - by_chance, 0.0)
    enough = peers >= PEERS_MIN
    return np.where(enough, middle, 1.0), np.where(enough, error, 0.0), peers


def _median(values: Floats) -> Floats:
    """Return the median of each column of (rows, columns), NaN left out; NaN where there is nothing."""
    ordered = np.sort(values, axis=0)
    count = np.count_nonzero(~np.isnan(values), axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, np.maximum(count - 1, 0))
    column = np.arange(values.shape[1])
    return np.asarray((ordered[low, column] + ordered[high, column]) / 2, dtype=np.float64)


def _standardised(observed: Floats, expected: Floats, scatter: Floats, relative: Floats) -> Floats:
    """Return how many standard deviations `observed` lies above `expected` when variance = scatter m + relative m^2.

    Anscombe's (1948, Biometrika 35:246-254) variance-stabilising transform of the negative binomial.
    """
    root = np.sqrt(np.maximum(relative, 1e-9))
    seen, thought = (np.arcsinh(root * np.sqrt((each + 0.375) / scatter)) for each in (observed, expected))
    return np.asarray(2 / root * (seen - thought), dtype=np.float64)


def _record(past: _Days, moved: Floats, scatter: Floats, span: int) -> Floats:
    """Return by how much a source's own past surges of that length exceed ordinary ones, at least 1.

    A partner that mails its list every other week surges every other week: only a larger surge is news.
    """
    spans = PAST_DAYS // span
    if spans < RECORD_SPANS_MIN:
        return np.ones(len(past.events))

    def sums(of: Floats) -> Floats:
        blocks = of[:, PAST_DAYS - spans * span :].reshape(len(of), spans, span)
        return np.asarray(blocks.sum(axis=2), dtype=np.float64)

    expected = np.nan_to_num(sums(np.where(past.known, moved, 0.0)))
    drift = np.full_like(expected, NATURAL_DRIFT**2 * span / REFERENCE_DAYS)
    surges = _standardised(sums(past.events), expected, scatter[:, None], drift)
    second = np.partition(np.where(expected > 0, surges, 0.0), -2, axis=1)[:, -2]
    return np.asarray(np.maximum(second / ORDINARY_RECORD, 1.0), dtype=np.float64)
