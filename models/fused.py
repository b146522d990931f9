"""The judge that `winnow train` makes: taught on the own traffic, the shipped one, and what outcomes add to both.

The own traffic has few affiliates to learn from and the shipped judge has seen many programmes, none of them this one.
So their log odds are averaged (a logarithmic opinion pool; Genest and Zidek 1986), with the own judge's share that
explains late outcomes best, or one set beforehand while there are too few of them. Outcomes then raise suspicion where
they are worse than usual, and never lower it.

Good outcomes do not disprove fraud: stuffed cookies and flooding claim real customers, who stay. So only a lift above
the usual counts, added to the log odds with a weight that the outcomes themselves set, out of fold: what the lift adds,
beside the score, to the likelihood of late outcomes. An affiliate is judged by what others' outcomes taught, as in the
taught judge.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import polars as pl
from scipy.special import expit, logit

from models.decide import rebased
from models.judge import Floats, ModelFileError
from models.outcomes import Demands, Learned, OutcomesJudge, delayed_loss, delayed_weights
from models.taught import TaughtJudge, folds_of
from models.trees import pack, unpack

NEVER_SURE = 1e-9
"""Taught scores are kept this far from 0 and 1, where log odds end."""
LEAST_GAIN = 2.0
"""Gain in log likelihood, out of fold, without which the lift is left out: twice what a weight costs (Akaike)."""
SLIGHT = 1.0
"""Ridge on the two weights of the comparison; keeps them finite, hardly more."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the own judge that are compared; more of them could not be told apart by some dozens of outcomes."""
_KEY, _PRIOR = "outcomes", "prior"


@dataclass(frozen=True, slots=True)
class FusedJudge(TaughtJudge):
    """A judge of the own traffic beside a `prior` one (None: alone), which has the rest of `own_share` (0..1).

    `outcomes` has per fold of affiliates an outcomes judge whose lift counts with `weight` (0..1).
    """

    prior: TaughtJudge | None = None
    own_share: float = 1.0
    outcomes: tuple[OutcomesJudge, ...] = ()
    weight: float = 0.0

    def score(self, matrix: pl.DataFrame) -> np.ndarray:
        """Score as `TaughtJudge.score`; outcomes only ever raise the score."""
        own = TaughtJudge.score(self, matrix)
        odds = _odds(own) if self.prior is None else pooled(own, self._prior_scores(self.prior, matrix), self.own_share)
        lift = np.nan_to_num(raised(self.outcomes, matrix))
        return np.asarray(expit(odds + self.weight * lift), dtype=np.float64)

    def _prior_scores(self, prior: TaughtJudge, matrix: pl.DataFrame) -> Floats:
        return rebased(prior.score(matrix), prior.fraud_share, self.fraud_share)

    def dump(self) -> bytes:
        """Return the judge as bytes that `load_judge` reads; equal judges give equal bytes."""
        forests, header, extra = unpack(TaughtJudge.dump(self))
        folds = [_said(judge) for judge in self.outcomes]
        said = {"weight": self.weight, "own_share": self.own_share, "folds": folds}
        if self.prior is not None:
            extra[f"{_KEY}_{_PRIOR}"] = np.frombuffer(self.prior.dump(), dtype=np.uint8)
        for index, judge in enumerate(self.outcomes):
            extra |= {f"{_KEY}{index}_{name}": array for name, array in judge.arrays().items()}
        return pack(forests, {**header, _KEY: json.dumps(said, sort_keys=True)}, extra)


def load_judge(content: bytes) -> TaughtJudge:
    """Read a taught or a fused judge. Raises ModelFileError as `TaughtJudge.load`."""
    forests, header, extra = unpack(content)
    if _KEY not in header:
        return TaughtJudge.load(content)
    own = {name: array for name, array in extra.items() if name.startswith(_KEY)}
    plain = {name: value for name, value in header.items() if name not in (_KEY, "format", "trees")}
    taught = TaughtJudge.load(pack(forests, plain, {name: extra[name] for name in extra.keys() - own.keys()}))
    try:
        said = json.loads(cast("str", header[_KEY]))
        outcomes = tuple(_read(entry, own, index) for index, entry in enumerate(said["folds"]))
        prior = own.get(f"{_KEY}_{_PRIOR}")
        return fused(
            taught,
            None if prior is None else TaughtJudge.load(prior.tobytes()),
            float(said["own_share"]),
            Learning(outcomes, float(said["weight"]), None),
        )
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ModelFileError(f"the model file is damaged: {error}") from error


def fused(taught: TaughtJudge, prior: TaughtJudge | None, own_share: float, learning: Learning) -> FusedJudge:
    """Put an own judge, a prior one and what outcomes taught together."""
    values = {part.name: getattr(taught, part.name) for part in fields(TaughtJudge)}
    return FusedJudge(**values, prior=prior, own_share=own_share, outcomes=learning.judges, weight=learning.weight)


def pooled(own: Floats, prior: Floats, own_share: float) -> Floats:
    """Return the average of two judges' log odds; where one knows nothing, the other's."""
    first, second = _odds(own), _odds(prior)
    both = own_share * first + (1 - own_share) * second
    return np.asarray(np.where(np.isnan(both), np.fmax(first, second), both), dtype=np.float64)


def share_by_outcomes(own: Floats, prior: Floats, rows: pl.DataFrame) -> dict[float, float]:
    """Return for each share of `SHARES` minus the log likelihood of late outcomes, of rows that both judges know.

    `rows` has the columns that `OutcomesJudge.fit` reads. The share with the smallest explains outcomes best.
    """
    known = ~np.isnan(own) & ~np.isnan(prior)
    told = rows.filter(pl.Series(known))
    losses = {}
    for share in SHARES:
        odds = pooled(own[known], prior[known], share)[:, None]
        losses[share] = delayed_loss(odds, told, delayed_weights(odds, told, SLIGHT))
    return losses


def _odds(scores: Floats) -> Floats:
    return np.asarray(logit(np.clip(scores, NEVER_SURE, 1 - NEVER_SURE)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Learning:
    """What outcomes taught. `judges` is empty where they say too little; `weight` is 0 where they add nothing."""

    judges: tuple[OutcomesJudge, ...]
    weight: float
    gain: float | None
    """Log likelihood of late outcomes, out of fold, that the lift adds to the taught score; None: not measured."""


def learn_outcomes(taught: TaughtJudge, rows: pl.DataFrame, needs: tuple[str, ...], demands: Demands) -> Learning:
    """Teach outcomes judges by fold on rows as they were when decided, and measure what they add to the taught judge.

    `rows` has `affiliate_id`, the features and the columns that `OutcomesJudge.fit` reads.
    """
    folds = len(taught.forests)
    fold = folds_of(rows["affiliate_id"], folds)
    blank = OutcomesJudge(needs, demands)
    judges = tuple(blank.fit(rows.filter(pl.Series(fold != out)), seed=0) for out in range(folds))
    if any(judge.learned is None for judge in judges):
        return Learning((), 0.0, None)
    odds = _odds(taught.score(rows))
    lift = np.nan_to_num(raised(judges, rows))
    known = ~np.isnan(odds)
    rows, odds, lift = rows.filter(pl.Series(known)), odds[known, None], lift[known, None]
    alone, both = odds, np.hstack([odds, lift])
    weights = [delayed_weights(columns, rows, SLIGHT) for columns in (alone, both)]
    losses = [delayed_loss(columns, rows, weight) for columns, weight in zip((alone, both), weights, strict=True)]
    gain = losses[0] - losses[1]
    weight = float(np.clip(weights[1][1], 0.0, 1.0)) if gain >= LEAST_GAIN else 0.0
    return Learning(judges if weight > 0 else (), weight, float(gain))


def raised(outcomes: tuple[OutcomesJudge, ...], matrix: pl.DataFrame) -> Floats:
    """Return how far outcomes raise the log odds of each row, by the judge of its affiliate's fold; 0 or more, NaN."""
    lift = np.full(matrix.height, np.nan)
    if outcomes:
        fold = folds_of(matrix["affiliate_id"], len(outcomes))
        for index, judge in enumerate(outcomes):
            rows = fold == index
            lift[rows] = judge.lift(matrix.filter(pl.Series(rows)))
    return np.asarray(np.maximum(lift, 0.0), dtype=np.float64)


def _said(judge: OutcomesJudge) -> dict[str, object]:
    return {"needs": list(judge.needs), "bad_min": judge.demands.bad_min, "ridge": judge.demands.ridge}


def _read(said: dict[str, object], arrays: dict[str, np.ndarray], index: int) -> OutcomesJudge:
    prefix = f"{_KEY}{index}_"
    own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    demands = Demands(int(cast("int", said["bad_min"])), float(cast("float", said["ridge"])))
    return OutcomesJudge(tuple(cast("list[str]", said["needs"])), demands, Learned.of_arrays(own))
