"""Which fraud happens where: schemes are placed in partners until each kind has its share of the payout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from screening.simulate.columns import DAY, NONE, Floats, Trail, midnight
from screening.simulate.offers import OfferKind
from screening.simulate.spec import FraudKind
from screening.simulate.world import World

_F, _O = FraudKind, OfferKind
TARGETS = {
    _F.CLICK_FLOODING: (_O.INSTALL, _O.LEAD, _O.SALE, _O.SUBSCRIPTION),
    _F.CLICK_INJECTION: (_O.INSTALL,),
    _F.COOKIE_STUFFING: (_O.SALE, _O.SUBSCRIPTION),
    _F.BOT_LEADS: (_O.LEAD, _O.SUBSCRIPTION, _O.BUSINESS),
    _F.STUFFED_LEADS: (_O.LEAD, _O.BUSINESS),
    _F.DEVICE_FARM: (_O.INSTALL,),
    _F.SELF_REFERRAL_RING: (_O.SALE, _O.SUBSCRIPTION),
    _F.UNDISCLOSED_INCENTIVE: (_O.LEAD, _O.INSTALL, _O.SUBSCRIPTION),
    _F.PROXY_GEO_SPOOFING: (_O.LEAD, _O.SUBSCRIPTION, _O.INSTALL, _O.SALE),
    _F.REPLAYED_CONVERSIONS: tuple(_O),
    _F.ATTRIBUTION_WINDOW_ABUSE: (_O.SALE, _O.SUBSCRIPTION, _O.LEAD),
}
"""The kinds of offers that each mechanic works on. Kinds of fraud that are not here borrow a mechanic."""

_LARGE_SCHEME = 150
"""Conversions; a kind that has more is split among several schemes."""
_MOST_SCHEMES = 12
_BIGGER = 2.0
"""Times its target: the honest payout that a partner needs to hide a bad sub_id, and may have to be bad as a whole."""
_SHORT = 0.25
"""Share of schemes that stop after a quarter of the period."""
_REPLAYED = 6.0
"""Times its target: the honest payout of a partner whose conversions are sent again."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One fraud in one place.

    partners: who is paid (several in a ring). sub: code of the one sub_id it hides in, NONE: all of the partner.
    acts: its mechanics. target: payout in ten-thousandths. days: first and last of it. ramping: grows over its days.
    """

    number: int
    kind: FraudKind
    acts: tuple[FraudKind, ...]
    partners: tuple[int, ...]
    sub: int
    offers: tuple[int, ...]
    target: float
    strength: float
    days: tuple[int, int]
    ramping: bool


def plan_schemes(world: World, honest: Trail, rng: np.random.Generator) -> tuple[Scheme, ...]:
    """Place schemes for every kind of fraud that the programme's spec asks for."""
    payout = _honest_payout(world, honest, "affiliate", len(world.partners))
    shares = world.spec.fraud
    scale = payout.sum() / (1 - sum(shares.values()))
    planner = _Planner(world, payout, _honest_payout(world, honest, "offer", len(world.offers.offers)), rng)
    for kind, share in shares.items():
        if share > 0:
            planner.place(kind, share * scale)
    return tuple(planner.schemes)


def _honest_payout(world: World, honest: Trail, by: str, count: int) -> Floats:
    start = midnight(world.spec.start)
    inside = pl.col("ts").is_between(start, start + world.spec.days * DAY, closed="left")
    paid = honest.conversions.filter(inside).group_by(by).agg(pl.col("payout").sum())
    payout = np.zeros(count)
    payout[paid[by].to_numpy()] = paid["payout"].to_numpy()
    return payout


class _Planner:
    def __init__(self, world: World, payout: Floats, offer_payout: Floats, rng: np.random.Generator) -> None:
        self.schemes: list[Scheme] = []
        self._world, self._payout, self._offer_payout, self._rng = world, payout, offer_payout, rng
        self._price = _mean_price(world, rng)
        self._taken: set[int] = set()

    def place(self, kind: FraudKind, target: float) -> None:
        """Split a kind's payout among schemes and place each."""
        mechanics = [kind] if kind in TARGETS else self._borrowed(target)
        possible = [offer for mechanic in mechanics for offer in self._offers_for(mechanic)]
        typical = float(np.median(self._price[possible])) if possible else float(np.median(self._price))
        count = int(np.clip(round(target / typical / _LARGE_SCHEME), 1, _MOST_SCHEMES))
        for part in self._rng.dirichlet(np.full(count, 6.0)) * target:
            mechanic = mechanics[int(self._rng.integers(len(mechanics)))]
            self._place_one(kind, mechanic, float(part))

    def _borrowed(self, target: float) -> list[FraudKind]:
        """Return the mechanics whose offers have enough honest payout for the target to hide in."""
        able = [m for m in TARGETS if m not in _NEVER_BORROWED and self._offers_for(m)]
        fitting = [m for m in able if self._offer_payout[self._offers_for(m)].sum() >= _BIGGER * target]
        return fitting or able or list(TARGETS)[:1]

    def _place_one(self, kind: FraudKind, mechanic: FraudKind, target: float) -> None:
        rng, spec = self._rng, self._world.spec
        hidden = kind is _F.BOUGHT_SUBID or (kind not in _NEVER_HIDDEN and rng.random() < spec.sub_grain)
        partner, hidden = self._host(mechanic, target, prefers_hiding=hidden)
        offers = self._offers_of(partner, mechanic)
        partners: tuple[int, ...] = (partner,)
        if mechanic is _F.SELF_REFERRAL_RING and not hidden:
            partners = (partner, self._host(mechanic, target / 2, prefers_hiding=False)[0])
        self._taken.update(partners)
        second = self._second(mechanic, offers) if rng.random() < spec.mixed else None
        self.schemes.append(
            Scheme(
                number=len(self.schemes),
                kind=kind,
                acts=(mechanic,) if second is None else (mechanic, second),
                partners=tuple(dict.fromkeys(partners)),
                sub=self._world.subs.like(partner, rng) if hidden else NONE,
                offers=offers,
                target=target,
                strength=float(rng.uniform(*spec.strength)),
                days=self._days(partner, late=hidden, short=kind is not _F.SLOW_RAMP and rng.random() < _SHORT),
                ramping=kind is _F.SLOW_RAMP,
            )
        )

    def _host(self, mechanic: FraudKind, target: float, *, prefers_hiding: bool) -> tuple[int, bool]:
        """Choose a partner, and say whether the scheme hides in one sub_id of it."""
        payout, every = self._payout, np.arange(len(self._payout))
        large = payout >= _BIGGER * target
        if mechanic is _F.REPLAYED_CONVERSIONS:
            large = payout >= _REPLAYED * target
            return self._prefer(every[large] if large.any() else every[payout >= payout.max()], mechanic), False
        labelled = np.array([self._world.subs.count(int(index)) >= 2 for index in every])
        if prefers_hiding and (large & labelled).any():
            return self._prefer(every[large & labelled], mechanic), True
        small = every[payout <= _BIGGER * target]
        return self._prefer(small if len(small) else every[payout <= payout.min()], mechanic), False

    def _prefer(self, candidates: np.ndarray, mechanic: FraudKind) -> int:
        """Draw a candidate: a free one that already promotes fitting offers, if there is any."""
        fitting = set(self._offers_for(mechanic))
        free = [int(c) for c in candidates if int(c) not in self._taken] or candidates.tolist()
        good = [c for c in free if fitting & set(self._world.partners[c].offers)]
        return int(self._rng.choice(good or free))

    def _offers_for(self, mechanic: FraudKind) -> list[int]:
        return self._world.offers.of_kind(*TARGETS[mechanic])

    def _offers_of(self, partner: int, mechanic: FraudKind) -> tuple[int, ...]:
        """Choose one to three offers that the mechanic works on: promoted ones, else of the region, else any."""
        offers, owner = self._world.offers.offers, self._world.partners[partner]
        fitting = self._offers_for(mechanic) or list(range(len(offers)))
        promoted = [offer for offer in fitting if offer in owner.offers]
        near = [offer for offer in fitting if offers[offer].region in (None, owner.region)]
        choice = promoted or near or fitting
        several = 2 if mechanic in _SEVERAL_OFFERS else int(self._rng.random() < 0.3)
        weight = np.sqrt(self._offer_payout[choice] + 1.0)
        chosen = self._rng.choice(choice, min(1 + several, len(choice)), replace=False, p=weight / weight.sum())
        return tuple(int(offer) for offer in chosen)

    def _second(self, mechanic: FraudKind, offers: Sequence[int]) -> FraudKind | None:
        kinds = {self._world.offers.offers[offer].kind for offer in offers}
        others = [
            m
            for m, works_on in TARGETS.items()
            if m is not mechanic and m not in _NEVER_BORROWED and kinds <= set(works_on)
        ]
        return others[int(self._rng.integers(len(others)))] if others and mechanic not in _NEVER_BORROWED else None

    def _days(self, partner: int, *, late: bool, short: bool) -> tuple[int, int]:
        days = self._world.spec.days
        joined = max(self._world.partners[partner].joined_day, 0)
        first = joined
        if late or self._rng.random() < 0.4:
            first = joined + int(self._rng.uniform(0.1, 0.55) * (days - joined))
        last = days - 1
        if short:
            last = min(first + max(days // 4, 3), days - 1)
        return min(first, days - 1), last


_NEVER_HIDDEN = frozenset({_F.SLOW_RAMP, _F.REPLAYED_CONVERSIONS, _F.SELF_REFERRAL_RING})
_NEVER_BORROWED = frozenset({_F.REPLAYED_CONVERSIONS, _F.SELF_REFERRAL_RING})
_SEVERAL_OFFERS = frozenset({_F.COOKIE_STUFFING, _F.UNDISCLOSED_INCENTIVE, _F.SELF_REFERRAL_RING})
_SAMPLED_PRICES = 400


def _mean_price(world: World, rng: np.random.Generator) -> Floats:
    prices = []
    for index in range(len(world.offers.offers)):
        drawn = world.offers.price(np.full(_SAMPLED_PRICES, index), np.ones(_SAMPLED_PRICES), rng)["payout"].to_numpy()
        prices.append(max(float(drawn.mean()), 1.0))
    return np.array(prices)
