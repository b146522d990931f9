"""Each change reaches the network once, whatever fails: silence after applying, 5xx, 429, an OK that fails, a kill."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import push_writer
import pytest
from everflow_server import KEY
from review_scene import on_both_databases

from screening.errors import SettingsError, UnavailableError
from screening.networks.adapter import CapChange, ChangeKind, Status, StatusChange
from screening.networks.choose import everflow_of
from screening.networks.deliver import Delivery, Order, Patience
from screening.networks.filenet import FileNetwork
from screening.store import Push

PATIENT = Patience(attempts=1, settle_seconds=60, poll_seconds=0.05)
QUICK = Patience(attempts=3, settle_seconds=0.4, poll_seconds=0.05)


def status(conversion_id, wanted=Status.APPROVED, key=""):
    return StatusChange(key or f"{conversion_id}-{wanted}", conversion_id, wanted)


def order(*changes, kind=ChangeKind.STATUS, expects=None):
    return Order(kind, changes, "ann", expects or {}, {})


@pytest.fixture
def settled():
    return []


@pytest.fixture
def delivery(store, network, settled):
    return Delivery(store, network, QUICK, lambda _, entry: settled.append((entry.key, entry.state)))


def states(delivered):
    return {one.change.subject: one.state for one in delivered}


class TestOnce:
    def test_a_change_is_made_recorded_and_never_sent_again(self, server, store, delivery, settled):
        server.account.add("c1")
        (done,) = delivery.deliver(order(status("c1")))
        assert (done.state, done.before, done.after) == ("done", "pending", "approved")
        entry = store.pushes.of_keys(["c1-approved"])["c1-approved"]
        assert (entry.state, entry.before, entry.after, entry.attempts) == ("done", "pending", "approved", 1)
        assert delivery.deliver(order(status("c1"))) == []
        assert server.account.changes == {"c1": 1}
        assert settled == [("c1-approved", "done")]
        ((_, event),) = store.audit.events("status c1")
        assert (event.actor, event.action, event.details["before"]) == ("ann", "push", "pending")

    def test_what_holds_already_is_not_sent(self, server, store, delivery):
        server.account.add("c1", "approved")
        (held,) = delivery.deliver(order(status("c1")))
        assert (held.state, held.before, held.after) == ("already", "approved", "approved")
        assert server.account.changes == {}
        assert store.pushes.of_keys(["c1-approved"])["c1-approved"].state == "done"

    def test_a_conversion_that_the_network_does_not_know(self, server, store, delivery):
        (refused,) = delivery.deliver(order(status("c1")))
        assert (refused.state, refused.message) == ("refused", "The network does not know c1.")
        assert store.pushes.of_keys(["c1-approved"]) == {}

    def test_a_changed_mind_is_another_change(self, server, delivery):
        server.account.add("c1")
        for number, wanted in enumerate((Status.APPROVED, Status.REJECTED, Status.APPROVED)):
            delivery.deliver(order(status("c1", wanted, key=f"c1-{number}")))
        assert server.account.conversions["c1"]["status"] == "approved"
        assert server.account.changes == {"c1": 3}

    def test_a_dry_run_tells_all_and_does_nothing(self, server, store, delivery):
        server.account.add("c1")
        server.account.add("c2", "approved")
        planned = delivery.plan(order(status("c1"), status("c2"), status("c3"), status("c1", Status.HOLD)))
        assert [one.state for one in planned] == ["refused", "planned", "already", "refused"]
        assert [one.before for one in planned] == [None, "pending", "approved", None]
        assert server.account.changes == {}
        assert store.pushes.open("everflow", "status") == []
        assert store.audit.events() == []

    def test_a_cap_that_somebody_changed_meanwhile_is_left_alone(self, server, delivery):
        change = CapChange("cap-1", "3", "7", "daily_conversions", Decimal(20))
        caps = {"kind": ChangeKind.CAP, "expects": {"cap-1": "none"}}
        (done,) = delivery.deliver(order(change, **caps))
        assert (done.state, done.before, done.after) == ("done", "none", "20")
        later = CapChange("cap-2", "3", "7", "daily_conversions", Decimal(10))
        (refused,) = delivery.deliver(order(later, kind=ChangeKind.CAP, expects={"cap-2": "50"}))
        assert (refused.state, refused.before) == ("refused", "20")
        assert server.account.cap(7, 3)["daily_conversion_cap"] == 20


class TestFailures:
    @pytest.mark.parametrize("fault", ["silent after applying", "500 after applying"])
    def test_applied_without_an_answer_is_found_and_not_repeated(self, server, delivery, fault):
        server.account.add("c1")
        server.account.faults = [fault]
        assert states(delivery.deliver(order(status("c1")))) == {"c1": "done"}
        assert server.account.changes == {"c1": 1}

    @pytest.mark.parametrize("fault", ["500", "hang up", "true and nothing"])
    def test_what_did_not_arrive_is_sent_again(self, server, store, delivery, fault):
        server.account.add("c1")
        server.account.faults = [fault]
        assert states(delivery.deliver(order(status("c1")))) == {"c1": "done"}
        assert server.account.changes == {"c1": 1}
        assert store.pushes.of_keys(["c1-approved"])["c1-approved"].attempts == 2

    def test_a_slow_network_is_waited_for(self, server, store, network):
        server.account.add("c1")
        server.account.delay_seconds = 0.2
        delivery = Delivery(store, network, PATIENT, lambda *_: None)
        assert states(delivery.deliver(order(status("c1")))) == {"c1": "done"}
        assert server.account.changes == {"c1": 1}

    def test_an_ok_that_never_holds_fails_and_is_tried_by_the_next_run(self, server, store, delivery, settled):
        server.account.add("c1")
        server.account.faults = ["true and nothing"] * QUICK.attempts
        (failed,) = delivery.deliver(order(status("c1")))
        assert (failed.state, failed.message) == ("failed", "The network took it, and it does not show.")
        assert settled == [("c1-approved", "failed")]
        assert states(delivery.deliver(order(status("c1")))) == {"c1": "done"}

    def test_a_network_that_is_down_leaves_the_change_open_for_the_next_run(self, server, store, delivery, settled):
        server.account.add("c1")
        server.account.faults = ["500"] * QUICK.attempts
        (opened,) = delivery.deliver(order(status("c1")))
        assert opened.state == "open"
        assert settled == []
        assert states(delivery.deliver(order(status("c1")))) == {"c1": "done"}
        assert server.account.changes == {"c1": 1}

    def test_an_open_change_that_nobody_wants_any_more_is_not_sent(self, server, store, delivery):
        server.account.add("c1")
        server.account.faults = ["500"] * QUICK.attempts
        delivery.deliver(order(status("c1")))
        assert states(delivery.deliver(order())) == {"c1": "failed"}
        assert server.account.changes == {}

    def test_one_refused_change_does_not_keep_the_others_from_being_made(self, server, delivery):
        names = ["c1", "c2", "poison", "c3"]
        for name in names:
            server.account.add(name)
        delivered = states(delivery.deliver(order(*(status(name) for name in names))))
        assert delivered == {"c1": "done", "c2": "done", "poison": "failed", "c3": "done"}
        assert server.account.changes == {"c1": 1, "c2": 1, "c3": 1}

    def test_a_key_that_is_refused_ends_the_run(self, server, store, everflow_settings, tmp_path):
        network = everflow_of(everflow_settings, tmp_path, {everflow_settings.key_variable: "wrong"})
        with pytest.raises(SettingsError, match="API key"):
            Delivery(store, network, QUICK, lambda *_: None).deliver(order(status("c1")))

    def test_a_network_that_does_not_answer_before_anything_is_sent(self, store, everflow_settings, tmp_path):
        gone = everflow_settings.model_copy(update={"url": "https://localhost:1/v1"})
        network = everflow_of(gone, tmp_path, {gone.key_variable: KEY})
        with pytest.raises(UnavailableError):
            Delivery(store, network, QUICK, lambda *_: None).deliver(order(status("c1")))
        assert store.pushes.open("everflow", "status") == []


@on_both_databases
def test_a_process_killed_between_push_and_record(server, store, store_url, everflow_settings, tmp_path, delivery):
    for name in ("c1", "c2"):
        server.account.add(name)
    server.account.faults, server.account.silence_seconds = ["silent after applying"], 120
    patient = everflow_settings.model_copy(update={"read_seconds": 120.0})
    command = [sys.executable, push_writer.__file__, store_url, str(tmp_path), patient.model_dump_json(), KEY]
    process = subprocess.Popen(command)
    assert server.account.applied.wait(200)
    process.kill()
    process.wait()
    assert [entry.state for entry in store.pushes.open("everflow", "status")] == ["sent", "sent"]
    again = delivery.deliver(order(status("c1"), status("c2")))
    assert states(again) == {"c1": "done", "c2": "done"}
    assert server.account.changes == {"c1": 1, "c2": 1}


@on_both_databases
@pytest.mark.parametrize("applied", [True, False])
def test_a_change_marked_as_sent_by_a_dead_process(server, store, delivery, applied):
    server.account.add("c1", "approved" if applied else "pending")
    known = {"key": "c1-approved", "network": "everflow", "kind": "status", "subject": "c1", "wanted": "approved"}
    sent_at = datetime.now(UTC)
    store.pushes.put([Push(**known, batch="b1", author="ann", intended_at=sent_at, sent_at=sent_at, state="sent")])
    assert states(delivery.deliver(order(status("c1")))) == {"c1": "done"}
    assert server.account.changes == ({} if applied else {"c1": 1})


class TestFiles:
    @pytest.fixture
    def files(self, store, tmp_path):
        return Delivery(store, FileNetwork(tmp_path / "out"), QUICK, lambda *_: None)

    def lines(self, tmp_path):
        return {path.name: path.read_text() for path in sorted((tmp_path / "out").iterdir())}

    def test_one_file_of_a_batch_with_a_line_for_each_change(self, files, tmp_path):
        changes = [status("c2", Status.HOLD), status("c1"), status("c3", Status.REJECTED)]
        delivered = files.deliver(order(*changes))
        assert states(delivered) == {"c1": "done", "c2": "done", "c3": "done"}
        assert delivered[0].after is None
        ((name, text),) = self.lines(tmp_path).items()
        assert name.startswith("statuses-")
        assert text.splitlines() == [
            "key,conversion_id,status",
            "c1-approved,c1,approved",
            "c2-hold,c2,hold",
            "c3-rejected,c3,rejected",
        ]
        assert files.deliver(order(*changes)) == []
        assert len(self.lines(tmp_path)) == 1

    def test_a_run_killed_after_writing_writes_the_same_file_again(self, files, store, tmp_path, monkeypatch):
        changes = [status("c1"), status("c2")]
        monkeypatch.setattr(files, "_record", lambda ended: pytest.fail("killed") if ended else [])
        with pytest.raises(pytest.fail.Exception, match="killed"):
            files.deliver(order(*changes))
        before = self.lines(tmp_path)
        monkeypatch.undo()
        assert states(files.deliver(order(*changes))) == {"c1": "done", "c2": "done"}
        assert self.lines(tmp_path) == before

    @pytest.mark.parametrize("bad", ["=cmd()", "+1", "@x", "-1", "\uff1dcmd"])
    def test_an_id_that_a_spreadsheet_would_run_is_refused(self, files, tmp_path, bad):
        delivered = files.deliver(order(status(bad), status("c1")))
        assert states(delivered) == {bad: "refused", "c1": "done"}
        ((_, text),) = self.lines(tmp_path).items()
        assert bad not in text

    def test_caps_of_partners_and_of_whole_offers(self, files, tmp_path):
        changes = [
            CapChange("k1", "3", "7", "daily_conversions", Decimal("20.0000")),
            CapChange("k2", "3", None, "total_payout", Decimal("0")),
        ]
        files.deliver(order(*changes, kind=ChangeKind.CAP))
        ((name, text),) = self.lines(tmp_path).items()
        assert name.startswith("caps-")
        assert text.splitlines()[1:] == ["k1,3,7,daily_conversions,20", "k2,3,,total_payout,0"]

    def test_a_folder_that_cannot_be_written_leaves_the_change_open(self, store, tmp_path):
        (tmp_path / "file").write_text("no folder")
        blocked = Delivery(store, FileNetwork(tmp_path / "file"), QUICK, lambda *_: None)
        assert states(blocked.deliver(order(status("c1")))) == {"c1": "open"}
