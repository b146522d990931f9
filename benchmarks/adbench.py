"""The anomaly judge on ADBench's tabular sets beside PyOD's detectors at their defaults, in one run.

    python benchmarks/adbench.py ../shared/data/anomaly/adbench_dev

reads *.npz (arrays X and y) from that folder, prints the table and writes it to benchmarks/results/adbench.json and
adbench.md. Protocol: every detector is fitted on all of X without labels and scores the same rows; at most 5,000 rows
of a set, the same rows and seed for all; means over seeds, then over sets. Detectors that depend on features' scales
run twice, on raw and on standardised features, and both are listed. Where a detector fails, or needs more than 200 s of
processor time, it counts as guessing (AUROC 0.5, AP the share of anomalies); the table says how often that happened.

    --runs FILE   keeps every run in FILE and does not repeat those that it has, so that it can be stopped and go on
    --only SET    runs that set only and writes no table
    --vary        runs the judge alone, with each of its constants changed, to show how little hangs on them
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
from pyod.models.abod import ABOD
from pyod.models.cblof import CBLOF
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.models.gmm import GMM
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.inne import INNE
from pyod.models.kde import KDE
from pyod.models.knn import KNN
from pyod.models.loda import LODA
from pyod.models.lof import LOF
from pyod.models.mcd import MCD
from pyod.models.ocsvm import OCSVM
from pyod.models.pca import PCA
from pyod.models.qmcd import QMCD
from pyod.models.sampling import Sampling
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from models import anomaly, anomaly_detectors
from models.anomaly import AnomalyJudge

RESULTS = Path(__file__).parent / "results"
ROWS = 5_000
SECONDS = 200
"""Limit of processor time for one fit and scoring."""
SEEDED = (CBLOF, GMM, IForest, INNE, MCD, PCA, Sampling)
ANY_SCALE = (COPOD, ECOD, HBOS, IForest, MCD, PCA, QMCD)
"""These do not depend on the scale of features, or standardise by themselves."""
SCALED = (ABOD, CBLOF, GMM, INNE, KDE, KNN, LODA, LOF, OCSVM, Sampling)
CHANGES: tuple[tuple[ModuleType, str, tuple[float, ...]], ...] = (
    (anomaly_detectors, "TREES", (100, 400)),
    (anomaly_detectors, "TREE_ROWS", (128, 512)),
    (anomaly_detectors, "BAGS", (50, 200)),
    (anomaly_detectors, "BAG_ROWS", (8, 32)),
    (anomaly_detectors, "CLEAN_SHARE", (0.6, 0.9)),
    (anomaly_detectors, "SATURATION", (3.0, 12.0)),
    (anomaly, "NEIGHBOURS", (5, 20)),
    (anomaly, "OWN_WEIGHT", (0.5, 1.0)),
)
Detector = Callable[[np.ndarray, int], np.ndarray]


class TooSlowError(Exception):
    pass


def read(path: Path, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return X and y of a set, at most `rows` of them, drawn with `seed`."""
    with np.load(path) as arrays:
        features, labels = arrays["X"].astype(float), arrays["y"].astype(int)
    if len(features) > rows:
        chosen = np.random.default_rng(seed).choice(len(features), rows, replace=False)
        features, labels = features[chosen], labels[chosen]
    return features, labels


def winnow(features: np.ndarray, seed: int) -> np.ndarray:
    """Score with the anomaly judge."""
    frame = pl.DataFrame(features, schema=[f"f{place}" for place in range(features.shape[1])])
    return AnomalyJudge(tuple(frame.columns)).fit(frame, seed=seed).score(frame)


def peers() -> dict[str, Detector]:
    """Return PyOD's detectors by name."""

    def run(kind: type, *, scaled: bool) -> Detector:
        def scores(features: np.ndarray, seed: int) -> np.ndarray:
            np.random.seed(seed)  # some draw from the global generator
            detector = kind(random_state=seed) if kind in SEEDED else kind()
            given = StandardScaler().fit_transform(features) if scaled else features
            return detector.fit(given).decision_scores_

        return scores

    found = {kind.__name__: run(kind, scaled=False) for kind in ANY_SCALE}
    for kind in SCALED:
        found[f"{kind.__name__}, raw"] = run(kind, scaled=False)
        found[f"{kind.__name__}, standardised"] = run(kind, scaled=True)
    return found


def measured(detector: Detector, features: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, Any]:
    """Return AUROC, AP and seconds of one run; guessing when the detector fails."""
    started = time.process_time()
    try:
        with _limited(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = np.asarray(detector(features, seed), dtype=float)
        failed = "scored NaN" if np.isnan(scores).any() else ""
    except Exception as problem:  # noqa: BLE001 - whatever a peer raises is a result to report
        failed = f"{type(problem).__name__}: {problem}"[:200]
    spent = time.process_time() - started
    if failed:
        return {"auroc": 0.5, "ap": float(labels.mean()), "seconds": spent, "failed": failed}
    scores = np.nan_to_num(scores, posinf=np.finfo(float).max, neginf=np.finfo(float).min)
    auroc, ap = roc_auc_score(labels, scores), average_precision_score(labels, scores)
    return {"auroc": auroc, "ap": ap, "seconds": spent, "failed": ""}


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooSlowError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def run(
    paths: list[Path], detectors: dict[str, Detector], rows: int, seeds: int, kept: Path | None = None
) -> list[dict[str, Any]]:
    """Run every detector on every set and seed; one dictionary per run. Runs in `kept` are read, new ones added."""
    runs = [json.loads(line) for line in kept.read_text().splitlines()] if kept and kept.is_file() else []
    done = {(row["detector"], row["set"], row["seed"]) for row in runs}
    for path in paths:
        for seed in range(seeds):
            features, labels = read(path, rows, seed)
            if labels.all() or not labels.any():
                print(f"# {path.stem}, seed {seed}: the rows drawn are all of one class, left out", flush=True)
                continue
            for name, detector in detectors.items():
                if (name, path.stem, seed) in done:
                    continue
                found = measured(detector, features, labels, seed)
                runs.append({"detector": name, "set": path.stem, "seed": seed, **found})
                if kept:
                    with kept.open("a") as stream:
                        stream.write(json.dumps(runs[-1]) + "\n")
        print(f"# {path.stem} done", flush=True)
    return runs


def varied(paths: list[Path], rows: int, seeds: int) -> list[dict[str, Any]]:
    """Run the judge with each constant changed, one at a time."""
    runs = []
    for module, name, values in CHANGES:
        usual = getattr(module, name)
        for value in values:
            setattr(module, name, value)
            runs += run(paths, {f"{name} {usual:g} -> {value:g}": winnow}, rows, seeds)
        setattr(module, name, usual)
    return runs


def per_set(runs: list[dict[str, Any]]) -> pl.DataFrame:
    """Return mean AUROC and AP per detector and set."""
    grouped = pl.DataFrame(runs).group_by("detector", "set", maintain_order=True)
    return grouped.agg(
        pl.col("auroc", "ap").mean(), pl.col("seconds").median(), failures=(pl.col("failed") != "").sum()
    )


def summary(table: pl.DataFrame) -> pl.DataFrame:
    """Return per detector the means and medians over sets, best mean AUROC first."""
    return (
        table.group_by("detector")
        .agg(
            auroc=pl.col("auroc").mean(),
            ap=pl.col("ap").mean(),
            median_auroc=pl.col("auroc").median(),
            median_ap=pl.col("ap").median(),
            median_seconds=pl.col("seconds").median(),
            failures=pl.col("failures").sum(),
        )
        .sort("auroc", descending=True)
    )


def leave_one_out(table: pl.DataFrame) -> dict[str, float]:
    """Return the smallest lead of the judge over the best peer when any one set is left out, and on random halves.

    A lead that hangs on a few sets, or on choices made for them, would vanish in some of these.
    """
    found: dict[str, float] = {}
    rng = np.random.default_rng(0)
    for measure in ("auroc", "ap"):
        wide = table.pivot(on="detector", index="set", values=measure)
        own = wide["winnow anomaly"].to_numpy()
        others = wide.drop("set", "winnow anomaly").to_numpy()
        keep = ~np.eye(len(own), dtype=bool)
        found[f"{measure}_least_lead_without_one_set"] = min(own[k].mean() - others[k].mean(axis=0).max() for k in keep)
        halves = [rng.permutation(len(own))[: len(own) // 2] for _ in range(2_000)]
        ahead = [own[half].mean() > others[half].mean(axis=0).max() for half in halves]
        found[f"{measure}_ahead_on_random_halves"] = float(np.mean(ahead))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--only")
    parser.add_argument("--vary", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.glob("*.npz"), key=lambda path: int(path.stem.split("_")[0]))
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.vary:
        runs = varied(paths, arguments.rows, arguments.seeds)
        table = per_set(runs)
        _write(arguments.out / "adbench_varied", table, _means(summary(table)), {})
        return
    if arguments.only:
        paths = [path for path in paths if path.stem == arguments.only]
    runs = run(paths, {"winnow anomaly": winnow, **peers()}, arguments.rows, arguments.seeds, arguments.runs)
    if arguments.only:
        return
    table = per_set(runs)
    robust = leave_one_out(table)
    _write(arguments.out / "adbench", table, _means(summary(table)) + _robust(robust) + _sets(table), robust)


def _write(stem: Path, table: pl.DataFrame, text: str, robust: dict[str, float]) -> None:
    text += "\nVersions: " + ", ".join(f"{name} {number}" for name, number in _versions().items()) + ".\n"
    print(text)
    stem.with_suffix(".md").write_text(text)
    rows = table.with_columns(pl.selectors.float().round(4)).to_dicts()
    lines = ",\n".join(json.dumps(row) for row in rows)
    head = f'"versions": {json.dumps(_versions())},\n"robustness": {json.dumps(robust)}'
    stem.with_suffix(".json").write_text(f'{{{head},\n"sets": [\n{lines}\n]}}\n')


def _versions() -> dict[str, str]:
    named = {name: version(name) for name in ("numpy", "polars", "pyod", "scikit-learn", "scipy", "winnow")}
    return {"python": platform.python_version(), **named}


def _means(rows: pl.DataFrame) -> str:
    lines = [
        "| detector | mean AUROC | mean AP | median AUROC | median AP | median CPU seconds | failed runs |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows.iter_rows(named=True):
        numbers = " | ".join(f"{row[name]:.3f}" for name in ("auroc", "ap", "median_auroc", "median_ap"))
        lines.append(f"| {row['detector']} | {numbers} | {row['median_seconds']:.2f} | {row['failures']} |")
    return "\n".join(lines) + "\n"


def _robust(robust: dict[str, float]) -> str:
    lead_auroc, lead_ap = (robust[f"{name}_least_lead_without_one_set"] for name in ("auroc", "ap"))
    ahead_auroc, ahead_ap = (robust[f"{name}_ahead_on_random_halves"] for name in ("auroc", "ap"))
    return (
        f"\nLeast lead over the best peer when any one set is left out: AUROC {lead_auroc:+.3f}, AP {lead_ap:+.3f}. "
        f"Ahead of every peer on {ahead_auroc:.0%} (AUROC) and {ahead_ap:.0%} (AP) of 2,000 random halves.\n"
    )


def _sets(table: pl.DataFrame) -> str:
    best = (
        table.filter(pl.col("detector") != "winnow anomaly")
        .group_by("set", maintain_order=True)
        .agg(pl.col("auroc").max(), pl.col("ap").max())
    )
    own = table.filter(pl.col("detector") == "winnow anomaly").join(
        best, on="set", suffix="_best", maintain_order="left"
    )
    lines = ["\n| set | AUROC | best peer there | AP | best peer there |", "|---|---|---|---|---|"]
    for row in own.iter_rows(named=True):
        numbers = " | ".join(f"{row[name]:.3f}" for name in ("auroc", "auroc_best", "ap", "ap_best"))
        lines.append(f"| {row['set']} | {numbers} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
