"""`winnow screen` as a user meets it: exit statuses, messages, quarantine, re-screening, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import yaml
from typer.testing import CliRunner

from features.schema import Kind
from screening.applicants import study as study_module
from screening.applicants.crawl.journal import JOURNAL_NAME
from screening.cli.app import app
from screening.jobs import screen as screen_job
from screening.jobs import screen_gather
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.simulate.farm import NETWORK
from screening.simulate.farm_answers import Site, html
from screening.simulate.farm_server import serve
from screening.workspace import open_workspace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEXT = " ".join(f"word{number}" for number in range(400))
MENU = "<a href='/about'>About</a><a href='/contact'>Contact</a><a href='/privacy'>Privacy</a><p>Jane Doe</p>"
GOOD = html(f"<title>Kettle</title><h1>Kettle</h1>{MENU}<p>{TEXT}</p>")
FRAME = "<iframe src='https://www.awin1.com/cread.php?awinaffid=1' width=1></iframe>"
STUFFED = html(f"<title>Kettle</title>{MENU}<p>{TEXT}</p>{FRAME}")


@pytest.fixture
def place(tmp_path):
    """A workspace with one good site; `site['answer']` is what it shows."""
    shown = {"answer": GOOD}
    with serve({"kettle.example": Site("kettle.example", {}, lambda _: shown["answer"])}, 1) as served:
        (tmp_path / "hosts").write_text("".join(f"{address} {host}\n" for host, address in served.addresses.items()))
        crawl = {
            "hosts": str(tmp_path / "hosts"),
            "allow_networks": [str(NETWORK)],
            "allow_ports": [served.port],
            "threads": 4,
            "site": {"delay_seconds": 0},
        }
        settings = {"crawl": crawl, "screening": {"audit_share": 0}}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
        yield tmp_path, f"http://kettle.example:{served.port}/", shown


def written(root, *rows):
    header = "application_id,name,email,websites\n"
    (root / "a.csv").write_text(header + "".join(",".join(row) + "\n" for row in rows))
    return str(root / "a.csv")


def run(root, *arguments):
    return CliRunner().invoke(app, ["screen", *arguments, "--workspace", str(root)])


def test_an_honest_site_is_approved_and_said_so(place):
    root, url, _ = place
    result = run(root, written(root, ("A1", "Jane Doe", "jane@gmail.com", url)))
    assert result.exit_code == 0, result.output
    assert "1 screened: 1 approve, 0 review, 0 reject" in result.stdout
    assert "NOTICE  The crawl guard is open: crawl.allow_networks" in result.stdout
    assert (root / "evidence" / "A1" / "report.html").is_file()


def test_bad_rows_are_set_aside_and_named(place):
    root, url, _ = place
    file = written(root, ("A1", "Jane Doe", "jane@gmail.com", url), ("A2", "Joe", "nonsense", url))
    result = run(root, file)
    assert result.exit_code == 3
    assert f"{file}:3 email" in result.stdout
    (quarantined,) = (root / "quarantine").glob("applications-*.jsonl")
    body = json.loads(quarantined.read_text())
    assert (body["line"], body["field"], body["application_id"]) == (3, "email", "A2")
    assert body["remedy"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://10.0.0.1/", "site_refused"),
        ("http://kettle.internal/", "site_refused"),
        ("http://kettle.example:1/", "site_refused"),
    ],
)
def test_what_cannot_be_seen_goes_to_a_person(place, url, reason):
    root, _, _ = place
    result = run(root, written(root, ("A1", "Jane Doe", "jane@gmail.com", url)), "--json")
    assert result.exit_code == 3
    (item,) = json.loads(result.stdout)["screenings"]
    assert (item["decision"], item["reasons"]) == ("review", [reason])


def test_the_same_file_again_looks_again(place):
    root, url, shown = place
    file = written(root, ("A1", "Jane Doe", "jane@gmail.com", url))
    assert run(root, file).exit_code == 0
    shown["answer"] = STUFFED
    result = run(root, file, "--json")
    (item,) = json.loads(result.stdout)["screenings"]
    assert item["decision"] == "review"
    assert item["changed"] == ["forced_click"]
    assert len((root / "evidence" / "A1" / "history.jsonl").read_text().splitlines()) == 2


def test_a_run_that_ends_before_its_results_are_recorded_keeps_its_crawl(place, monkeypatch):
    root, url, shown = place
    file = written(root, ("A1", "Jane Doe", "jane@gmail.com", url))

    def ends(*_):
        raise RuntimeError("the machine went away")

    with monkeypatch.context() as patched:
        patched.setattr(screen_job, "_record", ends)
        assert run(root, file).exit_code == 1
    shown["answer"] = STUFFED  # what a second crawl would see
    again = run(root, file)
    assert "1 screened: 1 approve, 0 review, 0 reject" in again.stdout
    assert not (root / "evidence" / JOURNAL_NAME).exists()
    assert "0 approve, 1 review, 0 reject" in run(root, file).stdout


def test_affiliates_are_screened_again_when_it_is_their_turn(place):
    root, url, shown = place
    record = {
        "affiliate_id": "7",
        "name": "Jane Doe",
        "email": "jane@gmail.com",
        "approved_sites": [url],
        "status": "active",
    }
    (root / "affiliates.jsonl").write_text(json.dumps(record) + "\n")
    ingest_files(open_workspace(root), Kind.AFFILIATES, [root / "affiliates.jsonl"], Reading(), NOW, silent_progress())
    first = json.loads(run(root, "--affiliates", "--json").stdout)
    assert [(item["application_id"], item["decision"]) for item in first["screenings"]] == [("affiliate:7", "approve")]
    assert json.loads(run(root, "--affiliates", "--json").stdout)["screenings"] == []
    shown["answer"] = STUFFED
    settings = yaml.safe_load((root / "config.yaml").read_text())
    (root / "config.yaml").write_text(yaml.safe_dump(settings))
    history = next(root.glob("evidence/*/history.jsonl"))
    history.write_text(history.read_text().replace('"judged_at": "2026', '"judged_at": "2025'))
    later = json.loads(run(root, "--affiliates", "--json").stdout)
    (item,) = later["screenings"]
    assert (item["decision"], item["changed"]) == ("review", ["forced_click"])


def test_an_applicant_who_is_an_affiliate_already_goes_to_a_person(place):
    root, url, _ = place
    record = {"affiliate_id": "7", "name": "Jane Doe", "email": "j.a.n.e@googlemail.com", "status": "active"}
    (root / "affiliates.jsonl").write_text(json.dumps(record) + "\n")
    ingest_files(open_workspace(root), Kind.AFFILIATES, [root / "affiliates.jsonl"], Reading(), NOW, silent_progress())
    result = run(root, written(root, ("A1", "Jane Doe", "jane@gmail.com", url)), "--json")
    (item,) = json.loads(result.stdout)["screenings"]
    assert (item["decision"], item["reasons"]) == ("review", ["existing_affiliate"])


def test_a_failure_of_ours_holds_the_one_application_and_not_the_run(place, monkeypatch):
    root, url, _ = place

    def broken(looked, *rest):
        if looked.application.application_id == "A1":
            raise RuntimeError("a signal fell over")
        return study_module.study(looked, *rest)

    monkeypatch.setattr(screen_gather, "study", broken)
    file = written(
        root,
        ("A1", "Jane Doe", "jane@gmail.com", url),
        ("A2", "Ann Other", "ann@gmail.com", url),
    )
    result = run(root, file, "--json")
    assert result.exit_code == 3
    by_id = {item["application_id"]: item for item in json.loads(result.stdout)["screenings"]}
    assert by_id["A1"]["decision"] == "review"
    assert "screening_failed" in by_id["A1"]["reasons"]
    assert "screening_failed" not in by_id["A2"]["reasons"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"screening": {"reject_on": ["site_slow"]}}, "site_slow"),
        ({"policy": {"file": "absent.json"}}, "absent.json"),
        ({"policy": {"allowed_countries": ["Germany"]}}, "allowed_countries"),
        ({"screening": {"scorecard": {"points": {"parkd": 3}}}}, "parkd"),
    ],
)
def test_wrong_settings_end_the_command_before_anything_is_crawled(tmp_path, settings, named):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    result = run(tmp_path, written(tmp_path, ("A1", "Jane Doe", "jane@gmail.com", "https://a.com")))
    assert result.exit_code == 2
    assert named in result.stderr
    assert not (tmp_path / "evidence" / "A1").exists()


def test_arguments_and_files_that_cannot_be_used(tmp_path):
    for arguments in ((), ("a.csv", "--affiliates"), (str(tmp_path / "absent.csv"),)):
        result = run(tmp_path, *arguments)
        assert result.exit_code == 2, arguments
        assert result.stderr.startswith("winnow:")
    answer = json.loads(run(tmp_path, str(tmp_path / "absent.csv"), "--json").stdout)
    assert answer["remedy"]


def test_a_policy_says_what_it_cannot_look_for(place):
    root, url, _ = place
    settings = yaml.safe_load((root / "config.yaml").read_text())
    settings["policy"] = {"prohibited_categories": ["gambling", "time shares"]}
    (root / "config.yaml").write_text(yaml.safe_dump(settings))
    result = run(root, written(root, ("A1", "Jane Doe", "jane@gmail.com", url)))
    assert result.exit_code == 0
    assert "time_shares" in result.stdout
    assert "gambling" not in result.stdout
