"""What is known about one limit when a recommendation is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from screening.caps.limits import Cap

Floats = NDArray[np.float64]

SMALLEST_SPREAD = 1e-4
"""Standard deviation below which a posterior share is not taken to be known: judges err together, too."""


@dataclass(frozen=True, slots=True)
class BadShare:
    """Posterior of the bad share of payout: Beta(bad, good), both above 0. More `bad` or less `good` is worse.

    conversions: how many were judged.
    """

    bad: float
    good: float
    conversions: int

    @classmethod
    def around(cls, mean: float, spread: float, conversions: int) -> BadShare:
        """Return the posterior of that mean (0..1) and standard deviation."""
        centre = min(max(mean, SMALLEST_SPREAD), 1 - SMALLEST_SPREAD)
        most = 0.99 * centre * (1 - centre)  # a Beta cannot vary more than this
        variance = min(max(spread, SMALLEST_SPREAD) ** 2, most)
        size = centre * (1 - centre) / variance - 1
        return cls(centre * size, (1 - centre) * size, conversions)

    @property
    def mean(self) -> float:
        """Expected share, 0..1."""
        return self.bad / (self.bad + self.good)

    def at(self, quantile: float) -> float:
        """Return the share below which it lies with that probability."""
        return float(special.betaincinv(self.bad, self.good, quantile))


@dataclass(frozen=True, slots=True)
class Demand:
    """What would come without a limit, in the cap's measure.

    expected: for each coming day to the end of the present period, at least of the policy's horizon; today first, and
    only what is left of it. spread: how many times the expected past days really had; their mean is 1.
    """

    first: date
    expected: tuple[float, ...]
    spread: tuple[float, ...]

    def draws(self, number: int, rng: np.random.Generator) -> Floats:
        """Draw possible futures of the days, shape (number, days)."""
        times = rng.choice(np.array(self.spread), (number, len(self.expected)))
        return np.asarray(times * np.array(self.expected), np.float64)


@dataclass(frozen=True, slots=True)
class Worth:
    """What conversions of a source are worth, as shares of their payout.

    clean: what a clean one earns beyond its payout, less those that are reversed. bad: what a bad one costs, its
    payout as far as it is lost. early: share of payout that locks before evidence usually comes; evidence_days: how
    long that takes. payout_per_unit: payout for one unit of the cap's measure; None: unknown, or of several currencies.
    """

    clean: float
    bad: float
    early: float
    evidence_days: float
    reversed: float
    payout_per_unit: float | None
    currency: str | None

    @property
    def break_even(self) -> float:
        """The bad share, 0..1, at which what clean conversions earn pays for the bad ones."""
        return self.clean / (self.clean + self.bad)


@dataclass(frozen=True, slots=True)
class Partner:
    """The affiliate of a cap. status None: unknown. age_days: since joining; None: unknown, not known to be new."""

    status: str | None
    age_days: float | None


@dataclass(frozen=True, slots=True)
class Decided:
    """An earlier recommendation about the same cap that a person or the rule of automatic approval decided.

    waiting: it was approved, but has not reached the network yet.
    """

    action: str
    at: datetime
    rejected: bool
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """How much the advertiser's budget leaves for a raise, in the cap's measure and span; and which limit that is."""

    amount: Decimal
    of: str


@dataclass(frozen=True, slots=True)
class CapEvidence:
    """Everything a recommendation is made from.

    current None: no limit. used: so far in the period that `as_of` lies in. bad None: too little was judged. demand
    None: nothing came in the past. partner None: the cap is offer-wide. limited: partners of the offer that get a
    lower limit or a pause of their own. least: what one conversion usually comes to in the cap's measure, None:
    unknown. mixed: conversions of several currencies. newest: last event of the lake.
    """

    cap: Cap
    as_of: datetime
    newest: datetime
    current: Decimal | None
    used: Decimal
    bad: BadShare | None
    demand: Demand | None
    worth: Worth
    partner: Partner | None
    decided: tuple[Decided, ...] = ()
    room: Room | None = None
    limited: int = 0
    least: Decimal | None = None
    mixed: bool = False
