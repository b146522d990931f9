"""From scores to what is held: posteriors for this programme's base rate, conformal p-values, and a bound on mistakes.

A conversion is held on its score only when four things agree: its posterior is above one half; Benjamini-Hochberg on
its p-value keeps the expected share of clean conversions among held ones under the bound (unless nothing is trusted, so
that there is no p-value); it lies outside what the bulk of this programme's own scores explains, as the judge may never
have seen a programme like it; and the expected share of clean money among all held money is under the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logit
from scipy.stats import norm

from models.stats import benjamini_hochberg, conformal_p

FLOOR, CEILING = 1e-4, 0.3
"""Bounds of the estimated base rate of fraud: never so low that nothing can be held, never near a majority.

A judge that sees more than this is rather in a strange programme than in a fraudulent one.
"""
OUTSIDE = 0.2
"""False discovery rate at which scores lie outside the programme's bulk.

Measured on simulated programmes of four families, one of them far more mixed than those the judge was taught on:
there it cuts the clean money held to an eighth, while on the others the fraud found stays within three points.
"""
_QUANTILE = 0.16
"""The bulk's spread is taken from its clean side: this quantile lies one standard deviation under the median."""
_LEAST_SPREAD = 0.4
"""Least standard deviation of the bulk, log odds: scores can be alike for want of facts."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the scores of conversions amount to; arrays of shape (n,).

    `posterior` 0..1, higher is worse; `p_value` 0..1, lower is worse; both NaN where the score is unknown. `held` is
    true where the score alone is reason to hold. `base_rate` is the estimated share of fraud.
    """

    posterior: np.ndarray
    p_value: np.ndarray
    held: np.ndarray
    base_rate: float


def verdicts(
    scores: np.ndarray, payout: np.ndarray, trusted: np.ndarray, taught_share: float, clean_share_max: float
) -> Verdicts:
    """Judge scores (posteriors under the base rate `taught_share`) against `trusted` scores and the bound.

    `payout` weighs the conversions; `clean_share_max` (0..1) bounds the clean share of held money.
    """
    base_rate = estimated_base_rate(scores, taught_share)
    posterior = rebased(scores, taught_share, base_rate)
    p_value = conformal_p(trusted, scores)
    likely = np.nan_to_num(posterior) > 0.5
    # where nothing is trusted there is no p-value, and the other two decide: else fraud everywhere would pass
    unlike = np.nan_to_num(benjamini_hochberg(p_value), nan=0.0) <= clean_share_max
    held = likely & unlike & _outside_bulk(scores) & _affordable(posterior, payout, clean_share_max)
    return Verdicts(posterior, p_value, held, base_rate)


def _outside_bulk(scores: np.ndarray) -> np.ndarray:
    """Say which scores the bulk of all scores does not explain: an empirical null (Efron 2004) of log odds.

    True everywhere when the median itself is suspect: then the bulk is no norm, and must not excuse anything.
    """
    known = ~np.isnan(scores)
    if not known.any() or np.median(scores[known]) > 0.5:
        return np.full(len(scores), fill_value=True)
    odds = logit(np.clip(scores, 1e-9, 1 - 1e-9))
    low, middle = np.quantile(odds[known], [_QUANTILE, 0.5])
    p_value = norm.sf((odds - middle) / max(middle - low, _LEAST_SPREAD))
    return np.asarray(np.nan_to_num(benjamini_hochberg(p_value), nan=1.0) <= OUTSIDE)


def estimated_base_rate(scores: np.ndarray, taught_share: float) -> float:
    """Estimate the share of fraud among scored rows by expectation maximisation (Saerens et al. 2002), bounded."""
    known = scores[~np.isnan(scores)]
    if not len(known):
        return taught_share
    rate = taught_share
    for _ in range(200):
        updated = float(np.clip(rebased(known, taught_share, rate).mean(), FLOOR, CEILING))
        if abs(updated - rate) < 1e-7:
            break
        rate = updated
    return rate


def rebased(scores: np.ndarray, taught_share: float, base_rate: float) -> np.ndarray:
    """Turn posteriors under one base rate into posteriors under another (Bayes' rule). NaN stays NaN."""
    likely = np.clip(scores, 1e-9, 1 - 1e-9)
    odds = likely / (1 - likely) * (base_rate / (1 - base_rate)) / (taught_share / (1 - taught_share))
    return np.asarray(odds / (1 + odds))


def _affordable(posterior: np.ndarray, payout: np.ndarray, clean_share_max: float) -> np.ndarray:
    """Say which rows belong to the largest set, worst first, whose expected clean share of money is under the bound."""
    order = np.argsort(-np.nan_to_num(posterior, nan=-1.0), kind="stable")
    money = np.maximum(payout[order], 1e-9)
    clean = np.cumsum(money * (1 - np.nan_to_num(posterior[order], nan=0.0))) / np.cumsum(money)
    within = (clean <= clean_share_max) & ~np.isnan(posterior[order])
    last = int(np.flatnonzero(within)[-1]) + 1 if within.any() else 0
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[:last]] = True
    return np.asarray(chosen & ~np.isnan(posterior))
