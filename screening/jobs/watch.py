"""The job `watch`: judge during the day what has just come in, and recommend limits within minutes.

Each round takes in the files of the drop folder as a night does, and when the lake has changed, whoever changed it,
scans the days of what is new: the same scan, on the same 28 days of facts, as the night's. Between rounds nothing is
kept but the lake version that was judged. Whatever moment it is killed at, files, lake and database are whole, and the
next watch goes on from them.
"""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from threading import Event

from features.schema import Kind
from screening.errors import BusyError, InputError, UnavailableError
from screening.jobs.caps_decide import CapFilter, ListedCap, list_caps
from screening.jobs.drop import drop_folder
from screening.jobs.night_stages import Night, take_in
from screening.jobs.progress import silent_progress
from screening.jobs.scan import scan
from screening.store import open_store
from screening.store.runs import COMPLETE, SCAN
from screening.traffic.lake import Lake, Snapshot
from screening.workspace import Workspace

_PASSING = (BusyError, UnavailableError, InputError)
"""Errors that end by themselves or when somebody mends the input; a watch outlives them."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did. taken: a sentence about files, empty when none waited. run_id: of the scan, None without one.

    proposed: recommendations that differ from the newest before about the same limit. failed: why the round was broken
    off, to be tried again; empty when it was not.
    """

    at: datetime
    taken: str = ""
    run_id: str | None = None
    judged: int = 0
    period: tuple[date, date] | None = None
    proposed: tuple[ListedCap, ...] = ()
    failed: str = ""

    @property
    def idle(self) -> bool:
        """Nothing came and nothing went wrong."""
        return not (self.taken or self.run_id or self.failed)


@dataclass(frozen=True, slots=True)
class Watched:
    """What was done until it was stopped. memory_bytes: the most that the process ever held."""

    rounds: int
    scans: int
    proposed: int
    failures: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Watching:
    """How to watch. rounds: after how many to end, None: when `stop` is set. now: the clock. tell: hears each round."""

    stop: Event
    rounds: int | None
    every_seconds: float
    now: Callable[[], datetime]
    tell: Callable[[Round], None]


def watch(workspace: Workspace, how: Watching) -> Watched:
    """Watch until told to stop; a scan that has begun is finished first.

    A round that another process is in the way of, or that input spoils, is told and tried again; what winnow itself
    gets wrong ends the watch with its error.
    """
    done = Watched(0, 0, 0, 0, 0)
    while not how.stop.is_set():
        told = _round(workspace, how.now())
        done = replace(
            done,
            rounds=done.rounds + 1,
            scans=done.scans + (told.run_id is not None),
            proposed=done.proposed + len(told.proposed),
            failures=done.failures + bool(told.failed),
        )
        how.tell(told)
        if how.rounds is not None and done.rounds >= how.rounds:
            break
        gc.collect()  # frames of a scan can hang in reference cycles; a process that runs for days should not keep them
        how.stop.wait(how.every_seconds)
    return replace(done, memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def _round(workspace: Workspace, now: datetime) -> Round:
    told = Round(now)
    try:
        told = replace(told, taken=_take_in(workspace, now))
    except _PASSING as error:  # what others took in is judged all the same
        told = replace(told, failed=str(error))
    try:
        return _judge(workspace, told)
    except _PASSING as error:
        return replace(told, failed=str(error))


def _take_in(workspace: Workspace, now: datetime) -> str:
    if drop_folder(workspace) is None:
        return ""
    done = take_in(Night(workspace, now.date(), now), silent_progress())
    return done.message if done.counts["files"] else ""


def _judge(workspace: Workspace, told: Round) -> Round:
    snapshot = Lake(workspace.lake).snapshot()
    with open_store(workspace.store_url) as store:
        scans = [run for run in store.runs(SCAN) if run.status == COMPLETE]
        known = scans[0].lake_version or 0 if scans else 0
    period = period_of_new(snapshot, known, workspace.settings.watch.days_max)
    if period is None:
        return told
    before = _open_advice(workspace, told.at)
    scanned = scan(workspace, period, told.at, silent_progress())
    after = list_caps(workspace, CapFilter(), told.at).caps
    new = tuple(item for item in after if item.row["run_id"] == scanned.run.run_id and _advice(item) not in before)
    return replace(told, run_id=scanned.run.run_id, judged=sum(scanned.decisions.values()), period=period, proposed=new)


def period_of_new(snapshot: Snapshot, known: int, days_max: int) -> tuple[date, date] | None:
    """Return the days to judge because of what came into the lake after version `known`; None: nothing that counts.

    The last is the newest day there is. The first is the earliest of new conversions, at most `days_max` days in all;
    clicks, outcomes, partners and limits alone have the newest day judged again.
    """
    new = [part for part in snapshot.parts if part.version > known]
    days = [*snapshot.days(Kind.CONVERSIONS), *snapshot.days(Kind.CLICKS)]
    if not new or not days:
        return None
    last = max(days)
    converted = [part.day for part in new if part.kind is Kind.CONVERSIONS and part.day is not None]
    return max(min(converted, default=last), last - timedelta(days=days_max - 1)), last


def _open_advice(workspace: Workspace, now: datetime) -> set[tuple[object, ...]]:
    return {_advice(item) for item in list_caps(workspace, CapFilter(), now).caps}


def _advice(item: ListedCap) -> tuple[object, ...]:
    return tuple(item.row[name] for name in ("offer_id", "affiliate_id", "cap_type", "action", "recommended"))
