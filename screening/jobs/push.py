"""The job `push`: hand approved caps to the network, and the statuses of conversions; each once, and looked up after.

One process at a time pushes. What an earlier run left half done is settled first.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from screening.errors import SettingsError
from screening.jobs.progress import Progress
from screening.networks.adapter import CapChange, ChangeKind, Network
from screening.networks.choose import network_of
from screening.networks.deliver import FAILED, OPEN, REFUSED, Delivered, Delivery, Order, Patience
from screening.store import AuditEvent, Push, Records, Store, open_store
from screening.traffic.lakelock import holding_lock
from screening.workspace import Workspace

ACTOR = "winnow push"
_UNDONE = frozenset({FAILED, OPEN, REFUSED})


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did, or in a dry run would do. `notices` are facts about what was pushed before."""

    network: str
    dry_run: bool
    results: tuple[Delivered, ...]
    notices: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many changes came to each state."""
        return dict(sorted(Counter(result.state for result in self.results).items()))

    @property
    def incomplete(self) -> bool:
        """Something was not done as wanted."""
        return any(result.state in _UNDONE for result in self.results)


def push_caps(workspace: Workspace, *, dry_run: bool, now: datetime, progress: Progress, by: str = ACTOR) -> Pushed:
    """Push the limits that people, or the rule of automatic approval, approved; `by` is who has them pushed.

    A recommendation becomes `pushed`, or `failed` when the network does not take it, when it expired, or when a newer
    one about the same limit was approved. Raises SettingsError when no network is set, UnavailableError when it does
    not answer, BusyError when another process pushes.
    """
    with pushing(workspace, now, progress) as (store, network):
        approved = store.recommendations.of_status("approved")
        progress.step("push caps", 0, approved.height)
        stale = _stale(approved, now)
        live = approved.filter(~pl.col("cap_id").is_in(list(stale)))
        order = _caps_order(network, live, by)
        delivery = Delivery(store, network, patience_of(workspace), _moved)
        results = delivery.plan(order) if dry_run else delivery.deliver(order)
        if not dry_run:
            _drop(store, stale, by, now)
        refused = [
            Delivered(_change(network, row), REFUSED, None, None, stale[row["cap_id"]])
            for row in approved.iter_rows(named=True)
            if row["cap_id"] in stale
        ]
        progress.step("push caps", approved.height, approved.height)
        return Pushed(network.name, dry_run, (*results, *refused))


@contextmanager
def pushing(workspace: Workspace, now: datetime, progress: Progress) -> Iterator[tuple[Store, Network]]:
    """Give the store and the network of the settings, and keep other processes from pushing meanwhile."""
    network = network_of(workspace.settings.networks, workspace.root, os.environ)
    if network is None:
        raise SettingsError(
            "No network is set to push to.",
            remedy="Set networks.push.to to file or everflow; docs/networks.md says how.",
            where="networks.push.to",
        )
    with (
        holding_lock(
            workspace.folder("locks") / "push",
            command=ACTOR,
            now=now,
            wait_seconds=0,
            waiting=lambda who: progress.step(who, 0, None),
            what="Changes are being pushed",
        ),
        open_store(workspace.store_url) as store,
    ):
        yield store, network


def patience_of(workspace: Workspace) -> Patience:
    """Return how patiently the settings want changes delivered."""
    push = workspace.settings.networks.push
    return Patience(push.attempts, push.settle_seconds, push.poll_seconds)


def _stale(approved: pl.DataFrame, now: datetime) -> dict[int, str]:
    """Return by cap_id why an approved recommendation must not be pushed any more."""
    said: dict[int, str] = {}
    newest = {_place(row): row["cap_id"] for row in approved.sort("cap_id").iter_rows(named=True)}
    for row in approved.iter_rows(named=True):
        if newest[_place(row)] != row["cap_id"]:
            said[row["cap_id"]] = f"The newer recommendation {newest[_place(row)]} about this limit was approved."
        elif row["expires_at"] <= now:
            said[row["cap_id"]] = f"It expired on {row['expires_at']:%Y-%m-%d %H:%M} UTC; approve a newer one."
        elif row["approved_limit"] is None:
            said[row["cap_id"]] = "It was approved without a limit."
    return said


def _place(row: Mapping[str, Any]) -> tuple[str, str | None, str]:
    return row["offer_id"], row["affiliate_id"], row["cap_type"]


def _drop(store: Store, stale: Mapping[int, str], by: str, now: datetime) -> None:
    """Let go of recommendations that must not be pushed, unless it turned out that an earlier run had pushed them."""
    with store.together() as records:
        left = set(records.recommendations.of_status("approved")["cap_id"])
        dropped = {cap_id: why for cap_id, why in stale.items() if cap_id in left}
        if dropped:
            records.recommendations.move(list(dropped), before="approved", after="failed")
        for cap_id, why in dropped.items():
            records.audit.append(AuditEvent(now, by, "push", f"cap {cap_id}", {"state": "failed", "message": why}))


def _caps_order(network: Network, live: pl.DataFrame, by: str) -> Order:
    rows = list(live.iter_rows(named=True))
    changes = [_change(network, row) for row in rows]
    expects = {
        change.key: network.expected(CapChange(change.key, *_place(row), row["current"]))
        for change, row in zip(changes, rows, strict=True)
        if row["current"] is not None
    }
    caps = {change.key: row["cap_id"] for change, row in zip(changes, rows, strict=True)}
    return Order(ChangeKind.CAP, changes, by, expects, caps)


def _change(network: Network, row: Mapping[str, Any]) -> CapChange:
    limit = row["approved_limit"]
    if limit is None:  # such a one is never sent, only named
        limit = row["recommended"] or Decimal(0)
    return CapChange(f"{network.name}/cap/{row['cap_id']}", *_place(row), limit)


def _moved(records: Records, entry: Push) -> None:
    after = "pushed" if entry.state == "done" else "failed"
    if entry.cap_id is not None:
        records.recommendations.move([entry.cap_id], before="approved", after=after)
