"""A source is held against its own past: bursts, ramps and jumps are found, benign events of a programme are not."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.change import RAMP_DAYS, ChangeJudge, Direction, Measure, with_quiet_days
from models.change_surprise import LEAST_PAST_DAYS, PAST_DAYS

MONDAY = dt.date(2024, 1, 1)
WEEK_SHAPE = np.array([1, 1, 1.05, 1.1, 1.2, 0.8, 0.7])
DAYS, SOURCES = 90, 30
TODAY = 85
FLAGGED = 0.5
"""A score that means three standard deviations."""


@pytest.fixture
def programme():
    """Expected events, sources x days: sizes from 1 to 300 a day, weekly shape, slow drifts; source 0 has 60 a day."""
    rng = np.random.default_rng(0)
    size = np.geomspace(1, 300, SOURCES)[:, None]
    drift = np.exp(np.cumsum(rng.normal(0, 0.015, (SOURCES, DAYS)), axis=1))
    trend = np.exp(np.cumsum(rng.normal(0, 0.01, DAYS)))
    expected = size * drift * trend * WEEK_SHAPE[np.arange(DAYS) % 7]
    expected[0] = 60 * trend * WEEK_SHAPE[np.arange(DAYS) % 7]
    return expected


def drawn(expected, seed=1):
    """Counts that vary half as much again as Poisson."""
    return np.random.default_rng(seed).negative_binomial(2 * expected, 1 / 1.5).astype(float)


def frame(events, exposure=None):
    sources, days = events.shape
    rows = pl.DataFrame(
        {
            "source": np.repeat([f"s{source:02}" for source in range(sources)], days),
            "peers": ["offer"] * events.size,
            "day": [MONDAY + dt.timedelta(days=day) for _ in range(sources) for day in range(days)],
            "events": pl.Series(events.ravel(), nan_to_null=True),
        }
    )
    return rows if exposure is None else rows.with_columns(exposure=pl.Series(exposure.ravel(), nan_to_null=True))


def scores(events, exposure=None, direction=Direction.MORE, since=60):
    """Scores (sources, days); days before `since` are learned from and not judged, NaN."""
    rows = frame(events, exposure)
    judge = ChangeJudge(Measure.COUNT if exposure is None else Measure.SHARE, direction)
    judged = rows["day"] >= MONDAY + dt.timedelta(days=since)
    found = np.full(rows.height, np.nan)
    found[judged.to_numpy()] = judge.fit(rows.filter(~judged), seed=0).score(rows.filter(judged))
    return found.reshape(events.shape)


def evidence(events, since=60):
    rows = frame(events)
    judged = rows["day"] >= MONDAY + dt.timedelta(days=since)
    judge = ChangeJudge(Measure.COUNT, Direction.MORE).fit(rows.filter(~judged), seed=0)
    found = judge.evidence(rows.filter(judged))
    late = found.with_columns(pl.all().fill_nan(None)).to_numpy().T.reshape(found.width, len(events), -1)
    early = np.full((found.width, len(events), since), np.nan)
    return dict(zip(found.columns, np.concatenate([early, late], axis=2), strict=True))


@pytest.mark.parametrize("scale", [0.02, 1.0, 50.0])
def test_ordinary_days_are_seldom_flagged_at_any_size(programme, scale):
    found = scores(drawn(programme * scale))[:, 60:]
    assert not np.isnan(found).any()
    assert np.mean(found > FLAGGED) < 0.01, "three sums are tested, each beyond three sigma once in 740"
    assert np.median(found) < 0.25


def test_a_burst_is_flagged_with_its_numbers(programme):
    programme[0, TODAY] *= 4
    found = evidence(drawn(programme))
    assert found["z"][0, TODAY] > 4
    assert found["span_days"][0, TODAY] == 1
    assert found["observed"][0, TODAY] > 3 * found["expected"][0, TODAY]
    assert found["common"][0, TODAY] == pytest.approx(1, abs=0.25)
    assert found["peers"][0, TODAY] >= 10


def test_a_flash_sale_that_lifts_all_partners_flags_nobody(programme):
    programme[:, TODAY] *= 4
    found = evidence(drawn(programme))
    assert np.nanmax(found["z"][:, TODAY]) < 3
    of_one_day = found["span_days"][:, TODAY] == 1
    assert of_one_day.any()
    assert found["common"][of_one_day, TODAY] == pytest.approx(4, rel=0.2)


def test_a_sale_that_lifts_partners_unevenly_flags_only_the_one_far_beyond(programme):
    lift = np.exp(np.random.default_rng(3).normal(np.log(3), 0.35, SOURCES))
    lift[0] = 3
    programme[:, TODAY] *= lift
    assert np.mean(scores(drawn(programme))[:, TODAY] > FLAGGED) <= 1 / SOURCES
    programme[0, TODAY] *= 8
    assert scores(drawn(programme))[0, TODAY] > FLAGGED


@pytest.mark.parametrize("every", [7, 14])
def test_mailings_that_come_again_are_known(programme, every):
    programme[0, TODAY % every :: every] *= 5
    sent = np.arange(TODAY % every, DAYS, every)
    found = scores(drawn(programme))[0]
    assert np.median(found[sent[sent > 60]]) < FLAGGED
    programme[0, TODAY] *= 4
    assert scores(drawn(programme))[0, TODAY] > FLAGGED, "one far larger than the others is news"


def test_a_mailing_changes_no_share(programme):
    exposure = drawn(programme * 5)
    exposure[0, TODAY] *= 10
    bad = np.random.default_rng(2).binomial(exposure.astype(int), 0.05).astype(float)
    assert scores(bad, exposure)[0, TODAY] < FLAGGED


def test_a_share_that_jumps_is_flagged_and_a_tiny_sample_is_not(programme):
    rng = np.random.default_rng(2)
    exposure = drawn(programme * 2)
    exposure[1] = 3
    bad = rng.binomial(exposure.astype(int), 0.05).astype(float)
    bad[0, TODAY:] = rng.binomial(exposure[0, TODAY:].astype(int), 0.3)
    bad[1, TODAY] = 1
    found = scores(bad, exposure)
    assert found[0, TODAY] > FLAGGED
    assert found[1, TODAY] < FLAGGED


def test_a_slow_ramp_shows_in_the_sum_although_no_day_does(programme):
    programme[0, 45:] *= np.linspace(1, 3, DAYS - 45)
    found = evidence(drawn(programme))
    assert found["z"][0, 75:].max() > 3
    assert found["span_days"][0, 75:][found["z"][0, 75:].argmax()] == 28


def test_a_shift_that_stays_becomes_the_level(programme):
    programme[0, 20:] *= 3
    found = scores(drawn(programme))
    assert found[0, TODAY] < FLAGGED


def test_new_partners_are_unknown_while_they_grow(programme):
    events = drawn(programme)
    first = 40
    grown = 80 * (1 - np.exp(-np.arange(DAYS - first) / 6))
    events[0] = np.nan
    events[0, first:] = np.random.default_rng(4).poisson(grown)
    found = scores(events, since=35)[0]
    assert np.isnan(found[: first + RAMP_DAYS + LEAST_PAST_DAYS]).all()
    assert not np.isnan(found[first + RAMP_DAYS + LEAST_PAST_DAYS :]).any()
    assert found[first + RAMP_DAYS + LEAST_PAST_DAYS :].max() < FLAGGED


def test_lost_days_are_unknown_and_do_not_make_the_next_one_look_like_a_burst(programme):
    events = drawn(programme)
    events[:, 79:82] = np.nan
    found = scores(events)
    assert np.isnan(found[:, 79:82]).all()
    assert np.mean(found[:, 82:] > FLAGGED) < 0.01


def test_an_outage_reported_as_almost_nothing_is_unknown_even_for_who_escaped_it(programme):
    programme[1:, 80] *= 0.02
    found = scores(drawn(programme))
    assert np.isnan(found[0, 80])
    assert np.mean(found[:, 81:] > FLAGGED) < 0.01


def test_zeros_would_be_a_different_story(programme):
    """The same gap in one source, called zero, is a collapse: what LESS is for."""
    events = drawn(programme)
    events[0, TODAY] = 0
    assert scores(events, direction=Direction.LESS)[0, TODAY] > FLAGGED
    assert scores(events, direction=Direction.MORE)[0, TODAY] < 0.2
    assert scores(events, direction=Direction.EITHER)[0, TODAY] > FLAGGED


def test_a_silent_source_that_wakes_is_flagged(programme):
    events = drawn(programme)
    events[0] = 0
    events[0, TODAY] = 40
    assert scores(events)[0, TODAY] > 0.6


def test_alone_a_source_is_judged_without_peers(programme):
    alone = programme[:1].copy()
    alone[0, TODAY] *= 5
    found = evidence(drawn(alone))
    assert found["z"][0, TODAY] > 3
    assert found["common"][0, TODAY] == 1
    assert found["peers"][0, TODAY] == 0


def test_no_day_depends_on_later_days(programme):
    events = drawn(programme)
    later = events.copy()
    later[:, 70:] *= 7
    before, after = (scores(each)[:, 60:70] for each in (events, later))
    assert np.array_equal(before, after)


def test_one_night_against_memory_equals_the_night_in_the_whole(programme):
    events = drawn(programme)
    rows = frame(events)
    today = MONDAY + dt.timedelta(days=DAYS - 1)
    judge = ChangeJudge(Measure.COUNT, Direction.MORE).fit(rows.filter(pl.col("day") < today), seed=0)
    night = judge.score(rows.filter(pl.col("day") == today))
    assert np.allclose(night, scores(events, since=80)[:, -1])
    assert PAST_DAYS < DAYS


def test_groups_of_peers_do_not_disturb_each_other(programme):
    here, there = frame(drawn(programme)), frame(drawn(programme[:5] * 9, seed=8)).with_columns(peers=pl.lit("other"))
    judge = ChangeJudge(Measure.COUNT, Direction.MORE)
    last = pl.col("day") == MONDAY + dt.timedelta(days=DAYS - 1)
    alone = judge.fit(here, seed=0).score(here.filter(last))
    both = judge.fit(pl.concat([here, there]), seed=0).score(pl.concat([here, there]).filter(last))
    assert np.array_equal(both[:SOURCES], alone)


def test_quiet_days_are_zero_only_when_peers_were_seen():
    day = [MONDAY + dt.timedelta(days=number) for number in range(5)]
    rows = pl.DataFrame(
        {
            "source": ["a", "a", "b", "b", "b"],
            "peers": ["o"] * 5,
            "day": [day[0], day[4], day[0], day[1], day[4]],
            "events": [3, 2, 5, 5, 5],
        }
    )
    filled = with_quiet_days(rows)
    of_a = filled.filter(pl.col("source") == "a")
    assert of_a["day"].to_list() == [day[0], day[1], day[4]]
    assert of_a["events"].to_list() == [3, 0, 2]
    assert filled.filter(pl.col("source") == "b").height == 3


def test_bad_numbers_and_dates_are_refused():
    judge = ChangeJudge(Measure.COUNT, Direction.MORE)
    with pytest.raises(ValueError, match="negative"):
        judge.fit(frame(np.full((2, 30), -1.0)), seed=0)
    rows = frame(np.ones((1, 30)))
    strange = rows.with_columns(day=pl.when(pl.int_range(30) == 0).then(dt.date(1970, 1, 1)).otherwise("day"))
    with pytest.raises(ValueError, match="is a date wrong"):
        judge.fit(strange, seed=0)
