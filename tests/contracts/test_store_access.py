"""Sessions, failed logins, API keys, kept answers, webhooks and lists, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import store_writer as writer

from screening.errors import ConflictError, NotFoundError
from screening.store import ApiKey, KeptAnswer, Session, User
from screening.store.webhooks import Webhook

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
ANN = User("ann", "analyst", "$argon2id$...", active=True, created_at=NOW, totp_secret="ABC", totp_step=7)
SESSION = Session("", ANN, NOW, NOW, NOW + timedelta(hours=12), "203.0.113.7", "browser")


def test_a_session_has_the_person_as_they_are_now(store):
    store.users.add(ANN)
    store.sessions.open("token", SESSION)
    assert store.sessions.one("token").user == ANN
    store.users.change(User("ann", "viewer", "$", active=False, created_at=NOW))
    assert store.sessions.one("token").user.role == "viewer"
    assert store.sessions.one("another") is None
    store.sessions.open("other", SESSION)
    kept = store.sessions.one("other").token_hash
    assert store.sessions.close_all("ann", but=kept) == 1
    assert [session.token_hash for session in store.sessions.of_user("ann")] == [kept]


def test_failures_count_in_their_bucket_and_window(store):
    store.sessions.fail(("a", "b"), NOW)
    store.sessions.fail(("a",), NOW + timedelta(minutes=1))
    assert store.sessions.failures("a", NOW - timedelta(minutes=1)) == (2, NOW)
    assert store.sessions.failures("a", NOW) == (1, NOW + timedelta(minutes=1))
    store.sessions.forgive("a")
    assert store.sessions.failures("a", NOW - timedelta(minutes=1)) == (0, None)
    assert store.sessions.failures("b", NOW - timedelta(minutes=1)) == (1, NOW)


def test_a_key_ends_once(store):
    key = ApiKey("k1", "test", "hash", ("a:b", "c:d"), NOW, "ann")
    store.keys.add(key)
    assert store.keys.all() == [key]
    assert not store.keys.revoke("k1", "ann", NOW).good(NOW)
    with pytest.raises(NotFoundError):
        store.keys.revoke("k1", "ann", NOW)


def test_an_answer_is_kept_once_until_it_is_forgotten(store):
    answer = KeptAnswer("k1", "call", "hash", 200, "{}", NOW)
    store.answers.keep([answer])
    with pytest.raises(ConflictError):
        store.answers.keep([KeptAnswer("k1", "other", "hash", 200, "{}", NOW), answer])
    assert store.answers.of([("k1", "call"), ("k1", "other"), ("k2", "call")]) == {("k1", "call"): answer}
    store.answers.forget(NOW + timedelta(seconds=1))
    assert store.answers.of([("k1", "call")]) == {}


def test_messages_go_to_those_who_asked(store):
    for name, events in (
        ("h1", ("case.opened",)),
        ("h2", ("payout.decided", "case.opened")),
        ("h3", ("case.changed",)),
    ):
        store.webhooks.add(
            Webhook(name, "https://x.example/", events, "secret", active=True, created_at=NOW, created_by="a")
        )
    store.webhooks.announce("case.opened", NOW, {"case_id": 1}, {"case_id": 2})
    due = store.webhooks.due(NOW, 10)
    assert [message.hook_id for message in due] == ["h1", "h2", "h1", "h2"]
    assert store.webhooks.claim(due[0], NOW + timedelta(minutes=1))
    assert not store.webhooks.claim(due[0], NOW + timedelta(minutes=1))
    store.webhooks.settle(due[0].delivery_id, "delivered", NOW, None)
    assert store.webhooks.counts() == {"waiting": 3, "delivered": 1}
    store.webhooks.remove("h2")
    assert store.webhooks.counts() == {"waiting": 1, "delivered": 1}


def test_sources_come_the_worst_first_a_page_at_a_time(store):
    writer.record(store, "r1", 5)
    whole = store.listing.sources("r1", None, 10, flagged=None)
    assert len(whole.rows) == 5
    first = store.listing.sources("r1", None, 2, flagged=None)
    second = store.listing.sources("r1", first.after, 10, flagged=None)
    assert first.rows + second.rows == whole.rows
    flagged = [len(store.listing.sources("r1", None, 10, flagged=each).rows) for each in (True, False)]
    assert sum(flagged) == 5
    assert store.listing.run_counts()[0].runs == 1
    assert store.listing.answering()
