"""The judge that training makes: outcomes only raise suspicion, they set the own judge's share, bytes keep it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from features.families import all_features
from models.fused import FusedJudge, Learning, fused, learn_outcomes, load_judge, pooled, share_by_outcomes
from models.judge import ModelFileError
from models.outcomes import AGE, CERTAIN, DELAY, LABEL, Demands
from models.taught import TaughtJudge
from models.trees import BoostedTrees

FEATURES = tuple(feature.name for feature in all_features()[:4])
DEMANDS = Demands(bad_min=20, ridge=1.0)


def forest(seed, column):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(500, 4)).astype(np.float32)
    fitted = HistGradientBoostingClassifier(max_iter=10, random_state=seed).fit(values, values[:, column] > 0.5)
    return BoostedTrees.of(fitted)


@pytest.fixture(scope="module")
def own():
    return TaughtJudge(FEATURES, tuple(forest(seed, 0) for seed in range(2)), 0.2, 0.05)


@pytest.fixture(scope="module")
def prior():
    return TaughtJudge(FEATURES, (forest(9, 1),), 0.2)


def history(rows, seed, column):
    """Rows whose outcomes follow one of the features."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 4))
    bad = rng.random(rows) < expit(-3 + 2 * values[:, column])
    columns = dict(zip(FEATURES, values.T, strict=True))
    told = {LABEL: bad.astype(int), AGE: np.full(rows, 60.0), CERTAIN: np.ones(rows, bool)}
    names = [f"a{i % 40}" for i in range(rows)]
    return pl.DataFrame({"affiliate_id": names, **columns, **told}).with_columns(
        pl.lit(None, dtype=pl.Float64).alias(DELAY)
    )


def test_outcomes_that_say_more_raise_scores_and_never_lower_one(own):
    rows = history(3000, 1, column=2)
    learning = learn_outcomes(own, rows, FEATURES, DEMANDS)
    assert learning.weight > 0.5
    together = fused(own, None, 1.0, learning)
    before, after = own.score(rows), together.score(rows)
    assert (after >= before - 1e-9).all()
    worst = rows[FEATURES[2]].to_numpy() > 1.5
    assert (after[worst] - before[worst]).mean() > 0.2


def test_outcomes_that_say_nothing_more_are_left_out(own):
    rows = history(3000, 2, column=3).with_columns(pl.col(LABEL).shuffle(seed=1))
    learning = learn_outcomes(own, rows, FEATURES, DEMANDS)
    assert learning.weight == 0
    assert learning.judges == ()
    few = history(60, 3, column=2)
    assert learn_outcomes(own, few, FEATURES, DEMANDS) == Learning((), 0.0, None)


def test_the_judge_that_explains_outcomes_gets_the_say(own, prior):
    for column, expected in ((0, 1.0), (1, 0.0)):
        rows = history(4000, 4 + column, column)
        losses = share_by_outcomes(own.score(rows), prior.score(rows), rows)
        assert abs(min(losses, key=losses.get) - expected) <= 0.25


def test_an_unknown_score_leaves_the_say_to_the_other():
    known, unknown = np.array([0.9]), np.array([np.nan])
    assert expit(pooled(known, unknown, 0.5))[0] == pytest.approx(0.9)
    assert expit(pooled(unknown, known, 0.5))[0] == pytest.approx(0.9)
    assert np.isnan(pooled(unknown, unknown, 0.5)[0])


def test_it_reads_back_with_the_same_scores_and_bytes(own, prior):
    rows = history(3000, 1, column=2)
    together = fused(own, prior, 0.25, learn_outcomes(own, rows, FEATURES, DEMANDS))
    back = load_judge(together.dump())
    assert isinstance(back, FusedJudge)
    assert back.dump() == together.dump()
    np.testing.assert_array_equal(back.score(rows), together.score(rows))
    assert type(load_judge(own.dump())) is TaughtJudge


def test_damaged_bytes_and_strange_features_are_refused(own, prior):
    content = fused(own, prior, 0.5, Learning((), 0.0, None)).dump()
    for bad in (b"", content[:-40], content[: len(content) // 2]):
        with pytest.raises(ModelFileError):
            load_judge(bad)
    strange = fused(replace(own, features=("no_such_feature", *FEATURES[1:])), prior, 0.5, Learning((), 0.0, None))
    with pytest.raises(ModelFileError, match="no_such_feature"):
        load_judge(strange.dump())
