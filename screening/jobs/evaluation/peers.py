"""What people use instead, on the same conversions in the same run: presets of vendors, and PyOD's detectors."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import polars as pl
from sklearn.preprocessing import StandardScaler

from models.metrics import at_same_money
from models.presets import PRESETS, held_by
from models.stats import Floats

DETECTORS: Mapping[str, str] = {
    "IForest": "pyod.models.iforest",
    "INNE": "pyod.models.inne",
    "HBOS": "pyod.models.hbos",
    "ECOD": "pyod.models.ecod",
    "KNN": "pyod.models.knn",
}
"""PyOD's detectors that lead its own comparisons and take thousands of rows, and where they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """What another method does. `stopped` and `scores` (None: it gives none) are of the rows, in their order."""

    name: str
    title: str
    group: str
    stopped: np.ndarray
    scores: Floats | None
    remark: str = ""


def preset_peers(rows: pl.DataFrame, conversions: pl.DataFrame, clicks: pl.DataFrame | None) -> list[Peer]:
    """Apply every preset to all canonical conversions and return what it does with those in `rows`."""
    peers = []
    for preset in PRESETS.values():
        held = held_by(preset, conversions, clicks).select("conversion_id", "held")
        of_rows = rows.select("conversion_id").join(held, on="conversion_id", how="left", maintain_order="left")["held"]
        untold = of_rows.null_count() / max(len(of_rows), 1)
        remark = f"cannot tell for {untold:.0%} of the conversions and pays them" if untold else ""
        stopped = of_rows.fill_null(value=False).to_numpy()
        peers.append(Peer(preset.name, preset.title, "vendor preset", stopped, None, remark))
    return peers


def detector_peers(matrix: pl.DataFrame, payout: Floats, money: float, seed: int) -> list[Peer]:
    """Fit PyOD's detectors on the features of the rows and let each stop its worst until `money` is reached.

    Returns none when PyOD is not installed. They see the features that winnow's judges see, standardised, with the
    median in place of what is unknown.
    """
    if find_spec("pyod") is None:
        return []
    values = _filled(matrix)
    peers = []
    for name, module in DETECTORS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of another library, about its own insides
            kind = getattr(importlib.import_module(module), name)
            seeded = "random_state" in kind.__init__.__code__.co_varnames
            np.random.seed(seed)  # some draw from the global generator
            detector = kind(random_state=seed) if seeded else kind()
            scores = np.nan_to_num(np.asarray(detector.fit(values).decision_scores_, dtype=np.float64))
        peers.append(Peer(name, f"PyOD {name}", "PyOD", at_same_money(scores, payout, money), scores))
    return peers


def _filled(matrix: pl.DataFrame) -> Floats:
    # single precision, as winnow's trees see them: sums in another order then give the same ranks and ties
    values = matrix.select(pl.all().cast(pl.Float32)).to_numpy().astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    values = values[:, ~np.isnan(values).all(axis=0)]
    values = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    return np.asarray(StandardScaler().fit_transform(values[:, np.ptp(values, axis=0) > 0]), dtype=np.float64)
