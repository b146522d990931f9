"""Offers of a performance network: what is paid for, how much, in which countries, and how long people take."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .addresses import COUNTRIES
from .arrivals import DAY, HOUR

APP, LEAD, SALE, CARRIER_BILLING = "app", "lead", "sale", "carrier billing"

# name: (family, lowest and highest payout, fastest-possible and usual seconds, share and usual hours of late ones)
_VERTICALS = {
    "install-utility": (APP, (0.3, 2.0), (12, 90), (0.15, 8)),
    "install-game": (APP, (0.5, 6.0), (25, 200), (0.25, 12)),
    "install-finance": (APP, (2.0, 25.0), (20, 420), (0.35, 20)),
    "sweepstakes": (LEAD, (0.6, 4.0), (3, 35), (0.04, 5)),
    "insurance-quote": (LEAD, (6.0, 60.0), (45, 240), (0.12, 20)),
    "loan-form": (LEAD, (4.0, 120.0), (40, 330), (0.2, 30)),
    "solar-callback": (LEAD, (15.0, 140.0), (15, 80), (0.1, 30)),
    "trial-streaming": (SALE, (3.0, 40.0), (20, 300), (0.3, 24)),
    "casino-deposit": (SALE, (40.0, 250.0), (60, 900), (0.45, 40)),
    "nutra": (SALE, (10.0, 90.0), (15, 180), (0.2, 15)),
    "dating-signup": (LEAD, (1.5, 8.0), (8, 60), (0.08, 10)),
    "ringtone-subscription": (CARRIER_BILLING, (0.8, 9.0), (1.5, 14), (0.01, 3)),
}
_SHARES = np.array([2, 2, 1.5, 1.7, 1.2, 1.2, 0.7, 1.5, 1.0, 1.2, 1.2, 1.1])
_CORE = 13
"""Countries that offers aim at; the rest are only where servers stand or strays come from."""
_RICH = ("US", "GB", "DE", "FR", "ES")


@dataclass(frozen=True)
class Delay:
    """Seconds from click to goal: about `floor` at the least, a `quick` part, and a `late` share of hours to days.

    The floor of a `download` is the same for everybody, that of a form goes with people's speed.
    """

    floor: float
    family: str
    quick: float
    shape: float
    late: float
    hours: float
    download: bool

    def draw(self, count: int, rng: np.random.Generator, speed: float = 1.0, late: float = 1.0) -> np.ndarray:
        """Return delays; `speed` above 1 is slower, `late` multiplies the late share."""
        middle = max(self.quick - self.floor, 2.0) * speed
        if self.family == "gamma":
            seconds = rng.gamma(self.shape, middle / self.shape, count)
        elif self.family == "weibull":
            seconds = middle * rng.weibull(0.55 + self.shape / 3, count)
        else:
            seconds = middle * rng.lognormal(0, 1.3 / np.sqrt(self.shape), count)
        later = rng.random(count) < min(self.late * late, 0.9)
        seconds = np.where(later, self.hours * HOUR * rng.lognormal(0, 1.1, count), seconds)
        least = self.floor if self.download else self.floor * min(1.0, speed)
        return least * rng.lognormal(0, 0.25, count) + seconds


@dataclass(frozen=True)
class Offer:
    """An offer. `events` are later goals: name, share of people, usual hours, payout.

    Goals are stamped at the end of a `bulk` of so many seconds (0: at once), and `clock` seconds late.
    """

    code: int
    name: str
    vertical: str
    family: str
    payout: float
    countries: np.ndarray
    delay: Delay
    window: float
    incentive: bool
    pull: float
    events: tuple[tuple[str, float, float, float], ...]
    bulk: float
    clock: float


def draw_offers(rng: np.random.Generator) -> list[Offer]:
    """Return the offers of a world; each family of goals occurs."""
    names = list(_VERTICALS)
    shares = _SHARES * rng.lognormal(0, 0.9, len(names))
    chosen = list(rng.choice(names, size=int(rng.integers(6, 22)), p=shares / shares.sum()))
    chosen += [rng.choice(names[:3]), rng.choice(names[3:7]), rng.choice(names[7:10])]
    offers = [_draw_offer(code, str(vertical), rng) for code, vertical in enumerate(chosen)]
    if not any(offer.incentive for offer in offers):  # walls need something to sell
        offers[-3] = replace(offers[-3], incentive=True)
    return offers


def _draw_offer(code: int, vertical: str, rng: np.random.Generator) -> Offer:
    family, (low, high), (floor, usual), (late, hours) = _VERTICALS[vertical]
    countries = np.zeros(len(COUNTRIES))
    targets = rng.choice(_CORE, size=int(rng.choice([1, 1, 2, 3, 6])), replace=False)
    countries[targets] = rng.dirichlet(np.full(len(targets), 1.5))
    rich = sum(countries[COUNTRIES.index(country)] for country in _RICH)
    payout = np.exp(rng.uniform(np.log(low), np.log(high))) * (0.55 + 0.45 * rich)
    delay = Delay(
        floor * rng.lognormal(0, 0.3),
        str(rng.choice(["lognormal", "gamma", "weibull"])),
        usual * rng.lognormal(0, 0.4),
        rng.uniform(0.8, 3.5),
        late * rng.uniform(0.3, 1.6),
        hours * rng.lognormal(0, 0.4),
        family == APP,
    )
    return Offer(
        code,
        f"{100 + code * 7 + int(rng.integers(7))}-{vertical}-{COUNTRIES[targets[0]].lower()}",
        vertical,
        family,
        max(0.3, round(payout, 2)),
        countries,
        delay,
        float(rng.choice([1, 3, 7, 14, 30], p=[0.1, 0.15, 0.35, 0.15, 0.25])) * DAY,
        bool(family in (APP, LEAD) and payout < 6 and rng.random() < 0.5),
        rng.lognormal(0, 0.5),
        _draw_events(family, payout, rng),
        float(rng.choice([900, 3600, 6 * 3600])) if rng.random() < 0.08 else 0.0,
        float(rng.uniform(2, 240)) if rng.random() < 0.15 else 0.0,
    )


def _draw_events(family: str, payout: float, rng: np.random.Generator) -> tuple[tuple[str, float, float, float], ...]:
    if family == APP and rng.random() < 0.7:
        paid = round(payout * rng.uniform(0.1, 1.0), 2) if rng.random() < 0.4 else 0.0
        return (
            ("registration", rng.uniform(0.15, 0.6), rng.uniform(0.05, 3), 0.0),
            ("purchase", rng.uniform(0.01, 0.12), rng.uniform(8, 80), paid),
        )
    if family == SALE and rng.random() < 0.25:
        return (("rebill", rng.uniform(0.1, 0.5), rng.uniform(100, 400), 0.0),)
    return ()
