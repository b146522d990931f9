"""The demo: what a new user sees first must work, say that it is simulated, and be safe to repeat."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from typer.testing import CliRunner

from features.schema import Kind
from screening.cli.app import app
from screening.errors import WorkspaceError
from screening.jobs import demo
from screening.jobs.demo_story import spared_partner, worst_source
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import plain_progress, silent_progress
from screening.simulate import small_spec
from screening.store import DECISIONS, SOURCES, open_store
from screening.traffic.lake import Lake
from screening.workspace import open_workspace

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "demo_spec", small_spec)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace in which the demo ran, what it returned, and what it said on the way."""
    workspace, said = open_workspace(tmp_path_factory.mktemp("demo"), {}), []
    return workspace, demo.run_demo(workspace, NOW, plain_progress(said.append)), said


@pytest.fixture
def copied(finished, tmp_path):
    shutil.copytree(finished[0].root, tmp_path / "copy")
    return open_workspace(tmp_path / "copy", {})


def lake_digests(workspace):
    return sorted(part.digest for part in Lake(workspace.lake).snapshot().parts)


def test_everything_simulated_is_taken_in(finished):
    workspace, shown, said = finished
    for ingested in shown.ingested:
        totals = ingested.report.totals()
        assert totals["taken"] == totals["rows"] > 0
    conversions = Lake(workspace.lake).snapshot().frame(Kind.CONVERSIONS).select("conversion_id").collect()
    assert set(conversions["conversion_id"]) == set(shown.practice.labels()["conversion_id"])
    assert shown.practice.last == NOW.date() - timedelta(days=1)
    for part in ("simulating", "clicks", "screening", "scan"):
        assert any(part in line for line in said), part


def test_the_truth_stays_out_of_the_lake(finished):
    workspace, shown, _ = finished
    assert shown.practice.truth not in shown.practice.events.values()
    for part in Lake(workspace.lake).snapshot().parts:
        columns = pl.read_parquet_schema(workspace.lake / part.path)
        assert not {"is_fraud", "mechanic", "scheme"} & set(columns)


def test_every_conversion_and_every_line_has_a_decision(finished):
    _, shown, _ = finished
    assert set(shown.judgement.decisions["conversion_id"]) == set(shown.practice.labels()["conversion_id"])
    assert sum(total.lines for total in shown.gated.totals) == shown.gated.lines > 0
    due = pl.read_csv(shown.payout_file, schema_overrides={"payout": pl.String})
    gated = pl.read_csv(shown.gated.out, schema_overrides={"payout": pl.String})
    assert gated.select(due.columns).equals(due)
    assert sum(Decimal(text) for text in due["payout"]) == sum(total.amount for total in shown.gated.totals)


def test_applicants_are_screened_and_the_crawl_is_open_no_longer(finished):
    workspace, shown, _ = finished
    assert shown.applicants.screened
    assert sum(shown.applicants.counts.values()) == shown.applicants.screenings.height > 20
    example = workspace.root / shown.applicants.example["evidence"] / "report.html"
    assert example.is_file()
    assert workspace.settings.crawl.allow_networks == open_workspace(workspace.root, {}).settings.crawl.allow_networks
    assert not workspace.settings.crawl.allow_networks


def test_the_lesson_counts_all_money(finished):
    _, shown, _ = finished
    counted = sum((money.fraud + money.clean for money in shown.lesson.money), Decimal(0))
    assert counted == shown.judgement.decisions["payout"].sum()
    assert set(shown.lesson.kinds) == {str(kind) for kind in small_spec(NOW.date()).fraud}


def test_a_second_demo_shows_what_the_first_did_even_days_later(finished, copied):
    _, first, _ = finished
    before = lake_digests(copied)
    second = demo.run_demo(copied, NOW + timedelta(days=3), silent_progress())
    assert (second.practice.made, second.judgement.scanned, second.applicants.screened) == (False, False, False)
    assert second.gated.repeated
    assert second.gated.totals == first.gated.totals
    assert second.lesson == first.lesson
    assert second.lake_rows == first.lake_rows
    assert lake_digests(copied) == before
    with open_store(copied.store_url) as store:
        assert len(store.runs("scan")) == len(store.runs("screen")) == 1


def test_new_events_are_judged_by_a_new_scan(copied, tmp_path):
    more = tmp_path / "more.csv"
    more.write_text("click_id,ts,affiliate_id,offer_id\nc1,2026-06-01T10:00:00Z,a1001,o101\n")
    ingest_files(copied, Kind.CLICKS, [more], Reading(), NOW, silent_progress())
    assert demo.run_demo(copied, NOW + timedelta(hours=1), silent_progress()).judgement.scanned


def test_simulated_events_never_mix_with_others(tmp_path):
    workspace = open_workspace(tmp_path / "w", {})
    own = tmp_path / "own.csv"
    own.write_text("click_id,ts,affiliate_id,offer_id\nc1,2026-06-01T10:00:00Z,a,o\n")
    ingest_files(workspace, Kind.CLICKS, [own], Reading(), NOW, silent_progress())
    before = lake_digests(workspace)
    with pytest.raises(WorkspaceError, match="must not mix"):
        demo.run_demo(workspace, NOW, silent_progress())
    assert lake_digests(workspace) == before
    assert not (workspace.root / demo.FOLDER).exists()


@pytest.fixture
def told(copied):
    return CliRunner().invoke(app, ["demo", "--workspace", str(copied.root)])


def test_the_command_says_that_it_is_simulated_and_how_it_went(told, finished):
    assert told.exit_code == 0, told.output
    assert "its fraud is simulated" in told.stdout or "the fraud in it is simulated" in told.stdout
    assert "simulated fraudulent payout" in told.stdout
    assert "held by mistake" in told.stdout
    assert finished[1].judgement.run.run_id in told.stdout


def test_the_command_suggests_only_what_exists(told, copied):
    lines = [line.strip() for line in told.stdout.partition("Look next:")[2].splitlines()]
    commands = [line for line in lines if line.startswith("winnow ")]
    assert len(commands) >= 2
    verbs = {command.name for command in app.registered_commands} | {group.name for group in app.registered_groups}
    assert {command.split()[1] for command in commands} <= verbs
    replay = next(command for command in commands if command.startswith("winnow replay"))
    assert CliRunner().invoke(app, replay.split()[1:]).stdout.startswith("identical")
    paths = [line for line in lines if line.startswith(str(copied.root))]
    assert len(paths) >= 3
    for path in paths:
        assert (copied.root / path).is_file(), path


def test_json_has_the_same_and_sums_as_text(copied):
    body = json.loads(CliRunner().invoke(app, ["demo", "--workspace", str(copied.root), "--json"]).stdout)
    assert body["simulated"] is True
    assert body["made"] is False
    assert body["lake_rows"]["conversions"] == body["scan"]["counts"]["conversions"]
    assert all(Decimal(total["amount"]) >= 0 for total in body["payout"]["totals"])


def decisions(rows):
    frame = pl.DataFrame(rows, schema=["affiliate_id", "sub_id", "currency", "payout", "decision"], orient="row")
    return frame.with_columns(pl.col("payout").cast(DECISIONS["payout"]))


def test_a_spared_partner_is_mostly_paid_and_loses_one_sub_id():
    rows = [
        ("good", "a", "USD", "60", "pay"),
        ("good", "b", "USD", "20", "hold"),
        ("good", None, "USD", "30", "pay"),
        ("bad", "a", "USD", "500", "hold"),
        ("bad", "b", "USD", "500", "hold"),
    ]
    spared = spared_partner(decisions(rows))
    assert (spared.affiliate_id, spared.sub_id, spared.held, spared.paid) == ("good", "b", Decimal(20), Decimal(90))
    assert spared_partner(decisions(rows[3:])) is None
    assert spared_partner(decisions(rows[:1])) is None


def test_no_flagged_source_is_no_story():
    assert worst_source(pl.DataFrame(schema=SOURCES)) is None


def test_people_change_limits_answer_an_appeal_and_the_ledger_balances(finished):
    workspace, shown, _ = finished
    day = shown.day
    assert {cap.row["action"] for cap in day.caps} <= {"raise", "lower"}
    assert len(day.caps) == len(day.pushed)
    assert all(line.gated == line.ledger for line in day.balance)
    assert sum(day.letters.values()) == len(list((workspace.root / "reports" / "letters").rglob("*.eml"))) > 0
    if day.appeal is not None:
        assert day.appeal.answer.status == "overturned"
        assert day.released.totals[0].decision == "pay"


def test_a_second_demo_shows_the_same_day_and_pays_nothing_twice(copied, finished):
    first = finished[1].day
    again = demo.run_demo(copied, NOW + timedelta(hours=1), silent_progress()).day
    assert [cap.row["cap_id"] for cap in again.caps] == [cap.row["cap_id"] for cap in first.caps]
    assert again.balance == first.balance
    assert sum(again.letters.values()) == 0
