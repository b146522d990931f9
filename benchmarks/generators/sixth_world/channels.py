"""How honest affiliates come by their clicks, and the sources (affiliate x offer) that they run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import arrivals
from .addresses import COUNTRIES, UTC_OFFSET
from .agents import BROWSER, SOCIAL, WEBVIEW
from .offers import APP, CARRIER_BILLING, LEAD, SALE, Offer
from .people import Audience


@dataclass(frozen=True)
class Channel:
    """A way of advertising. `rates`: conversions per click, low and high; `platforms`: Android, iOS, desktop."""

    name: str
    share: float
    rates: tuple[float, float]
    arrival: str
    decay: float
    platforms: tuple[float, float, float]
    outdoors: float
    form: int
    subs: tuple[int, int]
    referrer: str
    speed: float
    late: float
    families: tuple[str, ...]


_WEB = (LEAD, SALE, CARRIER_BILLING)
_ANY = (APP, LEAD, SALE, CARRIER_BILLING)
CHANNELS = (
    Channel(
        "push", 1.5, (0.0005, 0.012), "sends", 2400, (0.9, 0.01, 0.09), 0.6, BROWSER, (80, 900), "none", 1, 0.6, _ANY
    ),
    Channel(
        "pop", 1.2, (0.0001, 0.004), "poisson", 0, (0.6, 0.1, 0.3), 0.5, BROWSER, (300, 3000), "zone", 1.2, 0.7, _ANY
    ),
    Channel("social", 1.5, (0.004, 0.05), "cascade", 0, (0.6, 0.38, 0.02), 0.5, SOCIAL, (2, 25), "social", 1, 1, _ANY),
    Channel(
        "native", 1.2, (0.003, 0.03), "poisson", 0, (0.4, 0.25, 0.35), 0.35, BROWSER, (30, 400), "site", 1.3, 1.2, _WEB
    ),
    Channel(
        "offerwall", 0.6, (0.04, 0.2), "poisson", 0, (0.85, 0.14, 0.01), 0.5, WEBVIEW, (2, 14), "none", 0.7, 0.5, _ANY
    ),
    Channel(
        "search", 1.3, (0.015, 0.12), "poisson", 0, (0.35, 0.25, 0.4), 0.3, BROWSER, (0, 250), "search", 1, 1, _ANY
    ),
    Channel("email", 1.0, (0.003, 0.05), "sends", 9000, (0.3, 0.3, 0.4), 0.25, BROWSER, (0, 8), "none", 1.1, 1.3, _WEB),
    Channel("review", 1.0, (0.015, 0.1), "poisson", 0, (0.35, 0.25, 0.4), 0.25, BROWSER, (0, 3), "own", 1.6, 1.6, _ANY),
    Channel(
        "influencer", 0.8, (0.008, 0.08), "sends", 14000, (0.5, 0.45, 0.05), 0.5, SOCIAL, (0, 3), "social", 1.1, 1, _ANY
    ),
    Channel(
        "in-app", 1.4, (0.0003, 0.01), "poisson", 0, (0.88, 0.12, 0), 0.55, WEBVIEW, (150, 2500), "none", 1, 0.9, _ANY
    ),
    Channel("sms", 0.7, (0.008, 0.06), "sends", 900, (0.75, 0.25, 0), 0.75, BROWSER, (0, 6), "none", 0.9, 0.7, _WEB),
)


_LANDERS = ("push", "pop", "native", "social", "search", "sms")


@dataclass
class Affiliate:
    """An affiliate: number, channel, `pull` (size), own speed and late share, first and last day, oddities by name."""

    code: int
    channel: Channel
    pull: float
    rate: float
    speed: float
    late: float
    first: float
    last: float
    referrers: np.ndarray
    oddities: set[str] = field(default_factory=set)


@dataclass
class Source:
    """What an affiliate runs on an offer. `calendar` are weights of hours; `rate` conversions per click."""

    affiliate: Affiliate
    offer: Offer
    audience: Audience
    subs: np.ndarray
    popularity: np.ndarray
    quality: np.ndarray
    calendar: np.ndarray
    rate: float
    clicks: int = 0

    def sub_of(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return places among the sub ids, -1 where the source has none."""
        if len(self.subs) == 0:
            return np.full(count, -1)
        return rng.choice(len(self.subs), size=count, p=self.popularity)

    def arrive(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return seconds since the start, as the channel's visitors come."""
        channel = self.affiliate.channel
        if channel.arrival == "sends":
            return arrivals.sends(rng, self.calendar, count, channel.decay * rng.lognormal(0, 0.4))
        if channel.arrival == "cascade":
            return arrivals.cascade(rng, self.calendar, count, rng.uniform(0.2, 0.9))
        return arrivals.poisson(rng, self.calendar, count)


def draw_affiliates(rng: np.random.Generator, days: int, referrers: int) -> list[Affiliate]:
    """Return the affiliates of a world; a few join or leave within the period, some of them with a bang."""
    count = int(rng.integers(28, 95))
    shares = np.array([channel.share for channel in CHANNELS]) * rng.lognormal(0, 0.7, len(CHANNELS))
    made = []
    for code in range(count):
        channel = CHANNELS[rng.choice(len(CHANNELS), p=shares / shares.sum())]
        low, high = channel.rates
        first = float(rng.uniform(0.1, 0.85) * days) if rng.random() < 0.2 else 0.0
        last = float(rng.uniform(first + 3, days)) if rng.random() < 0.12 and first + 5 < days else float(days)
        affiliate = Affiliate(
            code,
            channel,
            rng.lognormal(0, 1.1),
            np.exp(rng.uniform(np.log(low), np.log(high))),
            channel.speed * rng.lognormal(0, 0.3),
            channel.late * rng.lognormal(0, 0.4),
            first,
            last,
            rng.integers(0, referrers, size=int(rng.integers(1, 30))),
        )
        if first and rng.random() < 0.5:
            affiliate.oddities.add("bang")
        if rng.random() < 0.06:
            affiliate.oddities.add("one device type")
        if rng.random() < 0.05:
            affiliate.oddities.add("outlier")
            affiliate.rate *= float(rng.choice([0.15, 4.0]))
        if rng.random() < 0.07:
            affiliate.oddities.add("viral day")
        if rng.random() < 0.12 and channel.name in _LANDERS:
            affiliate.oddities.add("own landing page")  # only who leaves it is counted as a click, and he has decided
            affiliate.speed *= rng.uniform(0.08, 0.5)
            affiliate.rate = min(affiliate.rate * rng.uniform(3, 15), 0.25)
        made.append(affiliate)
    return made


def make_source(affiliate: Affiliate, offer: Offer, days: int, rng: np.random.Generator) -> Source:
    """Return the source of an affiliate on an offer."""
    countries = offer.countries * rng.lognormal(0, 0.6, len(COUNTRIES))
    countries /= countries.sum()
    stray = rng.beta(0.6, 25)
    countries = (1 - stray) * countries + stray / len(COUNTRIES)
    platforms = np.array(affiliate.channel.platforms) * rng.lognormal(0, 0.3, 3)
    if offer.family == APP:
        platforms *= (1, 0.15, 0.02) if rng.random() < 0.7 else (0.05, 1, 0.02)
    if "one device type" in affiliate.oddities:
        platforms *= np.eye(3)[rng.integers(0, 2)] + 1e-6
    outdoors = affiliate.channel.outdoors if offer.family != CARRIER_BILLING else 0.95
    audience = Audience(countries, platforms / platforms.sum(), outdoors, rng.uniform(0.02, 0.5))
    low, high = affiliate.channel.subs
    count = int(np.exp(rng.uniform(np.log(low + 1), np.log(high + 1)))) - (low == 0)
    popularity = rng.pareto(rng.uniform(0.7, 1.8), count) + 0.01
    return Source(
        affiliate,
        offer,
        audience,
        rng.integers(0, 1 << 30, size=count),
        popularity / popularity.sum() if count else popularity,
        rng.lognormal(0, rng.uniform(0.1, 1.2), count),
        _calendar(affiliate, offer, days, rng),
        affiliate.rate * offer.pull * rng.lognormal(0, 0.3) * {APP: 1.0, SALE: 0.6}.get(offer.family, 1.2),
    )


def _calendar(affiliate: Affiliate, offer: Offer, days: int, rng: np.random.Generator) -> np.ndarray:
    offset = UTC_OFFSET[COUNTRIES[int(np.argmax(offer.countries))]]
    weights = arrivals.daily_course(rng, offset, days)
    day = np.arange(days * 24) / 24
    weights *= (day >= affiliate.first) & (day < affiliate.last)
    if "bang" in affiliate.oddities:
        weights *= 1 + rng.uniform(3, 25) * np.exp(-np.maximum(day - affiliate.first, 0) / rng.uniform(0.4, 3))
    if "viral day" in affiliate.oddities:
        peak = rng.uniform(affiliate.first, affiliate.last)
        weights *= 1 + rng.uniform(5, 60) * np.exp(-np.maximum(day - peak, 0) / 0.4) * (day >= peak)
    if rng.random() < 0.12:
        begin = rng.uniform(0, days)
        weights *= ~((day > begin) & (day < begin + rng.uniform(1, 8)))
    return weights + 1e-9 * ((day >= affiliate.first) & (day < affiliate.last))
