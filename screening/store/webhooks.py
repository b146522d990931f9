"""Webhooks: who wants to hear of what, and the messages that wait, were delivered or failed.

A message is written in the transaction of what it tells, so that none is lost and none tells what did not happen.
Each is delivered at least once; its number says which ones are the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from screening.errors import NotFoundError
from screening.store import tables_access as access
from screening.store.database import Access

EVENTS = ("case.opened", "case.changed", "payout.decided")
"""What can be heard of."""
WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
_HOOK = access.webhooks.c
_DELIVERY = access.deliveries.c


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver. `secret`, sealed as it is stored, signs its messages; it is shown once, when the webhook is made."""

    hook_id: str
    url: str
    events: tuple[str, ...]
    secret: str
    active: bool
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to a receiver. `attempts` counts the tries; `failure` is what the last one met, None: nothing."""

    delivery_id: int
    hook_id: str
    event: str
    body: str
    created_at: datetime
    status: str
    attempts: int
    next_at: datetime
    failure: str | None


class Webhooks:
    """The webhooks of a store and their messages."""

    def __init__(self, store: Access) -> None:
        self._access = store

    def add(self, hook: Webhook) -> None:
        """Store a new webhook."""
        with self._access.writing() as connection:
            connection.execute(insert(access.webhooks).values({**asdict(hook), "events": list(hook.events)}))

    def all(self) -> list[Webhook]:
        """Return all webhooks, the oldest first."""
        with self._access.reading() as connection:
            rows = connection.execute(select(access.webhooks).order_by(_HOOK.created_at, _HOOK.hook_id))
            return [_hook(row) for row in rows]

    def remove(self, hook_id: str) -> None:
        """Remove a webhook with its messages. Raises NotFoundError when there is none."""
        with self._access.writing() as connection:
            connection.execute(delete(access.deliveries).where(_DELIVERY.hook_id == hook_id))
            if connection.execute(delete(access.webhooks).where(_HOOK.hook_id == hook_id)).rowcount != 1:
                raise NotFoundError(f"There is no webhook {hook_id!r}.", remedy="`winnow webhooks list` lists them.")

    def keep_secret(self, hook_id: str, secret: str) -> None:
        """Store another secret of a webhook."""
        with self._access.writing() as connection:
            connection.execute(update(access.webhooks).where(_HOOK.hook_id == hook_id).values(secret=secret))

    def announce(self, event: str, at: datetime, *data: Mapping[str, Any]) -> None:
        """Write a message about each of `data` to everybody who wants to hear of the event."""
        with self._access.writing() as connection:
            announce(connection, event, at, *data)

    def due(self, now: datetime, most: int) -> list[Delivery]:
        """Return messages whose turn it is, the longest waiting first."""
        query = select(access.deliveries).where(_DELIVERY.status == WAITING, _DELIVERY.next_at <= now)
        with self._access.reading() as connection:
            found = connection.execute(query.order_by(_DELIVERY.next_at, _DELIVERY.delivery_id).limit(most))
            return [Delivery(**row._asdict()) for row in found]

    def claim(self, delivery: Delivery, until: datetime) -> bool:
        """Keep other servers from sending a message until then. False: another one has it."""
        chosen = (
            _DELIVERY.delivery_id == delivery.delivery_id,
            _DELIVERY.status == WAITING,
            _DELIVERY.attempts == delivery.attempts,
            _DELIVERY.next_at == delivery.next_at,
        )
        with self._access.writing() as connection:
            claimed = update(access.deliveries).where(*chosen).values(attempts=delivery.attempts + 1, next_at=until)
            return connection.execute(claimed).rowcount == 1

    def settle(self, delivery_id: int, status: str, next_at: datetime, failure: str | None) -> None:
        """Store what became of a try."""
        values = {"status": status, "next_at": next_at, "failure": failure}
        with self._access.writing() as connection:
            connection.execute(update(access.deliveries).where(_DELIVERY.delivery_id == delivery_id).values(values))

    def of_hook(self, hook_id: str, most: int) -> list[Delivery]:
        """Return the newest messages of a webhook."""
        query = select(access.deliveries).where(_DELIVERY.hook_id == hook_id)
        with self._access.reading() as connection:
            found = connection.execute(query.order_by(_DELIVERY.delivery_id.desc()).limit(most))
            return [Delivery(**row._asdict()) for row in found]

    def counts(self) -> dict[str, int]:
        """Count the messages of each status."""
        with self._access.reading() as connection:
            found = connection.execute(select(_DELIVERY.status, func.count()).group_by(_DELIVERY.status))
            return {row[0]: row[1] for row in found}

    def forget(self, before: datetime) -> None:
        """Remove messages delivered or failed that were written before a time."""
        chosen = (_DELIVERY.status != WAITING, _DELIVERY.created_at < before)
        with self._access.writing() as connection:
            connection.execute(delete(access.deliveries).where(*chosen))


def announce(connection: Connection, event: str, at: datetime, *data: Mapping[str, Any]) -> None:
    """Write messages in an open transaction to everybody who wants to hear of the event; `data` is what JSON says."""
    hooks = connection.execute(select(_HOOK.hook_id, _HOOK.events).where(_HOOK.active)).all()
    wanted = [hook_id for hook_id, events in hooks if event in events]
    common = {"event": event, "created_at": at, "status": WAITING, "attempts": 0, "next_at": at, "failure": None}
    messages = [{**common, "hook_id": hook_id, "body": _body(event, at, each)} for each in data for hook_id in wanted]
    if messages:
        connection.execute(insert(access.deliveries), messages)


def _body(event: str, at: datetime, data: Mapping[str, Any]) -> str:
    said = {"event": event, "at": at.isoformat(), "data": dict(data)}
    return json.dumps(said, ensure_ascii=False, default=_said)


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _hook(row: Row[Any]) -> Webhook:
    values = row._asdict()
    return Webhook(**{**values, "events": tuple(values["events"])})
