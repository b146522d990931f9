"""Fraud that claims real customers whom others brought: flooding, injection, stuffing, and abuse of the window."""

from __future__ import annotations

import numpy as np

from screening.simulate.columns import Floats, Ints, Trail, lognormal
from screening.simulate.fraud.scene import Scene
from screening.simulate.honest import bought_by, days_in
from screening.simulate.offers import OfferKind
from screening.simulate.rhythm import Clock

_HOUR = 3600.0
_DAY = 24 * _HOUR


def click_flooding(scene: Scene) -> Trail:
    """Clicks in masses from real devices at all hours; some happen to be the last before a conversion."""
    rng, offers = scene.rng, scene.offers
    people = scene.locals(offers)
    ts = _customers_times(scene, offers, people)
    reach = scene.between(10 * _HOUR, 72 * _HOUR)
    lag = rng.uniform(0, reach, len(offers)) ** scene.between(0.97, 1.0)
    natural = rng.random(len(offers)) < 0.4 * (1 - scene.scheme.strength)
    lag = np.where(natural, scene.world.offers.decide(offers, np.ones(len(offers)), rng), lag)
    flood = scene.idle_clicks(scene.between(120, 700))
    sprayed = rng.choice(offers, flood)
    targets = scene.locals(sprayed)[: max(flood // int(scene.between(2, 9)), 1)]
    hit = targets[rng.integers(len(targets), size=flood)] if flood else np.zeros(0, np.int64)
    clock = Clock.FLAT if scene.scheme.strength > 0.5 else Clock.WAKING
    when = scene.moments(flood, clock, scene.world.people.offset[hit])
    referrer = scene.referrers(len(offers) + flood, 0.15, 0.7)
    return _claimed(scene, ts, lag, people, (when, sprayed, hit), referrer)


def click_injection(scene: Scene) -> Trail:
    """A click from the device itself, seconds before the freshly installed app is opened."""
    rng, offers = scene.rng, scene.offers
    people = scene.locals(offers)
    ts = _customers_times(scene, offers, people)
    lag = lognormal(scene.between(22, 5), scene.between(0.8, 0.35), len(offers), rng)
    natural = rng.random(len(offers)) < 0.3 * (1 - scene.scheme.strength)
    lag = np.where(natural, scene.world.offers.decide(offers, np.ones(len(offers)), rng), lag)
    more = scene.idle_clicks(scene.between(14, 1))
    fruitless = rng.choice(offers, more)
    hit = scene.locals(fruitless)
    when = scene.moments(more, Clock.WAKING, scene.world.people.offset[hit])
    return _claimed(scene, ts, lag, people, (when, fruitless, hit), scene.referrers(len(offers) + more, 0.0, 0.8))


def cookie_stuffing(scene: Scene) -> Trail:
    """Cookies of several offers set at once on visitors of unrelated pages; those who buy within weeks are claimed."""
    rng, offers = scene.rng, scene.offers
    people = scene.locals(offers)
    ts = _customers_times(scene, offers, people)
    window = np.array([offer.window_days for offer in scene.world.offers.offers])[offers] * _DAY
    lag = rng.uniform(0, np.minimum(window, scene.between(2, 16) * _DAY))
    at_checkout = rng.random(len(offers)) < scene.between(0.1, 0.3)
    lag = np.where(at_checkout, lognormal(14, 0.7, len(offers), rng), lag)
    stuffed = scene.idle_clicks(scene.between(60, 350))
    together = 1 + round(scene.between(0.4, 3.4))
    drops = max(stuffed // together, 1)
    hit = np.repeat(scene.locals(rng.choice(offers, drops)), together)[:stuffed]
    first = np.repeat(scene.moments(drops, Clock.EVENING, np.zeros(drops)), together)[:stuffed]
    when = first + rng.integers(0, 1800, len(first)) * 1000
    choice = np.array(scene.scheme.offers)
    dropped = choice[(np.arange(len(first)) + rng.integers(len(choice))) % len(choice)]
    referrer = scene.referrers(len(offers) + len(first), scene.between(0.25, 0.9), 0.1)
    return _claimed(scene, ts, lag, people, (when, dropped, hit), referrer)


def attribution_window_abuse(scene: Scene) -> Trail:
    """Customers claimed as they check out, and customers claimed with clicks as old as the window or older."""
    rng, offers = scene.rng, scene.offers
    people = scene.locals(offers)
    ts = _customers_times(scene, offers, people)
    window = np.array([offer.window_days for offer in scene.world.offers.offers])[offers] * _DAY
    edge = window * rng.uniform(scene.between(0.90, 0.97), 1.0, len(offers))
    too_old = window * rng.uniform(1.0005, 1.2, len(offers))
    checkout = lognormal(scene.between(16, 4), scene.between(0.7, 0.3), len(offers), rng)
    late = rng.random(len(offers)) < 0.45
    breach = rng.random(len(offers)) < scene.between(0.1, 0.5)
    lag = np.where(late, np.where(breach, too_old, edge), checkout)
    natural = rng.random(len(offers)) < 0.4 * (1 - scene.scheme.strength)
    lag = np.where(natural, scene.world.offers.decide(offers, np.ones(len(offers)), rng), lag)
    more = scene.idle_clicks(scene.between(45, 12))
    fruitless = rng.choice(offers, more)
    hit = scene.locals(fruitless)
    when = scene.moments(more, Clock.EVENING, scene.world.people.offset[hit])
    return _claimed(scene, ts, lag, people, (when, fruitless, hit), scene.referrers(len(offers) + more, 0.1, 0.2))


def _customers_times(scene: Scene, offers: Ints, people: Ints) -> Ints:
    """When these people would have converted anyway."""
    clock = scene.offer(int(offers[0])).clock
    return scene.moments(len(offers), clock, scene.world.people.offset[people])


def _claimed(
    scene: Scene, ts: Ints, lag: Floats, people: Ints, fruitless: tuple[Ints, Ints, Ints], referrer: Ints
) -> Trail:
    """Write down conversions at `ts` claimed by clicks `lag` seconds before, and clicks (times, offers, people) that
    lead nowhere."""
    when, offers_hit, hit = fruitless
    world, clicked = scene.world, scene.before(ts, lag)
    everyone, offers = np.concatenate([people, hit]), np.concatenate([scene.offers, offers_hit])
    times = np.concatenate([clicked, when])
    install = np.isin(offers, world.offers.of_kind(OfferKind.INSTALL))
    slot = np.where(install, world.people.phone_slot(everyone), 0)
    seen = world.people.visit(everyone, slot, days_in(world, times), scene.rng)
    clicks = scene.clicks(times, offers, seen, referrer)
    bought = bought_by(world, clicks[: len(ts)], people, ts, scene.rng)
    return scene.trail(clicks, ts, bought)
