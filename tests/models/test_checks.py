"""Every judge in `models` keeps the contract, and every check of the contract can fail."""

import datetime as dt
import importlib
import pickle
import pkgutil
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import pytest

import models
from models import anomaly, anomaly_detectors, checks
from models.anomaly import AnomalyJudge
from models.change import ChangeJudge, Direction, Measure
from models.checks import CHECKS, ContractBreachError, Specimen, run_checks
from models.judge import numbers
from models.outcomes import AGE, CERTAIN, DELAY, LABEL, Demands, OutcomesJudge
from models.series import SeriesJudge

MONDAY = dt.date(2024, 1, 1)


def replaced(name, bad, instead):
    return pl.when(pl.lit(pl.Series(bad))).then(instead).otherwise(name)


def table(rows, seed):
    rng = np.random.default_rng(seed)
    seconds = rng.lognormal(5, 1, rows)
    return pl.DataFrame(
        {
            "seconds": seconds,
            "value": 20 + 4 * np.log(seconds) + rng.normal(0, 1, rows),
            "night": rng.random(rows) < 0.2,
            "clicks": rng.poisson(3, rows),
        }
    )


def table_worsened(facts):
    bad = np.zeros(facts.height, dtype=bool)
    bad[[1, 5, 9]] = True
    return facts.with_columns(
        seconds=replaced("seconds", bad, pl.lit(0.001)),
        value=replaced("value", bad, pl.lit(500.0)),
        clicks=replaced("clicks", bad, pl.lit(4000)),
    ), bad


def hourly(rows, seed):
    rng = np.random.default_rng(seed)
    hours = np.tile(np.arange(rows // 3), 3)
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    shape = 0.05 * (1.5 + np.sin(hours * 2 * np.pi / 24))
    return pl.DataFrame(
        {
            "series": np.repeat(["a", "b", "c"], rows // 3),
            "ts": pl.Series([start + dt.timedelta(hours=int(hour)) for hour in hours]),
            "value": shape * rng.lognormal(0, 0.1, len(hours)),
        }
    )


def hourly_worsened(facts):
    last = facts["ts"].dt.date().max()
    bad = facts.select((pl.col("series") == "b") & (pl.col("ts").dt.date() == last)).to_series().to_numpy()
    return facts.with_columns(value=replaced("value", bad, pl.col("value") * 25)), bad


def daily(rows, seed):
    rng = np.random.default_rng(seed)
    sources, days = 12, rows // 12
    exposure = rng.poisson(np.repeat(np.geomspace(20, 400, sources), days))
    return pl.DataFrame(
        {
            "source": np.repeat([f"s{source:02}" for source in range(sources)], days),
            "peers": ["offer"] * (sources * days),
            "day": [MONDAY + dt.timedelta(days=day) for _ in range(sources) for day in range(days)],
            "events": rng.binomial(exposure, 0.05),
            "exposure": exposure,
        }
    )


def daily_worsened(facts):
    bad = facts.select((pl.col("source") >= "s09") & (pl.col("day") == pl.col("day").max())).to_series().to_numpy()
    return facts.with_columns(events=replaced("events", bad, pl.col("exposure") * 0.9)), bad


def ended(rows, seed):
    """Conversions whose worse half more often ends badly."""
    facts = table(rows, seed)
    rng = np.random.default_rng(seed + 1)
    bad = rng.random(rows) < np.where(facts["clicks"] > 3, 0.4, 0.1)
    waited = pl.when(pl.Series(bad)).then(pl.Series(rng.exponential(5, rows)))
    return facts.with_columns(
        pl.Series(LABEL, bad.astype(int)),
        waited.alias(DELAY),
        pl.lit(60.0).alias(AGE),
        pl.lit(value=False).alias(CERTAIN),
    )


def ended_worsened(facts):
    bad = np.zeros(facts.height, dtype=bool)
    bad[[1, 5, 9]] = True
    return facts.with_columns(clicks=replaced("clicks", bad, pl.lit(4000))), bad


FEATURES = ("seconds", "value", "night", "clicks")


@pytest.fixture(autouse=True)
def small_forests(monkeypatch):
    """The contract does not depend on size; the anomaly judge at full size is measured in test_anomaly."""
    monkeypatch.setattr(anomaly, "MOST_ROWS", 400)
    monkeypatch.setattr(anomaly_detectors, "TREES", 5)
    monkeypatch.setattr(anomaly_detectors, "BAGS", 20)


SPECIMENS = {
    "anomaly": Specimen(AnomalyJudge(FEATURES), table, table_worsened, FEATURES, rows=200, full=600),
    "outcomes": Specimen(
        OutcomesJudge(FEATURES, Demands(bad_min=10, ridge=1.0)), ended, ended_worsened, FEATURES, rows=400, full=600
    ),
    "series": Specimen(SeriesJudge(), hourly, hourly_worsened, ("value",), rows=3 * 24 * 25, full=3 * 24 * 60),
    "change of counts": Specimen(
        ChangeJudge(Measure.COUNT, Direction.MORE), daily, daily_worsened, ("events",), rows=12 * 50, full=12 * 60
    ),
    "change of shares": Specimen(
        ChangeJudge(Measure.SHARE, Direction.EITHER),
        daily,
        daily_worsened,
        ("events", "exposure"),
        rows=12 * 50,
        full=12 * 60,
    ),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("judge", SPECIMENS)
def test_judge_keeps_the_contract(judge, check):
    check(SPECIMENS[judge])


def test_no_judge_escapes_the_contract():
    found = set()
    for module in pkgutil.walk_packages(models.__path__, "models."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and all(hasattr(thing, part) for part in ("name", "version", "fit", "score")):
                found.add(thing.__name__)
    assert found == {"Judge"} | {type(specimen.judge).__name__ for specimen in SPECIMENS.values()}


# A judge that keeps the contract, small enough to break in one place at a time.


@dataclass
class Plain:
    """Distance from the median in quartile spreads, the worst of two columns."""

    needs: tuple[str, ...] = ("a", "b")
    name: str = "plain"
    version: str = "1"
    centre: np.ndarray | None = None
    spread: np.ndarray | None = None
    kept: list = field(default_factory=list)

    def read(self, features):
        return numbers(features, self.needs)

    def learn(self, rows, seed):
        rows = rows[~np.isnan(rows).any(axis=1)]
        if len(rows) < 10:
            return replace(self)
        return replace(
            self, centre=np.median(rows, axis=0), spread=np.ptp(np.quantile(rows, [0.25, 0.75], axis=0), axis=0)
        )

    def fit(self, features, *, seed):
        return self.learn(self.read(features), seed)

    def judged(self, rows):
        distance = np.abs(rows - self.centre).max(axis=1) / (1e-9 + self.spread.max())
        return distance / (1 + distance)

    def score(self, features):
        if self.centre is None or not features.height:
            return np.full(features.height, np.nan)
        return self.judged(np.clip(self.read(features), -1e9, 1e9))


class Mutating(Plain):
    def score(self, features):
        if self.centre is not None:
            self.centre = self.centre * 1.01
        return super().score(features)


class Overwriting(Plain):
    def fit(self, features, *, seed):
        fitted = super().fit(features, seed=seed)
        self.centre, self.spread = fitted.centre, fitted.spread
        return self


class Unbounded(Plain):
    def judged(self, rows):
        return 3 * super().judged(rows)


class Reversed(Plain):
    def judged(self, rows):
        return 1 - super().judged(rows)


class Positional(Plain):
    def read(self, features):
        return features.select(pl.exclude(pl.String)).to_numpy().astype(float)[:, :1].repeat(2, axis=1)


class Streaming(Plain):
    def judged(self, rows):
        return np.maximum.accumulate(super().judged(rows))


class Unseeded(Plain):
    def learn(self, rows, seed):
        drawn = rows[np.random.default_rng().integers(0, len(rows), len(rows))] if len(rows) else rows
        return super().learn(drawn, seed)


class Imputing(Plain):
    def judged(self, rows):
        nothing = np.isnan(rows).all(axis=1)
        scores = super().judged(np.where(np.isnan(rows), self.centre, rows))
        return np.where(nothing, np.nan, scores)


class Optimistic(Plain):
    def judged(self, rows):
        return np.where(np.isnan(rows).all(axis=1), 1.0, super().judged(rows))


class Surprised(Plain):
    def learn(self, rows, seed):
        if len(rows) and np.isnan(rows).all(axis=0).any():
            return replace(self, centre=np.zeros(2), spread=np.full(2, np.inf), version="1")
        return super().learn(rows, seed)

    def judged(self, rows):
        return np.full(len(rows), 2.0) if np.isinf(self.spread).any() else super().judged(rows)


class FailingOpen(Plain):
    def score(self, features):
        return np.zeros(features.height) if self.centre is None else super().score(features)


class Shapeless(Plain):
    def score(self, features):
        return super().score(features) if features.height else np.array([0.5])


class Forgetful(Plain):
    def __setstate__(self, state):
        self.__dict__.update(state)
        self.spread = None if self.spread is None else self.spread * 2


class Hoarding(Plain):
    def learn(self, rows, seed):
        return replace(super().learn(rows, seed), kept=[rows.copy()])


BROKEN = {
    "scoring_is_pure": Mutating,
    "fitting_leaves_the_judge": Overwriting,
    "scores_are_in_range": Unbounded,
    "worse_scores_higher": Reversed,
    "column_order_is_irrelevant": Positional,
    "row_order_is_irrelevant": Streaming,
    "same_seed_same_judge": Unseeded,
    "missing_never_helps": Imputing,
    "nothing_known_is_unknown": Optimistic,
    "emerging_columns_are_harmless": Surprised,
    "cold_start_is_unknown": FailingOpen,
    "odd_frames_are_judged": Shapeless,
    "stored_judges_come_back": Forgetful,
    "memory_is_bounded": Hoarding,
}


def pair(rows, seed):
    drawn = np.random.default_rng(seed).normal(size=(rows, 2))
    return pl.DataFrame({"a": drawn[:, 0], "b": drawn[:, 1]})


def pair_worsened(facts):
    bad = np.arange(facts.height) == 3
    return facts.with_columns(a=replaced("a", bad, pl.lit(40.0))), bad


def specimen_of(kind):
    return Specimen(kind(), pair, pair_worsened, ("a", "b"), rows=200, full=400)


def test_all_checks_run_and_pass_on_a_good_judge():
    assert run_checks(specimen_of(Plain)) == tuple(check.__name__ for check in CHECKS)


@pytest.mark.parametrize("name", BROKEN)
def test_check_catches_the_judge_that_breaks_it(name):
    with pytest.raises(ContractBreachError):
        getattr(checks, name)(specimen_of(BROKEN[name]))


def test_check_of_altered_bytes_catches_a_careless_loader(monkeypatch):
    monkeypatch.setattr(checks, "load", lambda blob, kind, recorded_digest: kind())
    with pytest.raises(ContractBreachError, match="altered"):
        checks.altered_bytes_are_refused(specimen_of(Plain))


def test_every_check_was_seen_to_fail():
    assert {*BROKEN, "altered_bytes_are_refused"} == {check.__name__ for check in CHECKS}


def test_stored_judge_carries_no_path_of_this_machine():
    blob = pickle.dumps(AnomalyJudge(FEATURES).fit(table(100, 0), seed=0))
    assert b"/work" not in blob
    assert b"/home" not in blob
