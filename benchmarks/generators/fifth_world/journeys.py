"""Honest people: they meet promotions, click several times, buy at once or days later, hunt for codes at checkout."""

from __future__ import annotations

import numpy as np
import polars as pl
from fifth_world.chance import DAY, HOUR, Floats, Ints, between, local_hours, mix, unit
from fifth_world.ledger import Buys, Clicks, World, lossy, source
from fifth_world.market import CLOSERS, Affiliate
from fifth_world.networks import OFFSETS
from fifth_world.people import Seen, waking


def settle_audiences(world: World) -> None:
    """Give the odd partners their odd audiences: staff of few firms, one campus, people behind VPNs."""
    people, rng = world.people, world.rng
    staff = np.bincount(people.office[people.office >= 0])
    for partner in world.partners:
        chosen = np.empty(0, dtype=np.int64)
        if partner.oddities & {"perks", "campus"}:
            firms = rng.choice(np.argsort(-staff)[:12], 1 if "campus" in partner.oddities else int(rng.integers(2, 5)))
            chosen = np.flatnonzero(np.isin(people.office, firms) & (people.desk >= 0))
            partner.phone, partner.peak, partner.night = 0.1, 12.5, 0.01
        elif "vpn" in partner.oddities:
            chosen = np.append(np.flatnonzero(people.vpn >= 0), partner.audience[:100])
        if len(chosen) >= 30:
            partner.audience = chosen


def draw_away(world: World, partner: Affiliate, visits: int, rate: float) -> None:
    """Simulate visitors of a partner who were drawn in by it; `rate`: share of clicks that lead to a purchase."""
    rng = world.rng
    who = partner.audience[(len(partner.audience) * rng.random(visits) ** between(rng, 1, 2.2)).astype(np.int64)]
    offer = rng.choice(partner.offers, visits, p=partner.offer_share)
    ts = _moments(world, partner, who)
    more = rng.random(visits) < rng.uniform(0.05, 0.4)
    gap = np.exp(rng.normal(np.log(400), 2.2, visits))
    ts, who, offer = (
        np.append(all_, some) for all_, some in ((ts, (ts + gap)[more]), (who, who[more]), (offer, offer[more]))
    )
    keep = _open(world, partner, ts)
    ts, who, offer = ts[keep], who[keep], offer[keep]
    seen = world.people.visit(who, ts, world.start, rng, partner.phone)
    sub, referrer = source(world, partner, who)
    world.click(partner.number, Clicks(ts, who, offer, sub, referrer, lossy(world, partner, seen)))
    appeal = world.per_offer("appeal")[offer] ** 0.7 * partner.taste * world.people.income[who]
    bought = np.flatnonzero(rng.random(len(ts)) < np.minimum(rate * appeal, 0.6))
    _purchase(world, partner, Clicks(ts, who, offer, sub, referrer, seen), bought)


def _moments(world: World, partner: Affiliate, who: Ints) -> Floats:
    rng, count = world.rng, len(who)
    if len(partner.sends):
        weight = np.exp(rng.normal(0, 0.5, len(partner.sends)))
        at = rng.choice(partner.sends, count, p=weight / weight.sum())
        lag = (
            rng.exponential(partner.fade_days, count)
            if partner.trade != "email"
            else partner.fade_days * np.exp(rng.normal(0, 1.3, count))
        )
        return np.asarray(world.start + (at + lag) * DAY)
    trend = np.exp(np.linspace(0, rng.normal(0, 0.6), world.days)) * np.exp(rng.normal(0, 0.25, world.days))
    weekday = np.exp(rng.normal(0, 0.25, 7))[(np.arange(world.days) + int(world.start // DAY)) % 7]
    share = trend * weekday
    day = rng.choice(world.days, count, p=share / share.sum())
    hour = local_hours(rng, count, partner.peak, partner.night) - OFFSETS[world.people.country[who]]
    return np.asarray(world.start + day * DAY + hour * HOUR)


def _open(world: World, partner: Affiliate, ts: Floats) -> np.ndarray:
    """Return which times are in the programme, while the partner is active and its tracking works."""
    day = (ts - world.start) / DAY
    lasts = (day > max(0.0, partner.active[0])) & (day < partner.active[1])
    for first, last in partner.gaps:
        lasts &= (day < first) | (day > last)
    return np.asarray(lasts)


def _purchase(world: World, partner: Affiliate, clicks: Clicks, bought: Ints) -> None:
    rng = world.rng
    ts, who, offer = clicks.ts[bought], clicks.who[bought], clicks.offer[bought]
    when = ts + world.think(offer, partner.waits) + 3
    later = rng.random(len(who)) < world.per_offer("later")[offer]
    days = (ts - world.start) / DAY + 1 + rng.exponential(3.5, len(who))
    when = np.where(later, world.start + waking(world.people, who, days, rng) * DAY, when)
    when = np.maximum(when, ts + 2)
    seen = returned(world, Clicks(ts, who, offer, clicks.sub, clicks.referrer, clicks.seen.rows(bought)), when)
    world.buy(Buys(when, who, offer, seen, np.full(len(who), partner.number)))


def returned(world: World, clicks: Clicks, when: Floats) -> Seen:
    """Return how people are seen who clicked and buy later: from the same place soon after, else from where they are.

    One in eight uses another device after some hours.
    """
    rng, first = world.rng, clicks.seen
    now = world.people.visit(clicks.who, when, world.start, rng)
    soon = when - clicks.ts < 2400 * np.exp(rng.normal(0, 0.6, len(when)))
    same = soon | (rng.random(len(when)) < 0.88)
    return Seen(
        np.where(soon, first.ip, now.ip),
        np.where(same & (first.agent >= 0), first.agent, now.agent),
        np.where(same, first.device, now.device),
        np.where(soon, first.country, now.country),
    )


def buy_anyway(world: World, count: int) -> None:
    """Simulate people who buy without having met a promotion; some will look for a code all the same."""
    rng, people = world.rng, world.people
    who = rng.choice(len(people), count)
    appeal = world.per_offer("appeal")
    offer = rng.choice(len(world.offers), count, p=appeal / appeal.sum())
    ts = world.start + waking(people, who, rng.random(count) * world.days, rng) * DAY
    world.buy(Buys(ts, who, offer, people.visit(who, ts, world.start, rng), np.full(count, -1)))


def buy_again(world: World) -> None:
    """Let buyers of what is bought again buy again, some through the partner they came from."""
    rng = world.rng
    for made in tuple(world.buys):
        ts, who, offer, via = (made[name].to_numpy() for name in ("ts", "who", "offer", "via"))
        loyal = np.array([2.5 if "loyal" in partner.oddities else 1.0 for partner in world.partners] + [1.0])
        again = np.flatnonzero(rng.random(len(ts)) < np.minimum(world.per_offer("rebuy")[offer] * loyal[via], 0.7))
        if not len(again):
            continue
        days = (ts[again] - world.start) / DAY + 0.1 + rng.exponential(9, len(again))
        when = world.start + waking(world.people, who[again], days, rng) * DAY
        later = np.flatnonzero((when > ts[again] + HOUR) & (when < world.end))
        chosen, when = again[later], when[later]
        seen = world.people.visit(who[chosen], when, world.start, rng)
        world.buy(Buys(when, who[chosen], offer[chosen], seen, via[chosen]))
        back = np.flatnonzero((via[chosen] >= 0) & (rng.random(len(chosen)) < 0.5))
        clicked = when[back] - world.think(offer[chosen][back])
        for number in np.unique(via[chosen][back]):
            rows = back[via[chosen][back] == number]
            partner = world.partners[number]
            sub, referrer = source(world, partner, who[chosen][rows])
            times = clicked[via[chosen][back] == number]
            seen_then = lossy(world, partner, seen.rows(rows))
            world.click(int(number), Clicks(times, who[chosen][rows], offer[chosen][rows], sub, referrer, seen_then))


def close(world: World, eagerness: float, rates: tuple[float, float]) -> None:
    """Let thrifty buyers pass by their coupon site, cashback portal or toolbar right before they pay.

    `rates`: the lowest and highest share of a closer's clicks that are followed by a purchase.
    """
    closers = [partner for partner in world.partners if partner.trade in CLOSERS]
    sizes = np.cumsum([partner.size for partner in closers])
    counts = np.zeros(len(closers), dtype=np.int64)
    for made in tuple(world.buys):
        ts, who, offer = (made[name].to_numpy() for name in ("ts", "who", "offer"))
        favourite = unit(who, 77, mix(who, offer) % 2)
        closer = np.minimum(np.searchsorted(sizes / sizes[-1], favourite), len(closers) - 1)
        hunting = world.rng.random(len(ts)) < eagerness * world.people.thrift[who]
        for place, partner in enumerate(closers):
            rows = np.flatnonzero(hunting & (closer == place) & np.isin(offer, partner.offers))
            counts[place] += _checkout(world, partner, made[rows])
    for place, partner in enumerate(closers):
        rate = between(world.rng, *rates)
        draw_away(world, partner, int(counts[place] * (1 / rate - 1)) + 5, 0.004)


def _checkout(world: World, partner: Affiliate, bought: pl.DataFrame) -> int:
    rng = world.rng
    if not bought.height:
        return 0
    column = {name: bought[name].to_numpy() for name in bought.columns}
    delay = partner.checkout_s * np.exp(rng.normal(0, partner.haste, bought.height)) + 1
    ts, seen = column["ts"] - delay, Seen(*(column[name] for name in ("ip", "agent", "device", "country")))
    keep = _open(world, partner, ts)
    who = column["who"][keep]
    sub, referrer = source(world, partner, who)
    seen = lossy(world, partner, seen.rows(np.flatnonzero(keep)))
    world.click(partner.number, Clicks(ts[keep], who, column["offer"][keep], sub, referrer, seen))
    return int(keep.sum())


def sell_by_telephone(world: World, partner: Affiliate, count: int) -> None:
    """Simulate an honest partner whose staff order for customers on the telephone: one address, few machines."""
    rng, people = world.rng, world.people
    who = partner.audience[rng.integers(0, len(partner.audience), count)]
    offer = rng.choice(partner.offers, count, p=partner.offer_share)
    hour = rng.uniform(9, 18, count) - OFFSETS[people.country[partner.audience[0]]]
    day = rng.integers(0, world.days, count)
    ts = world.start + day * DAY + hour * HOUR
    keep = _open(world, partner, ts) & ((day + int(world.start // DAY) + 3) % 7 < 5)
    ts, who, offer = ts[keep], who[keep], offer[keep]
    seat = rng.integers(0, 4 + partner.number % 15, len(ts))
    country = np.full(len(ts), people.country[partner.audience[0]])
    exit_ip = np.resize(people.internet.office.fresh(country[:1], rng), len(ts)) if len(ts) else seat
    desk = people.desk[np.maximum(seat, 0)]
    seen = Seen(exit_ip, np.maximum(desk, 0) * 40 + 36, mix(seat, partner.number), country)
    sub, referrer = source(world, partner, who)
    world.click(partner.number, Clicks(ts, who, offer, sub, referrer, seen))
    sold = np.flatnonzero(rng.random(len(ts)) < 0.6)
    when = ts + between(rng, 90, 500) * np.exp(rng.normal(0, 0.5, len(ts)))
    world.buy(Buys(when, who, offer, seen, np.full(len(ts), partner.number)).rows(sold))
