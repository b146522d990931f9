"""From scores to what is held: posteriors for this programme's base rate, conformal p-values, and a bound on mistakes.

A conversion is held on its score only when Benjamini-Hochberg on its p-value keeps the expected share of clean
conversions among held ones under the bound (unless nothing is trusted, so that there is no p-value), and one of two
things is true. Either its posterior is above one half, it lies outside what the bulk of this programme's own scores
explains, as the judge may never have seen a programme like it, and the expected share of clean money among all held
money is under the bound. Or it lies so far from that bulk that the judge need not know the programme's base rate: only
lean towards fraud.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import logit
from scipy.stats import norm

from models.stats import benjamini_hochberg, conformal_p
from models.taught import SUSPECT

FLOOR, CEILING = 1e-4, 0.3
"""Bounds of the estimated base rate of fraud: never so low that nothing can be held, never near a majority.

A judge that sees more than this is rather in a strange programme than in a fraudulent one.
"""
OUTSIDE = 0.2
"""False discovery rate at which scores lie outside the programme's bulk.

Measured on simulated programmes of four families, one of them far more mixed than those the judge was taught on:
there it cuts the clean money held to an eighth, while on the others the fraud found stays within three points.
"""
APART = 0.1
"""Part of the bound on clean money that is the false discovery rate at which scores stand apart from the bulk.

Measured on six families of simulated programmes, each judged by trees taught on the other five: 40 % of fraudulent
money is held instead of 31 %, and 1.1 % of clean money instead of 0.7 %, means of families.
"""
_QUANTILE = 0.16
"""The bulk's spread is taken from its clean side: this quantile lies one standard deviation under the median."""
_LEAST_SCORE = 1e-9
"""Scores are kept this far from 0 and 1, where log odds end."""
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
    # where nothing is trusted there is no p-value, and the others decide: else fraud everywhere would pass
    unlike = np.nan_to_num(benjamini_hochberg(p_value), nan=0.0) <= clean_share_max
    foreign = _foreign(scores)
    affordable = _affordable(posterior, payout, clean_share_max)
    likely = (np.nan_to_num(posterior) > 0.5) & (foreign <= OUTSIDE) & affordable
    apart = (np.nan_to_num(scores) > 0.5) & (foreign <= APART * clean_share_max)
    return Verdicts(posterior, p_value, unlike & (likely | apart), base_rate)


def matrix_verdicts(scores: np.ndarray, matrix: pl.DataFrame, taught_share: float, clean_share_max: float) -> Verdicts:
    """Judge the scores of a matrix's conversions, where those that are not suspect are trusted."""
    payout = matrix["payout"].to_numpy()
    return verdicts(scores, payout, scores[scores < SUSPECT], taught_share, clean_share_max)


def _foreign(scores: np.ndarray) -> np.ndarray:
    """Return for each score the false discovery rate at which the bulk of all scores does not explain it, 0..1.

    An empirical null of log odds (Efron 2004). Its middle is never on the side of fraud: a programme in which most is
    suspect must not excuse what is worse. 1 where the score is unknown.
    """
    known = ~np.isnan(scores)
    if not known.any():
        return np.ones(len(scores))
    odds = logit(np.clip(scores, _LEAST_SCORE, 1 - _LEAST_SCORE))
    low, median = np.quantile(odds[known], [_QUANTILE, 0.5])
    middle = min(median, 0.0)
    p_value = norm.sf((odds - middle) / max(middle - low, _LEAST_SPREAD))
    return np.asarray(np.nan_to_num(benjamini_hochberg(p_value), nan=1.0))


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
    likely = np.clip(scores, _LEAST_SCORE, 1 - _LEAST_SCORE)
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
