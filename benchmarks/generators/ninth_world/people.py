"""The people of the ninth programme: where they live, what they browse with and from which address they come."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.intelligence import AddressBook
from screening.traffic.lists import load_book

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Texts = NDArray[np.object_]
Rng = np.random.Generator

HOUR = 3600.0
DAY = 86400.0
MARKETS = {"US": -6, "GB": 1, "DE": 2, "FR": 2, "CA": -5, "AU": 10, "NL": 2, "PL": 2, "ES": 2}
"""Countries in which the programme's offers are sold, with the hours of their clock ahead of UTC."""
FARAWAY = {"IN": 5.5, "VN": 7, "BD": 6, "PH": 8, "ID": 7, "PK": 5, "UA": 3, "RO": 3, "NG": 1}
"""Countries where paid clicking is cheap labour, with the hours of their clock ahead of UTC."""
CLOCK = {**MARKETS, **FARAWAY}
POPULATION_WEIGHTS = {
    "US": 40,
    "GB": 15,
    "DE": 12,
    "FR": 8,
    "CA": 8,
    "AU": 5,
    "NL": 4,
    "PL": 4,
    "ES": 4,
} | dict.fromkeys(FARAWAY, 1.0)
DEVICES = ("desktop", "android", "ios")
UNLISTED = 0.05
"""Homes on networks of which the data know the country but not the class, for each on a known line."""
EXITS = 120
"""Addresses behind which each carrier hides its customers; the first are the busiest."""
PREFIXES_LOOKED_UP = 300_000
"""/24 networks drawn at random over IPv4, of which the geo and ASN data say the class and country."""

PHONES = {
    "SM-A546B": 9, "SM-S918B": 8, "SM-A155F": 8, "SM-S921U": 6, "SM-G991B": 6, "Pixel 7": 5,
    "Pixel 8": 5, "SM-A136U": 5, "moto g power (2022)": 4, "M2101K6G": 4, "2201117TG": 4, "CPH2387": 3,
    "RMX3710": 3, "V2207": 2, "SM-A037U": 3, "23053RN02A": 3, "SM-S711B": 2, "Pixel 6a": 2,
    "ONEPLUS A6013": 1, "SM-J730F": 1, "Redmi Note 8 Pro": 2, "LM-K500": 1,
}  # fmt: skip
"""Models of Android phones with rough shares of what is in use."""
_CHROME = {135: 2, 136: 3, 137: 5, 138: 9, 139: 24, 140: 38, 131: 1, 127: 1, 120: 0.7, 109: 1.3}
_SAFARI = {"18_5": 20, "18_6": 30, "18_3_2": 8, "17_6_1": 10, "16_7_11": 4, "26_0": 12, "17_5_1": 5, "15_8_4": 2}
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "


@dataclass(frozen=True)
class Networks:
    """First three octets of /24 networks by country: homes and carriers; hosting by country, VPN anywhere."""

    homes: dict[str, Texts]
    carriers: dict[str, Texts]
    hosting: dict[str, Texts]
    vpn: Texts


@cache
def _book() -> AddressBook:
    with tempfile.TemporaryDirectory() as folder:
        return load_book(Path(folder))[0]


def countries_of(addresses: pl.Series) -> pl.DataFrame:
    """Return ip and country, one row for each distinct address, as geo data place them."""
    return _book().classify(addresses).select("ip", pl.col("ip_country").alias("country"))


@cache
def known_networks() -> Networks:
    """Ask the geo and ASN data about networks at random; every seed lives on the same internet."""
    drawn = np.unique(np.random.default_rng(9).integers(1 << 16, 223 << 16, PREFIXES_LOOKED_UP)).tolist()
    prefixes = [f"{net >> 16}.{net >> 8 & 255}.{net & 255}" for net in drawn]
    found = (
        _book()
        .classify(pl.Series("ip", [f"{prefix}.77" for prefix in prefixes]))
        .select(pl.col("ip").str.strip_suffix(".77").alias("prefix"), "ip_class", "ip_country")
    )
    found = found.sort("prefix")

    def of(ip_class: str, country: str) -> Texts:
        rows = found.filter((pl.col("ip_class") == ip_class) & (pl.col("ip_country") == country))
        return np.array(rows["prefix"].to_list(), dtype=object)

    homes = {}
    for country in CLOCK:
        lines = of("residential", country)
        homes[country] = np.concatenate([lines, of("unknown", country)[: int(UNLISTED * len(lines))]])
    carriers = {country: of("mobile", country) for country in CLOCK}
    few = {country: nets if len(nets) >= 3 else homes[country][:6] for country, nets in carriers.items()}
    hosting = {country: of("hosting", country) for country in MARKETS}
    vpn = np.array(found.filter(pl.col("ip_class") == "vpn")["prefix"].to_list(), dtype=object)
    return Networks(homes, few, hosting, vpn)


def choose(rng: Rng, weights: dict[str, float] | dict[int, float], size: int) -> NDArray[np.generic]:
    """Draw keys of the mapping by their weights."""
    shares = np.array(list(weights.values()), dtype=float)
    return np.array(list(weights), dtype=object)[rng.choice(len(shares), size, p=shares / shares.sum())]


def hexes(rng: Rng, size: int, digits: int = 16) -> Texts:
    """Make that many random identifiers of hexadecimal digits."""
    return np.array([f"{number:016x}"[-digits:] for number in rng.integers(0, 1 << 62, size).tolist()], dtype=object)


def device_ids(rng: Rng, size: int) -> Texts:
    """Make that many advertising ids as phones show them."""
    return np.array([f"{h[:8]}-{h[8:12]}-4{h[12:15]}-a{h[15:18]}-{h[18:30]}" for h in _long(rng, size)], dtype=object)


def _long(rng: Rng, size: int) -> list[str]:
    return [a + b for a, b in zip(hexes(rng, size), hexes(rng, size), strict=True)]


def hosts(rng: Rng, prefixes: Texts, size: int) -> Texts:
    """Draw addresses out of the networks."""
    chosen = prefixes[rng.integers(0, len(prefixes), size)]
    last = rng.integers(2, 254, size)
    return np.array([f"{net}.{host}" for net, host in zip(chosen, last.tolist(), strict=True)], dtype=object)


def desktop_agents(rng: Rng, size: int) -> Texts:
    """Draw user agents of people at a desk."""
    chrome = choose(rng, _CHROME, size)
    kind = choose(rng, {"chrome": 58, "edge": 15, "firefox": 7, "safari": 12, "mac": 8}, size)
    made = []
    for browser, version in zip(kind, chrome, strict=True):
        engine = f"Chrome/{version}.0.0.0 Safari/537.36"
        if browser == "chrome":
            made.append(_WINDOWS + engine)
        elif browser == "edge":
            made.append(f"{_WINDOWS}{engine} Edg/{version}.0.0.0")
        elif browser == "firefox":
            made.append(
                f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{version + 2}.0) Gecko/20100101 Firefox/{version + 2}.0"
            )
        else:
            mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/"
            safari = f"605.1.15 (KHTML, like Gecko) Version/{16 + version % 3}.{version % 6} Safari/605.1.15"
            made.append(mac + (safari if browser == "safari" else f"537.36 (KHTML, like Gecko) {engine}"))
    return np.array(made, dtype=object)


def android_agents(rng: Rng, size: int) -> Texts:
    """Draw user agents of Android phones: most browsers hide the model, some and all web views tell it."""
    version, phone = choose(rng, _CHROME, size), choose(rng, PHONES, size)
    release, tells = rng.integers(11, 16, size).tolist(), rng.random(size)
    made = []
    for chrome, model, android, told in zip(version, phone, release, tells, strict=True):
        device = "Android 10; K" if told < 0.68 else f"Android {android}; {model}"
        samsung = "SamsungBrowser/28.0 " if told > 0.85 and str(model).startswith("SM-") else ""
        head = f"Mozilla/5.0 (Linux; {device}) AppleWebKit/537.36 (KHTML, like Gecko) {samsung}"
        made.append(f"{head}Chrome/{chrome}.0.0.0 Mobile Safari/537.36")
    return np.array(made, dtype=object)


def ios_agents(rng: Rng, size: int) -> Texts:
    """Draw user agents of iPhones and a few iPads."""
    version, pad = choose(rng, _SAFARI, size), rng.random(size) < 0.07
    made = []
    for release, is_pad in zip(version, pad, strict=True):
        device = f"iPad; CPU OS {release}" if is_pad else f"iPhone; CPU iPhone OS {release}"
        shown = str(release).replace("_", ".", 1).split("_")[0]
        head = f"Mozilla/5.0 ({device} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        made.append(f"{head}Version/{shown} Mobile/15E148 Safari/604.1")
    return np.array(made, dtype=object)


@dataclass(frozen=True)
class Population:
    """People by row: country, device (index of DEVICES), agent, home address, carrier exits, office or none, VPN."""

    country: Texts
    clock: Floats
    device: Ints
    agent: Texts
    device_id: Texts
    home: Texts
    carrier: Ints
    office: Texts
    vpn: Texts
    exits: Texts
    """Shape (carriers, addresses): what the customers of a mobile carrier share."""
    rows: dict[tuple[str, int], Ints]

    def pick(self, rng: Rng, countries: dict[str, float], devices: Floats, size: int) -> Ints:
        """Draw people by the weights of countries and of devices (desktop, android, ios)."""
        pairs = [(c, d) for c in countries for d in range(3) if len(self.rows.get((c, d), ())) > 0]
        weights = np.array([countries[c] * devices[d] for c, d in pairs])
        chosen = rng.choice(len(pairs), size, p=weights / weights.sum())
        people = np.empty(size, dtype=np.int64)
        for number, pair in enumerate(pairs):
            here = chosen == number
            people[here] = rng.choice(self.rows[pair], int(here.sum()))
        return people

    def addresses(self, rng: Rng, people: Ints, ts: Floats) -> Texts:
        """Return the address each comes from at that time (seconds): home, carrier, office or VPN."""
        local = ((ts / HOUR + self.clock[people]) % 24 + 24) % 24
        weekday = (ts // DAY + 3) % 7 < 5
        at = self.home[people].copy()
        moving = (self.device[people] > 0) & (rng.random(len(people)) < 0.42)
        busy = (self.exits.shape[1] * rng.random(len(people)) ** 1.5).astype(np.int64)
        shared = self.exits[self.carrier[people], busy]
        at[moving] = shared[moving]
        working = weekday & (local > 8.5) & (local < 17.5) & (self.office[people] != "") & (self.device[people] == 0)
        at[working] = self.office[people][working]
        hidden = (self.vpn[people] != "") & (rng.random(len(people)) < 0.8)
        at[hidden] = self.vpn[people][hidden]
        return at


def populate(rng: Rng, size: int) -> Population:
    """Make that many people, in households, with their devices and the networks they use."""
    nets = known_networks()
    country = choose(rng, POPULATION_WEIGHTS, size)
    device = rng.choice(3, size, p=[0.42, 0.3, 0.28]).astype(np.int64)
    agent, ids = np.empty(size, dtype=object), device_ids(rng, size)
    for number, made in enumerate((desktop_agents, android_agents, ios_agents)):
        agent[device == number] = made(rng, int((device == number).sum()))
    home, carrier = np.empty(size, dtype=object), np.zeros(size, dtype=np.int64)
    office, vpn = np.full(size, "", dtype=object), np.full(size, "", dtype=object)
    exits: list[Texts] = []
    for name in CLOCK:
        here = np.flatnonzero(country == name)
        households = hosts(rng, nets.homes[name], max(1, int(len(here) * 0.62)))
        home[here] = households[rng.integers(0, len(households), len(here))]
        first, own = len(exits), nets.carriers[name]
        exits.extend(hosts(rng, rng.choice(own, min(12, len(own)), replace=False), EXITS) for _ in range(3))
        carrier[here] = first + rng.choice(3, len(here), p=[0.5, 0.3, 0.2])
        working = here[rng.random(len(here)) < 0.16]
        gateways = _gateways(rng, nets, name)
        office[working] = gateways[rng.integers(0, len(gateways), len(working))]
        private = here[rng.random(len(here)) < 0.022]
        pool = nets.hosting.get(name, nets.vpn)
        vpn[private] = np.where(rng.random(len(private)) < 0.5, hosts(rng, nets.vpn, len(private)),
                                hosts(rng, pool, len(private)))  # fmt: skip
    ids[device == 0] = ""
    clock = np.array([float(CLOCK[name]) for name in country])
    rows = {(name, d): np.flatnonzero((country == name) & (device == d)) for name in CLOCK for d in range(3)}
    return Population(country, clock, device, agent, ids, home, carrier, office, vpn, np.array(exits), rows)


def _gateways(rng: Rng, nets: Networks, country: str) -> Texts:
    """Draw the exits of employers: most on business lines, some of large firms through a security cloud."""
    lines = hosts(rng, nets.homes[country], 24)
    clouds = hosts(rng, nets.hosting.get(country, nets.homes[country]), 8)
    return np.concatenate([lines, clouds])
