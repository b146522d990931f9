"""The first page: where the money stands, what waits, and whatever is stale or failed, loudly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from screening.jobs.night_journal import StageStatus
from screening.jobs.views.figures import Figure, figures
from screening.jobs.views.lists import list_ages, title_of_list
from screening.jobs.views.night import Night, last_night
from screening.store import Store
from screening.store.browse_cases import CaseTotal
from screening.store.browse_trail import RunRow
from screening.workspace import Workspace

_SCAN_LATE = timedelta(hours=36)
"""A nightly scan is late when a night was missed and half a day more has gone."""
_NIGHT_LATE = timedelta(hours=60)
"""After the midnight that names a night, when the next one should have begun well over a day ago."""
_NIGHT_LONG = timedelta(hours=24)
"""After the same midnight; no night takes so long."""
_BATCHES = 60
"""Payout batches added up."""
_PERIOD = timedelta(days=30)
LOCKS_SOON = timedelta(days=2)

Sums = tuple[tuple[str | None, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is stale or failed. `grave`: decisions may be wrong or late because of it."""

    title: str
    text: str
    grave: bool
    href: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue: how many wait, since when, their money, and how many lock soon."""

    kind: str
    cases: int
    oldest: datetime | None
    money: Sums
    soon: int


@dataclass(frozen=True, slots=True)
class Today:
    """The first page. Money by currency; `released` over thirty days; `scan` None: nothing was ever scanned.

    `night` None: no night has run.
    """

    alarms: tuple[Alarm, ...]
    held: Sums
    rejected: Sums
    cleared: Sums
    released: Sums
    queues: tuple[Waiting, ...]
    caps: int
    appeals: int
    first_deadline: datetime | None
    scan: RunRow | None
    runs: tuple[RunRow, ...]
    quality: tuple[Figure, ...]
    night: Night | None


def today(workspace: Workspace, store: Store, now: datetime) -> Today:
    """Gather the page."""
    trail = store.browse.trail
    runs = trail.runs(6)
    scan = trail.newest_complete("scan")
    totals = store.browse.judged.totals(scan.run_id) if scan else ()
    money: dict[str, Sums] = {
        decision: tuple((total.currency, total.amount) for total in totals if total.decision == decision)
        for decision in ("pay", "hold", "reject")
    }
    appeals, deadline = trail.open_appeals()
    night = last_night(workspace)
    return Today(
        alarms=(
            *_late(store, now),
            *_night_alarms(night, now),
            *_alarms(workspace, store, (scan, deadline), now),
            *_set_aside(store, night),
        ),
        held=money["hold"],
        rejected=money["reject"],
        cleared=money["pay"],
        released=released_since(store, now - _PERIOD),
        queues=_queues(store, now),
        caps=store.browse.judged.caps_waiting(now),
        appeals=appeals,
        first_deadline=deadline,
        scan=scan,
        runs=runs,
        quality=figures(workspace, scan.run_id, now) if scan else (),
        night=night,
    )


def released_since(store: Store, since: datetime) -> Sums:
    """Return what payout batches released since a moment, by currency, as the audit trail has it."""
    sums: dict[str | None, Decimal] = {}
    for run in store.browse.trail.runs(_BATCHES, command="payout"):
        if run.finished_at >= since:
            for total in batch_totals(store, run.run_id):
                if total["decision"] == "pay":
                    sums[total["currency"]] = sums.get(total["currency"], Decimal(0)) + Decimal(total["amount"])
    return tuple(sorted(sums.items(), key=lambda pair: pair[0] or ""))


def batch_totals(store: Store, run_id: str) -> tuple[Mapping[str, Any], ...]:
    """Return the totals of a payout batch as the audit trail recorded them; amounts are text."""
    events = store.browse.trail.trail(1, subject=f"run {run_id}")
    return tuple(events[0].details.get("totals", ())) if events else ()


def _queues(store: Store, now: datetime) -> tuple[Waiting, ...]:
    totals = store.browse.cases.totals()
    kinds = ("application", "source", "affiliate", "conversion")
    queues = []
    for kind in kinds:
        mine: list[CaseTotal] = [total for total in totals if total.kind == kind]
        if mine or kind in kinds[:2]:
            money = tuple((total.currency, total.amount) for total in mine if total.amount)
            oldest = min((total.oldest for total in mine), default=None)
            soon = store.browse.cases.due_before(now + LOCKS_SOON, kind)
            queues.append(Waiting(kind, sum(total.cases for total in mine), oldest, money, soon))
    return tuple(queues)


def _late(store: Store, now: datetime) -> Iterator[Alarm]:
    """Say how much waits beyond the day on which a network locks it: paid or lost with no decision."""
    for kind, what, queue in (("source", "traffic sources", "sources"), ("conversion", "conversions", "conversions")):
        late = store.browse.cases.due_before(now, kind)
        if late:
            text = "Nobody decided before their networks locked them. Decide these first, or tell the networks."
            title = f"{late:,} held {what} are past their lock"
            yield Alarm(title, text, grave=True, href=f"/review/{queue}?order=clock", action="Decide them")


def _night_alarms(night: Night | None, now: datetime) -> Iterator[Alarm]:
    if night is None:
        return
    if night.fault:
        yield Alarm("The journal of the last night cannot be read", night.fault, grave=True)
    for stage in night.failed:
        text = f"{stage.message} `winnow nightly` tries it again."
        yield Alarm(f"The night of {night.night} failed at {stage.name}", text, grave=True)
    age = now - datetime.combine(night.night, time(), UTC)
    if age > _NIGHT_LATE:
        text = "No later one has begun. See to the timer that starts `winnow nightly`."
        yield Alarm(f"The last night was that of {night.night}", text, grave=True)
    if age > _NIGHT_LONG and night.ended_at is None and not night.failed and not night.fault:
        text = "It was interrupted: some of its stages were never done. `winnow nightly` does them."
        yield Alarm(f"The night of {night.night} did not end", text, grave=True)


def _set_aside(store: Store, night: Night | None) -> Iterator[Alarm]:
    """Say what could not be read: applications that the newest screening set aside, and what the last night lacked."""
    screened = store.browse.trail.newest("screen")
    rows = screened.counts.get("quarantined", 0) if screened else 0
    if screened and rows:
        text = "They could not be read and are judged by nobody; the quarantine folder has each with its reason."
        title = f"The last screening set {rows:,} applications aside"
        yield Alarm(title, text, grave=False, href=f"/runs/{screened.run_id}", action="Look at the run")
    for stage in night.stages if night else ():
        if stage.status is StageStatus.INCOMPLETE:
            yield Alarm(f"Last night's {stage.name} lacked something", stage.message, grave=False)


def _alarms(
    workspace: Workspace, store: Store, seen: tuple[RunRow | None, datetime | None], now: datetime
) -> tuple[Alarm, ...]:
    scan, deadline = seen
    found = []
    if scan is None:
        found.append(
            Alarm(
                "Nothing was scanned yet", "Take events in and scan them: winnow ingest, then winnow scan.", grave=True
            )
        )
    elif now - scan.finished_at > _SCAN_LATE:
        age = now - scan.finished_at
        found.append(
            Alarm(
                "The last scan is old",
                f"It ended {age.days} days and {age.seconds // 3600} hours ago. Conversions since then are not judged; "
                "the payout gate holds them.",
                grave=True,
                href="/runs",
                action="Look at the runs",
            )
        )
    for command in ("scan", "nightly", "screen", "payout"):
        newest = store.browse.trail.newest(command)
        if newest is not None and newest.status == "failed":
            found.append(
                Alarm(
                    title=f"The last {command} failed",
                    text=f"{newest.run_id}.",
                    grave=True,
                    href=f"/runs/{newest.run_id}",
                    action="What happened",
                )
            )
    if deadline is not None and deadline < now:
        found.append(
            Alarm("An appeal is overdue", "Its deadline has passed.", grave=True, href="/appeals", action="Answer it")
        )
    return (*found, *list_alarms(workspace, now))


def list_alarms(workspace: Workspace, now: datetime) -> tuple[Alarm, ...]:
    """Say which reference lists are older than the settings allow."""
    oldest = workspace.settings.lists.max_age_days
    stale = [
        f"{title_of_list(found.name)} ({found.age_days} days)" for found in list_ages(workspace, now) if found.stale
    ]
    if not stale:
        return ()
    text = f"Older than {oldest} days: {', '.join(stale)}. Addresses and agents are judged by what was known then."
    return (Alarm("Reference lists are stale", text, grave=False, href="/settings/lists", action="See the lists"),)
