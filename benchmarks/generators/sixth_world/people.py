"""People with a home line, a carrier, a handset and a country; they come back, and change lines in between."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .addresses import CARRIER, EXIT, HOME, Ranges, mixed
from .agents import DESKTOP, Handsets

Columns = dict[str, np.ndarray]

_HOUR = 3600.0
_V4_END = 1 << 32
_FIELDS = ("country", "home", "carrier", "handset", "device", "outdoors", "exit")


@dataclass(frozen=True)
class Audience:
    """Who sees a source: weights of countries, platforms, share of lines that are a carrier's, of returning people."""

    countries: np.ndarray
    platforms: np.ndarray
    outdoors: float
    returning: float


@dataclass
class Crowd:
    """Everybody in a world. A person is a row number; `gates` holds the gateways of every carrier range."""

    ranges: Ranges
    handsets: Handsets
    gates: np.ndarray
    restless: float
    """Share of home lines that get a new address every week."""
    hidden: float
    """Share of people behind a commercial tunnel."""
    start: float
    parts: list[Columns] = field(default_factory=list)
    size: int = 0

    def welcome(self, audience: Audience, count: int, rng: np.random.Generator) -> np.ndarray:
        """Add people and return their numbers."""
        country = rng.choice(len(audience.countries), size=count, p=audience.countries)
        platform = rng.choice(3, size=count, p=audience.platforms)
        hidden = rng.random(count) < self.hidden
        home = self.ranges.choose(country, HOME, rng)
        away = self.ranges.choose(country, EXIT, rng)
        outdoors = np.clip(rng.normal(audience.outdoors, 0.25, count), 0, 1)
        self.parts.append(
            {
                "country": country,
                "home": self.ranges.address(np.where(hidden, away, home), rng),
                "carrier": self.ranges.choose(country, CARRIER, rng),
                "handset": self.handsets.choose(platform, rng),
                "device": np.where(platform == DESKTOP, -1, self.size + np.arange(count)),
                "outdoors": np.where((platform == DESKTOP) | hidden, 0, outdoors),
                "exit": np.where(hidden, away, -1),
            }
        )
        self.size += count
        return np.arange(self.size - count, self.size)

    def facts(self, people: np.ndarray, name: str) -> np.ndarray:
        """Return a field of people."""
        if len(self.parts) > 1:
            self.parts = [{key: np.concatenate([part[key] for part in self.parts]) for key in _FIELDS}]
        return self.parts[0][name][people]

    def lines(self, people: np.ndarray, ts: np.ndarray, rng: np.random.Generator) -> Columns:
        """Return the address (hi, lo) and the country it belongs to, of people at times."""
        carrier = self.facts(people, "carrier")
        outside = rng.random(len(people)) < self.facts(people, "outdoors")
        spell = (ts - self.start) // (6 * _HOUR)
        gate = self.gates[carrier, mixed(people, spell.astype(np.int64)) % np.uint64(self.gates.shape[1])]
        home = self.facts(people, "home")
        week = ((ts - self.start) // (7 * 24 * _HOUR)).astype(np.int64)
        moves = (mixed(people, 5) % np.uint64(1000)).astype(float) < 1000 * self.restless
        low = mixed(people, week, 9) % np.uint64(1 << 8)
        moved = np.where(moves & (home < _V4_END), (home & ~np.uint64(255)) | low, home)
        hi = np.where(outside, gate, moved)
        behind = self.facts(people, "exit")
        country = np.where(behind >= 0, self.ranges.country[behind], self.facts(people, "country"))
        lo = np.where(hi < _V4_END, 0, mixed(people, (ts - self.start).astype(np.int64) // 86400, 3))
        return {"hi": hi, "lo": lo, "country": country}


def draw_crowd(ranges: Ranges, handsets: Handsets, start: float, rng: np.random.Generator) -> Crowd:
    """Return an empty crowd; how many share a gateway differs from world to world."""
    count = len(ranges.first)
    width = int(np.exp(rng.uniform(np.log(8), np.log(600))))
    gates = np.stack([ranges.address(np.arange(count), rng) for _ in range(width)], axis=1)
    return Crowd(ranges, handsets, gates, rng.uniform(0.02, 0.5), rng.uniform(0.002, 0.03), start)
