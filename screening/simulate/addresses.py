"""Addresses of simulated visitors, drawn from real ranges, so that country and class agree with address lists."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from screening.simulate.columns import Ints, Words
from screening.simulate.markets import CODES


class Net(StrEnum):
    """A class of network."""

    RESIDENTIAL = "residential"
    MOBILE = "mobile"
    OFFICE = "office"
    GATEWAY = "gateway"
    RELAY = "relay"
    HOSTING = "hosting"
    VPN = "vpn"
    TOR = "tor"
    CRAWLER = "crawler"


HOME_PREFIX = 56
"""Bits of the IPv6 prefix that a home gets (RIPE-690 recommends /56)."""
PHONE_PREFIX = 64
"""Bits of the IPv6 prefix that a telephone gets (3GPP TS 23.401)."""


@dataclass(frozen=True, slots=True)
class _Ranges:
    """Ranges of one class, version and country: first address (IPv6: its upper 64 bits), free bits, weight."""

    first: Words
    bits: Ints
    weight: np.ndarray


@cache
def _ranges() -> dict[tuple[str, int, str], _Ranges]:
    table = files("screening.simulate").joinpath("address_ranges.csv").read_bytes()
    found: dict[tuple[str, int, str], list[tuple[int, int]]] = {}
    for row in pl.read_csv(table, comment_prefix="#").iter_rows(named=True):
        network = ipaddress.ip_network(row["network"])
        first = int(network.network_address) >> (64 if network.version == 6 else 0)
        free = (32 if network.version == 4 else 64) - network.prefixlen
        found.setdefault((row["class"], network.version, row["country"]), []).append((first, free))
    return {
        key: _Ranges(
            np.array([first for first, _ in ranges], np.uint64),
            np.array([free for _, free in ranges], np.int64),
            np.array([2.0 ** (free / 2) for _, free in ranges]),
        )
        for key, ranges in found.items()
    }


def draw_v4(net: Net, countries: Ints, rng: np.random.Generator) -> Ints:
    """Draw an IPv4 address for each country code. A country without ranges of the class gets one of another country."""
    drawn = np.zeros(len(countries), np.int64)
    for country in np.unique(countries):
        chosen = np.flatnonzero(countries == country)
        ranges = _ranges_of(net, int(country))
        which = rng.choice(len(ranges.first), len(chosen), p=ranges.weight / ranges.weight.sum())
        offset = (rng.random(len(chosen)) * 2.0 ** ranges.bits[which]).astype(np.int64)
        drawn[chosen] = ranges.first[which].astype(np.int64) + offset
    return drawn


def draw_v6(net: Net, countries: Ints, prefix: int, rng: np.random.Generator) -> Words:
    """Draw the upper 64 bits of an IPv6 prefix of that length for each country code; 0 where none is known."""
    drawn = np.zeros(len(countries), np.uint64)
    for country in np.unique(countries):
        ranges = _ranges().get((net, 6, CODES[country]))
        if ranges is not None:
            chosen = np.flatnonzero(countries == country)
            which = rng.choice(len(ranges.first), len(chosen), p=ranges.weight / ranges.weight.sum())
            steps = (rng.random(len(chosen)) * 2.0 ** (ranges.bits[which] - (64 - prefix))).astype(np.uint64)
            drawn[chosen] = ranges.first[which] + (steps << np.uint64(64 - prefix))
    return drawn


def subnet(address: int, count: int, spread: int, rng: np.random.Generator) -> Ints:
    """Draw `count` different IPv4 addresses near `address`: within its block of `spread` (a power of two) addresses."""
    first = address - address % spread
    return first + rng.permutation(spread)[: min(count, spread)].astype(np.int64)


def _ranges_of(net: Net, country: int) -> _Ranges:
    known = _ranges()
    for code in (CODES[country], *_FALLBACK):
        if (net, 4, code) in known:
            return known[net, 4, code]
    raise KeyError(net)


_FALLBACK = ("US", "DE")
"""Whose ranges stand in where a class is not known in a country: visitors there use exits abroad."""
