"""Webhooks: signed messages, tried again until they are taken, and never into the inner network unless allowed."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from screening.errors import InputError, NotFoundError
from screening.jobs.payout_calls import CalledLine, PayoutCall, PayoutDesk
from screening.jobs.webhooks import add_webhook, deliver_due, remove_webhook
from screening.store import Case, CaseEvent

LOOPBACK = '["127.0.0.0/8"]'


@dataclass
class Receiver:
    """A real server that keeps what it got and answers as told."""

    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)

    def __post_init__(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.got.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?from=winnow"


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def deliver(scene):
    return deliver_due(scene.store, scene.console.settings.webhooks, scene.clock, scene.console.vault)


def add(scene, url, events, actor="test"):
    return add_webhook(scene.store, url, events, actor, scene.clock(), scene.console.vault)


def open_case(scene, subject="a1/o2/s9"):
    case = Case("source", subject, scene.clock(), ("ctct_short",), "a1", "o2", Decimal("12.50"), "USD")
    return scene.store.cases.open(case, CaseEvent(scene.clock(), "scan", "opened"))


class TestMessages:
    def test_a_case_is_told_of_with_a_signature(self, make_scene, receiver):
        scene = make_scene(CONSOLE__WEBHOOKS__ALLOW_NETWORKS=LOOPBACK)
        added = add(scene, receiver.url, ["case.opened"])
        case = open_case(scene)
        assert deliver(scene).delivered == 1
        ((headers, body),) = receiver.got
        told = json.loads(body)
        assert (told["event"], told["data"]["case_id"], told["data"]["subject"]) == (
            "case.opened",
            case.case_id,
            "a1/o2/s9",
        )
        seconds, given = headers["Winnow-Signature"].removeprefix("t=").split(",v1=")
        signed = hmac.new(added.secret.encode(), f"{seconds}.{body}".encode(), hashlib.sha256).hexdigest()
        assert given == signed
        assert int(seconds) == int(scene.clock().timestamp())
        assert deliver(scene).delivered == 0

    def test_only_what_was_asked_for_is_told(self, make_scene, receiver):
        scene = make_scene(CONSOLE__WEBHOOKS__ALLOW_NETWORKS=LOOPBACK)
        add(scene, receiver.url, ["payout.decided"])
        open_case(scene)
        desk = PayoutDesk(scene.workspace, scene.store, scene.clock)
        desk.decide([PayoutCall("key", "k1", (CalledLine("c1", Decimal(2), "USD", None),))])
        assert deliver(scene).delivered == 1
        told = json.loads(receiver.got[0][1])
        assert told["event"] == "payout.decided"
        assert told["data"]["decisions"][0]["decision"] == "pay"

    def test_what_did_not_happen_is_not_told(self, make_scene, receiver):
        scene = make_scene(CONSOLE__WEBHOOKS__ALLOW_NETWORKS=LOOPBACK)
        add(scene, receiver.url, ["case.opened"])

        def fails():
            with scene.store.together() as records:
                records.cases.open(
                    Case("source", "x", scene.clock(), ("y",)), CaseEvent(scene.clock(), "scan", "opened")
                )
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fails()
        assert deliver(scene).delivered == 0


class TestTrying:
    def test_a_message_is_tried_again_after_twice_the_time_and_then_fails(self, make_scene, receiver):
        scene = make_scene(
            CONSOLE__WEBHOOKS__ALLOW_NETWORKS=LOOPBACK,
            CONSOLE__WEBHOOKS__ATTEMPTS_MAX="3",
            CONSOLE__WEBHOOKS__FIRST_WAIT_SECONDS="10",
        )
        receiver.answers = [500, 302, 404]
        added = add(scene, receiver.url, ["case.opened"])
        open_case(scene)
        assert deliver(scene).postponed == 1
        scene.clock.forward(seconds=9)
        assert deliver(scene).postponed == 0
        scene.clock.forward(seconds=1)
        assert deliver(scene).postponed == 1
        scene.clock.forward(seconds=19)
        assert deliver(scene).failed == 0
        scene.clock.forward(seconds=1)
        assert deliver(scene).failed == 1
        assert len(receiver.got) == 3  # a redirect was not followed
        (message,) = scene.store.webhooks.of_hook(added.hook.hook_id, 10)
        assert (message.status, message.attempts) == ("failed", 3)
        assert "404" in message.failure
        assert len({body for _, body in receiver.got}) == 1

    def test_a_receiver_that_is_not_there_is_tried_again(self, make_scene, receiver):
        scene = make_scene(CONSOLE__WEBHOOKS__ALLOW_NETWORKS=LOOPBACK)
        receiver.server.shutdown()
        receiver.server.server_close()
        add(scene, receiver.url, ["case.opened"])
        open_case(scene)
        assert deliver(scene).postponed == 1

    def test_two_servers_do_not_send_the_same(self, make_scene):
        scene = make_scene()
        add(scene, "https://hooks.example.com/", ["case.opened"])
        open_case(scene)
        (message,) = scene.store.webhooks.due(scene.clock(), 10)
        later = scene.clock().replace(hour=23)
        assert [scene.store.webhooks.claim(message, later) for _ in range(2)] == [True, False]


class TestGuard:
    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:9/",
            "http://localhost:9/",
            "http://[::1]:9/",
            "http://169.254.169.254/latest/meta-data/",
            "http://10.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://2130706433/",
            "http://0x7f.1/",
        ],
    )
    def test_the_inner_network_is_out_of_reach(self, make_scene, url):
        scene = make_scene()
        added = add(scene, url, ["case.opened"])
        open_case(scene)
        assert deliver(scene).postponed == 1
        (message,) = scene.store.webhooks.of_hook(added.hook.hook_id, 1)
        assert "not allowed" in message.failure or "gaierror" in message.failure

    @pytest.mark.parametrize(
        "url",
        ["ftp://x.example/", "file:///etc/passwd", "https://", "https://a:b@x.example/", "http://x:99999/", "x y"],
    )
    def test_what_is_no_url_of_the_web_is_refused(self, scene, url):
        with pytest.raises(InputError, match="no URL"):
            add(scene, url, ["case.opened"])

    def test_an_unknown_event_is_refused_and_an_unknown_webhook_not_found(self, scene):
        with pytest.raises(InputError, match="no event 'all'"):
            add(scene, "https://x.example/", ["all"])
        with pytest.raises(NotFoundError):
            remove_webhook(scene.store, "nothing", "test", scene.clock())

    def test_adding_and_removing_is_in_the_audit_trail_without_the_secret(self, make_scene):
        scene = make_scene()
        added = add(scene, "https://x.example/?token=t0p", ["case.opened"], "ann")
        remove_webhook(scene.store, added.hook.hook_id, "ann", scene.clock())
        events = scene.store.audit.events(f"webhook {added.hook.hook_id}")
        assert [(event.actor, event.action) for _, event in events] == [
            ("ann", "add webhook"),
            ("ann", "remove webhook"),
        ]
        assert added.secret not in str(events)
        assert "t0p" not in str(events)
