"""The HTTP API as programs use it: payouts, lists, applications, errors, figures, and its description."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import count
from typing import ClassVar

import polars as pl
import pytest
import store_writer as writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.schema import Kind
from screening.jobs.drop import dropped_applications
from screening.jobs.ingest import Reading, ingest_files
from screening.jobs.keys import Scope, issue_key, key_of, revoke_key
from screening.jobs.payout_calls import Answered, CalledLine, PayoutCall, PayoutDesk
from screening.jobs.progress import silent_progress
from screening.review.act import Act, Person
from screening.review.cases import Seen, decide
from screening.store import Case, CaseEvent

numbers = count()


@pytest.fixture
def api(make_scene):
    """A scene, and a client with a key for everything."""
    scene = make_scene()
    client = scene.browser().client
    client.headers.update(scene.key())
    with client:
        yield scene, client


def line(number, amount=None, **fields):
    return {"conversion_id": f"c{number}", "amount": str(number + 1) if amount is None else amount, **fields}


def ask(client, key, *lines):
    return client.post("/v1/payout/decisions", json={"conversions": lines}, headers={"Idempotency-Key": key})


def decided(answer):
    return [each["decision"] for each in answer.json()["decisions"]]


def reasons(answer):
    return [each["reasons"] for each in answer.json()["decisions"]]


class TestPayouts:
    def test_what_the_scan_paid_is_paid_once_and_written_down(self, api):
        scene, client = api
        answer = ask(client, "week-1", line(0), line(1), line(19))
        assert decided(answer) == ["pay", "pay", "hold"]
        assert reasons(answer) == [[], [], ["ctct_short"]]
        totals = {(each["decision"], each["currency"]): each["amount"] for each in answer.json()["totals"]}
        assert totals == {("hold", "USD"): "20", ("pay", "USD"): "3"}
        released = scene.store.ledger.batch(answer.json()["batch_id"])
        assert released["conversion_id"].to_list() == ["c0", "c1"]
        assert released["amount"].sum() == Decimal(3)
        assert reasons(ask(client, "week-2", line(0)))[0] == ["already_paid"]

    def test_the_same_call_gets_the_same_answer_and_another_under_its_key_none(self, api):
        scene, client = api
        first = ask(client, "k", line(0))
        scene.clock.forward(days=2)
        again = ask(client, "k", line(0))
        assert again.content == first.content
        assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
        other = ask(client, "k", line(1))
        assert (other.status_code, other.json()["where"]) == (409, "Idempotency-Key")
        assert scene.store.ledger.released(["c1"]).is_empty()

    def test_keys_of_one_caller_are_not_those_of_another(self, api):
        scene, client = api
        assert decided(ask(client, "k", line(0))) == ["pay"]
        client.headers.update(scene.key())
        assert reasons(ask(client, "k", line(0))) == [["already_paid"]]

    @pytest.mark.parametrize(
        ("asked", "reason"),
        [
            (line(0, "1.01"), "amount_differs"),
            (line(0, currency="EUR"), "currency_differs"),
            (line(0, affiliate_id="a2"), "affiliate_differs"),
            ({"conversion_id": "never-seen", "amount": "1"}, "not_judged"),
        ],
    )
    def test_every_difference_from_the_judgement_holds(self, api, asked, reason):
        _, client = api
        answer = ask(client, "k", asked)
        assert (decided(answer), reasons(answer)) == (["hold"], [[reason]])

    def test_a_conversion_twice_in_a_call_is_paid_once(self, api):
        _, client = api
        answer = ask(client, "k", line(3), line(3))
        assert (decided(answer), reasons(answer)[1]) == (["pay", "hold"], ["duplicate_line"])

    def test_an_old_judgement_holds(self, api):
        scene, client = api
        scene.clock.forward(days=8)
        assert reasons(ask(client, "k", line(0))) == [["scan_stale"]]

    def test_a_persons_verdict_counts(self, api):
        scene, client = api
        case = next(case for case in scene.store.cases.waiting("source") if case.subject == "a1/o1/s1")
        act = Act(Person("ann", "analyst"), scene.clock(), "seen")
        decide(scene.store, Seen(case.case_id, case.version), "fraud", act, scene.workspace.settings.review)
        assert decided(ask(client, "k", line(0))) == ["reject"]

    @pytest.mark.parametrize("amount", [1, 1.0, "1e3", "1,000.00", "-1", "NaN", "", " 1", "1.00001", "9" * 15, None])
    def test_amounts_that_are_not_plain_text_are_refused(self, api, amount):
        _, client = api
        answer = client.post(
            "/v1/payout/decisions",
            json={"conversions": [{"conversion_id": "c0", "amount": amount}]},
            headers={"Idempotency-Key": "k"},
        )
        assert answer.status_code == 422
        assert answer.json()["where"] == "body.conversions.0.amount"

    def test_without_an_idempotency_key_nothing_is_decided(self, api):
        scene, client = api
        answer = client.post("/v1/payout/decisions", json={"conversions": [line(0)]})
        assert (answer.status_code, answer.json()["where"]) == (422, "header.Idempotency-Key")
        assert scene.store.ledger.released(["c0"]).is_empty()

    def test_calls_at_the_same_moment_pay_a_conversion_once(self, api):
        scene, client = api
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: ask(client, f"k{number}", line(5), line(number)), range(10, 18)))
        paid = [each for answer in answers for each in answer.json()["decisions"] if each["decision"] == "pay"]
        assert sorted(each["conversion_id"] for each in paid) == [
            "c10",
            "c11",
            "c12",
            "c13",
            "c14",
            "c15",
            "c16",
            "c17",
            "c5",
        ]
        assert scene.store.audit.verify().count > 0

    def test_one_run_stands_for_the_calls_of_a_server(self, api):
        scene, client = api
        runs = {ask(client, f"k{number}", line(number)).json()["run_id"] for number in range(3)}
        (run,) = [scene.store.run(run_id) for run_id in runs]
        assert run.command == "payout-calls"
        assert run.settings["payout"] == scene.workspace.settings.payout.model_dump()


class TestDesk:
    def test_a_crash_before_the_record_pays_nothing_and_after_it_everything_once(self, make_scene, monkeypatch):
        scene = make_scene()
        call = PayoutCall("key", "k", (CalledLine("c0", Decimal(1), None, None),))

        def dies(*_):
            raise RuntimeError("killed")

        with monkeypatch.context() as patch:
            patch.setattr("screening.store.audit.Audit.append", dies)
            with pytest.raises(RuntimeError, match="killed"):
                PayoutDesk(scene.workspace, scene.store, scene.clock).decide([call])
        assert scene.store.ledger.released(["c0"]).is_empty()
        first, second = (PayoutDesk(scene.workspace, scene.store, scene.clock).decide([call])[0] for _ in range(2))
        assert first.body == second.body
        assert (first.repeated, second.repeated) == (False, True)

    def test_what_is_closed_between_calls_is_not_paid(self, make_scene, tmp_path):
        scene = make_scene()
        desk = PayoutDesk(scene.workspace, scene.store, scene.clock)
        to_pay = scene.store.decisions("latest").filter(decision="pay").sort("conversion_id")
        before, voided, returned = to_pay.head(3).select("conversion_id", "payout").iter_rows()

        def decision(row):
            name, amount = row
            call = PayoutCall("key", f"k-{name}", (CalledLine(name, amount, None, None),))
            (told,) = json.loads(desk.decide([call])[0].body)["decisions"]
            return told["decision"], told["reasons"]

        assert decision(before) == ("pay", [])
        files = {
            Kind.CONVERSIONS: "conversion_id,ts,affiliate_id,offer_id,payout,status\n"
            f"{voided[0]},2026-03-01 10:00,a,o,1,void",
            Kind.OUTCOMES: f"conversion_id,outcome,ts\n{returned[0]},refund,2026-03-01 10:00",
        }
        for kind, text in files.items():
            path = tmp_path / f"{kind}.csv"
            path.write_text(text)
            done = ingest_files(scene.workspace, kind, [path], Reading(), scene.clock(), silent_progress())
            assert not done.report.incomplete
        assert decision(voided) == decision(returned) == ("hold", ["not_due"])
        assert scene.store.ledger.released([voided[0], returned[0]]).is_empty()

    def test_two_servers_answer_a_call_once(self, make_scene, monkeypatch):
        scene = make_scene()
        call = PayoutCall("key", "k", (CalledLine("c0", Decimal(1), None, None),))
        desks = [PayoutDesk(scene.workspace, scene.store, scene.clock) for _ in range(2)]
        judge = PayoutDesk._judge
        between = []

        def with_the_other_between(desk, calls):
            group = judge(desk, calls)
            if not between:
                between.append(True)
                between.append(desks[1].decide([call])[0])
            return group

        monkeypatch.setattr(PayoutDesk, "_judge", with_the_other_between)
        mine = desks[0].decide([call])[0]
        assert mine == Answered(between[1].body, repeated=True)
        assert scene.store.ledger.released(["c0"]).height == 1

    def test_a_scan_recorded_after_the_look_ups_is_heeded(self, make_scene, monkeypatch):
        scene = make_scene()
        call = PayoutCall("key", "k", (CalledLine("c0", Decimal(1), None, None),))
        judge = PayoutDesk._judge
        scanned = []

        def and_a_scan_rejects_meanwhile(desk, calls):
            group = judge(desk, calls)
            if not scanned:
                scanned.append(True)
                run = scene.store.runs("scan")[0]
                judged = scene.store.decisions(run.run_id).filter(pl.col("conversion_id") == "c0")
                rejected = judged.with_columns(
                    decision=pl.lit("reject"),
                    reasons=pl.lit(["duplicate_order"], pl.List(pl.String)),
                    run_id=pl.lit("scan-later"),
                )
                scene.store.record_scan(
                    writer.run_record("scan-later", finished_at=scene.clock()),
                    rejected,
                    writer.sources(0),
                    writer.caps(0),
                )
            return group

        monkeypatch.setattr(PayoutDesk, "_judge", and_a_scan_rejects_meanwhile)
        [answer] = PayoutDesk(scene.workspace, scene.store, scene.clock).decide([call])
        assert [each["decision"] for each in json.loads(answer.body)["decisions"]] == ["reject"]
        assert scene.store.ledger.released(["c0"]).is_empty()

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(batches=st.lists(st.lists(st.integers(0, 25), min_size=1, max_size=5), min_size=1, max_size=4))
    def test_totals_are_the_lines_and_nobody_is_paid_twice(self, scene, batches):
        desk = PayoutDesk(scene.workspace, scene.store, scene.clock)
        calls = [
            PayoutCall(
                "key",
                f"property-{next(numbers)}",
                tuple(CalledLine(f"c{each}", Decimal(each + 1), None, None) for each in ids),
            )
            for ids in batches
        ]
        before = set(scene.store.ledger.released([f"c{number}" for number in range(26)])["conversion_id"])
        told = [json.loads(reply.body) for reply in desk.decide(calls)]
        for ids, answer in zip(batches, told, strict=True):
            assert sum(Decimal(each["amount"]) for each in answer["totals"]) == sum(number + 1 for number in ids)
            assert sum(each["lines"] for each in answer["totals"]) == len(ids)
        paid = [each["conversion_id"] for answer in told for each in answer["decisions"] if each["decision"] == "pay"]
        assert len(paid) == len(set(paid))
        assert not set(paid) & before


class TestKeys:
    def test_a_key_works_until_it_is_revoked_or_expires(self, make_scene):
        scene = make_scene(CONSOLE__API__KEY_SECONDS="5")
        client = scene.browser().client
        issued = issue_key(scene.store, "test", [Scope.RUNS_READ], "ann", scene.clock())
        headers = {"Authorization": f"Bearer {issued.token}"}
        assert client.get("/v1/runs", headers=headers).status_code == 200
        revoke_key(scene.store, issued.key.key_id, "ann", scene.clock())
        scene.clock.forward(seconds=5)
        assert client.get("/v1/runs", headers=headers).status_code == 401
        ends = scene.clock.now.replace(year=2027)
        short = issue_key(scene.store, "short", [Scope.RUNS_READ], "ann", scene.clock(), expires_at=ends)
        scene.clock.now = ends
        assert key_of(scene.store, short.token, scene.clock()) is None

    def test_secrets_are_stored_hashed_and_compared_whole(self, scene):
        issued = issue_key(scene.store, "test", [Scope.RUNS_READ], "ann", scene.clock())
        secret = issued.token.rpartition("_")[2]
        assert secret not in str(scene.store.keys.all())
        for wrong in (issued.token[:-1], issued.token + "a", issued.token.swapcase(), "", "wnw__", issued.token + "\n"):
            assert key_of(scene.store, wrong, scene.clock()) is None
        assert key_of(scene.store, issued.token, scene.clock()) == issued.key


class TestLists:
    @pytest.mark.parametrize("path", ["/v1/sources?", "/v1/cases?kind=source&order=money&", "/v1/caps?", "/v1/runs?"])
    def test_pages_of_one_are_the_whole_list(self, api, path):
        _, client = api
        whole = client.get(f"{path}limit=100").json()
        items, after = [], None
        while after is not None or not items:
            page = client.get(f"{path}limit=1" + (f"&after={after}" if after else "")).json()
            items += page["items"]
            after = page["next"]
            if not page["items"]:
                break
        assert whole["next"] is None
        assert items == whole["items"]

    @pytest.mark.parametrize("after", ["x", "WyJtIiwiTmFOIiw3XQ", "W10", "bnVsbA", "WyJtIiwiMWU5OTk5IiwxXQ"])
    @pytest.mark.parametrize("path", ["/v1/sources?", "/v1/cases?kind=source&order=money&", "/v1/caps?"])
    def test_a_made_up_place_is_refused(self, scene, path, after):
        answer = scene.browser().client.get(f"{path}after={after}", headers=scene.key())
        assert answer.status_code == 422

    def test_a_page_has_its_most(self, scene):
        answer = scene.browser().client.get("/v1/runs?limit=501", headers=scene.key())
        assert (answer.status_code, answer.json()["where"]) == (422, "query.limit")

    def test_a_case_comes_with_its_history(self, scene):
        case = scene.store.cases.waiting("source")[0]
        told = scene.browser().client.get(f"/v1/cases/{case.case_id}", headers=scene.key()).json()
        assert [event["action"] for event in told["history"]] == ["opened"]

    def test_what_is_not_there_is_not_found(self, scene):
        client, key = scene.browser().client, scene.key()
        for path in (
            "/v1/cases/999",
            "/v1/runs/none",
            "/v1/caps/999",
            "/v1/applications/none",
            "/v1/sources?run_id=none",
        ):
            answer = client.get(path, headers=key)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


class TestApplications:
    ASKED: ClassVar = {"name": "Ann", "email": "ann@travelnotes.com", "websites": ["https://travelnotes.com"]}

    def post(self, client, key="k", **fields):
        return client.post("/v1/applications", json={**self.ASKED, **fields}, headers={"Idempotency-Key": key})

    def test_an_application_waits_for_the_night(self, api):
        scene, client = api
        answer = self.post(client, application_id="A-1")
        assert (answer.status_code, answer.json()["status"]) == (201, "received")
        assert client.get("/v1/applications/A-1").json()["status"] == "received"
        later = scene.clock.now.replace(year=2099)
        assert len(dropped_applications(scene.workspace, later)) == 1

    def test_the_same_call_hands_in_one(self, api):
        scene, client = api
        first, again = self.post(client), self.post(client)
        assert first.json() == again.json()
        assert again.headers["Idempotent-Replayed"] == "true"
        assert len(list((scene.workspace.root / "drop" / "applications").iterdir())) == 1
        assert self.post(client, name="Bob").status_code == 409

    @pytest.mark.parametrize(
        ("fields", "where"),
        [
            ({"email": "no mail"}, "email"),
            ({"websites": ["javascript:alert(1)"]}, "websites"),
            ({"websites": []}, "body.websites"),
            ({"application_id": "../../etc/passwd"}, "body.application_id"),
            ({"nickname": "x"}, "body.nickname"),
            ({"claimed_monthly_visits": "many"}, "body.claimed_monthly_visits"),
        ],
    )
    def test_what_cannot_be_used_is_refused_by_its_field(self, api, fields, where):
        scene, client = api
        answer = self.post(client, **fields)
        assert (answer.status_code, answer.json()["where"]) == (422, where)
        assert dropped_applications(scene.workspace, scene.clock.now.replace(year=2099)) == []


class TestCaps:
    def test_a_recommendation_is_decided_once(self, api):
        scene, client = api
        cap = client.get("/v1/caps").json()["items"][-1]
        path = f"/v1/caps/{cap['cap_id']}/decision"
        first = client.post(path, json={"decision": "reject", "note": "not now"})
        assert (first.status_code, first.json()["status"]) == (200, "rejected")
        assert client.post(path, json={"decision": "reject"}).json() == first.json()
        assert client.post(path, json={"decision": "approve"}).status_code == 409
        assert any(event.action == "cap rejected" for _, event in scene.store.audit.events(f"cap {cap['cap_id']}"))


class TestFigures:
    def test_prometheus_reads_runs_queues_money_and_lists(self, api):
        _, client = api
        text = client.get("/metrics").text
        for line_of_text in (
            'winnow_runs{command="scan",status="complete"} 1.0',
            'winnow_queue_cases{kind="source"} 3.0',
            'winnow_queue_oldest_seconds{kind="source"} 25200.0',
            'winnow_scan_money{currency="USD",decision="hold"} 20.0',
            "winnow_payout_call_seconds_count",
            "winnow_list_age_days",
        ):
            assert line_of_text in text
        figures = client.get("/v1/metrics").json()["items"]
        assert {"name": "winnow_queue_cases", "labels": {"kind": "source"}, "value": 3.0} in figures

    def test_they_are_counted_anew_after_a_while_and_not_for_every_caller(self, api):
        scene, client = api
        client.get("/v1/metrics")
        case = Case("source", "a9/o9/s9", scene.clock(), ("ctct_short",))
        scene.store.cases.open(case, CaseEvent(scene.clock(), "scan", "opened"))
        assert 'winnow_queue_cases{kind="source"} 3.0' in client.get("/metrics").text
        scene.clock.forward(seconds=15)
        assert 'winnow_queue_cases{kind="source"} 4.0' in client.get("/metrics").text


class TestDescription:
    def test_it_names_every_call_with_its_problems_and_no_page(self, scene):
        document = scene.browser().client.get("/v1/openapi.json").json()
        assert "/login" not in document["paths"]
        for path, calls in document["paths"].items():
            for call in calls.values():
                assert call["summary"]
                assert path == "/healthz" or "401" in call["responses"]
                refs = call["responses"]["422"]["content"]["application/problem+json"]["schema"]
                assert refs == {"$ref": "#/components/schemas/Problem"}
