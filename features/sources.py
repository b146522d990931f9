"""Sources summed over windows, and held against the norm of the offer's other affiliates.

The norm that a source is held against leaves out the source's own affiliate, so that a big affiliate is not its own
norm; where an offer has few others, the norm leans on the programme's. Ratios are shrunk: one odd conversion says
little, a hundred say much.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals as nw

from features.clicks import with_bucket_flags
from features.families import CLICK_SHAPES, CLICK_SHARES, CONVERSION_SHARES, DISTINCT, SHAPES, SPREADS
from features.registry import PAIR, SUB, Level
from features.windows import window_index, window_name

NORM_WEIGHT = 20.0
"""Conversions of the programme's norm that stand in where the offer's other affiliates have few. Ours."""
PSEUDO_COUNT = 1.0
"""Added to each side of a log odds ratio; Gart's correction uses 0.5, we shrink a little more."""
SPREAD_WEIGHT = 5.0
"""Conversions at the offer's own mean and scatter that a source's are mixed with. Ours."""
SHAPE_WEIGHT = 10.0
"""Events shaped like the offer's that a source's histogram is mixed with. Ours."""

SHARE_NAMES = [share.name for share in CONVERSION_SHARES]
CLICK_SHARE_NAMES = [*(share.name for share in CLICK_SHARES), *(f"click_{column}_again" for column in DISTINCT)]
_SHAPES = {shape.name: shape.buckets for shape in SHAPES}
_CLICK_SHAPES = {shape.name: shape.buckets for shape in CLICK_SHAPES}


def conversion_sums(facts: nw.LazyFrame[Any], days: int) -> nw.LazyFrame[Any]:
    """Sum facts of conversions to one row per sub-source and window of `days` days."""
    frame, buckets = with_bucket_flags(facts, _SHAPES)
    sums = [nw.len().alias("conversions"), nw.col("payout").sum().alias("payout")]
    for name in SHARE_NAMES:
        sums += [nw.col(f"hit_{name}").sum().alias(f"k_{name}"), nw.col(f"hit_{name}").count().alias(f"n_{name}")]
    for spread in SPREADS:
        value = nw.col(f"log_{spread.name}")
        sums += [
            value.sum().alias(f"s_{spread.name}"),
            value.count().alias(f"m_{spread.name}"),
            (value * value).sum().alias(f"q_{spread.name}"),
        ]
    sums += [nw.col(column).sum() for column in buckets]
    return frame.group_by(*SUB, window_name(days)).agg(*sums).rename({window_name(days): "window"})


def click_sums(rollups: nw.LazyFrame[Any], last_day: int, days: int) -> nw.LazyFrame[Any]:
    """Sum daily roll-ups of clicks to one row per sub-source and window of `days` days."""
    columns = [
        "clicks",
        *_columns("k", CLICK_SHARE_NAMES),
        *_columns("n", CLICK_SHARE_NAMES),
        *_bucket_columns(_CLICK_SHAPES),
    ]
    frame = rollups.with_columns(window=window_index(last_day, days))
    return frame.group_by(*SUB, "window").agg(*[nw.col(column).sum() for column in columns])


def joined_sums(conversions: nw.LazyFrame[Any], clicks: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Join both kinds of sums; a source without events of a kind has zeros there."""
    keys = [*SUB, "window"]
    both = conversions.select(*keys).join(clicks.select(*keys), on=keys, how="full")
    both = both.select(*[nw.coalesce(nw.col(key), nw.col(f"{key}_right")).alias(key) for key in keys])
    joined = both.join(conversions, on=keys, how="left").join(clicks, on=keys, how="left")
    return joined.with_columns(*[nw.col(column).fill_null(0) for column in sum_columns()])


def sum_columns() -> list[str]:
    """Return the names of all summed columns, in order."""
    spreads = [f"{letter}_{spread.name}" for spread in SPREADS for letter in ("s", "m", "q")]
    shares = [*SHARE_NAMES, *CLICK_SHARE_NAMES]
    return [
        *("conversions", "payout", "clicks"),
        *_columns("k", shares),
        *_columns("n", shares),
        *spreads,
        *_bucket_columns(_SHAPES | _CLICK_SHAPES),
    ]


def offer_norms(sums: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Compute, per affiliate, offer and window, the norm of the offer's *other* affiliates.

    `sums` is per sub-source and window. The result has `p_<share>` (0..1), `mean_<spread>` and `sd_<spread>` (log
    units), `p_<shape>_<i>` (0..1) and `p_rate` (conversions per click); null where nobody else tells.
    """
    columns = sum_columns()
    pair = sums.group_by(*PAIR, "window").agg(*[nw.col(column).sum() for column in columns])
    offer = pair.group_by("offer_id", "window").agg(*[nw.col(column).sum().alias(f"o_{column}") for column in columns])
    programme = pair.group_by("window").agg(*[nw.col(column).sum().alias(f"a_{column}") for column in columns])
    norms = pair.join(offer, on=["offer_id", "window"], how="inner").join(programme, on="window", how="inner")
    norms = _with_totals(_with_totals(_with_totals(norms), "o_"), "a_")
    return norms.select(*PAIR, "window", *_share_norms(), *_spread_norms(), *_shape_norms(), _rate_norm())


def _others(column: str) -> nw.Expr:
    return nw.col(f"o_{column}") - nw.col(column)


def _mixed(k: str, n: str, prior: nw.Expr, weight: float = NORM_WEIGHT) -> nw.Expr:
    return (_others(k) + weight * prior) / (_others(n) + weight)


def _programme_share(k: str, n: str) -> nw.Expr:
    return nw.when(nw.col(f"a_{n}") > 0).then((nw.col(f"a_{k}") + 0.5) / (nw.col(f"a_{n}") + 1.0))


def _share_norms() -> list[nw.Expr]:
    return [
        _mixed(f"k_{name}", f"n_{name}", _programme_share(f"k_{name}", f"n_{name}")).alias(f"p_{name}")
        for name in [*SHARE_NAMES, *CLICK_SHARE_NAMES]
    ]


def _rate_norm() -> nw.Expr:
    rate = nw.when(nw.col("a_clicks") > 0).then((nw.col("a_conversions") + 0.5) / (nw.col("a_clicks") + 1.0))
    return _mixed("conversions", "clicks", rate, weight=1000.0).alias("p_rate")


def _spread_norms() -> list[nw.Expr]:
    norms: list[nw.Expr] = []
    for spread in SPREADS:
        s, m, q = (f"{letter}_{spread.name}" for letter in ("s", "m", "q"))
        count = _others(m) + NORM_WEIGHT
        known = nw.col(f"a_{m}") > 0
        mean = (_others(s) + NORM_WEIGHT * nw.col(f"a_{s}") / nw.col(f"a_{m}")) / count
        square = (_others(q) + NORM_WEIGHT * nw.col(f"a_{q}") / nw.col(f"a_{m}")) / count
        variance = square - mean * mean
        norms += [
            nw.when(known).then(mean).alias(f"mean_{spread.name}"),
            # a floor of 0.05 log units (5 %) keeps fixed amounts from dividing by zero
            nw.when(known)
            .then(nw.when(variance > 0.0025).then(variance).otherwise(nw.lit(0.0025)).sqrt())
            .alias(f"sd_{spread.name}"),
        ]
    return norms


def _shape_norms() -> list[nw.Expr]:
    norms: list[nw.Expr] = []
    for name, buckets in (_SHAPES | _CLICK_SHAPES).items():
        bucket_names = [f"b_{name}_{index}" for index in range(buckets)]
        total, others = nw.col(f"a_t_{name}"), _others(f"t_{name}")
        for column in bucket_names:
            prior = (nw.col(f"a_{column}") + 0.5) / (total + 0.5 * buckets)
            norm = (_others(column) + NORM_WEIGHT * prior) / (others + NORM_WEIGHT)
            norms.append(nw.when(total > 0).then(norm).alias(f"p_{column.removeprefix('b_')}"))
    return norms


def _with_totals(frame: nw.LazyFrame[Any], prefix: str = "") -> nw.LazyFrame[Any]:
    """Add the events in each histogram, `<prefix>t_<shape>`: as a column it is planned once, not once a bucket."""
    shapes = _SHAPES | _CLICK_SHAPES
    return frame.with_columns(
        **{
            f"{prefix}t_{name}": _total(f"{prefix}b_{name}_{index}" for index in range(buckets))
            for name, buckets in shapes.items()
        }
    )


def _total(columns: Iterable[str]) -> nw.Expr:
    first, *rest = columns
    total = nw.col(first)
    for column in rest:
        total = total + nw.col(column)
    return total


def level_sums(sums: nw.LazyFrame[Any], norms: nw.LazyFrame[Any], level: Level) -> nw.LazyFrame[Any]:
    """Sum sub-sources to a level, with what the norms would lead one to expect (`e_<column>`) beside each sum."""
    shares = [*SHARE_NAMES, *CLICK_SHARE_NAMES]
    frame = _with_totals(sums.join(norms, on=[*PAIR, "window"], how="left"))
    expected = [(nw.col(f"n_{name}") * nw.col(f"p_{name}")).alias(f"e_{name}") for name in shares]
    for spread in SPREADS:
        count, mean, scatter = nw.col(f"m_{spread.name}"), nw.col(f"mean_{spread.name}"), nw.col(f"sd_{spread.name}")
        expected += [
            ((nw.col(f"s_{spread.name}") - count * mean) / scatter).alias(f"z_{spread.name}"),
            (
                (nw.col(f"q_{spread.name}") - 2 * mean * nw.col(f"s_{spread.name}") + count * mean * mean)
                / (scatter * scatter)
            ).alias(f"v_{spread.name}"),
        ]
    for name, buckets in (_SHAPES | _CLICK_SHAPES).items():
        total = nw.col(f"t_{name}")
        expected += [(total * nw.col(f"p_{name}_{index}")).alias(f"e_{name}_{index}") for index in range(buckets)]
    expected.append((nw.col("clicks") * nw.col("p_rate")).alias("e_rate"))
    frame = frame.with_columns(*expected)
    summed = [*sum_columns(), *_expected_columns()]
    return frame.group_by(*level.keys, "window").agg(*[nw.col(column).sum() for column in summed])


def _expected_columns() -> list[str]:
    spreads = [f"{letter}_{spread.name}" for spread in SPREADS for letter in ("z", "v")]
    return [
        *_columns("e", [*SHARE_NAMES, *CLICK_SHARE_NAMES]),
        *spreads,
        *_bucket_columns(_SHAPES | _CLICK_SHAPES, "e"),
        "e_rate",
    ]


def level_features(summed: nw.LazyFrame[Any], level: Level) -> nw.LazyFrame[Any]:
    """Turn the sums of a level into its features, named `<feature>_<level>`, with the level's keys and `window`."""
    features = [_log_odds(name).alias(level.column(name)) for name in [*SHARE_NAMES, *CLICK_SHARE_NAMES]]
    for spread in SPREADS:
        features += [expr.alias(level.column(f"{spread.name}_{part}")) for part, expr in _spread(spread.name).items()]
    features += [
        _divergence(name, buckets).alias(level.column(name)) for name, buckets in (_SHAPES | _CLICK_SHAPES).items()
    ]
    clicked = nw.col("clicks") > 0
    # sizes themselves are no features: how large a source is says nothing of how honest it is
    rate = ((nw.col("conversions") + PSEUDO_COUNT) / (nw.col("e_rate") + PSEUDO_COUNT)).log()
    features.append(nw.when(clicked).then(rate).alias(level.column("rate")))
    return _with_totals(summed).select(*level.keys, "window", *features)


def _log_odds(name: str) -> nw.Expr:
    k, n, e = nw.col(f"k_{name}"), nw.col(f"n_{name}"), nw.col(f"e_{name}")
    seen = (k + PSEUDO_COUNT) / (n - k + PSEUDO_COUNT)
    norm = (e + PSEUDO_COUNT) / (n - e + PSEUDO_COUNT)
    return nw.when(n > 0).then((seen / norm).log())


def _spread(name: str) -> dict[str, nw.Expr]:
    count, z, v = nw.col(f"m_{name}"), nw.col(f"z_{name}"), nw.col(f"v_{name}")
    mean = z / (count + SPREAD_WEIGHT)
    own = nw.when(count > 0).then(z / count).otherwise(nw.lit(0.0))
    around_own_mean = v - count * own * own
    positive = nw.when(around_own_mean > 0).then(around_own_mean).otherwise(nw.lit(0.0))
    scatter = ((positive + SPREAD_WEIGHT) / (count + SPREAD_WEIGHT)).log() / 2
    return {"mean": nw.when(count > 0).then(mean), "scatter": nw.when(count > 1).then(scatter)}


def _divergence(name: str, buckets: int) -> nw.Expr:
    total = nw.col(f"t_{name}")
    divergence = nw.lit(0.0)
    for index in range(buckets):
        expected = nw.when(total > 0).then(nw.col(f"e_{name}_{index}") / total) + 1e-6
        mixed = (nw.col(f"b_{name}_{index}") + SHAPE_WEIGHT * expected) / (total + SHAPE_WEIGHT)
        divergence = divergence + mixed * (mixed / expected).log()
    return nw.when(total > 0).then(divergence)


def _columns(letter: str, share_names: Iterable[str]) -> list[str]:
    return [f"{letter}_{name}" for name in share_names]


def _bucket_columns(shapes: dict[str, int], letter: str = "b") -> list[str]:
    return [f"{letter}_{name}_{index}" for name, buckets in shapes.items() for index in range(buckets)]
