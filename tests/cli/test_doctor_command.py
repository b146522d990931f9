"""`winnow doctor` as a person and as a program see it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from screening.cli.app import app


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workspace of this module: converting the packaged lists once is enough."""
    return tmp_path_factory.mktemp("doctor")


def test_a_person_sees_findings_remedies_and_a_count(place):
    place.chmod(0o755)
    answer = CliRunner().invoke(app, ["doctor", "--workspace", str(place)])
    lines = answer.stdout.splitlines()
    assert answer.exit_code == 0
    assert lines[0] == "ok       packages     screening, models and features are winnow's own"
    assert any(line.startswith(" " * 22 + "-> chmod o-rwx") for line in lines)
    assert " ok, " in lines[-1]
    assert "warning" in lines[-1]


def test_a_program_reads_the_same(place):
    answer = CliRunner().invoke(app, ["doctor", "--workspace", str(place), "--json"])
    body = json.loads(answer.stdout)
    assert {"subject", "health", "seen", "remedy"} == set(body["findings"][0])
    assert body["health"] == "warning"
    assert answer.exit_code == 0


def test_warnings_show_in_the_exit_status_where_the_settings_want_it(place):
    strict = {"WINNOW__DOCTOR__STRICT": "true"}
    assert CliRunner().invoke(app, ["doctor", "--workspace", str(place)], env=strict).exit_code == 3


def test_a_failure_ends_with_1(place):
    (place / "winnow.db").write_bytes(b"this is no database" * 100)
    answer = CliRunner().invoke(app, ["doctor", "--workspace", str(place), "--json"])
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["health"] == "failed"
