"""A push killed at any of its steps: the next run applies nothing twice and loses nothing, however slow the network."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from contextlib import suppress

import pytest

from screening.networks.adapter import Capabilities, ChangeKind, Status, StatusChange
from screening.networks.deliver import Delivery, Order, Patience
from screening.store import open_store

CHANGES = [
    StatusChange(f"{name}-1", name, status)
    for name, status in (("c1", Status.APPROVED), ("c2", Status.REJECTED), ("c3", Status.APPROVED))
]
PATIENT = Patience(attempts=2, settle_seconds=0.3, poll_seconds=0.02)


class KilledError(BaseException):
    """Nothing that winnow would catch, as little as a SIGKILL."""


class Slow:
    """A network that makes each change some time after it was told."""

    name = "slow"
    capabilities = Capabilities(
        caps=False, statuses=frozenset(Status), read_back=True, together={ChangeKind.STATUS: 2, ChangeKind.CAP: 1}
    )

    def __init__(self, delay):
        self.delay = delay
        self.told = []

    def objection(self, change):
        return None

    def expected(self, change):
        return change.wanted

    def read(self, changes):
        now = time.monotonic()
        made = {name: status for at, name, status in self.told if at <= now}
        return {change.key: made.get(change.conversion_id, "pending") for change in changes}

    def apply(self, batch, changes):
        self.told += [(time.monotonic() + self.delay, change.conversion_id, change.wanted) for change in changes]


class Mortal:
    """Counts the steps of a push and dies before or after one of them."""

    def __init__(self, dies_at):
        self.steps = 0
        self.dies_at = dies_at

    def step(self, work):
        def done(*arguments):
            self._tick()
            result = work(*arguments)
            self._tick()
            return result

        return done

    def _tick(self):
        self.steps += 1
        if self.steps == self.dies_at:
            raise KilledError


def push(url, network, mortal=None):
    with open_store(url) as store:
        delivery = Delivery(store, network, PATIENT, lambda *_: None)
        told = network.apply
        if mortal is not None:
            store.pushes.put = mortal.step(store.pushes.put)
            delivery._record = mortal.step(delivery._record)
            network.apply = mortal.step(told)
        try:
            return delivery.deliver(Order(ChangeKind.STATUS, CHANGES, "ann", {}, {}))
        finally:
            network.apply = told


def steps_of_a_push(folder):
    mortal = Mortal(dies_at=0)
    push(f"sqlite:///{folder / 'counted.db'}", Slow(0.0), mortal)
    return mortal.steps


@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_killed_at_any_step(tmp_path, delay):
    steps = steps_of_a_push(tmp_path)
    assert steps > 10
    empty = tmp_path / "empty.db"
    open_store(f"sqlite:///{empty}").close()
    for dies_at in range(1, steps + 1):
        url, network = f"sqlite:///{shutil.copy(empty, tmp_path / f'{dies_at}.db')}", Slow(delay)
        with suppress(KilledError):
            push(url, network, Mortal(dies_at))
        push(url, network)
        assert Counter(name for _, name, _ in network.told) == {"c1": 1, "c2": 1, "c3": 1}, f"killed at step {dies_at}"
        with open_store(url) as store:
            journal = store.pushes.of_keys([change.key for change in CHANGES])
            assert {entry.state for entry in journal.values()} == {"done"}
            assert len(journal) == len(CHANGES)
            assert len(store.audit.events()) == len(CHANGES)
