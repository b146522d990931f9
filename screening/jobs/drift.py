"""How far features and scores have moved since the model's reference, as scans recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from models.drift import Movement
from screening.store import LATEST, open_store
from screening.store.observations import DRIFT, REFERENCE
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class MovedColumn:
    """A feature, or `score`, that has moved. `index` is the population stability index, `adjusted_p` 0..1."""

    column: str
    index: float
    adjusted_p: float
    missing_before: float
    missing_now: float


@dataclass(frozen=True, slots=True)
class DriftSeen:
    """What one scan noticed.

    `reference_*` is what it compares with: the days that the model was taught on, or those of its first scan.
    `is_reference`: this scan is the reference itself, so nothing can have moved. `steady`, `drifted` and `unknown`
    count columns. `score` is `steady`, `drifted` or `unknown`. `moved` are the columns that moved, the farthest first.
    """

    run_id: str
    first: date
    last: date
    is_reference: bool
    reference_first: date
    reference_last: date
    steady: int
    drifted: int
    unknown: int
    score: str
    moved: tuple[MovedColumn, ...]

    def sentence(self) -> str:
        """Say it in words, for people."""
        days = f"{self.reference_first} to {self.reference_last}"
        if self.is_reference:
            return f"This scan is the first of its model: later ones are compared with its days, {days}."
        if self.unknown and not self.steady and not self.drifted:
            return f"Too few affiliates to say whether anything has moved since {days}."
        if not self.drifted:
            return f"Nothing has moved since {days}: {self.steady} columns are steady."
        score = "; the scores have moved too" if self.score == Movement.DRIFTED else ""
        return f"{self.drifted} of {self.steady + self.drifted} columns have moved since {days}{score}."


def drift(workspace: Workspace, run_id: str = LATEST) -> DriftSeen | None:
    """Return what a scan noticed of drift; None: it was made by a winnow that did not look.

    Raises InputError when there is no such run.
    """
    with open_store(workspace.store_url) as store:
        run = store.run(run_id)
        seen = {found.kind: found.details for found in store.observations.of_run(run.run_id)}
    if DRIFT in seen:
        return _drift(run.run_id, seen[DRIFT])
    return _reference(run.run_id, seen[REFERENCE]) if REFERENCE in seen else None


def _drift(run_id: str, details: Mapping[str, Any]) -> DriftSeen:
    columns, score = details["columns"], details["score"]
    moved = tuple(
        MovedColumn(**{name: entry[name] for name in MovedColumn.__dataclass_fields__}) for entry in details["moved"]
    )
    return DriftSeen(
        run_id=run_id,
        first=date.fromisoformat(details["from"]),
        last=date.fromisoformat(details["to"]),
        is_reference=False,
        reference_first=date.fromisoformat(details["reference_from"]),
        reference_last=date.fromisoformat(details["reference_to"]),
        steady=columns[Movement.STEADY],
        drifted=columns[Movement.DRIFTED],
        unknown=columns[Movement.UNKNOWN],
        score=str(Movement.UNKNOWN) if score is None else score["movement"],
        moved=moved,
    )


def _reference(run_id: str, details: Mapping[str, Any]) -> DriftSeen:
    first, last = date.fromisoformat(details["from"]), date.fromisoformat(details["to"])
    count = len(details["columns"])
    return DriftSeen(
        run_id=run_id,
        first=first,
        last=last,
        is_reference=True,
        reference_first=first,
        reference_last=last,
        steady=count,
        drifted=0,
        unknown=0,
        score=str(Movement.STEADY),
        moved=(),
    )
