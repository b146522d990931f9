"""Seeded draws in the words the rest of the generator thinks in: between, once in so often, one of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.int64]
T = TypeVar("T")


class Dice:
    """All chance of one programme; the same seed gives the same world."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([8, seed])

    def between(self, low: float, high: float) -> float:
        """Draw evenly from low to high."""
        return float(self.rng.uniform(low, high))

    def scale(self, low: float, high: float) -> float:
        """Draw evenly over orders of magnitude: as often below the geometric middle as above."""
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return bool(self.rng.random() < probability)

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of the options, all alike."""
        return options[int(self.rng.integers(len(options)))]

    def weighted(self, options: dict[T, float]) -> T:
        """Draw one of the options by its weight."""
        names = list(options)
        return names[int(self.choose(np.array(list(options.values()), dtype=np.float64), 1)[0])]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """Draw so many different options (all when there are fewer)."""
        order = self.rng.permutation(len(options))[: max(0, count)]
        return [options[int(place)] for place in order]

    def choose(self, weights: Numbers, count: int) -> Indices:
        """Draw places by weight, with return."""
        steps = np.cumsum(weights)
        return np.searchsorted(steps, self.rng.random(count) * steps[-1], side="right").clip(0, len(weights) - 1)

    def ranked(self, count: int, steepness: float) -> Numbers:
        """Return shares that fall with rank as rank^-steepness, summing to one."""
        raw = np.arange(1, count + 1, dtype=np.float64) ** -steepness
        return raw / raw.sum()

    def codes(self, count: int, width: int = 16) -> pl.Series:
        """Return random hexadecimal identifiers of this width, in practice all different."""
        text = self.rng.bytes((count * width + 1) // 2).hex().encode()[: count * width]
        return pl.Series(np.frombuffer(text, dtype=f"S{width}").astype(f"U{width}").tolist(), dtype=pl.String)


def gather(pool: Sequence[str | None], places: Indices) -> pl.Series:
    """Return the texts at these places."""
    return pl.Series(list(pool), dtype=pl.String).gather(places)
