"""Draws that several parts share: repeatable hashes, heavy-tailed numbers, times of day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

DAY = 86400.0
HOUR = 3600.0
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mix(*keys: Ints | int) -> Ints:
    """Return a number in 0..2^62 for each row of keys, looking random but always the same (SplitMix64 steps)."""
    state = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = state * _FIRST + np.asarray(key, dtype=np.int64).astype(np.uint64) + _GOLDEN
            state = (state ^ (state >> np.uint64(30))) * _FIRST
            state = (state ^ (state >> np.uint64(27))) * _SECOND
            state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(2)).astype(np.int64)


def unit(*keys: Ints | int) -> Floats:
    """Return a number in 0..1 for each row of keys, always the same."""
    return mix(*keys) / float(1 << 62)


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number log-uniformly: as often in low..2 low as in high/2..high."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def zipf(rng: np.random.Generator, count: int, slope: float) -> Floats:
    """Return shares that fall like 1/rank^slope, in random order."""
    share = rng.permutation(1.0 / np.arange(1, count + 1) ** slope)
    return np.asarray(share / share.sum())


def local_hours(rng: np.random.Generator, count: int, peak: float, night: float) -> Floats:
    """Draw hours of the local day around a peak in the afternoon or evening; `night` is the share at any hour."""
    lunch = rng.random(count) < 0.3
    hour = np.where(lunch, rng.normal(12.3, 2.0, count), rng.normal(peak, 2.6, count))
    return np.asarray(np.where(rng.random(count) < night, rng.random(count) * 24, hour) % 24)
