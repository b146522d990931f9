"""Fraud with customers who are none: programs, hired people, racks of telephones, and visitors in disguise."""

from __future__ import annotations

import numpy as np
import polars as pl

from screening.simulate.addresses import Net, subnet
from screening.simulate.agents import INDEX
from screening.simulate.columns import Floats, Ints, Trail, Words, choose, identities, lognormal
from screening.simulate.fraud.scene import NETS, Scene, visits
from screening.simulate.markets import COUNTRIES, LABOUR
from screening.simulate.offers import OfferKind
from screening.simulate.people import old_phone_variants
from screening.simulate.rhythm import Clock


def bot_leads(scene: Scene) -> Trail:
    """Programs fill in forms: quick and regular, from rented servers and borrowed homes."""
    rng, offers = scene.rng, scene.offers
    count = len(offers) + scene.idle_clicks(scene.between(14, 1.2))
    every = np.append(offers, rng.choice(offers, count - len(offers)))
    pool = max(int(len(offers) * scene.between(0.9, 0.2)), 3)
    hosting = scene.between(0.04, 0.75)
    net = np.array([NETS[Net.HOSTING], NETS[Net.VPN], NETS[Net.RESIDENTIAL]])[
        choose([hosting, 0.08, 1 - hosting], pool, rng)
    ]
    plain = scene.between(0.0, 0.3)
    names = np.array([INDEX[n] for n in ("headless chrome", "script", "chrome windows", "chrome android")])
    family = names[choose([plain * 0.7, plain * 0.3, 0.75 - plain / 2, 0.25 - plain / 2], pool, rng)]
    lag = np.where(rng.random(pool) < scene.between(0.2, 0.8), int(rng.integers(3, 14)), rng.geometric(0.6, pool) - 1)
    start = scene.moments(count, Clock.FLAT if rng.random() < 0.6 else Clock.WAKING, np.zeros(count))
    agent = scene.agents(family, np.zeros(pool, np.int64), lag, np.full(pool, int(start.min(initial=0))))
    which = (pool * rng.random(count) ** scene.between(1.0, 1.6)).astype(np.int64)
    seen = visits(net, scene.sold_in(np.resize(every, pool)), agent, np.zeros(pool, np.uint64), rng)[which]
    seen = seen.with_columns(
        country=pl.Series(seen["country"]), device=pl.Series(_some(identities(count, rng), 0.5, rng))
    )
    pace = float(rng.uniform(14, 80))
    takes = np.maximum(pace * (1 + scene.between(0.55, 0.07) * rng.standard_normal(len(offers))), 2.0)
    return _filled_in(scene, start, takes, every, seen)


def stuffed_leads(scene: Scene) -> Trail:
    """Hired people type in the data of others, in shifts, behind proxies; a few desks serve many names."""
    rng, offers = scene.rng, scene.offers
    count = len(offers) + scene.idle_clicks(scene.between(6, 0.8))
    every = np.append(offers, rng.choice(offers, count - len(offers)))
    desks = max(int(len(offers) / scene.between(6, 30)), 3)
    home = int(rng.choice(LABOUR))
    start = scene.moments(
        count, Clock.OFFICE if rng.random() < 0.7 else Clock.DAY, np.full(count, COUNTRIES[home].offsets[0][0])
    )
    desk = rng.integers(desks, size=count)
    day = (start - start.min(initial=0)) // (86_400 * 10**6)
    address = desk * 1000 + day  # a proxy's address lasts a day
    _, which = np.unique(address, return_inverse=True)
    leaking = scene.between(0.02, 0.35)
    sold_in = scene.sold_in(every)
    first = np.unique(which, return_index=True)[1]
    net = np.array([NETS[Net.RESIDENTIAL], NETS[Net.VPN], NETS[Net.MOBILE]])[
        choose([0.62, 0.25, 0.13], len(first), rng)
    ]
    country = np.where(rng.random(len(first)) < leaking, home, sold_in[first])
    names = np.array([INDEX[n] for n in ("chrome windows", "firefox", "chrome android")])
    family = names[choose([0.62, 0.14, 0.24], desks, rng)]
    lag = rng.geometric(0.45, desks) - 1
    agent = scene.agents(family[desk], np.zeros(count, np.int64), lag[desk], start)
    device = np.where(
        rng.random(count) < scene.between(0.3, 0.75), identities(desks, rng)[desk], identities(count, rng)
    )
    at = visits(net, country, np.zeros(len(first), np.int64), np.zeros(len(first), np.uint64), rng)[which]
    seen = at.with_columns(agent=pl.Series(agent), device=pl.Series(_some(device, 0.85, rng)))
    takes = lognormal(float(rng.uniform(60, 170)), scene.between(0.5, 0.22), len(offers), rng)
    return _filled_in(scene, start, takes, every, seen)


def device_farm(scene: Scene) -> Trail:
    """Old telephones on a few lines install, are wiped, and install again."""
    rng, offers = scene.rng, scene.offers
    count = len(offers) + scene.idle_clicks(scene.between(9, 0.6))
    every = np.append(offers, rng.choice(offers, count - len(offers)))
    phones = max(int(len(offers) / scene.between(3, 14)), 5)
    where = int(scene.sold_in(offers[:1])[0])
    net = Net.MOBILE if rng.random() < 0.4 else Net.RESIDENTIAL
    line = int(
        visits(np.array([NETS[net]]), np.array([where]), np.zeros(1, np.int64), np.zeros(1, np.uint64), rng)["v4"][0]
    )
    lines = subnet(line, max(int(scene.between(48, 4)), 2), 256 if scene.scheme.strength < 0.6 else 32, rng)
    start = scene.moments(count, Clock.FLAT, np.zeros(count))
    phone = rng.integers(phones, size=count)
    variant = np.where(
        rng.random(phones) < scene.between(0.3, 0.95),
        rng.choice(old_phone_variants()[: int(rng.integers(2, 7))], phones),
        rng.integers(0, 20, phones),
    )
    lag = rng.integers(1, 16, phones)
    browser = scene.agents(np.full(count, INDEX["chrome android"]), np.zeros(count, np.int64), lag[phone], start)
    app = scene.agents(np.full(count, INDEX["android app"]), variant[phone], lag[phone], start)
    wiped = _some(identities(count, rng), 0.8, rng)
    seen = visits(np.full(count, NETS[net]), np.full(count, where), browser, wiped, rng).with_columns(
        v4=pl.Series(lines[(len(lines) * rng.random(count)).astype(np.int64)]), v6_high=pl.lit(0, pl.UInt64)
    )
    takes = lognormal(float(rng.uniform(50, 170)), scene.between(0.65, 0.22), len(offers), rng)
    return _filled_in(scene, start, takes, every, seen, app[: len(offers)])


def proxy_geo_spoofing(scene: Scene) -> Trail:
    """People in cheap countries appear in those that pay, as far as their proxies are good."""
    rng, offers = scene.rng, scene.offers
    count = len(offers) + scene.idle_clicks(scene.between(26, 6))
    every = np.append(offers, rng.choice(offers, count - len(offers)))
    home = int(rng.choice(LABOUR))
    claimed = scene.sold_in(every)
    kinds = np.array([NETS[n] for n in (Net.VPN, Net.HOSTING, Net.TOR, Net.RESIDENTIAL, Net.MOBILE)])
    vpn, hosting = scene.between(0.12, 0.50), scene.between(0.03, 0.28)
    net = kinds[choose([vpn, hosting, scene.between(0, 0.04), 1 - vpn - hosting, 0.1], count, rng)]
    direct = np.isin(net, [NETS[Net.RESIDENTIAL], NETS[Net.MOBILE]]) & (rng.random(count) < scene.between(0.04, 0.4))
    start = scene.moments(count, Clock.WAKING, np.full(count, COUNTRIES[home].offsets[0][0]))
    names = np.array([INDEX[n] for n in ("chrome android", "chrome windows", "facebook android", "firefox")])
    family = names[choose([0.5, 0.34, 0.12, 0.04], count, rng)]
    lag = rng.geometric(scene.between(0.65, 0.3), count) - 1
    agent = scene.agents(family, np.zeros(count, np.int64), lag, start)
    seen = visits(net, np.where(direct, home, claimed), agent, _some(identities(count, rng), 0.8, rng), rng)
    takes = scene.world.offers.decide(offers, np.full(len(offers), scene.between(1.0, 0.6)), rng)
    return _filled_in(scene, start, takes, every, seen)


def _filled_in(
    scene: Scene,
    start: Ints,
    takes: Floats,
    offers: Ints,
    seen: pl.DataFrame,
    app: Ints | None = None,
) -> Trail:
    """Write down clicks at `start` with visits `seen`, of which the first convert after `takes` seconds.

    Customers state a country where their offer is sold. app: the agents that installs report, None: usual telephones.
    """
    converting = len(takes)
    clicks = scene.clicks(start, offers, seen, scene.referrers(len(start), scene.between(0.0, 0.2), 0.3))
    stated = scene.sold_in(offers[:converting])
    matching = clicks["country"].to_numpy()[:converting]
    same_region = _regions(matching) == _regions(stated)
    shown = clicks[:converting].with_columns(
        country=pl.Series(np.where(same_region, matching, stated)),
        customer=pl.Series(_named(scene, offers[:converting], identities(converting, scene.rng))),
    )
    install = np.isin(offers[:converting], scene.world.offers.of_kind(OfferKind.INSTALL))
    if app is None and install.any():
        variant = scene.rng.integers(0, 30, converting)
        app = scene.agents(
            np.full(converting, INDEX["android app"]), variant, np.ones(converting, np.int64), start[:converting]
        )
    if app is not None:
        shown = shown.with_columns(agent=pl.Series(np.where(install, app, shown["agent"].to_numpy())))
    return scene.trail(clicks, scene.after(start[:converting], takes), shown)


def _regions(country: Ints) -> Ints:
    order = {region: index for index, region in enumerate(dict.fromkeys(item.region for item in COUNTRIES))}
    return np.array([order[item.region] for item in COUNTRIES])[country]


def _named(scene: Scene, offers: Ints, customers: Words) -> Words:
    named = np.array([offer.names_customer for offer in scene.world.offers.offers])[offers]
    return customers * named.astype(np.uint64)


def _some(numbers: Words, share: float, rng: np.random.Generator) -> Words:
    """Keep a share of the identifiers; the others are not known (0)."""
    return numbers * (rng.random(len(numbers)) < share).astype(np.uint64)
