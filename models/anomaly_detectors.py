"""The detectors inside the anomaly judge. Each is fitted on complete rows and gives a number, higher is more unusual.

- isolation forest (Liu, Ting, Zhou 2008, ICDM): few cuts set the row apart; good with many useless features;
- bagged nearest neighbour: distance to the nearest of a small random sample, averaged over many samples (Sugiyama and
  Borgwardt 2013, NIPS; Ting, Washio, Wells, Aryal 2017, Machine Learning 106:55-91); small samples are rarely polluted
  by a cluster of bad rows, which k-nearest-neighbour mistakes for normal;
- Mahalanobis distance to the cleaner part of the rows (concentration steps of Rousseeuw and Van Driessen 1999,
  Technometrics 41:212-223, with the shrunk covariance of Chen, Wiesel, Eldar, Hero 2010): combinations that are odd
  although each value is ordinary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.spatial.distance import cdist
from sklearn.covariance import OAS
from sklearn.ensemble import IsolationForest

Floats = NDArray[np.float64]

TREES = 200
TREE_ROWS = 256
"""Rows per tree: the sample size of the isolation forest paper."""
BAGS = 100
"""Random samples whose nearest-neighbour distances are averaged."""
BAG_ROWS = 16
"""Rows per such sample."""
CLEAN_SHARE = 0.75
"""Share of the rows, the least unusual, that the covariance is estimated from: the usual trimming."""
CONCENTRATION_STEPS = 5
SATURATION = 6.0
"""Robust spreads above the median that count; what is farther counts the same, so that none outvotes the others."""
TINY = 1e-9
"""Ridge on the covariance, as a share of its mean variance, for features that never vary or repeat another."""
QUARTILES_OF_NORMAL = 1.349
"""Distance between the quartiles of a normal distribution, in standard deviations."""


class Detector(Protocol):
    """What is fitted on one scale of the features."""

    def raw(self, rows: Floats) -> Floats:
        """Return how unusual each row is, shape (rows,), higher is more, in the detector's own unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Isolation forest."""

    model: IsolationForest

    @classmethod
    def fit(cls, rows: Floats, rng: np.random.Generator) -> Forest:
        """Grow `TREES` trees on `TREE_ROWS` rows each."""
        seed = int(rng.integers(2**31))
        forest = IsolationForest(n_estimators=TREES, max_samples=min(TREE_ROWS, len(rows)), random_state=seed)
        return cls(forest.fit(rows))

    def raw(self, rows: Floats) -> Floats:
        """Return the anomaly score of the paper, 0..1."""
        return np.asarray(-self.model.score_samples(rows), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Bags:
    """Bagged nearest neighbour; `samples` has shape (bags, rows of a bag, features)."""

    samples: Floats

    @classmethod
    def fit(cls, rows: Floats, rng: np.random.Generator) -> Bags:
        """Draw `BAGS` samples of `BAG_ROWS` different rows."""
        size = min(BAG_ROWS, len(rows) // 2)
        return cls(np.stack([rows[rng.choice(len(rows), size, replace=False)] for _ in range(BAGS)]))

    def raw(self, rows: Floats) -> Floats:
        """Return the mean Euclidean distance to the nearest row of each sample."""
        total = np.zeros(len(rows))
        for sample in self.samples:
            total += cdist(rows, sample).min(axis=1)
        return total / len(self.samples)


@dataclass(frozen=True, slots=True, eq=False)
class Ellipse:
    """Mahalanobis distance to the cleaner part of the rows; `root` is the lower Cholesky factor of the covariance."""

    centre: Floats
    root: Floats

    @classmethod
    def fit(cls, rows: Floats, rng: np.random.Generator) -> Ellipse:  # noqa: ARG003 - the steps start from all rows
        """Estimate from all rows, then `CONCENTRATION_STEPS` times from the `CLEAN_SHARE` nearest to the estimate."""
        ellipse = cls._around(rows)
        for _ in range(CONCENTRATION_STEPS):
            distance = ellipse.raw(rows)
            ellipse = cls._around(rows[distance <= np.quantile(distance, CLEAN_SHARE)])
        return ellipse

    @classmethod
    def _around(cls, rows: Floats) -> Ellipse:
        shrunk = OAS(store_precision=False).fit(rows)
        ridge = TINY * max(float(np.trace(shrunk.covariance_)) / rows.shape[1], TINY)
        return cls(shrunk.location_, np.linalg.cholesky(shrunk.covariance_ + ridge * np.eye(rows.shape[1])))

    def raw(self, rows: Floats) -> Floats:
        """Return the distance from the centre in standard deviations of that direction."""
        apart = solve_triangular(self.root, (rows - self.centre).T, lower=True)
        return np.asarray(np.sqrt(np.sum(apart**2, axis=0)), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A detector whose raw numbers are put on one scale with the others'."""

    detector: Detector
    median: float
    spread: float

    @classmethod
    def on(cls, detector: Detector, rows: Floats) -> Calibrated:
        """Take the median and robust spread of the detector over the rows it was fitted on."""
        raw = detector.raw(rows)
        low, median, high = np.quantile(raw, [0.25, 0.5, 0.75])
        spread = (high - low) / QUARTILES_OF_NORMAL or float(raw.std()) or 1.0
        return cls(detector, float(median), float(spread))

    def says(self, rows: Floats) -> Floats:
        """Return how many robust spreads above the median, bent (tanh) to stay within +-SATURATION."""
        apart = (self.detector.raw(rows) - self.median) / self.spread
        return np.asarray(SATURATION * np.tanh(apart / SATURATION), dtype=np.float64)
