"""Offers, feeds and pools of the third programme: addresses, agents, devices, customers, referrers, drawn plainly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DAY = 86_400.0
START = 1_772_323_200.0
"""2026-03-01, seconds since 1970."""
COUNTRIES = ("US", "GB", "DE", "FR", "BR", "IN", "CA")
HOSTS = ((3, 5), (13, 52), (34, 64), (52, 20), (104, 131), (159, 65), (138, 68), (51, 15), (95, 216))
"""First octets of networks of large hosting companies."""
AGENTS = (
    *(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{major}.0.0.0 Safari/537.36"
        for major in range(140, 149)
    ),
    *(
        f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        f"Version/{major}.{minor} Mobile/15E148 Safari/604.1"
        for major in (18, 26)
        for minor in (1, 3, 5)
    ),
    *(
        f"Mozilla/5.0 (Linux; Android {release}; {model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 "
        "Mobile Safari/537.36"
        for release in (13, 14, 15)
        for model in ("SM-G991B", "Pixel 7", "M2101K6G")
        for major in (141, 145)
    ),
    *(
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} "
        "Safari/605.1.15"
        for version in ("18.4", "26.1")
    ),
)
BOTS = (
    "python-requests/2.32.3",
    "curl/8.5.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
)


@dataclass(frozen=True)
class Offer:
    """An offer: payout (or mean payout, where it follows the basket), chance of a click to convert, usual seconds."""

    name: str
    payout: float
    by_basket: bool
    chance: float
    usual_seconds: float
    window_days: float
    country: str


@dataclass(frozen=True)
class Feed:
    """What the programme's tracking tells and how its values look."""

    days: int
    address_style: str
    blocks: np.ndarray
    hours_vary: bool
    sub_ids: int
    agent_weights: np.ndarray
    devices: str
    referrers: str
    customers: bool
    revenue: bool


def draw_offers(rng: np.random.Generator, clicks_per_goal: int) -> list[Offer]:
    """Draw the programme's offers."""
    countries = rng.choice(COUNTRIES, size=int(rng.integers(1, 5)), replace=False)
    return [
        Offer(
            f"offer-{number}",
            float(rng.choice([2, 5, 10, 25, 40, 60])),
            bool(rng.random() < 0.3),
            float(np.exp(rng.normal(np.log(1 / clicks_per_goal), 0.5))),
            float(np.exp(rng.uniform(np.log(120), np.log(7200)))),
            float(rng.choice([7, 30])),
            str(rng.choice(countries)),
        )
        for number in range(int(rng.integers(3, 15)))
    ]


def draw_feed(rng: np.random.Generator) -> Feed:
    """Draw what the programme tells."""
    weights = np.ones(len(AGENTS)) if rng.random() < 0.5 else 1 / np.arange(1, len(AGENTS) + 1)
    return Feed(
        days=int(rng.integers(14, 62)),
        address_style=str(rng.choice(["random", "private", "blocks"])),
        blocks=rng.integers(20, 220, size=(40, 2)),
        hours_vary=bool(rng.random() < 0.7),
        sub_ids=int(rng.integers(1, 8)),
        agent_weights=rng.permutation(weights / weights.sum()),
        devices=str(rng.choice(["none", "each", "some"])),
        referrers=str(rng.choice(["none", "site", "mixed"])),
        customers=bool(rng.random() < 0.5),
        revenue=bool(rng.random() < 0.7),
    )


def texts(values: Sequence[str | None] | np.ndarray) -> np.ndarray:
    """Return text as an array of objects, so that None stays None."""
    found = np.empty(len(values), dtype=object)
    found[:] = list(values)
    return found


@dataclass(frozen=True)
class Draws:
    """Draws of values as the feed tells them; every array has shape (count,)."""

    feed: Feed
    rng: np.random.Generator

    def addresses(self, count: int) -> np.ndarray:
        """Draw addresses of ordinary visitors."""
        if self.feed.address_style == "random":
            return texts([f"{a}.{b}.{c}.{d}" for a, b, c, d in self.rng.integers(1, 224, (count, 4))])
        low = self.rng.integers(0, 255, (count, 3))
        if self.feed.address_style == "private":
            return texts([f"10.{a}.{b}.{c}" for a, b, c in low])
        blocks = self.feed.blocks[self.rng.integers(0, len(self.feed.blocks), count)]
        return texts([f"{a}.{b}.{c}.{d}" for (a, b), (c, d, _) in zip(blocks, low, strict=True)])

    def hosted(self, count: int) -> np.ndarray:
        """Draw addresses of rented servers."""
        hosts = self.rng.integers(0, len(HOSTS), count)
        low = self.rng.integers(0, 255, (count, 2))
        return texts([f"{HOSTS[host][0]}.{HOSTS[host][1]}.{c}.{d}" for host, (c, d) in zip(hosts, low, strict=True)])

    def agents(self, count: int) -> np.ndarray:
        """Draw user agents as common as the feed has them."""
        return texts(AGENTS)[self.rng.choice(len(AGENTS), count, p=self.feed.agent_weights)]

    def devices(self, count: int) -> np.ndarray:
        """Draw device ids, None where the feed has none."""
        told = self.rng.random(count) < {"none": 0.0, "each": 1.0, "some": 0.6}[self.feed.devices]
        numbers = self.rng.integers(0, 10**12, count)
        return texts([f"d{number}" if known else None for number, known in zip(numbers, told, strict=True)])

    def customers(self, count: int) -> np.ndarray:
        """Draw new customers, None where the feed has none."""
        return texts([f"u{number}" if self.feed.customers else None for number in self.rng.integers(0, 10**12, count)])

    def referrers(self, affiliate: str, count: int) -> np.ndarray:
        """Draw pages of the affiliate's site, None where the feed or the visitor tells none."""
        told = self.rng.random(count) < {"none": 0.0, "site": 0.9, "mixed": 0.6}[self.feed.referrers]
        pages = self.rng.integers(0, 30, count)
        return texts(
            [f"https://{affiliate}.example/p{page}" if known else None for page, known in zip(pages, told, strict=True)]
        )

    def hours(self, count: int) -> np.ndarray:
        """Draw seconds of the day."""
        if not self.feed.hours_vary:
            return self.rng.random(count) * DAY
        return np.asarray(self.rng.normal(15, 4.5, count) % 24 * 3600)

    def payouts(self, offer: Offer, count: int) -> np.ndarray:
        """Draw payouts of an offer."""
        if not offer.by_basket:
            return np.full(count, offer.payout)
        return np.asarray(np.maximum(np.round(offer.payout * np.exp(self.rng.normal(0, 0.6, count)), 2), 0.01))
