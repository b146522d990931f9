"""Figures about the programme at this moment, for monitoring: runs, queues, money, list ages, messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from screening.errors import InputError, IntegrityError
from screening.jobs.lists import LISTS
from screening.jobs.night_journal import NIGHTS, Journal, nights
from screening.store import LATEST, Store
from screening.traffic.lists import ListFolder
from screening.traffic.lists_packages import AGENTS_VERSIONED, PACKAGED
from screening.workspace import Workspace

_DAY_SECONDS = 86_400
Labelled = tuple[dict[str, str], float]
"""A value and what it is about."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure: its name, what it means with its unit, and its known values, each with labels."""

    name: str
    meaning: str
    values: tuple[Labelled, ...]


def gauges(workspace: Workspace, store: Store, now: datetime) -> list[Gauge]:
    """Return every figure. Takes a few looks into the database, whatever the size of its tables."""
    return [
        *_runs(store),
        *_night(workspace),
        *_queues(store, now),
        _money(store),
        *_waiting(store, now),
        _lists(workspace, now),
    ]


def _runs(store: Store) -> Iterator[Gauge]:
    counts = store.listing.run_counts()
    named = [({"command": count.command, "status": count.status}, count) for count in counts]
    yield Gauge("winnow_runs", "Runs recorded", tuple((labels, count.runs) for labels, count in named))
    yield Gauge(
        "winnow_run_last_finished_timestamp_seconds",
        "When the last run finished, in seconds since 1970",
        tuple((labels, count.last_finished.timestamp()) for labels, count in named),
    )
    yield Gauge(
        "winnow_run_last_duration_seconds",
        "How long the last run took",
        tuple((labels, count.last_seconds) for labels, count in named),
    )


def _night(workspace: Workspace) -> Iterator[Gauge]:
    journals = [_journal(workspace, night) for night in nights(workspace.root / NIGHTS)]
    newest = journals[0] if journals else None
    stages = list(newest.stages.values()) if newest else []
    yield Gauge(
        "winnow_night_stage_seconds",
        "How long the stages of the newest night took",
        tuple(({"stage": stage.name}, stage.seconds) for stage in stages if stage.seconds is not None),
    )
    yield Gauge(
        "winnow_night_stage_status",
        "1 for how each stage of the newest night ended",
        tuple(({"stage": stage.name, "status": str(stage.status)}, 1) for stage in stages),
    )
    yield Gauge(
        "winnow_night_stage_count",
        "What the stages of the newest night counted",
        tuple(({"stage": stage.name, "what": what}, count) for stage in stages for what, count in stage.counts.items()),
    )
    yield Gauge(
        "winnow_night_unreadable",
        "1 when the journal of the newest night cannot be read, so that nothing is known of it",
        (({}, float(newest is None)),) if journals else (),
    )
    ended_at = next((journal.ended_at for journal in journals if journal and journal.ended_at), None)
    yield Gauge(
        "winnow_night_last_finished_timestamp_seconds",
        "When a night last ended with no stage failed, in seconds since 1970",
        () if ended_at is None else (({}, ended_at.timestamp()),),
    )


def _journal(workspace: Workspace, night: date) -> Journal | None:
    """Return the journal of a night; None when it is damaged."""
    try:
        return Journal.of(workspace.root / NIGHTS, night)
    except IntegrityError:
        return None


def _queues(store: Store, now: datetime) -> Iterator[Gauge]:
    totals = store.browse.cases.totals()
    cases: dict[str, int] = {}
    oldest: dict[str, datetime] = {}
    for total in totals:
        cases[total.kind] = cases.get(total.kind, 0) + total.cases
        oldest[total.kind] = min(oldest.get(total.kind, total.oldest), total.oldest)
    yield Gauge("winnow_queue_cases", "Open cases", tuple(({"kind": kind}, count) for kind, count in cases.items()))
    yield Gauge(
        "winnow_queue_oldest_seconds",
        "Age of the oldest open case",
        tuple(({"kind": kind}, (now - opened).total_seconds()) for kind, opened in oldest.items()),
    )
    yield Gauge(
        "winnow_queue_money",
        "Money that waits in open cases",
        tuple(
            ({"kind": total.kind, "currency": total.currency or ""}, _number(total.amount))
            for total in totals
            if total.amount is not None
        ),
    )


def _money(store: Store) -> Gauge:
    try:
        totals = store.browse.judged.totals(store.run(LATEST).run_id)
    except InputError:  # nothing was scanned yet
        totals = ()
    values = (({"decision": each.decision, "currency": each.currency or ""}, _number(each.amount)) for each in totals)
    return Gauge("winnow_scan_money", "Payout that the newest scan decided", tuple(values))


def _waiting(store: Store, now: datetime) -> Iterator[Gauge]:
    caps = store.browse.judged.cap_counts()
    yield Gauge("winnow_caps", "Cap recommendations", tuple(({"status": name}, count) for name, count in caps.items()))
    appeals, first = store.browse.trail.open_appeals()
    yield Gauge("winnow_appeals_open", "Appeals without an answer", (({}, appeals),))
    left: tuple[Labelled, ...] = () if first is None else (({}, (first - now).total_seconds()),)
    yield Gauge("winnow_appeal_next_deadline_seconds", "Time until the next appeal must be answered", left)
    messages = store.webhooks.counts()
    values = tuple(({"status": status}, count) for status, count in messages.items())
    yield Gauge("winnow_webhook_messages", "Messages to webhooks", values)


def _lists(workspace: Workspace, now: datetime) -> Gauge:
    imported = {each.name: each.list_date for each in ListFolder(workspace.folder(LISTS)).versions()}
    packaged = {each.name: each.dated() for each in (*PACKAGED, AGENTS_VERSIONED)}
    days = {**packaged, **imported}
    ages = (
        ({"list": name}, (now - datetime.combine(day, time(), UTC)).total_seconds() / _DAY_SECONDS)
        for name, day in days.items()
        if day is not None
    )
    return Gauge("winnow_list_age_days", "Age of the reference lists", tuple(ages))


def _number(amount: Decimal | None) -> float:
    # figures are for curves and alarms; the ledger has the exact amounts
    return float(amount or 0)
