"""The digest says what the store and the lake hold, calls unknown what is not known, and shows in mail programs."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser

import polars as pl
import pytest
import store_writer as writer
from small_programme import DRAW, OCTOBER, small_programme
from typer.testing import CliRunner

from screening.cli.app import app
from screening.errors import ExitCode
from screening.jobs.digest import digest
from screening.jobs.progress import silent_progress
from screening.notices.digest import widths
from screening.store import Appeal, Case, CaseEvent, StoredLetter

NOW = OCTOBER + timedelta(hours=14)
TODAY = OCTOBER.date()


@pytest.fixture
def programme(tmp_path):
    return small_programme(
        tmp_path / "ws",
        "notices: {programme: Nimbus, timezone: Europe/Berlin, sources_listed_max: 2,"
        " staff: [ann@nimbus.example, bob@nimbus.example], from_address: p@nimbus.example}",
    )


def made(programme, now=NOW, **more):
    return digest(programme.workspace, now, silent_progress(), **more)


def said(done):
    class Reader(HTMLParser):
        text = ""

        def handle_data(self, data):
            self.text += f"{data} "

    reader = Reader()
    reader.feed(done.path.read_text("utf-8"))
    return " ".join(reader.text.split())


def sources(*payouts, sub_id="s1", to=TODAY):
    rows = writer.sources(len(payouts)).with_columns(
        pl.Series("payout", [Decimal(p) for p in payouts], dtype=pl.Decimal(18, 4)),
        pl.lit(sub_id).alias("sub_id"),
        pl.lit(to).alias("to"),
        pl.lit(["ctct_short"]).alias("reasons"),
        pl.lit(
            '[{"code": "ctct_short", "numbers": {"seen": 0.4, "n": 9, "what": "came at once", "norm": 0.01}}]'
        ).alias("reason_details"),
    )
    return rows.with_columns(affiliate_id=pl.lit("a") + pl.int_range(1, len(payouts) + 1).cast(pl.String))


def scanned(programme, source_rows=None, caps=None):
    """Record what waits as the newest scan."""
    programme.build("scan-0", OCTOBER - timedelta(hours=1))
    with programme.store() as store:
        frame = store.decisions("scan-0").drop("run_id")
        run = writer.run_record(
            "scan-1",
            started_at=OCTOBER,
            finished_at=OCTOBER,
            lake_version=1,
            settings=DRAW,
            counts={"conversions": frame.height},
            period_to=OCTOBER.date(),
        )
        store.record_scan(
            run,
            frame,
            writer.sources(0) if source_rows is None else source_rows,
            writer.caps(0) if caps is None else caps,
        )


def test_money_is_what_was_decided_and_released_by_currency(programme):
    programme.conversion("a1", "10")
    released = programme.conversion("a1", "5.5")
    programme.conversion("a1", "2", "hold")
    programme.conversion("a1", "1", "reject")
    programme.conversion("a1", "300", "hold", currency="JPY", offer_id="o2")
    scanned(programme)
    programme.release(released, "5.5")
    done = made(programme)
    assert [(m.currency, m.pay, m.hold, m.reject, m.released) for m in done.digest.money] == [
        ("JPY", 0, 300, 0, 0),
        ("USD", Decimal("15.5"), 2, 1, Decimal("5.5")),
    ]
    assert "On hold 300 JPY" in said(done)
    assert "Released 5.50 USD" in said(done)
    assert made(programme, NOW + timedelta(days=1)).digest.money[1].released == 0


def test_the_charts_have_a_bar_for_each_day_and_none_for_a_day_without_conversions(programme):
    programme.conversion("a1", "10", ts=OCTOBER - timedelta(days=2))
    programme.conversion("a1", "30", "hold")
    scanned(programme)
    [chart] = made(programme).digest.charts
    assert len(chart.days) == 14
    assert [day.total for day in chart.days[-3:]] == [10, 0, 30]
    assert chart.highest == 30
    assert widths([Decimal(1), Decimal(0), Decimal(299)], Decimal(300)) == (1, 0, 99)
    assert widths([Decimal(0)], Decimal(0)) == (0,)


def test_the_largest_flagged_sources_come_with_name_reasons_and_numbers_and_the_rest_is_counted(programme):
    programme.conversion("a1", "10")
    programme.affiliate("a2", name="Big & Sons")
    old = sources("999", to=OCTOBER.date() - timedelta(days=28))
    scanned(programme, pl.concat([old, sources("5", "70", "30")]))
    done = made(programme)
    assert [(s.affiliate_id, s.payout, s.currency) for s in done.digest.sources] == [
        ("a2", 70, "USD"),
        ("a3", 30, "USD"),
    ]
    text = said(done)
    assert "Big & Sons" in text
    assert "40% of 9 conversions came at once" in text
    assert "bad share between 20 % and 60 %" in text
    assert "And 1 more" in text


def test_proposed_caps_come_with_what_they_save_and_old_ones_do_not(programme):
    programme.conversion("a1", "10")
    money = pl.Decimal(18, 4)
    caps = writer.caps(2).with_columns(
        action=pl.lit("lower"),
        affiliate_id=pl.Series(["a1", "a2"]),
        current=pl.lit(500).cast(money),
        recommended=pl.lit(300).cast(money),
        expected_saving=pl.lit(40).cast(money),
        saving_low=pl.lit(10).cast(money),
        saving_high=pl.lit(90).cast(money),
        currency=pl.lit("USD"),
        expires_at=pl.Series([NOW + timedelta(days=1), NOW - timedelta(hours=1)]),
    )
    scanned(programme, caps=caps)
    text = said(made(programme))
    assert "Lower offer o1 for a1 payout a day: 500 → 300 saves 40.00 USD 10.00 USD to 90.00 USD" in text
    assert "for a2" not in text


def test_what_waits_and_what_is_overdue_is_said_with_its_age(programme):
    programme.conversion("a1", "10")
    scanned(programme)
    with programme.store() as store:
        case = Case("source", "a1/o1/s1", NOW - timedelta(days=4), ("ctct_short",), amount=Decimal(12), currency="USD")
        store.cases.open(case, CaseEvent(NOW, "scan", "opened"))
        store.appeals.open(Appeal("source", "a1/o1/s1", "a1", OCTOBER, "zoe", "no", NOW - timedelta(days=3)))
        store.appeals.open(Appeal("source", "a1/o1/s2", "a1", OCTOBER, "zoe", "no", NOW + timedelta(days=3)))
        store.outbox.add(StoredLetter("k", "hold", "a1", "a@b.example", "S", "t", "h", NOW, NOW))
    text = said(made(programme))
    assert "1 source the oldest for 4 days 12.00 USD" in text
    assert "Appeal 1 about source a1/" in text.replace("\u200c", "")
    assert "is overdue by 3 days" in text
    assert "1 appeal within its time" in text
    assert "1 letter queued" in text


def test_the_error_rate_is_measured_and_what_is_not_measured_is_called_so(programme):
    programme.conversion("a1", "10")
    scanned(programme)
    assert "Error rate: not measured yet" in said(made(programme, measured=()))
    assert "of the stopped payout, 97% is fraud" in said(
        made(programme, measured=["of the stopped payout, 97% is fraud"])
    )
    assert "is not measured yet" in said(made(programme))


def test_what_the_night_lacked_stands_at_the_top(programme):
    programme.conversion("a1", "10")
    scanned(programme)
    later = NOW + timedelta(days=3)
    done = made(programme, later, lacked=["The pull from Everflow failed."])
    lacked = [line.text for line in done.digest.lacked]
    assert lacked[0] == "The pull from Everflow failed."
    assert "The lake has no clicks." in lacked
    assert (
        f"The newest conversions are of 2026-10-10: those of {(later - timedelta(days=1)).date()} are missing."
        in lacked
    )
    assert any("The newest scan ended 3 days ago" in line for line in lacked)
    assert any("no outcomes" in line for line in lacked)
    assert said(done).index("The pull from Everflow failed.") < said(done).index("On hold")


def test_an_empty_workspace_has_a_digest_that_says_so(programme):
    done = made(programme)
    assert "No scan has run yet" in said(done)
    assert "The lake has no conversions." in said(done)
    assert "Drift: not measured yet" in said(done)


def test_it_is_one_file_that_loads_nothing_and_runs_nothing(programme):
    programme.conversion("a1", "10", sub_id='"><script>alert(1)</script>')
    programme.affiliate("a1", name="<img src=https://evil.example/x>")
    scanned(programme, sources("10", sub_id='"><script>alert(1)</script>'))
    html = made(programme).path.read_text("utf-8")
    assert not re.search(r"<(script|img|link|iframe|object|svg)\b", html)
    assert not re.search(r"url\(|@import|\bsrc=[\"']", html)
    assert "&lt;script&gt;" in html
    assert "10 October 2026" not in html
    assert "11 October 2026, 04:00 CEST" in html


def test_staff_get_one_mail_a_day_for_the_same_news_and_another_when_there_is_more(programme):
    programme.conversion("a1", "10")
    scanned(programme)
    assert made(programme).queued == 2
    assert made(programme, NOW + timedelta(minutes=5)).queued == 0
    assert made(programme, NOW + timedelta(minutes=6), lacked=["Something broke."]).queued == 2
    with programme.store() as store:
        letters = store.outbox.all()
    assert {letter.recipient for letter in letters} == {"ann@nimbus.example", "bob@nimbus.example"}
    assert letters[0].subject == "Nimbus: digest of 11 October 2026"
    assert "WHAT THIS NIGHT LACKED\n- Something broke." in letters[0].text


def test_the_command_mails_the_digest_and_no_other_letter(programme):
    with programme.store() as store:
        store.outbox.add(StoredLetter("k", "hold", "a1", "a@b.example", "S", "t", "h", NOW, NOW))
    done = CliRunner().invoke(app, ["digest", "--workspace", str(programme.workspace.root)])
    assert done.exit_code == 0
    assert "2 sent to staff, as files in" in done.stdout
    with programme.store() as store:
        assert store.outbox.counts() == {"queued": 1, "sent": 2}


def test_the_command_says_where_it_is_and_whom_it_cannot_reach(tmp_path):
    programme = small_programme(tmp_path / "ws", "notices: {staff: [nobody]}")
    done = CliRunner().invoke(app, ["digest", "--workspace", str(programme.workspace.root)])
    assert done.exit_code == ExitCode.INCOMPLETE
    assert "reports/digests/digest-" in done.stdout
    assert "No usable address: nobody" in done.stdout
