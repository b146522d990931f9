"""One campaign under construction: a part of the programme's own traffic, about to be changed.

A campaign is not a copy. It *is* one affiliate's traffic, or a part of it, changed in place: so nothing but the change
tells it from the rest, neither who its audience is nor when and where it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

SECOND = 1_000_000


@dataclass(slots=True)
class Campaign:
    """Conversions and other clicks of one campaign as numpy columns; `None` entries are missing facts.

    `original` keeps the conversions as they were. `touched` marks the conversions that the campaign's mechanism changes
    (all, or a share of a mixture); only those are labelled fraud. `ctct` is in seconds, negative infinity where the
    programme reports no click time. `start`, `end`: µs.
    """

    conversions: dict[str, np.ndarray]
    original: Mapping[str, np.ndarray]
    clicks: dict[str, np.ndarray]
    touched: np.ndarray
    ctct: np.ndarray
    start: int
    end: int
    outcome: str | None = None
    moved: bool = False
    """True once conversions were moved to other times: clicks then follow them to their days."""

    @property
    def size(self) -> int:
        """Number of conversions."""
        return len(self.touched)

    def set(self, column: str, values: np.ndarray, rows: np.ndarray | None = None) -> None:
        """Set a column of the touched conversions (or of `rows` among them); facts that are missing stay missing."""
        chosen = self.touched if rows is None else self.touched & rows
        reported = self.conversions[column] != None  # noqa: E711 - elementwise
        chosen = chosen & reported
        self.conversions[column][chosen] = values[chosen] if len(values) == self.size else values

    def set_clicks(self, column: str, values: np.ndarray) -> None:
        """Set a column of the clicks that did not convert; facts that are missing stay missing."""
        reported = self.clicks[column] != None  # noqa: E711 - elementwise
        self.clicks[column][reported] = values[reported]


def taken(conversions: pl.DataFrame, clicks: pl.DataFrame) -> Campaign:
    """Start a campaign from a part of the programme's own traffic.

    `conversions` are working conversions with `click_us` (µs, null where unknown), `was_logged`, and the claimed
    click's facts prefixed `c_`; `clicks` are working clicks of the same part that no conversion claims.
    """
    columns = {column: conversions[column].to_numpy().astype(object) for column in conversions.columns}
    moments = conversions["ts_us"].to_numpy()
    known = conversions["click_us"].is_not_null().to_numpy()
    ctct = np.where(known, (moments - conversions["click_us"].fill_null(0).to_numpy()) / SECOND, -np.inf)
    columns["ts_us"] = moments.copy()
    extra = {column: clicks[column].to_numpy().astype(object) for column in clicks.columns}
    start, end = int(moments.min()), int(moments.max())
    original = {column: values.copy() for column, values in columns.items()}
    return Campaign(
        columns, original, extra, np.ones(len(moments), dtype=bool), ctct, start, max(end, start + 3600 * SECOND)
    )


def distinct(values: np.ndarray, prefix: str) -> np.ndarray:
    """Give the second and later of equal identifiers new ones under `prefix`."""
    seen: set[object] = set()
    named = values.copy()
    for index, value in enumerate(values):
        if value in seen:
            named[index] = f"{prefix}-x{index}"
        seen.add(value)
    return named
