"""What a feature is, and the list of all features that judges may see.

A *share* is the part of a source's conversions (or clicks) that has some property, held against what the offer's other
affiliates show. A *spread* is the mean and the scatter of a number, on a log scale. A *shape* is a histogram. A *fact*
is a property of one conversion.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import narwhals as nw


class Of(StrEnum):
    """What a share or a shape counts."""

    CONVERSIONS = "conversions"
    CLICKS = "clicks"


@dataclass(frozen=True, slots=True)
class Share:
    """A property of single events, counted per source.

    `hit` gives 1 where the event has the property, 0 where it has not, null where the facts do not tell. `facts` names
    the canonical columns or lists without which it is null everywhere.
    """

    name: str
    meaning: str
    facts: tuple[str, ...]
    hit: nw.Expr
    of: Of = Of.CONVERSIONS


@dataclass(frozen=True, slots=True)
class Spread:
    """A positive number of each conversion, summarised by the mean and standard deviation of its logarithm."""

    name: str
    meaning: str
    unit: str
    facts: tuple[str, ...]
    log: nw.Expr


@dataclass(frozen=True, slots=True)
class Shape:
    """A histogram over `buckets` classes; `bucket` gives 0..buckets-1, or null where the facts do not tell."""

    name: str
    meaning: str
    facts: tuple[str, ...]
    buckets: int
    bucket: nw.Expr
    of: Of = Of.CONVERSIONS


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the matrix that judges see.

    `null_means` says what a null in it stands for; a judge must never read it as zero.
    """

    name: str
    unit: str
    meaning: str
    null_means: str
    facts: tuple[str, ...]
    grain: str


@dataclass(frozen=True, slots=True)
class Level:
    """A grain at which sources are summed: the columns that name the source, and the window in days."""

    name: str
    keys: tuple[str, ...]
    days: int

    def column(self, feature: str) -> str:
        """Name of a feature at this level, for example `ctct_under_15s_sub28`."""
        return f"{feature}_{self.name}"


SUB, PAIR, PARTNER = ("affiliate_id", "offer_id", "sub"), ("affiliate_id", "offer_id"), ("affiliate_id",)
LEVELS = (
    Level("sub28", SUB, 28),
    Level("sub7", SUB, 7),
    Level("pair28", PAIR, 28),
    Level("partner28", PARTNER, 28),
)
WINDOWS = (28, 7)
"""Lengths in days of the windows that sources are summed over."""


def names(items: Iterable[Share | Spread | Shape]) -> list[str]:
    """Return the names of shares, spreads or shapes in order."""
    return [item.name for item in items]
