"""The taught judge: repeatable, honest about what it has seen, unknown where nothing is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from features.families import all_features
from features.prepare import Traffic
from features.working import CLICK_COLUMNS, CONVERSION_COLUMNS
from models.judge import ModelFileError
from models.taught import TaughtJudge, _sampled, folds_of
from models.trees import BoostedTrees

FEATURES = tuple(feature.name for feature in all_features()[:4])


@pytest.fixture(scope="module")
def judge():
    rng = np.random.default_rng(2)
    forests = []
    for seed in range(3):
        values = rng.normal(size=(400, 4)).astype(np.float32)
        label = (values[:, 0] > 0.3).astype(int)
        forests.append(
            BoostedTrees.of(HistGradientBoostingClassifier(max_iter=8, random_state=seed).fit(values, label))
        )
    return TaughtJudge(FEATURES, tuple(forests), 0.2, 0.05)


def matrix(rows):
    rng = np.random.default_rng(3)
    columns = {name: rng.normal(size=rows) for name in FEATURES}
    return pl.DataFrame({"affiliate_id": [f"a{i % 11}" for i in range(rows)], **columns})


def test_a_judge_reads_back_with_the_same_scores_and_bytes(judge):
    back = TaughtJudge.load(judge.dump())
    assert back.dump() == judge.dump()
    assert (back.features, back.fraud_share, back.suspected_share) == (FEATURES, 0.2, 0.05)
    np.testing.assert_array_equal(back.score(matrix(100)), judge.score(matrix(100)))
    assert TaughtJudge.load(replace(judge, suspected_share=None).dump()).suspected_share is None


def test_scores_are_probabilities_and_unknown_where_nothing_is_known(judge):
    rows = matrix(50).with_columns(
        pl.when(pl.int_range(pl.len()) == 7).then(None).otherwise(pl.col(name)).alias(name) for name in FEATURES
    )
    scores = judge.score(rows)
    assert np.isnan(scores).nonzero()[0].tolist() == [7]
    known = np.delete(scores, 7)
    assert ((known >= 0) & (known <= 1)).all()


def test_a_matrix_that_lacks_a_feature_is_an_error_and_no_score(judge):
    with pytest.raises(ValueError, match=FEATURES[2]):
        judge.score(matrix(5).drop(FEATURES[2]))


def test_each_affiliate_is_scored_by_the_forest_that_has_not_seen_it(judge):
    rows = matrix(60)
    folds = folds_of(rows["affiliate_id"], 3)
    values = rows.select(pl.col(name).cast(pl.Float32) for name in FEATURES).to_numpy()
    scores = judge.score(rows)
    for fold in range(3):
        np.testing.assert_array_equal(scores[folds == fold], judge.forests[fold].probability(values[folds == fold]))
    assert len(set(folds)) == 3


def test_the_order_of_rows_changes_no_score(judge):
    rows = matrix(60)
    np.testing.assert_array_equal(judge.score(rows.reverse()), judge.score(rows)[::-1])


def test_folds_are_the_same_on_every_machine():
    begins = [0xCA978112, 0x3E23E816, 0x2E7D2C03, 0xCA978112]  # sha256 of a, b, c, a
    assert folds_of(pl.Series(["a", "b", "c", "a"]), 5).tolist() == [number % 5 for number in begins]


def test_a_judge_that_needs_an_unknown_feature_is_refused_by_name(judge):
    with pytest.raises(ModelFileError, match="no_such_feature"):
        TaughtJudge.load(replace(judge, features=("no_such_feature", *FEATURES[1:])).dump())


def test_damaged_bytes_are_refused(judge):
    content = judge.dump()
    for bad in (b"", b"x", content[:-30], json.dumps({"features": []}).encode()):
        with pytest.raises(ModelFileError):
            TaughtJudge.load(bad)


def traffic(sizes):
    owners = [name for name, size in sizes.items() for _ in range(size)]
    blank = {name: [None] * len(owners) for name in CONVERSION_COLUMNS}
    ids = [f"v{i}" for i in range(len(owners))]
    conversions = pl.DataFrame({**blank, "conversion_id": ids, "affiliate_id": owners})
    clicks = pl.DataFrame(schema=dict.fromkeys(CLICK_COLUMNS, pl.String))
    outcomes = pl.DataFrame({"conversion_id": ids, "outcome": ["good"] * len(ids)})
    return Traffic(clicks, conversions, outcomes)


def test_a_lesson_that_is_too_big_keeps_whole_affiliates_even_beside_a_giant():
    sizes = {"giant": 500, **{f"a{i}": 20 for i in range(10)}}
    for seed in range(8):
        kept = _sampled(traffic(sizes), 200, seed)
        counted = dict(kept.conversions.group_by("affiliate_id").len().rows())
        assert counted == {f"a{i}": 20 for i in range(10)}
        assert kept.outcomes.height == 200
