"""Addresses and agents of the world: homes, carrier gateways, offices, public wifi, rented servers, VPN and Tor exits.

They are read from a file of real prefixes and user agents where there is one; otherwise a small built-in set serves.
"""

from __future__ import annotations

import gzip
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ADDRESS_FILE = Path(__file__).resolve().parents[4] / "shared" / "data" / "network" / "addresses-and-agents.json.gz"
COUNTRIES = ("US", "GB", "DE", "FR", "CA", "AU", "IN", "BR", "VN", "ID", "PH", "NG")
UTC_OFFSET_HOURS = (-6, 0, 1, 1, -5, 10, 5, -3, 7, 7, 8, 1)

_HOMES = {
    "US": "73.0.0.0/10 24.0.0.0/13", "GB": "86.128.0.0/11", "DE": "91.0.0.0/11", "FR": "90.0.0.0/11",
    "CA": "70.64.0.0/12", "AU": "120.144.0.0/13", "IN": "49.32.0.0/12", "BR": "177.0.0.0/13", "VN": "113.160.0.0/12",
    "ID": "36.64.0.0/12", "PH": "112.198.0.0/16", "NG": "105.112.0.0/13",
}  # fmt: skip
_CARRIERS = {
    "US": "172.56.0.0/15", "GB": "82.132.128.0/17", "DE": "109.40.0.0/14", "FR": "92.184.96.0/19", "IN": "49.44.0.0/14",
}  # fmt: skip
_HOMES_V6 = {"US": "2600:1700::/32", "GB": "2a00:23c4::/32", "DE": "2003:c0::/32", "FR": "2a01:cb00::/32"}
_SERVERS = "52.0.0.0/13 159.65.0.0/16 5.9.0.0/16 51.75.0.0/16 45.76.0.0/16 95.216.0.0/16"
_VPNS = "185.159.156.0/22 193.138.218.0/24 89.187.160.0/19 146.70.0.0/17"
_TORS = "185.220.101.0/24 199.249.230.0/24"
_PHONES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    *(
        f"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Mobile "
        "Safari/537.36"
        for major in (131, 134, 137, 138, 139, 140)
    ),
)
_DESKTOPS = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
    for major in (131, 136, 138, 139, 140)
)
_CRAWLERS = (
    "Mozilla/5.0 (compatible; PriceFetcher/2.1; +https://fetcher.example/bot)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
)

Ranges = NDArray[np.int64]
Strings = NDArray[np.object_]


def as_text(numbers: NDArray[np.int64]) -> Strings:
    """Write IPv4 numbers as dotted text."""
    n = numbers.astype(np.int64)
    parts = [(n >> shift & 255).astype(str).astype(object) for shift in (24, 16, 8, 0)]
    return parts[0] + "." + parts[1] + "." + parts[2] + "." + parts[3]


@dataclass(frozen=True)
class Agents:
    """User agents and how common each is."""

    names: Strings
    weights: NDArray[np.float64]

    def draw(self, count: int, rng: np.random.Generator) -> Strings:
        """Draw agents as they are used."""
        return self.names[rng.choice(len(self.names), size=count, p=self.weights)]


@dataclass(frozen=True)
class Networks:
    """Where addresses of each sort come from; ranges are rows of (first, last)."""

    homes: dict[str, Ranges]
    carriers: dict[str, Ranges]
    servers: Ranges
    vpns: Ranges
    tors: Ranges
    phones: Agents
    desktops: Agents
    crawlers: Strings

    def in_ranges(self, ranges: Ranges, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw address numbers: a range first, then a place in it."""
        rows = ranges[rng.integers(0, len(ranges), size=count)]
        return rows[:, 0] + (rng.random(count) * (rows[:, 1] - rows[:, 0] + 1)).astype(np.int64)


def home_v6(country: str, houses: NDArray[np.int64], rng: np.random.Generator) -> Strings:
    """Return an IPv6 address in the /56 of each house."""
    base = int(ipaddress.ip_network(_HOMES_V6.get(country, _HOMES_V6["US"])).network_address)
    tails = rng.integers(1, 2**62, size=len(houses))
    return np.array(
        [
            str(ipaddress.IPv6Address(base | int(house) << 72 | int(tail)))
            for house, tail in zip(houses, tails, strict=True)
        ],
        dtype=object,
    )


def load_networks(path: Path | None = None) -> Networks:
    """Read real prefixes and agents, or fall back on the built-in ones where the file is absent."""
    source = path or ADDRESS_FILE
    carriers = {country: _ranges(_CARRIERS.get(country, _HOMES[country])) for country in COUNTRIES}
    if not source.is_file():
        return Networks(
            {country: _ranges(_HOMES[country]) for country in COUNTRIES},
            carriers,
            _ranges(_SERVERS),
            _ranges(_VPNS),
            _ranges(_TORS),
            _evenly(_PHONES),
            _evenly(_DESKTOPS),
            np.array(_CRAWLERS, dtype=object),
        )
    real = json.loads(gzip.decompress(source.read_bytes()))
    tors = np.array(real["tor"], dtype=np.int64)
    return Networks(
        {country: np.array(real["residential"][country], dtype=np.int64) for country in COUNTRIES},
        carriers,
        np.array(real["datacentre"], dtype=np.int64),
        np.array(real["vpn"], dtype=np.int64),
        np.stack([tors, tors], axis=1),
        _weighted(real["mobile"]),
        _weighted(real["desktop"]),
        np.array([agent for agent in real["crawlers"] if "bot" in agent.lower()], dtype=object),
    )


def _ranges(networks: str) -> Ranges:
    parsed = [ipaddress.ip_network(network) for network in networks.split()]
    return np.array([(int(one.network_address), int(one.broadcast_address)) for one in parsed], dtype=np.int64)


def _evenly(names: tuple[str, ...]) -> Agents:
    return Agents(np.array(names, dtype=object), np.full(len(names), 1 / len(names)))


def _weighted(pairs: list[tuple[str, float]]) -> Agents:
    weights = np.array([weight for _, weight in pairs], dtype=np.float64)
    return Agents(np.array([name for name, _ in pairs], dtype=object), weights / weights.sum())
