"""Delivers webhook messages beside the server, as long as it runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from fastapi.concurrency import run_in_threadpool

from screening.console.context import Console
from screening.jobs.webhooks import deliver_due
from screening.logs import events

_EVERY_SECONDS = 2.0
"""Between two looks for messages; a look is one query by index."""
_SWEEP_EVERY = timedelta(hours=1)


async def deliver_forever(console: Console) -> None:
    """Send what is due, again and again, until cancelled. What fails is logged, and tried at the next look.

    Now and then the answers to idempotency keys that are older than the settings say are forgotten.
    """
    swept = None
    while True:
        try:
            await run_in_threadpool(deliver_due, console.store, console.settings.webhooks, console.clock, console.vault)
            if swept is None or console.clock() - swept > _SWEEP_EVERY:
                swept = console.clock()
                kept = timedelta(hours=console.settings.api.answers_hours)
                await run_in_threadpool(console.store.answers.forget, swept - kept)
        except Exception as error:  # noqa: BLE001 - one failure must not end all deliveries
            events().warning("webhooks", error=type(error).__name__, exc_info=error)
        await asyncio.sleep(_EVERY_SECONDS)
