"""When clicks come: inhomogeneous Poisson streams, sends with decay, and cascades that excite themselves (Hawkes)."""

from __future__ import annotations

import numpy as np

HOUR, DAY = 3600.0, 86400.0
_GENERATIONS = 12


def daily_course(rng: np.random.Generator, offset: float, days: int) -> np.ndarray:
    """Return weights of the hours of a programme: a day's course in local time, a week's, a drift and its noise."""
    hours = np.arange(days * 24)
    local = (hours + offset) % 24
    peak, swing = rng.normal(20, 2.5), rng.uniform(0.3, 1.5)
    second = rng.uniform(0, 0.6) * np.cos((local - rng.normal(12, 2)) / 12 * 2 * np.pi)
    course = np.exp(swing * np.cos((local - peak) / 24 * 2 * np.pi) + second)
    week = np.exp(rng.normal(0, 0.25) * np.isin(hours // 24 % 7, (5, 6)))
    drift = np.cumsum(rng.normal(0, rng.uniform(0.03, 0.25), days))[hours // 24]
    return course * week * np.exp(drift - drift.mean())


def poisson(rng: np.random.Generator, weights: np.ndarray, count: int) -> np.ndarray:
    """Return seconds since the start of `count` arrivals whose rate by the hour goes with the weights."""
    chosen = rng.choice(len(weights), size=count, p=weights / weights.sum())
    return (chosen + rng.random(count)) * HOUR


def sends(rng: np.random.Generator, weights: np.ndarray, count: int, decay: float) -> np.ndarray:
    """Return arrivals after sends (a push, a mailing, a post): they fall off over `decay` seconds, with a long tail."""
    days = len(weights) / 24
    number = max(2, int(days * np.exp(rng.uniform(np.log(0.2), np.log(4)))))
    moments = poisson(rng, weights**1.5, number)
    reach = rng.lognormal(0, 0.7, number)
    lag = decay * rng.lognormal(-0.3, rng.uniform(0.8, 1.6), count)
    times = rng.choice(moments, size=count, p=reach / reach.sum()) + lag
    return np.where(times < len(weights) * HOUR, times, poisson(rng, weights, count))


def cascade(rng: np.random.Generator, weights: np.ndarray, count: int, branching: float) -> np.ndarray:
    """Return arrivals of which each brings `branching` further ones on average, within hours."""
    decay = np.exp(rng.uniform(np.log(600), np.log(8 * HOUR)))
    alive = poisson(rng, weights, max(1, int(count * (1 - branching))))
    everybody = [alive]
    for _ in range(_GENERATIONS):
        children = rng.poisson(branching * rng.gamma(0.5, 2, len(alive)))
        alive = np.repeat(alive, children) + rng.exponential(decay, int(children.sum()))
        everybody.append(alive)
    times = np.concatenate(everybody)
    times = times[times < len(weights) * HOUR]
    if len(times) < count:
        return np.concatenate([times, poisson(rng, weights, count - len(times))])
    return rng.choice(times, size=count, replace=False)
