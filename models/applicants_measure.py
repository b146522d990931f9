"""How good a judge of applicants is on decisions that it was not taught on, beside the scorecard on the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from models.applicants import Decided
from models.judge import Floats

DRAWS = 1_000
"""Draws of whole applicants for an interval: its ends are then known to about a percent of rank."""
LEVEL = 0.95
_NEARLY_CERTAIN = 1e-6
_DECIMALS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Decisions with what was foretold of each, shape (rows,).

    `chance` of rejection by the judge, 0..1 (NaN: no opinion); `scorecard` the score of the points, 0..1. The
    `earlier` ones are what the judge was taught on; they turn the scorecard's score into a chance as well. Decisions
    weigh as they do in teaching: one that chance brought to a person stands for all like it that nobody looked at.
    """

    chance: Floats
    scorecard: Floats
    decided: Decided
    earlier_scorecard: Floats
    earlier: Decided


def compared(trial: Trial, seed: int) -> dict[str, Any]:
    """Return average precision, area under the ROC curve and Brier score of both, with the gain and its interval.

    A gain is positive where the judge is better. Intervals (95 %) come from drawing applicants again. `better`: both
    gains are surely above 0. Where the judge has no opinion it is read as the share of rejections, which tells nothing.
    """
    rejected, weight = trial.decided.rejected, trial.decided.weight
    chance = np.where(np.isnan(trial.chance), _share(trial.earlier), trial.chance)
    card = _calibrated(trial)
    gains = _gains(trial.decided, chance, card, seed)
    told: dict[str, Any] = {"decisions": len(rejected), "rejected": int(rejected.sum())}
    for name, scores in (("judge", chance), ("scorecard", card)):
        told[name] = {
            "average_precision": round(
                float(average_precision_score(rejected, scores, sample_weight=weight)), _DECIMALS
            ),
            "auroc": round(float(roc_auc_score(rejected, scores, sample_weight=weight)), _DECIMALS),
            "brier": round(float(brier_score_loss(rejected, scores, sample_weight=weight)), _DECIMALS),
        }
    tail = 100 * (1 - LEVEL) / 2
    for place, name in enumerate(("average_precision_gain", "brier_gain")):
        low, high = np.percentile(gains[:, place], [tail, 100 - tail])
        told[name] = [round(float(low), _DECIMALS), round(float(high), _DECIMALS)]
    told["better"] = told["average_precision_gain"][0] > 0 and told["brier_gain"][0] > 0
    return told


def _share(decided: Decided) -> float:
    return float(np.average(decided.rejected, weights=decided.weight))


def _calibrated(trial: Trial) -> Floats:
    """Turn the scorecard's score into a chance by a sigmoid fitted on the earlier decisions, as the judge's is."""
    odds = [
        logit(np.clip(scores, _NEARLY_CERTAIN, 1 - _NEARLY_CERTAIN))[:, None]
        for scores in (trial.earlier_scorecard, trial.scorecard)
    ]
    if len(np.unique(trial.earlier.rejected)) < 2:
        return np.full(len(trial.scorecard), _share(trial.earlier))
    line = LogisticRegression().fit(odds[0], trial.earlier.rejected, trial.earlier.weight)
    return np.asarray(expit(line.decision_function(odds[1])), dtype=np.float64)


def _gains(decided: Decided, chance: Floats, card: Floats, seed: int) -> Floats:
    """Return, for each draw of whole applicants, the gain in average precision and in the Brier score, (draws, 2)."""
    rejected = decided.rejected
    _, group = np.unique(decided.applicant, return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(
        group.max() + 1, np.full(group.max() + 1, 1 / (group.max() + 1)), DRAWS
    )
    weights = drawn[:, group] * decided.weight
    both = weights[:, rejected].any(axis=1) & weights[:, ~rejected].any(axis=1)
    weights = weights[both]
    precision = [_average_precision(rejected, scores, weights) for scores in (chance, card)]
    error = [(weights @ (scores - rejected) ** 2) / weights.sum(axis=1) for scores in (chance, card)]
    return np.column_stack([precision[0] - precision[1], error[1] - error[0]])


def _average_precision(rejected: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Return the average precision under each row of weights, shape (draws,); rows of one score rank together."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last_alike = np.searchsorted(-ranked, -ranked, side="right") - 1
    all_weights, bad = weights[:, order], weights[:, order] * rejected[order]
    precision = np.cumsum(bad, axis=1)[:, last_alike] / np.maximum(np.cumsum(all_weights, axis=1)[:, last_alike], 1.0)
    return np.asarray((bad * precision).sum(axis=1) / bad.sum(axis=1), dtype=np.float64)
