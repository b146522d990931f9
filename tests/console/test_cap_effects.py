"""What a cap has done so far: money before and since its approval, counted once and never guessed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer

from screening.jobs.caps_decide import ListedCap
from screening.jobs.views.caps import Unsaid, effects
from screening.store import open_store

DECIDED = writer.NOW
NOW = DECIDED + timedelta(days=4)


def cap(**changed):
    row = {"cap_id": 1, "affiliate_id": "a1", "offer_id": "o1", "decided_at": DECIDED, "approved_limit": Decimal(5)}
    return ListedCap({**row, **changed}, (), expired=False, replaced=False)


def judged(store, run_id, first, days, **changed):
    """Record 10 conversions a day of 1 USD each, from the day `first` relative to the approval."""
    ts = [DECIDED + timedelta(days=first + day, hours=1) for day in range(days) for _ in range(10)]
    frame = writer.decisions(
        10 * days, start=1000 * (first + 50), ts=pl.Series(ts), payout=pl.lit(Decimal(1)), **changed
    )
    store.record_scan(writer.run_record(run_id), frame, writer.sources(0), writer.caps(0))


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/w.db") as opened:
        judged(opened, "r1", -20, 20, decision=pl.lit("pay"), reasons=pl.lit([], dtype=pl.List(pl.String)))
        judged(opened, "r2", 0, 2)
        yield opened


def test_both_windows_are_as_long_as_the_time_since(store):
    found = effects(store, [cap()], NOW)[1]
    assert (found.days, found.currency) == (4, "USD")
    assert (found.before.a_day, found.before.stopped) == (Decimal(10), 0.0)
    assert (found.since.a_day, found.since.stopped) == (Decimal(5), 1.0)


def test_a_conversion_judged_twice_counts_once_as_judged_last(store):
    judged(store, "r3", 0, 2, decision=pl.lit("pay"), reasons=pl.lit([], dtype=pl.List(pl.String)))
    assert effects(store, [cap()], NOW)[1].since.stopped == 0.0


def test_nothing_is_said_of_what_is_not_known(store):
    judged(store, "r4", 2, 1, currency=pl.lit("EUR"))
    unknown = {
        "whole offer": (cap(affiliate_id=None), NOW),
        "nobody approved": (cap(decided_at=None), NOW),
        "approved a limit": (cap(approved_limit=None), NOW),
        "brought nothing": (cap(affiliate_id="a9"), NOW),
        "too early": (cap(), DECIDED + timedelta(hours=23)),
        "several currencies": (cap(), NOW),
    }
    for reason, (one, now) in unknown.items():
        said = effects(store, [one], now)[1]
        assert isinstance(said, Unsaid)
        assert reason in said.why


def test_only_what_a_person_can_decide_waits(store):
    frame = writer.caps(4).with_columns(
        expires_at=pl.lit(NOW).cast(writer.caps(1).schema["expires_at"]),
        action=pl.Series(["lower", "keep", "pause", "lower"]),
        offer_id=pl.Series(["o1", "o2", "o3", "o4"]),
    )
    none, bare = writer.decisions(0), writer.sources(0)
    store.record_scan(writer.run_record("c1"), none, bare, frame)
    assert store.browse.judged.caps_waiting(NOW - timedelta(seconds=1)) == 3
    assert store.browse.judged.caps_waiting(NOW) == 0
    # a later scan's word about the same limit takes the place of the one before, whatever it says
    later = frame.head(1).with_columns(action=pl.lit("keep"))
    store.record_scan(writer.run_record("c2"), none, bare, later)
    assert store.browse.judged.caps_waiting(NOW - timedelta(seconds=1)) == 2
