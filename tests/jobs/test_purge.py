"""Retention: what is old goes, for good and told; what a case, an appeal or a hold needs stays."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer

from features.schema import Kind
from screening.applicants.known import FILE_NAME, forget, load_known, remember
from screening.errors import InputError, IntegrityError
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.jobs.purge import purge
from screening.jobs.replay import replay
from screening.jobs.scan import scan
from screening.store import Appeal, Case, CaseEvent
from screening.traffic.lake import Lake

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=200)
DETAILS = ("ip", "user_agent", "device_id", "referrer")


@pytest.fixture
def old(programme):
    """The programme with clicks k0 ... k9 of a1 behind its conversions, and one click of a2; all 200 days old."""
    lines = ["click_id,ts,affiliate_id,offer_id,ip,user_agent,device_id,country,referrer"]
    facts = "UA,d{0},US,https://x.example/"
    lines += [f"k{n},2026-02-{10 + n % 2}T10:00:00Z,a1,o{n % 2},9.9.9.{n},{facts.format(n)}" for n in range(10)]
    lines.append("other,2026-02-10T10:00:00Z,a2,o1,8.8.8.8,UA,d,US,https://y.example/")
    take(programme, Kind.CLICKS, "clicks.csv", lines)
    lines = ["conversion_id,ts,affiliate_id,offer_id,payout,currency,click_id,ip,customer_id"]
    lines += [f"c{n},2026-02-12T10:00:00Z,a1,o{n % 2},{n},USD,k{n},9.9.9.{n},u{n}" for n in range(10)]
    take(programme, Kind.CONVERSIONS, "conversions.csv", lines)
    return programme


def take(programme, kind, name, lines):
    path = programme.write(name, "\n".join(lines) + "\n")
    return ingest_files(programme.workspace, kind, [path], Reading(), NOW, silent_progress()).report


def rows(programme, kind=Kind.CLICKS) -> dict[str, dict]:
    key = "click_id" if kind is Kind.CLICKS else "conversion_id"
    return {row[key]: row for row in Lake(programme.workspace.lake).snapshot().frame(kind).collect().to_dicts()}


def run(programme, now=LATER, **how):
    return {item.what: item for item in purge(programme.workspace, now, silent_progress(), **how).items}


def has_details(row) -> bool:
    return any(row[name] is not None for name in DETAILS)


def test_old_clicks_lose_their_details_and_the_files_that_held_them_are_gone(old):
    held = {"k8"}  # c8 is held; c9 is rejected
    before = rows(old)
    text = {path: path.read_bytes() for path in old.workspace.lake.glob("clicks/*/*.parquet")}
    done = run(old)
    assert (done["details of clicks"].count, done["details of clicks"].kept) == (10, 1)
    after = rows(old)
    assert {name for name, row in after.items() if has_details(row)} == held
    for name, row in after.items():
        kept = {column: value for column, value in row.items() if column not in DETAILS}
        assert kept == {column: value for column, value in before[name].items() if column not in DETAILS}
    assert after["k8"] == before["k8"]
    assert not any(path.exists() for path in text)
    left = b"".join(path.read_bytes() for path in old.workspace.lake.rglob("*.parquet"))
    assert b"9.9.9.3" not in left
    Lake(old.workspace.lake).snapshot().verify()
    assert run(old)["details of clicks"].count == 0


def test_a_dry_run_says_the_same_and_changes_nothing(old):
    def files():
        return {
            path: path.stat().st_mtime_ns for path in old.root.rglob("*") if path.is_file() and "lock" not in path.name
        }

    with old.store() as store:
        head = store.audit.head()
    before = files()
    planned = run(old, dry_run=True)
    assert {path: at for path, at in files().items() if path.suffix == ".parquet"} == {
        path: at for path, at in before.items() if path.suffix == ".parquet"
    }
    with old.store() as store:
        assert store.audit.head() == head
    assert {what: item.count for what, item in run(old).items() if "details" in what} == {
        what: item.count for what, item in planned.items() if "details" in what
    }


def test_what_went_is_in_the_audit_trail(old):
    run(old)
    with old.store() as store:
        event = next(event for _, event in store.audit.events("retention"))
        store.audit.verify()
    assert event.action == "purged"
    assert event.details["details of clicks"] == 10


def test_open_cases_and_appeals_keep_what_they_are_about_until_they_end(old):
    case = Case("source", "a1/o1/", NOW, ("ctct_short",), affiliate_id="a1", offer_id="o1")
    with old.store() as store:
        opened = store.cases.open(case, CaseEvent(NOW, "test", "opened"))
        store.appeals.open(Appeal("source", "a2/o1/", "a2", NOW, "them", "please", NOW + timedelta(days=9)))
    assert run(old)["details of clicks"].kept == 5 + 1 + 1
    assert {name for name, row in rows(old).items() if has_details(row)} == {
        "k1",
        "k3",
        "k5",
        "k7",
        "k9",
        "other",
        "k8",
    }
    with old.store() as store:
        store.cases.change(replace(opened, status="closed", closed_at=NOW), CaseEvent(NOW, "test", "closed"))
    again = run(old)["details of clicks"]
    assert (again.count, again.kept) == (5, 2)


def test_events_that_come_in_late_for_a_purged_day_are_purged_too(old):
    run(old)
    late = ["click_id,ts,affiliate_id,offer_id,ip", "late,2026-02-10T11:00:00Z,a3,o1,7.7.7.7"]
    take(old, Kind.CLICKS, "late.csv", late)
    assert rows(old)["late"]["ip"] == "7.7.7.7"
    assert run(old)["details of clicks"].count == 1
    assert rows(old)["late"]["ip"] is None


def test_a_purge_keeps_what_ingest_knows(old):
    run(old)
    report = take(
        old, Kind.CLICKS, "again.csv", ["click_id,ts,affiliate_id,offer_id,ip", "k1,2026-02-11T10:00:00Z,a1,o1,9.9.9.1"]
    )
    assert report.totals()["taken"] == 0
    assert len(rows(old)) == 11


def test_conversions_lose_their_details_later_and_keep_their_money(old):
    years = NOW + timedelta(days=800)
    done = run(old, now=years)["details of conversions"]
    assert (done.count, done.kept) == (9, 1)
    after = rows(old, Kind.CONVERSIONS)
    assert sum(row["payout"] for row in after.values()) == Decimal(45)
    assert [name for name, row in after.items() if row["customer_id"]] == ["c8"]


def test_replaying_a_purged_run_says_what_happened(old):
    scanned = scan(old.workspace, (date(2026, 2, 12), date(2026, 2, 12)), NOW, silent_progress())
    assert replay(old.workspace, scanned.run.run_id).identical
    with old.store() as store:
        judged = store.decisions(scanned.run.run_id).with_columns(
            decision=pl.lit("pay"), reasons=pl.lit([], dtype=pl.List(pl.String)), reason_details=pl.lit(None, pl.String)
        )
        newer = replace(writer.run_record("scan-2"), finished_at=NOW + timedelta(hours=1))
        store.record_scan(newer, judged.drop("run_id"), writer.sources(1), writer.caps(1))
    run(old, now=NOW + timedelta(days=190))
    with pytest.raises(InputError, match=r"cannot be replayed: .* (lost their personal details|were removed)"):
        replay(old.workspace, scanned.run.run_id)


def test_a_lake_that_lost_a_part_otherwise_is_not_called_purged(old):
    scanned = scan(old.workspace, (date(2026, 2, 12), date(2026, 2, 12)), NOW, silent_progress())
    next(old.workspace.lake.glob("clicks/*/*.parquet")).unlink()
    with pytest.raises(IntegrityError, match="gone"):
        replay(old.workspace, scanned.run.run_id)


def test_a_damaged_part_stops_the_purge_before_anything_goes(old):
    part = next(old.workspace.lake.glob("clicks/*/*.parquet"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 0xFF
    part.write_bytes(content)
    with pytest.raises(IntegrityError, match="not what was written"):
        run(old)
    with old.store() as store:
        assert not store.audit.events("retention")


def test_replaced_decisions_go_except_those_that_money_or_a_hold_rests_on(programme):
    path = programme.write("payout.csv", "conversion_id,payout,currency\nc1,1,USD\n")
    programme.gate(path)
    programme.judge("scan-2", *["pay"] * 8, "hold", "pay", at=NOW + timedelta(hours=1))
    assert run(programme, now=NOW + timedelta(days=181))["replaced decisions"].count == 8
    with programme.store() as store:
        left = set(store.decisions("scan-1")["conversion_id"])
        assert left == {"c1", "c8"}  # c1 was paid on scan-1; c8 is held since scan-1
        assert store.decisions("scan-2").height == 10


def test_old_files_of_every_kind_go_and_young_ones_stay(programme):
    root = programme.root
    places = (
        "quarantine/ingest-1.jsonl",
        "drop/taken/2026-01-01/clicks/a.csv",
        "logs/winnow-2026-01-01.jsonl",
        "nights/2026-01-01.json",
    )
    for place in places:
        for name, age in (("old-", 400), ("new-", 1)):
            path = (root / place).with_name(name + (root / place).name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
            at = (NOW - timedelta(days=age)).timestamp()
            os.utime(path, (at, at))
    run(programme, now=NOW)
    left = sorted(path.name for path in root.rglob("*") if path.name.startswith(("old-", "new-")))
    assert left == sorted("new-" + place.rpartition("/")[2] for place in places)


def test_evidence_goes_unless_somebody_still_decides_about_it(programme):
    evidence = programme.workspace.folder("evidence")
    for name in ("app-1", "app-2", "app-3"):
        (evidence / name).mkdir()
        (evidence / name / "report.html").write_text("<p>page</p>")
        at = "2026-02-01T00:00:00+00:00" if name == "app-3" else "2024-01-01T00:00:00+00:00"
        line = {"run_id": "r", "judged_at": at, "decision": "review", "points": 1, "reasons": []}
        (evidence / name / "history.jsonl").write_text(json.dumps(line) + "\n")
    known = {"member": "app-1", "name": "n", "identifiers": [], "sketches": []}
    lines = [json.dumps({**known, "member": name}) for name in ("app-1", "app-2", "app-3")]
    (evidence / FILE_NAME).write_text("\n".join(lines) + "\n")
    with programme.store() as store:
        store.cases.open(Case("application", "app-2", NOW, ("x",)), CaseEvent(NOW, "test", "opened"))
    done = run(programme, now=NOW)["evidence of screenings"]
    assert (done.count, done.kept) == (1, 1)
    assert sorted(path.name for path in evidence.iterdir() if path.is_dir()) == ["app-2", "app-3"]
    assert sorted(load_known(evidence)) == ["app-2", "app-3"]
    assert forget(evidence, lambda member: member == "app-3") == 1


def test_roll_ups_are_kept_for_the_days_that_a_night_reads(programme):
    folder = programme.root / "rollups"
    folder.mkdir()
    for number, name in enumerate(("2026-02-01-aa", "2026-02-01-bb", "2025-06-01-aa", "2026-02-02-aa")):
        (folder / f"{name}.parquet").write_bytes(b"x")
        os.utime(folder / f"{name}.parquet", (number, number))
    (folder / "2026-02-02-aa.999999999.draft").write_bytes(b"x")
    run(programme, now=NOW)
    assert sorted(path.name for path in folder.iterdir()) == ["2026-02-01-bb.parquet", "2026-02-02-aa.parquet"]


def test_half_a_line_that_a_killed_screening_left_does_not_damage_what_follows(tmp_path):
    known = {"member": "app-1", "name": "n", "identifiers": [], "sketches": []}
    (tmp_path / FILE_NAME).write_text(json.dumps(known) + "\n" + '{"member": "app-2", "na')
    remember(tmp_path, [])
    assert sorted(load_known(tmp_path)) == ["app-1"]
    assert (tmp_path / FILE_NAME).read_bytes().endswith(b"}\n")
    (tmp_path / FILE_NAME).write_text('{"member": ')
    remember(tmp_path, [])
    assert (tmp_path / FILE_NAME).read_bytes() == b""
