"""The job `evaluate`: play the programme's past again and measure what was stopped, rightly and by mistake.

Each scan that is played again knows what was known at its moment. Beside the champion there is a judge taught on the
earlier days only, which scores every affiliate by what others taught: a split by time and by affiliate at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from features.lookups import Lookups
from features.matrix import IDENTITY
from features.schema import Kind
from features.windows import day_number
from models.fused import Learning, fused, load_judge
from models.metrics import Resampling
from models.taught import TaughtJudge, shipped_bytes, teach
from screening.errors import InputError
from screening.jobs.evaluation.figures import Figures, measured
from screening.jobs.evaluation.injected import Injection, injected_fraud
from screening.jobs.evaluation.past import Days, Played, play_again
from screening.jobs.evaluation.peers import Peer, detector_peers, preset_peers
from screening.jobs.evaluation.truth import Truth, truth_of_file, truth_of_history
from screening.jobs.findings import findings
from screening.jobs.progress import Progress
from screening.jobs.train import lessons_of
from screening.store import open_store
from screening.traffic.champion import MODEL, SHIPPED, load_champion
from screening.traffic.gather import WINDOW_DAYS, Books, lookups, working_traffic
from screening.traffic.lake import Lake, Snapshot
from screening.traffic.lists import load_book
from screening.workspace import Workspace

CHAMPION, EARLIER = "champion", "earlier"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to evaluate: days (None: all), a file with the truth of a simulated programme, and which parts."""

    first: date | None = None
    last: date | None = None
    truth: Path | None = None
    teach: bool = True
    """Also teach a judge on the earlier days, and judge only the later ones with every method."""
    inject: bool = True
    """Also inject fraud into the programme's own traffic, kind by kind."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation. `figures` is None where no end of any judged conversion is known: then injected fraud is all."""

    made_at: datetime
    champion: str
    first: date
    last: date
    taught_until: date | None
    """Last day that the judge of the earlier days was taught on; None: there is none."""
    truth: str
    simulated: bool
    too_early: int
    figures: Figures | None
    injection: Injection | None
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Bench:
    """What every part of an evaluation reads."""

    workspace: Workspace
    snapshot: Snapshot
    books: Books
    first: date
    last: date
    now: datetime


def evaluate(workspace: Workspace, wanted: Wanted, now: datetime, progress: Progress) -> Evaluated:
    """Measure the programme's judges on its own past. The same arguments and events give the same figures.

    Raises InputError when there are no conversions, or the truth cannot be used.
    """
    snapshot = Lake(workspace.lake).snapshot()
    bench = _Bench(workspace, snapshot, Books(*load_book(workspace.folder("lists"))), *_span(snapshot, wanted), now)
    with open_store(workspace.store_url) as store:
        record = store.models.champion(MODEL)
        labels = findings(store, snapshot)
    champion = load_champion(workspace.folder("models"), record.digest if record else None).judge
    truth = truth_of_file(wanted.truth) if wanted.truth else truth_of_history(snapshot, labels, now)
    judges, taught_until, remarks = _judges(bench, champion, progress, teaching=wanted.teach)
    first = taught_until + timedelta(days=1) if taught_until else bench.first
    played = _played(bench, first, judges, progress)
    figures, more = _figures(bench, played, truth, tuple(judges))
    injection = _injection(bench, champion, progress) if wanted.inject else None
    if injection is not None and injection.together is None:
        more = (*more, "There is too little traffic to inject fraud into.")
    return Evaluated(
        made_at=now,
        champion=record.version if record else SHIPPED,
        first=first,
        last=bench.last,
        taught_until=taught_until,
        truth=truth.name,
        simulated=truth.simulated,
        too_early=played.too_early,
        figures=figures,
        injection=injection,
        remarks=(*remarks, *more),
    )


def _span(snapshot: Snapshot, wanted: Wanted) -> tuple[date, date]:
    days = snapshot.days(Kind.CONVERSIONS)
    if not days:
        raise InputError(
            "The lake has no conversions to evaluate on.",
            remedy="Take some in first: winnow ingest conversions FILE.",
            where=str(snapshot.root),
        )
    first, last = wanted.first or days[0], wanted.last or days[-1]
    if first > last:
        raise InputError(f"The period ends on {last} before it begins on {first}.", remedy="Give --from before --to.")
    return first, last


def _judges(
    bench: _Bench, champion: TaughtJudge, progress: Progress, *, teaching: bool
) -> tuple[dict[str, TaughtJudge], date | None, tuple[str, ...]]:
    judges = {CHAMPION: champion}
    if not teaching:
        return judges, None, ()
    progress.step("teaching on the earlier days", 0, 1)
    days = (bench.last - bench.first).days + 1
    settings = bench.workspace.settings
    until = bench.first + timedelta(days=int(days * settings.evaluation.earlier_share) - 1)
    then = datetime.combine(until + timedelta(days=1), time(), UTC)
    traffic = working_traffic(bench.snapshot, bench.first, until, then)
    lessons = lessons_of(settings.training.injection)
    earlier = teach(traffic, _lookups(bench, until), day_number(until), lessons, settings.training.seed)
    progress.step("teaching on the earlier days", 1, 1)
    if earlier is None or until >= bench.last:
        count = traffic.conversions.height
        return judges, None, (f"The {count} conversions up to {until} are too few to teach a judge on.",)
    # while outcomes are too few to set the share of the own judge, as at the beginning of a programme
    together = fused(earlier, load_judge(shipped_bytes()), settings.training.own_share, Learning((), 0.0, None))
    return {**judges, EARLIER: together}, until, ()


def _lookups(bench: _Bench, day: date) -> Lookups:
    return lookups(bench.books, bench.snapshot.frame(Kind.AFFILIATES).collect(), day)


def _played(bench: _Bench, first: date, judges: dict[str, TaughtJudge], progress: Progress) -> Played:
    settings = bench.workspace.settings
    days = Days(first, bench.last, settings.evaluation.every_days)
    known = (bench.books, bench.workspace.folder("rollups"))
    total = sum(1 for _ in days.periods())
    for done, played in enumerate(play_again(bench.snapshot, days, known, judges, settings.decisions), 1):
        if played is not None:
            return played
        progress.step("playing the past again", done, total)
    raise AssertionError("play_again ends with what it played")


def _figures(
    bench: _Bench, played: Played, truth: Truth, judges: tuple[str, ...]
) -> tuple[Figures | None, tuple[str, ...]]:
    if played.rows.is_empty():
        return None, ("No scan of these days had enough history to judge anything.",)
    settings = bench.workspace.settings.evaluation
    rows = _with_truth(played.rows, truth)
    if rows["bad"].null_count() == rows.height:
        return None, (f"Nothing is known of how the {rows.height} judged conversions ended.",)
    own = [_own(rows, name) for name in judges]
    payout = rows["payout"].to_numpy()
    conversions, clicks = (bench.snapshot.frame(kind).collect() for kind in (Kind.CONVERSIONS, Kind.CLICKS))
    presets = preset_peers(rows, conversions, clicks if clicks.height else None)
    features = [name for name in played.matrix.columns if name not in IDENTITY]
    money = float(payout[own[0].stopped].sum())
    detectors = detector_peers(played.matrix.select(features), payout, money, settings.seed)
    absent = () if detectors else ("PyOD is not installed, so its detectors are not in the table: pip install pyod.",)
    resampling = Resampling(settings.level, settings.draws, settings.seed)
    return measured(rows, [*own, *presets, *detectors], resampling, settings.thresholds), absent


def _with_truth(rows: pl.DataFrame, truth: Truth) -> pl.DataFrame:
    """Add bad, kind and known_before; what was known when it was decided counts as unknown."""
    rows = rows.join(truth.rows, on="conversion_id", how="left", maintain_order="left")
    before = ((pl.col("known_us") < pl.col("moment_us")) & (pl.col("bad") == 1)).fill_null(value=False)
    return rows.with_columns(known_before=before).with_columns(
        bad=pl.when(~pl.col("known_before")).then("bad"), kind=pl.when(~pl.col("known_before")).then("kind")
    )


def _own(rows: pl.DataFrame, name: str) -> Peer:
    titles = {CHAMPION: "winnow", EARLIER: "winnow, taught on earlier days"}
    scores = rows[f"score {name}"].cast(pl.Float64).to_numpy()
    stopped = rows[f"stopped {name}"].fill_null(value=True).to_numpy()
    return Peer(name, titles[name], "winnow", stopped, np.asarray(scores, dtype=np.float64))


def _injection(bench: _Bench, champion: TaughtJudge, progress: Progress) -> Injection:
    settings = bench.workspace.settings
    first = max(bench.first, bench.last - timedelta(days=WINDOW_DAYS - 1))
    end = datetime.combine(bench.last + timedelta(days=1), time(), UTC)
    traffic = working_traffic(bench.snapshot, first, bench.last, end)
    total = settings.evaluation.injected_copies
    return injected_fraud(
        traffic,
        (_lookups(bench, bench.last), day_number(bench.last)),
        champion,
        (settings.decisions, settings.evaluation),
        lambda done: progress.step("injecting fraud", done, total),
    )
