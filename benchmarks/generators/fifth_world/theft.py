"""Frauds that take the reward for what people buy anyway: the thief only has to have the last click."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import polars as pl
from fifth_world.agents import FAMILIES, VERSIONS
from fifth_world.chance import DAY, HOUR, Floats, Ints, between
from fifth_world.crooks import Crook, schedule, sub_ids
from fifth_world.ledger import NO_REFERRER, Clicks, World
from fifth_world.people import Seen

_ANDROID = np.array([number for number, family in enumerate(FAMILIES) if family.device == "android"])
_REACH_MAX = 14_000
"""Clicks that hit nobody who buys, at most, of one thief."""


def _victims(world: World, crook: Crook, wanted: Ints | None = None) -> pl.DataFrame:
    """Choose purchases to be robbed of, in the fraudster's days, more as it grows; `wanted`: families of agents."""
    buys = pl.concat(world.buys).with_row_index("place")
    first, last = (world.start + day * DAY for day in crook.days)
    fit = buys.filter(pl.col("offer").is_in(crook.offers.tolist()), pl.col("ts").is_between(first, last))
    fit = fit.filter(pl.col("who") < len(world.people))
    for begins, ends in crook.pauses:
        fit = fit.filter(~pl.col("ts").is_between(world.start + begins * DAY, world.start + ends * DAY))
    if wanted is not None:
        fit = fit.filter((pl.col("agent") // VERSIONS).is_in(wanted.tolist()))
    count = min(crook.goals, int(fit.height * 0.6))
    grown = np.exp(crook.growth * (fit["ts"].to_numpy() - first) / (last - first))
    chosen = world.rng.choice(fit.height, count, replace=False, p=grown / grown.sum()) if count else np.empty(0, int)
    return fit[np.sort(chosen)]


def _columns(victims: pl.DataFrame) -> tuple[Floats, Ints, Ints, Seen]:
    ts, who, offer = (victims[name].to_numpy() for name in ("ts", "who", "offer"))
    return ts, who, offer, Seen(*(victims[name].to_numpy() for name in ("ip", "agent", "device", "country")))


def _write(world: World, crook: Crook, ts: Floats, who: Ints, offer: Ints, seen: Seen) -> None:
    rng, partner = world.rng, world.partners[crook.partner]
    shown = rng.random(len(ts)) < partner.referrer_share * crook.stealth
    place = np.where(shown, rng.integers(0, len(partner.sites), len(ts)), NO_REFERRER)
    sub = sub_ids(world, crook, len(ts))
    world.click(crook.partner, Clicks(ts, who, offer, sub, place, seen), crook.code)


def _background(world: World, crook: Crook, who: Ints, ts: Floats, device: Ints) -> Seen:
    """Return what is seen of clicks that people did not make; a clumsy thief sends them from its own servers."""
    rng, people = world.rng, world.people
    seen = people.visit(who, ts, world.start, rng)
    device = np.where(device == 0, seen.device, device)
    if crook.stealth > 0.3:
        return Seen(seen.ip, seen.agent, device, seen.country)
    hosts = people.internet.hosting
    ranges = np.full(len(who), crook.partner % len(hosts.base))
    server = hosts.address(ranges, rng.integers(0, 40, len(who)), ranges)
    sent = rng.random(len(who)) < 0.8
    return Seen(np.where(sent, server, seen.ip), seen.agent, device, seen.country)


def flood(world: World, crook: Crook) -> None:
    """Claim clicks of masses of people, again and again; some of them buy within days."""
    rng = world.rng
    crook.goals = min(crook.goals, int(between(rng, 60, 400)))  # floods are wide and earn little a click
    bought, who, offer, seen = _columns(_victims(world, crook))
    window = world.per_offer("window_s")[offer]
    flat = rng.random(len(who)) * np.minimum(window, between(rng, 0.5, 7) * DAY)
    near = np.minimum(rng.exponential(between(rng, 1, 8) * HOUR, len(who)), window * 0.9)
    ts = bought - np.where(rng.random(len(who)) < crook.stealth * 0.8, near, flat) - 1
    _write(world, crook, ts, who, offer, _background(world, crook, who, ts, seen.device))
    reach = int(min(_REACH_MAX, len(who) * between(rng, 25, 250)))
    times = int(rng.integers(1, 5))
    crowd = rng.choice(len(world.people), max(1, reach // times))
    first = schedule(world, crook, len(crowd))
    gap = between(rng, 0.2, 30) * HOUR
    ts = (first[:, None] + gap * (np.arange(times) + rng.normal(0, 0.2 * crook.stealth, times))[None, :]).ravel()
    crowd = np.repeat(crowd, times)
    none = np.zeros(len(crowd), dtype=np.int64)
    _write(world, crook, ts, crowd, rng.choice(crook.offers, len(crowd)), _background(world, crook, crowd, ts, none))


def inject(world: World, crook: Crook) -> None:
    """Malware on Android telephones clicks when its owner is about to finish."""
    rng = world.rng
    bought, who, offer, seen = _columns(_victims(world, crook, _ANDROID))
    own = between(rng, 2, 15) * np.exp(rng.normal(0, 0.3 + 0.5 * crook.stealth, len(who)))
    slow = between(rng, 20, 150) * np.exp(rng.normal(0, 0.8, len(who)))
    early = np.where(rng.random(len(who)) < crook.stealth * 0.9, slow, own) + 0.5
    _write(world, crook, bought - early, who, offer, seen)
    if not len(who):
        return
    miss = rng.integers(0, len(who), int(len(who) * crook.extra))
    ts = bought[miss] + rng.normal(0, 2 * DAY, len(miss))
    crowd = rng.choice(len(world.people), len(miss))
    there = world.people.visit(crowd, ts, world.start, rng, 1.0)
    _write(world, crook, ts, crowd, offer[miss], Seen(there.ip, seen.agent[miss], there.device, there.country))


def stuff(world: World, crook: Crook) -> None:
    """A site that sets cookies of several shops, unseen, at everybody who looks at it."""
    rng, people = world.rng, world.people
    bought, buyer, wanted, seen = _columns(_victims(world, crook))
    window = world.per_offer("window_s")[wanted]
    reach = int(min(_REACH_MAX / len(crook.offers), len(buyer) * between(rng, 8, 60)))
    crowd = rng.choice(len(people), reach)
    spread = rng.beta(1, 1 + 2.5 * crook.stealth, len(buyer)) * window * 0.98
    ts = np.concatenate([bought - spread - 5, schedule(world, crook, reach)])
    who = np.concatenate([buyer, crowd])
    offer = np.concatenate([wanted, rng.choice(crook.offers, reach)])
    visit = people.visit(who, ts, world.start, rng)
    kept = np.append(rng.random(len(buyer)) < 0.9, np.zeros(reach, dtype=bool))
    device = np.where(kept, np.append(seen.device, visit.device[len(buyer) :]), visit.device)
    agent = np.where(kept, np.append(seen.agent, visit.agent[len(buyer) :]), visit.agent)
    visit = Seen(visit.ip, agent, device, visit.country)
    _write(world, crook, ts, who, offer, visit)
    together = rng.random(len(ts)) < (1 - crook.stealth) * 0.9
    for other in crook.offers:
        rows = np.flatnonzero(together & (offer != other))
        lag = rng.uniform(0, between(rng, 0.2, 4), len(rows))
        _write(world, crook, ts[rows] + lag, who[rows], np.full(len(rows), other), visit.rows(rows))


def renew(world: World, crook: Crook) -> None:
    """Pop-unders renew the click of people who buy now and then, in step with the window, so that it never lapses."""
    rng, people = world.rng, world.people
    _, buyer, wanted, _ = _columns(_victims(world, crook))
    window = float(world.per_offer("window_s")[crook.offers].min())
    step = max(between(rng, 0.2, 0.95) * window, 4 * HOUR)
    reach = int(min(_REACH_MAX * step / (DAY * world.days) + 50, len(buyer) * between(rng, 2, 20)))
    who = np.append(buyer, rng.choice(len(people), reach))
    offer = np.append(wanted, rng.choice(crook.offers, reach))
    first, last = (world.start + day * DAY for day in crook.days)
    rounds = max(1, int((last - first) / step))
    begun = first + rng.random(len(who)) * step
    jitter = rng.normal(0, step * (0.01 + 0.2 * crook.stealth), (len(who), rounds))
    ts = (begun[:, None] + step * np.arange(rounds)[None, :] + jitter).ravel()
    who, offer = np.repeat(who, rounds), np.repeat(offer, rounds)
    keep = np.flatnonzero(rng.random(len(ts)) < min(1.0, 3 * _REACH_MAX / len(ts)))
    ts, who, offer = ts[keep], who[keep], offer[keep]
    _write(world, crook, ts, who, offer, people.visit(who, ts, world.start, rng))


THEFTS: Mapping[str, Callable[[World, Crook], None]] = MappingProxyType(
    {"click_flooding": flood, "click_injection": inject, "cookie_stuffing": stuff, "window_abuse": renew}
)
