"""The programme itself: offers with their journeys, seasons and sales, and the habits of its tracking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from second_world.people import DAY, HOUR, Floats, Ints

SECOND = 1_000_000
_MODELS = ("sale", "lead", "install")


@dataclass(frozen=True)
class Offer:
    """What is advertised, what it pays and how people get from the click to the goal."""

    name: str
    event: str
    payout: float
    revenue_share: float
    basket: float
    steps: int
    step_seconds: float
    returns: float
    window: int
    rate: float
    postback: str
    lock_days: int


@dataclass(frozen=True)
class Habits:
    """How this programme's tracking writes things down, and what it leaves out."""

    currency: str
    click_style: str
    conversion_style: str
    affiliate_style: str
    conversion_has_scene: bool
    referrer: str
    device: str
    order_style: str
    anonymised_ip: bool
    country_errors: float
    minutes_only: bool


@dataclass(frozen=True)
class Calendar:
    """The days simulated, with the mood of the whole programme on each."""

    start: int
    days: int
    mood: Floats
    outage: tuple[int, int]

    @property
    def end(self) -> int:
        """First microsecond after the last day."""
        return self.start + self.days * DAY


def make_calendar(start: int, days: int, rng: np.random.Generator) -> Calendar:
    """Draw the mood of each day: season, weekday, slow noise, two sales; and one tracking outage of a few hours."""
    day = np.arange(days)
    season = 1 + 0.25 * np.sin(2 * np.pi * (day + rng.integers(0, 365)) / 365)
    weekday = rng.dirichlet(np.full(7, 60.0)) * 7
    noise = np.zeros(days)
    for at in range(1, days):
        noise[at] = 0.7 * noise[at - 1] + rng.normal(0, 0.08)
    mood = season * weekday[(start // DAY + day) % 7] * np.exp(noise)
    for sale in rng.choice(days, size=min(2, days), replace=False):
        mood[sale : sale + rng.integers(1, 4)] *= rng.uniform(1.6, 3.2)
    began = start + int(rng.integers(days // 3, max(days // 3 + 1, days - 2))) * DAY + int(rng.integers(6, 16)) * HOUR
    return Calendar(start, days, mood, (began, began + int(rng.integers(2, 9)) * HOUR))


def make_habits(rng: np.random.Generator) -> Habits:
    """Draw the habits of a tracking system."""
    return Habits(
        currency=str(rng.choice(["EUR", "USD", "GBP"])),
        click_style=str(rng.choice(["hex", "snowflake", "base32", "dashed"])),
        conversion_style=str(rng.choice(["counter", "hex", "dashed"])),
        affiliate_style=str(rng.choice(["number", "pub", "slug"])),
        conversion_has_scene=bool(rng.random() < 0.85),
        referrer=str(rng.choice(["full", "origin"], p=[0.6, 0.4])),
        device=str(rng.choice(["all", "apps", "none"], p=[0.5, 0.3, 0.2])),
        order_style=str(rng.choice(["counter", "hex", "none"], p=[0.5, 0.35, 0.15])),
        anonymised_ip=bool(rng.random() < 0.1),
        country_errors=float(rng.uniform(0.01, 0.05)),
        minutes_only=bool(rng.random() < 0.12),
    )


def make_offers(count: int, rng: np.random.Generator) -> tuple[Offer, ...]:
    """Draw offers; the number of steps to the goal and their pace differ much from one to the next."""
    offers = []
    for place in range(count):
        event = str(rng.choice(_MODELS, p=[0.5, 0.3, 0.2]))
        by_share = event == "sale" and rng.random() < 0.6
        payout = round(float(rng.weibull(1.4) * {"sale": 22, "lead": 9, "install": 2.4}[event]) + 1.0, 2)
        offers.append(
            Offer(
                name=f"{'SLI'[_MODELS.index(event)]}{100 + 7 * place}",
                event=event,
                payout=payout,
                revenue_share=float(rng.uniform(0.03, 0.12)) if by_share else 0.0,
                basket=max(float(rng.uniform(25, 160)), 3 * payout),
                steps=int(rng.integers(2, 9)),
                step_seconds=float(rng.uniform(8, 55)),
                returns=float(rng.beta(2, 4)),
                window=int(rng.choice([1, 7, 14, 30])) * DAY,
                rate=float(rng.uniform(0.01, 0.05)),
                postback=str(rng.choice(["instant", "batched", "lagging"], p=[0.5, 0.25, 0.25])),
                lock_days=int(rng.choice([14, 30, 45])),
            )
        )
    return tuple(offers)


def journey(offer: Offer, count: int, rng: np.random.Generator, *, haste: float = 1.0) -> Ints:
    """Return the microseconds from click to goal: pages one after another, and for some a break and a return.

    Each page takes a gamma-distributed time; who leaves comes back after a heavy-tailed pause (Lomax), given up beyond
    the attribution window. `haste` below 1 shortens everything: people who were about to buy anyway.
    """
    pages = rng.gamma(1.6, offer.step_seconds / 1.6, size=(count, offer.steps)).sum(axis=1) * haste
    leaves = rng.random(count) < offer.returns * min(1.0, haste)
    pause = (1 + rng.pareto(0.9, size=count)) * 1800
    seconds = np.maximum(pages + np.where(leaves, pause, 0), 1.5)
    beyond = seconds * SECOND >= offer.window
    seconds[beyond] = pages[beyond]
    return (seconds * SECOND).astype(np.int64)


def reported(offer: Offer, ts: Ints, calendar: Calendar, rng: np.random.Generator) -> Ints:
    """Return when the conversions reach the tracker: at once, in batches, or late; after an outage all together."""
    if offer.postback == "batched":
        ts = (ts // (300 * SECOND) + 1) * 300 * SECOND
    elif offer.postback == "lagging":
        ts = ts + (rng.gamma(0.6, 90, size=len(ts)) * SECOND).astype(np.int64)
    down, up = calendar.outage
    held = (ts >= down) & (ts < up)
    return np.where(held, up + rng.integers(0, 600 * SECOND, size=len(ts)), ts)
