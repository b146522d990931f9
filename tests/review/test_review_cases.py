"""What people do about cases: who may, what follows, and that two people never overwrite each other."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import polars as pl
import pytest
import review_scene as scene
import store_writer as writer
from review_scene import ANN, MAX, NOW, VIC, act, on_both_databases, seen

from screening.errors import ConflictError, DeniedError, InputError
from screening.review import cases as review
from screening.review.act import Person, local_person
from screening.store import RELEASES, CaseEvent, User, open_store
from screening.store.cases import Standing

LATER = NOW + timedelta(hours=1)


def verdicts(store) -> dict[str, str]:
    found = store.verdicts.of([f"c{number}" for number in range(9)])
    return dict(found.select("conversion_id", "verdict").iter_rows())


def labels(store) -> list[tuple[str | None, ...]]:
    return store.labels.all().select("label", "origin", "author", "affiliate_id", "sub_id", "run_id").rows()


def release(store, *conversion_ids: str) -> None:
    rows = [(name, 1, "USD", "pay", NOW, "payout-1", "batch-1") for name in conversion_ids]
    store.ledger.release([pl.DataFrame(rows, schema=RELEASES, orient="row")])


def test_a_released_source_has_its_held_conversions_cleared_and_labelled(store, case, review_settings):
    done = review.decide(store, seen(case), "clean", act(note="real people"), review_settings)
    assert (done.case.status, done.case.decision, done.case.closed_at) == ("closed", "clean", NOW)
    assert verdicts(store) == {"c2": "clean", "c3": "clean"}
    assert (done.settled.conversions, dict(done.settled.amounts)) == (2, {"USD": 5})
    assert labels(store) == [("clean", "review", "ann", "a1", "s1", "scan-1")]
    assert store.cases.one(case.case_id) == done.case
    number, event = store.audit.events(f"case {case.case_id}")[-1]
    assert (number, event.actor, event.action, event.details["note"]) == (1, "ann", "decide", "real people")
    assert event.details["amounts"] == {"USD": "5.0000"}
    store.audit.verify()


def test_a_label_speaks_of_the_days_that_the_case_was_about(store, review_settings):
    sources = writer.sources(1).with_columns(sub_id=pl.lit("s1"))
    store.record_scan(writer.run_record("scan-2"), writer.decisions(0), sources, writer.caps(0))
    case = dataclasses.replace(scene.SOURCE_CASE, run_id="scan-2")
    opened = store.cases.open(case, CaseEvent(NOW, "scan", "opened"))
    review.decide(store, seen(opened), "clean", act(), review_settings)
    (label,) = store.labels.all().to_dicts()
    assert (label["period_from"], label["period_to"]) == (date(2026, 2, 1), date(2026, 2, 28))


@on_both_databases
def test_confirmed_fraud_reaches_what_would_have_been_paid_but_not_what_was(store, case, review_settings):
    release(store, "c0")
    done = review.decide(store, seen(case), "fraud", act(), review_settings)
    assert verdicts(store) == {"c1": "fraud", "c2": "fraud", "c3": "fraud"}
    assert done.settled.conversions == 3
    assert labels(store)[0][0] == "fraud"


def test_a_source_kept_held_comes_back_by_itself(store, case, review_settings):
    done = review.decide(store, seen(case), "hold", act(), review_settings)
    again = NOW + timedelta(days=review_settings.hold_again_days)
    assert (done.case.status, done.case.snoozed_until) == ("snoozed", again)
    assert set(verdicts(store).values()) == {"hold"}
    assert labels(store) == []
    assert store.cases.waiting(now=again - timedelta(microseconds=1)) == []
    assert store.cases.waiting(now=again) == [done.case]


def test_a_source_without_sub_id_and_ids_with_slashes(store, review_settings):
    other = dataclasses.replace(scene.SOURCE_CASE, affiliate_id="a/1", offer_id="o/1", subject="a/1/o/1/", run_id=None)
    opened = store.cases.open(other, CaseEvent(NOW, "scan", "opened"))
    review.decide(store, seen(opened), "fraud", act(), review_settings)
    assert labels(store) == [("fraud", "review", "ann", "a/1", None, None)]
    assert verdicts(store) == {}


def test_a_case_drawn_at_random_gives_a_label_of_the_audit_slice(store, review_settings):
    drawn = dataclasses.replace(scene.SOURCE_CASE, reasons=("ctct_short", "audit_sample"))
    opened = store.cases.open(drawn, CaseEvent(NOW, "scan", "opened"))
    review.decide(store, seen(opened), "fraud", act(), review_settings)
    assert labels(store)[0][1] == "audit slice"


def test_the_second_of_two_people_is_told_what_the_first_did(store, case, review_settings):
    review.decide(store, seen(case), "clean", act(), review_settings)
    with pytest.raises(ConflictError, match=r"ann did `decide clean` at 2026-03-02 12:00 UTC"):
        review.decide(store, seen(case), "fraud", act(MAX, at=LATER), review_settings)
    assert verdicts(store) == {"c2": "clean", "c3": "clean"}
    assert len(store.audit.events()) == 1


@on_both_databases
def test_of_two_who_decide_at_the_same_moment_one_wins(store, store_url, case, review_settings):
    both_ready, said = Barrier(2), []

    def decide(decision):
        with open_store(store_url) as own:
            both_ready.wait()
            try:
                review.decide(own, seen(case), decision, act(), review_settings)
                said.append(decision)
            except ConflictError as error:
                said.append(error)

    threads = [Thread(target=decide, args=[decision]) for decision in ("clean", "fraud")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [word for word in said if isinstance(word, str)]
    assert len(won) == 1
    assert store.cases.one(case.case_id).decision == won[0]
    assert set(verdicts(store).values()) == set(won)
    assert store.audit.verify().count == 1


@on_both_databases
def test_undo_puts_everything_back(store, case, review_settings):
    held = review.decide(store, seen(case), "hold", act(), review_settings)
    done = review.decide(store, seen(held.case), "clean", act(at=LATER), review_settings)
    undone = review.undo(store, seen(done.case), act(at=LATER + timedelta(hours=1)))
    assert dataclasses.replace(undone.case, version=held.case.version) == held.case
    assert verdicts(store) == {"c2": "hold", "c3": "hold"}
    assert labels(store) == []
    again = review.undo(store, seen(undone.case), act(at=LATER + timedelta(hours=2)))
    assert dataclasses.replace(again.case, version=1) == case
    assert set(verdicts(store).values()) == {"withdrawn"}
    with pytest.raises(InputError, match="no decision to undo"):
        review.undo(store, seen(again.case), act(at=LATER + timedelta(hours=3)))


@on_both_databases
def test_undo_is_refused_once_money_was_released(store, case, review_settings):
    done = review.decide(store, seen(case), "clean", act(), review_settings)
    release(store, "c3")
    with pytest.raises(ConflictError, match="1 of the conversions were paid meanwhile"):
        review.undo(store, seen(done.case), act(at=LATER))
    assert store.cases.one(case.case_id) == done.case
    assert len(labels(store)) == 1


def test_somebody_elses_decision_is_undone_by_a_manager_only(store, case, review_settings):
    done = review.decide(store, seen(case), "fraud", act(MAX), review_settings)
    with pytest.raises(DeniedError, match="manager, admin"):
        review.undo(store, seen(done.case), act(ANN, at=LATER))
    done = review.undo(store, seen(done.case), act(MAX, at=LATER))
    done = review.decide(store, seen(done.case), "clean", act(ANN, at=LATER), review_settings)
    assert review.undo(store, seen(done.case), act(MAX, at=NOW + timedelta(days=1))).case.status == "open"


@pytest.mark.parametrize(
    ("decision", "status", "waits"),
    [("approve", "closed", False), ("reject", "closed", False), ("ask", "snoozed", True)],
)
def test_applications_are_decided_in_their_own_words(store, review_settings, decision, status, waits):
    application = dataclasses.replace(scene.SOURCE_CASE, kind="application", subject="p1", offer_id=None)
    opened = store.cases.open(application, CaseEvent(NOW, "screen", "opened"))
    with pytest.raises(InputError, match="an application cannot be decided as 'clean'"):
        review.decide(store, seen(opened), "clean", act(), review_settings)
    done = review.decide(store, seen(opened), decision, act(), review_settings)
    assert (done.case.status, done.case.snoozed_until is not None) == (status, waits)
    assert [case.decision for case in store.cases.decided("application")] == [decision]
    assert verdicts(store) == {}


def test_the_decision_that_stands_is_the_last_one_that_nobody_undid(store, review_settings):
    application = dataclasses.replace(scene.SOURCE_CASE, kind="application", subject="p1", offer_id=None)
    opened = store.cases.open(application, CaseEvent(NOW, "screen", "opened"))
    assert store.cases.standing("application") == {}
    asked = review.decide(store, seen(opened), "ask", act(), review_settings)
    approved = review.decide(store, seen(asked.case), "approve", act(MAX, at=LATER), review_settings)
    assert store.cases.standing("application") == {"p1": Standing("approve", "max", LATER)}
    review.undo(store, seen(approved.case), act(MAX, at=LATER))
    assert store.cases.standing("application") == {"p1": Standing("ask", "ann", NOW)}


def test_bulk_decides_what_it_can_and_reports_the_rest(store, case, review_settings):
    other = dataclasses.replace(scene.SOURCE_CASE, subject="a1/o1/s2")
    second = store.cases.open(other, CaseEvent(NOW, "scan", "opened"))
    stale = review.Seen(case.case_id, case.version + 5)
    outcomes = review.decide_many(store, [stale, seen(second), review.Seen(99, 1)], "clean", act(), review_settings)
    assert [outcome.done is not None for outcome in outcomes] == [False, True, False]
    assert isinstance(outcomes[0].error, ConflictError)
    assert "no case 99" in str(outcomes[2].error)
    assert store.cases.one(case.case_id) == case
    few = review_settings.model_copy(update={"bulk_max": 1})
    with pytest.raises(InputError, match="too many"):
        review.decide_many(store, [seen(case), seen(second)], "clean", act(), few)


def test_a_case_is_assigned_snoozed_woken_and_noted(store, case):
    done = review.assign(store, seen(case), "bob", act())
    assert done.case.assignee == "bob"
    done = review.snooze(store, seen(done.case), LATER, act())
    assert store.cases.waiting(now=NOW) == []
    done = review.wake(store, seen(done.case), act())
    assert store.cases.waiting(now=NOW) == [done.case]
    review.add_note(store, case.case_id, act(note="asked the advertiser"))
    assert [event.action for event in store.cases.history(case.case_id)][1:] == ["assign", "snooze", "wake", "note"]
    assert [event.action for _, event in store.audit.events()] == ["assign", "snooze", "wake", "note"]
    with pytest.raises(InputError, match="empty"):
        review.add_note(store, case.case_id, act(note=" "))
    with pytest.raises(InputError, match="later time"):
        review.snooze(store, review.Seen(case.case_id, done.case.version + 1), NOW, act())


def test_a_viewer_changes_nothing(store, case, review_settings):
    for work in (
        lambda: review.decide(store, seen(case), "clean", act(VIC), review_settings),
        lambda: review.decide_many(store, [seen(case)], "clean", act(VIC), review_settings),
        lambda: review.assign(store, seen(case), None, act(VIC)),
        lambda: review.snooze(store, seen(case), LATER, act(VIC)),
        lambda: review.add_note(store, case.case_id, act(VIC, note="x")),
        lambda: review.undo(store, seen(case), act(VIC)),
    ):
        with pytest.raises(DeniedError, match=r"vic \(viewer\) may not"):
            work()
    assert store.cases.one(case.case_id) == case
    assert store.audit.events() == []


def test_nobody_acts_without_a_name():
    with pytest.raises(InputError, match="name of a person"):
        Person(" ", "admin")


def test_who_sits_at_the_machine(store):
    assert local_person(store, "root") == Person("root", "admin")
    for name, active in (("ann", True), ("bob", False)):
        store.users.add(User(name, "analyst", "x", active=active, created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert local_person(store, "ann") == Person("ann", "analyst")
    for name in ("bob", "root"):
        with pytest.raises(DeniedError, match="no active user"):
            local_person(store, name)
