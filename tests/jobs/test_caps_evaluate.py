"""`winnow evaluate caps` on a simulated programme: what it measures adds up, and the advice is worth taking."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from features.schema import Kind
from screening.cli.app import app
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.simulate import simulate, small_spec
from screening.workspace import open_workspace

NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
SPEC = replace(small_spec(date(2026, 5, 1)), clicks=15_000)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    root = tmp_path_factory.mktemp("caps") / "programme"
    workspace = open_workspace(root, {})
    programme = simulate(SPEC, 5)
    for kind in Kind:
        path = root / f"{kind}.parquet"
        programme.table(kind).write_parquet(path)
        ingest_files(workspace, kind, [path], Reading(), NOW, silent_progress())
    programme.truth.write_parquet(root / "truth.parquet")
    asked = ["evaluate", "caps", "--truth", str(root / "truth.parquet"), "--workspace", str(root), "--every", "3"]
    answer = CliRunner().invoke(app, [*asked, "--json"])
    assert answer.exit_code == 0, answer.output
    return programme, json.loads(answer.stdout)


def test_the_denominators_are_all_that_was_asked_for_in_the_days(evaluated):
    programme, found = evaluated
    assert (found["from"], found["to"], found["simulated"]) == ("2026-05-15", "2026-05-21", True)
    days = programme.conversions.filter(programme.conversions["ts"] >= datetime(2026, 5, 15, tzinfo=UTC))
    by_currency = {item["currency"]: item for item in found["currencies"]}
    for (currency,), rows in days.partition_by("currency", as_dict=True).items():
        item = by_currency.pop(currency)
        assert Decimal(item["payout"]) == rows["payout"].sum()
        bad = rows.join(programme.truth.filter("is_fraud").select("conversion_id"), on="conversion_id")
        assert item["bad"] == pytest.approx(float(bad["payout"].sum()))
        assert item["bad"] + item["clean"] == pytest.approx(float(item["payout"]))
    assert not by_currency


def test_advice_keeps_bad_payout_away_and_turns_little_clean_payout_away(evaluated):
    _, found = evaluated
    ways = [item["ways"] for item in found["currencies"]]
    assert all(way["no caps"]["saved"]["value"] == way["no caps"]["cost"]["value"] == 0 for way in ways)
    saved = sum(way["advice"]["saved"]["value"] for way in ways)
    cost = sum(way["advice"]["cost"]["value"] for way in ways)
    flagged = sum(way["pause when flagged"]["cost"]["value"] for way in ways)
    assert saved > 0.1 * sum(item["bad"] for item in found["currencies"])
    assert cost < 0.05 * sum(item["clean"] for item in found["currencies"])
    assert cost < flagged


def test_too_short_a_past_says_so(tmp_path):
    answer = CliRunner().invoke(app, ["evaluate", "caps", "--workspace", str(tmp_path / "empty")])
    assert (answer.exit_code, "too little history" in answer.stderr) == (2, True)
