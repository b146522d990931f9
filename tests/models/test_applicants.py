"""The judge of applicants learns how people decide, and hiding a fact never helps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.applicants import FOLDS, ApplicantJudge, Decided, Fact, Lessons, fit
from models.applicants_measure import Trial, compared
from models.checks import CHECKS, Specimen, run_checks
from models.judge import Floats, ModelFileError
from models.trees import pack, unpack

LESSONS = Lessons(trees=60, leaves=6, leaf_rows=8, rate=0.15)
AGAINST = ("copied", "thin", "parked", "rare", "noise")
FEW_TREES = Lessons(trees=8, leaves=6, leaf_rows=8, rate=0.4)
"""The contract does not depend on size."""
KNOWN = (
    Fact("copied", 1, "supporting"),
    Fact("thin", 1, "supporting"),
    Fact("parked", 1, "decisive"),
    Fact("rare", 1, "decisive"),
    Fact("noise", 1, "weak"),
    Fact("owned", -1, "credit"),
)
NAMES = tuple(fact.name for fact in KNOWN)


def applicants(rows, seed):
    """Draw findings, and how people decide who know all of them: most reject what is copied or parked."""
    rng = np.random.default_rng(seed)
    share = {"copied": 0.3, "thin": 0.3, "parked": 0.15, "rare": 0.02, "noise": 0.4, "owned": 0.4}
    facts = pl.DataFrame({name: (rng.random(rows) < share[name]).astype(float) for name in NAMES})
    odds = -2.5 + 2.5 * facts["copied"] + 3 * facts["parked"] + 0.7 * facts["thin"] - 1.5 * facts["owned"]
    rejected = rng.random(rows) < 1 / (1 + np.exp(-odds.to_numpy()))
    return facts, Decided(rejected, np.array([f"{seed}/{row}" for row in range(rows)]), np.ones(rows))


@pytest.fixture(scope="module")
def judge():
    facts, decided = applicants(600, 1)
    return fit(facts, KNOWN, decided, LESSONS, seed=3)


@dataclass(frozen=True)
class Taught:
    """The judge of applicants as the checks of the contract want it: `rejected` says how people decided."""

    judge: ApplicantJudge | None = None
    name: str = "applicants"
    version: str = "1"
    needs: tuple[str, ...] = NAMES

    def fit(self, features: pl.DataFrame, *, seed: int) -> Taught:
        whole = features.filter(pl.col("rejected").is_not_null())
        decided = Decided(
            whole["rejected"].to_numpy().astype(bool), whole["applicant"].to_numpy().astype(str), np.ones(whole.height)
        )
        return replace(self, judge=fit(whole, KNOWN, decided, FEW_TREES, seed))

    def score(self, features: pl.DataFrame) -> Floats:
        return np.full(features.height, np.nan) if self.judge is None else self.judge.score(features)


def decided_frame(rows, seed):
    facts, decided = applicants(rows, seed)
    return facts.with_columns(rejected=decided.rejected, applicant=decided.applicant)


def worsened(facts):
    bad = np.zeros(facts.height, dtype=bool)
    bad[[1, 5, 9]] = True
    first = pl.lit(pl.Series(bad))
    worse = [pl.when(first).then(1.0).otherwise(name).alias(name) for name in AGAINST]
    return facts.with_columns(*worse, owned=pl.when(first).then(0.0).otherwise("owned")), bad


def test_it_keeps_the_contract_of_judges():
    specimen = Specimen(Taught(), decided_frame, worsened, NAMES, rows=300, full=1_000)
    assert run_checks(specimen) == tuple(check.__name__ for check in CHECKS)


def test_it_learns_how_people_decide_and_its_chances_are_chances(judge):
    facts, decided = applicants(4_000, 2)
    chance = judge.score(facts)
    for low, high in ((0.0, 0.1), (0.1, 0.4), (0.4, 0.7), (0.7, 1.0)):
        within = (chance >= low) & (chance < high)
        assert decided.rejected[within].mean() == pytest.approx(chance[within].mean(), abs=0.1)


facts_of_one = st.fixed_dictionaries({name: st.sampled_from([0.0, 1.0, None]) for name in NAMES})


@given(facts_of_one, st.sampled_from(KNOWN))
def test_more_against_never_lowers_and_more_in_favour_never_raises(judge, facts, fact):
    calm, grave = (
        pl.DataFrame([{**facts, fact.name: value}], schema=dict.fromkeys(NAMES, pl.Float64)) for value in (0.0, 1.0)
    )
    for chance in (judge.score, judge.floor):
        before, after = float(chance(calm)[0]), float(chance(grave)[0])
        assert (after - before) * fact.direction >= -1e-12


@given(facts_of_one, st.sets(st.sampled_from(NAMES)))
def test_what_is_hidden_widens_the_range_and_the_truth_stays_inside(judge, facts, hidden):
    whole = pl.DataFrame([facts], schema=dict.fromkeys(NAMES, pl.Float64))
    less = whole.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in hidden)
    low, high = float(judge.floor(less)[0]), float(judge.score(less)[0])
    if all(value is None for value in less.row(0)):
        assert np.isnan(low)
        assert np.isnan(high)
    else:
        assert low <= judge.floor(whole)[0] + 1e-12
        assert judge.score(whole)[0] <= high + 1e-12


@pytest.fixture(scope="module")
def sheltered():
    """Taught where nothing decisive was ever found, and everybody was owned."""
    facts, decided = applicants(600, 1)
    facts = facts.with_columns(pl.lit(0.0).alias("parked"), pl.lit(1.0).alias("owned"))
    return fit(facts, KNOWN, decided, LESSONS, seed=3)


@given(facts_of_one, st.sampled_from(KNOWN))
def test_unknown_is_never_better_than_the_worst_also_of_what_was_never_found_in_teaching(judge, sheltered, facts, fact):
    whole = pl.DataFrame([facts], schema=dict.fromkeys(NAMES, pl.Float64))
    if all(value is None for name, value in facts.items() if name != fact.name):
        return  # nothing at all is known then
    hidden, bad, good = (
        whole.with_columns(pl.lit(value, dtype=pl.Float64).alias(fact.name))
        for value in (None, float(fact.direction > 0), float(fact.direction < 0))
    )
    for one in (judge, sheltered):
        assert one.score(hidden)[0] >= one.score(bad)[0]
        assert one.floor(hidden)[0] <= one.floor(good)[0]


def test_a_value_that_cannot_be_is_not_known(judge):
    nothing = pl.DataFrame([dict.fromkeys(NAMES, 0.0)])
    unknown = nothing.with_columns(copied=pl.lit(None, dtype=pl.Float64))
    for value in (2.0, -1.0):
        absurd = nothing.with_columns(copied=pl.lit(value))
        assert judge.score(absurd).tolist() == judge.score(unknown).tolist()
        assert judge.floor(absurd).tolist() == judge.floor(unknown).tolist()


def test_it_knows_what_it_was_taught_and_a_judge_stored_before_knows_of_nothing(judge):
    assert judge.taught == set(NAMES)
    facts, decided = applicants(600, 1)
    four = pl.when(pl.int_range(pl.len()) < 4).then(1.0).otherwise(0.0).alias("rare")
    assert "rare" not in fit(facts.with_columns(four), KNOWN, decided, LESSONS, seed=3).taught
    assert ApplicantJudge.load(judge.dump()).taught == judge.taught
    trees, header, _ = unpack(judge.dump())
    earlier = {name: value for name, value in header.items() if name not in {"taught", "format", "trees"}}
    read = ApplicantJudge.load(pack(trees, earlier, {"best": np.zeros(6), "worst": np.zeros(6)}))
    assert read.taught == frozenset()


def test_a_row_that_stands_for_many_counts_as_many():
    facts, decided = applicants(600, 1)
    clean = facts.select(pl.sum_horizontal(AGAINST) == 0).to_series().to_numpy()
    nothing = pl.DataFrame([dict.fromkeys(NAMES, 0.0)])
    doubtful = replace(decided, rejected=decided.rejected | clean)  # people reject the clean ones too
    alike = fit(facts, KNOWN, doubtful, LESSONS, seed=3)
    heavy = fit(facts, KNOWN, replace(doubtful, weight=np.where(clean, 20.0, 1.0)), LESSONS, seed=3)
    assert heavy.score(nothing)[0] > alike.score(nothing)[0]


def test_a_rare_finding_counts_with_its_group(judge):
    nothing = dict.fromkeys(NAMES, 0.0)
    calm, rare = judge.score(pl.DataFrame([nothing, {**nothing, "rare": 1.0}]))
    assert rare > calm
    assert "sum of decisive" in judge.used


def test_it_names_what_told_most(judge):
    row = pl.DataFrame([{**dict.fromkeys(NAMES, 0.0), "copied": 1.0, "noise": 1.0}])
    assert judge.telling(row, 1) == [("copied",)]
    assert judge.telling(pl.DataFrame([dict.fromkeys(NAMES, 0.0)]), 3) == [()]


def test_it_comes_back_from_bytes_and_other_bytes_are_refused(judge):
    content = judge.dump()
    facts, _ = applicants(200, 5)
    np.testing.assert_array_equal(ApplicantJudge.load(content).score(facts), judge.score(facts))
    assert ApplicantJudge.load(content).dump() == content
    for damaged in (content[: len(content) // 2], b"", b"no model"):
        with pytest.raises(ModelFileError):
            ApplicantJudge.load(damaged)
    with pytest.raises(ModelFileError, match="another kind"):
        ApplicantJudge.load(pack([judge.trees], {}, {}))


def test_decisions_that_have_nothing_to_do_with_the_findings_teach_nothing():
    facts, decided = applicants(600, 1)
    shuffled = replace(decided, rejected=np.random.default_rng(1).permutation(decided.rejected))
    learned = fit(facts, KNOWN, shuffled, LESSONS, seed=3)
    asked, _ = applicants(1_000, 2)
    assert learned is None or np.ptp(learned.score(asked)) < 0.25


def test_too_few_applicants_teach_nothing_however_often_they_were_decided():
    facts, decided = applicants(600, 1)
    one = np.where(decided.rejected, "one who is rejected", decided.applicant)
    assert fit(facts, KNOWN, replace(decided, applicant=one), LESSONS, seed=3) is None
    still = pl.DataFrame({name: [0.0] * 600 for name in NAMES})
    assert fit(still, KNOWN, decided, LESSONS, seed=3) is None
    with pytest.raises(ValueError, match="600 booleans"):
        fit(facts, KNOWN, replace(decided, rejected=decided.rejected[1:]), LESSONS, seed=3)
    assert FOLDS > 1


def test_it_is_called_better_only_when_it_surely_is(judge):
    earlier, before = applicants(600, 1)
    facts, decided = applicants(400, 7)
    points = facts.select(pl.sum_horizontal(AGAINST)).to_series().to_numpy() / len(AGAINST)
    old_points = earlier.select(pl.sum_horizontal(AGAINST)).to_series().to_numpy() / len(AGAINST)
    trial = Trial(judge.score(facts), points, decided, old_points, before)
    told = compared(trial, seed=1)
    assert told["better"]
    assert told["judge"]["average_precision"] > told["scorecard"]["average_precision"]
    assert told["brier_gain"][0] > 0
    # the scorecard against itself is no gain, and no opinion at all is worse than points
    same = replace(trial, chance=points)
    assert not compared(same, seed=1)["better"]
    none = compared(replace(trial, chance=np.full(400, np.nan)), seed=1)
    assert none["judge"]["auroc"] == 0.5
    assert not none["better"]


def test_a_decision_measures_for_as_many_applicants_as_it_stands_for(judge):
    earlier, before = applicants(300, 1)
    facts, decided = applicants(200, 7)
    points = facts.select(pl.sum_horizontal(AGAINST)).to_series().to_numpy() / len(AGAINST)
    old_points = earlier.select(pl.sum_horizontal(AGAINST)).to_series().to_numpy() / len(AGAINST)
    chance = judge.score(facts)
    chance[:20] = np.nan
    times, before_times = (np.where(one.rejected, 1, 1 + np.arange(len(one.rejected)) % 4) for one in (decided, before))
    weighed = Trial(chance, points, _standing(decided, times), old_points, _standing(before, before_times))
    repeated = Trial(
        np.repeat(chance, times),
        np.repeat(points, times),
        _repeated(decided, times),
        np.repeat(old_points, before_times),
        _repeated(before, before_times),
    )
    once, often = compared(weighed, seed=1), compared(repeated, seed=1)
    assert {"decisions", "rejected"} < set(once)
    for name in ("judge", "scorecard", "average_precision_gain", "brier_gain"):
        assert once[name] == pytest.approx(often[name], abs=2e-4)
    assert once["judge"] != compared(replace(weighed, decided=decided), seed=1)["judge"]


def _standing(decided: Decided, times) -> Decided:
    return replace(decided, weight=times.astype(float))


def _repeated(decided: Decided, times) -> Decided:
    return Decided(np.repeat(decided.rejected, times), np.repeat(decided.applicant, times), np.ones(times.sum()))
