"""The offers of a simulated programme: what is sold, what is paid, and how long people take to decide."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from screening.simulate.columns import Floats, Ints, choose, lognormal
from screening.simulate.markets import CURRENCY, REGION_WEIGHTS, Region, members
from screening.simulate.rhythm import Clock
from screening.simulate.spec import FraudKind, ProgrammeSpec


class OfferKind(StrEnum):
    """What a conversion of an offer is."""

    SALE = "sale"
    LEAD = "lead"
    INSTALL = "install"
    SUBSCRIPTION = "subscription"
    BUSINESS = "business"
    """A demonstration or quotation that a company asks for."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How long after the click people convert, a mixture of two log-normals.

    session, later: medians in seconds; returning: the share that comes back later.
    """

    session: float
    spread: float
    returning: float
    later: float
    later_spread: float


@dataclass(frozen=True, slots=True)
class _Type:
    share: float
    rate: tuple[float, float]
    decision: Decision
    fixed: tuple[float, float] | None
    window_days: int
    lock_days: int
    event: str
    clock: Clock


_HOUR = 3600.0
_TYPES = {
    OfferKind.SALE: _Type(
        0.38, (0.018, 0.045), Decision(540, 0.95, 0.30, 26 * _HOUR, 1.2),
        None, 30, 30, "sale", Clock.EVENING),
    OfferKind.LEAD: _Type(
        0.22, (0.04, 0.09), Decision(190, 0.62, 0.10, 9 * _HOUR, 1.3),
        (6, 55), 14, 14, "lead", Clock.DAY),
    OfferKind.INSTALL: _Type(
        0.17, (0.05, 0.12), Decision(115, 0.80, 0.22, 5 * _HOUR, 1.4),
        (1.5, 7.0), 7, 7, "install", Clock.WAKING),
    OfferKind.SUBSCRIPTION: _Type(
        0.13, (0.012, 0.03), Decision(420, 0.85, 0.34, 30 * _HOUR, 1.2),
        (14, 75), 30, 45, "signup", Clock.EVENING),
    OfferKind.BUSINESS: _Type(
        0.10, (0.012, 0.03), Decision(400, 0.80, 0.42, 50 * _HOUR, 1.1),
        (40, 140), 30, 30, "demo_request", Clock.OFFICE),
}  # fmt: skip
"""Conversion rates are before scaling to the programme's. Decision times: design notes of trackers call 1-5 minutes
healthy for leads and put three in four installs within the hour."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer. `percent` of the basket is paid, or `fixed` (the other is None), in `currency`.

    region None: people everywhere. rate: share of clicks that convert, before scaling. basket: median and spread of
    what is bought (median 0: nothing has a price). sale_days: first and last day of a flash sale, or None.
    """

    code: str
    kind: OfferKind
    region: Region | None
    rate: float
    decision: Decision
    percent: float | None
    fixed: float | None
    basket: tuple[float, float]
    currency: str
    window_days: int
    lock_days: int
    event: str
    clock: Clock
    names_customer: bool
    sale_days: tuple[int, int] | None


def draw_offers(spec: ProgrammeSpec, rng: np.random.Generator) -> tuple[Offer, ...]:
    """Draw the offers of a programme: of every kind that its size and its fraud ask for."""
    kinds = _kinds(spec, rng)
    regions = list(REGION_WEIGHTS)
    weights = list(REGION_WEIGHTS.values())
    drawn = []
    for number, kind in enumerate(kinds):
        everywhere = kind is not OfferKind.BUSINESS and rng.random() < 0.25
        region = None if everywhere else regions[int(choose(weights, 1, rng)[0])]
        drawn.append(_draw(number, kind, region, spec, rng))
    return tuple(drawn)


def _kinds(spec: ProgrammeSpec, rng: np.random.Generator) -> list[OfferKind]:
    every = list(OfferKind)
    needed = [kind for kind in _NEEDED_FIRST if any(spec.fraud.get(fraud) for fraud in _NEEDED_FIRST[kind])]
    needed += [kind for kind in every if kind not in needed]
    shares = [_TYPES[kind].share for kind in every]
    more = choose(shares, max(spec.offers - len(needed), 0), rng)
    return (needed + [every[int(index)] for index in more])[: spec.offers]


_NEEDED_FIRST = {
    OfferKind.SALE: (FraudKind.COOKIE_STUFFING, FraudKind.SELF_REFERRAL_RING, FraudKind.ATTRIBUTION_WINDOW_ABUSE),
    OfferKind.INSTALL: (FraudKind.CLICK_INJECTION, FraudKind.DEVICE_FARM),
    OfferKind.LEAD: (FraudKind.BOT_LEADS, FraudKind.STUFFED_LEADS),
}


def _draw(number: int, kind: OfferKind, region: Region | None, spec: ProgrammeSpec, rng: np.random.Generator) -> Offer:
    shape = _TYPES[kind]
    stretch = float(lognormal(1.0, 0.3, 1, rng)[0])
    decision = shape.decision
    own = CURRENCY.get(region, "USD") if region else "USD"
    fixed = None if shape.fixed is None else round(float(np.exp(rng.uniform(*np.log(shape.fixed)))) * 4) / 4
    percent = round(float(rng.uniform(4, 12)) * 2) / 2 if fixed is None else None
    sale = int(rng.integers(spec.days // 4, max(spec.days - 3, spec.days // 4 + 1)))
    priced = kind in (OfferKind.SALE, OfferKind.SUBSCRIPTION)
    return Offer(
        code=f"o{101 + number}",
        kind=kind,
        region=region,
        rate=float(rng.uniform(*shape.rate)),
        decision=Decision(
            decision.session * stretch,
            decision.spread,
            decision.returning,
            decision.later * stretch,
            decision.later_spread,
        ),
        percent=percent,
        fixed=fixed,
        basket=(float(rng.uniform(35, 140)), float(rng.uniform(0.45, 0.8))) if priced else (0.0, 0.0),
        currency=own if own in spec.currencies else spec.currencies[0],
        window_days=shape.window_days,
        lock_days=shape.lock_days,
        event=shape.event,
        clock=shape.clock,
        names_customer=kind is not OfferKind.INSTALL,
        sale_days=(sale, sale + int(rng.integers(1, 4))) if kind is OfferKind.SALE and rng.random() < 0.4 else None,
    )


class OfferBook:
    """The offers as arrays, so that many conversions are priced and timed at once."""

    def __init__(self, offers: tuple[Offer, ...]) -> None:
        self.offers = offers
        self._decision = np.array(
            [(d.session, d.spread, d.returning, d.later, d.later_spread) for d in (offer.decision for offer in offers)]
        )
        self._basket = np.array([offer.basket for offer in offers])
        self._percent = np.array([np.nan if offer.percent is None else offer.percent for offer in offers])
        self._fixed = np.array([np.nan if offer.fixed is None else offer.fixed for offer in offers])

    def of_kind(self, *kinds: OfferKind) -> list[int]:
        """Return the positions of the offers of these kinds."""
        return [index for index, offer in enumerate(self.offers) if offer.kind in kinds]

    def accepts(self, offer: int) -> Ints | None:
        """Return the codes of the countries where an offer pays; None: everywhere."""
        region = self.offers[offer].region
        return None if region is None else members(region)[0]

    def decide(self, offer: Ints, haste: Floats, rng: np.random.Generator) -> Floats:
        """Draw seconds from click to conversion; `haste` multiplies them (below 1: people who had decided before)."""
        session, spread, returning, later, later_spread = self._decision[offer].T
        back = rng.random(len(offer)) < returning * np.minimum(haste, 1.0)
        normal = rng.standard_normal(len(offer))
        soon = session * haste * np.exp(spread * normal)
        return np.asarray(np.where(back, later * np.exp(later_spread * normal), np.maximum(soon, 1.5)), np.float64)

    def price(self, offer: Ints, rise: Floats, rng: np.random.Generator) -> pl.DataFrame:
        """Draw `payout`, times `rise`, and `revenue` (-1: nothing was sold) in ten-thousandths."""
        median, spread = self._basket[offer].T
        basket = np.round(median * np.exp(spread * rng.standard_normal(len(offer))) * 100) * 100
        percent, fixed = self._percent[offer], self._fixed[offer]
        paid = np.where(np.isnan(percent), fixed * 1e4, basket * percent / 100) * rise
        return pl.DataFrame(
            {
                "payout": np.round(paid / 100).astype(np.int64) * 100,
                "revenue": np.where(median > 0, basket, -1).astype(np.int64),
            }
        )
