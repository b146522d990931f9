"""`winnow lists` as a person and a program use it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from screening.cli.app import app


@pytest.fixture
def winnow(tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_WORKSPACE", str(tmp_path / "workspace"))
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["lists", *map(str, arguments)])


def test_update_reports_bad_lines_and_show_says_what_is_there(winnow, tmp_path):
    path = tmp_path / "exits.txt"
    path.write_text("".join(f"20.1.1.{last}\n" for last in range(30)) + "20.1.1.300\n")
    updated = winnow("update", "tor", path)
    assert updated.exit_code == 3
    assert f"{path}:31" in updated.stdout
    shown = json.loads(winnow("show", "--json").stdout)
    tor = next(entry for entry in shown["lists"] if entry["name"] == "tor")
    assert (tor["rows"], tor["refused"], tor["stale"], tor["origin"]) == (30, 1, False, "imported")
    assert shown["lacking"] == []
    table = winnow("show")
    assert table.exit_code == 0
    assert "geoip2fast-country" in table.stdout


def test_old_lists_are_called_stale(winnow, monkeypatch):
    monkeypatch.setenv("WINNOW__LISTS__MAX_AGE_DAYS", "1")
    assert "STALE" in winnow("show").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tor", "nowhere.txt"), "no such file"),
        (("tor", __file__), "no list"),
        (("tor", __file__, "--format", "xml"), "Unknown format"),
        (("tor", __file__, "--class", "nice"), "Unknown class"),
    ],
)
def test_what_cannot_be_used_ends_with_two(winnow, arguments, said):
    result = winnow("update", *arguments, "--json")
    assert result.exit_code == 2
    assert said in json.loads(result.stdout)["cause"]
