"""Runs keep the settings that held, but never a password in them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from screening.cli.app import app
from screening.store import open_store

SECRET = {"WINNOW__CRAWL__USER_AGENT": "checker (https://winnow:open-sesame@example.org/)"}


@pytest.mark.parametrize(
    ("content", "command"),
    [
        ("application_id,name,email,websites\nA1,Ada,ada@shop.example,https://shop.example\n", ["screen"]),
        ("conversion_id,affiliate_id,payout,currency\nc1,a1,1.00,EUR\n", ["payout", "gate", "--out", "gated.csv"]),
    ],
)
def test_a_run_records_no_password(tmp_path, monkeypatch, content, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text(content, encoding="utf-8")
    answer = CliRunner().invoke(app, [*command, "in.csv", "--workspace", "w"], env=SECRET)
    assert answer.exit_code == 3, answer.output
    with open_store(f"sqlite:///{tmp_path / 'w' / 'winnow.db'}") as store:
        (run,) = store.runs()
    recorded = json.dumps(dict(run.settings))
    assert "https://winnow:***@example.org/" in recorded
    assert "open-sesame" not in recorded
