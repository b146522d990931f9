"""The judge of rates on the six ad-exchange series of the Numenta Anomaly Benchmark, beside PyOD's detectors.

    python benchmarks/nab.py ../shared/data/traffic

reads nab_realAdExchange/*.csv and nab_windows.json below that folder, prints the table and writes it to
benchmarks/results/nab.json and nab.md. Protocol: no labels and no tuning per series; AUROC of the per-hour scores
against hours inside labelled windows. winnow only looks back: an hour is judged with data up to the end of its day. The
PyOD detectors get the advantage of the whole series: windows of 24 hours of the logarithm, fitted on all of them, the
score of a window given to the hour in its middle (so they see 12 hours ahead). Hours that winnow cannot judge (first
week) are left out for all.

    --vary    runs the judge alone, with each of its constants changed, to show how little hangs on them
"""

from __future__ import annotations

import argparse
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.lof import LOF
from pyod.models.ocsvm import OCSVM
from pyod.models.pca import PCA
from sklearn.metrics import average_precision_score, roc_auc_score

from models import series
from models.series import HOURS, SeriesJudge

RESULTS = Path(__file__).parent / "results"
PUBLISHED = {"POLY": 0.717, "OCSVM": 0.669, "LOF": 0.644, "IForest": 0.616}
"""Mean AUROC on these six series that others have published; protocols differ in detail (windows, smoothing)."""
CHANGES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("PAST_DAYS", (28, 42, 84)),
    ("NEIGHBOURS", (1, 2, 5)),
    ("LOG_FLOOR", (3.0, 30.0)),
    ("SPANS_DAYS", ((1,), (2,), (1, 2, 3), (1, 2, 7))),
)
WARM_UP_DAYS = 1
"""Days given to `fit`; all later ones are learned and judged in passing, each after it was judged."""


def read(folder: Path) -> list[tuple[str, pl.DataFrame, np.ndarray]]:
    """Return name, rows (series, ts, value) and 0/1 labels of each series."""
    windows = json.loads((folder / "nab_windows.json").read_text())
    found = []
    for path in sorted((folder / "nab_realAdExchange").glob("*.csv")):
        rows = pl.read_csv(path, try_parse_dates=True).select(
            series=pl.lit(path.stem), ts=pl.col("timestamp").dt.replace_time_zone("UTC"), value="value"
        )
        spans = [
            [pl.lit(edge).str.to_datetime(time_zone="UTC", time_unit="us") for edge in span]
            for span in windows[f"realAdExchange/{path.name}"]
        ]
        inside = pl.any_horizontal(pl.col("ts").is_between(first, last) for first, last in spans)
        found.append((path.stem, rows, rows.select(inside).to_series().to_numpy().astype(int)))
    return found


def judged(folder: Path) -> list[dict[str, Any]]:
    """Judge each series and measure it; one dictionary per series."""
    table = []
    for name, rows, labels in read(folder):
        warm_up = rows.filter(pl.col("ts") < rows["ts"].min() + pl.duration(days=WARM_UP_DAYS))
        scores = SeriesJudge().fit(warm_up, seed=0).score(rows)
        known = ~np.isnan(scores)
        neutral = np.where(known, scores, np.nanmedian(scores))
        table.append(
            {
                "series": name,
                "hours": len(rows),
                "unknown": int((~known).sum()),
                "labelled": int(labels.sum()),
                "auroc": roc_auc_score(labels[known], scores[known]),
                "auroc_unknown_as_median": roc_auc_score(labels, neutral),
                "ap": average_precision_score(labels[known], scores[known]),
                "known": known,
            }
        )
    return table


def peers(folder: Path, table: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the AUROC per series of PyOD's detectors on windows of a day."""
    seeded = {"IForest": IForest(random_state=0), "PCA": PCA(random_state=0)}
    found: dict[str, list[float]] = {}
    for (_, rows, labels), row in zip(read(folder), table, strict=True):
        values = np.log(np.maximum(rows["value"].to_numpy(), 1e-4))
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(values, (HOURS // 2, HOURS // 2 - 1), mode="edge"), HOURS
        )
        for name, detector in {**seeded, "HBOS": HBOS(), "KNN": KNN(), "LOF": LOF(), "OCSVM": OCSVM()}.items():
            scores = detector.fit(windows).decision_scores_
            found.setdefault(name, []).append(roc_auc_score(labels[row["known"]], scores[row["known"]]))
    return found


def varied(folder: Path) -> str:
    """Return the mean AUROC with each constant changed, one at a time, as a table."""
    lines = ["| changed | mean AUROC |", "|---|---|"]
    for name, values in CHANGES:
        usual = getattr(series, name)
        for value in values:
            setattr(series, name, value)
            mean = np.mean([row["auroc"] for row in judged(folder)])
            lines.append(f"| {name} {usual} -> {value} | {mean:.3f} |")
        setattr(series, name, usual)
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vary", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.vary:
        text = varied(arguments.folder)
        print(text)
        (arguments.out / "nab_varied.md").write_text(text)
        return
    table = judged(arguments.folder)
    beside = peers(arguments.folder, table)
    text = _markdown(table, beside)
    print(text)
    (arguments.out / "nab.md").write_text(text)
    rows = [{key: value for key, value in row.items() if key != "known"} for row in table]
    document = {"versions": _versions(), "winnow": rows, "pyod": beside, "published": PUBLISHED}
    (arguments.out / "nab.json").write_text(json.dumps(document, indent=1) + "\n")


def _versions() -> dict[str, str]:
    named = {name: version(name) for name in ("numpy", "polars", "pyod", "scikit-learn", "winnow")}
    return {"python": platform.python_version(), **named}


def _markdown(table: list[dict[str, Any]], beside: dict[str, list[float]]) -> str:
    lines = ["| detector | mean AUROC | median | " + " | ".join(row["series"] for row in table) + " |"]
    lines.append("|---|---|---|" + "---|" * len(table))
    measured = {"winnow series": [row["auroc"] for row in table], **beside}
    for name, values in sorted(measured.items(), key=lambda item: -float(np.mean(item[1]))):
        each = " | ".join(f"{value:.3f}" for value in values)
        lines.append(f"| {name} | {np.mean(values):.3f} | {np.median(values):.3f} | {each} |")
    lines += [
        f"| {name}, as published | {value:.3f} | | " + " | " * (len(table) - 1) + " |"
        for name, value in PUBLISHED.items()
    ]
    neutral = np.mean([row["auroc_unknown_as_median"] for row in table])
    unknown = sum(row["unknown"] for row in table) / sum(row["hours"] for row in table)
    lines.append(
        f"\nwinnow left {unknown:.1%} of the hours unknown; counted as typical hours, its mean AUROC is {neutral:.3f}."
    )
    lines.append("Versions: " + ", ".join(f"{name} {number}" for name, number in _versions().items()) + ".")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
