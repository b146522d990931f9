"""Several processes on one store, and processes that die in the middle."""

from __future__ import annotations

import pytest
import store_writer as writer

from screening.store import open_store

TABLES_IN_ORDER = ("decisions", "sources", "caps")


def _go(process):
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


def _finished(process):
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


@pytest.mark.parametrize("table", TABLES_IN_ORDER)
def test_half_a_scan_is_never_visible_and_never_left_behind(store, store_url, start_writer, table):
    writer.record(store, "before", 20)
    process = start_writer("scan", store_url, "killed", "300", table)
    _go(process)
    assert process.stdout.readline() == "there\n"

    assert [run.run_id for run in store.runs()] == ["before"]
    assert store.decisions_of(["c5", "c299"])["run_id"].to_list() == ["before"]
    process.kill()
    process.wait()

    with open_store(store_url) as reopened:
        assert [run.run_id for run in reopened.runs()] == ["before"]
        assert reopened.decisions_of(["c5", "c299"])["run_id"].to_list() == ["before"]
        writer.record(reopened, "killed", 300)
        assert reopened.decisions("latest").height == 300
        assert reopened.sources("latest").height == 300


def test_two_writers_and_a_reader(store, store_url, start_writer):
    writers = [start_writer("scan", store_url, f"r{number}", "5000") for number in range(2)]
    for process in writers:
        _go(process)
    while any(process.poll() is None for process in writers):
        for run in store.runs():
            assert store.sources(run.run_id).height == 5000
    for process in writers:
        _finished(process)
    assert {run.run_id for run in store.runs()} == {"r0", "r1"}
    for run in store.runs():
        assert store.decisions(run.run_id).height == 5000


def test_events_of_several_processes_make_one_chain(store, store_url, start_writer):
    writers = [start_writer("audit", store_url, f"actor {number}", "40") for number in range(3)]
    for process in writers:
        _go(process)
    for process in writers:
        _finished(process)
    assert store.audit.verify().count == 120
    events = store.audit.events()
    assert [number for number, _ in events] == list(range(1, 121))
    for actor in range(3):
        own = [event.details["number"] for _, event in events if event.actor == f"actor {actor}"]
        assert own == list(range(40))


def test_processes_that_open_a_new_store_at_once(store_url, start_writer):
    openers = [start_writer("open", store_url) for _ in range(3)]
    for process in openers:
        assert process.stdout.readline() == "ready\n"
    for process in openers:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in openers:
        _finished(process)
    with open_store(store_url) as opened:
        assert opened.audit.verify().count == 0
