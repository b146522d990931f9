"""The judge of rates reports incidents, adapts, and is not fooled by season, gaps or its own future."""

import datetime as dt
import importlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.series import HOURS, LEAST_PAST_DAYS, NEIGHBOURS, SeriesJudge

REPO = Path(__file__).resolve().parents[2]
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
DAYS = 45


def rates(days=DAYS, seed=0, noise=0.15):
    """A daily wave, quieter weekends, multiplicative noise; shape (days, 24)."""
    hour = np.arange(days * HOURS)
    wave = 1 + 0.6 * np.sin(2 * np.pi * hour / HOURS)
    weekend = np.where((hour // HOURS) % 7 >= 5, 0.6, 1.0)
    rng = np.random.default_rng(seed)
    return (0.04 * wave * weekend * rng.lognormal(0, noise, len(hour))).reshape(days, HOURS)


def frame(values, name="ctr"):
    flat = values.ravel()
    return pl.DataFrame(
        {
            "series": [name] * len(flat),
            "ts": [START + dt.timedelta(hours=hour) for hour in range(len(flat))],
            "value": pl.Series(flat, nan_to_null=True),
        }
    )


def by_day(values):
    rows = frame(values)
    scores = SeriesJudge().fit(rows, seed=0).score(rows).reshape(-1, HOURS)
    assert np.array_equal(scores.min(axis=1), scores.max(axis=1), equal_nan=True), "one judgement per day"
    return scores[:, 0]


def test_ordinary_days_score_near_one_half_whatever_the_season():
    scores = by_day(rates())[14:]
    assert 0.4 < np.median(scores) < 0.6
    assert scores.max() < 0.65
    weekend = np.arange(14, DAYS) % 7 >= 5
    assert abs(np.median(scores[weekend]) - np.median(scores[~weekend])) < 0.08


@pytest.mark.parametrize("factor", [0.2, 4.0])
def test_an_incident_of_six_hours_is_the_worst_day(factor):
    values = rates()
    values[38, 3:9] *= factor
    scores = by_day(values)
    assert np.nanargmax(scores) == 38
    assert scores[38] > 0.7


def test_an_outage_that_reads_zero_is_an_incident_too():
    values = rates()
    values[38, 8:16] = 0.0
    scores = by_day(values)
    assert scores[38] > 0.75


def test_a_level_shift_is_reported_and_then_becomes_the_norm():
    values = rates()
    values[30:] *= 2.5
    scores = by_day(values)
    assert scores[30] > 0.7
    assert np.median(scores[30 + 7 + NEIGHBOURS :]) < 0.6


def test_missing_hours_are_left_out_and_missing_days_are_unknown():
    values = rates()
    values[20, :8] = np.nan
    values[25] = np.nan
    values[26, :13] = np.nan
    scores = by_day(np.where(np.isnan(values), 0.0, values))
    with_gaps = SeriesJudge().fit(frame(values), seed=0).score(frame(values)).reshape(-1, HOURS)
    assert scores[25] > 0.8, "as zeros the gap would be an incident"
    assert np.isnan(with_gaps[25:27]).all()
    assert np.nanmax(with_gaps[20]) < 0.65
    assert np.isnan(with_gaps[20, :8]).all()
    assert np.nanmax(with_gaps[27:]) < 0.65


def test_the_first_week_is_unknown():
    scores = by_day(rates())
    assert np.isnan(scores[:LEAST_PAST_DAYS]).all()
    assert not np.isnan(scores[LEAST_PAST_DAYS + 1 :]).any()


@settings(max_examples=15, deadline=None)
@given(st.integers(10, DAYS - 1), st.floats(0, 50))
def test_no_day_depends_on_later_days(cut, factor):
    values = rates()
    changed = values.copy()
    changed[cut:] *= factor
    judge = SeriesJudge(past={})
    before, after = (judge.score(frame(each)).reshape(-1, HOURS)[:cut] for each in (values, changed))
    assert np.array_equal(before, after, equal_nan=True)


def test_one_night_against_memory_equals_the_night_in_the_whole():
    values = rates()
    values[-1] *= 3
    whole = SeriesJudge(past={}).score(frame(values))[-HOURS:]
    rows = frame(values)
    night = SeriesJudge().fit(rows[:-HOURS], seed=0).score(rows[-HOURS:])
    assert np.allclose(night, whole)


def test_series_do_not_disturb_each_other():
    quiet, loud = frame(rates(), "quiet"), frame(rates(seed=5, noise=0.8), "loud")
    together = pl.concat([quiet, loud])
    judge = SeriesJudge(past={})
    assert np.array_equal(judge.score(together)[: quiet.height], judge.score(quiet), equal_nan=True)


def test_expected_is_what_the_hour_usually_had():
    values = rates(noise=0.05)
    values[38, 5] = 9.0
    rows = frame(values)
    expected = SeriesJudge(past={}).expected(rows).reshape(-1, HOURS)
    assert expected[38, 5] == pytest.approx(np.median(values[:38, 5]), rel=0.01)


def test_a_series_that_was_always_zero_reports_its_first_value():
    values = np.zeros((30, HOURS))
    values[29, 10:14] = 0.3
    scores = by_day(values)
    assert scores[28] < 0.1
    assert scores[29] > 0.9


def test_negative_rates_are_refused():
    with pytest.raises(ValueError, match="negative"):
        SeriesJudge().fit(frame(-rates()), seed=0)


def test_real_ad_exchange_series_beat_the_published_figure(monkeypatch):
    data = REPO.parent / "shared" / "data" / "traffic"
    if not data.exists():
        pytest.skip("the shared data are not here")
    monkeypatch.syspath_prepend(str(REPO / "benchmarks"))
    table = importlib.import_module("nab").judged(data)
    assert len(table) == 6
    assert np.mean([row["auroc"] for row in table]) > 0.76
    assert np.mean([row["auroc_unknown_as_median"] for row in table]) > 0.76
