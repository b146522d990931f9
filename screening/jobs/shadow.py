"""What a scan notices beside its decisions: how the challenger would have decided, and how far features have moved.

Nothing here acts: a challenger that cannot be read, or a reference that is not there, is noted and the scan goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from models.drift import Limits, Moved, Movement, Sketch, moved, sketch
from models.taught import TaughtJudge
from screening.errors import WinnowError
from screening.settings.drift import DriftSettings
from screening.store import ModelRecord, Records
from screening.store.observations import DRIFT, REFERENCE, SHADOW, Observation
from screening.store.registry import CHALLENGER
from screening.traffic.champion import MODEL, Champion, load_champion
from screening.traffic.gather import Gathered
from screening.traffic.scan import Judged, judge
from screening.workspace import Workspace

SCORE = "score"
"""Name under which the model's score is watched beside its features."""
_SOURCE = ("affiliate_id", "offer_id", "sub_id", "to")


def noticed(
    workspace: Workspace, records: Records, judged: tuple[Gathered, Judged, Champion], run_id: str
) -> list[Observation]:
    """Return what the scan `run_id` noticed, to be stored with it."""
    gathered, decided, champion = judged
    found = [
        Observation(run_id, SHADOW, model.version, _shadow(workspace, gathered, decided, model))
        for model in records.models.all(MODEL)
        if model.role == CHALLENGER
    ]
    return [*found, *_drift(records, (gathered, decided), champion, (run_id, workspace.settings.drift))]


def sketch_of(matrix: pl.DataFrame, taught: TaughtJudge) -> Sketch:
    """Sketch the features that a judge looks at, and its scores, over the rows of a matrix."""
    return _sketch(matrix.with_columns(pl.Series(SCORE, taught.score(matrix))), taught)


def _sketch(scored: pl.DataFrame, taught: TaughtJudge) -> Sketch:
    return sketch(scored, (*taught.features, SCORE), scored["affiliate_id"])


def _drift(
    records: Records, judged: tuple[Gathered, Judged], champion: Champion, of: tuple[str, DriftSettings]
) -> Iterator[Observation]:
    run_id, settings = of
    gathered, decided = judged
    matrix = gathered.prepared.matrix
    scores = champion.judge.score(matrix) if decided.scores is None else decided.scores
    matrix = matrix.with_columns(pl.Series(SCORE, scores))
    known = records.observations.newest(REFERENCE, champion.digest, 1)
    if not known:
        reference = _sketch(matrix, champion.judge)
        details = {**reference.as_data(), **_days(gathered)}
        yield Observation(run_id, REFERENCE, champion.digest, details)
        return
    reference = Sketch.of_data(known[0].details)
    limits = Limits(settings.index_min, settings.chance_max, settings.affiliates_min)
    moves = moved(reference, matrix, matrix["affiliate_id"], limits)
    states = {str(state): sum(move.movement is state for move in moves) for state in Movement}
    score = next((move for move in moves if move.column == SCORE), None)
    details = {
        **_days(gathered),
        "reference_run": known[0].run_id,
        "reference_from": known[0].details["from"],
        "reference_to": known[0].details["to"],
        "columns": states,
        "score": None if score is None else _said(score),
        "moved": [_said(move) for move in moves if move.movement is Movement.DRIFTED][: settings.columns_kept],
    }
    yield Observation(run_id, DRIFT, champion.digest, details)


def _days(gathered: Gathered) -> dict[str, str]:
    return {"from": str(gathered.period.window_first), "to": str(gathered.period.last)}


def _said(move: Moved) -> dict[str, Any]:
    values = asdict(move)
    return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in values.items()}


def _shadow(workspace: Workspace, gathered: Gathered, decided: Judged, model: ModelRecord) -> dict[str, Any]:
    try:
        challenger = load_champion(workspace.folder("models"), model.digest)
    except WinnowError as error:
        return {"digest": model.digest, "error": str(error)}
    other = judge(gathered, challenger.judge, workspace.settings.decisions)
    return {"digest": model.digest, "error": None, **compared(decided, other)}


def compared(champion: Judged, challenger: Judged) -> dict[str, Any]:
    """Say how two judgements of the same conversions differ: counts, and payout as text by currency."""
    both = champion.decisions.join(
        challenger.decisions.select("conversion_id", other="decision"), on="conversion_id", how="inner"
    ).with_columns(currency=pl.col("currency").fill_null(""))
    stopped, other = pl.col("decision") != "pay", pl.col("other") != "pay"
    cases = {
        "both_stop": stopped & other,
        "only_champion_stops": stopped & ~other,
        "only_challenger_stops": ~stopped & other,
        "both_pay": ~stopped & ~other,
    }
    money = {
        name: {currency: str(total) for currency, total in _payout(both.filter(which))} for name, which in cases.items()
    }
    flagged = [set(frame.filter("flagged").select(_SOURCE).rows()) for frame in (champion.sources, challenger.sources)]
    return {
        "conversions": both.height,
        "agreed": int((both["decision"] == both["other"]).sum()),
        **{name: int(both.select(which.sum()).item() or 0) for name, which in cases.items()},
        "payout": money,
        "sources_both_flag": len(flagged[0] & flagged[1]),
        "sources_only_champion_flags": len(flagged[0] - flagged[1]),
        "sources_only_challenger_flags": len(flagged[1] - flagged[0]),
    }


def _payout(rows: pl.DataFrame) -> Iterator[tuple[str, Any]]:
    yield from rows.group_by("currency").agg(pl.col("payout").sum()).sort("currency").iter_rows()
