"""The audit trail shows every kind of tampering, on SQLite and on PostgreSQL."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy
import store_writer as writer

from screening.errors import IntegrityError
from screening.store import AuditEvent, AuditHead, audit, open_store
from screening.store.tables import audit_events, audit_head

NOW = datetime(2026, 3, 1, 2, 0, 0, 5, UTC)
EVENTS = [
    AuditEvent(
        NOW + timedelta(seconds=number), "ann", "approve", f"case {number}", {"money": "12.50", "é\0": [1, None]}
    )
    for number in range(1, 6)
]
TAMPERINGS = {
    "details edited": ["UPDATE audit_events SET details = '{}' WHERE number = 3"],
    "actor edited": ["UPDATE audit_events SET actor = 'bob' WHERE number = 3"],
    "action edited": ["UPDATE audit_events SET action = 'reject' WHERE number = 3"],
    "subject edited": ["UPDATE audit_events SET subject = 'case 4' WHERE number = 3"],
    "first edited": ["UPDATE audit_events SET actor = 'bob' WHERE number = 1"],
    "last edited": ["UPDATE audit_events SET actor = 'bob' WHERE number = 5"],
    "hash edited": ["UPDATE audit_events SET hash = 'ab' WHERE number = 3"],
    "link edited": ["UPDATE audit_events SET previous_hash = 'ab' WHERE number = 3"],
    "middle removed": ["DELETE FROM audit_events WHERE number = 3"],
    "middle removed and renumbered": [
        "DELETE FROM audit_events WHERE number = 3",
        "UPDATE audit_events SET number = 3 WHERE number = 4",
        "UPDATE audit_events SET number = 4 WHERE number = 5",
        "UPDATE audit_head SET count = 4",
    ],
    "first removed": ["DELETE FROM audit_events WHERE number = 1"],
    "last removed": ["DELETE FROM audit_events WHERE number = 5"],
    "last removed and count lowered": [
        "DELETE FROM audit_events WHERE number = 5",
        "UPDATE audit_head SET count = 4",
    ],
    "all removed": ["DELETE FROM audit_events"],
    "two exchanged": [
        "UPDATE audit_events SET number = 9 WHERE number = 2",
        "UPDATE audit_events SET number = 2 WHERE number = 3",
        "UPDATE audit_events SET number = 3 WHERE number = 9",
    ],
    "one inserted at the end": [
        "INSERT INTO audit_events SELECT 6, at, actor, action, subject, details, hash, hash FROM audit_events"
        " WHERE number = 5"
    ],
    "one before the first": [
        "INSERT INTO audit_events SELECT 0, at, actor, action, subject, details, hash, hash FROM audit_events"
        " WHERE number = 5"
    ],
    "head removed": ["DELETE FROM audit_head"],
    "head's count edited": ["UPDATE audit_head SET count = 6"],
    "head's hash edited": ["UPDATE audit_head SET hash = 'ab'"],
}


@pytest.fixture
def trail(store):
    for event in EVENTS:
        store.audit.append(event)
    return store.audit


def _tamper(url, statements):
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_events_refuse_update")
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_events_refuse_delete")
        else:
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_events_refuse ON audit_events")
        for statement in statements:
            assert connection.exec_driver_sql(statement).rowcount
    engine.dispose()


@contextmanager
def _undone(url):
    """Bring the two tables back to what they hold now."""
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        before = {table: connection.execute(table.select()).mappings().all() for table in (audit_events, audit_head)}
    yield
    with engine.begin() as connection:
        for table, rows in before.items():
            connection.execute(table.delete())
            connection.execute(table.insert(), rows)
    engine.dispose()


def test_an_untouched_trail_verifies_and_reads_back(trail):
    head = trail.verify()
    assert head == trail.head()
    assert head.count == 5
    assert trail.events() == list(enumerate(EVENTS, start=1))
    assert trail.events("case 2") == [(2, EVENTS[1])]


def test_an_empty_trail_verifies(store):
    assert store.audit.verify() == AuditHead(0, "0" * 64)


def test_every_tampering_is_found(trail, store_url, subtests):
    assert trail.verify().count == 5
    for name, statements in TAMPERINGS.items():
        with subtests.test(name), _undone(store_url):
            _tamper(store_url, statements)
            with pytest.raises(IntegrityError, match="not what was recorded"):
                trail.verify()
        assert trail.verify().count == 5


def test_a_time_moved_by_a_microsecond_is_found(trail, store_url):
    later = "at + 1" if store_url.startswith("sqlite") else "at + interval '1 microsecond'"
    _tamper(store_url, [f"UPDATE audit_events SET at = {later} WHERE number = 2"])
    with pytest.raises(IntegrityError, match="audit event 2"):
        trail.verify()


def test_an_edit_with_its_own_hash_computed_anew_is_found(trail, store_url):
    engine = sqlalchemy.create_engine(store_url)
    with engine.connect() as connection:
        query = sqlalchemy.select(audit_events).where(audit_events.c.number == 3)
        forged = {**connection.execute(query).mappings().one(), "actor": "bob"}
    engine.dispose()
    _tamper(store_url, [f"UPDATE audit_events SET actor = 'bob', hash = '{audit._hash(forged)}' WHERE number = 3"])
    with pytest.raises(IntegrityError, match="audit event 4"):
        trail.verify()


def test_the_first_bad_event_is_named(trail, store_url):
    _tamper(store_url, TAMPERINGS["details edited"])
    with pytest.raises(IntegrityError, match="audit event 3"):
        trail.verify()


@pytest.mark.parametrize("name", ["last removed", "last edited", "head removed", "one inserted at the end"])
def test_nothing_is_added_to_a_broken_end(trail, store_url, name):
    _tamper(store_url, TAMPERINGS[name])
    before = trail.events()
    if name == "last edited":  # the chain's own end still fits: only verification looks into events
        trail.append(EVENTS[0])
        with pytest.raises(IntegrityError):
            trail.verify()
        return
    with pytest.raises(IntegrityError):
        trail.append(EVENTS[0])
    assert trail.events() == before


def test_a_whole_new_chain_is_found_with_a_head_noted_before(trail, store_url):
    noted = trail.head()
    empty = [
        "DELETE FROM audit_events",
        f"UPDATE audit_head SET count = 0, hash = '{'0' * 64}'",
    ]
    _tamper(store_url, empty)
    for event in EVENTS:
        trail.append(dataclasses.replace(event, actor="bob"))
    trail.verify()
    with pytest.raises(IntegrityError, match="not the one noted"):
        trail.verify(noted)
    _tamper(store_url, empty)
    with pytest.raises(IntegrityError, match="5 events were noted"):
        trail.verify(noted)


def test_a_head_noted_before_is_found_in_a_longer_chain(trail):
    noted = trail.head()
    trail.append(EVENTS[0])
    assert trail.verify(noted).count == 6


@pytest.mark.parametrize("change", ["UPDATE audit_events SET actor = 'bob'", "DELETE FROM audit_events"])
def test_the_database_refuses_changes(trail, store_url, change):
    engine = sqlalchemy.create_engine(store_url)
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(change)
    engine.dispose()
    assert trail.verify().count == 5


@pytest.mark.parametrize(
    "changed", [{"at": NOW.replace(tzinfo=None)}, {"details": {"x": float("nan")}}, {"details": {"x": object()}}]
)
def test_an_event_that_cannot_be_said_exactly_is_refused(trail, changed):
    with pytest.raises((ValueError, TypeError)):
        trail.append(dataclasses.replace(EVENTS[0], **changed))
    assert trail.verify().count == 5


def test_a_time_of_another_zone_is_kept_as_the_same_moment(store):
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    store.audit.append(dataclasses.replace(EVENTS[0], at=there))
    assert store.audit.events()[0][1].at == NOW
    store.audit.verify()


def test_a_change_and_its_event_are_stored_together_or_not_at_all(store, store_url):
    def fail_after_both():
        with store.together() as records:
            records.record_run(writer.run_record("r1"))
            records.audit.append(EVENTS[0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_both()
    assert store.runs() == []
    assert store.audit.verify().count == 0

    with store.together() as records:
        records.record_run(writer.run_record("r1"))
        records.audit.append(EVENTS[0])
        assert records.run("r1").run_id == "r1"
    with open_store(store_url) as reopened:
        assert reopened.audit.verify().count == 1
        assert reopened.run("latest").run_id == "r1"
