"""The outbox and the sums behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer

from screening.errors import BusyError
from screening.store import RELEASES, Case, CaseEvent, LetterStatus, Outcome, StoredLetter

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def letter(key):
    return StoredLetter(key, "hold", "a1", "a@b.example", "Zoë's", "text\n", "<p>html</p>", NOW, NOW)


def test_a_letter_goes_from_queued_to_sent_and_comes_back_as_it_was(store):
    added = store.outbox.add(letter("k1"), ["hold/c1"])
    assert store.outbox.one(added.letter_id) == added
    assert store.outbox.add(letter("k1")) is None
    with pytest.raises(BusyError):
        store.outbox.add(letter("k2"), ["hold/c1"])
    assert store.outbox.due(NOW - timedelta(seconds=1)) == []
    assert store.outbox.due(NOW) == [added.letter_id]
    begun = store.outbox.begin(added.letter_id, NOW)
    assert (begun.status, begun.attempts, begun.tried_at) == ("sending", 1, NOW)
    assert store.outbox.begin(added.letter_id, NOW) is None
    store.outbox.settle(begun, Outcome(LetterStatus.SENT, NOW, "250"))
    assert store.outbox.one(added.letter_id).sent_at == NOW
    assert store.outbox.counts() == {"sent": 1}
    assert store.outbox.told(pl.Series(["hold/c1", "hold/c9"])).to_list() == ["hold/c1"]


def test_what_was_left_in_the_middle_becomes_unsure(store):
    for key in ("k1", "k2"):
        store.outbox.begin(store.outbox.add(letter(key)).letter_id, NOW)
    assert store.outbox.strand(NOW) == 0
    assert store.outbox.strand(NOW + timedelta(seconds=1)) == 2
    assert [found.key for found in store.outbox.all("unsure")] == ["k2", "k1"]


def test_decisions_are_summed_by_utc_day_to_the_cent(store):
    night, morning = datetime(2026, 2, 3, 23, 59, 59, 999999, UTC), datetime(2026, 2, 4, tzinfo=UTC)
    frame = pl.concat(
        [
            writer.decisions(3, ts=pl.lit(night), payout=pl.lit(Decimal("0.0001"))),
            writer.decisions(2, 3, ts=pl.lit(morning), payout=pl.lit(Decimal("12345678.9012")), currency=pl.lit(None)),
        ]
    )
    store.record_scan(writer.run_record("r1"), frame, writer.sources(0), writer.caps(0))
    writer.record(store, "r2", 5)
    assert store.sums.by_day("r1").rows() == [
        (date(2026, 2, 3), "o1", "USD", "hold", 3, Decimal("0.0003")),
        (date(2026, 2, 4), "o1", None, "hold", 2, Decimal("24691357.8024")),
    ]
    assert store.sums.by_day("r9").is_empty()


def test_releases_are_summed_by_currency_within_a_time(store):
    rows = [
        {"conversion_id": f"c{n}", "amount": Decimal(n), "currency": currency, "decision": "pay", "run_id": "p",
         "batch_id": "b", "released_at": at}
        for n, currency, at in ((1, "USD", NOW), (2, "USD", NOW), (4, None, NOW), (8, "USD", NOW + timedelta(hours=1)))
    ]  # fmt: skip
    store.ledger.release([pl.DataFrame(rows, schema=RELEASES)])
    until = NOW + timedelta(hours=1)
    assert store.sums.released(NOW, until) == [(None, 1, Decimal(4)), ("USD", 2, Decimal(3))]


def screen(store, run_id, **decisions):
    """Record a screening of applications, by id and decision."""
    rows = [
        {
            "application_id": name,
            "decision": decision,
            "score": 0.5,
            "reasons": ["cloaking"],
            "missing": [],
            "evidence": f"evidence/{run_id}",
        }
        for name, decision in decisions.items()
    ]
    store.record_screenings(writer.run_record(run_id, command="screen"), pl.DataFrame(rows))


def untold(store):
    found = store.listing.untold_applications("application", ("approve", "reject", "ask"))
    return [(row.key, row.application_id, row.decision, row.evidence) for row in found]


def test_applications_to_tell_are_those_decided_and_not_told_of_at_their_newest(store):
    assert untold(store) == []
    screen(store, "s1", A="approve", B="review", C="reject", D="review")
    screen(store, "s2", C="approve", E="reject")
    assert untold(store) == [
        ("application:A:approve", "A", "approve", "evidence/s1"),
        ("application:C:approve", "C", "approve", "evidence/s2"),
        ("application:E:reject", "E", "reject", "evidence/s2"),
    ]
    store.outbox.add(letter("application:A:approve"))
    store.outbox.add(letter("application:C:reject"))  # told before it was screened anew
    opened = store.cases.open(Case("application", "E", NOW, ("cloaking",)), CaseEvent(NOW, "screen", "opened"))
    store.cases.open(Case("conversion", "A", NOW, ("x",)), CaseEvent(NOW, "scan", "opened"))
    assert [row[0] for row in untold(store)] == ["application:C:approve"]  # a person looks at E
    asked = store.cases.change(replace(opened, status="snoozed", decision="ask"), CaseEvent(NOW, "ann", "ask"))
    assert [row[0] for row in untold(store)] == ["application:C:approve", "application:E:ask"]
    store.cases.change(replace(asked, status="closed", decision="reject"), CaseEvent(NOW, "ann", "reject"))
    assert [row[0] for row in untold(store)] == ["application:C:approve", "application:E:reject"]
