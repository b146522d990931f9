"""How far features and scores have moved from a reference, without mistaking noise or one big partner for a change.

A sketch keeps each column's deciles in a reference and how many rows lay between them; missing values are a bin of
their own. Later rows are counted into the same bins. The population stability index (Lewis 1994; Siddiqi 2006, from
0.25 on a shift that matters) says how large the change is, a chi-squared test whether it can be chance. Conversions of
one affiliate are alike, so rows count as Kish's effective number of affiliates (Rao and Scott 1981, first order), and
the p-values of all columns together are adjusted (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from models.stats import Floats, benjamini_hochberg

BINS = 10
"""Bins of a column at most, missing values apart."""
PSEUDO_ROWS = 0.5
"""Added to every bin, so that an empty one gives no infinite index (Jeffreys)."""


class Movement(StrEnum):
    """What can be said of a column."""

    STEADY = "steady"
    DRIFTED = "drifted"
    """Larger than `Limits.index` and not chance."""
    UNKNOWN = "unknown"
    """Too few affiliates, then or now, to say."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """How columns were spread in some rows.

    `edges` and `counts` by column: counts has one entry per bin between the edges and a last one for missing values.
    `effective` is Kish's effective number of affiliates behind the rows.
    """

    edges: Mapping[str, Floats]
    counts: Mapping[str, Floats]
    rows: int
    effective: float

    def as_data(self) -> dict[str, Any]:
        """Return what JSON can keep; `Sketch.of_data` reads it."""
        columns = {name: [self.edges[name].tolist(), self.counts[name].tolist()] for name in self.edges}
        return {"rows": self.rows, "effective": self.effective, "columns": columns}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Sketch:
        """Read what `as_data` returned."""
        columns = data["columns"]
        return cls(
            {name: np.asarray(pair[0], dtype=np.float64) for name, pair in columns.items()},
            {name: np.asarray(pair[1], dtype=np.float64) for name, pair in columns.items()},
            int(data["rows"]),
            float(data["effective"]),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """`index`: stability index from which a change matters; `chance`: share of false alarms; `affiliates`: fewest."""

    index: float
    chance: float
    affiliates: float


@dataclass(frozen=True, slots=True)
class Moved:
    """One column against its reference.

    `index` is the population stability index, 0 or more; `adjusted_p` 0..1; `missing_before` and `missing_now` are
    shares of rows. `index` and `adjusted_p` are NaN where the movement is unknown.
    """

    column: str
    movement: Movement
    index: float
    adjusted_p: float
    missing_before: float
    missing_now: float


def sketch(rows: pl.DataFrame, columns: Sequence[str], affiliates: pl.Series) -> Sketch:
    """Sketch numeric columns of some rows, each of one affiliate. Infinite values count as missing."""

    def of_column(name: str) -> tuple[Floats, Floats]:
        values = _Values.of(rows, name)
        edges = values.edges()
        return edges, values.counted(edges)

    with ThreadPoolExecutor(pl.thread_pool_size()) as threads:
        sketched = dict(zip(columns, threads.map(of_column, columns), strict=True))
    edges = {name: pair[0] for name, pair in sketched.items()}
    counts = {name: pair[1] for name, pair in sketched.items()}
    return Sketch(edges, counts, rows.height, effective_number(affiliates))


def moved(reference: Sketch, rows: pl.DataFrame, affiliates: pl.Series, limits: Limits) -> list[Moved]:
    """Compare rows with a reference, the largest change first and what is unknown last.

    A column of the reference that the rows lack is all missing now.
    """
    effective = effective_number(affiliates)
    told = min(reference.effective, effective) >= limits.affiliates
    with ThreadPoolExecutor(pl.thread_pool_size()) as threads:
        names, edges = list(reference.edges), reference.edges
        counted = list(threads.map(lambda name: _Values.of(rows, name).counted(edges[name]), names))
    found = []
    for name, now in zip(names, counted, strict=True):
        before = reference.counts[name]
        p_value = _chance(before, now, (reference.effective, effective)) if told else np.nan
        found.append((name, before, now, p_value))
    adjusted = benjamini_hochberg([p_value for *_, p_value in found]) if found else np.array([])
    moves = [_moved(name, (before, now), q, limits) for (name, before, now, _), q in zip(found, adjusted, strict=True)]
    return sorted(moves, key=lambda move: (np.isnan(move.index), -np.nan_to_num(move.index), move.column))


def effective_number(affiliates: pl.Series) -> float:
    """Return Kish's effective number of affiliates: all of them when they are alike in size, 1 when one has all."""
    sizes = affiliates.value_counts()["count"].to_numpy().astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


@dataclass(frozen=True, slots=True)
class _Values:
    """A column: its known values in ascending order, as 32-bit floats like the matrix, and how many are missing."""

    known: NDArray[np.float32]
    missing: int

    @classmethod
    def of(cls, rows: pl.DataFrame, name: str) -> _Values:
        if name not in rows.columns:
            return cls(np.zeros(0, dtype=np.float32), rows.height)
        values = rows[name].cast(pl.Float32).to_numpy()
        known = np.sort(values[np.isfinite(values)])
        return cls(known, rows.height - len(known))

    def edges(self) -> Floats:
        if not len(self.known):
            return np.array([], dtype=np.float64)
        return np.unique(np.quantile(self.known, np.linspace(0, 1, BINS + 1)[1:-1]))

    def counted(self, edges: Floats) -> Floats:
        # edges as coarse as the values, so that a value that is an edge stays in the bin below it
        up_to = np.searchsorted(self.known, edges.astype(np.float32), side="right")
        bins = np.diff([0, *up_to, len(self.known)])
        return np.append(bins, self.missing).astype(np.float64)


def _chance(before: Floats, now: Floats, effective: tuple[float, float]) -> float:
    """Return the p-value of the change, rows counting as many as there are effective affiliates behind them."""
    table = np.stack([counts / counts.sum() * number for counts, number in zip((before, now), effective, strict=True)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _moved(name: str, counts: tuple[Floats, Floats], adjusted_p: float, limits: Limits) -> Moved:
    missing = [float(count[-1] / count.sum()) if count.sum() else 1.0 for count in counts]
    if np.isnan(adjusted_p):
        return Moved(name, Movement.UNKNOWN, np.nan, np.nan, *missing)
    before, now = ((count + PSEUDO_ROWS) / (count + PSEUDO_ROWS).sum() for count in counts)
    index = float(np.sum((now - before) * np.log(now / before)))
    drifted = index >= limits.index and adjusted_p <= limits.chance
    return Moved(name, Movement.DRIFTED if drifted else Movement.STEADY, index, float(adjusted_p), *missing)
