"""The payout gate: what is paid, what is not and why, that sums are exact, and that nothing is paid twice."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import os
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.schema import Kind
from screening.errors import BusyError, InputError, IntegrityError
from screening.jobs import payout as job
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.progress import silent_progress
from screening.store import RELEASES, VERDICT_COLUMNS, Store

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MIXED = b"""conversion_id,payout,currency,note\r
c3,3,USD,"says ""hi"", twice"\r
c1,1.00,USD,\r
c8,8,USD,\xc3\xa9t\xc3\xa9\r
c9,9,USD,\r
c4,4.0001,USD,\r
c5,5,EUR,\r
c3,3,USD,again\r
zz,7,USD,\r
c6,6.0000,usd,last\r
"""


def answers(path) -> list[tuple[str, str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return [(row["conversion_id"], row["decision"], row["reasons"]) for row in csv.DictReader(lines)]


def release(programme, conversion_id: str) -> None:
    """Release a conversion as clean, as a person does."""
    row = {"conversion_id": conversion_id, "verdict": "clean", "overruled": [], "amount": Decimal(0)}
    row |= {"author": "ann", "role": "analyst", "at": NOW - timedelta(hours=1)}
    schema = {name: dtype for name, dtype in VERDICT_COLUMNS.items() if name != "verdict_id"}
    with programme.store() as store:
        store.verdicts.add(pl.DataFrame([row], schema=schema))


class TestLines:
    def test_each_line_gets_its_answer(self, programme):
        gated = programme.gate(programme.write("in.csv", MIXED))
        assert answers(gated.out) == [
            ("c3", "pay", ""),
            ("c1", "pay", ""),
            ("c8", "hold", "ctct_short"),
            ("c9", "reject", "ctct_short"),
            ("c4", "hold", "amount_differs"),
            ("c5", "hold", "currency_differs"),
            ("c3", "hold", "duplicate_line"),
            ("zz", "hold", "unknown_conversion"),
            ("c6", "pay", ""),
        ]
        assert programme.released() == {"c3": 3, "c1": 1, "c6": 6}
        assert gated.incomplete

    def test_every_line_comes_out_byte_for_byte_with_the_decision_behind_it(self, programme):
        gated = programme.gate(programme.write("in.csv", MIXED))
        given_lines, got_lines = MIXED.splitlines(keepends=True), gated.out.read_bytes().splitlines(keepends=True)
        assert len(got_lines) == len(given_lines)
        assert got_lines[0] == b"conversion_id,payout,currency,note,decision,reasons,run_id\r\n"
        for before, after in zip(given_lines, got_lines, strict=True):
            assert after.startswith(before.rstrip(b"\r\n") + b",")
            assert after.endswith(b"\r\n")

    def test_lines_are_exactly_as_stale_as_the_settings_say(self, programme):
        days = programme.workspace.settings.payout.scan_age_days_max
        with programme.store() as store:
            judged_at = store.decisions_of(["c1"])["judged_at"].item()
        path = programme.write("in.csv", "conversion_id,payout\nc1,1\n")
        late = programme.gate(path, now=judged_at + timedelta(days=days, microseconds=1))
        assert answers(late.out) == [("c1", "hold", "scan_stale")]
        assert late.incomplete
        other = programme.write("other.csv", "conversion_id,payout\nc1,1.0\n")
        assert answers(programme.gate(other, now=judged_at + timedelta(days=days)).out) == [("c1", "pay", "")]

    def test_after_the_clock_is_moved_back_nothing_is_paid_until_it_is_set(self, programme):
        minutes = programme.workspace.settings.payout.clock_difference_minutes_max
        with programme.store() as store:
            judged_at = store.decisions_of(["c1"])["judged_at"].item()
        path = programme.write("in.csv", "conversion_id,payout\nc1,1\nc9,9\n")
        early = programme.gate(path, now=judged_at - timedelta(minutes=minutes, microseconds=1))
        assert answers(early.out) == [
            ("c1", "hold", "judged_in_future"),
            ("c9", "reject", "judged_in_future;ctct_short"),
        ]
        assert early.incomplete
        assert programme.released() == {}
        other = programme.write("other.csv", "conversion_id,payout\nc1,1.0\n")
        assert answers(programme.gate(other, now=judged_at - timedelta(minutes=minutes)).out) == [("c1", "pay", "")]

    def test_the_newest_scan_counts(self, programme):
        programme.judge("scan-2", "pay", "hold")
        gated = programme.gate(programme.write("in.csv", "conversion_id,payout\nc1,1\nc2,2\n"))
        assert answers(gated.out) == [("c1", "hold", "ctct_short"), ("c2", "pay", "")]

    def test_a_failed_scan_judges_nothing(self, programme):
        with programme.store() as store:
            store.record_run(job.RunRecord(**{**_run(store), "run_id": "f", "status": "failed"}))
        gated = programme.gate(programme.write("in.csv", "conversion_id,payout\nc1,1\n"))
        assert answers(gated.out) == [("c1", "pay", "")]
        assert not gated.incomplete

    def test_a_conversion_in_the_lake_that_no_scan_judged_is_not_called_unknown(self, programme):
        events = programme.write(
            "e.csv", "conversion_id,ts,affiliate_id,offer_id,payout\nnew,2026-03-01 10:00:00,a1,o1,5\n"
        )
        ingest_files(programme.workspace, Kind.CONVERSIONS, [events], Reading(), NOW, silent_progress())
        gated = programme.gate(programme.write("in.csv", "conversion_id,payout\nnew,5\nnever,5\n"))
        assert answers(gated.out) == [("new", "hold", "not_judged"), ("never", "hold", "unknown_conversion")]

    def test_nothing_is_paid_for_what_the_network_has_closed_or_the_customer_got_back(self, programme):
        rows = {"c1": "approved", "c2": "void", "c3": "paid", "c4": "rejected", "c5": "", "c6": "", "c7": "void"}
        made = [f"{name},2026-03-01 10:00:00,a1,o1,{name[1]},USD,{status}" for name, status in rows.items()]
        conversions = ["conversion_id,ts,affiliate_id,offer_id,payout,currency,status", *made]
        outcomes = ["conversion_id,outcome,ts", "c5,refund,2026-03-01", "c6,retained,2026-03-01"]
        outcomes += ["c0,chargeback,2026-03-01", "c8,chargeback,2026-03-01", "c9,chargeback,2026-03-02 11:30:00"]
        for kind, lines in ((Kind.CONVERSIONS, conversions), (Kind.OUTCOMES, outcomes)):
            events = programme.write(f"{kind}.csv", "\n".join(lines))
            done = ingest_files(programme.workspace, kind, [events], Reading(), NOW, silent_progress())
            assert not done.report.incomplete
        for seen in ("c7", "c8", "c9"):  # at 11:00
            release(programme, seen)
        path = programme.write("in.csv", "conversion_id,payout\n" + "".join(f"c{n},{n}\n" for n in range(10)))
        gated = programme.gate(path)
        assert [(name, decision) for name, decision, _ in answers(gated.out)] == [
            ("c0", "hold"), ("c1", "pay"), ("c2", "hold"), ("c3", "hold"), ("c4", "hold"),
            ("c5", "hold"), ("c6", "pay"), ("c7", "pay"), ("c8", "pay"), ("c9", "hold"),
        ]  # fmt: skip
        assert gated.reasons == {"not_due": 6}
        assert programme.released() == {"c1": 1, "c6": 6, "c7": 7, "c8": 8}

    def test_an_affiliate_who_is_not_the_judged_one_is_not_paid(self, programme):
        path = programme.write("in.csv", "conversion_id,amount,Affiliate ID\nc1,1,a1\nc2,2,a2\nc3,3,\n")
        reasons = [reason for _, _, reason in answers(programme.gate(path).out)]
        assert reasons == ["", "affiliate_differs", "line_unreadable"]

    def test_columns_of_other_names_are_mapped(self, programme):
        path = programme.write("in.csv", "Order No;Commission;payout\nc1;1;77\n")
        gated = programme.gate(path, conversion_id="Order No", payout="Commission")
        assert gated.out.read_text() == (
            f'Order No;Commission;payout;decision;reasons;run_id\nc1;1;77;pay;"";{gated.run_id}\n'
        )


@pytest.mark.parametrize(
    ("amount", "fault"),
    [
        ("1e0", "scientific_money"),
        ('"1,000.00"', "ambiguous_separator"),
        ('"1,000"', "ambiguous_separator"),
        ('"1,00"', "decimal_comma"),
        ("-1", "negative_money"),
        ("(1.00)", "negative_money"),
        ("1.00001", "too_many_decimals"),
        ("", "missing_value"),
        ("NaN", "not_finite"),
        ("$1", "not_a_number"),
        ("\u0661", "not_a_number"),
        ("=1+0", "not_a_number"),
        ("999999999999999", "money_too_large"),
    ],
)
def test_an_amount_that_is_not_certain_is_held_and_in_no_sum(programme, amount, fault):
    gated = programme.gate(programme.write("in.csv", f"conversion_id,payout\nc2,2\nc1,{amount}\n"))
    assert [line.fault for line in gated.unreadable] == [fault]
    assert gated.unreadable[0].line == 3
    assert answers(gated.out)[1][1] == "hold"
    assert "line_unreadable" in answers(gated.out)[1][2]
    assert sum(total.amount for total in gated.totals) == 2
    assert programme.released() == {"c2": 2}


def test_a_formula_anywhere_in_a_line_holds_it_and_a_phone_number_does_not(programme):
    path = programme.write(
        "in.csv", 'conversion_id,payout,note\nc1,1,=cmd()\nc2,2, +49 (0) 30\nc3,3,"@SUM(1)"\nc4,4,\t=cmd()\n'
    )
    gated = programme.gate(path)
    assert [decision for _, decision, _ in answers(gated.out)] == ["hold", "pay", "hold", "hold"]
    assert gated.reasons == {"formula_in_line": 3}


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=["string", "large", "view", "dictionary"],
)
def test_a_formula_holds_a_line_of_parquet_whatever_type_its_text_has(programme, kind):
    notes = pa.array(["=cmd()", "fine", None]).cast(kind)
    table = pa.table({"conversion_id": ["c1", "c2", "c3"], "amount": ["1", "2", "3"], "note": notes})
    pq.write_table(table, programme.root / "in.parquet")
    written = pq.read_table(programme.gate(programme.root / "in.parquet", "out.parquet").out)
    assert written["decision"].to_pylist() == ["hold", "pay", "pay"]
    assert written["reasons"].to_pylist() == [["formula_in_line"], [], []]
    assert written["note"].to_pylist() == ["=cmd()", "fine", None]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("conversion_id,payout\n", "no lines"),
        ("id,payout\nc1,1\n", "lacks conversion_id"),
        ("conversion_id,money\nc1,1\n", "lacks payout or amount"),
        ("conversion_id,payout,amount\nc1,1,2\n", "payout, amount"),
        ("conversion_id,payout,payout\nc1,1,2\n", "Several columns"),
        ("conversion_id,payout,decision\nc1,1,pay\n", "gated before"),
        ("conversion_id,payout\nc1,1\nc2\n", "fewer fields"),
        ("conversion_id,payout\nc1,1,000.00\n", "more fields"),
        ('conversion_id,payout\nc1,"1\n', "quote"),
        (b"conversion_id,payout,n\nc1,1,\xe9\n", "not UTF-8"),
        ("conversion_id,payout\nc1,1\nconversion_id,payout\nc2,2\n", "header occurs again"),
        ('{"conversion_id":"c1","payout":1}\n', r"is JSON\. Export it as CSV"),
        ('[{"conversion_id":"c1","payout":1}]\n', r"is JSON\. Export it as CSV"),
        (b"PK\x03\x04 and a workbook", "Excel workbook. Give CSV, TSV or Parquet"),
        (gzip.compress(b"conversion_id,payout\nc1,1\n" + b"c2,2\n" * 9, mtime=0)[:-9], "ends before its end"),
        (b"PAR1 and no more", "cannot be read"),
    ],
)
def test_a_file_whose_lines_are_not_certain_is_refused_whole(programme, content, says):
    path = programme.write("in.data", content)
    out = "out.parquet" if path.read_bytes().startswith(b"PAR1") else "out.csv"
    with pytest.raises(InputError, match=says):
        programme.gate(path, out)
    assert not (programme.root / out).exists()
    assert programme.released() == {}


def test_a_file_without_currency_whose_conversions_are_in_several_is_refused(programme):
    programme.judge("scan-2", "pay", "pay", currency=("USD", "EUR"))
    with pytest.raises(InputError, match="EUR, USD"):
        programme.gate(programme.write("in.csv", "conversion_id,payout\nc0,0\nc1,1\n"))
    assert programme.released() == {}


def test_the_out_file_has_the_form_of_the_file_and_is_never_the_file_itself(programme):
    path = programme.write("in.csv", MIXED)
    for out in ("out.parquet", "in.csv", "no/such/folder.csv", "out.csv.gz"):
        with pytest.raises(InputError):
            programme.gate(path, out)
    with pytest.raises(InputError, match="This is a folder"):
        programme.gate(programme.root / "reports")
    assert path.read_bytes() == MIXED
    assert programme.released() == {}


def test_parquet_keeps_every_column_and_type(programme):
    table = pa.table(
        {
            "conversion_id": ["c1", "c2", None],
            "amount": pa.array([Decimal("1.00"), Decimal("2.50"), None], pa.decimal128(9, 2)),
            "tags": [["a"], [], None],
            "at": pa.array([1, 2, 3], pa.timestamp("ns")),
        }
    )
    pq.write_table(table, programme.root / "in.parquet")
    gated = programme.gate(programme.root / "in.parquet", "out.parquet")
    written = pq.read_table(gated.out)
    assert written.select(table.column_names).equals(table)
    assert written["decision"].to_pylist() == ["pay", "hold", "hold"]
    assert written["reasons"].to_pylist() == [[], ["amount_differs"], ["line_unreadable"]]


def test_decimals_too_wide_for_anything_are_refused_in_words(programme):
    amounts = pa.array([Decimal(1)], pa.decimal256(60, 10))
    pq.write_table(pa.table({"conversion_id": ["c1"], "amount": amounts}), programme.root / "in.parquet")
    with pytest.raises(InputError, match="amount is of type decimal256"):
        programme.gate(programme.root / "in.parquet", "out.parquet")
    assert programme.released() == {}


cells = (
    st.sampled_from(["", "-1", "1e3", "1,5", "x"])
    | st.decimals(0, 10**9, places=4).map(str)
    | st.integers(0, 9).map(str)
)
rows = st.lists(
    st.tuples(
        st.integers(0, 12).map("c{}".format),
        cells,
        st.sampled_from(["USD", "USD", "EUR", "", "usd"]),
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5),
    ),
    min_size=1,
    max_size=25,
)


@given(rows)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_totals_reconcile_with_the_file_and_the_ledger(programme, rows):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["conversion_id", "payout", "currency", "note"])
    writer.writerows(rows)
    before = programme.released()
    gated = programme.gate(programme.write("random.csv", text.getvalue()))
    sums: dict = defaultdict(Decimal)
    for _, amount, currency, _ in rows:
        if amount not in {"", "-1", "1e3", "1,5", "x"}:
            sums[currency.upper() or None] += Decimal(amount)
    counted: dict = defaultdict(Decimal)
    for total in gated.totals:
        counted[total.currency] += total.amount
    for currency in ("USD", "EUR", None):
        assert counted[currency] == sums[currency]
    assert sum(total.lines for total in gated.totals) == len(rows) == len(answers(gated.out))
    paid = sum(total.amount for total in gated.totals if total.decision == "pay")
    if not gated.repeated:
        assert sum(programme.released().values()) - sum(before.values()) == paid


class TestOnce:
    def test_the_same_batch_gets_the_same_answer_and_pays_nothing_again(self, programme):
        path = programme.write("in.csv", MIXED)
        first = programme.gate(path)
        said, ledger = first.out.read_bytes(), programme.released()
        programme.judge("scan-2", *["hold"] * 8, "pay", "pay")
        again = programme.gate(
            programme.write("copy.csv.gz", gzip.compress(MIXED)), "again.csv", now=NOW + timedelta(days=90)
        )
        assert again.repeated
        assert again.out.read_bytes() == said
        assert again.totals == first.totals
        assert programme.released() == ledger
        with programme.store() as store:
            assert len(store.audit.events(f"run {first.run_id}")) == 1

    def test_another_batch_does_not_pay_what_was_paid(self, programme):
        programme.gate(programme.write("in.csv", MIXED))
        gated = programme.gate(programme.write("next.csv", "conversion_id,payout\nc1,1\nc2,2\n"))
        assert answers(gated.out) == [("c1", "hold", "already_paid"), ("c2", "pay", "")]

    def test_the_ledger_and_the_audit_trail_say_what_was_released_when_and_by_which_run(self, programme):
        gated = programme.gate(programme.write("in.csv", "conversion_id,payout\nc1,1\n"))
        with programme.store() as store:
            entry = store.ledger.batch(gated.batch_id).to_dicts()
            (_, event), head = store.audit.events(f"run {gated.run_id}")[0], store.audit.verify()
            assert store.run(gated.run_id).counts == {"lines": 1, "pay": 1, "hold": 0, "reject": 0}
        assert entry == [
            {
                "conversion_id": "c1",
                "amount": Decimal(1),
                "currency": "USD",
                "decision": "pay",
                "released_at": NOW,
                "run_id": gated.run_id,
                "batch_id": gated.batch_id,
            }
        ]
        assert event.details["scans"] == ["scan-1"]
        assert head.count == 1

    def test_a_changed_answer_is_never_handed_out(self, programme):
        path = programme.write("in.csv", MIXED)
        programme.gate(path)
        (kept,) = (programme.root / "reports" / "payouts").glob("*.parquet")
        frame = pl.read_parquet(kept)
        frame.with_columns(decision=pl.lit("pay")).write_parquet(kept)
        with pytest.raises(IntegrityError, match="gone or changed"):
            programme.gate(path, "again.csv")
        assert not (programme.root / "again.csv").exists()


class Killed(BaseException):
    """As a signal would end it: nothing in the code handles it."""


@pytest.mark.parametrize("at", ["keep", "write", "record_run", "release", "audit", "after"])
def test_killed_at_any_step_a_second_run_is_right(programme, monkeypatch, at):
    path = programme.write("in.csv", MIXED)

    def kill(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patched:
        if at == "keep":
            patched.setattr(job._Batch, "_keep", kill)
        elif at == "write":
            patched.setattr(job, "write_payout", kill)
        elif at == "record_run":
            patched.setattr("screening.store.store.Records.record_run", kill)
        elif at == "release":
            patched.setattr("screening.store.ledger.Ledger.release", kill)
        elif at == "audit":
            patched.setattr("screening.store.audit.Audit.append", kill)
        else:
            patched.setattr(job._Batch, "account", kill)
        with pytest.raises(Killed):
            programme.gate(path)
    assert not (programme.root / "out.csv").exists()
    assert programme.released() == ({"c3": 3, "c1": 1, "c6": 6} if at == "after" else {})
    gated = programme.gate(path)
    assert gated.repeated == (at == "after")
    assert [line[1] for line in answers(gated.out)].count("pay") == 3
    assert programme.released() == {"c3": 3, "c1": 1, "c6": 6}
    with programme.store() as store:
        assert len(store.audit.events()) == 1
        assert store.ledger.batch(gated.batch_id).height == 3


def test_a_conversion_that_another_batch_releases_meanwhile_is_paid_once(programme, monkeypatch):
    record = job._Batch.record

    def after_another(batch, *arguments):
        with programme.store() as store:
            entry = {"conversion_id": "c1", "amount": Decimal(1), "currency": "USD", "decision": "pay"}
            release = {**entry, "released_at": NOW, "run_id": "other", "batch_id": "other"}
            store.ledger.release([pl.DataFrame([release], schema=RELEASES)])
        return record(batch, *arguments)

    monkeypatch.setattr(job._Batch, "record", after_another)
    gated = programme.gate(programme.write("in.csv", "conversion_id,payout\nc1,1\nc2,2\n"))
    assert answers(gated.out) == [("c1", "hold", "already_paid"), ("c2", "pay", "")]
    with programme.store() as store:
        assert store.ledger.batch(gated.batch_id)["conversion_id"].to_list() == ["c2"]


def test_a_full_disk_is_called_what_it_is_and_leaves_no_answer_behind(programme, monkeypatch):
    path = programme.write("in.csv", MIXED)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    gate = "screening.jobs.payout"
    for place in (f"{gate}.write_payout", f"{gate}.write_frames", "screening.traffic.payout_lines.FrameFile.append"):
        with monkeypatch.context() as patched:
            patched.setattr(place, full)
            with pytest.raises(OSError, match="No space left"):
                programme.gate(path)
    with monkeypatch.context() as patched:
        patched.setattr("pyarrow.parquet.ParquetWriter.write_table", full)
        with pytest.raises(OSError, match="No space left") as failed:
            programme.gate(path)
        assert failed.value.filename == str(programme.root / "reports")
    assert not list((programme.root / "reports" / "payouts").iterdir())
    assert programme.released() == {}


def test_an_answer_that_is_not_recorded_is_not_kept(programme, monkeypatch):
    path = programme.write("in.csv", "conversion_id,payout\nc1,1\n")
    scans = iter(range(2, 100))
    write = job.write_payout

    def and_another_scan(*arguments):
        write(*arguments)
        programme.judge(f"scan-{next(scans)}", "pay", "pay")

    with monkeypatch.context() as patched:
        patched.setattr(job, "write_payout", and_another_scan)
        with pytest.raises(BusyError):
            programme.gate(path)
    assert not list((programme.root / "reports" / "payouts").iterdir())
    programme.gate(path)
    programme.gate(path, "again.csv")
    assert len(list((programme.root / "reports" / "payouts").iterdir())) == 1


def test_a_scan_recorded_after_the_look_ups_is_heeded(programme, monkeypatch):
    write = job.write_payout
    scanned = []

    def and_a_scan_rejects_meanwhile(*arguments):
        write(*arguments)
        if not scanned:
            scanned.append(programme.judge("scan-2", "reject", "reject", "pay"))

    monkeypatch.setattr(job, "write_payout", and_a_scan_rejects_meanwhile)
    gated = programme.gate(programme.write("in.csv", "conversion_id,payout\nc1,1\nc2,2\n"))
    assert answers(gated.out) == [("c1", "reject", "ctct_short"), ("c2", "pay", "")]
    assert programme.released() == {"c2": 2}


def test_a_programme_that_is_scanned_without_end_pays_nothing(programme, monkeypatch):
    write = job.write_payout
    scans = iter(range(2, 100))

    def and_another_scan(*arguments):
        write(*arguments)
        programme.judge(f"scan-{next(scans)}", "pay", "pay")

    monkeypatch.setattr(job, "write_payout", and_another_scan)
    with pytest.raises(BusyError):
        programme.gate(programme.write("in.csv", "conversion_id,payout\nc1,1\n"))
    assert programme.released() == {}


def test_a_batch_that_somebody_else_gates_at_the_same_moment_gets_one_answer(programme, monkeypatch):
    path = programme.write("in.csv", MIXED)
    decide = job._Batch.decide

    def while_another_decides(batch):
        decided = decide(batch)
        with monkeypatch.context() as patched:
            patched.setattr(job._Batch, "decide", decide)
            programme.gate(path, "theirs.csv")
        return decided

    monkeypatch.setattr(job._Batch, "decide", while_another_decides)
    gated = programme.gate(path, "ours.csv")
    assert gated.repeated
    assert gated.out.read_bytes() == (programme.root / "theirs.csv").read_bytes()
    with programme.store() as store:
        assert len(store.audit.events()) == 1


def _run(store: Store) -> dict:
    run = store.run("scan-1")
    return {name: getattr(run, name) for name in run.__slots__}
