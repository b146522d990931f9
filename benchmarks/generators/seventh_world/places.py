"""Addresses and agents: ranges of real access providers, hosters and VPN exits, and browsers by market share."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

import numpy as np

Draws = np.random.Generator

COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IN", "BD", "VN")
"""The first five are markets of the programme, the others are where cheap hands work."""
MARKETS = 5
SHIFT = np.array([-6, 0, 1, 1, 1, 5.5, 6, 7])
"""Hours local time is ahead of UTC."""

HOME = (
    ("73.0.0.0/8", "71.160.0.0/11", "99.0.0.0/10", "68.0.0.0/12", "24.16.0.0/13"),
    ("86.128.0.0/10", "90.192.0.0/11", "82.0.0.0/11", "80.192.0.0/14"),
    ("79.192.0.0/10", "93.192.0.0/10", "84.128.0.0/10", "88.64.0.0/12"),
    ("90.0.0.0/9", "82.64.0.0/14", "86.192.0.0/10", "78.192.0.0/10"),
    ("83.32.0.0/11", "88.0.0.0/11", "79.144.0.0/12"),
    ("117.192.0.0/10", "122.160.0.0/12", "59.88.0.0/13"),
    ("103.230.104.0/22", "180.211.128.0/17", "114.130.0.0/16"),
    ("113.160.0.0/11", "14.160.0.0/11", "171.224.0.0/11"),
)
"""Fixed lines, by country: Comcast, Verizon, AT&T; BT, Sky, Virgin; Telekom, Vodafone; Orange, Free; Telefonica ..."""
MOBILE = (
    ("172.56.0.0/16", "174.192.0.0/14", "107.77.192.0/18"),
    ("82.132.192.0/18", "31.94.0.0/16", "92.40.0.0/16"),
    ("80.187.96.0/19", "109.40.0.0/14"),
    ("92.184.96.0/19", "37.164.0.0/14", "77.204.0.0/16"),
    ("31.4.128.0/17", "95.127.0.0/17", "77.208.0.0/14"),
    ("49.32.0.0/13", "106.192.0.0/11"),
    ("37.111.192.0/18", "119.30.32.0/20"),
    ("27.64.0.0/12", "116.96.0.0/12"),
)
"""Mobile carriers, whose customers share addresses (CGNAT)."""
HOSTING = ("95.216.0.0/16", "88.198.0.0/16", "51.68.0.0/16", "167.99.0.0/16", "159.65.0.0/16", "52.0.0.0/11")
"""Hetzner, OVH, DigitalOcean, AWS."""
VPN = ("146.70.0.0/17", "84.17.32.0/19", "156.146.32.0/19", "185.220.100.0/22", "89.187.160.0/19")
"""M247, Datacamp and Tor exits."""
_CARRIER_EXITS = 350
"""Addresses a carrier shows the world for the phones of this programme."""
_VPN_EXITS = 160


def any_of(rng: Draws, blocks: tuple[str, ...], count: int) -> np.ndarray:
    """Addresses anywhere in the blocks, larger blocks more often."""
    networks = [IPv4Network(block) for block in blocks]
    sizes = np.array([network.num_addresses for network in networks], dtype=float)
    chosen = rng.choice(len(networks), count, p=sizes / sizes.sum())
    starts = np.array([int(network.network_address) for network in networks])
    return starts[chosen] + (rng.random(count) * sizes[chosen]).astype(np.int64)


class Net:
    """Where connections come out: a home line each, shared exits of carriers and of VPN providers."""

    def __init__(self, rng: Draws) -> None:
        self._carriers = [any_of(rng, blocks, _CARRIER_EXITS) for blocks in MOBILE]
        self._vpn = any_of(rng, VPN, _VPN_EXITS)

    def home(self, rng: Draws, country: np.ndarray) -> np.ndarray:
        """A line of one's own, per country index."""
        return self._per_country(country, lambda place, count: any_of(rng, HOME[place], count))

    def mobile(self, rng: Draws, country: np.ndarray) -> np.ndarray:
        """The exit of a carrier, another one at every session."""
        return self._per_country(country, lambda place, count: rng.choice(self._carriers[place], count))

    def vpn(self, rng: Draws, count: int) -> np.ndarray:
        """A VPN exit."""
        return rng.choice(self._vpn, count)

    @staticmethod
    def _per_country(country: np.ndarray, draw: Callable[[int, int], np.ndarray]) -> np.ndarray:
        found = np.zeros(len(country), dtype=np.int64)
        for place in np.unique(country):
            there = country == place
            found[there] = draw(int(place), int(there.sum()))
        return found


def dotted(addresses: np.ndarray) -> list[str]:
    """Write addresses as text."""
    return [str(IPv4Address(int(address))) for address in addresses]


_WINDOWS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36"
)
_MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/{0} Safari/605.1.15"
)
_ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Mobile Safari/537.36"
)
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {1} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/{0} Mobile/15E148 Safari/604.1"
)
_IN_APP = (
    "Mozilla/5.0 (Linux; Android {1}; {2}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/{0}.0.0.0 Mobile Safari/537.36 Instagram 330.0.0.40.92 Android"
)
_SAMSUNG = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/{0}.0 "
    "Chrome/115.0.0.0 Mobile Safari/537.36"
)
_FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
_MODELS = ("SM-S911B", "SM-A546B", "Pixel 7", "Redmi Note 12", "CPH2449", "moto g84", "SM-A145R", "M2101K6G")
_IOS = (
    ("17.5", "17_5_1"),
    ("17.6", "17_6_1"),
    ("18.0", "18_0"),
    ("18.1", "18_1_1"),
    ("16.6", "16_6"),
    ("15.8", "15_8_3"),
)
_CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Agents:
    """Browsers with their market shares; an agent is an index into `names`."""

    def __init__(self, rng: Draws) -> None:
        fresh = int(rng.integers(124, 132))
        ages = [(fresh - age, share) for age, share in enumerate((0.5, 0.22, 0.1, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01))]
        phones = [(_ANDROID.format(age), 0.36 * share) for age, share in ages]
        phones += [
            (_IPHONE.format(*ios), 0.45 * w) for ios, w in zip(_IOS, (0.2, 0.3, 0.15, 0.2, 0.1, 0.05), strict=True)
        ]
        phones += [(_SAMSUNG.format(age), 0.08 * w) for age, w in ((26, 0.7), (25, 0.2), (23, 0.1))]
        phones += [(_IN_APP.format(age, 13 + n % 2, m), 0.02 * s) for n, m in enumerate(_MODELS) for age, s in ages[:3]]
        desks = [(_WINDOWS.format(age), 0.6 * share) for age, share in ages]
        desks += [(_WINDOWS.format(age) + f" Edg/{age}.0.0.0", 0.17 * share) for age, share in ages[:4]]
        desks += [(_MAC.format(age), 0.14 * w) for age, w in (("17.6", 0.5), ("18.1", 0.3), ("16.6", 0.2))]
        desks += [(_FIREFOX.format(age), 0.09 * w) for age, w in ((fresh + 1, 0.6), (fresh, 0.2), (115, 0.2))]
        stale = [_WINDOWS.format(age) for age in (74, 88, 96, 102)] + [_ANDROID.format(age) for age in (83, 91, 99)]
        self.names = [name for name, _ in phones + desks] + stale + [_CRAWLER]
        self.phones, self.desks = np.arange(len(phones)), np.arange(len(phones), len(phones) + len(desks))
        self.stale = np.arange(len(phones) + len(desks), len(self.names) - 1)
        self.crawler = len(self.names) - 1
        self._phone_shares = _shares([weight for _, weight in phones])
        self._desk_shares = _shares([weight for _, weight in desks])

    def phone(self, rng: Draws, count: int) -> np.ndarray:
        """Browsers of phones."""
        return rng.choice(self.phones, count, p=self._phone_shares)

    def desk(self, rng: Draws, count: int) -> np.ndarray:
        """Browsers of computers."""
        return rng.choice(self.desks, count, p=self._desk_shares)


def _shares(weights: list[float]) -> np.ndarray:
    return np.array(weights) / np.sum(weights)
