"""Click-to-conversion time (CTCT): too short, too long, too regular, or the wrong shape for the offer.

Cut points are those that trackers document: 5, 15 and 60 seconds, one hour, 24 hours (Everflow's CTCT guide, 24metrics'
rules, AppsFlyer's glossary). They only cut the scale; what counts is the difference from the offer's own norm.
"""

from __future__ import annotations

import narwhals as nw

from features.flags import bucket, flag_where
from features.registry import Shape, Share, Spread

SECOND = 1_000_000
_KNOWN = nw.col("ctct_us") >= 0
_SECONDS = nw.col("ctct_us") / SECOND
_EDGES = (3.0, 8.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 7200.0, 28_800.0, 86_400.0, 259_200.0)
"""Seconds; roughly equal steps on a log scale from three seconds to three days."""


def _within(seconds: float) -> nw.Expr:
    return flag_where(_KNOWN, seconds > _SECONDS)


def _beyond(seconds: float) -> nw.Expr:
    return flag_where(_KNOWN, seconds < _SECONDS)


FACTS = ("click_ts",)
SHARES = (
    Share("ctct_under_5s", "converted within 5 seconds of the click", FACTS, _within(5)),
    Share("ctct_under_15s", "converted within 15 seconds of the click", FACTS, _within(15)),
    Share("ctct_under_60s", "converted within 60 seconds of the click", FACTS, _within(60)),
    Share("ctct_over_1h", "converted more than an hour after the click", FACTS, _beyond(3600)),
    Share("ctct_over_24h", "converted more than 24 hours after the click", FACTS, _beyond(86_400)),
)
SPREADS = (
    Spread(
        "ctct",
        "click-to-conversion time",
        "log seconds",
        FACTS,
        nw.when(_KNOWN).then((_SECONDS + 0.5).log()),
    ),
)
SHAPES = (
    Shape(
        "ctct_shape",
        "histogram of click-to-conversion time",
        FACTS,
        len(_EDGES) + 1,
        bucket(nw.when(_KNOWN).then(_SECONDS), _EDGES),
    ),
)
