"""Everything in a simulated programme that does not depend on the traffic: offers, partners, people, words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from screening.simulate.agents import AgentBook
from screening.simulate.columns import NONE, Floats, Ints, choose, lognormal, stream
from screening.simulate.markets import COUNTRIES, REGION_WEIGHTS, members
from screening.simulate.names import site_domains
from screening.simulate.offers import OfferBook, draw_offers
from screening.simulate.partners import Partner, SubBook, draw_partners
from screening.simulate.people import Audience, People
from screening.simulate.spec import ProgrammeSpec

WARM_UP = 7
"""Days before the period whose clicks are simulated too, so that its first conversions have clicks before it."""
_SHARED = 0.10
"""Share of visits by people of the region who come through several partners."""
_SOCIAL = (
    "https://l.facebook.com/",
    "https://www.instagram.com/",
    "https://t.co/",
    "https://www.youtube.com/",
    "https://www.tiktok.com/",
)
_SEARCH = ("https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/")
_PAGES = ("", "", "", "blog/", "reviews/", "deals/", "best-of/", "guide/", "offers/", "top-10/")


class ReferrerBook:
    """The referrers that clicks can carry, each with a code."""

    def __init__(self, partners: tuple[Partner, ...], rng: np.random.Generator) -> None:
        self.texts: list[str] = [*_SOCIAL, *_SEARCH]
        self._first, self._count = [], []
        for partner in partners:
            self._first.append(len(self.texts))
            full = rng.random() < 0.4  # whether its pages tell their path or, as browsers default to, only their site
            pages = [f"{page}{int(rng.integers(10, 400))}" for page in _PAGES] if full else [""]
            self.texts += [f"https://www.{domain}/{page}" for domain in partner.domains for page in pages]
            self._count.append(len(self.texts) - self._first[-1])
        self._first_of, self._count_of = np.array(self._first), np.array(self._count)
        self._share = np.array([partner.habit.referrers for partner in partners])

    def draw(self, partner: Ints, rng: np.random.Generator) -> Ints:
        """Draw a referrer for each click of these partners; NONE where an app, a mail or a browser sends none."""
        site = self.site(partner, rng)
        social = choose([0.42, 0.28, 0.08, 0.12, 0.10], len(partner), rng)
        search = len(_SOCIAL) + choose([0.86, 0.10, 0.04], len(partner), rng)
        luck, bounds = rng.random(len(partner)), np.cumsum(self._share, axis=1)[partner]
        return np.select([luck < bounds[:, 0], luck < bounds[:, 1], luck < bounds[:, 2]], [site, social, search], NONE)

    def site(self, partner: Ints, rng: np.random.Generator) -> Ints:
        """Draw a page of each partner's own sites."""
        return np.asarray(
            self._first_of[partner] + (self._count_of[partner] * rng.random(len(partner))).astype(np.int64), np.int64
        )

    def strange(self, count: int, rng: np.random.Generator) -> Ints:
        """Add that many sites that no partner registered and return their codes."""
        first = len(self.texts)
        self.texts += [f"https://{domain}/" for domain in site_domains(count, rng)]
        return np.arange(first, len(self.texts), dtype=np.int64)


@dataclass(frozen=True)
class World:
    """A programme before anything happened in it."""

    spec: ProgrammeSpec
    seed: int
    offers: OfferBook
    partners: tuple[Partner, ...]
    subs: SubBook
    referrers: ReferrerBook
    agents: AgentBook
    people: People
    pool_first: Ints
    pool_size: Ints
    region_first: Ints
    region_size: Ints

    def readers(self, partner: Ints, rng: np.random.Generator) -> Ints:
        """Draw the person behind each click: of the partner's own readers, the loyal ones often, or of its region."""
        luck = rng.random(len(partner)) ** self._skew[partner]
        own = self.pool_first[partner] + (luck * self.pool_size[partner]).astype(np.int64)
        region = self._region[partner]
        common = self.region_first[region] + (rng.random(len(partner)) * self.region_size[region]).astype(np.int64)
        return np.where(rng.random(len(partner)) < _SHARED, common, own)

    def locals(self, region: int, count: int, rng: np.random.Generator) -> Ints:
        """Draw people of a region, whoever brought them."""
        return np.asarray(
            self.region_first[region] + (rng.random(count) * self.region_size[region]).astype(np.int64), np.int64
        )

    @property
    def _skew(self) -> Floats:
        return np.array([1.0 + 1.2 * partner.habit.loyalty for partner in self.partners])

    @property
    def _region(self) -> Ints:
        order = list(REGION_WEIGHTS)
        return np.array([order.index(partner.region) for partner in self.partners])


def make_world(spec: ProgrammeSpec, seed: int) -> World:
    """Draw offers, partners and people of a programme."""
    rng = stream(seed, "world")
    offers = draw_offers(spec, rng)
    partners = draw_partners(spec, offers, rng)
    agents = AgentBook(spec.start, spec.days)
    visits = np.array([partner.size for partner in partners]) * spec.clicks * (1 + WARM_UP / spec.days)
    loyalty = np.array([partner.habit.loyalty for partner in partners])
    pool = np.maximum(visits * (1 - loyalty) * (1 - _SHARED) * 0.9, 12).astype(np.int64)
    common = np.maximum(np.array(list(REGION_WEIGHTS.values())) * visits.sum() * _SHARED * 0.8, 50).astype(np.int64)
    people = People(_audience(partners, pool, common, rng), agents, rng)
    ends = np.cumsum(np.concatenate([pool, common]))
    first = np.concatenate([[0], ends[:-1]])
    return World(
        spec, seed, OfferBook(offers), partners, SubBook(partners, rng), ReferrerBook(partners, rng), agents, people,
        first[: len(pool)], pool, first[len(pool) :], common,
    )  # fmt: skip


def _audience(partners: tuple[Partner, ...], pool: Ints, common: Ints, rng: np.random.Generator) -> Audience:
    regions = list(REGION_WEIGHTS)
    vpn = np.minimum(lognormal(0.02, 0.8, len(partners), rng), 0.3)
    mobile, in_app = [p.habit.mobile for p in partners], [p.habit.in_app for p in partners]
    sizes = np.concatenate([pool, common])
    habits = np.array([mobile, in_app, [p.habit.office for p in partners], vpn])
    shared = np.tile(np.array([[1.0], [0.05], [0.07], [0.025]]), (1, len(regions)))
    of_person = np.repeat(np.concatenate([habits, shared], axis=1), sizes, axis=1)
    country = np.concatenate(
        [
            codes[choose(shares, int(size), rng)]
            for size, (codes, shares) in zip(
                sizes, [members(p.region) for p in partners] + [members(r) for r in regions], strict=True
            )
        ]
    )
    phones = np.array([c.mobile for c in COUNTRIES])[country]
    return Audience(country, phones * of_person[0], of_person[1], of_person[2], of_person[3])
