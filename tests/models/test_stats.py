"""Statistics are compared with scipy's own, with simulation, and with the properties that users rely on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from models.stats import (
    BetaPrior,
    benjamini_hochberg,
    conformal_p,
    fit_beta_prior,
    fit_gamma_prior,
    shrunk_interval,
    shrunk_rate,
    shrunk_share,
    weighted_bootstrap,
    wilson,
)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_agrees_with_scipy(counts, level):
    bad, n = counts
    expected = stats.binomtest(bad, n).proportion_ci(confidence_level=level, method="wilson")
    low, high = wilson(bad, n, level)
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_no_trial_is_unknown_not_zero():
    low, high = wilson([0, 3], [0, 10], 0.95)
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    assert low[1] < 0.3 < high[1]


def test_impossible_counts_are_refused():
    for bad, n in ((3, 2), (-1, 2), (np.nan, 2)):
        with pytest.raises(ValueError, match="part <= whole"):
            wilson(bad, n, 0.95)


def test_prior_recovers_the_spread_it_was_drawn_from():
    rng = np.random.default_rng(4)
    n = rng.integers(5, 400, 600)
    bad = rng.binomial(n, rng.beta(2.0, 38.0, 600))
    prior = fit_beta_prior(bad, n)
    assert prior.mean == pytest.approx(0.05, abs=0.01)
    assert prior.bad + prior.good == pytest.approx(40, rel=0.35)


def test_shrinkage_pulls_small_groups_more_and_beats_raw_shares():
    rng = np.random.default_rng(5)
    n = rng.integers(1, 60, 800)
    truth = rng.beta(1.5, 30.0, 800)
    bad = rng.binomial(n, truth)
    prior = fit_beta_prior(bad, n)
    shrunk = shrunk_share(bad, n, prior)
    assert np.mean((shrunk - truth) ** 2) < 0.5 * np.mean((bad / n - truth) ** 2)
    assert shrunk_share(1, 1, prior) < shrunk_share(20, 20, prior)


@pytest.mark.parametrize(("bad", "n"), [([0, 0, 0], [10, 20, 5]), ([5], [5]), ([], []), ([0], [0])])
def test_prior_is_proper_whatever_was_seen(bad, n):
    prior = fit_beta_prior(bad, n)
    assert prior.bad > 0
    assert prior.good > 0
    assert 0 < prior.mean < 1


def test_posterior_interval_covers_at_its_level():
    rng = np.random.default_rng(6)
    truth = rng.beta(2.0, 18.0, 4000)
    n = rng.integers(1, 100, 4000)
    low, high = shrunk_interval(rng.binomial(n, truth), n, BetaPrior(2.0, 18.0), 0.9)
    assert np.mean((low <= truth) & (truth <= high)) == pytest.approx(0.9, abs=0.015)


def test_rates_shrink_and_recover_their_prior():
    rng = np.random.default_rng(7)
    exposure = rng.uniform(5, 50, 2000)
    truth = rng.gamma(4.0, 0.5, 2000)
    events = rng.poisson(truth * exposure)
    prior = fit_gamma_prior(events, exposure)
    assert prior.mean == pytest.approx(2.0, rel=0.05)
    assert prior.shape == pytest.approx(4.0, rel=0.2)
    assert shrunk_rate(0, 0, prior) == pytest.approx(prior.mean)
    flat = fit_gamma_prior(rng.poisson(2.0 * exposure), exposure)
    assert flat.shape > 50 * prior.shape


def test_conformal_p_is_valid_even_with_ties():
    rng = np.random.default_rng(8)
    below = [np.mean(conformal_p(rng.integers(0, 20, 99), rng.integers(0, 20, 50)) <= 0.1) for _ in range(400)]
    assert np.mean(below) <= 0.1 + 3 * np.std(below) / np.sqrt(400)


def test_conformal_p_exact_values_ties_and_unknowns():
    calm = [0.1, 0.2, 0.2, 0.4, np.nan]
    assert conformal_p(calm, [0.5, 0.4, 0.2, 0.0]).tolist() == [1 / 5, 2 / 5, 4 / 5, 1.0]
    assert np.isnan(conformal_p(calm, [np.nan])).all()
    assert np.isnan(conformal_p([np.nan], [0.9])).all()


@given(arrays.arrays(float, st.integers(1, 50), elements=st.floats(0, 1)))
def test_conformal_p_never_rises_with_the_score(scores):
    p = conformal_p([0.2, 0.5, 0.5, 0.9], np.sort(scores))
    assert (np.diff(p) <= 0).all()


def test_benjamini_hochberg_ignores_unknown_tests():
    with_gap = benjamini_hochberg([0.01, np.nan, 0.04, 0.5])
    assert np.isnan(with_gap[1])
    assert with_gap[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.5])
    assert np.isnan(benjamini_hochberg([np.nan])).all()


def test_bootstrap_respects_clusters():
    rng = np.random.default_rng(9)
    clusters = np.repeat(np.arange(40), 50)
    bad = np.repeat(rng.random(40) < 0.3, 50)
    money = rng.gamma(2.0, 10.0, 2000)
    by_cluster = weighted_bootstrap(bad, money, clusters, 0.9, draws=500, seed=1)
    by_row = weighted_bootstrap(bad, money, np.arange(2000), 0.9, draws=500, seed=1)
    assert by_cluster.share == pytest.approx(np.average(bad, weights=money))
    assert by_cluster.low < by_cluster.share < by_cluster.high
    assert by_cluster.high - by_cluster.low > 3 * (by_row.high - by_row.low)
    assert by_cluster == weighted_bootstrap(bad, money, clusters, 0.9, draws=500, seed=1)


def test_bootstrap_of_nothing_bad_is_not_certain():
    clean = weighted_bootstrap(np.zeros(12), np.ones(12), np.arange(12), 0.95, draws=100, seed=0)
    assert clean.share == clean.low == 0
    assert 0.1 < clean.high < 0.4
    alone = weighted_bootstrap(np.zeros(12), np.ones(12), np.zeros(12), 0.95, draws=100, seed=0)
    assert np.isnan(alone.low)
    assert np.isnan(weighted_bootstrap([], [], [], 0.95, draws=100, seed=0).share)
    with pytest.raises(ValueError, match="must be known"):
        weighted_bootstrap([np.nan], [1.0], [0], 0.95, draws=100, seed=0)
