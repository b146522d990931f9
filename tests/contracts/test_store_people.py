"""Cases, appeals, people, labels, models, the ledger and cap recommendations, on SQLite and on PostgreSQL."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import polars as pl
import pytest
import store_writer as writer

from screening.errors import BusyError, ConflictError, InputError
from screening.store import (
    RELEASES,
    Answer,
    Appeal,
    CapVerdict,
    Case,
    CaseEvent,
    Label,
    ModelRecord,
    ReleasedBeforeError,
    User,
    open_store,
)

NOW = datetime(2026, 3, 1, 2, 0, 0, 5, UTC)
LATER = NOW + timedelta(days=3)
OPENED = CaseEvent(NOW, "scan", "opened", details={"run": "r1", "held": "12.50"})
CASE = Case(
    kind="source",
    subject="a1/o1/s1",
    opened_at=NOW,
    reasons=("short_click_to_conversion", "hosting_address"),
    affiliate_id="a1",
    offer_id="o1",
    amount=Decimal("1234.5600"),
    currency="EUR",
    due_at=LATER,
    run_id="r1",
)


class TestCases:
    def test_a_case_comes_back_with_its_history(self, store):
        case = store.cases.open(CASE, OPENED)
        assert case == dataclasses.replace(CASE, case_id=case.case_id)
        assert store.cases.one(case.case_id) == case
        assert store.cases.history(case.case_id) == [OPENED]

    def test_one_case_at_a_time_is_open_about_a_subject(self, store):
        case = store.cases.open(CASE, OPENED)
        again = store.cases.open(dataclasses.replace(CASE, amount=Decimal(1)), OPENED)
        assert again == case
        assert store.cases.history(case.case_id) == [OPENED]
        store.cases.change(dataclasses.replace(case, status="closed", closed_at=LATER), OPENED)
        assert store.cases.open(CASE, OPENED).case_id != case.case_id

    def test_two_people_cannot_overwrite_each_other(self, store):
        seen_by_both = store.cases.open(CASE, OPENED)
        closing = CaseEvent(LATER, "ann", "reject", "bots")
        closed = store.cases.change(dataclasses.replace(seen_by_both, status="closed", closed_at=LATER), closing)
        with pytest.raises(BusyError, match="Somebody else"):
            store.cases.change(dataclasses.replace(seen_by_both, assignee="bob"), CaseEvent(LATER, "bob", "assign"))
        assert store.cases.one(closed.case_id) == closed
        assert store.cases.history(closed.case_id) == [OPENED, closing]

    def test_what_locks_first_waits_first(self, store):
        for subject, due_at, status in (
            ("never", None, "open"),
            ("late", LATER, "open"),
            ("soon", NOW, "open"),
            ("asleep", NOW, "snoozed"),
        ):
            store.cases.open(dataclasses.replace(CASE, subject=subject, due_at=due_at, status=status), OPENED)
        store.cases.open(dataclasses.replace(CASE, kind="application", subject="p1", due_at=NOW), OPENED)
        assert [case.subject for case in store.cases.waiting("source")] == ["soon", "late", "never"]
        assert len(store.cases.waiting()) == 4

    def test_the_same_case_opened_by_two_at_once(self, store, store_url):
        both_ready, numbers = Barrier(2), []

        def open_it():
            with open_store(store_url) as own:
                both_ready.wait()
                numbers.append(own.cases.open(CASE, OPENED).case_id)

        threads = [Thread(target=open_it) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(numbers) == 2
        assert len(set(numbers)) == 1
        assert store.cases.history(numbers[0]) == [OPENED]

    def test_a_case_that_is_not_there(self, store):
        with pytest.raises(InputError, match="no case 7"):
            store.cases.one(7)


class TestAppeals:
    APPEAL = Appeal("source", "a1/o1/s1", "a1", NOW, "a1", "These were real people.", LATER)

    def test_an_appeal_is_answered_once(self, store):
        appeal = store.appeals.open(self.APPEAL)
        assert store.appeals.all() == [appeal]
        answer = Answer("overturned", LATER, "ann", "You are right.", Decimal("10.0001"), "USD")
        store.appeals.answer(appeal.appeal_id, answer)
        with pytest.raises(InputError, match="not open"):
            store.appeals.answer(appeal.appeal_id, dataclasses.replace(answer, status="upheld"))
        assert store.appeals.all() == [dataclasses.replace(appeal, answer=answer)]

    def test_the_first_deadline_comes_first(self, store):
        store.appeals.open(self.APPEAL)
        other = dataclasses.replace(self.APPEAL, subject="a2/o1/s1", affiliate_id="a2", deadline_at=NOW)
        store.appeals.open(other)
        assert [appeal.affiliate_id for appeal in store.appeals.all()] == ["a2", "a1"]
        assert [appeal.affiliate_id for appeal in store.appeals.all(affiliate_id="a1")] == ["a1"]


class TestUsers:
    ANN = User("ann", "analyst", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", active=True, created_at=NOW)

    def test_people_are_added_once_and_changed(self, store):
        store.users.add(self.ANN)
        with pytest.raises(InputError, match="'ann' cannot be added"):
            store.users.add(self.ANN)
        changed = dataclasses.replace(self.ANN, role="admin", active=False)
        store.users.change(changed)
        assert store.users.one("ann") == changed
        assert store.users.all() == [changed]

    def test_people_who_are_not_there(self, store):
        assert store.users.one("bob") is None
        with pytest.raises(InputError, match="no user 'ann'"):
            store.users.change(self.ANN)


class TestLabels:
    def test_labels_are_kept_in_the_order_given(self, store):
        labels = [
            Label("fraud", "review", "ann", NOW, conversion_id="c1", run_id="r1"),
            Label("clean", "appeal", "bob", LATER, conversion_id="c1"),
            Label(
                "clean",
                "audit slice",
                "bob",
                NOW,
                affiliate_id="a1",
                offer_id="o1",
                sub_id="s1",
                period_from=date(2026, 2, 1),
                period_to=date(2026, 2, 28),
            ),
        ]
        store.labels.add(labels[:2])
        store.labels.add(labels[2:])
        store.labels.add([])
        kept = [Label(**row) for row in store.labels.all().drop("label_id").to_dicts()]
        assert kept == labels

    def test_a_label_is_about_something(self):
        with pytest.raises(ValueError, match="needs a conversion"):
            Label("fraud", "review", "ann", NOW, affiliate_id="a1")


class TestModels:
    MODEL = ModelRecord(
        name="injected",
        version="1",
        role="challenger",
        digest="ab" * 32,
        data_from=date(2026, 1, 1),
        data_to=date(2026, 2, 28),
        feature_schema={"features": ["ctit_p10", "hosting_share"]},
        metrics={"recall": 0.9, "low": 0.85},
        created_at=NOW,
    )

    def test_one_champion_for_each_name(self, store):
        second = dataclasses.replace(self.MODEL, version="2", created_at=LATER)
        for model in (self.MODEL, second, dataclasses.replace(self.MODEL, name="rates")):
            store.models.add(model)
        assert store.models.champion("injected") is None
        store.models.promote("injected", "1")
        store.models.promote("injected", "2")
        assert store.models.champion("injected") == dataclasses.replace(second, role="champion")
        assert [(model.version, model.role) for model in store.models.all("injected")] == [
            ("2", "champion"),
            ("1", "retired"),
        ]
        store.models.retire("injected", "2")
        assert store.models.champion("injected") is None
        assert len(store.models.all()) == 3

    def test_promoting_what_is_not_there_keeps_the_champion(self, store):
        store.models.add(self.MODEL)
        store.models.promote("injected", "1")
        with pytest.raises(InputError, match="no version 9"):
            store.models.promote("injected", "9")
        assert store.models.champion("injected").version == "1"

    @pytest.mark.parametrize("changed", [{}, {"version": "2", "role": "champion"}])
    def test_a_version_is_registered_once_and_a_second_champion_never(self, store, changed):
        store.models.add(dataclasses.replace(self.MODEL, role="champion"))
        with pytest.raises(InputError, match="cannot be registered"):
            store.models.add(dataclasses.replace(self.MODEL, **changed))
        assert len(store.models.all()) == 1


class TestLedger:
    @staticmethod
    def releases(batch_id, *conversion_ids):
        rows = [
            {
                "conversion_id": conversion_id,
                "amount": Decimal("0.1001"),
                "currency": "USD",
                "decision": "pay",
                "released_at": NOW,
                "run_id": "r1",
                "batch_id": batch_id,
            }
            for conversion_id in conversion_ids
        ]
        return pl.DataFrame(rows, schema=RELEASES)

    def test_the_same_batch_twice_releases_once(self, store):
        batch = self.releases("b1", "c1", "c2")
        store.ledger.release([batch.head(1), batch.tail(1)])
        store.ledger.release([batch])
        assert store.ledger.batch("b1").equals(batch)
        assert sum(store.ledger.batch("b1")["amount"].to_list()) == Decimal("0.2002")

    def test_nothing_is_released_beside_what_another_batch_released_before(self, store):
        store.ledger.release([self.releases("b1", "c1")])
        for releases in ([self.releases("b2", "c1", "c2")], [self.releases("b2", "c2"), self.releases("b2", "c1")]):
            with pytest.raises(ReleasedBeforeError):
                store.ledger.release(releases)
            assert store.ledger.released(["c1", "c2", "c1"])["batch_id"].to_list() == ["b1"]
            assert store.ledger.batch("b2").is_empty()

    def test_one_transaction_may_release_several_batches(self, store):
        store.ledger.release([pl.concat([self.releases("b1", "c1"), self.releases("b2", "c2")])])
        assert store.ledger.released(["c1", "c2"])["batch_id"].to_list() == ["b1", "b2"]
        store.ledger.release([self.releases("b3")])
        with pytest.raises(ReleasedBeforeError):
            store.ledger.release([pl.concat([self.releases("b4", "c1"), self.releases("b5", "c3")])])
        assert store.ledger.released(["c3"]).is_empty()

    def test_a_batch_that_comes_again_with_other_conversions_is_held_against_each_of_them(self, store):
        # as a call whose answer was forgotten: its batch has released something before
        store.ledger.release([self.releases("b1", "c1")])
        store.ledger.release([self.releases("b1", "c2")])
        store.ledger.release([self.releases("b2", "c4")])
        with pytest.raises(ReleasedBeforeError):
            store.ledger.release([self.releases("b1", "c3", "c4")])
        with pytest.raises(ReleasedBeforeError):
            store.ledger.release([pl.concat([self.releases("b1", "c4"), self.releases("b2", "c5")])])
        assert store.ledger.batch("b1")["conversion_id"].to_list() == ["c1", "c2"]
        assert store.ledger.batch("b2")["conversion_id"].to_list() == ["c4"]

    def test_a_conversion_named_twice_is_refused(self, store):
        with pytest.raises(ValueError, match="named twice"):
            store.ledger.release([self.releases("b1", "c1", "c1")])
        assert store.ledger.released(["c1"]).is_empty()

    def test_two_batches_at_once_release_each_conversion_once(self, store, store_url):
        both_ready, lost = Barrier(2), []
        ids = [f"c{number}" for number in range(300)]

        def release(batch_id):
            with open_store(store_url) as own:
                both_ready.wait()
                try:
                    own.ledger.release([self.releases(batch_id, *ids)])
                except ReleasedBeforeError:
                    lost.append(batch_id)

        threads = [Thread(target=release, args=[name]) for name in ("b1", "b2")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (won,) = {"b1", "b2"}.difference(lost)
        assert store.ledger.batch(won)["conversion_id"].sort().to_list() == sorted(ids)
        assert len(store.ledger.released(ids)) == 300


class TestRecommendations:
    def test_they_move_from_status_to_status_all_or_none(self, store):
        store.record_scan(writer.run_record("r1"), writer.decisions(0), writer.sources(0), writer.caps(3))
        first, second, third = store.caps("r1")["cap_id"].to_list()
        store.recommendations.move([first, second], before="proposed", after="approved")
        with pytest.raises(InputError, match="1 of the cap recommendations are not approved"):
            store.recommendations.move([second, third], before="approved", after="pushed")
        assert store.recommendations.of_status("approved")["cap_id"].to_list() == [first, second]
        assert store.recommendations.of_status("proposed").select("cap_id", "run_id").rows() == [(third, "r1")]

    def test_a_verdict_keeps_who_decided_and_the_edited_limit(self, store):
        store.record_scan(writer.run_record("r1"), writer.decisions(0), writer.sources(0), writer.caps(2))
        first, second = store.caps("r1")["cap_id"].to_list()
        verdict = CapVerdict("approved", "mia", NOW, {first: Decimal("120.5")})
        store.recommendations.decide([first], verdict)
        kept = store.recommendations.of_ids([first]).row(0, named=True)
        assert (kept["status"], kept["decided_by"], kept["decided_at"]) == ("approved", "mia", NOW)
        assert kept["approved_limit"] == Decimal("120.5")
        with pytest.raises(ConflictError, match="1 of the cap recommendations are not proposed any more"):
            store.recommendations.decide([first, second], CapVerdict("rejected", "tom", NOW, {}))
        assert store.recommendations.of_ids([second])["status"].to_list() == ["proposed"]

    def test_the_newest_recommendation_takes_the_place_of_those_before(self, store):
        for run_id in ("r1", "r2"):
            store.record_scan(writer.run_record(run_id), writer.decisions(0), writer.sources(0), writer.caps(1))
        assert store.recommendations.newest().select("cap_id", "run_id").rows() == [
            (store.caps("r2")["cap_id"][0], "r2")
        ]

    def test_what_was_decided_is_told_as_of_a_time(self, store):
        store.record_scan(writer.run_record("r1"), writer.decisions(0), writer.sources(0), writer.caps(1))
        cap_id = store.caps("r1")["cap_id"][0]
        store.recommendations.decide([cap_id], CapVerdict("approved", "mia", NOW, {cap_id: Decimal(5)}))
        assert store.recommendations.decided(NOW).is_empty()
        later = NOW + timedelta(seconds=1)
        assert store.recommendations.decided(later)["cap_id"].to_list() == [cap_id]
        store.recommendations.move([cap_id], before="approved", after="pushed")
        assert store.recommendations.decided(later)["status"].to_list() == ["pushed"]
