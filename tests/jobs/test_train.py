"""Training as a user relies on it: repeatable, never in charge by itself, in the shadow until a person promotes it."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from features.schema import Kind
from screening.errors import InputError, IntegrityError
from screening.jobs.drift import drift
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.models import list_models, promote_model, retire_model
from screening.jobs.progress import silent_progress
from screening.jobs.replay import replay
from screening.jobs.scan import scan
from screening.jobs.train import train
from screening.simulate import simulate, small_spec
from screening.store import open_store
from screening.store.observations import SHADOW
from screening.store.registry import CHALLENGER, CHAMPION, RETIRED
from screening.traffic.champion import model_path
from screening.traffic.gather import Books
from screening.traffic.history import Past, as_decided
from screening.traffic.lake import Lake
from screening.traffic.lists import load_book
from screening.workspace import open_workspace

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
START = date(2026, 5, 1)
WHOLE = (None, None)
KINDS = (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES, Kind.AFFILIATES)
QUICK = {
    "replicates": 1,
    "trees": 12,
    "rounds": 1,
    "folds": 2,
    "leaves": 8,
}
QUIET = silent_progress()


def opened(root):
    """Open a workspace whose lessons are short."""
    root.mkdir(parents=True, exist_ok=True)
    few = {"affiliates_min": 3}  # a small programme has few partners
    (root / "config.yaml").write_text(json.dumps({"training": {"injection": QUICK}, "drift": few}))
    return open_workspace(root, {})


def taken_in(workspace, tables):
    for kind, table in tables.items():
        if table.height:
            path = workspace.root / f"{kind}.parquet"
            table.write_parquet(path)
            ingest_files(workspace, kind, [path], Reading(), NOW, QUIET)
    return workspace


@pytest.fixture(scope="module")
def programme():
    return simulate(replace(small_spec(START), clicks=12_000, conversions=1_400, affiliates=30), 5)


@pytest.fixture(scope="module")
def lived(tmp_path_factory, programme):
    """Scanned, taught, scanned again with the taught judge in the shadow."""
    workspace = taken_in(opened(tmp_path_factory.mktemp("train")), {kind: programme.table(kind) for kind in KINDS})
    before = scan(workspace, WHOLE, NOW, QUIET)
    trained = train(workspace, NOW, QUIET)
    after = scan(workspace, WHOLE, NOW, QUIET)
    return workspace, before, trained, after


@pytest.fixture
def copy(lived, tmp_path):
    shutil.copytree(lived[0].root, tmp_path / "copy")
    return open_workspace(tmp_path / "copy", {})


def decisions(workspace, run_id):
    with open_store(workspace.store_url) as store:
        return store.decisions(run_id).drop("run_id")


def test_a_trained_model_is_a_challenger_with_its_origin_written_down(lived):
    workspace, _, trained, _ = lived
    record = trained.record
    assert [(model.version, model.role) for model in list_models(workspace)] == [(record.version, CHALLENGER)]
    content = model_path(workspace.root / "models", record.digest).read_bytes()
    assert hashlib.sha256(content).hexdigest() == record.digest
    assert (record.data_from, record.data_to) == (START, START + timedelta(days=20))
    assert len(record.feature_schema["features"]) > 100
    assert record.metrics["outcomes"]["conversions"] == record.metrics["conversions"]
    with open_store(workspace.store_url) as store:
        assert store.run(record.metrics["run_id"]).inputs
        assert [event.action for _, event in store.audit.events(f"model taught {record.version}")] == ["model trained"]


def test_the_same_history_gives_the_same_model_and_adds_nothing(lived, copy):
    again = train(copy, NOW, QUIET)
    assert again.known_before
    assert again.record == lived[2].record
    assert len(list_models(copy)) == 1


def test_a_challenger_changes_no_decision_and_is_compared(lived):
    workspace, before, trained, after = lived
    told = decisions(workspace, before.run.run_id)
    assert (
        decisions(workspace, after.run.run_id)
        .select("conversion_id", "decision", "reasons", "payout")
        .equals(told.select("conversion_id", "decision", "reasons", "payout"))
    )
    with open_store(workspace.store_url) as store:
        seen = {found.kind: found for found in store.observations.of_run(after.run.run_id)}
    shadow = seen[SHADOW]
    assert shadow.subject == trained.record.version
    details = shadow.details
    cases = ("both_stop", "only_champion_stops", "only_challenger_stops", "both_pay")
    assert sum(details[case] for case in cases) == details["conversions"] == told.height
    total = sum(Decimal(amount) for case in cases for amount in details["payout"][case].values())
    assert total == told["payout"].sum()


def test_the_first_scan_of_a_model_is_the_reference_and_the_next_is_compared(lived):
    workspace, before, _, after = lived
    assert drift(workspace, before.run.run_id).is_reference
    seen = drift(workspace, after.run.run_id)
    assert not seen.is_reference
    assert (seen.drifted, seen.score) == (0, "steady")  # the same days as the reference
    assert "Nothing has moved" in seen.sentence()


def test_a_promoted_model_judges_and_a_person_answers_for_it(lived, copy):
    version = lived[2].record.version
    changed = promote_model(copy, version, " Ann ", NOW)
    assert (changed.before, changed.after) == ("shipped", version)
    run = scan(copy, WHOLE, NOW, QUIET).run
    assert run.versions["model"] == lived[2].record.digest
    assert replay(copy, run.run_id).identical
    assert not drift(copy, run.run_id).is_reference  # its reference is the days that it was taught on
    with open_store(copy.store_url) as store:
        number, event = store.audit.events(f"model taught {version}")[-1]
        assert (event.actor, event.action) == ("Ann", "model promoted")
        assert store.audit.verify().count >= number
    retired = retire_model(copy, version, "Ann", NOW)
    assert retired.after == "shipped"
    assert list_models(copy)[0].role == RETIRED
    with pytest.raises(InputError, match="retired already"):
        retire_model(copy, version, "Ann", NOW)


def test_the_shipped_judge_can_be_brought_back(lived, copy):
    version = lived[2].record.version
    promote_model(copy, version, "Ann", NOW)
    assert list_models(copy)[0].role == CHAMPION
    assert promote_model(copy, "shipped", "Ben", NOW).before == version
    assert list_models(copy)[0].role == RETIRED


@pytest.mark.parametrize("damage", ["altered", "gone"])
def test_a_model_file_that_is_not_what_was_recorded_is_refused(lived, copy, damage):
    record = lived[2].record
    path = model_path(copy.root / "models", record.digest)
    content = path.read_bytes()
    promoted = damage == "altered"
    if promoted:
        promote_model(copy, record.version, "Ann", NOW)
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(IntegrityError, match="not what was recorded"):
            scan(copy, WHOLE, NOW, QUIET)
    else:
        path.unlink()
    with pytest.raises(IntegrityError):
        promote_model(copy, record.version, "Ann", NOW)
    assert list_models(copy)[0].role == (CHAMPION if promoted else CHALLENGER)


def test_a_broken_challenger_does_not_stop_the_scan(lived, copy):
    model_path(copy.root / "models", lived[2].record.digest).write_bytes(b"nothing")
    run = scan(copy, (START + timedelta(days=20), None), NOW, QUIET).run
    with open_store(copy.store_url) as store:
        shadow = next(found for found in store.observations.of_run(run.run_id) if found.kind == SHADOW)
    assert "not what was recorded" in shadow.details["error"]


def test_an_act_without_a_name_or_a_model_is_refused(lived, copy):
    with pytest.raises(InputError, match="Nobody is named"):
        promote_model(copy, lived[2].record.version, "  ", NOW)
    with pytest.raises(InputError, match="There is no model"):
        promote_model(copy, "20200101-nothing", "Ann", NOW)
    assert list_models(copy)[0].role == CHALLENGER


def test_too_little_history_is_said_and_nothing_is_registered(tmp_path, programme):
    workspace = taken_in(opened(tmp_path / "small"), {Kind.CONVERSIONS: programme.conversions.head(60)})
    with pytest.raises(InputError, match="too few"):
        train(workspace, NOW, QUIET)
    assert list_models(workspace) == []
    with pytest.raises(InputError, match="winnow ingest"):
        train(open_workspace(tmp_path / "empty", {}), NOW, QUIET)


def test_features_of_the_past_know_nothing_of_what_came_later(lived, tmp_path, programme):
    """The same days as decided then, from a lake that ends there and from one that goes on."""
    last = START + timedelta(days=13)
    until = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    early = {kind: programme.table(kind) for kind in KINDS}
    early |= {kind: early[kind].filter(pl.col("ts") < until) for kind in (Kind.CLICKS, Kind.CONVERSIONS, Kind.OUTCOMES)}
    ended = taken_in(opened(tmp_path / "ended"), early)
    nobody = pl.DataFrame(schema={"conversion_id": pl.String, "label": pl.String})
    found = []
    for workspace in (ended, lived[0]):
        books = Books(*load_book(workspace.folder("lists")))
        past = Past(START, last, 7, NOW)
        rows = as_decided(Lake(workspace.lake).snapshot(), past, books, workspace.folder("rollups"), nobody)
        found.append(rows.sort("conversion_id"))
    features = [name for name in found[0].columns if name not in ("bad", "age_days", "certain", "delay_days")]
    then, now = (frame.select(features) for frame in found)
    assert then.height > 300
    for name in features:
        if then[name].dtype.is_float():
            assert ((then[name] - now[name]).abs().fill_null(0) < 1e-9).all(), name
            assert then[name].is_null().equals(now[name].is_null()), name
        else:
            assert then[name].equals(now[name]), name
    assert found[1]["bad"].sum() > found[0]["bad"].sum()
