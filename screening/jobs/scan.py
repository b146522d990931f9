"""Judge a period: gather its events, score, decide, and record the run whole."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version

import polars as pl

from features.schema import Kind
from screening.errors import InputError
from screening.jobs.caps import approve_automatically, caps_of_scan
from screening.jobs.engine import engine_of
from screening.jobs.progress import Progress
from screening.jobs.queue import queue_sources
from screening.jobs.shadow import noticed
from screening.settings.decisions import DecisionSettings
from screening.store import AuditEvent, RunRecord, open_store
from screening.traffic.champion import MODEL, Champion, load_champion
from screening.traffic.gather import Books, Gathered, Period, Reading, gather_with
from screening.traffic.lake import Lake, Snapshot
from screening.traffic.lakelock import holding_lock
from screening.traffic.lists import load_book
from screening.traffic.scan import Judged, judge
from screening.workspace import Workspace

_STEPS = 5


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan did. Money is by decision and currency ("" where the feed names none)."""

    run: RunRecord
    decisions: Mapping[str, int]
    money: Mapping[str, Mapping[str, Decimal]]
    flagged: pl.DataFrame
    """Flagged sources, the most payout first."""
    unknown: int
    """Conversions held because too little was known to judge them."""
    caps: Mapping[str, int]
    """Cap recommendations by action."""
    fraud_share: float | None
    """Estimated share of fraud among conversions, 0..1, at most `models.decide.CEILING`; None: nothing was judged."""


def scan(workspace: Workspace, period: tuple[date | None, date | None], now: datetime, progress: Progress) -> Scanned:
    """Judge the conversions of a period (None: from the first, to the last day that the lake has) and record the run.

    Waits a while for another scan, then raises BusyError that names it; InputError when there is nothing to judge;
    what `engine_of` raises when the engine cannot be used.
    """
    wait = workspace.settings.ingest.lock_wait_seconds
    lock = holding_lock(
        workspace.folder("locks") / "scan",
        command="scan",
        now=now,
        wait_seconds=wait,
        waiting=lambda who: progress.step(who, 0, None),
    )
    with lock, open_store(workspace.store_url) as store, engine_of(workspace) as engine:
        progress.step("scan", 0, _STEPS)
        snapshot = Lake(workspace.lake).snapshot()
        chosen = _period(snapshot, period)
        champion_record = store.models.champion(MODEL)
        champion = load_champion(workspace.folder("models"), champion_record.digest if champion_record else None)
        books = Books(*load_book(workspace.folder("lists")))
        progress.step("scan", 1, _STEPS)
        champion = replace(champion, judge=engine.scoring(champion.judge))
        reading = Reading(engine.clicks, workspace.folder("rollups"), _decided_at(chosen, now))
        gathered = gather_with(snapshot, chosen, books, reading)
        progress.step("scan", 2, _STEPS)
        judged = judge(gathered, champion.judge, workspace.settings.decisions)
        progress.step("scan", 3, _STEPS)
        run = _record(workspace, snapshot, gathered, judged, (champion, books, now))
        observations = noticed(workspace, store, (gathered, judged, champion), run.run_id)
        caps = caps_of_scan(snapshot, store, judged.sources, (chosen.last, now), workspace.settings.caps)
        progress.step("scan", 4, _STEPS)
        with store.together() as records:
            records.record_scan(run, judged.decisions, judged.sources, caps)
            approve_automatically(records, run.run_id, now, workspace.settings.caps.automatic)
            for observation in observations:
                records.observations.add(observation)
            locks = gathered.conversions.select("conversion_id", "locks_at")
            queue_sources(records, judged, locks, run, workspace.settings.decisions)
            records.audit.append(
                AuditEvent(run.finished_at, "scan", "scan recorded", f"run {run.run_id}", dict(run.counts))
            )
        progress.step("scan", _STEPS, _STEPS)
        return _summary(run, judged, caps)


def judged_again(workspace: Workspace, run: RunRecord, snapshot: Snapshot) -> Judged:
    """Judge a recorded run's period again from the stored events, settings, lists and model of that run."""
    champion = load_champion(workspace.folder("models"), run.versions["model"])
    books = Books(*load_book(workspace.folder("lists")))
    if run.period_from is None or run.period_to is None:
        raise InputError("The run judged no period.", remedy="Replay a scan.", where=run.run_id)
    period = Period(run.period_from, run.period_to)
    decided_at = _decided_at(period, run.started_at)
    # a setting that is younger than the run counts as it is now
    settings = workspace.settings.decisions.model_dump() | run.settings["decisions"]
    with engine_of(workspace) as engine:
        reading = Reading(engine.clicks, workspace.folder("rollups"), decided_at, verify=False)
        gathered = gather_with(snapshot, period, books, reading)
        return judge(gathered, engine.scoring(champion.judge), DecisionSettings.model_validate(settings))


def _period(snapshot: Snapshot, asked: tuple[date | None, date | None]) -> Period:
    days = snapshot.days(Kind.CONVERSIONS)
    clicked = snapshot.days(Kind.CLICKS)
    if not days and not clicked:
        raise InputError(
            "The lake has no events.",
            remedy="Take some in first: winnow ingest conversions FILE.",
            where=str(snapshot.root),
        )
    both = sorted({*days, *clicked})
    first, last = asked[0] or (days or both)[0], asked[1] or both[-1]
    if first > last:
        raise InputError(f"The period ends on {last} before it begins on {first}.", remedy="Give --from before --to.")
    return Period(first, last)


def _decided_at(period: Period, now: datetime) -> datetime:
    """The moment of the decision: now, but for a past period not later than ten weeks after its end."""
    # outcomes of a past period that came in since are known today; the bound only keeps replays of old runs stable
    return min(now, datetime.combine(period.last, time(), UTC) + timedelta(weeks=10))


def _record(
    workspace: Workspace, snapshot: Snapshot, gathered: Gathered, judged: Judged, used: tuple[Champion, Books, datetime]
) -> RunRecord:
    champion, books, now = used
    counts = dict(judged.decisions.group_by("decision").len().iter_rows())
    counts |= {
        "conversions": judged.decisions.height,
        "sources": judged.sources.height,
        "flagged": int(judged.sources["flagged"].sum()),
    }
    return RunRecord(
        run_id=f"scan-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        command="scan",
        status="complete",
        started_at=now,
        finished_at=datetime.now(UTC),
        period_from=gathered.period.first,
        period_to=gathered.period.last,
        lake_version=snapshot.version,
        inputs={part.path: part.digest for part in gathered.parts},
        settings=workspace.settings.model_dump(mode="json", exclude={"store", "lake", "spark"}),
        versions={"winnow": version("winnow"), "model": champion.digest, **books.versions},
        seed=workspace.settings.decisions.seed,
        counts=counts,
    )


def _summary(run: RunRecord, judged: Judged, caps: pl.DataFrame) -> Scanned:
    decisions = judged.decisions
    money: dict[str, dict[str, Decimal]] = {}
    totals = (
        decisions.group_by("decision", pl.col("currency").fill_null(""))
        .agg(pl.col("payout").sum())
        .sort("decision", "currency")
    )
    for decision, currency, total in totals.iter_rows():
        money.setdefault(decision, {})[currency] = total
    unknown = decisions.filter(
        pl.col("reasons").list.eval(pl.element().is_in(["facts_missing", "not_enough_history"])).list.any()
    ).height
    flagged = judged.sources.filter("flagged").sort("payout", "score", descending=True)
    by_decision = dict(decisions.group_by("decision").len().sort("decision").iter_rows())
    by_action = dict(caps.group_by("action").len().sort("action").iter_rows())
    return Scanned(run, by_decision, money, flagged, unknown, by_action, judged.base_rate)
