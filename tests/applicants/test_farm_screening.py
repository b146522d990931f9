"""The farm, screened with the command that users run: every planted fault is found with evidence, no honest site hurt.

1. A farm of simulated sites is served on loopback addresses; the workspace's settings allow these and nothing else.
2. `winnow screen` reads the applications, crawls, decides, and writes the evidence.
3. The outcome is held against the farm's truth.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime

import pytest
import yaml
from typer.testing import CliRunner

from features.schema import Kind
from screening.applicants.reasons import Tier, reasons
from screening.cli.app import app
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.simulate.farm import full_farm, plan, running_farm, small_farm
from screening.store import open_store
from screening.workspace import open_workspace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def workspace_for(farm, root):
    (root / "hosts").write_text(farm.hosts)
    (root / "policy.json").write_text(json.dumps(farm.policy))
    (root / "applications.jsonl").write_text("".join(json.dumps(item) + "\n" for item in farm.applications))
    (root / "affiliates.jsonl").write_text("".join(json.dumps(item) + "\n" for item in farm.affiliates))
    crawl = {
        "hosts": str(root / "hosts"),
        "allow_networks": [farm.network],
        "allow_ports": [farm.port],
        "threads": 16,
        "per_address": 16,
        "fetch": {"silence_seconds": 4, "total_seconds": 8},
        "site": {"delay_seconds": 0},
    }
    (root / "config.yaml").write_text(yaml.safe_dump({"crawl": crawl, "policy": {"file": "policy.json"}}))
    workspace = open_workspace(root)
    if farm.affiliates:
        ingest_files(workspace, Kind.AFFILIATES, [root / "affiliates.jsonl"], Reading(), NOW, silent_progress())
    return workspace


def screened(root, *arguments):
    result = CliRunner().invoke(app, ["screen", *arguments, "--workspace", str(root), "--json"])
    assert result.exit_code in (0, 3), result.output
    return result.exit_code, json.loads(result.stdout)


def check(answer, farm, root):
    by_kind = defaultdict(Counter)
    honest = []
    for item in answer["screenings"]:
        truth = farm.truth[item["application_id"]]
        by_kind[truth.kind][item["decision"]] += 1
        data = json.loads((root / item["evidence"] / "decision.json").read_text())
        if truth.honest:
            honest.append(item)
            assert item["decision"] != "reject", (truth, item)
        elif truth.unseen:
            assert item["decision"] == "review", (truth, item)
            assert any(reasons()[code].tier is Tier.UNSEEN for code in item["reasons"]), (truth, item)
        else:
            assert item["decision"] != "approve", (truth, item)
            shown = [reason for reason in data["reasons"] if reason["code"] in truth.faults]
            assert shown, (truth, item)
            exhibits = [exhibit for finding in shown[0]["findings"] for exhibit in finding["exhibits"]]
            assert exhibits, truth
            assert all(exhibit["url"] and exhibit["snippet"] for exhibit in exhibits), truth
    reviewed = [item for item in honest if item["decision"] == "review"]
    allowed = max(1, 0.05 * len(honest))
    assert len(reviewed) <= allowed, [(farm.truth[item["application_id"]].kind, item["reasons"]) for item in reviewed]
    return by_kind


def test_a_small_farm_end_to_end(tmp_path):
    with running_farm(small_farm(seed=3)) as farm:
        workspace = workspace_for(farm, tmp_path)
        status, answer = screened(tmp_path, str(tmp_path / "applications.jsonl"))
    assert status == 3  # some sites could not be seen
    assert sum(answer["counts"].values()) == len(farm.applications)
    assert any("crawl guard is open" in notice for notice in answer["notices"])
    check(answer, farm, tmp_path)
    with open_store(workspace.store_url) as store:
        stored = {row["application_id"]: row for row in store.screenings("latest").to_dicts()}
        run = store.run("latest", "screen")
    assert run.run_id == answer["run_id"]
    for item in answer["screenings"]:
        row = stored[item["application_id"]]
        assert (row["decision"], row["reasons"], row["missing"]) == (item["decision"], item["reasons"], item["missing"])
        folder = tmp_path / row["evidence"]
        assert {"facts.json", "decision.json", "report.html", "history.jsonl"} <= {
            path.name for path in folder.iterdir()
        }
        report = (folder / "report.html").read_text()
        assert "The crawl guard was open" in report
        assert "<script" not in report


def test_the_same_seed_grows_the_same_farm():
    one, other = plan(small_farm(seed=5)), plan(small_farm(seed=5))
    assert [item.application for item in one.planted] == [item.application for item in other.planted]
    assert [item.application for item in one.planted] != [item.application for item in plan(small_farm(seed=6)).planted]


def test_a_full_farm_has_what_it_promises():
    planned = plan(full_farm(seed=1))
    assert len(planned.sites) >= 300
    kinds = {item.truth.kind for item in planned.planted}
    assert sum(kind.startswith("stuffed") for kind in kinds) >= 10
    for word in (
        "honest blog",
        "coupon",
        "cashback",
        "thin",
        "parked",
        "cloaked",
        "lookalike",
        "copy",
        "ring",
        "hacked",
        "slow",
        "error",
        "redirect",
    ):
        assert any(word in kind for kind in kinds), word


@pytest.mark.slow
def test_the_full_farm(tmp_path):
    with running_farm(full_farm(seed=2026)) as farm:
        workspace_for(farm, tmp_path)
        _, answer = screened(tmp_path, str(tmp_path / "applications.jsonl"))
    by_kind = check(answer, farm, tmp_path)
    print(*(f"{kind:46}{dict(counts)}" for kind, counts in sorted(by_kind.items())), sep="\n")  # noqa: T201
