"""The anomaly judge's fit and score, beside PyOD's detectors at their defaults on the same rows.

    python benchmarks/bench_judges.py --size 20k

How well they find anomalies is another question, answered by benchmarks/adbench.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
from measuring import WINNOW, Bench, Way, run

COLUMNS = 40


def prepare(folder: Path, rows: int) -> None:
    """Draw rows of correlated, skewed columns, a fiftieth of them odd, some values missing."""
    draw = np.random.default_rng(5)
    hidden = draw.normal(size=(rows, 8)) @ draw.normal(size=(8, COLUMNS))
    values = np.exp(0.5 * (hidden + draw.normal(size=(rows, COLUMNS))))
    odd = draw.random(rows) < 0.02
    values[odd] *= np.exp(draw.normal(1.5, 1.0, (int(odd.sum()), COLUMNS)))
    np.save(folder / "values.npy", values)


def judge(folder: Path) -> int:
    from models.anomaly import AnomalyJudge  # noqa: PLC0415 - each way imports its own

    names = tuple(f"f{number}" for number in range(COLUMNS))
    rows = pl.DataFrame(np.load(folder / "values.npy"), schema=list(names))
    return int(np.isfinite(AnomalyJudge(names).fit(rows, seed=0).score(rows)).sum())


def detector(folder: Path, name: str) -> int:
    from importlib import import_module  # noqa: PLC0415

    values = np.load(folder / "values.npy")
    fitted = getattr(import_module(f"pyod.models.{name.lower()}"), name)().fit(values)
    return int(np.isfinite(fitted.decision_function(values)).sum())


BENCH = Bench(
    name="judges",
    title="Judges: fit on all rows, score them",
    prepare=prepare,
    size=20_000,
    unit=f"rows of {COLUMNS} columns",
    ways={
        WINNOW: Way(judge),
        **{
            f"pyod {name}": Way(lambda folder, name=name: detector(folder, name))
            for name in ("ECOD", "COPOD", "HBOS", "IForest", "PCA")
        },
        "pyod KNN": Way(lambda folder: detector(folder, "KNN"), repeats=1),
    },
    notes=("winnow's judge is an ensemble of several detectors, each calibrated; PyOD's are single ones.",),
)

if __name__ == "__main__":
    sys.exit(run(BENCH))
