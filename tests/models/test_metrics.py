"""Figures about money: exact where the answer is known, intervals that cover, unknown where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.metrics import Judged, Resampling, at_same_money, calibration, ranking, shares, stopping, thresholds

HOW = Resampling(0.9, 200, 1)


def judged(payout, bad, affiliate):
    return Judged(np.array(payout, float), np.array(bad, float), np.array(affiliate))


def test_shares_are_of_money_and_unknown_ends_are_left_out():
    money = judged([10, 30, 60, 5, 100], [1, 1, 0, 0, np.nan], ["a", "b", "c", "d", "e"])
    stopped = np.array([True, False, True, False, True])
    found = stopping(stopped, money, HOW)
    assert found.recall.value == pytest.approx(10 / 40)
    assert found.clean_stopped.value == pytest.approx(60 / 65)
    assert found.precision.value == pytest.approx(10 / 70)
    assert found.known.value == pytest.approx(70 / 170)


def test_nothing_to_divide_by_is_unknown_and_one_affiliate_has_no_interval():
    found = stopping(np.array([True, False]), judged([1, 2], [0, 0], ["a", "a"]), HOW)
    assert np.isnan(found.recall.value)
    assert found.clean_stopped.value == pytest.approx(1 / 3)
    assert np.isnan(found.clean_stopped.low)
    assert found.clean_stopped.clusters == 1


def test_shares_that_are_alike_never_give_a_point():
    found = stopping(np.ones(6, bool), judged([1] * 6, [1] * 6, list("abcdef")), HOW).recall
    assert found.value == 1
    assert 0.4 < found.low < 0.8
    assert found.high == 1


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(7)
    covered = 0
    for trial in range(60):
        rates = rng.beta(4, 6, 40)
        affiliate = np.repeat(np.arange(40).astype(str), 20)
        part = (rng.random(800) < np.repeat(rates, 20)).astype(float)
        found = shares(part[:, None], np.ones((800, 1)), affiliate, Resampling(0.9, 200, trial))[0]
        covered += found.low <= 0.4 <= found.high
    assert 0.82 <= covered / 60 <= 0.97


@given(st.integers(2, 30), st.integers(0, 2**31))
@settings(max_examples=8, deadline=None)
def test_the_curve_falls_and_agrees_with_stopping(rows, seed):
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random(rows) < 0.1, np.nan, rng.random(rows))
    money = judged(rng.uniform(1, 9, rows), rng.integers(0, 2, rows), rng.integers(0, 5, rows).astype(str))
    at = np.linspace(0.1, 1, 5)
    recall, clean, _ = thresholds(scores, at, money, HOW)
    values = [found.value for found in recall]
    if money.bad.any():
        assert values == sorted(values, reverse=True)
    third = stopping(np.nan_to_num(scores, nan=-1) >= at[2], money, HOW)
    np.testing.assert_equal(third.recall.value, recall[2].value)
    np.testing.assert_equal(third.clean_stopped.value, clean[2].value)


def test_calibration_tells_a_score_that_means_what_it_says():
    rng = np.random.default_rng(3)
    scores = rng.random(4000)
    money = judged(np.ones(4000), rng.random(4000) < scores, rng.integers(0, 200, 4000).astype(str))
    bins = calibration(scores, money, np.linspace(0, 1, 6), HOW)
    assert sum(one.conversions for one in bins) == 4000
    assert all(one.bad.low - 0.02 <= one.score <= one.bad.high + 0.02 for one in bins)
    doubled = calibration(scores / 2, money, np.linspace(0, 1, 6), HOW)
    assert doubled[-1].bad.low > doubled[-1].score


def test_ranking_weighs_money_and_leaves_out_the_unknown():
    money = judged([1, 1, 98, 50], [1, 1, 0, np.nan], ["a", "b", "c", "d"])
    assert ranking(np.array([0.9, 0.1, 0.5, 0.99]), money, HOW).auroc.value == pytest.approx(0.5)
    assert ranking(np.array([0.9, np.nan, 0.5, 0.99]), money, HOW).auroc.value == pytest.approx(1)
    assert np.isnan(ranking(np.array([0.9, 0.8]), money.chosen(money.bad == 1), HOW).auroc.value)


def test_methods_are_compared_at_the_same_money():
    payout = np.array([5.0, 1, 1, 1, np.float64(2)])
    chosen = at_same_money(np.array([0.1, 0.9, np.nan, 0.8, 0.7]), payout, 4.0)
    assert chosen.tolist() == [False, True, False, True, True]
    assert payout[chosen].sum() <= 4
