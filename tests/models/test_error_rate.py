"""The error rate from a random draw: unbiased, honest about how little is known, silent below the fewest answers."""

from __future__ import annotations

import numpy as np
import pytest

from models.error_rate import Answers, Population, answers_for, error_rate
from models.metrics import Resampling

HOW = Resampling(0.9, 800, 1)


def answers(stopped, paid, fraud, chance=0.1, affiliate=None):
    n = len(stopped)
    names = [f"a{i}" for i in range(n)] if affiliate is None else affiliate
    return Answers(
        np.array(stopped, float), np.array(paid, float), np.array(fraud, bool), np.full(n, chance), np.array(names)
    )


def test_nothing_is_said_below_the_fewest_answers_and_it_tells_how_many_are_lacking():
    rate = error_rate(answers([5] * 3, [0] * 3, [True] * 3), Population(100, 900), 20, HOW)
    assert (rate.precision, rate.recall) == (None, None)
    assert (rate.stopped_answers, rate.stopped_needed, rate.paid_answers, rate.paid_needed) == (3, 17, 0, 20)


def test_precision_needs_no_answers_about_paid_sources():
    rate = error_rate(answers([5] * 20, [0] * 20, [True] * 18 + [False] * 2), Population(100, 900), 20, HOW)
    assert rate.precision.value == pytest.approx(0.9)
    assert 0.65 < rate.precision.low < 0.9 < rate.precision.high < 1
    assert rate.recall is None


def test_fraud_found_among_paid_sources_lowers_recall():
    stopped, paid = [10] * 30 + [0] * 30, [0] * 30 + [10] * 30
    clean = error_rate(answers(stopped, paid, [True] * 30 + [False] * 30), Population(1000, 9000), 20, HOW)
    some = [True] * 30 + [True] * 6 + [False] * 24
    missed = error_rate(answers(stopped, paid, some), Population(1000, 9000), 20, HOW)
    assert clean.recall.value == 1
    assert clean.recall.low < 0.9  # thirty clean answers do not prove that nothing is missed
    assert missed.recall.value == pytest.approx(1000 / (1000 + 0.2 * 9000))


def test_the_estimates_centre_on_the_truth_and_intervals_cover_it():
    rng = np.random.default_rng(5)
    n = 3000
    fraud = rng.random(n) < 0.1
    caught = np.where(fraud, rng.random(n) < 0.8, rng.random(n) < 0.02)
    money = rng.lognormal(3, 0.7, n)
    stopped, paid = np.where(caught, money, 0), np.where(caught, 0, money)
    precision = stopped[fraud].sum() / stopped.sum()
    recall = stopped[fraud].sum() / money[fraud].sum()
    population = Population(stopped.sum(), paid.sum())
    found = []
    for _ in range(80):
        drawn = rng.random(n) < 0.15
        rows = answers(stopped[drawn], paid[drawn], fraud[drawn], 0.15)
        found.append(error_rate(rows, population, 5, HOW))
    assert np.mean([rate.precision.value for rate in found]) == pytest.approx(precision, abs=0.02)
    assert np.mean([rate.recall.value for rate in found]) == pytest.approx(recall, abs=0.03)
    assert np.mean([rate.precision.low <= precision <= rate.precision.high for rate in found]) > 0.8
    assert np.mean([rate.recall.low <= recall <= rate.recall.high for rate in found]) > 0.8


def test_answers_of_one_affiliate_count_as_little_more_than_one():
    one = answers([5] * 20, [0] * 20, [True] * 20, affiliate=["same"] * 20)
    many = answers([5] * 20, [0] * 20, [True] * 20)
    population = Population(100, 0)
    narrow, wide = (error_rate(rows, population, 20, HOW).precision for rows in (many, one))
    assert wide.low < 0.5 < narrow.low


def test_how_many_answers_an_interval_takes():
    assert answers_for(0.1, 0.9, 0.5) == 68
    assert answers_for(0.05, 0.9, 0.5) == 271
