"""How often decisions are right, from a random draw of sources that people looked at.

Every source has a known chance of being drawn, whatever was decided about it, so the answers speak for all sources
and not only for the suspicious ones. Shares are ratio estimators with inclusion weights (Horvitz and Thompson 1952;
Cochran 1977, ch. 6): of stopped payout, and of paid payout, the share in sources that people found to be fraud. Recall
puts both together with the payout of all sources, which is known. Intervals are equal-tailed under Jeffreys' prior,
with Kish's effective number of affiliates as the number of trials (Brown, Cai and DasGupta 2001), so that no answers of
one kind give a wide interval and never certainty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.metrics import Estimate, Resampling
from models.stats import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Sources that were drawn and answered, arrays of shape (n,).

    `stopped` and `paid` are payout of the source, 0 or more; `fraud` is what people found; `chance` (above 0, up to 1)
    is how likely the source was to be drawn; `affiliate` names whose it is.
    """

    stopped: Floats
    paid: Floats
    fraud: NDArray[np.bool_]
    chance: Floats
    affiliate: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Population:
    """Payout of all sources that could be drawn: what was `stopped` of it and what was `paid`."""

    stopped: float
    paid: float


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """How often decisions are right; None: not measured yet, for want of `stopped_needed` or `paid_needed` answers.

    `precision`: share of stopped payout in sources found to be fraud. `recall`: share of the payout of fraud that was
    stopped. `stopped_answers` and `paid_answers` are answered sources with stopped and with paid payout.
    """

    precision: Estimate | None
    recall: Estimate | None
    stopped_answers: int
    paid_answers: int
    stopped_needed: int
    paid_needed: int


def error_rate(answers: Answers, population: Population, fewest: int, resampling: Resampling) -> ErrorRate:
    """Estimate precision and recall once `fewest` sources with stopped (and with paid) payout are answered."""
    stopped, paid = _share(answers, answers.stopped), _share(answers, answers.paid)
    needed = [max(0, fewest - part.answers) for part in (stopped, paid)]
    rng = np.random.default_rng(resampling.seed)
    bad_stopped, bad_paid = (part.drawn(rng, resampling.draws) for part in (stopped, paid))
    precision = None if needed[0] else _estimate(stopped.share, bad_stopped, resampling.level, stopped.clusters)
    recall = None
    if not any(needed) and population.stopped + population.paid > 0:
        value = _recall(np.array([stopped.share]), np.array([paid.share]), population)[0]
        clusters = min(stopped.clusters, paid.clusters)
        recall = _estimate(float(value), _recall(bad_stopped, bad_paid, population), resampling.level, clusters)
    return ErrorRate(precision, recall, stopped.answers, paid.answers, needed[0], needed[1])


def answers_for(width: float, level: float, share: float) -> int:
    """Return how many independent answers give an interval of a share about `width` (0..1) to either side."""
    z = float(stats.norm.ppf(0.5 + level / 2))
    return math.ceil(z**2 * max(share * (1 - share), 0.0) / width**2)


@dataclass(frozen=True, slots=True)
class _Share:
    """A share of payout: its estimate (NaN: no answer), effective affiliates, affiliates, and answers behind it."""

    share: float
    effective: float
    clusters: int
    answers: int

    def drawn(self, rng: np.random.Generator, draws: int) -> Floats:
        """Draw from Jeffreys' posterior; without any answer it is the prior."""
        good = 0.0 if math.isnan(self.share) else self.share * self.effective
        return rng.beta(good + 0.5, self.effective - good + 0.5, size=draws)


def _share(answers: Answers, money: Floats) -> _Share:
    there = money > 0
    weight = money[there] / answers.chance[there]
    names, group = np.unique(answers.affiliate[there], return_inverse=True)
    by_affiliate = np.bincount(group, weight, minlength=len(names))
    if not there.any():
        return _Share(math.nan, 0.0, 0, 0)
    share = float(weight[answers.fraud[there]].sum() / weight.sum())
    effective = float(by_affiliate.sum() ** 2 / (by_affiliate**2).sum())
    return _Share(share, effective, len(names), int(there.sum()))


def _recall(bad_stopped: Floats, bad_paid: Floats, population: Population) -> Floats:
    stopped = bad_stopped * population.stopped
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(stopped / (stopped + bad_paid * population.paid), dtype=np.float64)


def _estimate(value: float, drawn: Floats, level: float, clusters: int) -> Estimate:
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Estimate(value, float(min(low, value)), float(max(high, value)), clusters)
