"""The partners of a simulated programme: what they do honestly, how big they are, and how they label their traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from screening.simulate.columns import NONE, Floats, Ints, choose, lognormal
from screening.simulate.markets import COUNTRIES, REGION_WEIGHTS, Region, members
from screening.simulate.names import Registration, register, site_domains
from screening.simulate.offers import Offer, OfferKind
from screening.simulate.rhythm import Clock
from screening.simulate.spec import ProgrammeSpec


class PartnerType(StrEnum):
    """How a partner reaches people."""

    CONTENT = "content"
    COUPON = "coupon"
    CASHBACK = "cashback"
    EMAIL = "email"
    SOCIAL = "social"
    SEARCH = "search"
    COMPARISON = "comparison"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True)
class Habit:
    """What is usual for a type of partner.

    rate: times the offer's conversion rate. haste: times the offer's decision time. loyalty: share of clicks by people
    who came before. mobile: times the country's share of telephones. in_app: share of telephone visits inside the apps
    of social networks. no_subs: share of partners without sub_ids; subs: median number otherwise. referrers: shares of
    own site, social network, search engine; the rest sends none.
    """

    share: float
    affinity: Mapping[OfferKind, float]
    rate: float
    haste: float
    loyalty: float
    mobile: float
    in_app: float
    office: float
    no_subs: float
    subs: float
    referrers: tuple[float, float, float]
    methods: tuple[str, ...]


_K = OfferKind
HABITS: Mapping[PartnerType, Habit] = {
    PartnerType.CONTENT: Habit(
        0.24, {_K.SALE: 1, _K.SUBSCRIPTION: 0.7, _K.LEAD: 0.6, _K.BUSINESS: 0.3, _K.INSTALL: 0.4},
        0.8, 1.2, 0.12, 1.0, 0.03, 0.07, 0.35, 12, (0.80, 0.02, 0.02), ("content", "seo")),
    PartnerType.COUPON: Habit(
        0.12, {_K.SALE: 1, _K.SUBSCRIPTION: 0.3},
        2.0, 0.20, 0.30, 0.9, 0.01, 0.05, 0.50, 8, (0.84, 0.01, 0.04), ("coupon",)),
    PartnerType.CASHBACK: Habit(
        0.08, {_K.SALE: 1, _K.SUBSCRIPTION: 0.3},
        2.8, 0.70, 0.70, 1.0, 0.0, 0.05, 0.15, 150, (0.70, 0.0, 0.0), ("cashback", "loyalty")),
    PartnerType.EMAIL: Habit(
        0.10, {_K.LEAD: 1, _K.SUBSCRIPTION: 0.8, _K.SALE: 0.5, _K.INSTALL: 0.3},
        0.7, 1.0, 0.45, 1.0, 0.0, 0.08, 0.10, 15, (0.02, 0.0, 0.0), ("email",)),
    PartnerType.SOCIAL: Habit(
        0.18, {_K.INSTALL: 1.4, _K.SALE: 0.8, _K.SUBSCRIPTION: 0.5, _K.LEAD: 0.3},
        0.6, 1.1, 0.08, 1.5, 0.62, 0.02, 0.25, 40, (0.05, 0.66, 0.0), ("social", "influencer")),
    PartnerType.SEARCH: Habit(
        0.10, {_K.LEAD: 1, _K.SALE: 0.7, _K.SUBSCRIPTION: 0.6, _K.BUSINESS: 0.4, _K.INSTALL: 0.6},
        1.3, 0.9, 0.10, 1.0, 0.0, 0.09, 0.10, 60, (0.55, 0.0, 0.30), ("search",)),
    PartnerType.COMPARISON: Habit(
        0.12, {_K.LEAD: 1, _K.SUBSCRIPTION: 0.7, _K.SALE: 0.6, _K.BUSINESS: 0.4},
        1.5, 1.1, 0.15, 0.9, 0.0, 0.08, 0.30, 10, (0.88, 0.0, 0.02), ("comparison", "content")),
    PartnerType.BUSINESS: Habit(
        0.06, {_K.BUSINESS: 1, _K.SUBSCRIPTION: 0.4, _K.LEAD: 0.3},
        1.2, 1.3, 0.25, 0.4, 0.01, 0.65, 0.40, 6, (0.78, 0.05, 0.03), ("content", "webinar")),
}  # fmt: skip


_FEWEST_PROMOTERS = 4
"""Partners of an offer, where so many are near it."""
_GIVEN = 0.3
"""Share of a partner's traffic that goes to an offer which it was given."""


@dataclass(frozen=True, slots=True)
class Partner:
    """One partner. size: relative traffic. joined_day: days after the start (negative: before). offers: positions."""

    code: str
    type: PartnerType
    region: Region
    size: float
    joined_day: int
    quality: float
    rise: float
    offers: tuple[int, ...]
    offer_weights: tuple[float, ...]
    domains: tuple[str, ...]
    registration: Registration

    @property
    def habit(self) -> Habit:
        """What is usual for its type."""
        return HABITS[self.type]


def draw_partners(spec: ProgrammeSpec, offers: Sequence[Offer], rng: np.random.Generator) -> tuple[Partner, ...]:
    """Draw the partners: a few huge, many tiny; most joined long ago, some within the period."""
    types = list(PartnerType)
    sizes = _sizes(spec.affiliates, rng)
    kinds = choose([HABITS[kind].share for kind in types], spec.affiliates, rng)
    regions = choose(list(REGION_WEIGHTS.values()), spec.affiliates, rng)
    joined = -np.ceil(rng.gamma(1.2, 400, spec.affiliates)).astype(int) - 30
    newcomers = (rng.random(spec.affiliates) < 0.10) & (np.arange(spec.affiliates) > spec.affiliates // 10)
    joined = np.where(newcomers, rng.integers(0, max(spec.days * 2 // 3, 1), spec.affiliates), joined)
    drawn = [
        _draw(
            number,
            types[kinds[number]],
            list(REGION_WEIGHTS)[regions[number]],
            (sizes[number], int(joined[number])),
            offers,
            rng,
        )
        for number in range(spec.affiliates)
    ]
    return tuple(_all_promoted(drawn, offers, rng))


def _all_promoted(partners: list[Partner], offers: Sequence[Offer], rng: np.random.Generator) -> list[Partner]:
    """Give offers that hardly anybody chose to some of the partners near them."""
    for index, offer in enumerate(offers):
        near = [number for number, item in enumerate(partners) if offer.region in (None, item.region)]
        others = [number for number in near if index not in partners[number].offers]
        lacking = _FEWEST_PROMOTERS - (len(near) - len(others))
        for number in rng.permutation(others)[: max(lacking, 0)]:
            partner = partners[number]
            weights = (*(weight * (1 - _GIVEN) for weight in partner.offer_weights), _GIVEN)
            partners[number] = replace(partner, offers=(*partner.offers, index), offer_weights=weights)
    return partners


def _sizes(count: int, rng: np.random.Generator) -> Floats:
    ranked = np.arange(1, count + 1) ** -1.0 * lognormal(1.0, 0.35, count, rng)
    return np.asarray(ranked / ranked.sum(), np.float64)


def _draw(
    number: int,
    kind: PartnerType,
    region: Region,
    size_joined: tuple[float, int],
    offers: Sequence[Offer],
    rng: np.random.Generator,
) -> Partner:
    chosen, weights = _promoted(kind, region, offers, rng)
    size, joined = size_joined
    countries, shares = members(region)
    country = COUNTRIES[int(countries[choose(shares, 1, rng)[0]])]
    domains = site_domains(2 if rng.random() < 0.2 else 1, rng)
    return Partner(
        code=f"a{1001 + number}",
        type=kind,
        region=region,
        size=size,
        joined_day=joined,
        quality=float(lognormal(1.0, 0.25, 1, rng)[0]),
        rise=float(rng.choice([1.0, 1.1, 1.2], p=[0.75, 0.15, 0.10])),
        offers=chosen,
        offer_weights=weights,
        domains=domains,
        registration=register(domains[0], country.code, HABITS[kind].methods, rng),
    )


def _promoted(
    kind: PartnerType, region: Region, offers: Sequence[Offer], rng: np.random.Generator
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    local = [index for index, offer in enumerate(offers) if offer.region in (None, region)] or list(range(len(offers)))
    affinity = np.array([HABITS[kind].affinity.get(offers[index].kind, 0.0) for index in local])
    if not affinity.any():
        affinity[:] = 1.0
    liked = np.array(local)[affinity > 0]
    count = min(len(liked), 1 + int(rng.poisson(2.2)))
    chance = affinity[affinity > 0] / affinity.sum()
    chosen = rng.choice(liked, count, replace=False, p=chance)
    weights = rng.dirichlet(np.full(count, 1.2))
    return tuple(int(index) for index in chosen), tuple(float(weight) for weight in weights)


class SubBook:
    """The sub_ids of all partners, each with a code; partners may get more while the programme is made."""

    def __init__(self, partners: Sequence[Partner], rng: np.random.Generator) -> None:
        self.texts: list[str] = []
        self.quality: list[float] = []
        counts = np.array([_sub_count(partner, rng) for partner in partners], np.int64)
        self._count = counts
        self._first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        for count in counts:
            style = _STYLES[int(rng.integers(len(_STYLES)))]
            labels = rng.permutation(90_000)[:count] + 10_000
            self.texts += [style.format(int(label), int(label) % 97) for label in labels]
            self.quality += list(lognormal(1.0, 0.3, int(count), rng))
        self.skew = 2.4

    def draw(self, partner: Ints, rng: np.random.Generator) -> Ints:
        """Draw a sub_id of each partner's own, a few of them busy; NONE for partners without."""
        position = (self._count[partner] * rng.random(len(partner)) ** self.skew).astype(np.int64)
        return np.where(self._count[partner] > 0, self._first[partner] + position, NONE)

    def count(self, partner: int) -> int:
        """Return how many sub_ids a partner has of its own."""
        return int(self._count[partner])

    def like(self, partner: int, rng: np.random.Generator) -> int:
        """Add one more sub_id that looks like the partner's others and return its code."""
        own = self.texts[self._first[partner]] if self._count[partner] else "src-10000"
        digits = "".join(letter for letter in own if letter.isdigit())
        self.texts.append(own.replace(digits[:5], str(int(rng.integers(100_000, 999_999))), 1))
        self.quality.append(1.0)
        return len(self.texts) - 1


_STYLES = ("{0}", "src-{0}", "pl_{0}", "cmp{0}-{1}", "z{0}")


def _sub_count(partner: Partner, rng: np.random.Generator) -> int:
    habit = partner.habit
    if rng.random() < habit.no_subs:
        return 0
    return int(np.clip(lognormal(habit.subs, 0.9, 1, rng)[0], 2, 600))


def clocks(partners: Sequence[Partner], offers: Sequence[Offer], partner: Ints, offer: Ints) -> Ints:
    """Return the daily habit of each click: that of the offer, except that companies read in office hours."""
    of_offer = np.array([item.clock for item in offers], np.int64)[offer]
    business = np.array([item.type is PartnerType.BUSINESS for item in partners])[partner]
    return np.where(business, int(Clock.OFFICE), of_offer)
