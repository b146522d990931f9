"""The matrix that judges see: one row per conversion, its own features and those of its source at every level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from features.engine import settled
from features.families import CONVERSION_SHARES, SPREADS
from features.registry import LEVELS, PAIR, SUB, WINDOWS, Level
from features.sources import click_sums, conversion_sums, joined_sums, level_features, level_sums, offer_norms
from features.windows import window_name

IDENTITY = (
    "conversion_id",
    "affiliate_id",
    "offer_id",
    "sub",
    "day",
    "ts_us",
    "payout",
    *(window_name(days) for days in WINDOWS),
)
"""Columns of the matrix that say which conversion a row is; all others are features."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources summed over windows: by window length, the sums of sub-sources and the norms of their offers."""

    sums: Mapping[int, nw.LazyFrame[Any]]
    norms: Mapping[int, nw.LazyFrame[Any]]
    _computed: dict[str, nw.LazyFrame[Any]] = field(default_factory=dict, compare=False, repr=False)

    def features(self, level: Level) -> nw.LazyFrame[Any]:
        """Features of one level; computed once, as both conversions and sources are judged by them."""
        if level.name not in self._computed:
            self._computed[level.name] = settled(level_features(settled(self.level(level)), level))
        return self._computed[level.name]

    def level(self, level: Level) -> nw.LazyFrame[Any]:
        """Sums and expectations of one level."""
        return level_sums(self.sums[level.days], self.norms[level.days], level)


def summed_sources(facts: nw.LazyFrame[Any], rollups: nw.LazyFrame[Any], last_day: int) -> Sources:
    """Sum facts of conversions and roll-ups of clicks over every window length."""
    sums = {
        days: settled(joined_sums(settled(conversion_sums(facts, days)), settled(click_sums(rollups, last_day, days))))
        for days in WINDOWS
    }
    return Sources(sums, {days: settled(offer_norms(frame)) for days, frame in sums.items()})


def own_features(facts: nw.LazyFrame[Any], sources: Sources) -> nw.LazyFrame[Any]:
    """Compute the features of single conversions: `IDENTITY`, then those of `features.families.conversion_features`."""
    norms = sources.norms[28].select(
        *PAIR, "window", *[f"{part}_{spread.name}" for spread in SPREADS for part in ("mean", "sd")]
    )
    rows = facts.join(norms.rename({"window": window_name(28)}), on=[*PAIR, window_name(28)], how="left")
    own = [nw.col(f"hit_{share.name}").cast(nw.Float64).alias(share.name) for share in CONVERSION_SHARES]
    own += [
        ((nw.col(f"log_{s.name}") - nw.col(f"mean_{s.name}")) / nw.col(f"sd_{s.name}")).alias(f"{s.name}_z")
        for s in SPREADS
    ]
    own += [
        (nw.col(f"{column}_{count}").cast(nw.Float64) + 1.0).log().alias(f"{column}_{count}")
        for column in ("ip", "network", "device_id", "customer_id")
        for count in ("uses", "partners")
    ]
    return rows.select(*IDENTITY, *own)


def tables_of_sources(sources: Sources) -> Iterator[tuple[tuple[str, ...], str, nw.LazyFrame[Any]]]:
    """Give the tables whose features stand beside those of a conversion, in matrix order.

    Each is the names of the source's keys, that of the window column of `IDENTITY` that goes with the table's `window`,
    and the features with both, one row per source and window.
    """
    for level in LEVELS:
        yield level.keys, window_name(level.days), sources.features(level)
    yield SUB, window_name(7), trend_features(sources)


def trend_features(sources: Sources) -> nw.LazyFrame[Any]:
    """Compare a source's last 7 days with its 28, against the same for its offer; a row per SUB and window."""
    week, month = (_with_offer_totals(sources.sums[days]) for days in (7, 28))
    week = week.with_columns(month=nw.col("window") // 4)
    columns = [f"{prefix}{name}" for prefix in ("", "o_") for name in ("conversions", "clicks")]
    month = month.select(*SUB, nw.col("window").alias("month"), *[nw.col(name).alias(f"m_{name}") for name in columns])
    both = week.join(month, on=[*SUB, "month"], how="left")
    return both.select(*SUB, "window", _trend("conversions"), _trend("clicks"))


def _with_offer_totals(sums: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    narrow = sums.select(*SUB, "window", "conversions", "clicks")
    totals = narrow.group_by("offer_id", "window").agg(
        o_conversions=nw.col("conversions").sum(), o_clicks=nw.col("clicks").sum()
    )
    return narrow.join(totals, on=["offer_id", "window"], how="left")


def _trend(name: str) -> nw.Expr:
    usual = nw.col(f"o_{name}") / nw.when(nw.col(f"m_o_{name}") > 0).then(nw.col(f"m_o_{name}"))
    trend = ((nw.col(name) + 1.0) / (nw.col(f"m_{name}") * usual + 1.0)).log()
    return nw.when(nw.col(f"m_{name}") > 0).then(trend).alias(f"trend_{name}")
