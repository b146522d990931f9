"""`winnow config` as a person and as a program see it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from screening.cli.app import app


@pytest.fixture
def winnow(tmp_path):
    """Return a function that runs winnow in a workspace of its own."""

    def run(*arguments: str, **environment: str):
        return CliRunner().invoke(app, [*arguments, "--workspace", str(tmp_path)], env=environment)

    return run


def test_the_listing_says_what_is_not_the_default(winnow, tmp_path):
    (tmp_path / "config.yaml").write_text("engine: spark\n", encoding="utf-8")
    lines = winnow("config").stdout.splitlines()
    assert f"engine: spark  # set by {tmp_path / 'config.yaml'}:1" in lines
    assert "crawl.fetch.redirects: 5" in lines


def test_explain_gives_meaning_range_and_source(winnow):
    shown = winnow("config", "crawl.fetch.redirects", "--explain", WINNOW__CRAWL__FETCH__REDIRECTS="9").stdout
    assert shown.splitlines() == [
        "crawl.fetch.redirects: 9",
        "    Most redirects that one fetch follows.",
        "    Allowed: whole number from 0 to 20 hops.",
        "    Set by WINNOW__CRAWL__FETCH__REDIRECTS.",
        "",
    ]


def test_json_is_one_object_with_every_setting(winnow):
    answer = winnow("config", "--json")
    rows = {row["key"]: row for row in json.loads(answer.stdout)["settings"]}
    assert rows["engine"]["value"] == "polars"
    assert rows["engine"]["default"] is True
    assert rows["crawl.allow_networks"]["value"] == []


def test_a_section_limits_what_is_shown(winnow):
    rows = json.loads(winnow("config", "store", "--json").stdout)["settings"]
    assert [row["key"] for row in rows] == ["store.url"]
    assert winnow("config", "stor").exit_code == 2


def test_a_password_is_never_shown(winnow):
    for arguments in (("config",), ("config", "--explain"), ("config", "--json")):
        answer = winnow(*arguments, WINNOW__STORE__URL="postgresql://u:secret@h/db")
        assert answer.exit_code == 0
        assert "postgresql://u:***@h/db" in answer.stdout
        assert "secret" not in answer.stdout


def test_a_bad_setting_ends_with_2_and_a_json_error(winnow):
    answer = winnow("config", "--json", WINNOW__ENGINE="duckdb")
    assert answer.exit_code == 2
    assert json.loads(answer.stdout)["where"] == "WINNOW__ENGINE"
    assert "one of polars, spark" in answer.stderr
