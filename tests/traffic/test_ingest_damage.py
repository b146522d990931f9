"""Damaged files: every good row gets in, every bad one is set aside with its own reason, place and remedy."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from pathlib import Path

import pytest

from features.schema import Kind
from screening.networks.profiles import load_profile
from screening.traffic.intake.faults import MEANINGS, Fault
from screening.traffic.intake.layout import Layout

LOG = Path(__file__).resolve().parents[3] / "shared" / "data" / "traffic" / "talkingdata_sample.csv.gz"
HEADER = "conversion_id,ts,affiliate_id,offer_id,payout,currency,status,ip,click_ts,sub_id,user_agent\n"
GOOD = "g{n},2026-01-01T00:00:0{n}Z,a,o,1.2{n},USD,approved,1.2.3.4,2026-01-01T00:00:00Z,s,agent\n"


def row(**changed: str) -> str:
    values = {
        "conversion_id": "bad",
        "ts": "2026-01-01T00:00:00Z",
        "affiliate_id": "a",
        "offer_id": "o",
        "payout": "1",
        "currency": "USD",
        "status": "approved",
        "ip": "1.2.3.4",
        "click_ts": "2026-01-01T00:00:00Z",
        "sub_id": "s",
        "user_agent": "agent",
    }
    return ",".join({**values, **changed}.values()) + "\n"


DAMAGED_ROWS: dict[str, tuple[str | bytes, Fault, str | None]] = {
    "missing id": (row(conversion_id=""), Fault.MISSING_VALUE, "conversion_id"),
    "missing affiliate": (row(affiliate_id=" NULL "), Fault.MISSING_VALUE, "affiliate_id"),
    "missing payout": (row(payout=""), Fault.MISSING_VALUE, "payout"),
    "bad date": (row(ts="yesterday"), Fault.BAD_TIME, "ts"),
    "impossible date": (row(ts="2026-02-30T00:00:00Z"), Fault.IMPOSSIBLE_TIME, "ts"),
    "impossible hour": (row(ts="2026-01-01 25:00:00"), Fault.IMPOSSIBLE_TIME, "ts"),
    "day or month first": (row(ts="03/04/2026 10:00"), Fault.AMBIGUOUS_DATE, "ts"),
    "future time": (row(ts="2026-02-01T13:00:01Z"), Fault.FUTURE_TIME, "ts"),
    "far past": (row(ts="1970-01-02T00:00:00Z"), Fault.TOO_EARLY, "ts"),
    "too few fields": ("bad,2026-01-01T00:00:00Z,a\n", Fault.TOO_FEW_FIELDS, None),
    "one field too few": (row()[: row().rindex(",")] + "\n", Fault.TOO_FEW_FIELDS, None),
    "too many fields": (row(user_agent="x,y"), Fault.TOO_MANY_FIELDS, None),
    "trailing comma": (row(user_agent="agent,"), Fault.TRAILING_SEPARATOR, None),
    "Latin-1 bytes": (row(user_agent="caf\xe9").encode("latin-1"), Fault.BAD_ENCODING, None),
    "unclosed quote": (row(user_agent='"agent'), Fault.UNCLOSED_QUOTE, None),
    "text after a quote": (row(user_agent='"a"gent'), Fault.TEXT_AFTER_QUOTE, None),
    "negative payout": (row(payout="-1.50"), Fault.NEGATIVE_MONEY, "payout"),
    "negative in brackets": (row(payout="(1.50)"), Fault.NEGATIVE_MONEY, "payout"),
    "payout in words": (row(payout="free"), Fault.NOT_A_NUMBER, "payout"),
    "ambiguous thousands": (row(payout='"1,234"'), Fault.AMBIGUOUS_SEPARATOR, "payout"),
    "decimal comma": (row(payout='"12,50"'), Fault.DECIMAL_COMMA, "payout"),
    "scientific notation": (row(payout="1.2E+05"), Fault.SCIENTIFIC_MONEY, "payout"),
    "too many decimals": (row(payout="0.12345"), Fault.TOO_MANY_DECIMALS, "payout"),
    "payout overflows": (row(payout="123456789012345"), Fault.MONEY_TOO_LARGE, "payout"),
    "NaN": (row(payout="NaN"), Fault.NOT_FINITE, "payout"),
    "infinite": (row(payout="-inf"), Fault.NOT_FINITE, "payout"),
    "duplicated id": (row(conversion_id="g1", payout="9"), Fault.DUPLICATE_ID_IN_FILE, "conversion_id"),
    "id of another day": (
        row(conversion_id="g2", ts="2026-01-09T00:00:00Z"),
        Fault.DUPLICATE_ID_ACROSS_DAYS,
        "conversion_id",
    ),
    "formula": (row(conversion_id="=HYPERLINK(A1)"), Fault.FORMULA_IN_ID, "conversion_id"),
    "formula that starts a program": (row(sub_id="+cmd|' /C calc'!A0"), Fault.FORMULA_IN_ID, "sub_id"),
    "formula with an at sign": (row(affiliate_id="@SUM(A1)"), Fault.FORMULA_IN_ID, "affiliate_id"),
    "10 MB field": (row(user_agent="x" * 10_000_000), Fault.OVERSIZED_RECORD, None),
    "100 kB field": (row(user_agent="x" * 100_000), Fault.OVERSIZED_FIELD, "user_agent"),
    "long id": (row(conversion_id="x" * 1000), Fault.OVERSIZED_ID, "conversion_id"),
    "NUL byte": (row(user_agent="a\0b"), Fault.NUL_BYTE, "user_agent"),
    "NUL byte in an id": (row(conversion_id="a\0b"), Fault.NUL_BYTE, "conversion_id"),
    "control character": (row(user_agent="a\x1b[2Jb"), Fault.CONTROL_CHARACTER, "user_agent"),
    "tab in an id": (row(conversion_id="a\tb"), Fault.CONTROL_CHARACTER, "conversion_id"),
    "unknown currency": (row(currency="EURO"), Fault.UNKNOWN_CURRENCY, "currency"),
    "no currency": (row(currency="X" * 3), Fault.UNKNOWN_CURRENCY, "currency"),
    "unknown status": (row(status="nearly"), Fault.UNKNOWN_WORD, "status"),
}


@pytest.mark.parametrize("damage", DAMAGED_ROWS)
@pytest.mark.parametrize("block_bytes", [4 << 20, 4096])
def test_a_damaged_row_is_explained_and_its_neighbours_get_in(programme, damage, block_bytes):
    text, fault, field = DAMAGED_ROWS[damage]
    raw = text if isinstance(text, bytes) else text.encode()
    before, after = "".join(GOOD.format(n=n) for n in range(5)), "".join(GOOD.format(n=n) for n in range(5, 10))
    path = programme.write("c.csv", (HEADER + before).encode() + raw + after.encode())
    report = programme.take(Kind.CONVERSIONS, path, block_bytes=block_bytes)
    assert report.totals() == {"rows": 11, "taken": 10, "revised": 0, "repeated": 0, "quarantined": 1, "skipped": 0}
    assert report.incomplete
    rows = programme.rows(Kind.CONVERSIONS)
    assert rows["conversion_id"].to_list() == [f"g{n}" for n in range(10)]
    assert str(rows["payout"].sum()) == "12.4500"
    (apart,) = programme.set_apart(report)
    assert (apart["file"], apart["line"], apart["field"]) == (str(path), 7, field)
    assert (apart["reason"], apart["effect"], apart["kind"]) == (fault, "row", "conversions")
    assert apart["explanation"] == MEANINGS[fault].explanation
    assert apart["remedy"] == MEANINGS[fault].remedy
    assert len(apart["raw"]) <= 4 * 2000
    if fault not in (Fault.DUPLICATE_ID_IN_FILE, Fault.DUPLICATE_ID_ACROSS_DAYS):
        assert apart["raw_bytes"] == len(raw.rstrip(b"\n"))
        assert raw.decode("utf-8", "backslashreplace").startswith(apart["raw"][:1000].rstrip("\n"))


def test_at_least_25_kinds_of_damage_have_their_own_reason():
    assert len({fault for _, fault, _ in DAMAGED_ROWS.values()}) >= 25
    assert set(MEANINGS) == set(Fault)


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("ip", "1.2.3.400", Fault.BAD_ADDRESS),
        ("ip", "not-an-address", Fault.BAD_ADDRESS),
        ("click_ts", "soon", Fault.BAD_TIME),
        ("click_ts", "2031-01-01T00:00:00Z", Fault.FUTURE_TIME),
    ],
)
def test_a_wrong_fact_that_decides_nothing_costs_the_field_and_not_the_row(programme, field, value, fault):
    path = programme.write("c.csv", HEADER + GOOD.format(n=1) + row(**{field: value}))
    report = programme.take(Kind.CONVERSIONS, path)
    assert report.totals() == {"rows": 2, "taken": 2, "revised": 0, "repeated": 0, "quarantined": 0, "skipped": 0}
    assert report.files[0].dropped == {(field, fault): 1}
    assert not report.incomplete
    assert programme.rows(Kind.CONVERSIONS).filter(conversion_id="bad")[field].to_list() == [None]
    (apart,) = programme.set_apart(report)
    assert (apart["effect"], apart["field"], apart["value"], apart["line"]) == ("field", field, value, 3)


@pytest.mark.parametrize(
    "name", ["-1", "+491701234567", "@partner", "-", "a=b", "x(1)", "id with space", "ünïcode", "0", "NA", "1e5", "A|B"]
)
def test_ordinary_ids_are_not_taken_for_formulas(programme, name):
    path = programme.write("c.csv", HEADER + row(conversion_id=name, affiliate_id=name))
    assert programme.take(Kind.CONVERSIONS, path).totals()["taken"] == 1
    assert programme.rows(Kind.CONVERSIONS)["conversion_id"].to_list() == [name]


def test_a_click_after_its_conversion_is_no_damage_but_evidence(programme):
    path = programme.write("c.csv", HEADER + row(click_ts="2026-01-05T00:00:00Z"))
    assert programme.take(Kind.CONVERSIONS, path).totals()["taken"] == 1


def test_blank_lines_and_repeated_headers_are_passed_over_and_counted(programme):
    parts = [HEADER, GOOD.format(n=1), "\n", " \r\n", HEADER, GOOD.format(n=2), "\n"]
    report = programme.take(Kind.CONVERSIONS, programme.write("c.csv", "".join(parts)))
    assert report.totals() == {"rows": 6, "taken": 2, "revised": 0, "repeated": 0, "quarantined": 0, "skipped": 4}
    assert report.files[0].skipped == {"blank_line": 3, "repeated_header": 1}
    assert not report.incomplete


def test_two_unclosed_quotes_do_not_swallow_the_rows_between_them(programme):
    rows = [GOOD.format(n=1), row(user_agent='"open'), GOOD.format(n=2), row(conversion_id='"open'), GOOD.format(n=3)]
    report = programme.take(Kind.CONVERSIONS, programme.write("c.csv", HEADER + "".join(rows)))
    assert programme.rows(Kind.CONVERSIONS)["conversion_id"].to_list() == ["g1", "g2", "g3"]
    assert [(apart["line"], apart["reason"]) for apart in programme.set_apart(report)] == [
        (3, Fault.UNCLOSED_QUOTE),
        (5, Fault.UNCLOSED_QUOTE),
    ]


def test_a_quoted_field_may_span_lines(programme):
    text = HEADER + GOOD.format(n=1) + row(conversion_id="two", user_agent='"one\nline, ""two"""') + row(payout="x")
    report = programme.take(Kind.CONVERSIONS, programme.write("c.csv", text))
    rows = programme.rows(Kind.CONVERSIONS)
    assert rows["user_agent"].to_list() == ["agent", 'one\nline, "two"']
    assert [apart["line"] for apart in programme.set_apart(report)] == [5]


def test_a_line_without_end_is_not_held_in_memory(programme):
    # 64 MB without a line end, with a 1 MB limit: the line is dropped, the rest is read
    with (programme.root / "c.csv").open("wb") as stream:
        stream.write(HEADER.encode())
        for _ in range(64):
            stream.write(b"x" * (1 << 20))
        stream.write(b"\n" + GOOD.format(n=1).encode())
    report = programme.take(Kind.CONVERSIONS, programme.root / "c.csv")
    (apart,) = programme.set_apart(report)
    assert (apart["line"], apart["reason"], apart["raw_bytes"]) == (2, Fault.OVERSIZED_RECORD, 64 << 20)
    assert programme.rows(Kind.CONVERSIONS)["conversion_id"].to_list() == ["g1"]


def damaged_log(lines: list[bytes], seed: int) -> bytes:
    """Return the click log with 500 bad rows of 25 kinds between its rows."""
    chance = random.Random(seed)
    base = b"11,12,1,13,497,2017-11-07 09:30:38,,0"

    def changed(index: int, value: bytes) -> bytes:
        cells = base.split(b",")
        cells[index] = value
        return b",".join(cells)

    kinds = [
        changed(4, b""),
        changed(1, b"NULL"),
        changed(5, b""),
        changed(5, b"noon"),
        changed(5, b"2017-02-30 10:00:00"),
        changed(5, b"2017-11-07 24:10:00"),
        changed(5, b"07/11/2017 10:00"),
        changed(5, b"2037-11-07 10:00:00"),
        changed(5, b"1997-11-07 10:00:00"),
        changed(5, b"15100470"),
        base[:-2],
        b"11,12",
        base + b",1",
        base + b",",
        changed(2, b"\xe9\xff"),
        changed(2, b'"1'),
        changed(2, b'"1"1'),
        changed(4, b"=1+1"),
        changed(4, b"@SUM(A1)"),
        changed(1, b"-2+3|x"),
        changed(1, b"\0"),
        changed(3, b"\x07"),
        changed(4, b"a\tb"),
        changed(4, b"9" * 600),
        changed(3, b"1" * 70_000),
    ]
    assert len(kinds) == 25
    places = sorted(chance.choices(range(1, len(lines)), k=500), reverse=True)
    for number, place in enumerate(places):
        lines.insert(place, kinds[number % 25])
    return b"\n".join(lines)


@pytest.mark.skipif(not LOG.is_file(), reason="the shared click log is not here")
def test_the_click_log_with_500_damaged_rows_of_25_kinds(programme):
    with gzip.open(LOG) as stream:
        lines = stream.read().splitlines()
    text = damaged_log(lines, seed=7)
    text += b"\n1,2,3,4,5," + b"9" * 10_000_000 + b",,0\n"
    layout = Layout(**load_profile("talkingdata").kinds[Kind.CLICKS].model_dump(), named=True)
    report = programme.take(Kind.CLICKS, programme.write("log.csv", text), layout=layout)
    assert report.totals() == {
        "rows": 100_501,
        "taken": 100_000,
        "revised": 0,
        "repeated": 0,
        "quarantined": 501,
        "skipped": 0,
    }
    apart = programme.set_apart(report)
    assert len({entry["line"] for entry in apart}) == len(apart) == 501
    reasons = Counter(entry["reason"] for entry in apart)
    assert len(reasons) >= 15
    assert sum(reasons.values()) == 501
    assert all(entry["explanation"] and entry["remedy"] for entry in apart)
    undamaged = programme.root / "undamaged"
    undamaged.mkdir()
    clean = type(programme)(undamaged)
    clean.take(Kind.CLICKS, LOG, layout=layout)
    assert programme.rows(Kind.CLICKS).sort("click_id").equals(clean.rows(Kind.CLICKS).sort("click_id"))
