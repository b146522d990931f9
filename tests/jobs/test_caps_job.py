"""Recommendations from a lake, and what people do with them: each step is checked, recorded, and shown as it is."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer
from typer.testing import CliRunner

from features.schema import Kind, polars_schema
from screening.cli.app import app
from screening.errors import DeniedError, InputError
from screening.jobs.caps import approve_automatically, caps_again, caps_of_scan
from screening.jobs.caps_decide import CapFilter, approve_caps, list_caps, reject_caps
from screening.jobs.export import COLUMNS, What, export
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.review.act import Act, Person
from screening.store import SOURCES, Push, open_store
from screening.traffic.lake import Lake
from screening.workspace import open_workspace

LAST = date(2026, 3, 31)
NOW = datetime(2026, 4, 1, 2, tzinfo=UTC)
MIA = Person("Mia Manager", "manager")
FIRST = LAST - timedelta(days=27)
DAYS = [FIRST + timedelta(days=back) for back in range(28)]
# a_bad: 40 % bad; a_good: clean, near its limit; a_awful: all bad, without a limit; a_new: bad, joined lately
SHARES = {"a_bad": 0.6, "a_good": 0.01, "a_awful": 0.97, "a_new": 0.97}


def conversions(currency="USD", per_day=4):
    rows = [
        (f"{who}-{day}-{number}", datetime.combine(day, time(8 + number), UTC), who, "o1", Decimal(25), currency)
        for who in SHARES
        for day in DAYS
        for number in range(per_day)
    ]
    names = ["conversion_id", "ts", "affiliate_id", "offer_id", "payout", "currency"]
    schema = {name: polars_schema(Kind.CONVERSIONS)[name] for name in names}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(locks_at=pl.col("ts") + pl.duration(days=30), revenue=pl.col("payout") * 2)


def sources(shares=SHARES):
    rows = [
        {
            "affiliate_id": who, "offer_id": "o1", "sub_id": None, "from": FIRST, "to": LAST, "clicks": None,
            "conversions": 112, "payout": Decimal(2800), "score": share, "p_value": 0.5, "flagged": False,
            "bad_share": share, "bad_share_low": max(share - 0.05, 0.0), "bad_share_high": min(share + 0.05, 1.0),
            "reasons": [],
        }
        for who, share in shares.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={name: SOURCES[name] for name in rows[0]})


CAPS = (
    ("o1", "daily_payout", "120", "a_bad"),
    ("o1", "daily_payout", "110", "a_good"),
    ("o1", "monthly_payout", "90000", None),
    ("o1", "daily_conversions", "100", None),
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A workspace that every test copies: partners, their conversions, and some caps."""
    opened = open_workspace(tmp_path_factory.mktemp("caps") / "programme", {})
    long_ago, lately = datetime(2025, 5, 1, tzinfo=UTC), datetime(2026, 3, 20, tzinfo=UTC)
    partners = [(who, lately if who == "a_new" else long_ago, "active") for who in SHARES]
    take_in(opened, Kind.CONVERSIONS, conversions())
    schema = {name: polars_schema(Kind.AFFILIATES)[name] for name in ("affiliate_id", "joined_at", "status")}
    take_in(opened, Kind.AFFILIATES, pl.DataFrame(partners, schema=schema, orient="row"))
    take_in(opened, Kind.CAPS, caps_frame(CAPS))
    open_store(opened.store_url).close()
    return opened.root


@pytest.fixture
def workspace(filled, tmp_path):
    return open_workspace(shutil.copytree(filled, tmp_path / "programme"), {})


def caps_frame(rows):
    frame = pl.DataFrame(rows, schema=["offer_id", "cap_type", "limit", "affiliate_id"], orient="row")
    return frame.with_columns(pl.col("limit").str.to_decimal(scale=4).cast(pl.Decimal(18, 4)))


def take_in(workspace, kind, frame):
    path = workspace.root / f"{kind}.parquet"
    frame.write_parquet(path)
    assert not ingest_files(workspace, kind, [path], Reading(), NOW, silent_progress()).report.incomplete


def advised(workspace, run_id="scan-1", now=NOW, shares=SHARES, settings=None):
    """Recommend and record it as a scan does; return the run's caps by affiliate."""
    snapshot = Lake(workspace.lake).snapshot()
    chosen = settings or workspace.settings.caps
    with open_store(workspace.store_url) as store:
        frame = caps_of_scan(snapshot, store, sources(shares), (LAST, now), chosen)
        run = replace(writer.run_record(run_id, finished_at=now), lake_version=snapshot.version)
        with store.together() as records:
            records.record_scan(run, writer.decisions(0), writer.sources(0), frame)
            approve_automatically(records, run_id, now, chosen.automatic)
        return {(row["affiliate_id"], row["cap_type"]): row for row in store.caps(run_id).iter_rows(named=True)}


def test_bad_partners_are_lowered_and_paused_and_good_ones_raised(workspace):
    caps = advised(workspace)
    bad, good = caps["a_bad", "daily_payout"], caps["a_good", "daily_payout"]
    awful, new = caps["a_awful", "daily_payout"], caps["a_new", "daily_payout"]
    assert (bad["action"], bad["current"]) == ("lower", 120)
    assert bad["recommended"] >= 50  # half of the 100 a day that usually come
    assert (good["action"], good["current"]) == ("raise", 110)
    assert (awful["action"], awful["current"], awful["recommended"]) == ("pause", None, 0)
    assert (new["action"], "partner_new" in new["reasons"], new["recommended"]) == ("lower", True, 125)
    # others are limited, so the offer's own limits stay
    assert {caps[None, name]["action"] for name in ("monthly_payout", "daily_conversions")} == {"keep"}
    for row in (bad, awful):
        assert 0 < row["saving_low"] <= row["expected_saving"] <= row["saving_high"]
        assert row["currency"] == "USD"
    # all that comes in a week is 700, of which 97 % are bad
    assert float(awful["expected_saving"]) == pytest.approx(679, rel=0.02)
    assert good["expected_cost"] <= 0


def test_export_has_the_columns_of_the_contract(workspace, tmp_path):
    advised(workspace)
    export(workspace, What.CAPS, tmp_path / "caps.parquet", "latest")
    frame = pl.read_parquet(tmp_path / "caps.parquet")
    assert tuple(frame.columns) == COLUMNS[What.CAPS]
    assert frame.height == 6
    assert set(frame["status"]) == {"proposed"}


def test_several_currencies_are_never_added_up(workspace):
    others = conversions("EUR").with_columns(conversion_id=pl.concat_str(pl.lit("e-"), "conversion_id"))
    take_in(workspace, Kind.CONVERSIONS, others)
    caps = advised(workspace)
    assert caps["a_bad", "daily_payout"]["action"] == "keep"
    assert caps["a_bad", "daily_payout"]["reasons"][0] == "currencies_mixed"
    assert all(row["expected_saving"] is None for row in caps.values())


def test_use_of_the_present_period_counts_and_is_told(workspace):
    caps = advised(workspace, now=datetime(2026, 3, 31, 12, tzinfo=UTC))
    details = {
        reason["code"]: reason["numbers"] for reason in json.loads(caps["a_bad", "daily_payout"]["reason_details"])
    }
    assert details["used_so_far"]["exact"] == "100.0000"
    monthly = {
        reason["code"]: reason["numbers"] for reason in json.loads(caps[None, "monthly_payout"]["reason_details"])
    }
    assert Decimal(monthly["used_so_far"]["exact"]) == 4 * 25 * 4 * 28


def test_what_a_scan_recommended_comes_out_again_whatever_was_decided_since(workspace):
    tomorrow, later = NOW + timedelta(days=1), NOW + timedelta(days=2)
    first = advised(workspace)["a_bad", "daily_payout"]
    approve_caps(workspace, [first["cap_id"]], Decimal(55), Act(MIA, NOW))
    second = advised(workspace, "scan-2", tomorrow)["a_good", "daily_payout"]
    entry = Push(
        "file/cap/1", "file", "cap", "o1/a_bad", "55", "b", "mia", tomorrow, cap_id=first["cap_id"], state="done",
        settled_at=tomorrow + timedelta(hours=1),
    )  # fmt: skip
    with open_store(workspace.store_url) as store:
        store.pushes.put([entry])
        store.recommendations.move([first["cap_id"]], before="approved", after="pushed")
    reject_caps(workspace, [second["cap_id"]], Act(MIA, tomorrow + timedelta(hours=2), "not now"))
    advised(workspace, "scan-3", later)
    take_in(workspace, Kind.CAPS, caps_frame([("o1", "daily_payout", "70", "a_bad")]))
    with open_store(workspace.store_url) as store:
        for run_id, now in (("scan-1", NOW), ("scan-2", tomorrow), ("scan-3", later)):
            then = store.caps(run_id)
            run = replace(store.run(run_id), period_to=LAST, started_at=now, settings={})
            snapshot = Lake(workspace.lake).snapshot(run.lake_version)
            again = caps_again(snapshot, store, sources(), run, workspace.settings.caps)
            left_out = ("cap_id", "run_id", "status", "approved_limit", "decided_at", "decided_by")
            names = [name for name in then.columns if name in again.columns and name not in left_out]
            assert len(names) > 12
            assert again.select(names).equals(then.select(names)), run_id


def test_what_was_pushed_holds_for_the_next_scan_until_newer_caps_come(workspace):
    first = advised(workspace)["a_bad", "daily_payout"]
    approve_caps(workspace, [first["cap_id"]], Decimal(55), Act(MIA, NOW))
    tomorrow = NOW + timedelta(days=1)
    second = advised(workspace, "scan-2", tomorrow)["a_bad", "daily_payout"]
    assert (second["current"], second["action"], "waits_for_push" in second["reasons"]) == (120, "keep", True)
    with open_store(workspace.store_url) as store:
        store.recommendations.move([first["cap_id"]], before="approved", after="pushed")
    assert advised(workspace, "scan-3", tomorrow)["a_bad", "daily_payout"]["current"] == 55
    take_in(workspace, Kind.CAPS, caps_frame([("o1", "daily_payout", "70", "a_bad")]))
    assert advised(workspace, "scan-4", tomorrow)["a_bad", "daily_payout"]["current"] == 70


def test_a_verdict_is_checked_and_written_into_the_audit_trail(workspace):
    caps = advised(workspace)
    lower, up = caps["a_bad", "daily_payout"]["cap_id"], caps["a_good", "daily_payout"]["cap_id"]
    kept = caps[None, "monthly_payout"]["cap_id"]
    done = approve_caps(workspace, [lower], Decimal("42.5"), Act(MIA, NOW, "agreed"))
    assert (done.caps[0].row["approved_limit"], done.caps[0].row["decided_by"]) == (Decimal("42.5"), "Mia Manager")
    reject_caps(workspace, [up], Act(MIA, NOW))
    with open_store(workspace.store_url) as store:
        events = [event for _, event in store.audit.events() if event.action.startswith("cap ")]
        store.audit.verify()
    assert [(event.action, event.actor) for event in events] == [
        ("cap approved", "Mia Manager"),
        ("cap rejected", "Mia Manager"),
    ]
    assert events[0].details["edited"]
    assert (events[0].details["limit"], events[0].details["note"]) == ("42.5000", "agreed")
    for ids, message in (
        ([lower], "approved already by Mia Manager"),
        ([kept], "nothing to approve"),
        ([999], "no such"),
    ):
        with pytest.raises(InputError, match=message):
            approve_caps(workspace, ids, None, Act(MIA, NOW))
    with pytest.raises(InputError, match="No recommendation"):
        approve_caps(workspace, [], None, Act(MIA, NOW))


@pytest.mark.parametrize("limit", ["-1", "NaN", "1e30", "0.00001"])
def test_a_limit_that_cannot_be_one_is_refused(workspace, limit):
    cap_id = advised(workspace)["a_bad", "daily_payout"]["cap_id"]
    with pytest.raises(InputError, match="cannot be a limit"):
        approve_caps(workspace, [cap_id], Decimal(limit), Act(MIA, NOW))


def test_who_may_not_decide_cannot(workspace):
    cap_id = advised(workspace)["a_bad", "daily_payout"]["cap_id"]
    for decide in (
        lambda act: approve_caps(workspace, [cap_id], None, act),
        lambda act: reject_caps(workspace, [cap_id], act),
    ):
        with pytest.raises(DeniedError):
            decide(Act(Person("Tom", "analyst"), NOW))


def test_expired_and_replaced_ones_cannot_be_approved(workspace):
    cap_id = advised(workspace)["a_bad", "daily_payout"]["cap_id"]
    late = NOW + timedelta(days=workspace.settings.caps.expiry_days)
    with pytest.raises(InputError, match="expired"):
        approve_caps(workspace, [cap_id], None, Act(MIA, late))
    assert list_caps(workspace, CapFilter(), late).caps == ()
    assert list_caps(workspace, CapFilter(), late).expired == 4
    advised(workspace, "scan-2")
    with pytest.raises(InputError, match="later scan"):
        approve_caps(workspace, [cap_id], None, Act(MIA, NOW))


def test_nothing_is_approved_automatically_unless_it_is_switched_on(workspace):
    assert {row["status"] for row in advised(workspace).values()} == {"proposed"}
    on = workspace.settings.caps.automatic.model_copy(update={"enabled": True, "step_max": 0.2})
    settings = workspace.settings.caps.model_copy(update={"automatic": on})
    caps = advised(workspace, "scan-2", settings=settings)
    status = {who: caps[who, "daily_payout"]["status"] for who in SHARES}
    # lowering a_bad is too large a step, and first limits and pauses are a person's
    assert status == {"a_bad": "proposed", "a_good": "approved", "a_awful": "proposed", "a_new": "proposed"}
    wide = settings.model_copy(update={"automatic": on.model_copy(update={"step_max": 0.9, "pause": True})})
    caps = advised(workspace, "scan-3", settings=wide)
    assert {who: caps[who, "daily_payout"]["status"] for who in ("a_bad", "a_awful", "a_new")} == {
        "a_bad": "approved",
        "a_awful": "approved",
        "a_new": "proposed",
    }
    assert caps["a_bad", "daily_payout"]["decided_by"] == "automatic approval"


@pytest.mark.parametrize(
    ("reason", "approved"),
    [("bad_share_extreme", 1), ("below_use", 0), ("effect_unknown", 0), ("data_old", 0)],
)
def test_no_pause_that_stops_at_once_or_does_nobody_knows_what_is_approved_automatically(tmp_path, reason, approved):
    opened = open_workspace(tmp_path / "programme", {})
    pause = writer.caps(1).with_columns(action=pl.lit("pause"), reasons=pl.lit([reason]))
    allowed = opened.settings.caps.automatic.model_copy(update={"enabled": True, "pause": True})
    with open_store(opened.store_url) as store:
        store.record_scan(writer.run_record("scan-1"), writer.decisions(0), writer.sources(0), pause)
        assert len(approve_automatically(store, "scan-1", NOW, allowed)) == approved


def test_the_commands_say_what_a_manager_needs(workspace):
    advised(workspace, now=datetime.now(UTC))
    place = ["--workspace", str(workspace.root)]
    listed = CliRunner().invoke(app, ["caps", "list", *place])
    assert listed.exit_code == 0
    assert "a_bad on o1, daily_payout: 120 -> " in listed.stdout
    assert "2 limits stay as they are" in listed.stdout
    data = json.loads(CliRunner().invoke(app, ["caps", "list", "--action", "raise", "--json", *place]).stdout)
    assert [cap["affiliate_id"] for cap in data["caps"]] == ["a_good"]
    cap_id = str(data["caps"][0]["cap_id"])
    approved = CliRunner().invoke(app, ["caps", "approve", cap_id, "--limit", "115", "--by", "Mia", *place])
    assert approved.exit_code == 0
    assert "110 -> 115 (edited) [approved by Mia]" in approved.stdout
    again = CliRunner().invoke(app, ["caps", "approve", cap_id, "--by", "Mia", *place])
    assert (again.exit_code, "approved already by Mia" in again.stderr) == (2, True)
    assert CliRunner().invoke(app, ["caps", "approve", cap_id, "--limit", "1,5", *place]).exit_code == 2
