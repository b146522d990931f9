"""`winnow ingest` as a person and as a job sees it: what it prints, what `--json` holds, how it ends."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from screening.cli.app import app

HEAD = "click_id,ts,affiliate_id,offer_id,ip,colour\n"


@pytest.fixture
def winnow(tmp_path):
    def run(*arguments: object):
        return CliRunner().invoke(app, ["ingest", *map(str, arguments), "--workspace", str(tmp_path / "programme")])

    return run


def write(path, text: str):
    path.write_text(text)
    return path


def test_good_rows_end_with_0_and_the_same_again_changes_nothing(winnow, tmp_path):
    path = write(tmp_path / "a.csv", HEAD + "k1,2026-01-01,a,o,,red\nk2,2026-01-02,a,o,,red\n")
    first = winnow("clicks", path)
    assert first.exit_code == 0
    assert first.stdout.splitlines() == [
        f"{path}: 2 rows: 2 taken, 0 repeated, 0 quarantined, 0 skipped",
        "    columns not used: colour",
        "2 clicks are new in the lake, which is now at version 1.",
    ]
    again = winnow("clicks", path)
    assert again.exit_code == 0
    assert again.stdout.splitlines() == [
        f"{path}: already taken, at version 1: 2 rows",
        "Nothing new: the lake stays at version 1.",
    ]


def test_refused_rows_end_with_3_and_the_place_of_their_reasons(winnow, tmp_path):
    path = write(tmp_path / "a.csv", HEAD + "k1,2026-01-01,a,o,1.2.3.999,\n,2026-01-01,a,o,,\n\nk3,x,a,o,,\n")
    result = winnow("clicks", path)
    assert result.exit_code == 3
    quarantine = tmp_path / "programme" / "quarantine" / "ingest-00000001.jsonl"
    assert result.stdout.splitlines() == [
        f"{path}: 4 rows: 1 taken, 0 repeated, 2 quarantined, 1 skipped",
        "    quarantined: 1 missing_value, 1 bad_time",
        "    skipped: 1 blank_line",
        "    rows taken without a field: 1 ip (bad_address)",
        "    columns not used: colour",
        f"Refused rows, each with its reason and remedy: {quarantine}",
        "1 clicks are new in the lake, which is now at version 1.",
    ]
    entries = [json.loads(line) for line in quarantine.read_text().splitlines()]
    assert {(entry["line"], entry["effect"], entry["reason"]) for entry in entries} == {
        (2, "field", "bad_address"), (3, "row", "missing_value"), (5, "row", "bad_time")
    }  # fmt: skip
    assert winnow("clicks", path).exit_code == 3


def test_json_is_one_object_and_nothing_else(winnow, tmp_path):
    path = write(tmp_path / "a.csv", HEAD + "k1,2026-01-01,a,o,,\nk1,2026-01-01,b,o,,\n")
    result = winnow("clicks", path, "--json")
    assert result.exit_code == 3
    data = json.loads(result.stdout)
    assert {name: data[name] for name in ("kind", "lake_version", "rows", "taken", "quarantined")} == {
        "kind": "clicks", "lake_version": 1, "rows": 2, "taken": 1, "quarantined": 1
    }  # fmt: skip
    (file,) = data["files"]
    assert file["reasons"] == {"duplicate_id_in_file": 1}
    assert file["columns_ignored"] == ["colour"]
    assert "reading" in result.stderr


def test_an_unusable_file_ends_with_2_and_a_remedy(winnow, tmp_path):
    path = write(tmp_path / "a.csv", "click,ts,affiliate_id,offer_id\n")
    result = winnow("clicks", path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"winnow: {path}: Required columns of clicks are missing: `click_id`." in result.stderr
    assert "Closest: click for click_id. Name the column with --map click_id=COLUMN" in result.stderr
    body = json.loads(winnow("clicks", path, "--json").stdout)
    assert (body["error"], body["where"]) == ("InputError", str(path))
    good = write(tmp_path / "b.csv", HEAD + "k1,2026-01-01,a,o,,\n")
    both = winnow("clicks", path, good)
    assert both.exit_code == 2
    assert f"{path}: refused." in both.stdout
    assert "2 files: 1 refused, 1 taken; 1 row: 1 taken, 0 repeated, 0 quarantined, 0 skipped" in both.stdout


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("clicks", "none.csv"), "cannot be read: No such file"),
        (("clicks", "a.csv", "--map", "click_id"), "is not CANONICAL=SOURCE"),
        (("clicks", "a.csv", "--map", "colour=x"), "clicks have no column `colour`"),
        (("clicks", "a.csv", "--profile", "nobody"), "There is no profile `nobody`"),
        (("clicks", "a.csv", "--timezone", "Mars"), "There is no time zone `Mars`"),
        (("sales", "a.csv"), "'sales' is not one of"),
    ],
)
def test_wrong_arguments_end_with_2(winnow, tmp_path, monkeypatch, arguments, cause):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.csv", HEAD)
    result = winnow(*arguments)
    assert result.exit_code == 2
    assert cause in result.stderr.replace("\n", " ")


def test_a_folder_stands_for_all_files_below_it(winnow, tmp_path):
    folder = tmp_path / "exports" / "january"
    folder.mkdir(parents=True)
    for number in range(30):
        write(folder / f"{number}.csv", HEAD + f"k{number},2026-01-01,a,o,,\n")
    write(folder / ".hidden", "not an export")
    result = winnow("clicks", tmp_path / "exports")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "30 files: 30 taken; 30 rows: 30 taken, 0 repeated, 0 quarantined, 0 skipped",
        "30 clicks are new in the lake, which is now at version 1.",
    ]
    (tmp_path / "nothing").mkdir()
    assert winnow("clicks", tmp_path / "nothing").exit_code == 2


def test_help_has_an_example(winnow):
    result = CliRunner().invoke(app, ["ingest", "--help"])
    assert result.exit_code == 0
    assert "winnow ingest clicks" in result.stdout


def test_the_command_itself_runs(tmp_path):
    path = write(tmp_path / "a.csv", HEAD + "k1,2026-01-01,a,o,,\n")
    command = [sys.executable, "-c", "from screening.cli.entry import main; main()", "ingest", "clicks", path]
    done = subprocess.run(
        [*command, "--workspace", tmp_path / "programme", "--json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, json.loads(done.stdout)["taken"]) == (0, 1), done.stderr
