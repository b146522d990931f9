"""The anomaly judge finds what is odd in different ways, bears gaps and constants, and beats its parts on real sets."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from models.anomaly import LEAST_ROWS, MOST_ROWS, RARELY_MISSING, AnomalyJudge
from models.anomaly_detectors import Bags, Calibrated, Ellipse, Forest

REPO = Path(__file__).resolve().parents[2]
NAMES = ("seconds", "pages", "value", "is_tor")


def ordinary(rows, seed=0):
    rng = np.random.default_rng(seed)
    seconds = rng.lognormal(4, 0.8, rows)
    return pl.DataFrame(
        {
            "seconds": seconds,
            "pages": 2 + np.round(np.log(seconds) + rng.normal(0, 0.3, rows)),
            "value": rng.gamma(3, 20, rows),
            "is_tor": np.zeros(rows, dtype=bool),
        }
    )


@pytest.fixture(scope="module")
def judge():
    return AnomalyJudge(NAMES).fit(ordinary(1500), seed=1)


def one(**changes):
    usual = {"seconds": 55.0, "pages": 6.0, "value": 60.0, "is_tor": False}
    return pl.DataFrame({name: [value] for name, value in {**usual, **changes}.items()}, strict=False)


def test_ordinary_rows_lie_around_one_half(judge):
    scores = judge.score(ordinary(1500, seed=2))
    assert 0.45 < np.median(scores) < 0.55
    assert judge.score(one())[0] < np.quantile(scores, 0.5)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"value": 900.0}, id="a value far out"),
        pytest.param({"seconds": 0.2, "pages": 1.0}, id="small on a skewed scale"),
        pytest.param({"seconds": 700.0, "pages": 4.0}, id="a combination of ordinary values"),
        pytest.param({"is_tor": True}, id="a value never seen in a constant column"),
    ],
)
def test_each_kind_of_oddness_is_among_the_worst(judge, odd):
    scores = judge.score(ordinary(1500, seed=2))
    assert judge.score(one(**odd))[0] > np.quantile(scores, 0.9)


def test_a_group_of_bad_rows_does_not_hide_itself():
    rng = np.random.default_rng(3)
    clean = ordinary(1000)
    farm = pl.DataFrame(
        {
            "seconds": rng.normal(9, 0.5, 80),
            "pages": np.full(80, 8.0),
            "value": rng.normal(200, 3, 80),
            "is_tor": np.zeros(80, dtype=bool),
        }
    )
    both = pl.concat([clean, farm])
    scores = AnomalyJudge(NAMES).fit(both, seed=0).score(both)
    labels = np.r_[np.zeros(1000), np.ones(80)]
    assert roc_auc_score(labels, scores) > 0.85
    scaled = (both.cast(pl.Float64).to_numpy() - both.cast(pl.Float64).to_numpy().mean(axis=0))[:, :3]
    nearest = NearestNeighbors(n_neighbors=6).fit(scaled / scaled.std(axis=0)).kneighbors(scaled / scaled.std(axis=0))
    assert roc_auc_score(labels, nearest[0].mean(axis=1)) < 0.7, "the group was no test: nearest neighbours find it too"


def test_contributions_name_the_odd_feature(judge):
    told = judge.contributions(one(value=900.0))[0]
    assert NAMES[int(told.argmax())] == "value"
    assert ((told >= 0) & (told <= 1)).all()
    assert np.isnan(judge.contributions(one(value=None))).all()


def test_a_missing_expected_fact_is_unknown(judge):
    assert np.isnan(judge.score(one(value=None))[0])
    assert np.isnan(judge.score(one().drop("value"))[0])


def test_where_gaps_are_ordinary_they_are_neutral_but_never_good():
    rng = np.random.default_rng(5)

    def gappy(rows, seed):
        return ordinary(rows, seed).with_columns(
            seconds=pl.when(pl.lit(pl.Series(rng.random(rows) < 0.3))).then(None).otherwise("seconds")
        )

    judge = AnomalyJudge(NAMES).fit(gappy(1500, 0), seed=0)
    rows = gappy(1500, 1)
    scores = judge.score(rows)
    gap = rows["seconds"].is_null().to_numpy()
    assert not np.isnan(scores).any()
    assert scores[gap].min() > np.quantile(scores[~gap], 0.35)
    assert np.median(scores[gap]) > np.quantile(scores[~gap], 0.4)
    assert np.median(scores[gap]) < 0.6
    assert judge.score(one(seconds=None, value=900.0))[0] > np.quantile(scores, 0.95)


def test_a_few_gaps_in_what_was_learned_do_no_harm():
    rows = ordinary(1000)
    holes = np.arange(1000) < 1000 * RARELY_MISSING
    pierced = rows.with_columns(value=pl.when(pl.lit(pl.Series(holes))).then(None).otherwise("value"))
    scores = AnomalyJudge(NAMES).fit(pierced, seed=0).score(pierced)
    assert np.isnan(scores).sum() == holes.sum()


def test_features_without_any_value_are_left_out_and_named():
    rows = ordinary(500).with_columns(value=pl.lit(None, dtype=pl.Float64))
    judge = AnomalyJudge(NAMES).fit(rows, seed=0)
    assert judge.unused == ("value",)
    assert not np.isnan(judge.score(rows)).any()


def test_too_little_to_learn_from_is_unknown():
    few, enough = ordinary(LEAST_ROWS - 1), ordinary(LEAST_ROWS)
    assert np.isnan(AnomalyJudge(NAMES).fit(few, seed=0).score(few)).all()
    assert not np.isnan(AnomalyJudge(NAMES).fit(enough, seed=0).score(enough)).any()


def test_order_of_fitted_rows_means_nothing():
    rows = ordinary(400)
    shuffled = rows[np.random.default_rng(0).permutation(400)]
    asked = ordinary(100, seed=9)
    scores = [AnomalyJudge(NAMES).fit(each, seed=4).score(asked) for each in (rows, shuffled)]
    assert np.allclose(*scores)


def test_units_mean_nothing():
    rows, asked = ordinary(600), ordinary(200, seed=9)

    def in_other_units(frame):
        return frame.with_columns(seconds=pl.col("seconds") * 1000 + 5, value=pl.col("value") / 100)

    plain = AnomalyJudge(NAMES).fit(rows, seed=4).score(asked)
    other = AnomalyJudge(NAMES).fit(in_other_units(rows), seed=4).score(in_other_units(asked))
    assert np.allclose(plain, other, atol=0.02)


def test_text_is_refused_by_name(judge):
    with pytest.raises(ValueError, match="'value' must be a number"):
        judge.score(one().with_columns(value=pl.lit("60")))


def test_more_rows_than_needed_are_sampled(monkeypatch):
    monkeypatch.setattr("models.anomaly.MOST_ROWS", 200)
    learned = AnomalyJudge(NAMES).fit(ordinary(900), seed=0).learned
    assert learned.neighbour_says.shape == (200,)
    assert MOST_ROWS > 200


@pytest.mark.parametrize("kind", [Forest, Bags, Ellipse])
def test_every_detector_puts_a_distant_row_on_top(kind):
    rows = np.random.default_rng(0).normal(size=(300, 3))
    rows[7] = [9.0, -9.0, 9.0]
    says = Calibrated.on(kind.fit(rows, np.random.default_rng(1)), rows).says(rows)
    assert says.argmax() == 7
    assert abs(np.median(says)) < 1e-9


def test_real_sets_small():
    """A few small ADBench sets, so that a broken detector shows here; the whole run is benchmarks/adbench.py."""
    data = REPO.parent / "shared" / "data" / "anomaly" / "adbench_dev"
    if not data.exists():
        pytest.skip("the shared data are not here")
    least = {"6_cardio": 0.85, "29_Pima": 0.65, "40_vowels": 0.80, "32_shuttle": 0.97}
    for name, floor in least.items():
        with np.load(data / f"{name}.npz") as arrays:
            features, labels = arrays["X"].astype(float), arrays["y"]
        chosen = np.random.default_rng(0).permutation(len(features))[:1200]
        frame = pl.DataFrame(features[chosen], schema=[f"f{place}" for place in range(features.shape[1])])
        scores = AnomalyJudge(tuple(frame.columns)).fit(frame, seed=0).score(frame)
        assert roc_auc_score(labels[chosen], scores) > floor, name
