"""An unsupervised judge of table rows: how unlike the rest of the programme is this row?

Three kinds of detector (models/anomaly_detectors.py), because each is blind where another sees. Forest and nearest
neighbour look at the features in two scales: by mean and spread, and by median and quartiles with long tails bent.
All count the same. Their average is smoothed over each row's nearest neighbours, because fraud comes in groups. Nothing
is tuned to labels or to one data set; docs/judges.md gives what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from models.anomaly_detectors import QUARTILES_OF_NORMAL, SATURATION, Bags, Calibrated, Ellipse, Forest
from models.judge import Floats, numbers

LEAST_ROWS = 50
"""Usable rows without which nothing is learned."""
MOST_ROWS = 10_000
"""Rows learned from; of more, these many are drawn, so that memory and time stay bounded."""
RARELY_MISSING = 0.01
"""A feature null in at most this share of the fitted rows is expected: a row that lacks it is unknown, not judged."""
NEIGHBOURS = 10
"""Rows over which scores are smoothed."""
OWN_WEIGHT = 0.75
"""Weight of a row's own score; the rest is the mean of its neighbours', so that a lonely outlier still stands out."""
FARTHEST = 1_000.0
"""Spreads beyond which a value counts as this far."""
LARGEST = 1e12
"""Size beyond which a value counts as this large; keeps squares finite."""
HARDLY = 0.001
"""Spread given to a feature that never varied, as a share of its size (or of 1): any other value then lies far out."""
BLOCK_ROWS = 20_000
"""Rows scored at once, to bound memory."""


@dataclass(frozen=True, slots=True, eq=False)
class AnomalyJudge:
    """Judges rows by any numeric or boolean features, named in `needs`.

    The median fitted row scores near 0.5. A row is NaN when it lacks a feature that fitted rows (almost) always had, or
    has none at all; where nulls are ordinary (`RARELY_MISSING`) the median stands in and the row scores at least what
    the median fitted row does: hiding a fact never makes a row better than typical. Features without any fitted value
    are left out (`unused`).
    """

    needs: tuple[str, ...]
    learned: _Learned | None = None
    name: str = "anomaly"
    version: str = "1"

    @property
    def unused(self) -> tuple[str, ...]:
        """Needed features that no fitted row had; the judge does without them."""
        if self.learned is None:
            return ()
        return tuple(name for name, used in zip(self.needs, self.learned.used, strict=True) if not used)

    def fit(self, features: pl.DataFrame, *, seed: int) -> Self:
        """Learn from rows of whatever quality; labels are not needed. The order of rows and columns does not matter."""
        return type(self)(needs=self.needs, learned=_learn(numbers(features, self.needs), seed))

    def score(self, features: pl.DataFrame) -> Floats:
        """Return how unlike the fitted rows each row is; the class says what 0.5 and NaN mean."""
        rows = numbers(features, self.needs)
        if self.learned is None or not len(rows):
            return np.full(len(rows), np.nan)
        learned = self.learned
        return np.concatenate([learned.score(rows[i : i + BLOCK_ROWS]) for i in range(0, len(rows), BLOCK_ROWS)])

    def contributions(self, features: pl.DataFrame) -> Floats:
        """Return d / (1 + d) per row and feature, d being the distance to the fitted median in robust spreads."""
        rows = numbers(features, self.needs)
        told = np.full(rows.shape, np.nan)
        if self.learned is None or not len(rows):
            return told
        distance = np.abs(self.learned.compressed.spreads(_bounded(rows[:, self.learned.used])))
        told[:, self.learned.used] = distance / (1 + distance)
        told[np.isnan(self.score(features))] = np.nan
        return told


@dataclass(frozen=True, slots=True, eq=False)
class _Scale:
    """Centre and spread of each used feature; a compressing scale maps d spreads to log(1 + d), keeping the sign."""

    centre: Floats
    spread: Floats
    compressing: bool

    def spreads(self, rows: Floats) -> Floats:
        return np.asarray(np.clip((rows - self.centre) / self.spread, -FARTHEST, FARTHEST), dtype=np.float64)

    def of(self, rows: Floats) -> Floats:
        scaled = self.spreads(rows)
        return np.sign(scaled) * np.log1p(np.abs(scaled)) if self.compressing else scaled


@dataclass(frozen=True, slots=True, eq=False)
class _Panel:
    """The fitted detectors and the two scales they look through."""

    plain: _Scale
    compressed: _Scale
    on_plain: tuple[Calibrated, ...]
    on_compressed: tuple[Calibrated, ...]

    @classmethod
    def fit(cls, rows: Floats, plain: _Scale, compressed: _Scale, rng: np.random.Generator) -> _Panel:
        first, second = plain.of(rows), compressed.of(rows)
        return cls(
            plain,
            compressed,
            tuple(Calibrated.on(kind.fit(first, rng), first) for kind in (Forest, Bags, Ellipse)),
            tuple(Calibrated.on(kind.fit(second, rng), second) for kind in (Forest, Bags)),
        )

    def says(self, rows: Floats) -> Floats:
        """Return the detectors' mean, within -SATURATION..SATURATION."""
        plain, compressed = self.plain.of(rows), self.compressed.of(rows)
        said = [detector.says(plain) for detector in self.on_plain]
        said += [detector.says(compressed) for detector in self.on_compressed]
        return np.asarray(np.mean(said, axis=0), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Learned:
    used: NDArray[np.bool_]
    """Which of the needed features had any value, shape (needs,)."""
    expected: NDArray[np.bool_]
    """Which of the used features a row must have."""
    stand_in: Floats
    panel: _Panel
    neighbours: NearestNeighbors
    neighbour_says: Floats
    """What the panel says of each learned row, in the order of `neighbours`."""
    typical: float
    """Median of what it says of learned rows."""

    @property
    def compressed(self) -> _Scale:
        return self.panel.compressed

    def score(self, rows: Floats) -> Floats:
        rows = _bounded(rows[:, self.used])
        gaps = np.isnan(rows)
        judged = ~((gaps & self.expected).any(axis=1) | gaps.all(axis=1))
        result = np.full(len(rows), np.nan)
        if judged.any():
            says = self._smoothed(np.where(gaps, self.stand_in, rows)[judged])
            says = np.where(gaps[judged].any(axis=1), np.maximum(says, self.typical), says)
            result[judged] = (1 + says / SATURATION) / 2
        return result

    def _smoothed(self, rows: Floats) -> Floats:
        near = self.neighbours.kneighbors(self.compressed.of(rows), return_distance=False)
        says = OWN_WEIGHT * self.panel.says(rows) + (1 - OWN_WEIGHT) * self.neighbour_says[near].mean(axis=1)
        return np.asarray(says, dtype=np.float64)


def _learn(rows: Floats, seed: int) -> _Learned | None:
    used = np.asarray(~np.isnan(rows).all(axis=0), dtype=np.bool_)
    rows = _bounded(rows[:, used])
    gaps = np.isnan(rows)
    expected = np.asarray(gaps.sum(axis=0) <= RARELY_MISSING * len(rows), dtype=np.bool_)
    usable = ~((gaps & expected).any(axis=1) | gaps.all(axis=1))
    rows = rows[usable]
    if len(rows) < LEAST_ROWS or not used.any():
        return None
    stand_in = np.nanmedian(rows, axis=0)
    rows = np.where(np.isnan(rows), stand_in, rows)
    rng = np.random.default_rng(seed)
    rows = _drawn(rows, rng)
    panel = _Panel.fit(rows, *_scales(rows), rng)
    compressed = panel.compressed.of(rows)
    # brute force: the trees of scikit-learn count their calls, so a query would change the judge
    neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="brute").fit(compressed)
    says = panel.says(rows)
    return _Learned(used, expected, stand_in, panel, neighbours, says, float(np.median(says)))


def _bounded(rows: Floats) -> Floats:
    return np.clip(rows, -LARGEST, LARGEST)


def _drawn(rows: Floats, rng: np.random.Generator) -> Floats:
    """Return at most `MOST_ROWS`, in an order that does not depend on how they were given."""
    rows = rows[np.lexsort(rows.T[::-1])]
    return rows if len(rows) <= MOST_ROWS else rows[np.sort(rng.choice(len(rows), MOST_ROWS, replace=False))]


def _scales(rows: Floats) -> tuple[_Scale, _Scale]:
    low, median, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    deviation = rows.std(axis=0)
    still = deviation <= HARDLY * HARDLY * np.maximum(np.abs(median), 1.0)
    deviation = np.where(still, HARDLY * np.maximum(np.abs(median), 1.0), deviation)
    quartiles = (high - low) / QUARTILES_OF_NORMAL
    robust = np.where(quartiles > HARDLY * deviation, quartiles, deviation)
    return _Scale(rows.mean(axis=0), deviation, compressing=False), _Scale(median, robust, compressing=True)
