"""An affiliate whose site turns bad after the approval: seen at the next turn, with what changed, and only then."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from features.schema import Kind
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.screen import screen_affiliates, screen_file
from screening.simulate.farm import NETWORK, plan, small_farm
from screening.simulate.farm_answers import PORT, Site
from screening.simulate.farm_server import serve
from screening.workspace import open_workspace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def turning(tmp_path):
    """A blog of the farm that can be made to stuff: (workspace, the application, `turn` to call)."""
    planned = plan(small_farm(seed=11))
    honest = next(item for item in planned.planted if item.truth.honest and "blog" in item.truth.kind)
    stuffed = next(item for item in planned.planted if item.truth.kind.startswith("stuffed"))
    (blog,), bad = honest.sites, stuffed.sites[0]
    state = {"bad": False}

    def answer(visit):
        return (bad if state["bad"] else blog).answer(visit)

    with serve({blog.host: Site(blog.host, {}, answer)}, 1) as served:
        (tmp_path / "hosts").write_text("".join(f"{address} {host}\n" for host, address in served.addresses.items()))
        crawl = {
            "hosts": str(tmp_path / "hosts"),
            "allow_networks": [str(NETWORK)],
            "allow_ports": [served.port],
            "threads": 4,
            "per_address": 8,
            "site": {"delay_seconds": 0},
        }
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"crawl": crawl, "screening": {"audit_share": 0}}))
        fields = json.loads(json.dumps(honest.application).replace(PORT, str(served.port)))
        yield open_workspace(tmp_path), fields, lambda: state.update(bad=True)


def approved(workspace, fields):
    """Record the approved applicant as an affiliate of the programme."""
    record = {
        "affiliate_id": "77",
        "name": fields["name"],
        "email": fields["email"],
        "approved_sites": fields["websites"],
        "promo_methods": fields.get("promo_methods"),
        "status": "active",
    }
    path = workspace.root / "affiliates.jsonl"
    path.write_text(json.dumps(record) + "\n")
    ingest_files(workspace, Kind.AFFILIATES, [path], Reading(), NOW, silent_progress())


def test_a_site_that_turns_bad_after_the_approval_is_found_at_its_next_turn(turning):
    workspace, fields, turn = turning
    (workspace.root / "a.jsonl").write_text(json.dumps(fields) + "\n")
    (first,) = screen_file(workspace, workspace.root / "a.jsonl", NOW, silent_progress()).outcomes
    assert first.decision == "approve"
    approved(workspace, fields)

    def again(days):
        return screen_affiliates(workspace, NOW + timedelta(days=days), silent_progress()).outcomes

    (second,) = again(1)
    assert (second.decision, second.changed) == ("approve", None)
    turn()
    wait = workspace.settings.screening.rescreen_days
    assert again(wait) == ()  # not its turn yet, counted from the screening on day 1
    (third,) = again(1 + wait)
    assert third.decision == "review"
    assert "forced_click" in third.changed
    assert again(2 + wait) == ()
    folder = workspace.root / third.evidence
    data = json.loads((folder / "decision.json").read_text())
    assert (data["changes"]["decision_before"], "forced_click" in data["changes"]["new"]) == ("approve", True)
    assert data["changes"]["since"].startswith((NOW + timedelta(days=1)).date().isoformat())
    assert "It was <strong>approve</strong>" in (folder / "report.html").read_text()
    assert len((folder / "history.jsonl").read_text().splitlines()) == 2
