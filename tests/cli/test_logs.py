"""The structured log: JSON lines that tell what happened and nobody's secrets or data."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from screening.cli.app import app
from screening.logs import events, start_log
from screening.settings.logs import LogSettings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    """Start a log into a file and return what reads it."""
    start_log(LogSettings(target="file", level="info"), tmp_path, NOW)
    path = tmp_path / "logs" / "winnow-2026-03-02.jsonl"
    yield lambda: [json.loads(line) for line in path.read_text().splitlines()]
    start_log(LogSettings(target="none", level="info"), tmp_path, NOW)


def test_an_event_is_one_line_with_its_members(log):
    events().info("stage ended", stage="scan", seconds=1.5, files=3)
    events().debug("too small")
    (line,) = log()
    assert {name: line[name] for name in ("event", "level", "stage", "seconds", "files")} == {
        "event": "stage ended",
        "level": "info",
        "stage": "scan",
        "seconds": 1.5,
        "files": 3,
    }
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None


@pytest.mark.parametrize(
    "said",
    [
        "postgresql://winnow:hunter2@db/x failed",
        "mail to jo.doe+x@shop.example bounced",
        "click from 203.0.113.77 refused",
        "click from 2001:db8::1:2 refused",
    ],
)
def test_secrets_and_personal_data_are_masked_wherever_they_stand(log, said):
    private = [word for word in ("hunter2", "jo.doe", "203.0.113.77", "2001:db8") if word in said]
    events().warning(said, where=said, inner={"deep": [said]})
    events().warning("x", api_key="hunter2", nested={"password": said})
    logging.getLogger("screening.anything").warning("told: %s", said)
    text = json.dumps(log())
    assert private
    assert [word for word in private if word in text] == []


def test_times_and_versions_are_left_as_they_are(log):
    events().info("x", at="2026-03-02T12:34:56.123456+00:00", clock="12:34:56", version="1.2.3")
    (line,) = log()
    assert (line["at"], line["clock"], line["version"]) == ("2026-03-02T12:34:56.123456+00:00", "12:34:56", "1.2.3")


def test_an_exception_tells_its_type_and_place_and_never_what_it_quotes(log):
    def fail():
        raise ValueError("row of Jo Doe cannot be read")

    try:
        fail()
    except ValueError:
        logging.getLogger("screening.jobs").exception("reading failed")
    (line,) = log()
    assert line["error"] == "ValueError"
    assert line["at"][-1].startswith("test_logs.py:")
    assert "Jo Doe" not in json.dumps(line)


def test_without_a_target_nothing_is_written(tmp_path, capsys):
    start_log(LogSettings(target="none", level="info"), tmp_path, NOW)
    events().error("nobody listens")
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "logs").exists()


def test_a_log_that_cannot_be_written_goes_to_standard_error(tmp_path, capsys):
    (tmp_path / "logs").write_text("in the way")
    start_log(LogSettings(target="file", level="info"), tmp_path, NOW)
    events().info("heard")
    start_log(LogSettings(target="none", level="info"), tmp_path, NOW)
    said = capsys.readouterr().err
    assert "the log cannot be written" in said
    assert '"event": "heard"' in said


def test_standard_output_stays_for_the_answer(tmp_path):
    settings = {"WINNOW__LOGS__TARGET": "stderr"}
    command = ["nightly", "--dry-run", "--json", "--workspace", str(tmp_path / "w")]
    answer = CliRunner().invoke(app, command, env=settings)
    assert json.loads(answer.stdout)["stages"]
