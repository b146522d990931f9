"""A judge that learns from what became of conversions, although what became of them is known late and for few.

That nothing bad is known yet says little about a young conversion. So the chance of a bad outcome within the horizon is
p = sigma(w x), and the chance that it is known at age a is p F(a), where F is how soon bad outcomes become known: the
delayed-feedback likelihood of Chapelle (KDD 2014), with F estimated without a form by the product limit for data that
are truncated at the present (Lagakos, Barraj and De Gruttola 1988) instead of an exponential one. A verdict of a person
needs no waiting: there F is 1. Few bad outcomes can carry few weights, so the judge is linear with a ridge penalty on
standardised features, and says nothing below `Demands.bad_min` bad outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import expit, log_expit

from models.judge import Floats, numbers

SMALLEST = 1e-6
"""Smallest chance that the likelihood tells from none."""
FARTHEST = 5.0
"""Spreads beyond which a feature counts as this far, so that one value cannot decide."""
HARDLY_VARIES = 1e-9
OFTEN_KNOWN = 0.99
"""A feature known for a smaller share of the rows learned from is left out: without it a row would have to be guessed.
A row that lacks one of the others is unknown."""
LABEL, AGE, CERTAIN = "bad", "age_days", "certain"
"""Columns to learn from: whether something bad is known (1 or 0), for how many days it could have become known, and
whether a person said so (then age means nothing)."""
DELAY = "delay_days"
"""Days after which a bad outcome became known; null for the others."""


@dataclass(frozen=True, slots=True)
class Demands:
    """`bad_min`: bad outcomes without which nothing is learned; `ridge`: penalty on squared weights."""

    bad_min: int
    ridge: float


@dataclass(frozen=True, slots=True, eq=False)
class Delays:
    """How soon bad outcomes become known: `share` (0..1, not falling) of them within `days` (rising)."""

    days: Floats
    share: Floats

    @classmethod
    def fit(cls, delays: Floats, ages: Floats) -> Self:
        """Estimate from `delays` of known bad outcomes and the `ages` at which they could have been known at latest.

        Of the bad outcomes that a conversion of age a will have, only those with a delay of at most a are seen; the
        product limit runs from the longest delay down, counting at each who could have been seen with it.
        """
        days = np.unique(delays)
        events = np.array([(delays == day).sum() for day in days], dtype=np.float64)
        at_risk = np.array([((delays <= day) & (ages >= day)).sum() for day in days], dtype=np.float64)
        stay = 1 - events / np.maximum(at_risk, 1.0)
        # share(d) is the product of `stay` over all longer delays
        share = np.append(np.cumprod(stay[::-1])[::-1][1:], 1.0) if len(days) else np.array([])
        return cls(days, np.asarray(share, dtype=np.float64))

    def known_by(self, ages: Floats) -> Floats:
        """Return which share of bad outcomes is known at each age in days, 0..1."""
        place = np.searchsorted(self.days, ages, side="right")
        return np.asarray(np.concatenate([[0.0], self.share])[place], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What an outcomes judge has learned; arrays are of the used features."""

    used: NDArray[np.bool_]
    centre: Floats
    spread: Floats
    weights: Floats
    """One a used feature, then the intercept."""
    base: float
    """Chance of a bad outcome over the rows learned from, 0..1."""

    def odds(self, rows: Floats) -> Floats:
        """Return log odds of a bad outcome; NaN where a used feature is unknown."""
        scaled = np.clip((rows[:, self.used] - self.centre) / self.spread, -FARTHEST, FARTHEST)
        return np.asarray(scaled @ self.weights[:-1] + self.weights[-1], dtype=np.float64)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what is to be stored; `of_arrays` reads it."""
        own = {"used": self.used, "centre": self.centre, "spread": self.spread, "weights": self.weights}
        return {**own, "base": np.array([self.base])}

    @classmethod
    def of_arrays(cls, arrays: dict[str, np.ndarray]) -> Learned:
        """Read what `arrays` returned. Raises KeyError when one is missing."""
        return cls(
            used=arrays["used"],
            centre=arrays["centre"],
            spread=arrays["spread"],
            weights=arrays["weights"],
            base=float(arrays["base"][0]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class OutcomesJudge:
    """Judges rows by how likely a bad outcome is; NaN where a feature that learned rows had is unknown.

    Fitting reads `LABEL`, `AGE`, `CERTAIN` and `DELAY` beside the features in `needs`.
    """

    needs: tuple[str, ...]
    demands: Demands
    learned: Learned | None = None
    name: str = "outcomes"
    version: str = "1"

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what was learned as arrays to be stored; none when nothing was."""
        return {} if self.learned is None else self.learned.arrays()

    def fit(self, features: pl.DataFrame, *, seed: int) -> Self:
        """Learn from rows with labels. Nothing is drawn, so `seed` changes nothing; too few bad ones teach nothing."""
        del seed
        return type(self)(self.needs, self.demands, _learn(features, self.needs, self.demands))

    def score(self, features: pl.DataFrame) -> Floats:
        """Return the chance of a bad outcome, shape (rows,), 0..1, higher is worse, NaN unknown."""
        return np.asarray(expit(self.odds(features)), dtype=np.float64)

    def odds(self, features: pl.DataFrame) -> Floats:
        """Return the log odds of a bad outcome, shape (rows,), NaN unknown."""
        if self.learned is None:
            return np.full(features.height, np.nan)
        return self.learned.odds(numbers(features, self.needs))

    def lift(self, features: pl.DataFrame) -> Floats:
        """Return how many units of log odds a bad outcome is likelier than usual, NaN unknown."""
        if self.learned is None:
            return np.full(features.height, np.nan)
        base = self.learned.base
        return np.asarray(self.odds(features) - np.log(base / (1 - base)), dtype=np.float64)


def delayed_weights(rows: Floats, features: pl.DataFrame, ridge: float) -> Floats:
    """Fit log odds of a bad outcome, linear in `rows` (n, k), by the delayed-feedback likelihood; shape (k + 1,).

    The last is the intercept, which is not penalised. `features` has `LABEL`, `AGE`, `CERTAIN` and `DELAY`.
    """
    design, (bad, known) = _with_intercept(rows), _labels(features)
    penalty = np.append(np.full(rows.shape[1], ridge), 0.0)

    def cost(weights: Floats) -> tuple[float, Floats]:
        loss, slope = _loss(design @ weights, bad, known)
        return loss + 0.5 * float(penalty @ weights**2), penalty * weights + design.T @ slope

    start = np.zeros(design.shape[1])
    start[-1] = np.log((bad.sum() + 0.5) / (len(bad) - bad.sum() + 0.5))
    found = optimize.minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(found.x, dtype=np.float64)


def delayed_loss(rows: Floats, features: pl.DataFrame, weights: Floats) -> float:
    """Return minus the log likelihood of what is known of outcomes, under weights as `delayed_weights` gives them."""
    return _loss(_with_intercept(rows) @ weights, *_labels(features))[0]


def _with_intercept(rows: Floats) -> Floats:
    return np.column_stack([rows, np.ones(len(rows))])


def _loss(odds: Floats, bad: NDArray[np.bool_], known: Floats) -> tuple[float, Floats]:
    """Return the loss and its slope in the log odds; `known` is the share of bad outcomes known at each row's age."""
    chance = expit(odds)
    unseen = np.maximum(1 - chance * known, SMALLEST)
    told = np.where(bad, log_expit(odds), np.log(unseen))
    slope = np.where(bad, chance - 1, known * chance * (1 - chance) / unseen)
    return -float(told.sum()), np.asarray(slope, dtype=np.float64)


def delays_in(features: pl.DataFrame) -> Delays:
    """Estimate how soon bad outcomes become known, from rows with `LABEL`, `AGE`, `CERTAIN` and `DELAY`."""
    seen = features.filter((pl.col(LABEL) == 1) & ~pl.col(CERTAIN) & pl.col(DELAY).is_not_null())
    return Delays.fit(seen[DELAY].to_numpy().astype(np.float64), seen[AGE].to_numpy().astype(np.float64))


def _labels(features: pl.DataFrame) -> tuple[NDArray[np.bool_], Floats]:
    bad = features[LABEL].to_numpy() == 1
    known = delays_in(features).known_by(features[AGE].to_numpy().astype(np.float64))
    return bad, np.where(features[CERTAIN].to_numpy(), 1.0, known)


def _learn(features: pl.DataFrame, needs: Sequence[str], demands: Demands) -> Learned | None:
    if LABEL not in features.columns or (features[LABEL] == 1).sum() < demands.bad_min:
        return None
    rows = numbers(features, needs)
    share_known = (~np.isnan(rows)).mean(axis=0)
    used = np.asarray(share_known >= OFTEN_KNOWN, dtype=np.bool_)
    if not used.any():
        return None
    rows = np.clip(rows[:, used], -1e12, 1e12)
    centre, spread = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0)
    spread = np.where(spread > HARDLY_VARIES * np.maximum(np.abs(centre), 1.0), spread, 1.0)
    scaled = np.nan_to_num(np.clip((rows - centre) / spread, -FARTHEST, FARTHEST))
    weights = delayed_weights(scaled, features, demands.ridge)
    base = float(np.clip(expit(scaled @ weights[:-1] + weights[-1]).mean(), SMALLEST, 1 - SMALLEST))
    return Learned(used, centre, spread, weights, base)
