"""Ingest as its users rely on it: any format, nothing twice, late events in their day, a remedy for what is wrong."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from features.schema import Kind
from screening.errors import InputError
from screening.traffic.intake.layout import Layout
from screening.traffic.intake.report import Outcome

RECORDS = [
    {
        "conversion_id": f"c{n}",
        "ts": datetime(2026, 1, 1 + n % 3, 10, n % 60, tzinfo=UTC),
        "affiliate_id": f"a{n % 4}",
        "offer_id": "o1",
        "payout": Decimal(n) / 8,
        "user_agent": 'Mozilla/5.0 (KHTML, like Gecko) "x"' if n % 2 else None,
        "currency": "EUR",
    }
    for n in range(300)
]


def delimited(separator: str) -> bytes:
    lines = [separator.join(RECORDS[0])]
    for record in RECORDS:
        cells = [
            "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
            for value in record.values()
        ]
        lines.append(
            separator.join('"' + cell.replace('"', '""') + '"' if set(cell) & set('",;|\t') else cell for cell in cells)
        )
    return ("\n".join(lines) + "\n").encode()


def json_lines() -> bytes:
    return "".join(
        json.dumps(record, default=lambda v: v.isoformat() if isinstance(v, datetime) else float(v)) + "\n"
        for record in RECORDS
    ).encode()


def parquet(tmp_path) -> bytes:
    path = tmp_path / "source.parquet"
    pl.DataFrame(RECORDS).write_parquet(path)
    return path.read_bytes()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


FORMS = {
    "csv": lambda _: delimited(","),
    "tsv": lambda _: delimited("\t"),
    "semicolons": lambda _: delimited(";"),
    "pipes": lambda _: delimited("|"),
    "json lines": lambda _: json_lines(),
}
PACKED = {"plain": bytes, "gzip": gzip.compress, "zstd": zstd}


def canonical(rows: pl.DataFrame) -> list[tuple]:
    chosen = rows.select("conversion_id", "ts", "affiliate_id", "offer_id", "payout", "user_agent", "currency")
    return sorted(chosen.rows())


EXPECTED = sorted(tuple(record.values()) for record in RECORDS)


@pytest.mark.parametrize(("form", "packing"), [*product(FORMS, PACKED), ("parquet", "plain")])
def test_every_form_and_compression_gives_the_same_rows_whatever_the_name(programme, tmp_path, form, packing):
    content = parquet(tmp_path) if form == "parquet" else FORMS[form](tmp_path)
    path = programme.write("export.dat", PACKED[packing](content))
    report = programme.take(Kind.CONVERSIONS, path)
    assert report.totals() == {"rows": 300, "taken": 300, "revised": 0, "repeated": 0, "quarantined": 0, "skipped": 0}
    assert canonical(programme.rows(Kind.CONVERSIONS)) == EXPECTED
    assert programme.snapshot.days(Kind.CONVERSIONS) == [date(2026, 1, day) for day in (1, 2, 3)]


def test_blocks_of_any_size_give_the_same_rows(programme):
    path = programme.write("c.csv", delimited(","))
    programme.take(Kind.CONVERSIONS, path, block_bytes=4096, part_rows=1000)
    assert canonical(programme.rows(Kind.CONVERSIONS)) == EXPECTED


def test_parts_of_gzip_and_zstd_that_follow_each_other_are_one_text(programme):
    data = delimited(",")
    cut = data.index(b"\n", 4000) + 1
    for name, pack in (("a.gz", gzip.compress), ("a.zst", zstd)):
        path = programme.write(name, pack(data[:cut]) + pack(data[cut:]))
        report = programme.take(Kind.CONVERSIONS, path)
        assert report.totals()["rows"] == 300


def test_the_same_file_again_changes_nothing_under_any_name(programme):
    path = programme.write("a.csv", delimited(","))
    programme.take(Kind.CONVERSIONS, path)
    before = sorted(
        (file, file.stat().st_mtime_ns) for file in (programme.root / "lake").rglob("*.*") if file.is_file()
    )
    again = programme.take(Kind.CONVERSIONS, path, programme.write("renamed.csv", delimited(",")))
    assert [file.outcome for file in again.files] == [Outcome.ALREADY_TAKEN, Outcome.ALREADY_TAKEN]
    assert (again.version, again.totals()["rows"], again.quarantine) == (1, 0, None)
    assert not again.incomplete
    after = sorted((file, file.stat().st_mtime_ns) for file in (programme.root / "lake").rglob("*.*") if file.is_file())
    assert after == before


def test_a_file_with_refused_rows_says_so_again_and_is_read_again_under_other_settings(programme):
    path = programme.write(
        "a.csv",
        "conversion_id,ts,affiliate_id,offer_id,payout,currency\nc1,2026-01-01,a,o,1,USDT\nc2,2026-01-01,a,o,1,USD\n",
    )
    first = programme.take(Kind.CONVERSIONS, path)
    again = programme.take(Kind.CONVERSIONS, path)
    assert (first.incomplete, again.incomplete) == (True, True)
    assert again.files[0].quarantined == 1
    mended = programme.take(Kind.CONVERSIONS, path, extra_currencies=["USDT"])
    assert mended.totals() == {"rows": 2, "taken": 1, "revised": 0, "repeated": 1, "quarantined": 0, "skipped": 0}


def test_a_row_refused_as_future_is_taken_when_its_time_has_come(programme):
    path = programme.write("a.csv", "click_id,ts,affiliate_id,offer_id\nk,2026-02-01T14:00:00Z,a,o\n")
    assert programme.take(Kind.CLICKS, path).files[0].faults == {"future_time": 1}
    later = programme.take(Kind.CLICKS, path, now=datetime(2026, 2, 1, 13, 30, tzinfo=UTC))
    assert later.totals()["taken"] == 1


def test_files_that_overlap_add_only_what_is_new(programme):
    lines = delimited(",").splitlines(keepends=True)
    programme.take(Kind.CONVERSIONS, programme.write("a.csv", b"".join(lines[:201])))
    report = programme.take(Kind.CONVERSIONS, programme.write("b.csv", lines[0] + b"".join(lines[101:])))
    assert report.totals() == {"rows": 200, "taken": 100, "revised": 0, "repeated": 100, "quarantined": 0, "skipped": 0}
    assert canonical(programme.rows(Kind.CONVERSIONS)) == EXPECTED


def test_the_same_records_in_another_form_are_repeated(programme, tmp_path):
    programme.take(Kind.CONVERSIONS, programme.write("a.csv", delimited(",")))
    for name, content in (
        ("b.json", json_lines()),
        ("b.parquet", parquet(tmp_path)),
        ("b.tsv.gz", gzip.compress(delimited("\t"))),
    ):
        report = programme.take(Kind.CONVERSIONS, programme.write(name, content))
        assert report.totals() == {
            "rows": 300,
            "taken": 0,
            "revised": 0,
            "repeated": 300,
            "quarantined": 0,
            "skipped": 0,
        }


def test_late_events_go_to_their_own_day_and_leave_other_parts_alone(programme):
    head = "click_id,ts,affiliate_id,offer_id\n"
    programme.take(
        Kind.CLICKS,
        programme.write("a.csv", head + "k1,2026-01-05T23:59:59.999999Z,a,o\nk2,2026-01-06T00:00:00Z,a,o\n"),
    )
    parts = programme.snapshot.parts
    programme.take(Kind.CLICKS, programme.write("b.csv", head + "k3,2026-01-05T08:00:00Z,a,o\n"))
    assert programme.snapshot.parts[:2] == parts
    day = programme.snapshot.frame(Kind.CLICKS, date(2026, 1, 5), date(2026, 1, 5)).collect()
    assert sorted(day["click_id"]) == ["k1", "k3"]


def test_conflicts_name_the_row_that_holds_and_what_differs(programme):
    head = "conversion_id,ts,affiliate_id,offer_id,payout\n"
    a = programme.write(
        "a.csv",
        head + "c1,2026-01-01T00:00:00Z,a,o,1\nc1,2026-01-01T00:00:00Z,a,o,1.0\nc1,2026-01-01T00:00:00Z,a,o,2\n",
    )
    b = programme.write("b.csv", head + "c1,2026-01-01T00:00:00Z,b,o,1\n")
    c = programme.write("c.csv", head + "c1,2026-01-09T00:00:00Z,a,o,1\nc9,2026-01-09T00:00:00Z,a,o,1\n")
    first = programme.take(Kind.CONVERSIONS, a, b)
    second = programme.take(Kind.CONVERSIONS, c)
    assert [(file.taken, file.repeated, file.quarantined) for file in (*first.files, *second.files)] == [
        (1, 1, 1),
        (0, 0, 1),
        (1, 0, 1),
    ]
    found = [
        (e["file"], e["line"], e["reason"], e["differs_in"], e["first_taken_from"])
        for e in (*programme.set_apart(first), *programme.set_apart(second))
    ]
    assert found == [
        (str(a), 4, "duplicate_id_in_file", "payout", f"{a}:2"),
        (str(b), 2, "duplicate_id_across_files", "affiliate_id", f"{a}:2"),
        (str(c), 2, "duplicate_id_across_days", "ts", f"{a}:2"),
    ]
    assert programme.rows(Kind.CONVERSIONS)["payout"].to_list() == [Decimal(1), Decimal(1)]


def test_a_later_export_revises_the_status_and_lock_of_a_conversion_and_nothing_else(programme):
    head = "conversion_id,ts,affiliate_id,offer_id,payout,status,locks_at\n"
    row = "{},2026-01-01T00:00:00Z,a,o,{},{},{}\n"
    a = programme.write(
        "a.csv", head + row.format("c1", 1, "pending", "2026-03-01") + row.format("c2", 1, "pending", "")
    )
    b = programme.write("b.csv", head + row.format("c1", 1, "approved", "") + row.format("c2", 2, "approved", ""))
    programme.take(Kind.CONVERSIONS, a)
    report = programme.take(Kind.CONVERSIONS, b)
    assert report.totals() == {"rows": 2, "taken": 0, "revised": 1, "repeated": 0, "quarantined": 1, "skipped": 0}
    rows = programme.rows(Kind.CONVERSIONS).sort("conversion_id")
    # c2 says another payout, which is no revision; c1 keeps the lock that the later export does not name
    assert rows.select("conversion_id", "payout", "status").rows() == [("c1", 1, "approved"), ("c2", 1, "pending")]
    assert rows["locks_at"].to_list() == [datetime(2026, 3, 1, tzinfo=UTC), None]
    earlier = programme.lake.snapshot(1).frame(Kind.CONVERSIONS).collect()
    assert sorted(earlier["status"]) == ["pending", "pending"]
    # an export without these columns takes nothing back, and the index still knows both ids
    c = programme.write("c.csv", "conversion_id,ts,affiliate_id,offer_id,payout\nc1,2026-01-01T00:00:00Z,a,o,1\n")
    assert programme.take(Kind.CONVERSIONS, c).totals()["repeated"] == 1
    programme.snapshot.verify()


def test_revisions_in_one_ingest_end_with_the_last_file_and_a_file_may_not_contradict_itself(programme):
    head = "conversion_id,ts,affiliate_id,offer_id,payout,status\n"
    row = "c1,2026-01-01T00:00:00Z,a,o,1,{}\n"
    files = [
        programme.write(f"{n}.csv", head + "".join(map(row.format, states)))
        for n, states in enumerate((["pending"], ["approved", "approved"], ["approved", "rejected"], ["paid"]))
    ]
    report = programme.take(Kind.CONVERSIONS, *files)
    counts = [(file.taken, file.revised, file.repeated, file.quarantined) for file in report.files]
    assert counts == [(1, 0, 0, 0), (0, 1, 1, 0), (0, 0, 1, 1), (0, 1, 0, 0)]
    assert [(e["line"], e["reason"], e["differs_in"]) for e in programme.set_apart(report)] == [
        (3, "duplicate_id_in_file", "status")
    ]
    assert programme.rows(Kind.CONVERSIONS)["status"].to_list() == ["paid"]


def test_a_later_file_of_affiliates_updates_them_and_one_file_may_not_contradict_itself(programme):
    head = "affiliate_id,name,approved_sites,promo_methods,status\n"
    a = programme.write(
        "a.csv",
        head
        + "1,Ann,https://a.example https://b.example,seo;email,Active\n2,Bob,,,paused\n2,Bob,,,paused\n2,Eve,,,paused\n",
    )
    b = programme.write("b.csv", head + "1,Ann,https://a.example https://b.example,seo;email,active\n2,Bob,,,banned\n")
    first = programme.take(Kind.AFFILIATES, a)
    assert first.totals() == {"rows": 4, "taken": 2, "revised": 0, "repeated": 1, "quarantined": 1, "skipped": 0}
    (apart,) = programme.set_apart(first)
    assert (apart["line"], apart["reason"], apart["differs_in"]) == (5, "duplicate_id_in_file", "name")
    assert programme.take(Kind.AFFILIATES, b).totals()["taken"] == 1
    rows = programme.rows(Kind.AFFILIATES).sort("affiliate_id")
    assert rows["status"].to_list() == ["active", "banned"]
    assert rows["approved_sites"].to_list() == [["https://a.example", "https://b.example"], None]
    assert rows["promo_methods"].to_list() == [["seo", "email"], None]


def test_caps_are_told_apart_by_offer_affiliate_and_type_where_the_affiliate_may_be_absent(programme):
    head = "offer_id,cap_type,limit,affiliate_id\n"
    text = head + "o,daily_clicks,5,\no,daily_clicks,6,a\no,daily_payout,5.5,\no,hourly_clicks,5,\no,daily_clicks,,\n"
    report = programme.take(Kind.CAPS, programme.write("a.csv", text))
    assert report.files[0].faults == {"unknown_word": 1, "missing_value": 1}
    programme.take(Kind.CAPS, programme.write("b.csv", head + "o,daily_clicks,7,\n"))
    rows = programme.rows(Kind.CAPS).sort("cap_type", "affiliate_id", nulls_last=False)
    assert rows.select("cap_type", "affiliate_id", "limit").rows() == [
        ("daily_clicks", None, Decimal(7)), ("daily_clicks", "a", Decimal(6)), ("daily_payout", None, Decimal("5.5"))
    ]  # fmt: skip


def test_outcomes_of_one_conversion_are_records_of_their_own(programme):
    outcomes = ("chargeback", "refund", "refund", "stolen")
    text = "conversion_id,outcome,ts\n" + "".join(f"c,{outcome},2026-01-01\n" for outcome in outcomes)
    report = programme.take(Kind.OUTCOMES, programme.write("a.csv", text))
    assert report.totals() == {"rows": 4, "taken": 2, "revised": 0, "repeated": 1, "quarantined": 1, "skipped": 0}


def test_lists_may_be_lists_in_json_and_parquet(programme):
    record = {
        "affiliate_id": "1",
        "approved_sites": ["https://a.example", "https://b.example"],
        "promo_methods": ["seo", "email"],
    }
    programme.take(Kind.AFFILIATES, programme.write("a.json", json.dumps(record)))
    table = programme.root / "a.parquet"
    pl.DataFrame([{**record, "affiliate_id": "2"}]).write_parquet(table)
    programme.take(Kind.AFFILIATES, table)
    for row in programme.rows(Kind.AFFILIATES).iter_rows(named=True):
        assert (row["approved_sites"], row["promo_methods"]) == (record["approved_sites"], record["promo_methods"])


def test_json_keeps_every_digit_and_flattens_objects(programme):
    line = (
        '{"id": 12345678901234567890, "offer": {"id": 7}, "ts": 1767225600.25, "affiliate_id": true, "payout": 12.10}'
    )
    layout = Layout().with_columns({"conversion_id": "id", "offer_id": "offer.id"})
    lines = [
        line,
        "{",
        "[1]",
        '{"id": [1], "offer": {"id": 7}, "ts": 1, "affiliate_id": 1, "payout": 1}',
        '{"id": 2, "offer": {"id": 7}, "ts": 1767225600, "affiliate_id": 1, "payout": NaN}',
        "",
    ]
    report = programme.take(Kind.CONVERSIONS, programme.write("a.jsonl", "\n".join(lines)), layout=layout)
    (row,) = programme.rows(Kind.CONVERSIONS).iter_rows(named=True)
    assert (row["conversion_id"], row["offer_id"], row["affiliate_id"]) == ("12345678901234567890", "7", "true")
    assert (row["payout"], row["ts"]) == (Decimal("12.1"), datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC))
    assert [(e["line"], e["reason"]) for e in programme.set_apart(report)] == [
        (2, "bad_json"),
        (3, "bad_json"),
        (4, "not_text"),
        (5, "not_finite"),
    ]


def test_an_optional_member_that_only_later_lines_have_is_read(programme):
    first = '{"click_id": "k%d", "ts": "2026-01-01", "affiliate_id": "a", "offer_id": "o"}\n'
    text = (
        "".join(first % n for n in range(200))
        + '{"click_id": "z", "ts": "2026-01-01", "affiliate_id": "a", "offer_id": "o", "country": "de"}\n'
    )
    programme.take(Kind.CLICKS, programme.write("a.jsonl", text), block_bytes=4096)
    assert programme.rows(Kind.CLICKS).filter(click_id="z")["country"].to_list() == ["DE"]


def test_parquet_types_are_read_exactly(programme):
    table = pa.table(
        {
            "conversion_id": pa.array([1, 2], pa.int64()),
            "ts": pa.array([1767229200 * 10**9, 1767315600 * 10**9], pa.timestamp("ns")),
            "affiliate_id": pa.array(["a", "b"], pa.dictionary(pa.int8(), pa.string())),
            "offer_id": pa.array([True, False]),
            "payout": pa.array([Decimal("1.10"), Decimal("2.25")], pa.decimal128(10, 2)),
            "revenue": pa.array([0.1, float("nan")]),
        }
    )
    path = programme.root / "a.parquet"
    pq.write_table(table, path)
    report = programme.take(Kind.CONVERSIONS, path, timezone="Europe/Berlin")
    (row,) = programme.rows(Kind.CONVERSIONS).iter_rows(named=True)
    assert (row["conversion_id"], row["affiliate_id"], row["offer_id"]) == ("1", "a", "true")
    assert (row["payout"], row["revenue"]) == (Decimal("1.1"), Decimal("0.1"))
    assert row["ts"] == datetime(2026, 1, 1, 0, tzinfo=UTC)
    (apart,) = programme.set_apart(report)
    assert (apart["line"], apart["field"], apart["reason"]) == (2, "revenue", "not_finite")
    assert json.loads(apart["raw"])["conversion_id"] == "2"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_of_spreadsheets_are_understood(programme, encoding, line_end):
    text = line_end.join(
        ["click_id,ts,affiliate_id,offer_id,user_agent", "k1,2026-01-01,a,o,ünï", 'k2,2026-01-01,a,o,"x,y"', ""]
    )
    report = programme.take(Kind.CLICKS, programme.write("a.csv", text.encode(encoding)))
    assert report.totals() == {"rows": 2, "taken": 2, "revised": 0, "repeated": 0, "quarantined": 0, "skipped": 0}
    assert programme.rows(Kind.CLICKS)["user_agent"].to_list() == ["ünï", "x,y"]


def test_mixed_line_ends_are_understood(programme):
    text = "click_id,ts,affiliate_id,offer_id\r\nk1,2026-01-01,a,o\nk2,2026-01-01,a,o\r\nk3,2026-01-01,a,o"
    assert programme.take(Kind.CLICKS, programme.write("a.csv", text)).totals()["taken"] == 3


def test_column_names_are_compared_without_case_and_punctuation_and_others_are_named(programme):
    text = "Click ID,TS,affiliateId,OFFER-ID,colour,colour\nk, 2026-01-01 ,a,o,x,y\n"
    report = programme.take(Kind.CLICKS, programme.write("a.csv", text))
    assert report.files[0].ignored == ("colour", "colour#2")
    assert programme.rows(Kind.CLICKS).height == 1


def test_a_column_may_be_named(programme):
    text = "cid,when,pub,offer_id,click_id\nk,2026-01-01,a,o,other\n"
    layout = Layout().with_columns({"click_id": "cid", "ts": "when", "affiliate_id": "pub"})
    programme.take(Kind.CLICKS, programme.write("a.csv", text), layout=layout)
    assert programme.rows(Kind.CLICKS)["click_id"].to_list() == ["k"]
    wrong = layout.with_columns({"country": "land"})
    error = programme.take(Kind.CLICKS, programme.write("b.csv", text), layout=wrong).files[0].error
    assert "`country`" in error.cause
    assert "--map country=" in error.remedy


UNUSABLE = {
    "missing": (None, "No such file"),
    "empty": (b"", "empty"),
    "blank": (b"\n \n", "no text"),
    "wrong columns": (
        b"click,ts,affiliate,offer_id\n",
        "missing: `click_id`, `affiliate_id`. The file has: click, ts, affiliate, offer_id. "
        "Closest: click for click_id; affiliate for affiliate_id",
    ),
    "a JSON array": (b'[{"click_id": 1}]', "JSON array"),
    "no objects": (b"{\n{\n", "No line"),
    "an archive": (b"PK\x03\x04rest", "ZIP"),
    "damaged gzip": (gzip.compress(b"click_id,ts,affiliate_id,offer_id\n")[:-8] + b"12345678", "damaged"),
    "damaged Parquet": (b"PAR1 nothing else", "Parquet"),
    "Latin-1 header": (b"click_id,ts,affiliate_id,offer_id,caf\xe9\nk,2026-01-01,a,o,x\n", "header line"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_file_that_cannot_be_used_is_refused_with_a_remedy_and_the_others_are_taken(programme, what):
    content, cause = UNUSABLE[what]
    bad = programme.root / "bad" if content is None else programme.write("bad", content)
    good = programme.write("good.csv", "click_id,ts,affiliate_id,offer_id\nk,2026-01-01,a,o\n")
    report = programme.take(Kind.CLICKS, bad, good)
    assert [file.outcome for file in report.files] == [Outcome.REFUSED, Outcome.TAKEN]
    error = report.files[0].error
    assert error is not None
    assert error.where.startswith(str(bad))
    assert error.remedy
    with pytest.raises(InputError, match=cause):
        raise error
    assert programme.rows(Kind.CLICKS)["click_id"].to_list() == ["k"]
    alone = programme.take(Kind.CLICKS, bad)
    assert (alone.version, [file.outcome for file in alone.files]) == (1, [Outcome.REFUSED])


def test_nothing_of_a_file_that_turns_out_damaged_is_kept(programme):
    data = bytearray(
        gzip.compress(
            b"click_id,ts,affiliate_id,offer_id\n"
            + b"".join(b"k%d,2026-01-01,a,o\nbad%d,x,a,o\n" % (n, n) for n in range(3000))
        )
    )
    data[-6] ^= 0xFF  # the checksum at the end
    damaged = programme.write("damaged.csv.gz", bytes(data))
    good = programme.write("good.csv", "click_id,ts,affiliate_id,offer_id\nk1,2026-01-01,b,o\n")
    report = programme.take(Kind.CLICKS, damaged, good, block_bytes=4096)
    assert [file.outcome for file in report.files] == [Outcome.REFUSED, Outcome.TAKEN]
    assert programme.rows(Kind.CLICKS).select("click_id", "affiliate_id").rows() == [("k1", "b")]
    assert programme.set_apart(report) == []


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_of_a_truncated_file_the_rows_before_the_cut_are_taken_and_the_loss_is_told(programme, pack):
    head = b"click_id,ts,affiliate_id,offer_id\n"
    rows = [b"k%d,2026-01-01T00:00:00Z,a%s,o\n" % (n, os.urandom(30).hex().encode()) for n in range(20_000)]
    whole = pack(head + b"".join(rows))
    report = programme.take(Kind.CLICKS, programme.write("a", whole[: len(whole) // 2]))
    taken = report.totals()["taken"]
    assert 1000 < taken < 19_000
    assert report.incomplete
    assert report.files[0].rest_lost
    assert [e["reason"] for e in programme.set_apart(report)][-1] == "truncated_file"
    complete = programme.take(Kind.CLICKS, programme.write("b", whole))
    assert complete.totals()["rows"] == 20_000
    assert programme.rows(Kind.CLICKS)["click_id"].n_unique() == 20_000


def test_a_header_alone_is_a_file_without_rows(programme):
    report = programme.take(Kind.CLICKS, programme.write("a.csv", "click_id,ts,affiliate_id,offer_id\n"))
    assert (report.files[0].outcome, report.files[0].rows, report.incomplete) == (Outcome.TAKEN, 0, False)


def test_times_without_zone_are_of_the_zone_that_was_named(programme):
    text = "click_id,ts,affiliate_id,offer_id\nk1,2026-01-01 00:30:00,a,o\nk2,2026-01-01T00:30:00Z,a,o\n"
    programme.take(Kind.CLICKS, programme.write("a.csv", text), timezone="Europe/Berlin")
    times = dict(programme.rows(Kind.CLICKS).select("click_id", "ts").iter_rows())
    assert times == {"k1": datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "k2": datetime(2026, 1, 1, 0, 30, tzinfo=UTC)}
    with pytest.raises(InputError, match="no time zone `Berlin`"):
        programme.take(Kind.CLICKS, programme.write("b.csv", text), timezone="Berlin")


def test_many_files_go_into_few_parts(programme):
    files = [
        programme.write(f"{n}.csv", f"click_id,ts,affiliate_id,offer_id\nk{n},2026-01-0{1 + n % 2},a,o\n")
        for n in range(200)
    ]
    report = programme.take(Kind.CLICKS, *files)
    assert report.totals()["taken"] == 200
    assert [(part.day, part.rows) for part in programme.snapshot.parts] == [
        (date(2026, 1, 1), 100),
        (date(2026, 1, 2), 100),
    ]
    again = programme.take(Kind.CLICKS, *files)
    assert {file.outcome for file in again.files} == {Outcome.ALREADY_TAKEN}


def test_a_year_of_nights_keeps_few_index_and_ledger_files(programme):
    for night in range(40):
        path = programme.write(
            "a.csv", f"click_id,ts,affiliate_id,offer_id\nk{night},2026-01-0{1 + night % 5},a,o\nk0,2026-01-01,a,o\n"
        )
        report = programme.take(Kind.CLICKS, path)
        assert report.totals()["repeated"] == 1
    assert len(list((programme.root / "lake" / "ledger").iterdir())) <= 17
    assert len(list((programme.root / "lake" / "index" / "clicks").iterdir())) <= 8
    assert sorted(programme.rows(Kind.CLICKS)["click_id"]) == sorted(f"k{night}" for night in range(40))


def test_an_index_that_is_lost_is_made_again(programme):
    text = "click_id,ts,affiliate_id,offer_id\nk1,2026-01-01,a,o\n"
    programme.take(Kind.CLICKS, programme.write("a.csv", text))
    for run in (programme.root / "lake" / "index" / "clicks").iterdir():
        run.unlink()
    report = programme.take(Kind.CLICKS, programme.write("b.csv", text + "k2,2026-01-01,a,o\n"))
    assert report.totals() == {"rows": 2, "taken": 1, "revised": 0, "repeated": 1, "quarantined": 0, "skipped": 0}
    third = programme.take(Kind.CLICKS, programme.write("c.csv", text + "k2,2026-01-01,a,o\nk3,2026-01-01,a,o\n"))
    assert third.totals()["repeated"] == 2


def test_rows_without_a_day_in_common_are_joined_into_parts_by_day(programme):
    lines = ["click_id,ts,affiliate_id,offer_id", *(f"k{n},2026-01-{1 + n % 28:02d},a,o" for n in range(5_600))]
    programme.take(
        Kind.CLICKS, programme.write("a.csv", "\n".join(lines)), block_bytes=4096, part_rows=1000, buffered_rows=1000
    )
    assert [part.rows for part in programme.snapshot.parts] == [200] * 28
    assert programme.rows(Kind.CLICKS)["click_id"].n_unique() == 5_600
