"""Statistics that several judges share: intervals and shrinkage of shares, rates, conformal p-values, bootstrap.

All functions are pure and vectorised over numpy arrays. NaN in a result means unknown: there was nothing to estimate
from. scipy is used where it has the method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]

WEAKEST_CONCENTRATION = 0.5
"""Lowest prior concentration, in pseudo-observations: below it a prior says hardly anything (Jeffreys' has 1)."""
STRONGEST_CONCENTRATION = 10_000.0
"""Highest prior concentration, in pseudo-observations: groups without spread may still differ a little."""
HYPERPRIOR_MEAN_ROWS = 1.0
"""Pseudo-observations, half of them bad, that keep a fitted mean share off 0 and 1 (Jeffreys)."""
SPREAD_OF_LOG_CONCENTRATION = 2.5
"""Standard deviation of the normal hyperprior on log concentration; wide: a factor 12 either way."""
TYPICAL_CONCENTRATION = 20.0
"""Centre of the hyperprior on concentration, in pseudo-observations; matters only when few groups were seen."""
BOOTSTRAP_BATCH = 200
"""Resamples held in memory at once."""


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """How shares are spread over the groups of an offer: Beta(bad, good), in pseudo-observations, both above 0."""

    bad: float
    good: float

    @property
    def mean(self) -> float:
        """Expected share of bad, 0..1."""
        return self.bad / (self.bad + self.good)


@dataclass(frozen=True, slots=True)
class GammaPrior:
    """How rates are spread over groups: Gamma with `shape`, and `exposure` in the unit of the observed exposures."""

    shape: float
    exposure: float

    @property
    def mean(self) -> float:
        """Expected events per unit of exposure."""
        return self.shape / self.exposure


def wilson(successes: ArrayLike, n: ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Return the lower and upper end of Wilson's score interval of a share at confidence `level` (0..1).

    Ends lie in 0..1; NaN where n is 0. Raises ValueError unless 0 <= successes <= n. Wilson (1927), JASA 22:209-212.
    """
    good, total = _counts(successes, n)
    z = float(stats.norm.ppf(0.5 + _level(level) / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = good / total
        scale = 1 + z**2 / total
        centre = (share + z**2 / (2 * total)) / scale
        half = z / scale * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    low = np.where(good == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(good == total, 1.0, np.minimum(centre + half, 1.0))
    return np.where(total > 0, low, np.nan), np.where(total > 0, high, np.nan)


def fit_beta_prior(bad: ArrayLike, n: ArrayLike) -> BetaPrior:
    """Fit how the share of bad is spread over groups from `bad` among `n` in each group, shape (groups,).

    Maximum a posteriori of the beta-binomial likelihood under wide hyperpriors, so that one group or groups without
    any bad still give a proper prior. Groups with n = 0 say nothing. Raises ValueError unless 0 <= bad <= n.
    """
    observed, total = _counts(bad, n)
    observed, total = np.atleast_1d(observed), np.atleast_1d(total)
    seen = total > 0
    observed, total = observed[seen], total[seen]
    start_mean = (observed.sum() + HYPERPRIOR_MEAN_ROWS / 2) / (total.sum() + HYPERPRIOR_MEAN_ROWS)

    def cost(point: Floats) -> float:
        mean, concentration = 1 / (1 + np.exp(-point[0])), np.exp(point[1])
        likelihood = np.sum(stats.betabinom.logpmf(observed, total, mean * concentration, (1 - mean) * concentration))
        on_mean = HYPERPRIOR_MEAN_ROWS / 2 * (np.log(mean) + np.log1p(-mean))
        on_spread = -0.5 * (np.log(concentration / TYPICAL_CONCENTRATION) / SPREAD_OF_LOG_CONCENTRATION) ** 2
        return -float(likelihood + on_mean + on_spread)

    fitted = optimize.minimize(
        cost,
        x0=np.array([np.log(start_mean / (1 - start_mean)), np.log(TYPICAL_CONCENTRATION)]),
        bounds=[(-15.0, 15.0), (np.log(WEAKEST_CONCENTRATION), np.log(STRONGEST_CONCENTRATION))],
        method="L-BFGS-B",
    )
    mean, concentration = float(1 / (1 + np.exp(-fitted.x[0]))), float(np.exp(fitted.x[1]))
    return BetaPrior(bad=mean * concentration, good=(1 - mean) * concentration)


def shrunk_share(bad: ArrayLike, n: ArrayLike, prior: BetaPrior) -> Floats:
    """Return the posterior mean share of bad, 0..1; with n = 0 it is the prior's mean. Same shape as the counts."""
    observed, total = _counts(bad, n)
    return np.asarray((observed + prior.bad) / (total + prior.bad + prior.good), dtype=np.float64)


def shrunk_interval(bad: ArrayLike, n: ArrayLike, prior: BetaPrior, level: float) -> tuple[Floats, Floats]:
    """Return the lower and upper end of the equal-tailed posterior interval of the share at `level` (0..1)."""
    observed, total = _counts(bad, n)
    posterior = stats.beta(observed + prior.bad, total - observed + prior.good)
    tail = (1 - _level(level)) / 2
    return np.asarray(posterior.ppf(tail), dtype=np.float64), np.asarray(posterior.ppf(1 - tail), dtype=np.float64)


def fit_gamma_prior(events: ArrayLike, exposure: ArrayLike) -> GammaPrior:
    """Fit how rates are spread over groups from `events` seen in `exposure` (> 0, any unit), shape (groups,).

    Moments of the negative binomial (Robbins' empirical Bayes); groups that vary no more than Poisson give a prior
    worth `STRONGEST_CONCENTRATION` events. Raises ValueError when there is no exposure at all.
    """
    seen = np.atleast_1d(np.asarray(events, dtype=np.float64))
    length = np.atleast_1d(np.asarray(exposure, dtype=np.float64))
    if seen.shape != length.shape or (seen < 0).any() or (length < 0).any() or not length.sum() > 0:
        raise ValueError("events and exposure must be non-negative, of one length, with some exposure")
    mean = (seen.sum() + 0.5) / length.sum()
    expected = mean * length
    excess = float(((seen - expected) ** 2 - expected).sum() / max(float((expected**2).sum()), np.finfo(float).tiny))
    shape = STRONGEST_CONCENTRATION if excess <= 1 / STRONGEST_CONCENTRATION else max(1 / excess, WEAKEST_CONCENTRATION)
    return GammaPrior(shape=shape, exposure=shape / float(mean))


def shrunk_rate(events: ArrayLike, exposure: ArrayLike, prior: GammaPrior) -> Floats:
    """Return the posterior mean of events per unit of exposure; without exposure it is the prior's mean."""
    seen, length = np.asarray(events, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
    return np.asarray((seen + prior.shape) / (length + prior.exposure), dtype=np.float64)


def conformal_p(calibration_scores: ArrayLike, scores: ArrayLike) -> Floats:
    """Return for each score the conformal p-value against scores of trusted rows; low means unlike them.

    p = (1 + how many calibration scores are at least as high) / (1 + calibration scores); ties count against
    flagging, so p is valid (conservative) with discrete scores too. Smallest p is 1 / (1 + calibration scores).
    NaN calibration scores are left out; a NaN score, or no calibration score at all, gives NaN.
    Bates, Candes, Lei, Romano, Sesia (2023), Annals of Statistics 51:149-178.
    """
    known = np.asarray(calibration_scores, dtype=np.float64).ravel()
    known = np.sort(known[~np.isnan(known)])
    asked = np.asarray(scores, dtype=np.float64)
    if known.size == 0:
        return np.full(asked.shape, np.nan)
    at_least = known.size - np.searchsorted(known, asked, side="left")
    return np.where(np.isnan(asked), np.nan, (1 + at_least) / (1 + known.size))


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return adjusted p-values: holding all at or under q bounds the expected share of false ones among them by q.

    NaN p-values stay NaN and are not counted as tests.
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    known = ~np.isnan(given)
    if known.any():
        adjusted[known] = stats.false_discovery_control(given[known], method="bh")
    return adjusted


@dataclass(frozen=True, slots=True)
class ShareEstimate:
    """A weighted share with its interval, all in 0..1. Ends are NaN when one cluster cannot say how clusters vary."""

    share: float
    low: float
    high: float


def weighted_bootstrap(
    flagged: ArrayLike, weights: ArrayLike, clusters: ArrayLike, level: float, *, draws: int, seed: int
) -> ShareEstimate:
    """Estimate the weighted share of flagged rows (for instance of money) with an interval, clustered.

    `flagged` is 0/1 or a share per row, `weights` >= 0 per row (money as float), `clusters` the group that is drawn
    as a whole (the affiliate), all of shape (n,). Percentile bootstrap over clusters. When every cluster has the same
    share, resampling sees no spread: Wilson's interval with Kish's effective number of clusters is given instead,
    never a point. Raises ValueError on NaN or negative weights; the share is NaN when all weights are 0.
    """
    marks, weight = np.asarray(flagged, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if np.isnan(marks).any() or np.isnan(weight).any() or (weight < 0).any():
        raise ValueError("flagged and weights must be known, and weights not negative")
    if marks.size == 0 or weight.sum() == 0:
        return ShareEstimate(np.nan, np.nan, np.nan)
    _, group = np.unique(np.asarray(clusters), return_inverse=True)
    total = np.bincount(group, weights=weight)
    bad = np.bincount(group, weights=weight * marks)[total > 0]
    total = total[total > 0]
    share = float(bad.sum() / total.sum())
    if total.size == 1:
        return ShareEstimate(share, np.nan, np.nan)
    if np.ptp(bad / total) == 0:
        effective = float(total.sum() ** 2 / (total**2).sum())
        low, high = wilson(share * effective, effective, level)
        return ShareEstimate(share, float(low), float(high))
    ends = stats.bootstrap(
        (bad, total),
        _ratio,
        paired=True,
        vectorized=True,
        method="percentile",
        confidence_level=_level(level),
        n_resamples=draws,
        batch=BOOTSTRAP_BATCH,
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return ShareEstimate(share, float(ends.low), float(ends.high))


def _ratio(part: Floats, whole: Floats, axis: int) -> Floats:
    return np.asarray(part.sum(axis=axis) / whole.sum(axis=axis), dtype=np.float64)


def _counts(part: ArrayLike, whole: ArrayLike) -> tuple[Floats, Floats]:
    some, total = np.broadcast_arrays(np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64))
    if not ((some >= 0) & (some <= total)).all():
        raise ValueError("counts must satisfy 0 <= part <= whole and be known")
    return some, total


def _level(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not {level}")
    return level
