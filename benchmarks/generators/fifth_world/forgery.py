"""Frauds with identities that are made up, bought or borrowed: bots, lists, farms, proxies, rings, paid crowds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from fifth_world.chance import DAY, Ints, between, mix
from fifth_world.crooks import Crook, addresses, agents, delays, forge, moved, schedule, sub_ids
from fifth_world.journeys import returned
from fifth_world.ledger import NO_REFERRER, REWARDS, Buys, Clicks, World
from fifth_world.networks import COUNTRIES, MAIN
from fifth_world.people import Seen

_LABOUR = np.arange(MAIN - 1, len(COUNTRIES))
"""Countries where work is cheap enough to fill in forms or tap on telephones all day."""


def _offers(world: World, crook: Crook, count: int) -> Ints:
    return world.rng.choice(crook.offers, count)


def _target(world: World, crook: Crook, count: int) -> Ints:
    """Draw countries that the identities claim: mostly the one that pays, the rest as the partner's audience."""
    audience = world.partners[crook.partner].audience
    others = world.people.country[world.rng.choice(audience, count)]
    return np.where(world.rng.random(count) < 0.3 + 0.4 * (1 - crook.stealth), crook.target, others)


def run_bots(world: World, crook: Crook) -> None:
    """Programs that fill in forms from bought addresses."""
    rng, count = world.rng, crook.goals
    ts, offer, who = schedule(world, crook, count), _offers(world, crook, count), world.strangers(count)
    country = _target(world, crook, count)
    key = who if crook.stealth > 0.25 else mix(who) % max(3, count // 6)
    few = 0 if crook.stealth > 0.2 else int(between(rng, 3, 60))
    device = np.where(rng.random(count) < 0.2 + 0.7 * crook.stealth, mix(key, 1), -1)
    day = (ts - world.start) / DAY
    seen = Seen(addresses(world, crook, country, key, few), agents(world, crook, day, key), device, country)
    when = ts + delays(world, crook, offer)
    made = Clicks(ts, who, offer, sub_ids(world, crook, count), who, seen)
    turned = np.where(rng.random(count) < 0.25 * (1 - crook.stealth), mix(key, 8), key)  # the proxy changed meanwhile
    late = Seen(addresses(world, crook, country, turned, few), seen.agent, seen.device, country)
    late = late if few else moved(world, crook, late, turned, when - ts)
    forge(world, crook, made, Buys(when, who, offer, late, np.full(count, crook.partner)))


def stuff_leads(world: World, crook: Crook) -> None:
    """Bought lists of real people, typed into several forms by a few clerks."""
    rng = world.rng
    each = int(rng.integers(1, 4))
    lists = max(1, crook.goals // each)
    first = schedule(world, crook, lists)
    who = np.repeat(world.strangers(lists), each)
    step = np.tile(np.arange(each), lists) * between(rng, 60, 900)
    ts = np.repeat(first, each) + step * rng.uniform(0.6, 1.6, len(who))
    offer = crook.offers[
        (np.repeat(rng.integers(0, 9, lists), each) + np.tile(np.arange(each), lists)) % len(crook.offers)
    ]
    clerk = mix(np.repeat(np.arange(lists), each), crook.partner) % int(between(rng, 2, 25))
    office = rng.choice(_LABOUR, 1)
    country = np.full(len(who), office[0]) if crook.stealth < 0.35 else np.full(len(who), crook.target)
    if crook.stealth < 0.35:
        ip = np.resize(world.people.internet.office.fresh(office, rng), len(who))
    else:
        ip = addresses(world, crook, country, mix(clerk, (ts // (DAY / 4)).astype(np.int64)))
    kept = (ts // (DAY * between(rng, 0.05, 30))).astype(np.int64)
    seen = Seen(ip, agents(world, crook, (ts - world.start) / DAY, clerk), mix(clerk, kept, 2), country)
    when = ts + delays(world, crook, offer) * rng.uniform(1, 2)
    made = Clicks(ts, who, offer, sub_ids(world, crook, len(who)), who, seen)
    forge(world, crook, made, Buys(when, who, offer, seen, np.full(len(who), crook.partner)))


def run_farm(world: World, crook: Crook) -> None:
    """Shelves of telephones in one town, reset after some installs, behind a few gateways of a carrier."""
    rng, count = world.rng, crook.goals
    ts, offer, who = schedule(world, crook, count), _offers(world, crook, count), world.strangers(count)
    phone = rng.integers(0, int(between(rng, 8, 150)), count)
    town = rng.choice(_LABOUR) if rng.random() < 0.6 - 0.5 * crook.stealth else crook.target
    country = np.full(count, town)
    carrier = np.resize(world.people.internet.mobile.pick(country[:1], rng), count)
    line = mix(phone, (ts // (DAY / 6)).astype(np.int64)) % int(between(rng, 2, 20) + 60 * crook.stealth)
    ip = world.people.internet.mobile.address(carrier, line, crook.partner)
    turn = np.empty(count, dtype=np.int64)
    turn[np.argsort(ts)] = np.arange(count) // max(1, int(between(rng, 1, 30)))
    seen = Seen(ip, agents(world, crook, (ts - world.start) / DAY, phone), mix(phone, turn), country)
    when = ts + delays(world, crook, offer)
    made = Clicks(ts, who, offer, sub_ids(world, crook, count), who, seen)
    forge(world, crook, made, Buys(when, who, offer, seen, np.full(count, crook.partner)))


def run_proxies(world: World, crook: Crook) -> None:
    """A few operators who appear to be buyers all over the country that pays."""
    rng, count = world.rng, crook.goals
    ts, offer, who = schedule(world, crook, count), _offers(world, crook, count), world.strangers(count)
    country = np.full(count, crook.target)
    profile = rng.integers(0, max(3, int(count * crook.stealth) + 3), count)
    day = (ts - world.start) / DAY
    device = np.where(rng.random(count) < 0.85, mix(profile, 21), -1)
    seen = Seen(addresses(world, crook, country, who), agents(world, crook, day, profile), device, country)
    hops = rng.random(count) < 0.7 - 0.6 * crook.stealth
    late = Seen(addresses(world, crook, country, np.where(hops, mix(who, 1), who)), seen.agent, device, country)
    made = Clicks(ts, who, offer, sub_ids(world, crook, count), who, seen)
    when = ts + delays(world, crook, offer)
    forge(world, crook, made, Buys(when, who, offer, late, np.full(count, crook.partner)))


def spoof_country(world: World, crook: Crook) -> None:
    """Cheap visitors from elsewhere, reported as visitors from the country that pays."""
    rng, count = world.rng, crook.goals
    ts, offer, who = schedule(world, crook, count), _offers(world, crook, count), world.strangers(count)
    lands = rng.choice(_LABOUR, int(rng.integers(1, 4)), replace=False)
    real, claimed = rng.choice(lands, count), np.full(count, crook.target)
    net = world.people.internet
    mobile = net.mobile.address(net.mobile.pick(real, rng), mix(who) % 9000, crook.partner)
    ip = np.where(rng.random(count) < 0.7, mobile, net.home.fresh(real, rng))
    masked = rng.random(count) < 0.1 + 0.6 * crook.stealth
    ip = np.where(masked, net.vpn.address(net.vpn.pick(claimed, rng), mix(who) % 60, crook.partner), ip)
    key = mix(who, 4) % max(20, count)
    seen = Seen(ip, agents(world, crook, (ts - world.start) / DAY, key), mix(key, 9), claimed)
    honest = rng.random(count) < 0.5 * (1 - crook.stealth)
    late = Seen(ip, seen.agent, seen.device, np.where(honest & ~masked, real, claimed))
    made = Clicks(ts, who, offer, sub_ids(world, crook, count), who, seen)
    forge(world, crook, made, Buys(ts + delays(world, crook, offer), who, offer, late, np.full(count, crook.partner)))


def run_ring(world: World, crook: Crook) -> None:
    """Friends and the partner itself, buying through its own links from their homes, under old and new names."""
    rng, people, count = world.rng, world.people, crook.goals
    near = np.flatnonzero(people.country == crook.target)
    members = rng.choice(near, min(len(near), max(4, int(count / between(rng, 1.5, 12)))), replace=False)
    if rng.random() < 0.5 * (1 - crook.stealth) + 0.1:  # one house
        members = np.flatnonzero(np.isin(people.household, people.household[members[: max(2, len(members) // 3)]]))
    friend = rng.choice(members, count)
    ts, offer = schedule(world, crook, count), _offers(world, crook, count)
    seen = people.visit(friend, ts, world.start, rng)
    who = np.where(rng.random(count) < rng.uniform(0.1, 0.9), world.strangers(count), friend)
    made = Clicks(ts, who, offer, sub_ids(world, crook, count), who, seen)
    when = ts + delays(world, crook, offer)
    late = returned(world, Clicks(ts, friend, offer, made.sub, who, seen), when)
    world.click(crook.partner, Clicks(ts, who, offer, made.sub, _places(world, count), seen), crook.code)
    world.buy(Buys(when, who, offer, late, np.full(count, crook.partner)))


def _places(world: World, count: int) -> Ints:
    return np.where(world.rng.random(count) < 0.5, 0, NO_REFERRER)


def pay_crowd(world: World, crook: Crook) -> None:
    """People who are paid for signing up: a task is posted, they rush in, take several offers and never come back."""
    rng, people = world.rng, world.people
    crowd = np.flatnonzero((people.income < np.quantile(people.income, 0.5)) & (people.private_days > 0))
    each = int(rng.integers(1, 5))
    heads = max(1, crook.goals // each)
    person = np.repeat(rng.choice(crowd, heads), each)
    posts = schedule(world, crook, max(2, heads // 40))
    burst = rng.exponential(between(rng, 0.02, 0.5) * (1 + 4 * crook.stealth), heads) * DAY
    first = rng.choice(posts, heads) + burst
    ts = np.repeat(first, each) + np.tile(np.arange(each), heads) * between(rng, 60, 1200) * rng.uniform(
        0.5, 2, len(person)
    )
    offer = crook.offers[
        (np.tile(np.arange(each), heads) + np.repeat(rng.integers(0, 9, heads), each)) % len(crook.offers)
    ]
    seen = people.visit(person, ts, world.start, rng, rng.uniform(0.7, 1))
    when = ts + np.where(
        rng.random(len(ts)) < 0.3 + 0.5 * crook.stealth, world.think(offer), delays(world, crook, offer) * 0.8
    )
    place = np.where(
        rng.random(len(ts)) < 0.4 * (1 - crook.stealth), REWARDS + rng.integers(0, 3, len(ts)), NO_REFERRER
    )
    sub = sub_ids(world, crook, len(ts))
    world.click(crook.partner, Clicks(ts, person, offer, sub, place, seen), crook.code)
    late = returned(world, Clicks(ts, person, offer, sub, place, seen), when)
    done = np.flatnonzero(rng.random(len(ts)) < rng.uniform(0.25, 0.95))
    world.buy(Buys(when, person, offer, late, np.full(len(ts), crook.partner)).rows(done))


def buy_traffic(world: World, crook: Crook) -> None:
    """Forged and paid traffic mixed; used by a partner that grows slowly and by one that buys into one sub_id."""
    rng, count = world.rng, crook.goals
    ts, offer, who = schedule(world, crook, count), _offers(world, crook, count), world.strangers(count)
    country = _target(world, crook, count)
    key = np.where(rng.random(count) < 0.3 * (1 - crook.stealth), mix(who) % max(4, count // 10), who)
    day = (ts - world.start) / DAY
    agent = agents(world, crook, day, key)
    seen = Seen(addresses(world, crook, country, key), agent, np.where(mix(key, 2) % 10 < 8, mix(key, 3), -1), country)
    when = ts + delays(world, crook, offer)
    made = Clicks(ts, who, offer, sub_ids(world, crook, count), who, seen)
    late = moved(world, crook, seen, key, when - ts)
    forge(world, crook, made, Buys(when, who, offer, late, np.full(count, crook.partner)))


FORGERIES: Mapping[str, Callable[[World, Crook], None]] = MappingProxyType(
    {
        "bot_leads": run_bots,
        "stuffed_leads": stuff_leads,
        "device_farm": run_farm,
        "proxy_spoofing": run_proxies,
        "geo_spoofing": spoof_country,
        "self_referral_ring": run_ring,
        "undisclosed_incentive": pay_crowd,
        "bought_sub_id": buy_traffic,
        "slow_ramp": buy_traffic,
    }
)
