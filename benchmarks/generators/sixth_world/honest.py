"""Honest traffic: how many clicks each source gets, and what its visitors do. Its oddities are nobody's fault."""

from __future__ import annotations

import numpy as np

from .addresses import SCANNER
from .arrivals import DAY, HOUR, poisson
from .channels import Affiliate, Source, make_source
from .people import Columns
from .world import World

_HIGHEST_RATE = 0.3
_TILTS = (-1.5, 2.5)
_STEPS = 40


def draw_sources(world: World, affiliates: list[Affiliate]) -> list[Source]:
    """Return the sources: one to five offers per affiliate, walls only where incentives are allowed."""
    rng, sources = world.rng, []
    for affiliate in affiliates:
        channel = affiliate.channel
        fitting = [offer for offer in world.offers if offer.family in channel.families]
        if channel.name == "offerwall":
            fitting = [offer for offer in fitting if offer.incentive]
        weight = np.array([offer.pull for offer in fitting])
        number = min(len(fitting), int(rng.choice([1, 1, 2, 2, 3, 5])))
        chosen = rng.choice(len(fitting), size=number, replace=False, p=weight / weight.sum())
        sources += [make_source(affiliate, fitting[place], world.days, rng) for place in chosen]
    return sources


def share_out(world: World, sources: list[Source], clicks: float, goals: float) -> None:
    """Set every source's clicks so that the programme has about so many clicks and goals.

    Volumes are tilted by a power of the rate: the poorer a source converts, the more clicks it gets.
    """
    rate = np.minimum([source.rate for source in sources], _HIGHEST_RATE)
    pull = np.array([source.affiliate.pull for source in sources]) * world.rng.lognormal(0, 0.8, len(sources))
    low, high = _TILTS
    for _ in range(_STEPS):
        tilt = (low + high) / 2
        volume = pull * rate**-tilt
        low, high = (tilt, high) if (volume * rate).sum() / volume.sum() > goals / clicks else (low, tilt)
    for source, part, own in zip(sources, volume / volume.sum() * clicks, rate, strict=True):
        source.clicks, source.rate = int(part), float(own)


def run_honest(world: World, source: Source, share: float = 1.0) -> None:
    """Let the visitors of a source come, click and, some of them, convert; `share` of its clicks only."""
    rng, count = world.rng, int(source.clicks * share)
    if count < 1:
        return
    ts = source.arrive(count, rng)
    ts = _after_spots(world, source, ts)
    people = _visitors(world, source, count)
    clicks = world.visits(source, ts, people)
    worth = source.quality[_places(source, clicks)] if len(source.subs) else 1.0
    chance = source.rate * worth / np.mean(worth)
    converting = rng.random(count) < np.minimum(chance, 0.9)
    world.log.click({name: values[~converting] for name, values in clicks.items()})
    if source.affiliate.channel.name == "email":
        _scan(world, source, ts)
    chosen = {name: values[converting] for name, values in clicks.items()}
    affiliate = source.affiliate
    delay = source.offer.delay.draw(int(converting.sum()), rng, affiliate.speed, affiliate.late)
    retention = 0.5 if affiliate.channel.name == "offerwall" else 1.0
    world.commit(source.offer, chosen, np.minimum(delay, source.offer.window * 0.999), retention=retention)


def _places(source: Source, clicks: Columns) -> np.ndarray:
    order = np.argsort(source.subs)
    return order[np.searchsorted(source.subs, clicks["sub"], sorter=order)]


def _visitors(world: World, source: Source, count: int) -> np.ndarray:
    if source.affiliate.channel.name == "offerwall":
        eager = world.rng.pareto(1.5, len(world.wall)) + 0.1
        return world.rng.choice(world.wall, size=count, p=eager / eager.sum())
    return world.audience(source.audience, count)


def _after_spots(world: World, source: Source, ts: np.ndarray) -> np.ndarray:
    """Move some clicks to the minutes after television spots, where the offer has any."""
    generator = np.random.default_rng([source.offer.code, int(world.start)])
    if generator.random() > 0.12 or source.affiliate.channel.name not in ("search", "review", "social"):
        return ts
    weights = np.ones(world.days * 24) * (source.calendar > 0)
    spots = poisson(world.rng, weights, int(generator.integers(1, 8)))
    drawn = world.rng.random(len(ts)) < generator.uniform(0.05, 0.5)
    seen = world.rng.choice(spots, size=len(ts)) + world.rng.lognormal(np.log(150), 0.8, len(ts))
    return np.where(drawn & (seen < world.days * DAY), seen, ts)


def _scan(world: World, source: Source, ts: np.ndarray) -> None:
    """Let mail filters follow the links of some mails, from their data centres, moments before people read."""
    rng = world.rng
    count = int(len(ts) * rng.uniform(0.05, 1.2))
    if count < 1 or rng.random() < 0.4:
        return
    when = np.maximum(rng.choice(ts, size=count) - rng.exponential(HOUR / 2, count), 0)
    clicks = world.visits(source, when, world.audience(source.audience, count))
    ranges = world.crowd.ranges.choose(np.zeros(count, dtype=np.int64), SCANNER, rng)
    few = world.crowd.gates[ranges, rng.integers(0, world.crowd.gates.shape[1], count)]
    clicks |= {"hi": few, "lo": np.zeros(count), "country": np.zeros(count, dtype=np.int64)}
    clicks["referrer"] = np.full(count, -1)
    world.log.click(clicks)
