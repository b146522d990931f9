"""The families that times are drawn from: from click to goal, over the day, over the length of the programme."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from eighth_world.dice import Dice, Numbers

HOUR, DAY = 3600.0, 86400.0
_FAMILIES = ("lognormal", "weibull", "gammas", "power", "loglogistic")
_REDRAWS = 6


@dataclass(frozen=True)
class Delay:
    """From click to goal: a family around a middle (seconds), with lumps that a trade or a habit of buyers adds.

    `soon` is the share done within seconds (a code at checkout, a one-click order), `morrow` the share that comes back
    one or more days later at much the same hour. `least` is what the form or the download takes at the very least.
    """

    family: str
    middle: float
    width: float
    soon: float = 0.0
    soon_middle: float = 12.0
    morrow: float = 0.0
    least: float = 3.0

    def draw(self, dice: Dice, count: int, window: float) -> Numbers:
        """Return `count` delays below the window."""
        made = self._bounded(dice, count, window)
        lump = dice.rng.random(count)
        soon = lump < self.soon
        made[soon] = 1.5 + dice.rng.lognormal(np.log(self.soon_middle), 0.6, int(soon.sum()))
        later = lump > 1 - self.morrow
        days = dice.rng.geometric(0.45, int(later.sum()))
        made[later] = np.abs(days * DAY + dice.rng.normal(0, 1.8 * HOUR, len(days))) % window
        return np.maximum(made, 0.4 if self.least < 1 else 1.0)

    def _bounded(self, dice: Dice, count: int, window: float) -> Numbers:
        made = self._family(dice, count)
        for _ in range(_REDRAWS):
            over = made >= window
            if not over.any():
                return made
            made[over] = self._family(dice, int(over.sum()))
        return np.where(made >= window, dice.rng.random(count) * window, made)

    def _family(self, dice: Dice, count: int) -> Numbers:
        rng, width = dice.rng, self.width
        if self.family == "lognormal":
            made = rng.lognormal(0, width, count)
        elif self.family == "weibull":
            made = rng.weibull(1 / width, count) / np.log(2) ** width
        elif self.family == "gammas":
            shape = 1.5 / width
            slow = rng.random(count) < 0.3
            made = rng.gamma(shape, 1 / shape, count) * np.where(slow, 4 + 20 * width, 0.8)
        elif self.family == "power":
            made = (1 - rng.random(count)) ** (-width) - 0.6
        elif self.family == "loglogistic":
            odds = rng.random(count).clip(1e-6, 1 - 1e-6)
            made = (odds / (1 - odds)) ** (width * 0.55)
        elif self.family == "even":
            return np.asarray(rng.random(count) * 2 * self.middle + self.least)
        else:
            made = np.maximum(rng.normal(1, width, count), 0.02)
        return np.asarray(made * self.middle + self.least * rng.uniform(0.6, 1.6, count))

    def times(self, factor: float) -> Delay:
        """Return the same shape, slower by this factor."""
        return replace(self, middle=self.middle * factor)


def drawn_delay(dice: Dice, middle: float, least: float) -> Delay:
    """Draw the shape that the buyers of one offer have; its middle in seconds is given."""
    return Delay(
        family=dice.pick(_FAMILIES),
        middle=middle,
        width=dice.between(0.6, 1.7),
        soon=dice.pick([0.0, 0.0, dice.between(0.01, 0.08)]),
        soon_middle=dice.scale(6, 30),
        morrow=dice.pick([0.0, dice.between(0.02, 0.18)]),
        least=least,
    )


@dataclass(frozen=True)
class Rhythm:
    """When a source brings people: hours of their own day, days of the programme, and blasts that override both.

    `hours` are 24 weights of local time; `days` one weight a day of the programme. A share `blast_share` of people
    comes after one of `blasts` (days since the beginning), dying away over `blast_fade` seconds. `zone` fixes the hours
    to one zone, for work that is done in shifts somewhere else than where the people seem to be; None: their own.
    """

    hours: Numbers
    days: Numbers
    blasts: Numbers = field(default_factory=lambda: np.zeros(0))
    blast_share: float = 0.0
    blast_fade: float = 2 * HOUR
    zone: float | None = None

    def draw(self, dice: Dice, zones: Numbers) -> Numbers:
        """Return seconds since the programme began (UTC) for people living in these zones."""
        count = len(zones)
        local = dice.choose(self.hours, count) + dice.rng.random(count)
        shift = zones if self.zone is None else np.full(count, self.zone)
        day = dice.choose(self.days, count)
        made = day * DAY + np.mod((local - shift) * HOUR, DAY)
        if self.blast_share and len(self.blasts):
            struck = dice.rng.random(count) < self.blast_share
            number = int(struck.sum())
            size = dice.ranked(len(self.blasts), 0.7)
            start = self.blasts[dice.choose(size, number)] * DAY
            after = start + self.blast_fade * dice.rng.lognormal(0, 1.0, number)
            end = len(self.days) * DAY
            made[struck] = np.where(after < end, after, start + dice.rng.random(number) * np.maximum(end - start, HOUR))
        return np.asarray(made)


def drawn_hours(dice: Dice) -> Numbers:
    """Draw the shape of a day: one to three humps of any sharpness over a floor that may be nearly nothing."""
    clock = np.arange(24) + 0.5
    made = np.full(24, dice.scale(0.004, 0.5))
    for _ in range(dice.whole(1, 3)):
        peak, sharp = dice.pick([dice.between(8, 14), dice.between(17, 23)]), dice.scale(0.4, 8)
        made += dice.between(0.4, 1) * np.exp(sharp * (np.cos((clock - peak) / 24 * 2 * np.pi) - 1))
    return made / made.sum()


def shift_hours(dice: Dice) -> Numbers:
    """Draw the hours of paid work: a shift with a break, sharp at both ends."""
    made = np.full(24, 0.002)
    start, length = dice.whole(6, 14), dice.whole(7, 10)
    made[start : start + length] = dice.rng.uniform(0.8, 1.2, len(made[start : start + length]))
    if dice.chance(0.6):
        made[start + 4] *= dice.between(0.1, 0.5)
    return made / made.sum()


def machine_hours(dice: Dice) -> Numbers:
    """Draw the hours of a machine: all day, or when a timer starts it."""
    if dice.chance(0.5):
        return np.full(24, 1 / 24)
    made = np.full(24, 0.001)
    made[dice.some(range(24), dice.whole(1, 8))] = 1.0
    return made / made.sum()
