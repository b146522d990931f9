"""Profiles: sample exports with the documented column names are read as the profile says."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from features.schema import TABLES, Kind
from screening.errors import InputError
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.networks.profiles import load_profile, profile_names
from screening.traffic.lake import Lake
from screening.workspace import open_workspace

LOG = Path(__file__).resolve().parents[3] / "shared" / "data" / "traffic" / "talkingdata_sample.csv.gz"
NOW = datetime(2026, 2, 1, tzinfo=UTC)
CLICKED, CONVERTED = datetime(2026, 1, 5, 10, 0, tzinfo=UTC), datetime(2026, 1, 5, 12, 30, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (Windows NT 10.0)"

# per profile and kind: a row of the export as documented, and what it must become (other columns must be null)
EXPORTS: dict[tuple[str, Kind], tuple[dict[str, str], dict[str, object]]] = {
    ("everflow", Kind.CLICKS): (
        {
            "transaction_id": "t1", "unix_timestamp": "1767607200", "relationship.affiliate.network_affiliate_id": "7",
            "relationship.offer.network_offer_id": "9", "sub1": "s", "source_id": "x", "user_ip": "1.2.3.4",
            "http_user_agent": BROWSER, "relationship.geolocation.country_code": "US", "referer": "https://r.example",
            "google_ad_id": "", "idfa": "D-1", "error_code": "0",
        },
        {"click_id": "t1", "ts": CLICKED, "affiliate_id": "7", "offer_id": "9", "sub_id": "s", "ip": "1.2.3.4",
         "user_agent": BROWSER, "device_id": "D-1", "country": "US", "referrer": "https://r.example"},
    ),
    ("everflow", Kind.CONVERSIONS): (
        {
            "conversion_id": "c1", "transaction_id": "t1", "conversion_unix_timestamp": "1767616200",
            "click_unix_timestamp": "1767607200", "network_affiliate_id": "7", "network_offer_id": "9", "sub1": "s",
            "payout": "12.5", "revenue": "20", "currency_id": "USD", "status": "invalid",
            "conversion_user_ip": "1.2.3.5",
            "session_user_ip": "1.2.3.4", "http_user_agent": BROWSER, "country": "US", "order_id": "o-1",
            "event": "sale",
        },
        {"conversion_id": "c1", "click_id": "t1", "ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7",
         "offer_id": "9", "sub_id": "s", "payout": Decimal("12.5"), "revenue": Decimal(20), "currency": "USD",
         "status": "rejected", "ip": "1.2.3.5", "user_agent": BROWSER, "country": "US", "order_id": "o-1",
         "event": "sale"},
    ),
    ("tune", Kind.CONVERSIONS): (
        {
            "Stat.tune_event_id": "c1", "Stat.ad_id": "t1", "Stat.datetime": "2026-01-05 12:30:00",
            "Stat.session_datetime": "2026-01-05 10:00:00", "Stat.affiliate_id": "7", "Stat.offer_id": "9",
            "Stat.affiliate_info1": "s", "Stat.session_ip": "1.2.3.4", "Stat.ip": "", "Stat.user_agent": BROWSER,
            "Stat.country_code": "US", "Stat.payout": "12.50", "Stat.revenue": "20.00", "Stat.currency": "USD",
            "Stat.status": "approved", "Goal.name": "sale",
        },
        {"conversion_id": "c1", "click_id": "t1", "ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7",
         "offer_id": "9", "sub_id": "s", "ip": "1.2.3.4", "user_agent": BROWSER, "country": "US",
         "payout": Decimal("12.5"), "revenue": Decimal(20), "currency": "USD", "status": "approved", "event": "sale"},
    ),
    ("affise", Kind.CLICKS): (
        {
            "click_id": "t1", "created_at": "2026-01-05 10:00:00", "partner_id": "7", "offer.id": "9", "sub1": "s",
            "ip": "1.2.3.4", "ua": BROWSER, "country": "US", "referrer": "https://r.example", "uniq": "1",
        },
        {"click_id": "t1", "ts": CLICKED, "affiliate_id": "7", "offer_id": "9", "sub_id": "s", "ip": "1.2.3.4",
         "user_agent": BROWSER, "country": "US", "referrer": "https://r.example"},
    ),
    ("affise", Kind.CONVERSIONS): (
        {
            "conversion_id": "c1", "clickid": "t1", "created_at": "2026-01-05 12:30:00",
            "click_time": "2026-01-05 10:00:00",
            "partner_id": "7", "offer_id": "9", "sub1": "s", "ip": "1.2.3.4", "ua": BROWSER, "country": "US",
            "payouts": "12.5", "revenue": "20", "currency": "usd", "status": "confirmed", "goal": "sale",
            "hold_date_expire": "2026-03-01 00:00:00", "action_id": "o-1",
        },
        {"conversion_id": "c1", "click_id": "t1", "ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7",
         "offer_id": "9", "sub_id": "s", "ip": "1.2.3.4", "user_agent": BROWSER, "country": "US",
         "payout": Decimal("12.5"), "revenue": Decimal(20), "currency": "USD", "status": "approved", "event": "sale",
         "locks_at": datetime(2026, 3, 1, tzinfo=UTC), "order_id": "o-1"},
    ),
    ("cake", Kind.CLICKS): (
        {
            "click_id": "1", "click_date": "01/05/2026 10:00:00 AM", "source_affiliate.source_affiliate_id": "7",
            "site_offer.site_offer_id": "9", "sub_id_1": "s", "ip_address": "1.2.3.4", "user_agent": BROWSER,
            "udid": "D-1", "country": "US", "referrer_url": "https://r.example", "disposition": "",
        },
        {"click_id": "1", "ts": CLICKED, "affiliate_id": "7", "offer_id": "9", "sub_id": "s", "ip": "1.2.3.4",
         "user_agent": BROWSER, "device_id": "D-1", "country": "US", "referrer": "https://r.example"},
    ),
    ("cake", Kind.CONVERSIONS): (
        {
            "event_conversion_id": "c1", "click_id": "1", "event_conversion_date": "01/05/2026 12:30:00 PM",
            "click_date": "01/05/2026 10:00:00 AM", "source_affiliate": "7", "site_offer": "9", "sub_id_1": "s",
            "click_ip_address": "1.2.3.4", "event_conversion_user_agent": BROWSER, "country": "US", "paid": "12.5",
            "received": "20", "current_disposition": "Returned", "event_info": "sale", "transaction_id": "o-1",
            "user_id": "u-1",
        },
        {"conversion_id": "c1", "click_id": "1", "ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7",
         "offer_id": "9", "sub_id": "s", "ip": "1.2.3.4", "user_agent": BROWSER, "country": "US",
         "payout": Decimal("12.5"), "revenue": Decimal(20), "status": "void", "event": "sale", "order_id": "o-1",
         "customer_id": "u-1"},
    ),
    ("impact", Kind.CLICKS): (
        {
            "Id": "t1", "EventDate": "2026-01-05T10:00:00Z", "MediaId": "7", "CampaignId": "9", "SharedId": "s",
            "IpAddress": "5f4dcc3b5aa765d6", "Browser": "Chrome", "Os": "Windows", "DeviceFamily": "PC",
            "CustomerCountry": "US", "ReferringUrl": "https://r.example", "UniqueClick": "1",
        },
        {"click_id": "t1", "ts": CLICKED, "affiliate_id": "7", "offer_id": "9", "sub_id": "s",
         "ip": "5f4dcc3b5aa765d6", "user_agent": "Chrome Windows PC", "country": "US", "referrer": "https://r.example"},
    ),
    ("impact", Kind.CONVERSIONS): (
        {
            "Id": "c1", "EventDate": "2026-01-05T14:30:00+02:00", "ReferringDate": "2026-01-05T12:00:00+02:00",
            "MediaPartnerId": "7", "CampaignId": "9", "SharedId": "s", "IpAddress": "5f4dcc3b5aa765d6",
            "CustomerCountry": "US", "ReferringDomain": "r.example", "Payout": "12.50", "ClientCost": "20.00",
            "Currency": "USD", "State": "PENDING", "ActionTrackerName": "sale", "Oid": "o-1", "CustomerId": "u-1",
            "LockingDate": "2026-03-01T00:00:00Z",
        },
        {"conversion_id": "c1", "ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7", "offer_id": "9",
         "sub_id": "s", "ip": "5f4dcc3b5aa765d6", "country": "US", "referrer": "r.example", "payout": Decimal("12.5"),
         "revenue": Decimal(20), "currency": "USD", "status": "pending", "event": "sale", "order_id": "o-1",
         "customer_id": "u-1", "locks_at": datetime(2026, 3, 1, tzinfo=UTC)},
    ),
    ("voluum", Kind.CONVERSIONS): (
        {
            "transactionId": "", "clickId": "t1", "postbackTimestamp": "2026-01-05 12:30:00 PM",
            "visitTimestamp": "2026-01-05 10:00:00 AM", "trafficSourceId": "7", "offerId": "9", "campaignId": "8",
            "customVariable1": "s", "ip": "1.2.3.4", "browser": "Chrome", "os": "Windows", "deviceName": "PC",
            "countryCode": "US", "cost": "12.5", "revenue": "20", "conversionType": "sale", "externalId": "o-1",
        },
        {"click_id": "t1", "ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7", "offer_id": "9", "sub_id": "s",
         "ip": "1.2.3.4", "user_agent": "Chrome Windows PC", "country": "US", "payout": Decimal("12.5"),
         "revenue": Decimal(20), "event": "sale", "order_id": "o-1"},
    ),
    ("awin", Kind.CONVERSIONS): (
        {
            "id": "c1", "transactionDate": "2026-01-05T12:30:00", "clickDate": "2026-01-05T10:00:00",
            "publisherId": "7",
            "advertiserId": "9", "clickRefs.clickRef": "s", "customerCountry": "US",
            "publisherUrl": "https://r.example",
            "commissionAmount.amount": "12.5", "commissionAmount.currency": "EUR", "saleAmount.amount": "200",
            "commissionStatus": "declined", "orderRef": "o-1", "type": "Sale", "ipHash": "123",
        },
        {"conversion_id": "c1", "ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7", "offer_id": "9",
         "sub_id": "s", "country": "US", "referrer": "https://r.example", "payout": Decimal("12.5"),
         "revenue": Decimal(200), "currency": "EUR", "status": "rejected", "order_id": "o-1", "event": "Sale"},
    ),
    ("cj", Kind.CONVERSIONS): (
        {
            "commissionId": "c1", "eventDate": "2026-01-05T12:30:00Z", "clickDate": "2026-01-05T10:00:00Z",
            "publisherId": "7", "websiteId": "s", "actionTrackerId": "9", "country": "US",
            "pubCommissionAmountUsd": "12.5",
            "saleAmountUsd": "200", "actionStatus": "extended", "orderId": "o-1", "lockingDate": "2026-03-01T00:00:00Z",
        },
        {"conversion_id": "c1", "ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7", "offer_id": "9",
         "sub_id": "s", "country": "US", "payout": Decimal("12.5"), "revenue": Decimal(200), "currency": "USD",
         "status": "hold", "order_id": "o-1", "locks_at": datetime(2026, 3, 1, tzinfo=UTC)},
    ),
    ("appsflyer", Kind.CLICKS): (
        {
            "Attributed Touch Time": "2026-01-05 10:00:00", "Media Source": "7", "Partner": "", "App ID": "9",
            "Site ID": "s", "IP": "1.2.3.4", "User Agent": BROWSER, "Country Code": "US", "IDFA": "D-1",
            "HTTP Referrer": "https://r.example",
        },
        {"ts": CLICKED, "affiliate_id": "7", "offer_id": "9", "sub_id": "s", "ip": "1.2.3.4", "user_agent": BROWSER,
         "device_id": "D-1", "country": "US", "referrer": "https://r.example"},
    ),
    ("appsflyer", Kind.CONVERSIONS): (
        {
            "AppsFlyer ID": "af-1", "Event Name": "purchase", "Event Time": "2026-01-05 12:30:00",
            "Install Time": "2026-01-05 10:05:00", "Attributed Touch Time": "2026-01-05 10:00:00", "Media Source": "7",
            "App ID": "9", "Site ID": "s", "IP": "1.2.3.4", "User Agent": BROWSER, "Country Code": "US",
            "Cost Value": "12.5", "Cost Currency": "USD", "Event Revenue": "20", "Customer User ID": "u-1",
        },
        {"ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7", "offer_id": "9", "sub_id": "s", "ip": "1.2.3.4",
         "user_agent": BROWSER, "country": "US", "payout": Decimal("12.5"), "currency": "USD",
         "revenue": Decimal(20), "event": "purchase", "customer_id": "u-1"},
    ),
    ("talkingdata", Kind.CLICKS): (
        {"ip": "87540", "app": "9", "device": "1", "os": "13", "channel": "7", "click_time": "2026-01-05 10:00:00",
         "attributed_time": "", "is_attributed": "0"},
        {"ts": CLICKED, "affiliate_id": "7", "offer_id": "9", "ip": "87540", "user_agent": "device=1 os=13"},
    ),
    ("talkingdata", Kind.CONVERSIONS): (
        {"ip": "87540", "app": "9", "device": "1", "os": "13", "channel": "7", "click_time": "2026-01-05 10:00:00",
         "attributed_time": "2026-01-05 12:30:00", "is_attributed": "1"},
        {"ts": CONVERTED, "click_ts": CLICKED, "affiliate_id": "7", "offer_id": "9", "ip": "87540",
         "user_agent": "device=1 os=13", "payout": Decimal(1), "event": "install"},
    ),
}  # fmt: skip


@pytest.fixture
def take(tmp_path):
    workspace = open_workspace(tmp_path / "programme", {})

    def taken(kind: Kind, path: Path, **reading):
        done = ingest_files(workspace, kind, [path], Reading(**reading), NOW, silent_progress())
        rows = Lake(workspace.lake).snapshot().frame(kind).collect()
        return done.report.files[0], rows, done

    return taken


def export(path: Path, *rows: dict[str, str]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def test_every_kind_of_every_shipped_profile_has_an_export_here():
    shipped = {(name, kind) for name in profile_names() for kind in load_profile(name).kinds}
    assert shipped == set(EXPORTS)


@pytest.mark.parametrize(("name", "kind"), EXPORTS, ids=str)
def test_an_export_with_the_documented_columns_is_read_as_meant(take, tmp_path, name, kind):
    source, expected = EXPORTS[name, kind]
    report, rows, done = take(kind, export(tmp_path / "export.csv", source), profile=name)
    assert report.error is None, report.error
    assert (report.taken, report.quarantined, dict(report.dropped)) == (1, 0, {})
    (row,) = rows.iter_rows(named=True)
    made = {column: row.pop(column) for column in load_profile(name).kinds[kind].synthesised}
    assert {column: value for column, value in row.items() if value is not None} == {
        column: value for column, value in expected.items() if column not in made
    }
    assert all(made.values())
    assert done.note == f"{load_profile(name).title}: {load_profile(name).note}"


def test_nested_json_of_the_reporting_interface_is_read_like_its_flat_export(take, tmp_path):
    flat, _ = EXPORTS["everflow", Kind.CLICKS]
    nested: dict = {}
    for name, value in flat.items():
        *above, leaf = name.split(".")
        place = nested
        for part in above:
            place = place.setdefault(part, {})
        place[leaf] = value
    (tmp_path / "clicks.json").write_text(json.dumps(nested))
    _, rows, _ = take(Kind.CLICKS, tmp_path / "clicks.json", profile="everflow")
    assert rows.select("affiliate_id", "offer_id", "country").row(0) == ("7", "9", "US")
    repeated, _, _ = take(Kind.CLICKS, export(tmp_path / "clicks.csv", flat), profile="everflow")
    assert repeated.repeated == 1


def test_equal_rows_of_a_log_without_ids_are_different_events_and_stay_the_same_ones(take, tmp_path):
    row, _ = EXPORTS["talkingdata", Kind.CONVERSIONS]
    other = {**row, "os": "14"}
    report, rows, _ = take(Kind.CONVERSIONS, export(tmp_path / "a.csv", row, row, other, row), profile="talkingdata")
    assert (report.taken, report.repeated) == (4, 0)
    first, *rest = sorted(
        name for name in rows["conversion_id"] if rows.filter(conversion_id=name)["user_agent"][0] == "device=1 os=13"
    )
    assert rest == [f"{first}-2", f"{first}-3"]
    assert rows["click_id"].to_list() == rows["conversion_id"].to_list()
    # a longer export of the same log: what it has in common is repeated, one more equal row is one more event
    report, rows, _ = take(
        Kind.CONVERSIONS, export(tmp_path / "b.csv", row, row, row, row, other), profile="talkingdata"
    )
    assert (report.taken, report.repeated) == (1, 4)
    assert f"{first}-4" in rows["conversion_id"].to_list()


@pytest.mark.skipif(not LOG.is_file(), reason="the shared click log is not here")
def test_the_public_click_log_gives_its_clicks_and_conversions(take):
    clicks_report, clicks, _ = take(Kind.CLICKS, LOG, profile="talkingdata")
    report, conversions, _ = take(Kind.CONVERSIONS, LOG, profile="talkingdata")
    assert (clicks_report.taken, clicks_report.quarantined, clicks.height) == (100_000, 0, 100_000)
    assert (report.taken, report.quarantined, conversions.height) == (227, 0, 227)
    assert dict(report.skipped) == {"not_this_kind": 99_773}
    joined = conversions.join(clicks, on="click_id", suffix="_click")
    assert joined.height == 227
    for column in ("ip", "user_agent", "affiliate_id", "offer_id"):
        assert joined[column].to_list() == joined[f"{column}_click"].to_list()
    assert joined["click_ts"].to_list() == joined["ts_click"].to_list()
    with gzip.open(LOG, "rt") as stream:
        raw = list(csv.DictReader(stream))
    assert sorted(clicks["affiliate_id"]) == sorted(row["channel"] for row in raw)
    again, _, _ = take(Kind.CONVERSIONS, LOG, profile="talkingdata")
    assert again.outcome == "already_taken"


OWN = """
title: Our own tracker
source: our database
note: none
kinds:
  clicks:
    columns: {click_id: [cid], ts: [when], affiliate_id: [pub], offer_id: [offer]}
    time_formats: ["%d.%m.%Y %H:%M"]
    timezone: Europe/Berlin
"""


def test_a_programme_may_have_a_profile_of_its_own(take, tmp_path):
    (tmp_path / "own.yaml").write_text(OWN)
    path = export(tmp_path / "a.csv", {"cid": "k", "when": "05.01.2026 11:00", "pub": "7", "offer": "9"})
    _, rows, _ = take(Kind.CLICKS, path, profile=str(tmp_path / "own.yaml"))
    assert rows["ts"].to_list() == [CLICKED]
    # what the command line says counts more than the profile
    path = export(tmp_path / "b.csv", {"id2": "k2", "cid": "k", "when": "05.01.2026 11:00", "pub": "7", "offer": "9"})
    _, rows, _ = take(
        Kind.CLICKS, path, profile=str(tmp_path / "own.yaml"), columns={"click_id": "id2"}, timezone="UTC"
    )
    assert rows.filter(click_id="k2")["ts"].to_list() == [datetime(2026, 1, 5, 11, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (("click_id: [cid]", "clickid: [cid]"), "clicks have no column clickid"),
        (("kinds:", "sorts:"), "Field required"),
        (("note: none", "note: none\nextra: 1"), "Extra inputs"),
        (("timezone:", "words: {affiliate_id: {a: b}}\n    timezone:"), "cannot be b"),
        (("title:", "title: ["), "not valid YAML"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_place(tmp_path, change, cause):
    (tmp_path / "own.yaml").write_text(OWN.replace(*change))
    with pytest.raises(InputError, match=cause) as refused:
        load_profile(str(tmp_path / "own.yaml"))
    assert refused.value.where == str(tmp_path / "own.yaml")


def test_an_unknown_profile_kind_or_column_names_those_there_are(take, tmp_path):
    path = export(tmp_path / "a.csv", {"x": "1"})
    with pytest.raises(InputError, match=r"no profile `everfow`.*everflow"):
        take(Kind.CLICKS, path, profile="everfow")
    with pytest.raises(InputError, match=r"`tune` has no clicks\. It has conversions"):
        take(Kind.CLICKS, path, profile="tune")
    with pytest.raises(InputError, match="clicks have no column `payout`"):
        take(Kind.CLICKS, path, columns={"payout": "x"})
    assert set(TABLES) == set(Kind)
