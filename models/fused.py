"""The taught judge with what outcomes add: it raises suspicion where they are worse than usual, and never lowers it.

Good outcomes do not disprove fraud: stuffed cookies and flooding claim real customers, who stay. So only a lift above
the usual counts, added to the taught log odds (a logarithmic opinion pool; Genest and Zidek 1986) with a weight that
the outcomes themselves set, out of fold: what the lift adds, beside the taught score, to the likelihood of late
outcomes. An affiliate is judged by what others' outcomes taught, as in the taught judge.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import polars as pl
from scipy.special import expit, logit

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
_KEY = "outcomes"


@dataclass(frozen=True, slots=True)
class FusedJudge(TaughtJudge):
    """A taught judge and, per fold of affiliates, an outcomes judge whose lift counts with `weight` (0..1)."""

    outcomes: tuple[OutcomesJudge, ...] = ()
    weight: float = 0.0

    def score(self, matrix: pl.DataFrame) -> np.ndarray:
        """Score as `TaughtJudge.score`; never below it, equal where outcomes say nothing."""
        taught = TaughtJudge.score(self, matrix)
        lift = np.nan_to_num(raised(self.outcomes, matrix))
        odds = logit(np.clip(taught, NEVER_SURE, 1 - NEVER_SURE)) + self.weight * lift
        return np.asarray(np.where(lift > 0, expit(odds), taught), dtype=np.float64)

    def dump(self) -> bytes:
        """Return the judge as bytes that `load_judge` reads; equal judges give equal bytes."""
        forests, header, extra = unpack(TaughtJudge.dump(self))
        said = {"weight": self.weight, "folds": [_said(judge) for judge in self.outcomes]}
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
        return fused(taught, outcomes, float(said["weight"]))
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ModelFileError(f"the model file is damaged: {error}") from error


def fused(taught: TaughtJudge, outcomes: tuple[OutcomesJudge, ...], weight: float) -> FusedJudge:
    """Put a taught judge and outcomes judges, one per fold, together."""
    values = {part.name: getattr(taught, part.name) for part in fields(taught)}
    return FusedJudge(**values, outcomes=outcomes, weight=weight)


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
    odds = logit(np.clip(taught.score(rows), NEVER_SURE, 1 - NEVER_SURE))
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
    return np.maximum(lift, 0.0)


def _said(judge: OutcomesJudge) -> dict[str, object]:
    return {"needs": list(judge.needs), "bad_min": judge.demands.bad_min, "ridge": judge.demands.ridge}


def _read(said: dict[str, object], arrays: dict[str, np.ndarray], index: int) -> OutcomesJudge:
    prefix = f"{_KEY}{index}_"
    own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    demands = Demands(int(cast("int", said["bad_min"])), float(cast("float", said["ridge"])))
    return OutcomesJudge(tuple(cast("list[str]", said["needs"])), demands, Learned.of_arrays(own))
