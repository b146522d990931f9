"""The demo: what a new user sees first must work, say that it is simulated, and be safe to repeat."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from typer.testing import CliRunner

from features.schema import Kind
from screening.cli.app import app
from screening.errors import IntegrityError, WorkspaceError
from screening.jobs import demo
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import plain_progress, silent_progress
from screening.simulate import small_spec
from screening.traffic.lake import Lake
from screening.workspace import open_workspace

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(demo, "demo_spec", small_spec)


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "w", {})


def lake_digests(workspace):
    return sorted(part.digest for part in Lake(workspace.lake).snapshot().parts)


def test_everything_simulated_is_taken_in(workspace):
    said = []
    shown = demo.run_demo(workspace, NOW, plain_progress(said.append))
    for ingested in shown.ingested:
        totals = ingested.report.totals()
        assert totals["taken"] == totals["rows"] > 0
    labels = shown.practice.labels()
    snapshot = Lake(workspace.lake).snapshot()
    conversions = snapshot.frame(Kind.CONVERSIONS).select("conversion_id").collect()
    assert set(conversions["conversion_id"]) == set(labels["conversion_id"])
    assert shown.practice.last == NOW.date() - timedelta(days=1)
    assert max(snapshot.days(Kind.CLICKS)) == shown.practice.last
    assert any(line.startswith("simulating") for line in said)
    assert any("clicks" in line for line in said)


def test_the_truth_stays_out_of_the_lake(workspace):
    shown = demo.run_demo(workspace, NOW, silent_progress())
    assert shown.practice.truth not in shown.practice.events.values()
    for part in Lake(workspace.lake).snapshot().parts:
        columns = pl.read_parquet_schema(workspace.lake / part.path)
        assert not {"is_fraud", "mechanic", "scheme"} & set(columns)


def test_a_second_demo_finds_the_first_even_days_later(workspace):
    first = demo.run_demo(workspace, NOW, silent_progress())
    before = lake_digests(workspace)
    second = demo.run_demo(workspace, NOW + timedelta(days=3), silent_progress())
    assert (first.practice.made, second.practice.made) == (True, False)
    assert second.practice.start == first.practice.start
    assert second.lake_rows == first.lake_rows
    assert lake_digests(workspace) == before


def test_damaged_practice_files_are_made_again_as_they_were(workspace):
    first = demo.run_demo(workspace, NOW, silent_progress())
    clicks = first.practice.events[Kind.CLICKS]
    whole = clicks.read_bytes()
    clicks.write_bytes(whole[:1000])
    first.practice.truth.unlink()
    again = demo.run_demo(workspace, NOW + timedelta(days=3), silent_progress())
    assert again.practice.made
    assert clicks.read_bytes() == whole
    assert len(again.practice.labels()) == again.lake_rows[Kind.CONVERSIONS]


def test_a_demo_that_was_cut_short_starts_again(workspace, monkeypatch):
    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as cutting:
        cutting.setattr("screening.simulate.practice.write_truth", cut)
        with pytest.raises(KeyboardInterrupt):
            demo.run_demo(workspace, NOW, silent_progress())
    shown = demo.run_demo(workspace, NOW, silent_progress())
    assert shown.practice.made
    assert len(shown.practice.labels()) == shown.lake_rows[Kind.CONVERSIONS]


def test_simulated_events_never_mix_with_others(workspace, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("click_id,ts,affiliate_id,offer_id\nc1,2026-06-01T10:00:00Z,a,o\n")
    ingest_files(workspace, Kind.CLICKS, [own], Reading(), NOW, silent_progress())
    before = lake_digests(workspace)
    with pytest.raises(WorkspaceError, match="must not mix"):
        demo.run_demo(workspace, NOW, silent_progress())
    assert lake_digests(workspace) == before
    assert not (workspace.root / demo.FOLDER).exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"start": "yesterday"}', '{"start": "2026-01-01", "files": 3}'])
def test_a_record_that_cannot_be_read_is_an_error_not_a_fresh_start(workspace, text):
    (workspace.root / demo.FOLDER).mkdir()
    (workspace.root / demo.FOLDER / "programme.json").write_text(text)
    with pytest.raises(IntegrityError, match=r"programme\.json"):
        demo.run_demo(workspace, NOW, silent_progress())


def test_the_command_says_that_it_is_simulated_and_what_to_look_at_next(tmp_path):
    place = str(tmp_path / "w")
    shown = CliRunner().invoke(app, ["demo", "--workspace", place])
    assert shown.exit_code == 0, shown.output
    assert "simulated" in shown.stdout
    assert "Look next:" in shown.stdout
    data = CliRunner().invoke(app, ["demo", "--workspace", place, "--json"])
    body = json.loads(data.stdout)
    assert body["simulated"] is True
    assert body["made"] is False
    assert body["lake_rows"]["conversions"] > 0


def test_the_command_suggests_only_commands_that_exist(tmp_path):
    place = str(tmp_path / "w")
    shown = CliRunner().invoke(app, ["demo", "--workspace", place])
    suggested = [line.strip() for line in shown.stdout.splitlines() if line.strip().startswith("winnow ")]
    assert suggested
    verbs = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert {line.split()[1] for line in suggested} <= verbs
