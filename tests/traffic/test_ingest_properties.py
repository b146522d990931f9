"""Nothing is lost and no sum is wrong, whatever files hold: each row is taken, repeated, set aside or passed over."""

from __future__ import annotations

import csv
import io
import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.schema import Kind

HEADER = ["conversion_id", "ts", "affiliate_id", "offer_id", "payout", "status"]
IDS = st.integers(0, 6).map(lambda n: f"c{n}")
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01 00:00:00", "2026-01-02", "1767225600"])
PAYOUTS = st.decimals(0, 1000, places=4, allow_nan=False, allow_infinity=False).map(str)
GOOD = st.tuples(
    IDS,
    TIMES,
    st.sampled_from(["a", "b", 'comma, quote " and\nline']),
    st.just("o"),
    PAYOUTS,
    st.sampled_from(["", "approved"]),
)
WRONG = st.tuples(
    st.one_of(IDS, st.just(""), st.just("=1+1")),
    st.one_of(TIMES, st.just("never"), st.just("2026-02-30")),
    st.just("a"),
    st.just("o"),
    st.one_of(PAYOUTS, st.sampled_from(["-1", "nan", "1e3", "1,234", "0.00001", ""])),
    st.sampled_from(["", "nearly"]),
)


def written(row) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode()


LINES = st.one_of(
    GOOD.map(written),
    GOOD.map(written),
    GOOD.map(written),
    WRONG.map(written),
    st.sampled_from(
        [
            b"\n",
            b",".join(name.encode() for name in HEADER) + b"\n",
            b"c1,2026-01-01\n",
            b"\xff,,,,,\n",
            b"a,b,c,d,e,f,g\n",
        ]
    ),
)
FILES = st.lists(st.lists(LINES, max_size=25), min_size=1, max_size=3)


@given(files=FILES, block_bytes=st.sampled_from([4096, 1 << 20]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_accounted_for_and_sums_are_exact(programme, files, block_bytes):
    with tempfile.TemporaryDirectory(dir=programme.root) as folder:
        programme = type(programme)(Path(folder))
        paths = [programme.write(f"{n}.csv", written(HEADER) + b"".join(lines)) for n, lines in enumerate(files)]
        report = programme.take(Kind.CONVERSIONS, *paths, block_bytes=block_bytes)
        totals = report.totals()
        assert totals["rows"] == sum(len(lines) for lines in files)
        assert totals["rows"] == sum(
            totals[name] for name in ("taken", "revised", "repeated", "quarantined", "skipped")
        )
        apart = [entry for entry in programme.set_apart(report) if entry["effect"] == "row"]
        assert totals["quarantined"] == len(apart) == len({(entry["file"], entry["line"]) for entry in apart})
        rows = programme.rows(Kind.CONVERSIONS)
        assert totals["taken"] == rows.height == rows["conversion_id"].n_unique()
        # an independent reader of the files: the row that holds for an id is the first good one of all files
        expected = first_good_rows(paths, {(entry["file"], entry["line"]) for entry in apart})
        assert {row["conversion_id"]: row["payout"] for row in rows.iter_rows(named=True)} == expected
        assert (rows["payout"].sum() or Decimal(0)) == sum(expected.values(), Decimal(0))


def first_good_rows(paths: list[Path], apart: set[tuple[str, int]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for path in paths:
        lines = path.read_bytes().decode("latin-1").split("\n")
        reader = csv.reader(io.StringIO("\n".join(lines)))
        next(reader)
        line = 2
        for cells in reader:
            if cells and cells != HEADER and (str(path), line) not in apart:
                found.setdefault(cells[0], Decimal(cells[4]))
            line = reader.line_num + 1
    return found
