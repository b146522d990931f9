"""Fraud by real people in agreement with the partner: rings, paid visitors, and the same conversion sent twice."""

from __future__ import annotations

import numpy as np
import polars as pl

from screening.simulate.columns import DAY, SECOND, Trail, choose, identities, lognormal, midnight
from screening.simulate.fraud.scene import Scene
from screening.simulate.honest import bought_by, claims, days_in
from screening.simulate.offers import OfferKind
from screening.simulate.rhythm import Clock


def self_referral_ring(scene: Scene) -> Trail:
    """A few people, many under one roof, buy again and again through their own links."""
    rng, offers = scene.rng, scene.offers
    members = int(np.clip(len(offers) / scene.between(2.5, 9), 3, 40))
    circle = scene.locals(np.resize(offers, members))
    houses = max(int(members * scene.between(0.85, 0.3)), 1)
    neighbours = circle[rng.integers(houses, size=members)]
    count = len(offers) + scene.idle_clicks(scene.between(2.5, 0.3))
    every = np.append(offers, rng.choice(offers, count - len(offers)))
    member = (members * rng.random(count) ** 1.4).astype(np.int64)
    start = scene.moments(count, Clock.EVENING, scene.world.people.offset[circle[member]])
    day = days_in(scene.world, start)
    own = scene.world.people.visit(circle[member], np.zeros(count, np.int64), day, rng)
    roof = scene.world.people.visit(neighbours[member], np.zeros(count, np.int64), day, rng)
    seen = own.with_columns(roof["country"], roof["v4"], roof["v6_high"])
    clicks = scene.clicks(start, every, seen, scene.referrers(count, 0.0, 0.35))
    alias = identities(members * 3, rng)[member * 3 + rng.integers(0, 3, count)]
    honest_name = rng.random(count) < scene.between(0.35, 0.8)
    customer = np.where(honest_name, scene.world.people.customer[circle[member]], alias)[: len(offers)]
    shown = clicks[: len(offers)].with_columns(customer=pl.Series(customer))
    takes = lognormal(float(rng.uniform(90, 420)), 0.75, len(offers), rng)
    return scene.trail(clicks, scene.after(start[: len(offers)], takes), shown)


def undisclosed_incentive(scene: Scene) -> Trail:
    """A crowd is told to convert for a reward: quickly, soon after each call, several offers each, and never again."""
    rng, offers = scene.rng, scene.offers
    crowd = scene.locals(np.resize(offers, max(int(len(offers) * scene.between(0.85, 0.3)), 3)))
    count = len(offers) + scene.idle_clicks(scene.between(9, 1.0))
    every = np.append(offers, rng.choice(offers, count - len(offers)))
    person = crowd[rng.integers(len(crowd), size=count)]
    often = round(scene.between(18, 5)) * (3 if scene.scheme.ramping else 1)
    calls = scene.moments(often, Clock.WAKING, np.full(often, -3.0))
    answered = calls[choose(rng.gamma(2, 1, often), count, rng)]
    loose = rng.random(count) < scene.between(0.6, 0.2)
    start = np.where(
        loose,
        scene.moments(count, Clock.WAKING, scene.world.people.offset[person]),
        scene.after(answered, lognormal(2.5 * 3600, 1.0, count, rng)),
    )
    install = np.isin(every, scene.world.offers.of_kind(OfferKind.INSTALL))
    slot = np.where(install, scene.world.people.phone_slot(person), 0)
    seen = scene.world.people.visit(person, slot, days_in(scene.world, start), rng)
    clicks = scene.clicks(start, every, seen, scene.referrers(count, 0.25, 0.55))
    usual = np.array([offer.decision.session for offer in scene.world.offers.offers])[offers]
    takes = np.maximum(lognormal(usual * scene.between(0.8, 0.3), scene.between(0.7, 0.35), len(offers), rng), 8)
    ts = scene.after(start[: len(offers)], takes)
    return scene.trail(clicks, ts, bought_by(scene.world, clicks[: len(offers)], person[: len(offers)], ts, rng))


def replayed_conversions(scene: Scene, honest: Trail) -> Trail:
    """Conversions of the partner sent again: as they were, under a new order number, or after another click."""
    rng = scene.rng
    start, end = midnight(scene.world.spec.start), midnight(scene.world.spec.start) + scene.world.spec.days * DAY
    first, last = scene.scheme.days
    inside = pl.col("ts").is_between(start + first * DAY, start + (last + 1) * DAY)
    own = honest.conversions.filter(inside & (pl.col("affiliate") == scene.scheme.partners[0]))
    source = _chosen(own, scene, rng)
    count = len(source)
    pause = lognormal(scene.between(20, 1.5) * 3600, scene.between(1.0, 1.8), count, rng)
    again = source["ts"].to_numpy() + (pause * 1000).astype(np.int64) * 1000
    again = np.where(again < end, again, source["ts"].to_numpy() + rng.integers(5, 3000, count) * SECOND)
    way = choose([scene.between(0.35, 0.75), scene.between(0.40, 0.20), scene.between(0.25, 0.05)], count, rng)
    order = np.where(way == 1, identities(count, rng), source["order"].to_numpy())
    repeated = source.with_columns(ts=pl.Series(again), order=pl.Series(order))
    reclicked = np.flatnonzero(way == 2)
    seen = source[reclicked]
    clicked = scene.before(again[reclicked], lognormal(240, 0.8, len(reclicked), rng))
    clicks = scene.clicks(clicked, seen["offer"].to_numpy(), seen, seen["referrer"].to_numpy())
    clicks = clicks.with_columns(seen["affiliate"], seen["sub"], customer=pl.lit(0, pl.UInt64))
    fresh = claims(scene.world, clicks, again[reclicked], seen, rng).with_columns(
        seen["order"], seen["payout"], seen["revenue"]
    )
    return Trail(
        clicks, scene.labelled(pl.concat([repeated[np.flatnonzero(way != 2)], fresh.select(repeated.columns)]))
    )


def _chosen(own: pl.DataFrame, scene: Scene, rng: np.random.Generator) -> pl.DataFrame:
    """Choose conversions of the partner that make up the scheme's payout; never more than half of what it has."""
    shuffled = own[rng.permutation(len(own))]
    enough = int(np.searchsorted(shuffled["payout"].cum_sum().to_numpy(), scene.scheme.target)) + 1
    return shuffled[: min(enough, (len(own) + 1) // 2)]
