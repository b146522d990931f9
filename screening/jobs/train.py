"""Teach a judge on the programme's own history and register it as challenger; only a person promotes it.

The same events, outcomes, labels, lists, settings and winnow give the same judge, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from features.prepare import prepare
from features.schema import Kind
from features.windows import day_number
from models.drift import Sketch
from models.fused import Learning, fused, learn_outcomes, load_judge, share_by_outcomes
from models.outcomes import CERTAIN, LABEL, Demands
from models.taught import FEWEST, Lessons, TaughtJudge, shipped_bytes, teach
from screening.errors import InputError
from screening.jobs.challenger import COMMAND, Source, Taught, Trained, register, training
from screening.jobs.findings import findings
from screening.jobs.progress import Progress
from screening.jobs.shadow import sketch_of
from screening.settings.training import InjectionSettings, TrainingSettings
from screening.traffic.champion import MODEL
from screening.traffic.gather import Books, lookups, working_traffic
from screening.traffic.history import Past, as_decided
from screening.traffic.lake import Lake, Snapshot
from screening.traffic.lists import load_book
from screening.workspace import Workspace

_OWN_OUTCOMES = "outcomes_"
"""How features that are made of outcomes begin."""
_STEPS = 3


@dataclass(frozen=True, slots=True)
class _Lesson:
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
    with training(workspace, now, progress) as store:
        progress.step(COMMAND, 0, _STEPS)
        snapshot = Lake(workspace.lake).snapshot()
        books = Books(*load_book(workspace.folder("lists")))
        progress.step(COMMAND, 1, _STEPS)
        lesson = _teach(workspace, snapshot, books, (findings(store, snapshot), now))
        progress.step(COMMAND, 2, _STEPS)
        (trained,) = register(workspace, store, [_model(lesson)], _source(lesson, snapshot, books), now)
        progress.step(COMMAND, _STEPS, _STEPS)
        return trained


def _model(lesson: _Lesson) -> Taught:
    reference = {**lesson.reference.as_data(), "from": str(lesson.first), "to": str(lesson.last)}
    return Taught(MODEL, lesson.judge.dump(), tuple(lesson.judge.features), lesson.metrics, reference)


def _source(lesson: _Lesson, snapshot: Snapshot, books: Books) -> Source:
    counts = {name: lesson.metrics[name] for name in ("conversions", "clicks")}
    return Source(lesson.first, lesson.last, counts, snapshot.version, lesson.inputs, books.versions)


def lessons_of(settings: InjectionSettings) -> Lessons:
    """Return the lessons that the settings ask for."""
    return Lessons(**settings.model_dump())


def _teach(workspace: Workspace, snapshot: Snapshot, books: Books, known: tuple[pl.DataFrame, datetime]) -> _Lesson:
    labels, now = known
    settings = workspace.settings.training
    first, last = _history(snapshot, settings.history_days)
    traffic = working_traffic(snapshot, first, last, now)
    on = lookups(books, snapshot.frame(Kind.AFFILIATES).collect(), last)
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
    return _Lesson(judge, first, last, sketch_of(matrix, judge), metrics, inputs)


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
