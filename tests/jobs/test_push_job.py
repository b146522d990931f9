"""Pushing from a workspace: approved caps and statuses reach the network once, and what must not be pushed is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer
from everflow_server import KEY, everflow_server
from review_scene import ANN, SOURCE_CASE, act, seen
from typer.testing import CliRunner

from features.schema import Kind
from screening.cli.app import app
from screening.errors import BusyError, SettingsError
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.push import push_caps, pushing
from screening.jobs.push_statuses import push_statuses
from screening.review import cases as review
from screening.store import CapVerdict, CaseEvent, User
from screening.workspace import open_workspace

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SETTINGS = """
networks:
  push: {{to: {to}, attempts: 2, settle_seconds: 0.3, poll_seconds: 0.05}}
  everflow: {{url: "{url}", ca_file: ca.pem, requests_per_second: 1000, backoff_seconds: 0.01}}
"""


@pytest.fixture
def server():
    with everflow_server() as running:
        yield running


@pytest.fixture
def everflow(programme, server, monkeypatch):
    """The programme of ten conversions, with Everflow set up."""
    monkeypatch.setenv("WINNOW_EVERFLOW_API_KEY", KEY)
    (programme.root / "ca.pem").write_bytes(server.ca_pem)
    return configured(programme, to="everflow", url=server.url)


@pytest.fixture
def files(programme):
    return configured(programme, to="file", url="https://localhost:1/v1")


def configured(programme, **settings):
    (programme.root / "config.yaml").write_text(SETTINGS.format(**settings))
    return type(programme)(open_workspace(programme.root, {}))


def statuses(programme, **options):
    options = {"dry_run": False, "now": NOW, "progress": silent_progress(), **options}
    return push_statuses(programme.workspace, **options)


def caps(programme, **options):
    return push_caps(programme.workspace, **{"dry_run": False, "now": NOW, "progress": silent_progress(), **options})


def states(pushed):
    return {result.change.subject: result.state for result in pushed.results}


def report(programme, server=None, day="2026-03-01", **columns):
    """Take c0 ... c9 into the lake as the network reports them; `columns` maps a column to values by conversion."""
    names = ["status", "locks_at"]
    lines = ["conversion_id,ts,affiliate_id,offer_id,payout,currency," + ",".join(names)]
    for number in range(10):
        extra = [columns.get(name, {}).get(f"c{number}", "pending" if name == "status" else "") for name in names]
        lines.append(f"c{number},{day} 10:00:00,a1,o1,{number},USD,{','.join(extra)}")
        if server is not None:
            server.account.add(f"c{number}")
    path = programme.write("events.csv", "\n".join(lines) + "\n")
    ingest_files(
        programme.workspace, Kind.CONVERSIONS, [path], Reading(), max(NOW, datetime.now(UTC)), silent_progress()
    )


def release(programme, *names):
    programme.gate(
        programme.write("p.csv", "conversion_id,payout\n" + "".join(f"{name},{name[1:]}\n" for name in names))
    )


def approve(programme, limit="40", *, current="50", offer="3", expires=NOW + timedelta(days=1), run="scan-caps"):
    """Record a recommendation about partner 7 and approve it; return its number."""
    cap = writer.caps(1).with_columns(
        affiliate_id=pl.lit("7"),
        offer_id=pl.lit(offer),
        cap_type=pl.lit("daily_conversions"),
        current=pl.lit(None if current is None else Decimal(current), pl.Decimal(18, 4)),
        recommended=pl.lit(Decimal(limit), pl.Decimal(18, 4)),
        action=pl.lit("lower"),
        expires_at=pl.lit(expires).cast(pl.Datetime("us", "UTC")),
    )
    with programme.store() as store:
        record = writer.run_record(run, finished_at=NOW - timedelta(hours=9))
        store.record_scan(record, writer.decisions(0), writer.sources(0), cap)
        (cap_id,) = store.caps(run)["cap_id"]
        store.recommendations.decide([cap_id], CapVerdict("approved", "max", NOW, {cap_id: Decimal(limit)}))
    return cap_id


def cap_status(programme, cap_id):
    with programme.store() as store:
        return store.recommendations.of_ids([cap_id])["status"].item()


def set_cap(server, limit, offer=3):
    server.account.caps[offer] = {
        "network_custom_cap_setting_id": offer,
        "network_affiliate_id": 7,
        "network_offer_id": offer,
        "daily_conversion_cap": limit,
    }


class TestCaps:
    def test_an_approved_limit_is_pushed_once(self, everflow, server):
        set_cap(server, 50)
        cap_id = approve(everflow)
        planned = caps(everflow, dry_run=True)
        assert [(one.state, one.before) for one in planned.results] == [("planned", "50")]
        assert cap_status(everflow, cap_id) == "approved"
        (done,) = caps(everflow).results
        assert (done.state, done.before, done.after) == ("done", "50", "40")
        assert cap_status(everflow, cap_id) == "pushed"
        assert caps(everflow).results == ()
        assert server.account.changes == {"cap 7 3": 1}

    def test_a_limit_that_changed_there_is_left_and_the_recommendation_waits(self, everflow, server):
        set_cap(server, 20)
        cap_id = approve(everflow)
        pushed = caps(everflow)
        assert [one.state for one in pushed.results] == ["refused"]
        assert "The network has 20, not 50" in pushed.results[0].message
        assert pushed.incomplete
        assert cap_status(everflow, cap_id) == "approved"
        assert server.account.changes == {}

    def test_a_push_that_the_network_takes_and_does_not_make_fails(self, everflow, server):
        set_cap(server, 50)
        cap_id = approve(everflow)
        server.account.faults = ["true and nothing"] * 2
        assert [one.state for one in caps(everflow).results] == ["failed"]
        assert cap_status(everflow, cap_id) == "failed"

    def test_an_expired_one_and_one_that_a_newer_replaces_are_not_pushed(self, everflow, server):
        set_cap(server, 50)
        set_cap(server, 50, offer=4)
        old = approve(everflow, "45", run="scan-old")
        new = approve(everflow, "40", run="scan-new")
        expired = approve(everflow, "10", offer="4", expires=NOW, run="scan-other")
        pushed = caps(everflow)
        assert sorted(one.state for one in pushed.results) == ["done", "refused", "refused"]
        assert [cap_status(everflow, cap_id) for cap_id in (old, new, expired)] == ["failed", "pushed", "failed"]
        assert server.account.cap(7, 3)["daily_conversion_cap"] == 40
        assert server.account.cap(7, 4)["daily_conversion_cap"] == 50

    def test_a_network_that_is_down_leaves_the_recommendation_for_the_next_run(self, everflow, server):
        set_cap(server, 50)
        cap_id = approve(everflow)
        server.account.faults = ["500", "500 after applying"]
        server.account.refuse_next = 0
        assert [one.state for one in caps(everflow).results] == ["done"]
        assert server.account.changes == {"cap 7 3": 1}
        assert cap_status(everflow, cap_id) == "pushed"


class TestStatuses:
    def test_released_is_approved_rejected_is_rejected_and_held_is_not_spoken_of(self, everflow, server):
        report(everflow, server)
        release(everflow, "c1", "c2")
        assert states(statuses(everflow)) == {"c1": "done", "c2": "done", "c9": "done"}
        there = {name: row["status"] for name, row in server.account.conversions.items() if row["status"] != "pending"}
        assert there == {"c1": "approved", "c2": "approved", "c9": "rejected"}
        assert statuses(everflow).results == ()
        assert server.account.changes == {"c1": 1, "c2": 1, "c9": 1}

    def test_a_file_is_told_of_holds_too(self, files):
        report(files)
        release(files, "c1")
        assert states(statuses(files)) == {"c1": "done", "c8": "done", "c9": "done"}
        (path,) = (files.root / "outbox" / "network").iterdir()
        assert [line.split(",")[1:] for line in path.read_text().splitlines()[1:]] == [
            ["c1", "approved"],
            ["c8", "hold"],
            ["c9", "rejected"],
        ]
        assert statuses(files).results == ()

    def test_what_is_there_as_wanted_is_not_asked_about(self, everflow, server):
        report(everflow, server, status={"c9": "rejected", "c1": "paid"})
        release(everflow, "c1")
        assert statuses(everflow).results == ()
        assert server.account.calls == []

    def test_after_the_lock_it_is_refused_with_what_to_do(self, everflow, server):
        report(everflow, server, locks_at={"c9": "2026-03-02 11:59:59", "c1": "2026-03-02 12:00:01"})
        release(everflow, "c1")
        pushed = statuses(everflow)
        assert states(pushed) == {"c1": "done", "c9": "refused"}
        (late,) = [one for one in pushed.results if one.state == "refused"]
        assert "locked on 2026-03-02 11:59 UTC and is pending there" in late.message
        assert "adjustment" in late.message
        assert server.account.changes == {"c1": 1}

    def test_a_persons_fraud_and_its_undoing_reach_the_network(self, files):
        report(files, status={"c9": "rejected"})
        assert states(statuses(files)) == {"c8": "done"}
        with files.store() as store:
            case = store.cases.open(SOURCE_CASE, CaseEvent(NOW, "scan", "opened"))
            settings = files.workspace.settings.review
            done = review.decide(store, seen(case), "fraud", act(ANN), settings)
        assert len(states(statuses(files))) == 9
        with files.store() as store:
            review.undo(store, seen(done.case), act(ANN, at=NOW + timedelta(hours=1)))
        pushed = statuses(files)
        assert [(one.change.subject, one.change.wanted) for one in pushed.results] == [("c8", "hold")]

    def test_what_somebody_set_back_on_the_network_is_said_and_not_fought(self, everflow, server):
        report(everflow, server)
        assert states(statuses(everflow)) == {"c9": "done"}
        with everflow.store() as store:
            later = datetime.now(UTC) + timedelta(hours=1)
            store.pushes.move_cursor("everflow", "conversions", later, later)
        pushed = statuses(everflow)
        assert pushed.results == ()
        assert len(pushed.notices) == 1
        assert pushed.notices[0].startswith("c9 was set to rejected")
        assert pushed.notices[0].endswith("is pending there now.")


def test_without_a_network_nothing_is_pushed(programme):
    with pytest.raises(SettingsError, match="No network is set"):
        caps(programme)


def test_one_process_at_a_time_pushes(files):
    with (
        pushing(files.workspace, NOW, silent_progress()),
        pytest.raises(BusyError, match="Changes are being pushed by process"),
    ):
        statuses(files)


class TestCommands:
    def run(self, programme, *arguments):
        return CliRunner().invoke(app, [*arguments, "--workspace", str(programme.root)])

    def test_what_was_pushed_is_said_to_people_and_programs(self, files):
        yesterday = datetime.now(UTC) - timedelta(days=1)
        report(files, day=f"{yesterday:%Y-%m-%d}", locks_at={"c9": f"{yesterday:%Y-%m-%d %H:%M:%S}"})
        dry = self.run(files, "payout", "push", "--dry-run")
        assert dry.exit_code == 3, dry.output
        assert "1 would be pushed\n    c8: hold" in dry.stdout
        done = json.loads(self.run(files, "payout", "push", "--json").stdout)
        assert done["counts"] == {"done": 1, "refused": 1}
        assert [one["conversion_id"] for one in done["results"]] == ["c8", "c9"]
        assert self.run(files, "caps", "push").stdout.splitlines() == ["Network: file", "Nothing to push."]

    def test_who_may_not_push_does_not(self, files):
        with files.store() as store:
            store.users.add(User("vic", "analyst", "x", active=True, created_at=NOW))
        for command in ("caps", "payout"):
            refused = self.run(files, command, "push", "--by", "vic")
            assert refused.exit_code == 2
            assert "vic (analyst) may not" in refused.output

    def test_the_key_is_nowhere_in_the_settings(self, everflow):
        shown = self.run(everflow, "config", "--explain").output
        assert "networks.everflow.key_variable" in shown
        assert KEY not in shown
