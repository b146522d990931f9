"""Teach a judge on the programme's own history and register it as challenger; only a person promotes it.

The same events, outcomes, labels, lists, settings and winnow give the same judge, byte for byte.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from features.lookups import site_hosts
from features.prepare import prepare
from features.schema import Kind
from features.windows import day_number
from models.drift import Sketch
from models.fused import Learning, fused, learn_outcomes, load_judge, share_by_outcomes
from models.outcomes import CERTAIN, LABEL, Demands
from models.taught import FEWEST, Lessons, TaughtJudge, shipped_bytes, teach
from screening.errors import InputError
from screening.jobs.findings import findings
from screening.jobs.progress import Progress
from screening.jobs.shadow import sketch_of
from screening.settings.training import InjectionSettings, TrainingSettings
from screening.store import AuditEvent, ModelRecord, RunRecord, Store, open_store
from screening.store.observations import REFERENCE, Observation
from screening.store.registry import CHALLENGER
from screening.traffic.champion import MODEL, model_path
from screening.traffic.gather import Books, lookups, working_traffic
from screening.traffic.history import Past, as_decided
from screening.traffic.lake import Lake, Snapshot
from screening.traffic.lakelock import holding_lock
from screening.traffic.lists import load_book
from screening.workspace import Workspace

COMMAND = "train"
_OWN_OUTCOMES = "outcomes_"
"""How features that are made of outcomes begin."""
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Trained:
    """What training gave. `known_before`: the same judge was registered already, and nothing was added."""

    record: ModelRecord
    known_before: bool
    replaced: tuple[str, ...]
    """Versions of challengers that were retired for it, so that one judges in the shadow."""


@dataclass(frozen=True, slots=True)
class _Taught:
    judge: TaughtJudge
    first: date
    last: date
    reference: Sketch
    metrics: dict[str, Any]
    inputs: dict[str, str]


def train(workspace: Workspace, now: datetime, progress: Progress) -> Trained:
    """Teach on the newest `training.history_days` of history, keep the model file, register it as challenger.

    Waits a while for another training, then raises BusyError; InputError when there is too little history to teach.
    """
    lock = holding_lock(
        workspace.folder("locks") / COMMAND,
        command=COMMAND,
        now=now,
        wait_seconds=workspace.settings.ingest.lock_wait_seconds,
        waiting=lambda who: progress.step(who, 0, None),
    )
    with lock, open_store(workspace.store_url) as store:
        progress.step(COMMAND, 0, _STEPS)
        snapshot = Lake(workspace.lake).snapshot()
        books = Books(*load_book(workspace.folder("lists")))
        progress.step(COMMAND, 1, _STEPS)
        taught = _teach(workspace, snapshot, books, (findings(store, snapshot), now))
        progress.step(COMMAND, 2, _STEPS)
        trained = _register(workspace, store, taught, (snapshot, books, now))
        progress.step(COMMAND, _STEPS, _STEPS)
        return trained


def lessons_of(settings: InjectionSettings) -> Lessons:
    """Return the lessons that the settings ask for."""
    return Lessons(**settings.model_dump())


def _teach(workspace: Workspace, snapshot: Snapshot, books: Books, known: tuple[pl.DataFrame, datetime]) -> _Taught:
    labels, now = known
    settings = workspace.settings.training
    first, last = _history(snapshot, settings.history_days)
    traffic = working_traffic(snapshot, first, last, now)
    on = lookups(books, site_hosts(snapshot.frame(Kind.AFFILIATES).collect()), last)
    own = teach(traffic, on, day_number(last), lessons_of(settings.injection), settings.seed)
    if own is None:
        raise InputError(
            f"The {traffic.conversions.height} conversions from {first} to {last} are too few to teach a judge.",
            remedy=f"It takes at least {FEWEST}; until then the shipped judge scans.",
            where=str(snapshot.root),
        )
    matrix = prepare(traffic, on, day_number(last)).matrix
    past = Past(first, last, settings.outcomes.every_days, now)
    rows = as_decided(snapshot, past, books, workspace.folder("rollups"), labels)
    judge, learned = _together(own, rows, settings)
    parts = (
        *snapshot.select((Kind.CLICKS, Kind.CONVERSIONS), first, last),
        *snapshot.select((Kind.OUTCOMES, Kind.AFFILIATES)),
    )
    metrics = {
        "conversions": traffic.conversions.height,
        "clicks": traffic.clicks.height,
        "affiliates": traffic.conversions["affiliate_id"].n_unique(),
        "suspected_share": judge.suspected_share,
        "outcomes": learned,
    }
    inputs = {part.path: part.digest for part in parts}
    return _Taught(judge, first, last, sketch_of(matrix, judge), metrics, inputs)


def _together(judge: TaughtJudge, rows: pl.DataFrame, settings: TrainingSettings) -> tuple[TaughtJudge, dict[str, Any]]:
    """Put the judge beside the shipped one and add what outcomes teach; return it and what is to be told of that."""
    prior, bad = load_judge(shipped_bytes()), int((rows[LABEL] == 1).sum())
    own_share, losses = settings.own_share, {}
    if bad >= settings.outcomes.bad_min:
        losses = share_by_outcomes(judge.score(rows), prior.score(rows), rows)
        own_share = min(losses, key=lambda share: (losses[share], share))
    together = fused(judge, prior, own_share, Learning((), 0.0, None))
    # what outcomes were known at the decision is no cause of an outcome, and outcomes must not explain themselves
    needs = tuple(name for name in judge.features if not name.startswith(_OWN_OUTCOMES))
    learning = learn_outcomes(together, rows, needs, Demands(settings.outcomes.bad_min, settings.outcomes.ridge))
    told = {
        "bad": bad,
        "said_by_people": int(rows[CERTAIN].sum()),
        "conversions": rows.height,
        "bad_min": settings.outcomes.bad_min,
        "own_share": own_share,
        "own_share_by_outcomes": bool(losses),
        "gain": learning.gain,
        "weight": learning.weight,
    }
    return fused(judge, prior, own_share, learning), told


def _history(snapshot: Snapshot, days: int) -> tuple[date, date]:
    known = snapshot.days(Kind.CONVERSIONS)
    if not known:
        raise InputError(
            "The lake has no conversions to learn from.",
            remedy="Take some in first: winnow ingest conversions FILE.",
            where=str(snapshot.root),
        )
    return max(known[0], known[-1] - timedelta(days=days - 1)), known[-1]


def _register(workspace: Workspace, store: Store, taught: _Taught, read: tuple[Snapshot, Books, datetime]) -> Trained:
    content = taught.judge.dump()
    digest = hashlib.sha256(content).hexdigest()
    earlier = [model for model in store.models.all(MODEL) if model.digest == digest]
    keep_model_file(model_path(workspace.folder("models"), digest), content)
    if earlier:
        return Trained(earlier[0], known_before=True, replaced=())
    snapshot, books, now = read
    run = _run(workspace, taught, digest, (snapshot, books, now))
    record = ModelRecord(
        name=MODEL,
        version=f"{taught.last:%Y%m%d}-{digest[:8]}",
        role=CHALLENGER,
        digest=digest,
        data_from=taught.first,
        data_to=taught.last,
        feature_schema=_schema(taught.judge),
        metrics={**taught.metrics, "run_id": run.run_id, "winnow": version("winnow")},
        created_at=run.finished_at,
    )
    replaced = tuple(model.version for model in store.models.all(MODEL) if model.role == CHALLENGER)
    with store.together() as records:
        for old in replaced:
            records.models.retire(MODEL, old)
        records.models.add(record)
        records.record_run(run)
        reference = {**taught.reference.as_data(), "from": str(taught.first), "to": str(taught.last)}
        records.observations.add(Observation(run.run_id, REFERENCE, digest, reference))
        details = {"digest": digest, "run_id": run.run_id, "retired": list(replaced)}
        subject = f"model {MODEL} {record.version}"
        records.audit.append(AuditEvent(run.finished_at, COMMAND, "model trained", subject, details))
    return Trained(record, known_before=False, replaced=replaced)


def _schema(judge: TaughtJudge) -> dict[str, Any]:
    names = list(judge.features)
    return {"features": names, "digest": hashlib.sha256("\n".join(names).encode()).hexdigest()}


def _run(workspace: Workspace, taught: _Taught, digest: str, read: tuple[Snapshot, Books, datetime]) -> RunRecord:
    snapshot, books, now = read
    return RunRecord(
        run_id=f"train-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        command=COMMAND,
        status="complete",
        started_at=now,
        finished_at=datetime.now(UTC),
        period_from=taught.first,
        period_to=taught.last,
        lake_version=snapshot.version,
        inputs=taught.inputs,
        settings=workspace.settings.model_dump(mode="json", exclude={"store", "lake"}),
        versions={"winnow": version("winnow"), "model": digest, **books.versions},
        seed=workspace.settings.training.seed,
        counts={"conversions": taught.metrics["conversions"], "clicks": taught.metrics["clicks"]},
    )


def keep_model_file(path: Path, content: bytes) -> None:
    """Write the file whole or not at all; its name is its digest, so one that is there as it should be stays."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
