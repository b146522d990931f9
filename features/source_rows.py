"""The matrix of sources: a row per sub-source and 28-day window, for judging what has no conversions too."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from features.families import conversion_features
from features.matrix import Sources, trend_features
from features.registry import LEVELS, SUB

_NEWEST_WEEK = 4
"""Weeks in a 28-day window: week 4 w is the newest of window w."""


def source_matrix(sources: Sources) -> nw.LazyFrame[Any]:
    """Build it: SUB, `window`, `clicks`, `conversions`, `payout`, and the features of the conversion matrix.

    Features of single conversions are null; those of the 7-day window are the newest week's.
    """
    matrix = sources.sums[28].select(*SUB, "window", "clicks", "conversions", "payout")
    for level in LEVELS:
        matrix = matrix.join(_as_month(sources.features(level), level.days), on=[*level.keys, "window"], how="left")
    matrix = matrix.join(_as_month(trend_features(sources), 7), on=[*SUB, "window"], how="left")
    return matrix.with_columns(
        *[nw.lit(None, dtype=nw.Float64).alias(feature.name) for feature in conversion_features()]
    )


def _as_month(features: nw.LazyFrame[Any], days: int) -> nw.LazyFrame[Any]:
    if days == 28:
        return features
    newest = features.filter(nw.col("window") % _NEWEST_WEEK == 0)
    return newest.with_columns(window=nw.col("window") // _NEWEST_WEEK)
