"""Outcomes that come late: the youngest rows are not taken for clean, and what was learned is what was true."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from models.outcomes import AGE, CERTAIN, DELAY, LABEL, Delays, Demands, OutcomesJudge

DEMANDS = Demands(bad_min=20, ridge=1.0)


def late(rows, seed, slope=1.5, base=-2.0, days=30.0):
    """Conversions of the last `days` days; bad with a chance set by x, known after 8 days on average."""
    rng = np.random.default_rng(seed)
    x, noise, age = rng.normal(size=rows), rng.normal(size=rows), rng.uniform(0, days, rows)
    bad = rng.random(rows) < expit(base + slope * x)
    delay = rng.exponential(8.0, rows)
    seen = bad & (delay <= age)
    frame = pl.DataFrame({"x": x, "noise": noise, LABEL: seen.astype(int), AGE: age, CERTAIN: np.zeros(rows, bool)})
    return frame.with_columns(pl.Series(DELAY, np.where(seen, delay, np.nan)).fill_nan(None)), expit(base + slope * x)


def test_the_delay_is_estimated_although_long_ones_are_not_seen_yet():
    rng = np.random.default_rng(1)
    delay, age = rng.exponential(8.0, 60_000), rng.uniform(0, 30, 60_000)
    seen = delay <= age
    share = Delays.fit(delay[seen], age[seen]).known_by(np.array([4.0, 8.0, 16.0]))
    within_30 = 1 - np.exp(-30 / 8)
    np.testing.assert_allclose(share, (1 - np.exp(-np.array([4, 8, 16]) / 8)) / within_30, atol=0.02)
    naive = np.mean(delay[seen] <= 8.0)
    assert naive > share[1] + 0.05


def test_the_chance_of_a_bad_outcome_is_not_underestimated_for_lack_of_time():
    rows, truth = late(12_000, 2)
    scores = OutcomesJudge(("x", "noise"), DEMANDS).fit(rows, seed=0).score(rows)
    assert scores.mean() == pytest.approx(truth.mean(), rel=0.08)
    assert np.abs(scores - truth).mean() < 0.02
    taken_for_clean = rows.with_columns(pl.lit(value=True).alias(CERTAIN))
    naive = OutcomesJudge(("x", "noise"), DEMANDS).fit(taken_for_clean, seed=0).score(rows)
    assert naive.mean() < 0.85 * truth.mean()


def test_what_people_say_needs_no_waiting():
    rows, truth = late(6_000, 3, days=3.0)
    answers = np.random.default_rng(4).random(6_000) < truth
    said = rows.with_columns(pl.Series(LABEL, answers.astype(int)), pl.lit(value=True).alias(CERTAIN))
    scores = OutcomesJudge(("x", "noise"), DEMANDS).fit(said, seed=0).score(rows)
    assert scores.mean() == pytest.approx(truth.mean(), rel=0.08)


def test_too_few_bad_outcomes_teach_nothing():
    rows, _ = late(200, 5, base=-6.0)
    assert (rows[LABEL] == 1).sum() < DEMANDS.bad_min
    judge = OutcomesJudge(("x",), DEMANDS).fit(rows, seed=0)
    assert judge.learned is None
    assert np.isnan(judge.score(rows)).all()
    assert np.isnan(judge.lift(rows)).all()


def test_the_lift_is_counted_from_the_usual():
    rows, _ = late(8_000, 6)
    judge = OutcomesJudge(("x", "noise"), DEMANDS).fit(rows, seed=0)
    high, low = (judge.lift(pl.DataFrame({"x": [value], "noise": [0.0]}))[0] for value in (2.5, -2.5))
    assert high > 1 > -1 > low
