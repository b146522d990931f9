"""POST /v1/payout/decisions: what may be paid, decided together with whatever waits at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from time import perf_counter
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import Field

from screening.console.api.access import Caller, scoped
from screening.console.api.bodies import Asked, PayoutAnswer, PayoutLine
from screening.console.api.counters import PAYOUT_SECONDS
from screening.console.context import Console, console_of
from screening.errors import InputError
from screening.jobs.keys import Scope
from screening.jobs.payout_calls import Answered, CalledLine, PayoutCall, PayoutDesk

router = APIRouter()
KEY_PATTERN = r"^[!-~]{1,255}$"
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=KEY_PATTERN,
        description="A name for this request that you choose; the same name gets the same answer, once decided.",
        examples=["payout-2026-03-week-1-part-7"],
    ),
]
_LINES_AT_A_TIME = 2_000
"""Lines of one group of calls; more wait for the next."""
_GATHER_SECONDS = 0.005
"""How long a group waits for those who called at the same time before; a group takes some 20 ms to decide."""


class PayoutAsked(Asked):
    """The conversions to decide."""

    conversions: list[PayoutLine] = Field(min_length=1)


class Waiting:
    """Calls that wait while the ones before are decided; whoever waits is decided together."""

    def __init__(self, desk: PayoutDesk) -> None:
        self._desk = desk
        self._calls: list[tuple[PayoutCall, asyncio.Future[Answered]]] = []
        self._working: asyncio.Task[None] | None = None
        self._expected = 1
        self._enough = asyncio.Event()

    async def decide(self, call: PayoutCall) -> Answered:
        """Return the answer to a call. Raises ConflictError when its key was used for another request."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._calls.append((call, answer))
        if len(self._calls) >= self._expected:
            self._enough.set()
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._calls:
            group = self._next_group()
            try:
                await self._answer(group)
            except Exception:  # noqa: BLE001 - each caller gets its own error below
                for one in group:
                    await self._answer_alone(one)
            await self._gather(len(group))

    async def _gather(self, answered: int) -> None:
        """Wait a moment for the next calls of those who were answered together with others.

        A group costs nearly the same whatever its size; without this, callers fall apart into two halves that wait for
        each other. Who calls alone waits for nobody.
        """
        self._expected = answered + len(self._calls)
        if self._expected > 1 and len(self._calls) < self._expected:
            self._enough.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), _GATHER_SECONDS)

    def _next_group(self) -> list[tuple[PayoutCall, asyncio.Future[Answered]]]:
        lines, count = 0, 0
        for call, _ in self._calls:
            lines += len(call.lines)
            if count and lines > _LINES_AT_A_TIME:
                break
            count += 1
        group, self._calls = self._calls[:count], self._calls[count:]
        return group

    async def _answer(self, group: Sequence[tuple[PayoutCall, asyncio.Future[Answered]]]) -> None:
        replies = await run_in_threadpool(self._desk.decide, [call for call, _ in group])
        for (_, answer), reply in zip(group, replies, strict=True):
            if answer.done():
                continue  # the caller went away; its answer is kept
            if isinstance(reply, Answered):
                answer.set_result(reply)
            else:
                answer.set_exception(reply)

    async def _answer_alone(self, one: tuple[PayoutCall, asyncio.Future[Answered]]) -> None:
        try:
            await self._answer([one])
        except Exception as error:  # noqa: BLE001 - it is raised where the caller waits
            if not one[1].done():
                one[1].set_exception(error)


@router.post("/v1/payout/decisions", response_model=PayoutAnswer, tags=["payouts"])
async def decide_payouts(
    request: Request,
    asked: PayoutAsked,
    key: IdempotencyKey,
    caller: Annotated[Caller, Depends(scoped(Scope.PAYOUTS_DECIDE))],
) -> Response:
    """Decide pay, hold or reject for each conversion, and write down in the ledger what is released.

    A conversion is paid only if the newest scan judged it `pay`, not too long ago, with the same amount (and currency
    and affiliate, where you name them), and it was not released before: else it is held or rejected, with reasons.
    Send the same request with the same `Idempotency-Key` again whenever you did not get the answer: you get the
    decisions that were made, and nothing is released twice. A later request about a conversion that is held needs a
    new key.
    """
    begun = perf_counter()
    _demand_few(asked, console_of(request))
    lines = tuple(
        CalledLine(line.conversion_id, Decimal(line.amount), line.currency, line.affiliate_id)
        for line in asked.conversions
    )
    waiting = cast("Waiting", request.app.state.payouts_waiting)
    answered = await waiting.decide(PayoutCall(caller.key_id, key, lines))
    PAYOUT_SECONDS.observe(perf_counter() - begun)
    headers = {"Idempotent-Replayed": "true"} if answered.repeated else {}
    return Response(answered.body, media_type="application/json", headers=headers)


def _demand_few(asked: PayoutAsked, console: Console) -> None:
    most = console.settings.api.decisions_per_call
    if len(asked.conversions) > most:
        raise InputError(
            f"{len(asked.conversions):,} conversions are too many for one request.",
            remedy=f"Send at most {most:,} at a time, or a file to `winnow payout gate`.",
            where="body.conversions",
        )
