"""The second half of the job `push`: tell the network which conversions are approved, rejected or held.

Approved is what the payout gate released, and nothing else. Rejected is what a fact or a person rejected, held what is
held. A conversion that is judged `pay` and not yet released is not spoken of: the next payout decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from features.schema import Kind
from screening.jobs.payout_evidence import judged_lines
from screening.jobs.progress import Progress
from screening.jobs.push import ACTOR, Pushed, patience_of, pushing
from screening.networks.adapter import ChangeKind, Network, Status, StatusChange
from screening.networks.deliver import REFUSED, Delivered, Delivery, Order
from screening.store import Push, Records, Store
from screening.traffic.lake import Lake
from screening.workspace import Workspace

_SETTLED = {Status.APPROVED: ("approved", "paid"), Status.REJECTED: ("rejected", "void"), Status.HOLD: ("hold",)}
"""What the network may call a conversion that is as wanted."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a conversion should be, beside what the network last said of it (`there`, None: nothing)."""

    conversion_id: str
    status: Status
    there: str | None
    locks_at: datetime | None


def push_statuses(workspace: Workspace, *, dry_run: bool, now: datetime, progress: Progress, by: str = ACTOR) -> Pushed:
    """Push the statuses of the conversions of the last days (networks.push.status_days) that the network has otherwise.

    What locks first is sent first. A conversion that has locked there is refused, and named. Raises as `push_caps`.
    """
    with pushing(workspace, now, progress) as (store, network):
        wanted = _wanted(workspace, store, network, now)
        progress.step("push statuses", 0, len(wanted))
        past = store.pushes.of_subjects(network.name, ChangeKind.STATUS, [one.conversion_id for one in wanted])
        pulled_at = store.pushes.pulled_at(network.name, Kind.CONVERSIONS)
        notices = [said for one in wanted if (said := _overruled(one, past.get(one.conversion_id, []), pulled_at))]
        untold = [one for one in wanted if not _told(one, past.get(one.conversion_id, []))]
        refused = [
            Delivered(_change(network, one, ()), REFUSED, one.there, None, said) for one, said in _late(untold, now)
        ]
        changes = [
            _change(network, one, past.get(one.conversion_id, [])) for one in untold if not _has_locked(one, now)
        ]
        order = Order(ChangeKind.STATUS, changes, by, {}, {})
        delivery = Delivery(store, network, patience_of(workspace), _nothing_else)
        results = delivery.plan(order) if dry_run else delivery.deliver(order)
        progress.step("push statuses", len(wanted), len(wanted))
        return Pushed(network.name, dry_run, (*results, *refused), tuple(notices))


def _wanted(workspace: Workspace, store: Store, network: Network, now: datetime) -> list[_Wanted]:
    first = (now - timedelta(days=workspace.settings.networks.push.status_days)).date()
    columns = ("conversion_id", "status", "locks_at")
    known = Lake(workspace.lake).snapshot().frame(Kind.CONVERSIONS, first).select(columns)
    conversions = known.collect(engine="streaming").sort("locks_at", "conversion_id", nulls_last=True)
    judged = judged_lines(store, conversions["conversion_id"])
    status = (
        pl.when("paid")
        .then(pl.lit(str(Status.APPROVED)))
        .when(pl.col("judged_decision") == "reject")
        .then(pl.lit(str(Status.REJECTED)))
        .when(pl.col("judged_decision") == "hold")
        .then(pl.lit(str(Status.HOLD)))
    )
    beside = conversions.hstack(judged).with_columns(wanted=status).filter(pl.col("wanted").is_not_null())
    rows = beside.select("conversion_id", "wanted", "status", "locks_at").iter_rows()
    found = [_Wanted(name, Status(word), there, locks_at) for name, word, there, locks_at in rows]
    speakable = [one for one in found if one.status in network.capabilities.statuses]
    return [one for one in speakable if one.there not in _SETTLED[one.status]]


def _told(one: _Wanted, past: Sequence[Push]) -> bool:
    """Say whether the last thing that the network was told about a conversion is what is wanted now."""
    return bool(past) and past[-1].wanted == one.status and past[-1].state == "done"


def _overruled(one: _Wanted, past: Sequence[Push], pulled_at: datetime | None) -> str | None:
    """Say that the network shows something else than it was told, by what was pulled since."""
    last = past[-1] if past else None
    if last is None or not _told(one, past) or pulled_at is None or last.settled_at is None:
        return None
    if pulled_at <= last.settled_at or one.there is None:
        return None
    return f"{one.conversion_id} was set to {last.wanted} on {last.settled_at:%Y-%m-%d} and is {one.there} there now."


def _has_locked(one: _Wanted, now: datetime) -> bool:
    return one.locks_at is not None and one.locks_at <= now


def _late(untold: Sequence[_Wanted], now: datetime) -> list[tuple[_Wanted, str]]:
    return [
        (
            one,
            f"It locked on {one.locks_at:%Y-%m-%d %H:%M} UTC and is {one.there or 'of no known status'} there; "
            "the network changes it no more. Settle it with the partner by an adjustment.",
        )
        for one in untold
        if _has_locked(one, now)
    ]


def _change(network: Network, one: _Wanted, past: Sequence[Push]) -> StatusChange:
    """Return the change with its key: that of an unfinished one, or the next number of the conversion."""
    if past and past[-1].wanted == one.status and past[-1].state != "done":
        return StatusChange(past[-1].key, one.conversion_id, one.status)
    key = f"{network.name}/status/{one.conversion_id}/{len(past) + 1}"
    return StatusChange(key, one.conversion_id, one.status)


def _nothing_else(_: Records, __: Push) -> None:
    """A status changes nothing else in the store."""
