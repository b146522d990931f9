"""Delivers webhook messages beside the server, as long as it runs."""

from __future__ import annotations

import asyncio

from fastapi.concurrency import run_in_threadpool

from screening.console.context import Console
from screening.jobs.webhooks import deliver_due
from screening.logs import events

_EVERY_SECONDS = 2.0
"""Between two looks for messages; a look is one query by index."""


async def deliver_forever(console: Console) -> None:
    """Send what is due, again and again, until cancelled. What fails is logged, and tried at the next look."""
    while True:
        try:
            await run_in_threadpool(deliver_due, console.store, console.settings.webhooks, console.clock)
        except Exception as error:  # noqa: BLE001 - one failure must not end all deliveries
            events().warning("webhooks", error=type(error).__name__, exc_info=error)
        await asyncio.sleep(_EVERY_SECONDS)
