"""Calls that wait at the same moment are decided together, and who calls alone waits for nobody."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

from screening.console.api.payouts import Waiting
from screening.jobs.payout_calls import Answered, CalledLine, PayoutCall


class Desk:
    """Stands in for the desk's database work: notes which calls came together, and takes a while."""

    def __init__(self):
        self.groups = []

    def decide(self, calls):
        self.groups.append([call.key for call in calls])
        time.sleep(0.005)
        return [Answered(call.key, repeated=False) for call in calls]


def call(key: str) -> PayoutCall:
    return PayoutCall("program", key, (CalledLine("c1", Decimal(1), "EUR", None),))


async def caller(waiting: Waiting, name: str, calls: int) -> None:
    for number in range(calls):
        answered = await waiting.decide(call(f"{name}-{number}"))
        assert answered.body == f"{name}-{number}"  # each gets its own


def test_callers_who_come_back_at_once_stay_together():
    desk = Desk()

    async def all_of_them():
        waiting = Waiting(desk)
        first = asyncio.create_task(caller(waiting, "early", 5))
        await asyncio.sleep(0.002)  # it is being decided when the others come
        await asyncio.gather(first, *(caller(waiting, f"late{number}", 5) for number in range(7)))

    asyncio.run(all_of_them())
    assert sum(map(len, desk.groups)) == 40
    assert max(map(len, desk.groups)) == 8
    assert len(desk.groups) <= 8  # as one and seven in turns they would be ten


def test_who_calls_alone_waits_for_nobody(monkeypatch):
    monkeypatch.setattr("screening.console.api.payouts._GATHER_SECONDS", 30)
    desk = Desk()

    async def alone():
        await asyncio.wait_for(caller(Waiting(desk), "one", 5), 10)

    asyncio.run(alone())
    assert [len(group) for group in desk.groups] == [1] * 5


def test_a_caller_who_does_not_come_back_keeps_the_others_only_a_moment():
    desk = Desk()

    async def two_and_one_leaves():
        waiting = Waiting(desk)
        await asyncio.gather(caller(waiting, "a", 1), caller(waiting, "b", 1))
        await asyncio.wait_for(caller(waiting, "a", 20), 10)

    asyncio.run(two_and_one_leaves())
    assert sum(map(len, desk.groups)) == 22
