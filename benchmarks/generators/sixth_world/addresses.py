"""Internet addresses of known networks, and who sits behind them: homes, carrier gateways, servers, exits."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import numpy as np
import polars as pl

COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IN", "BR", "ID", "MX", "PH", "NG", "ZA", "TR", "VN", "BD", "NL", "FI", "SG")
UTC_OFFSET = dict(
    zip(COUNTRIES, (-6, 0, 1, 1, 1, 5.5, -3, 7, -6, 8, 1, 2, 3, 7, 6, 1, 2, 8), strict=True),
)
"""Hours; of the time zone where most people of the country live."""

HOME, CARRIER, SERVER, EXIT, SCANNER = range(5)
_CLASS = {"home": HOME, "carrier": CARRIER, "server": SERVER, "exit": EXIT, "scanner": SCANNER}

# Ranges as their holders announce them (registries' public records), checked against an offline address list.
_RANGES = """
US home 73.0.0.0/9 24.0.0.0/13 98.192.0.0/10 71.64.0.0/11 76.80.0.0/13 71.160.0.0/11 99.0.0.0/10 68.96.0.0/13
US home 47.144.0.0/13 96.224.0.0/11 2600:1700::/28 2601::/20
US carrier 172.56.0.0/14 174.192.0.0/11 107.64.0.0/11 166.196.0.0/14 2600:1000::/28 2607:fb90::/32 2600:380::/32
GB home 86.128.0.0/11 81.128.0.0/12 90.192.0.0/12 2.120.0.0/13 78.144.0.0/13 82.0.0.0/12 86.0.0.0/12
GB home 2a00:23c0::/28 2a02:c7c::/32
GB carrier 82.132.128.0/17 92.40.0.0/15 188.28.0.0/15 213.205.192.0/19 2a01:4c8::/32 2.24.0.0/13
DE home 79.192.0.0/11 87.128.0.0/11 91.0.0.0/11 217.80.0.0/13 84.128.0.0/11 77.0.0.0/13 88.64.0.0/13 95.88.0.0/14
DE home 2003::/20 2a02:8100::/28
DE carrier 80.187.64.0/18 109.40.0.0/15 2.240.0.0/14 176.0.0.0/14 46.114.0.0/15 2a01:598::/32 2a00:20::/32
FR home 90.0.0.0/11 86.192.0.0/11 82.64.0.0/14 88.160.0.0/11 176.128.0.0/11 2a01:e00::/26 2a01:cb00::/28
FR carrier 92.184.96.0/19 92.88.0.0/13 176.160.0.0/13 2a02:8440::/28
ES home 79.144.0.0/13 83.32.0.0/12 80.24.0.0/13 88.0.0.0/11 85.48.0.0/12 2a02:9000::/23
ES carrier 31.4.128.0/17 77.208.0.0/14 95.124.0.0/14 188.76.0.0/14
IN home 117.192.0.0/11 59.88.0.0/14 122.160.0.0/13 103.211.16.0/22 182.64.0.0/13 49.205.0.0/16 103.77.0.0/22
IN carrier 49.32.0.0/13 157.32.0.0/12 106.192.0.0/11 223.176.0.0/13 1.38.0.0/15 152.56.0.0/14 2409:4040::/28
IN carrier 2402:3a80::/32
BR home 177.32.0.0/14 187.20.0.0/14 189.4.0.0/14 201.0.0.0/13 187.56.0.0/14 179.184.0.0/14 191.176.0.0/13
BR home 2804:14c::/31 2804:7f0::/29
BR carrier 177.24.0.0/14 187.24.0.0/14 189.92.0.0/14 179.80.0.0/13 187.68.0.0/14 177.56.0.0/14 2804:18::/32
BR carrier 2804:214::/32
ID home 36.64.0.0/12 180.240.0.0/12 125.160.0.0/13 139.192.0.0/14 118.136.0.0/15 2001:448a::/32
ID carrier 114.120.0.0/13 182.0.0.0/14 112.215.0.0/16 140.213.0.0/16 120.188.0.0/15 2404:c0::/32
MX home 189.128.0.0/10 187.128.0.0/10 201.96.0.0/11 189.192.0.0/12 187.184.0.0/13 2806:107e::/32
MX carrier 200.68.128.0/18 187.187.192.0/18 177.247.0.0/16 2806:10a0::/28
PH home 124.104.0.0/14 49.144.0.0/13 112.200.0.0/13 122.52.0.0/15 136.158.0.0/16
PH carrier 175.176.0.0/18 180.190.0.0/15 110.54.128.0/17 112.198.0.0/16 131.226.64.0/18 2405:8d40::/32
NG home 41.184.0.0/16 197.149.64.0/18 154.113.0.0/16
NG carrier 102.88.0.0/15 102.90.0.0/15 105.112.0.0/12 197.210.0.0/16 129.205.96.0/19
ZA home 41.144.0.0/13 165.73.0.0/17 169.0.0.0/16 102.65.0.0/16 2c0f:f4c0::/32
ZA carrier 41.112.0.0/14 105.0.0.0/13 41.13.0.0/16 197.64.0.0/12
TR home 78.160.0.0/11 85.96.0.0/12 88.224.0.0/11 95.0.0.0/12
TR carrier 5.24.0.0/14 178.240.0.0/13 46.154.0.0/15 31.140.0.0/14
VN home 14.160.0.0/11 113.160.0.0/11 42.112.0.0/13 1.52.0.0/14 116.96.0.0/12 2405:4800::/32
VN carrier 27.64.0.0/12 171.224.0.0/11 2402:800::/32
BD home 103.87.212.0/22 103.112.52.0/22
BD carrier 37.111.192.0/19 42.0.4.0/22 103.67.156.0/22 58.145.184.0/21
US server 3.208.0.0/12 18.204.0.0/14 104.236.0.0/16 52.0.0.0/11 45.56.64.0/18 104.207.128.0/19 198.98.48.0/20
US server 149.28.0.0/16 2600:1f18::/33
GB server 51.140.0.0/14 178.62.0.0/17 35.176.0.0/15
DE server 116.202.0.0/15 136.243.0.0/16 5.9.0.0/16 144.76.0.0/16 167.86.64.0/18 173.212.192.0/18 18.184.0.0/15
DE server 2a01:4f8::/32
FR server 51.254.0.0/15 37.187.0.0/16 163.172.0.0/16 2001:41d0::/32 212.129.0.0/18
NL server 188.166.0.0/17 5.79.64.0/18 185.107.44.0/22 178.128.240.0/20 89.39.104.0/22
FI server 95.216.0.0/16 65.108.0.0/15 135.181.0.0/16
SG server 128.199.64.0/18 13.228.0.0/15 159.89.192.0/20 139.180.128.0/20
IN server 13.232.0.0/14 139.59.0.0/18 65.0.0.0/14
BR server 18.228.0.0/14 54.232.0.0/15
US exit 193.37.252.0/22 198.54.128.0/20 104.200.128.0/19 37.19.192.0/19
GB exit 146.70.0.0/17
NL exit 89.39.104.0/22 185.107.44.0/22
US scanner 40.92.0.0/15 67.231.144.0/20 148.163.128.0/19 205.220.160.0/19 66.102.0.0/20 66.249.80.0/20
"""
_V4_END = np.uint64(1 << 32)
_HALF = 64


@dataclass(frozen=True)
class Ranges:
    """Address ranges, one per row: first address (upper half if IPv6), free bits below it, country, class."""

    first: np.ndarray
    bits: np.ndarray
    country: np.ndarray
    kind: np.ndarray
    popularity: np.ndarray

    def choose(self, country: np.ndarray, kind: int, rng: np.random.Generator) -> np.ndarray:
        """Return a range of the class for each country; of another country where it has none of that class."""
        chosen = np.empty(len(country), dtype=np.int64)
        fitting = np.flatnonzero(self.kind == kind)
        for one in np.unique(country):
            local = fitting[self.country[fitting] == one]
            local = fitting if len(local) == 0 else local
            weight = self.popularity[local] / self.popularity[local].sum()
            here = country == one
            chosen[here] = rng.choice(local, size=int(here.sum()), p=weight)
        return chosen

    def address(self, ranges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return an address within each range: IPv4 as a number below 2**32, or the upper half of an IPv6 one."""
        noise = rng.integers(0, 1 << 63, size=len(ranges), dtype=np.uint64) << np.uint64(1)
        return self.first[ranges] | (noise >> (np.uint64(_HALF) - self.bits[ranges]))


def load_ranges(rng: np.random.Generator) -> Ranges:
    """Return all known ranges; how popular each one is differs from world to world."""
    rows = []
    for line in _RANGES.strip().splitlines():
        country, kind, *blocks = line.split()
        for block in blocks:
            network = ipaddress.ip_network(block)
            width = 32 if network.version == 4 else _HALF
            first = int(network.network_address) >> (0 if network.version == 4 else _HALF)
            rows.append((first, width - network.prefixlen, COUNTRIES.index(country), _CLASS[kind]))
    first, bits, country, kind = zip(*rows, strict=True)
    return Ranges(
        np.array(first, dtype=np.uint64),
        np.array(bits, dtype=np.uint64),
        np.array(country),
        np.array(kind),
        rng.lognormal(0, 0.8, len(rows)),
    )


def mixed(*numbers: np.ndarray | int) -> np.ndarray:
    """Return a number that looks random but depends only on the numbers given, per row (64 bits)."""
    state = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        for number in numbers:
            state = (state ^ np.asarray(number).astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
            state = state ^ (state >> np.uint64(29))
        state = state * np.uint64(0x94D049BB133111EB)
        return state ^ (state >> np.uint64(32))


def as_text(upper: np.ndarray, lower: np.ndarray) -> pl.Series:
    """Return addresses as people write them."""
    v4 = upper < _V4_END
    parts = pl.DataFrame({"upper": np.where(v4, upper, 0)})
    octets = [((pl.col("upper") // (1 << shift)) % 256).cast(pl.String) for shift in (24, 16, 8, 0)]
    written = parts.select(pl.concat_str(octets, separator=".")).to_series().to_list()
    for row in np.flatnonzero(~v4):
        written[row] = str(ipaddress.IPv6Address((int(upper[row]) << _HALF) | int(lower[row])))
    return pl.Series(written, dtype=pl.String)
