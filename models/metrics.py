"""How well money was stopped: shares of payout with intervals, calibration, rankings; pure, and by affiliate.

Conversions of one affiliate are alike, so every interval comes from drawing whole affiliates again (cluster bootstrap,
percentiles; Efron and Tibshirani 1993, ch. 13). Where all affiliates show the same share, drawing them again shows no
spread: then Wilson's interval is given with Kish's effective number of affiliates, never a point. NaN means unknown:
there was nothing to divide by, or one affiliate cannot say how affiliates vary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from models.stats import Floats, wilson

FEWEST_TOLD = 0.5
"""Share of the draws in which a ratio must be defined for its interval to be given."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are made: confidence `level` (0..1), number of `draws`, and the `seed` of the draws."""

    level: float
    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; NaN where unknown. `clusters` are the affiliates that it rests on."""

    value: float
    low: float
    high: float
    clusters: int


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Conversions whose end is known or not, arrays of shape (n,).

    `payout` 0 or more; `bad` 1 bad, 0 clean, NaN unknown; `affiliate` names whose they are.
    """

    payout: Floats
    bad: Floats
    affiliate: NDArray[np.str_]

    def chosen(self, rows: NDArray[np.bool_]) -> Judged:
        """Return some of the rows."""
        return Judged(self.payout[rows], self.bad[rows], self.affiliate[rows])


@dataclass(frozen=True, slots=True)
class Stopping:
    """What stopping some conversions did. Every figure is a share of payout, 0..1.

    `recall`: stopped among bad payout. `clean_stopped`: stopped among clean payout. `precision`: bad among stopped
    payout whose end is known. `known`: payout whose end is known among stopped payout.
    """

    recall: Estimate
    clean_stopped: Estimate
    precision: Estimate
    known: Estimate


def shares(part: Floats, whole: Floats, affiliate: NDArray[np.str_], resampling: Resampling) -> list[Estimate]:
    """Estimate sums of `part` by sums of `whole`, each column of shape (n, k) on its own; part <= whole, both >= 0."""
    names, group = np.unique(affiliate, return_inverse=True)
    parts, wholes = (_by_cluster(np.atleast_2d(values.T).T, group, len(names)) for values in (part, whole))
    chosen = np.random.default_rng(resampling.seed).multinomial(
        len(names), np.full(len(names), 1 / max(len(names), 1)), size=resampling.draws
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (chosen @ parts) / (chosen @ wholes)
    return [_estimate(parts[:, k], wholes[:, k], drawn[:, k], resampling.level) for k in range(parts.shape[1])]


def stopping(stopped: NDArray[np.bool_], judged: Judged, resampling: Resampling) -> Stopping:
    """Measure what stopping these conversions did."""
    money, bad, clean = judged.payout, judged.bad == 1, judged.bad == 0
    part = np.column_stack([money * (stopped & bad), money * (stopped & clean), money * (stopped & bad)])
    known = money * (stopped & (bad | clean))
    whole = np.column_stack([money * bad, money * clean, known])
    part, whole = np.column_stack([part, known]), np.column_stack([whole, money * stopped])
    return Stopping(*shares(part, whole, judged.affiliate, resampling))


def thresholds(
    scores: Floats, at: Floats, judged: Judged, resampling: Resampling
) -> tuple[list[Estimate], list[Estimate], list[Estimate]]:
    """Return recall, clean payout stopped, and precision when stopping all scores of at least each threshold.

    A NaN score is never stopped here: it is unknown, and its conversions are held for that, not on a score.
    """
    stopped = np.nan_to_num(scores, nan=-1.0)[:, None] >= at[None, :]
    money, bad, clean = judged.payout[:, None], judged.bad[:, None] == 1, judged.bad[:, None] == 0
    every = np.ones((1, len(at)))
    recall = shares(money * bad * stopped, money * bad * every, judged.affiliate, resampling)
    mistaken = shares(money * clean * stopped, money * clean * every, judged.affiliate, resampling)
    precision = shares(money * bad * stopped, money * (bad | clean) * stopped, judged.affiliate, resampling)
    return recall, mistaken, precision


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Conversions with scores in `low`..`high`: their mean score and the share of them that was bad, by money."""

    low: float
    high: float
    conversions: int
    score: float
    bad: Estimate


def calibration(scores: Floats, judged: Judged, edges: Floats, resampling: Resampling) -> list[CalibrationBin]:
    """Compare scores with what became of the money, in bins between rising `edges`; empty bins are left out."""
    known = ~np.isnan(scores) & ~np.isnan(judged.bad) & (judged.payout > 0)
    place = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)
    bins = []
    for index in range(len(edges) - 1):
        rows = known & (place == index)
        if rows.any():
            some = judged.chosen(rows)
            found = shares(some.payout * some.bad, some.payout, some.affiliate, resampling)[0]
            score = float(np.average(scores[rows], weights=some.payout))
            bins.append(CalibrationBin(float(edges[index]), float(edges[index + 1]), int(rows.sum()), score, found))
    return bins


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well scores order known money, the bad first: area under the ROC curve, and average precision."""

    auroc: Estimate
    average_precision: Estimate


def ranking(scores: Floats, judged: Judged, resampling: Resampling) -> Ranking:
    """Measure scores on conversions whose end and score are known, weighed by payout."""
    rows = ~np.isnan(scores) & ~np.isnan(judged.bad) & (judged.payout > 0)
    some, value = judged.chosen(rows), scores[rows]
    names, group = np.unique(some.affiliate, return_inverse=True)
    whole = _ranked(value, some.bad, some.payout)
    if np.isnan(whole).any() or len(names) < 2:
        return Ranking(*(Estimate(float(figure), np.nan, np.nan, len(names)) for figure in whole))
    rng = np.random.default_rng(resampling.seed)
    chances = np.full(len(names), 1 / len(names))
    drawn = np.array(
        [
            _ranked(value, some.bad, some.payout * rng.multinomial(len(names), chances)[group])
            for _ in range(resampling.draws)
        ]
    )
    tail = (1 - resampling.level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    return Ranking(*(Estimate(float(whole[k]), float(low[k]), float(high[k]), len(names)) for k in range(2)))


def at_same_money(scores: Floats, payout: Floats, money: float) -> NDArray[np.bool_]:
    """Choose the worst scores until `money` is reached, so that methods are compared at the same money stopped.

    Ties are taken in the order of rows; a NaN score is taken last.
    """
    order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
    chosen = np.zeros(len(scores), dtype=np.bool_)
    chosen[order[np.cumsum(payout[order]) <= money * (1 + 1e-9)]] = True
    return chosen


def _by_cluster(values: Floats, group: NDArray[np.int64], clusters: int) -> Floats:
    return np.column_stack([np.bincount(group, values[:, k], minlength=clusters) for k in range(values.shape[1])])


def _estimate(part: Floats, whole: Floats, drawn: Floats, level: float) -> Estimate:
    there = whole > 0
    clusters = int(there.sum())
    if clusters == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    share = float(part.sum() / whole.sum())
    if clusters == 1:
        return Estimate(share, np.nan, np.nan, 1)
    if np.ptp(part[there] / whole[there]) < 1e-12:
        effective = float(whole.sum() ** 2 / (whole**2).sum())
        low, high = wilson(min(share, 1.0) * effective, effective, level)
        return Estimate(share, float(low), float(high), clusters)
    told = drawn[~np.isnan(drawn)]
    if len(told) < FEWEST_TOLD * len(drawn):
        return Estimate(share, np.nan, np.nan, clusters)
    tail = (1 - level) / 2
    low, high = np.quantile(told, [tail, 1 - tail])
    return Estimate(share, float(low), float(high), clusters)


def _ranked(scores: Floats, bad: Floats, weights: Floats) -> Floats:
    there = weights > 0
    bad, scores, weights = bad[there], scores[there], weights[there]
    if len(np.unique(bad)) < 2:
        return np.array([np.nan, np.nan])
    return np.array(
        [
            roc_auc_score(bad, scores, sample_weight=weights),
            average_precision_score(bad, scores, sample_weight=weights),
        ]
    )
