"""Pulling from a network: each event gets into the lake once, revisions too, and a pull goes on where one ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import store_writer as writer
from everflow_server import KEY, everflow_server

from features.schema import Kind
from screening.errors import UnavailableError
from screening.jobs.night_outside import bring_old_holds, plan_bring_old_holds, plan_pull_events, pull_events
from screening.jobs.night_stages import Night
from screening.jobs.progress import silent_progress
from screening.jobs.pull import pull
from screening.store import open_store
from screening.traffic.lake import Lake
from screening.workspace import open_workspace

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def server():
    with everflow_server() as running:
        yield running


@pytest.fixture
def workspace(server, tmp_path, monkeypatch):
    monkeypatch.setenv("WINNOW_EVERFLOW_API_KEY", KEY)
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "ca.pem").write_bytes(server.ca_pem)
    (tmp_path / "w" / "config.yaml").write_text(
        f'networks: {{everflow: {{pull: true, url: "{server.url}", ca_file: ca.pem, requests_per_second: 1000, '
        "backoff_seconds: 0.01, retries: 1, page_rows: 2, first_days: 10}}\n"
    )
    return open_workspace(tmp_path / "w", {})


def click(name, at):
    relationship = {"affiliate": {"network_affiliate_id": 7}, "offer": {"network_offer_id": 3}}
    return {
        "transaction_id": name,
        "unix_timestamp": int(at.timestamp()),
        "user_ip": "8.8.8.8",
        "relationship": relationship,
    }


def lake(workspace, kind, *columns):
    return Lake(workspace.lake).snapshot().frame(kind).select(columns).collect().sort(columns[0]).rows()


def brought(pulled):
    return {str(one.kind): (one.rows, one.taken, one.revised) for one in pulled.kinds}


def test_events_and_caps_come_in_and_the_next_pull_goes_on(server, workspace):
    account = server.account
    account.clicks = [click("k1", NOW - DAY)]
    for number in range(3):
        account.add(f"c{number}", at=int((NOW - DAY).timestamp()) + number, transaction_id="k1", sub1="s")
    account.caps[1] = {"network_affiliate_id": 7, "network_offer_id": 3, "daily_conversion_cap": 40}
    first = pull(workspace, NOW, silent_progress())
    assert brought(first) == {"clicks": (1, 1, 0), "conversions": (3, 3, 0), "caps": (1, 1, 0)}
    assert lake(workspace, Kind.CONVERSIONS, "conversion_id", "affiliate_id", "offer_id", "click_id", "status") == [
        (f"c{number}", "7", "3", "k1", "pending") for number in range(3)
    ]
    assert [row[2] for row in lake(workspace, Kind.CAPS, "offer_id", "affiliate_id", "limit")] == [40]
    account.conversions["c1"]["status"] = "approved"
    account.add("c3", at=int((NOW + DAY).timestamp()))
    second = pull(workspace, NOW + 2 * DAY, silent_progress())
    assert brought(second)["conversions"] == (4, 1, 1)
    assert [row[1] for row in lake(workspace, Kind.CONVERSIONS, "conversion_id", "status")] == [
        *("pending", "approved", "pending", "pending"),
    ]
    assert not list((workspace.root / "pulled").iterdir())


def test_what_came_in_before_a_failure_is_recognised_by_the_next_pull(server, workspace):
    server.account.clicks = [click("k1", NOW - DAY)]
    server.account.add("c1", at=int((NOW - DAY).timestamp()))
    server.account.caps = None  # the last thing that is asked for
    with pytest.raises(UnavailableError):
        pull(workspace, NOW, silent_progress())
    with open_store(workspace.store_url) as store:
        assert store.pushes.cursor("everflow", "conversions") == NOW
    server.account.caps = {}
    again = pull(workspace, NOW + timedelta(minutes=5), silent_progress())
    assert brought(again)["conversions"] == (1, 0, 0)
    assert len(lake(workspace, Kind.CLICKS, "click_id")) == 1


def test_nothing_is_pulled_unless_it_is_set(tmp_path):
    assert pull(open_workspace(tmp_path / "w", {}), NOW, silent_progress()).kinds == ()


def test_a_night_pulls_and_says_what_waits_too_long(server, workspace):
    server.account.add("c1", at=int((NOW - DAY).timestamp()))
    night = Night(workspace, NOW.date(), NOW)
    assert plan_pull_events(night) == "pull from everflow"
    outcome = pull_events(night, silent_progress())
    assert outcome.message.startswith("everflow: 0 new and 0 revised clicks, 1 new")
    assert outcome.counts["conversions_taken"] == 1
    with open_store(workspace.store_url) as store:
        old = writer.run_record("scan-0", finished_at=NOW - timedelta(days=100))
        store.record_scan(old, writer.decisions(2), writer.sources(0), writer.caps(0))
    assert plan_bring_old_holds(night) == "bring 1 sources with expired holds to people"
    brought_to_people = bring_old_holds(night, silent_progress())
    assert brought_to_people.incomplete
    assert brought_to_people.counts == {"expired_holds": 1, "overdue_appeals": 0}
