"""Appeals: who may contest what, the clock, and that an overturned one releases through the ledger's rules."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
import review_scene as scene
import store_writer as writer
from review_scene import ANN, MAX, NOW, VIC, act, on_both_databases, seen

from screening.errors import ConflictError, DeniedError, InputError
from screening.review import appeals
from screening.review import cases as review
from screening.review.act import AFFILIATE, Person
from screening.review.appeals import Contested
from screening.store import RELEASES, SCREENINGS, CaseEvent

PARTNER = Person("a1", AFFILIATE)
THE_SOURCE = Contested("source", "a1/o1/s1", "a1")
WORDS = "These were real people."
LATER = NOW + timedelta(days=1)


@pytest.fixture
def opened(store, review_settings):
    return appeals.open_appeal(store, THE_SOURCE, act(PARTNER, WORDS), review_settings)


def verdicts(store):
    return dict(store.verdicts.of([f"c{n}" for n in range(9)]).select("conversion_id", "verdict").iter_rows())


def test_an_appeal_has_a_deadline_and_is_overdue_after_it(store, opened, review_settings):
    assert opened.deadline_at == NOW + timedelta(days=review_settings.appeal_days)
    assert appeals.open_appeals(store) == [opened]
    assert appeals.overdue([opened], opened.deadline_at) == []
    assert appeals.overdue([opened], opened.deadline_at + timedelta(microseconds=1)) == [opened]
    appeals.answer_appeal(store, opened.appeal_id, "upheld", act(MAX, "No."), review_settings)
    assert appeals.open_appeals(store) == []


@on_both_databases
def test_an_overturned_hold_is_cleared_and_labelled_and_its_case_closed(store, case, opened, review_settings):
    answered = appeals.answer_appeal(
        store, opened.appeal_id, "overturned", act(MAX, "You are right.", LATER), review_settings
    )
    assert verdicts(store) == {"c2": "clean", "c3": "clean"}
    assert (answered.appeal.answer.amount_released, answered.appeal.answer.currency) == (Decimal(5), "USD")
    assert store.appeals.one(opened.appeal_id) == answered.appeal
    assert store.labels.all().select("label", "origin", "author").rows() == [("clean", "appeal", "max")]
    closed = store.cases.one(case.case_id)
    assert (closed.status, closed.decision) == ("closed", "clean")
    said = store.audit.events(f"appeal {opened.appeal_id}")
    assert [event.action for _, event in said] == ["appeal", "answer"]
    assert said[1][1].details["amounts"] == {"USD": "5.0000"}


def test_an_upheld_appeal_leaves_everything_as_it_is(store, case, opened, review_settings):
    answered = appeals.answer_appeal(store, opened.appeal_id, "upheld", act(MAX, "No."), review_settings)
    assert answered.settled is None
    assert answered.appeal.answer.amount_released is None
    assert verdicts(store) == {}
    assert store.labels.all().is_empty()
    assert store.cases.one(case.case_id) == case


def test_an_appeal_against_confirmed_fraud_reaches_what_a_person_rejected(store, case, review_settings):
    review.decide(store, seen(case), "fraud", act(ANN), review_settings)
    opened = appeals.open_appeal(store, THE_SOURCE, act(PARTNER, WORDS), review_settings)
    appeals.answer_appeal(store, opened.appeal_id, "overturned", act(MAX, "Sorry."), review_settings)
    assert verdicts(store) == dict.fromkeys(("c0", "c1", "c2", "c3"), "clean")


def test_a_rejected_conversion_can_be_contested_by_itself(store, review_settings):
    conversion = Contested("conversion", "c4", "a1")
    opened = appeals.open_appeal(store, conversion, act(ANN, WORDS), review_settings)
    answered = appeals.answer_appeal(store, opened.appeal_id, "overturned", act(MAX, "Right."), review_settings)
    assert answered.appeal.answer.amount_released == 4
    assert verdicts(store) == {"c4": "clean"}


def test_what_was_paid_meanwhile_is_not_released_again(store, review_settings):
    opened = appeals.open_appeal(store, Contested("conversion", "c2", "a1"), act(PARTNER, WORDS), review_settings)
    row = ("c2", Decimal(2), "USD", "pay", NOW, "payout-1", "batch-1")
    store.ledger.release([pl.DataFrame([row], schema=RELEASES, orient="row")])
    with pytest.raises(ConflictError, match="released already"):
        appeals.answer_appeal(store, opened.appeal_id, "overturned", act(MAX, "Right."), review_settings)
    assert appeals.open_appeals(store) == [opened]


@pytest.mark.parametrize(
    ("contested", "message"),
    [
        (Contested("source", "a1/o1/s9", "a1"), "No scan judged"),
        (Contested("source", "a1", "a1"), "is no source of the affiliate a1"),
        (Contested("source", "a2/o1/s1", "a1"), "is no source of the affiliate a1"),
        (Contested("conversion", "c99", "a1"), "No scan judged"),
        (Contested("conversion", "c1", "a1"), "Nothing of conversion 'c1' is held"),
        (Contested("affiliate", "a1", "a1"), "Nobody can contest"),
        (Contested("application", "p1", "p1"), "No application 'p1'"),
    ],
)
def test_there_must_be_something_to_contest(store, review_settings, contested, message):
    with pytest.raises(InputError, match=message):
        appeals.open_appeal(store, contested, act(ANN, WORDS), review_settings)
    assert store.audit.events() == []


def test_who_may_contest_and_who_may_answer(store, opened, review_settings):
    with pytest.raises(DeniedError, match="its own traffic"):
        appeals.open_appeal(store, THE_SOURCE, act(Person("a2", AFFILIATE), WORDS), review_settings)
    with pytest.raises(DeniedError):
        appeals.open_appeal(store, THE_SOURCE, act(VIC, WORDS), review_settings)
    for person in (PARTNER, VIC, ANN):
        with pytest.raises(DeniedError):
            appeals.answer_appeal(store, opened.appeal_id, "overturned", act(person, "x"), review_settings)
    assert verdicts(store) == {}


@on_both_databases
def test_one_appeal_at_a_time_and_one_answer(store, opened, review_settings):
    with pytest.raises(InputError, match="open already"):
        appeals.open_appeal(store, THE_SOURCE, act(ANN, WORDS), review_settings)
    with pytest.raises(InputError, match="needs a reason"):
        appeals.answer_appeal(store, opened.appeal_id, "upheld", act(MAX, " "), review_settings)
    appeals.answer_appeal(store, opened.appeal_id, "upheld", act(MAX, "No."), review_settings)
    with pytest.raises(ConflictError, match="was upheld by max"):
        appeals.answer_appeal(store, opened.appeal_id, "overturned", act(MAX, "Yes."), review_settings)
    again = appeals.open_appeal(store, THE_SOURCE, act(ANN, "New evidence."), review_settings)
    assert appeals.open_appeals(store) == [again]


@pytest.mark.parametrize("decided", [None, "reject"])
def test_an_applicant_who_wins_counts_as_approved(store, review_settings, decided):
    row = {"application_id": "p1", "decision": "reject", "score": 0.9, "reasons": ["parked"], "missing": []}
    frame = pl.DataFrame([{**row, "evidence": None}], schema={name: SCREENINGS[name] for name in (*row, "evidence")})
    store.record_screenings(writer.run_record("screen-1", command="screen"), frame)
    if decided is not None:
        application = dataclasses.replace(scene.SOURCE_CASE, kind="application", subject="p1", offer_id=None)
        case = store.cases.open(application, CaseEvent(NOW, "screen", "opened"))
        review.decide(store, seen(case), decided, act(), review_settings)
    contested = Contested("application", "p1", "p1")
    opened = appeals.open_appeal(store, contested, act(ANN, WORDS), review_settings)
    appeals.answer_appeal(store, opened.appeal_id, "overturned", act(MAX, "Right."), review_settings)
    assert [(case.subject, case.decision) for case in store.cases.decided("application")] == [("p1", "approve")]
    with pytest.raises(InputError, match="is approved"):
        appeals.open_appeal(store, contested, act(ANN, WORDS), review_settings)
