"""The measured error rate and drift as figures for the first page.

Measuring reads the sources of many scans, so the sentences are kept for an hour, and anew after each scan.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime

from models.metrics import Estimate
from screening.errors import WinnowError
from screening.jobs.drift import drift
from screening.jobs.quality import Quality, quality
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure in words, with what it rests on."""

    name: str
    value: str
    note: str


def figures(workspace: Workspace, scan_id: str, now: datetime) -> tuple[Figure, ...]:
    """Return the figures of the newest scan, measured within the last hour."""
    key = hashlib.sha256(f"{scan_id} {now:%Y-%m-%d %H}".encode()).hexdigest()[:24]
    kept = workspace.folder("reports") / "panels" / f"figures-{key}.json"
    if kept.is_file():
        return tuple(Figure(**item) for item in json.loads(kept.read_text("utf-8")))
    measured = (*_measured(workspace, now), _of_drift(workspace, scan_id))
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(json.dumps([asdict(figure) for figure in measured]), encoding="utf-8")
    draft.replace(kept)
    return measured


def _measured(workspace: Workspace, now: datetime) -> tuple[Figure, ...]:
    try:
        return _of_quality(quality(workspace, now))
    except (WinnowError, ValueError) as error:
        # a scan of an older winnow may not say what measuring needs; the page has to open all the same
        said = f"It cannot be measured: {str(error).splitlines()[0]}"
        return (Figure("Stopped money that is fraud", "not known", said),)


def _of_quality(found: Quality) -> tuple[Figure, ...]:
    answers, precision, recall, appeals = found.sentences()
    return (
        Figure("Stopped money that is fraud", _share(found.rate.precision), precision),
        Figure("Fraud that is stopped", _share(found.rate.recall), recall),
        Figure("Audit draw answered", f"{found.answered} of {found.drawn}", f"{answers} {appeals}"),
    )


def _of_drift(workspace: Workspace, scan_id: str) -> Figure:
    seen = drift(workspace, scan_id)
    if seen is None:
        return Figure("Drift", "not known", "This scan was made by a winnow that did not look.")
    if seen.is_reference:
        return Figure("Drift", "reference", seen.sentence())
    value = "drifted" if seen.drifted else "steady" if seen.steady else "not known"
    return Figure("Drift", value, seen.sentence())


def _share(found: Estimate | None) -> str:
    return "not measured yet" if found is None else f"{found.value:.0%} ({found.low:.0%} to {found.high:.0%})"
