"""An evaluation as a user relies on it: one denominator for every conversion, peers beside, a page on its own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from features.schema import Kind
from screening.errors import InputError
from screening.jobs.evaluate import Wanted, evaluate
from screening.jobs.evaluation.past import Days
from screening.jobs.evaluation.report import report
from screening.jobs.evaluation.truth import truth_of_file, truth_of_history
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.simulate import simulate, small_spec
from screening.traffic.lake import Lake
from screening.workspace import open_workspace

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
START = date(2026, 5, 1)
KINDS = (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES)
QUIET = silent_progress()
SHORT = {
    "evaluation": {"draws": 60, "thresholds": 6, "injected_copies": 1, "injected_part": 0.3},
    "training": {"injection": {"replicates": 1, "trees": 12, "rounds": 1, "folds": 2, "leaves": 8}},
}


@pytest.fixture(scope="module")
def programme(tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluate")
    (root / "config.yaml").write_text(json.dumps(SHORT))
    workspace = open_workspace(root, {})
    made = simulate(replace(small_spec(START), clicks=12_000, conversions=1_400, affiliates=30), 5)
    for kind in KINDS:
        path = root / f"{kind}.parquet"
        made.table(kind).write_parquet(path)
        ingest_files(workspace, kind, [path], Reading(), NOW, QUIET)
    made.truth.select("conversion_id", "is_fraud", "kind").write_csv(root / "truth.csv")
    return workspace, made


@pytest.fixture(scope="module")
def reported(programme):
    workspace, _ = programme
    return report(workspace, Wanted(truth=workspace.root / "truth.csv"), NOW, QUIET)


def test_every_conversion_is_in_one_denominator(programme, reported):
    _, made = programme
    found = reported.evaluated
    known = found.figures.denominators
    assert found.simulated
    assert found.taught_until == START + timedelta(days=9)
    later = made.conversions.filter(pl.col("ts").dt.date() > found.taught_until)
    assert known.bad + known.clean + found.too_early == later.height
    assert known.unknown == 0
    money = later["payout"].cast(pl.Float64).sum()
    if not found.too_early:
        assert known.bad_payout + known.clean_payout == pytest.approx(money)


def test_winnow_presets_and_detectors_are_measured_on_the_same_rows(reported):
    methods = {method.title: method for method in reported.evaluated.figures.methods}
    assert {"winnow", "winnow, taught on earlier days", "24metrics CPA", "PyOD IForest"} <= set(methods)
    for method in methods.values():
        for share in (method.stopping.recall, method.stopping.clean_stopped):
            assert 0 <= share.value <= 1
            assert not share.low > share.value
            assert not share.high < share.value
    assert methods["winnow"].stopping.recall.value > 0.3
    assert methods["winnow"].stopping.clean_stopped.value < 0.1
    assert methods["24metrics CPA"].ranking is None


def test_kinds_add_up_to_all_bad_conversions(reported):
    figures = reported.evaluated.figures
    assert sum(kind.conversions for kind in figures.kinds) == figures.denominators.bad
    assert sum(kind.payout for kind in figures.kinds) == pytest.approx(figures.denominators.bad_payout)


def test_injected_fraud_is_told_by_kind(reported):
    injection = reported.evaluated.injection
    assert injection.together.conversions == sum(kind.conversions for kind in injection.kinds) > 0
    assert {"winnow", "24metrics CPA"} <= set(injection.together.held)


def test_the_report_stands_alone_and_says_what_is_simulated(reported):
    page = reported.path.read_text()
    assert "simulated" in page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", page)
    shown = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "nan" not in re.findall(r"[a-z]+", shown.lower())
    assert "24metrics CPA" in shown
    json.dumps(reported.data, default=str, allow_nan=False)


def test_the_same_evaluation_gives_the_same_figures(programme):
    workspace, _ = programme
    wanted = Wanted(first=START + timedelta(days=14), truth=workspace.root / "truth.csv", teach=False, inject=False)
    first, second = (evaluate(workspace, wanted, NOW, QUIET) for _ in range(2))
    for one, other in zip(first.figures.methods, second.figures.methods, strict=True):
        if one.group != "PyOD":
            assert repr(one) == repr(other)
    assert first.figures.denominators == second.figures.denominators
    assert repr(first.figures.curves) == repr(second.figures.curves)


def test_outcomes_known_at_the_decision_are_no_merit(programme):
    workspace, made = programme
    truth = truth_of_history(Lake(workspace.lake).snapshot(), _said(), NOW)
    assert not truth.simulated
    assert set(truth.rows["bad"].unique()) == {0.0, 1.0}
    assert truth.rows["conversion_id"].is_unique().all()
    found = evaluate(workspace, Wanted(teach=False, inject=False), NOW, QUIET)
    known = found.figures.denominators
    bad = made.outcomes.filter(pl.col("outcome").is_in(["chargeback", "confirmed_fraud"]))["conversion_id"].n_unique()
    assert known.known_before > 0
    assert known.bad + known.known_before <= bad


def test_people_are_believed_before_outcomes(programme):
    workspace, made = programme
    charged = made.outcomes.filter(pl.col("outcome").is_in(["chargeback", "confirmed_fraud"]))["conversion_id"][0]
    truth = truth_of_history(Lake(workspace.lake).snapshot(), _said((charged, "clean")), NOW)
    assert truth.rows.filter(pl.col("conversion_id") == charged)["bad"].to_list() == [0.0]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("id,is_fraud\nc1,true\n", "conversion_id"),
        ("conversion_id,is_fraud\nc1,maybe\n", "truth.csv:2"),
        ("conversion_id,is_fraud\nc1,true\nc1,false\n", "twice"),
    ],
)
def test_a_truth_that_cannot_be_used_says_where(tmp_path, content, where):
    path = tmp_path / "truth.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=where):
        truth_of_file(path)


def test_a_truth_that_is_not_there_and_an_empty_lake(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        truth_of_file(tmp_path / "none.csv")
    with pytest.raises(InputError, match="winnow ingest"):
        evaluate(open_workspace(tmp_path, {}), Wanted(), NOW, QUIET)


@pytest.mark.parametrize("days", [1, 6, 7, 8, 20])
def test_every_day_is_played_again_once(days):
    periods = list(Days(START, START + timedelta(days=days - 1), 7).periods())
    played = [
        period.first + timedelta(days=i) for period in periods for i in range((period.last - period.first).days + 1)
    ]
    assert played == [START + timedelta(days=i) for i in range(days)]


def _said(*labels):
    return pl.DataFrame(list(labels), schema={"conversion_id": pl.String, "label": pl.String}, orient="row")
