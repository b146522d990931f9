"""Evaluate, and write the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.metrics import Estimate
from screening.jobs.evaluate import Evaluated, Wanted, evaluate
from screening.jobs.evaluation.injected import WINNOW
from screening.jobs.evaluation.page import data, interval, page, share
from screening.jobs.progress import Progress
from screening.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Reported:
    """An evaluation, the report about it, and what to say of it in short."""

    evaluated: Evaluated
    path: Path
    data: dict[str, Any]
    lines: tuple[str, ...]


def report(workspace: Workspace, wanted: Wanted, now: datetime, progress: Progress) -> Reported:
    """Evaluate and write reports/evaluation-TIME.html. Raises as `evaluate`."""
    evaluated = evaluate(workspace, wanted, now, progress)
    settings = workspace.settings.evaluation.model_dump(include={"level", "draws", "every_days"})
    path = workspace.folder("reports") / f"evaluation-{now:%Y%m%dT%H%M%SZ}.html"
    path.write_text(page(evaluated, settings), encoding="utf-8")
    return Reported(evaluated, path, data(evaluated), tuple(_lines(evaluated, path)))


def _lines(evaluated: Evaluated, path: Path) -> list[str]:
    simulated = " (simulated)" if evaluated.simulated else ""
    lines = [f"{evaluated.champion} on {evaluated.first} to {evaluated.last}, against {evaluated.truth}{simulated}:"]
    if evaluated.figures:
        known = evaluated.figures.denominators
        payouts = f"bad {known.bad_payout:,.2f}, clean {known.clean_payout:,.2f}, unknown {known.unknown_payout:,.2f}"
        lines.append(f"  payout: {payouts}")
        lines.append(f"  {'':34} {'bad payout stopped':>26} {'clean payout stopped':>26}")
        lines += [
            f"  {method.title:34} {_told(method.stopping.recall):>26} {_told(method.stopping.clean_stopped):>26}"
            for method in evaluated.figures.methods
        ]
    if evaluated.injection and evaluated.injection.together:
        held = evaluated.injection.together.held[WINNOW]
        lines.append(f"  of fraud injected into the own traffic it would hold {_told(held)} of the payout")
    return [*lines, *(f"  {remark}" for remark in evaluated.remarks), f"Report: {path}"]


def _told(found: Estimate) -> str:
    return f"{share(found.value)} ({interval(found)})" if interval(found) else share(found.value)
