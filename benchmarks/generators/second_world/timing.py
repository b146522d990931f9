"""When clicks come: self-exciting posts, mailings, paced budgets, spots on television, crawls, and office hours."""

from __future__ import annotations

import numpy as np

from second_world.market import SECOND, Calendar
from second_world.people import DAY, HOUR, Floats, Ints


def daily_numbers(calendar: Calendar, per_day: float, growth: Floats, rng: np.random.Generator) -> Ints:
    """Draw how many events each day has: the programme's mood, the partner's own growth, and overdispersion."""
    mean = per_day * calendar.mood * growth
    return rng.poisson(mean * rng.gamma(8, 1 / 8, size=calendar.days))


def circadian(calendar: Calendar, numbers: Ints, offset: float, rng: np.random.Generator) -> Ints:
    """Spread each day's events over its hours: a noon and an evening crowd, by the clock of the visitors."""
    day = np.repeat(np.arange(calendar.days), numbers)
    evening = rng.random(len(day)) < 0.62
    angle = np.where(evening, rng.vonmises(0, 2.6, size=len(day)), rng.vonmises(0, 1.4, size=len(day)))
    hour = (np.where(evening, 20.3, 12.8) + angle * 12 / np.pi - offset) % 24
    return calendar.start + day * DAY + (hour * HOUR).astype(np.int64)


def posts(calendar: Calendar, per_day: float, growth: Floats, rng: np.random.Generator) -> Ints:
    """Draw a self-exciting process: visits beget visits (branching 0.55), mostly soon, some days later."""
    branching = 0.55
    wave = circadian(calendar, daily_numbers(calendar, per_day * (1 - branching), growth, rng), 0, rng)
    waves = [wave]
    while len(wave):
        children = rng.poisson(branching, size=len(wave))
        delay = (rng.pareto(1.3, size=int(children.sum())) * 1800 * SECOND).astype(np.int64)
        wave = np.repeat(wave, children) + delay
        wave = wave[wave < calendar.end]
        waves.append(wave)
    return np.concatenate(waves)


def mailings(calendar: Calendar, per_day: float, growth: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw clicks after newsletters: thousands within the hour, then a stretched decay. Returns times and mailing."""
    gap = int(rng.choice([3, 7, 14]))
    sends = np.arange(int(rng.integers(0, gap)), calendar.days, gap)
    counts = rng.poisson(per_day * gap * calendar.mood[sends] * growth[sends])
    which = np.repeat(np.arange(len(sends)), counts)
    hour = float(rng.choice([6.5, 9, 17]))
    after = rng.weibull(0.6, size=len(which)) * 2.5 * HOUR
    return calendar.start + sends[which] * DAY + int(hour * HOUR) + after.astype(np.int64), which


def paced(calendar: Calendar, per_day: float, growth: Floats, rng: np.random.Generator) -> Ints:
    """Draw clicks that a daily budget pays for: evenly from six, until the money is gone."""
    numbers = daily_numbers(calendar, per_day, growth, rng)
    dry = rng.uniform(13, 24, size=calendar.days)
    day = np.repeat(np.arange(calendar.days), numbers)
    hour = 6 + rng.random(len(day)) * (dry[day] - 6)
    return calendar.start + day * DAY + (hour * HOUR).astype(np.int64)


def spots(calendar: Calendar, per_day: float, growth: Floats, rng: np.random.Generator) -> Ints:
    """Draw clicks after spots on television: minutes of rush, three to eight times on some evenings."""
    aired = np.flatnonzero(rng.random(calendar.days) < 0.4)
    times = [np.empty(0, dtype=np.int64)]
    for day in aired:
        count = int(rng.integers(3, 9))
        minutes = rng.uniform(17 * 60, 23 * 60, size=count)
        crowd = rng.poisson(per_day / 0.4 / count * growth[day] * calendar.mood[day], size=count)
        rush = rng.exponential(240, size=int(crowd.sum()))
        times.append(calendar.start + day * DAY + ((np.repeat(minutes, crowd) * 60 + rush) * SECOND).astype(np.int64))
    return np.concatenate(times)


def office_calls(calendar: Calendar, per_day: float, growth: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw sales made by telephone: each seat takes one call after another on working days. Returns times and seats."""
    seats = max(1, round(per_day / 9))
    times, chairs = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for day in range(calendar.days):
        if (calendar.start // DAY + day + 3) % 7 >= 5:
            continue
        for seat in range(max(1, round(seats * growth[day]))):
            calls = 8.5 * HOUR + np.cumsum(rng.gamma(2.2, 7 * 60 * SECOND, size=60))
            sold = calls[(calls < 17.5 * HOUR) & (rng.random(60) < 0.28)]
            times.append(calendar.start + day * DAY + sold.astype(np.int64))
            chairs.append(np.full(len(sold), seat, dtype=np.int64))
    return np.concatenate(times), np.concatenate(chairs)


def growth_curve(calendar: Calendar, rng: np.random.Generator) -> Floats:
    """Draw how a partner's volume goes: steady, newly joined and rising, fading out, or gone for a while."""
    day = np.arange(calendar.days) / calendar.days
    shape = rng.choice(["steady", "rising", "fading", "pausing"], p=[0.6, 0.2, 0.12, 0.08])
    if shape == "rising":
        return 1 / (1 + np.exp(-(day - rng.uniform(0.2, 0.7)) * rng.uniform(8, 20)))
    if shape == "fading":
        return 1 / (1 + np.exp((day - rng.uniform(0.4, 0.9)) * rng.uniform(8, 20)))
    if shape == "pausing":
        gap = rng.uniform(0.1, 0.7)
        return np.where((day > gap) & (day < gap + 0.2), 0.02, 1.0)
    return np.ones(calendar.days) * rng.uniform(0.8, 1.2)
