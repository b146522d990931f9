"""Holds that grew old go to a person, once, and stay listed until somebody decides."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import review_scene as scene
from review_scene import NOW, act, on_both_databases, seen

from screening.review import cases as review
from screening.review.expiry import bring_to_people, expired_holds

HELD_AT = NOW - timedelta(hours=10)


def too_late(settings):
    return HELD_AT + timedelta(days=settings.hold_days_max)


def test_a_hold_expires_at_the_age_of_the_settings(store, review_settings):
    late = too_late(review_settings)
    assert expired_holds(store, late - timedelta(microseconds=1), review_settings) == []
    (hold,) = expired_holds(store, late, review_settings)
    assert (hold.source.subject, hold.conversions, hold.amount, hold.currency) == ("a1/o1/s1", 2, Decimal(5), "USD")
    assert hold.since == HELD_AT


@on_both_databases
def test_the_age_counts_from_the_first_hold_and_what_is_held_no_more_does_not_count(store, review_settings):
    scene.judge(store, "scan-2", "pay", "pay", "hold", "pay", "reject", hours=2)
    (hold,) = expired_holds(store, too_late(review_settings), review_settings)
    assert (hold.conversions, hold.amount, hold.since) == (1, Decimal(2), HELD_AT)


def test_an_expired_hold_gets_a_case_and_is_never_cleared_by_itself(store, review_settings):
    late = too_late(review_settings)
    assert len(bring_to_people(store, late, review_settings)) == 1
    (case,) = store.cases.waiting(now=late)
    assert (case.subject, case.reasons, case.amount, case.due_at) == ("a1/o1/s1", ("hold_expired",), 5, late)
    assert len(bring_to_people(store, late, review_settings)) == 1
    assert store.cases.waiting(now=late) == [case]
    assert [event.action for _, event in store.audit.events()] == ["hold_expired"]
    assert store.verdicts.of(["c2", "c3"]).is_empty()


def test_a_sleeping_case_is_woken(store, case, review_settings):
    late = too_late(review_settings)
    asleep = review.snooze(store, seen(case), late + timedelta(days=90), act()).case
    bring_to_people(store, late, review_settings)
    (woken,) = store.cases.waiting(now=late)
    assert woken.case_id == asleep.case_id
    assert woken.reasons == ("hold_expired", "ctct_short")


def test_what_a_person_decided_is_not_expired(store, case, review_settings):
    late = too_late(review_settings)
    done = review.decide(store, seen(case), "hold", act(), review_settings)
    assert len(expired_holds(store, late, review_settings)) == 1
    review.decide(store, seen(done.case), "clean", act(at=NOW + timedelta(hours=1)), review_settings)
    assert expired_holds(store, late, review_settings) == []
