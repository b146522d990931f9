"""The feature families together: every share, spread and shape there is, and the list of features they give."""

from __future__ import annotations

from features import daytime, linkage, origin, repetition, timing, value
from features.registry import LEVELS, Feature, Shape, Share, Spread

CONVERSION_SHARES: tuple[Share, ...] = (
    *timing.SHARES,
    *repetition.SHARES,
    *origin.SHARES,
    *linkage.SHARES,
    *daytime.SHARES,
    *value.SHARES,
)
CLICK_SHARES: tuple[Share, ...] = origin.CLICK_SHARES
SPREADS: tuple[Spread, ...] = (*timing.SPREADS, *value.SPREADS)
SHAPES: tuple[Shape, ...] = (*timing.SHAPES, *daytime.SHAPES)
CLICK_SHAPES: tuple[Shape, ...] = daytime.CLICK_SHAPES

DISTINCT = ("ip", "user_agent", "device_id")
"""Click columns whose repeats within a day are counted: clicks minus distinct values."""

_NULL_SHARE = "no event of the source had the facts, or the offer has no norm"
_LOG_ODDS = "log odds ratio against the offer's other affiliates"


def source_features() -> list[Feature]:
    """List every feature of a source, at every level, in matrix order."""
    listed: list[Feature] = []
    for level in LEVELS:
        grain = f"{' x '.join(level.keys)}, {level.days} days"
        listed += [
            Feature(level.column(name), unit, meaning, null, facts, grain)
            for name, unit, meaning, null, facts in _per_level()
        ]
    listed += [
        Feature(
            "trend_conversions",
            "log ratio",
            "conversions of the last 7 days against the source's 28 and the offer's own trend",
            "no conversions",
            (),
            "sub",
        ),
        Feature(
            "trend_clicks",
            "log ratio",
            "clicks of the last 7 days against the source's 28 and the offer's own trend",
            "no click log",
            ("clicks",),
            "sub",
        ),
    ]
    return listed


def _per_level() -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    shares = [
        (share.name, _LOG_ODDS, f"share that {share.meaning}", _NULL_SHARE, share.facts)
        for share in (*CONVERSION_SHARES, *CLICK_SHARES)
    ]
    repeats = [
        (
            f"click_{column}_again",
            _LOG_ODDS,
            f"share of clicks whose {column} clicked before on the same day",
            _NULL_SHARE,
            ("clicks", column),
        )
        for column in DISTINCT
    ]
    spreads: list[tuple[str, str, str, str, tuple[str, ...]]] = []
    for spread in SPREADS:
        spreads += [
            (
                f"{spread.name}_mean",
                "standard deviations",
                f"mean {spread.meaning} against the offer's",
                _NULL_SHARE,
                spread.facts,
            ),
            (
                f"{spread.name}_scatter",
                "log ratio",
                f"scatter of {spread.meaning} against the offer's",
                _NULL_SHARE,
                spread.facts,
            ),
        ]
    shapes = [
        (shape.name, "nats", f"divergence of the {shape.meaning} from the offer's", _NULL_SHARE, shape.facts)
        for shape in (*SHAPES, *CLICK_SHAPES)
    ]
    rate = ("rate", "log ratio", "conversions per click against the offer's", "no click log", ("clicks",))
    return [*shares, *repeats, *spreads, *shapes, rate]


def conversion_features() -> list[Feature]:
    """List every feature of a single conversion, in matrix order."""
    own = [
        Feature(
            share.name, "0 or 1", f"the conversion {share.meaning}", "the facts do not tell", share.facts, "conversion"
        )
        for share in CONVERSION_SHARES
    ]
    z_scores = [
        Feature(
            f"{spread.name}_z",
            "standard deviations",
            f"{spread.meaning} against the offer's norm",
            "not reported",
            spread.facts,
            "conversion",
        )
        for spread in SPREADS
    ]
    uses = [
        Feature(
            f"{column}_{count}",
            "log count",
            f"{what} of the conversion's {column}",
            "not reported",
            (column,),
            "conversion",
        )
        for column in ("ip", "network", "device_id", "customer_id")
        for count, what in (("uses", "this affiliate's conversions"), ("partners", "converting affiliates"))
    ]
    return [*own, *z_scores, *uses]


def all_features() -> list[Feature]:
    """List every feature that judges see, in matrix order: those of the conversion, then those of its source."""
    return [*conversion_features(), *source_features()]
