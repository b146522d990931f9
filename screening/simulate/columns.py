"""How a simulated programme is held while it is being made: columns of whole numbers, turned into text at the end."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NONE = -1
"""The code of an absent value."""
SECOND = 1_000_000
"""Microseconds."""
HOUR = 3600 * SECOND
DAY = 24 * HOUR

VISIT = {
    "country": pl.Int64,
    "v4": pl.Int64,
    "v6_high": pl.UInt64,
    "v6_low": pl.UInt64,
    "agent": pl.Int64,
    "device": pl.UInt64,
    "customer": pl.UInt64,
}
"""Who was there: country (code), address (IPv4, or IPv6 when v6_high is not 0), agent (code), device and customer
(0: none)."""
PLACE = {"affiliate": pl.Int64, "offer": pl.Int64, "sub": pl.Int64, "referrer": pl.Int64}
CLICKS = {"key": pl.UInt64, "ts": pl.Int64, **PLACE, **VISIT}
"""One row per click. `key` identifies it; `ts` is microseconds since 1970."""
CONVERSIONS = {
    "key": pl.UInt64,
    "click_ts": pl.Int64,
    "ts": pl.Int64,
    **PLACE,
    **VISIT,
    "payout": pl.Int64,
    "revenue": pl.Int64,
    "order": pl.UInt64,
    "scheme": pl.Int64,
    "mechanic": pl.Int64,
}
"""One row per conversion. `key` is its click's; money in ten-thousandths; `scheme`, `mechanic` are -1 when honest."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Clicks and the conversions that claim them, in the columns CLICKS and CONVERSIONS."""

    clicks: pl.DataFrame
    conversions: pl.DataFrame


def join_trails(trails: Sequence[Trail]) -> Trail:
    """Put trails together. Their click keys must differ."""
    clicks = pl.concat([trail.clicks.select(*CLICKS) for trail in trails], rechunk=True)
    conversions = pl.concat([trail.conversions.select(*CONVERSIONS) for trail in trails], rechunk=True)
    return Trail(clicks, conversions)


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the random numbers of one part, so that changing one part leaves the others as they were."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def scramble(numbers: Words) -> Words:
    """Map numbers to numbers that look random, one to one (the finaliser of SplitMix64)."""
    mixed = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)


def identities(count: int, rng: np.random.Generator) -> Words:
    """Return that many distinct-looking numbers other than 0."""
    return rng.integers(1, 2**63, count, dtype=np.uint64)


def choose(weights: Sequence[float] | Floats, count: int, rng: np.random.Generator) -> Ints:
    """Draw that many positions with the given weights (any positive sum)."""
    total = np.cumsum(np.asarray(weights, np.float64))
    return np.asarray(np.searchsorted(total, rng.random(count) * total[-1], side="right"), np.int64)


def lognormal(median: float | Floats, sigma: float | Floats, count: int, rng: np.random.Generator) -> Floats:
    """Draw from log-normal distributions given by their median and the spread of the logarithm."""
    return np.asarray(np.exp(np.log(median) + sigma * rng.standard_normal(count)), np.float64)


def midnight(day: date) -> int:
    """Return the start of that day in UTC as microseconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND
