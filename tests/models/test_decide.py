"""From scores to what is held: the bound on clean money, and unknown staying unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decide import CEILING, FLOOR, estimated_base_rate, rebased, verdicts

TAUGHT = 0.1
BOUND = 0.05


def calibrated(rng, size, share):
    """Draw truth and calibrated posteriors under the base rate TAUGHT: one Gaussian feature, its exact posterior."""
    fraud = rng.random(size) < share
    seen = rng.normal(np.where(fraud, 3.0, 0.0), 1.0)
    odds = np.exp(3.0 * seen - 4.5) * TAUGHT / (1 - TAUGHT)
    return fraud, odds / (1 + odds)


def test_where_there_is_no_fraud_nothing_is_held():
    rng = np.random.default_rng(1)
    fraud, scores = calibrated(rng, 4000, 0.0)
    assert not fraud.any()
    verdict = verdicts(scores, np.full(4000, 10.0), scores[scores < 0.5], TAUGHT, BOUND)
    assert verdict.held.sum() == 0
    assert verdict.base_rate < 0.002


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_the_clean_share_of_held_money_stays_under_the_bound(share):
    clean_money = held_money = fraud_money = caught = squares = 0.0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        fraud, scores = calibrated(rng, 4000, share)
        payout = rng.exponential(20.0, 4000)
        trusted = calibrated(rng, 4000, 0.0)[1]
        verdict = verdicts(scores, payout, trusted, TAUGHT, BOUND)
        held_money += payout[verdict.held].sum()
        clean_money += payout[verdict.held & ~fraud].sum()
        fraud_money += payout[fraud].sum()
        caught += payout[verdict.held & fraud].sum()
        squares += (payout[verdict.held] ** 2).sum()
        assert verdict.base_rate == pytest.approx(share, abs=0.03)
    # the bound is one of expectation: allow three standard errors of what chance adds
    chance = 3 * np.sqrt(BOUND * (1 - BOUND) * squares)
    assert clean_money <= BOUND * held_money + chance
    assert chance < 1.5 * BOUND * held_money, "the allowance must stay small beside the bound"
    assert caught > 0.1 * fraud_money, "a bound kept by holding nothing would be no bound"


def test_unknown_scores_stay_unknown_and_are_not_held_on_the_score():
    rng = np.random.default_rng(3)
    _, scores = calibrated(rng, 1000, 0.2)
    scores[::7] = np.nan
    verdict = verdicts(scores, np.ones(1000), scores[scores < 0.5], TAUGHT, BOUND)
    unknown = np.isnan(scores)
    assert np.isnan(verdict.posterior[unknown]).all()
    assert np.isnan(verdict.p_value[unknown]).all()
    assert not np.isnan(verdict.posterior[~unknown]).any()
    assert not verdict.held[unknown].any()
    assert verdict.held.any()


def test_unknown_scores_change_nothing_for_the_known():
    rng = np.random.default_rng(4)
    _, scores = calibrated(rng, 1000, 0.2)
    trusted = scores[scores < 0.5]
    alone = verdicts(scores, np.ones(1000), trusted, TAUGHT, BOUND)
    with_gaps = verdicts(np.append(scores, [np.nan] * 50), np.ones(1050), trusted, TAUGHT, BOUND)
    np.testing.assert_array_equal(alone.held, with_gaps.held[:1000])
    np.testing.assert_array_equal(alone.posterior, with_gaps.posterior[:1000])


def test_nothing_known_at_all_holds_nothing_on_scores_and_claims_no_posterior():
    verdict = verdicts(np.full(5, np.nan), np.ones(5), np.array([]), TAUGHT, BOUND)
    assert np.isnan(verdict.posterior).all()
    assert not verdict.held.any()


def test_fraud_everywhere_is_held_although_nothing_is_left_to_trust():
    verdict = verdicts(np.full(200, 0.999), np.ones(200), np.array([]), TAUGHT, BOUND)
    assert verdict.held.all()


def test_a_programme_whose_every_partner_looks_odd_is_not_held_for_it():
    rng = np.random.default_rng(6)
    # the judge has never seen such a programme: scores spread wide, without any group that stands apart
    scores = 1 / (1 + np.exp(-rng.normal(-1.5, 2.0, 3000)))
    verdict = verdicts(scores, np.ones(3000), scores[scores < 0.5], TAUGHT, BOUND)
    assert verdict.held.mean() < 0.01
    apart = np.append(scores, np.full(100, 0.999_999))
    assert verdicts(apart, np.ones(3100), scores[scores < 0.5], TAUGHT, BOUND).held[-100:].all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 0.5))
def test_a_worse_score_is_never_held_less(scores, bound):
    values = np.array(scores)
    verdict = verdicts(values, np.ones(len(values)), np.linspace(0, 0.5, 200), TAUGHT, bound)
    order = np.argsort(values, kind="stable")
    held = verdict.held[order]
    first = int(np.argmax(held)) if held.any() else len(held)
    assert held[first:].all() or len(set(values[order][first:])) < len(values[first:])
    assert (np.diff(verdict.posterior[order]) >= 0).all()


@given(st.lists(st.floats(0, 1), max_size=60))
def test_the_base_rate_stays_within_its_bounds(scores):
    rate = estimated_base_rate(np.array(scores), TAUGHT)
    assert FLOOR <= rate <= CEILING


@given(st.floats(0.001, 0.999), st.floats(0.01, 0.5), st.floats(0.01, 0.5))
def test_rebasing_there_and_back_is_the_same(score, one, other):
    there = rebased(np.array([score]), one, other)
    np.testing.assert_allclose(rebased(there, other, one), [score], rtol=1e-9)


def test_what_stands_apart_is_held_though_the_programme_seems_clean():
    rng = np.random.default_rng(7)
    # an honest bulk far from suspicion, and two sources that the judge only leans against
    bulk = 1 / (1 + np.exp(-rng.normal(-7, 0.8, 3000)))
    odd = np.full(40, 0.6)
    verdict = verdicts(np.append(bulk, odd), np.ones(3040), bulk, TAUGHT, BOUND)
    assert (verdict.posterior[-40:] < 0.5).all()
    assert verdict.held[-40:].all()
    assert not verdict.held[:-40].any()
