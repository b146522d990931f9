"""What partners are like: every habit drawn at random around the programme's own, from wide ranges.

This world has no model of people. It holds more ways of being honest than a real programme is likely to have.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

SHARES = {
    "hosting": (-4.5, 1.2),
    "vpn": (-4.0, 1.2),
    "foreign": (-3.0, 1.3),
    "rare_agents": (-4.5, 1.0),
    "bots": (-6.0, 1.0),
    "no_referrer": (-1.0, 1.5),
    "off_site": (-2.5, 1.5),
    "no_device": (-0.5, 2.0),
    "lost_click": (-4.0, 1.5),
    "several_goals": (-4.5, 1.3),
    "moved": (-2.5, 1.2),
    "other_device": (-2.5, 1.2),
    "batched": (-4.0, 1.5),
    "flat_hours": (-1.5, 1.5),
    "no_revenue": (-3.0, 1.5),
    "refunded": (-3.2, 0.8),
    "phones": (0.3, 1.0),
}
"""Log odds of what a programme's usual share is: mean and deviation between programmes."""
AMOUNTS = {
    "delay": (6.8, 1.3),
    "delay_scatter": (0.1, 0.3),
    "people_per_address": (0.35, 0.3),
    "goals_per_customer": (0.2, 0.2),
    "goals_per_device": (0.2, 0.2),
    "agents": (4.0, 0.8),
    "clicks_per_goal": (2.9, 0.6),
    "revenue": (3.8, 1.0),
    "revenue_scatter": (-0.7, 0.4),
    "growth": (0.0, 0.3),
    "peak_height": (0.5, 0.8),
    "peak_days": (0.3, 0.6),
}
"""The same for logs of amounts: delays in seconds, counts, money."""
FEWEST = {"people_per_address": 1.0, "goals_per_customer": 1.0, "goals_per_device": 1.0, "agents": 1.0}


@dataclass(frozen=True)
class Habits:
    """Shares (0..1) and amounts of one partner; `second_delay` is a delay of some of its visitors (share `two_paths`).

    `hour` is the usual hour of day, 0..24; `delay_window` a share (0..1) of goals whose delay does not depend on the
    click but is even over the attribution window.
    """

    hosting: float
    vpn: float
    foreign: float
    rare_agents: float
    bots: float
    no_referrer: float
    off_site: float
    no_device: float
    lost_click: float
    several_goals: float
    moved: float
    other_device: float
    batched: float
    flat_hours: float
    no_revenue: float
    refunded: float
    phones: float
    delay: float
    delay_scatter: float
    people_per_address: float
    goals_per_customer: float
    goals_per_device: float
    agents: float
    clicks_per_goal: float
    revenue: float
    revenue_scatter: float
    growth: float
    peak_height: float
    peak_days: float
    hour: float
    second_delay: float
    two_paths: float
    delay_window: float = 0.0
    rare_claim: float = 0.0
    people: tuple[int, int] | None = None
    """Seed and number of the people behind the goals where they are few and shared with others; None: its own."""


def draw_programme(rng: np.random.Generator) -> dict[str, float]:
    """Draw the usual habits of a programme: log odds and logs by name."""
    return {name: float(rng.normal(mean, deviation)) for name, (mean, deviation) in {**SHARES, **AMOUNTS}.items()}


def draw_partner(usual: dict[str, float], spread: float, rng: np.random.Generator) -> Habits:
    """Draw a partner around the programme's usual habits; `spread` says how different partners are (0: not at all)."""
    own = {}
    for name, middle in usual.items():
        # few partners differ in everything, most in a few things by a lot
        step = float(rng.standard_t(4)) * spread * (SHARES.get(name) or AMOUNTS[name])[1]
        if name in SHARES:
            own[name] = float(1 / (1 + np.exp(-(middle + step))))
        else:
            own[name] = float(max(np.exp(np.clip(middle + step, -6, 11)), FEWEST.get(name, 0.0)))
    # among the honest too there are apps without referrers, shops behind one address, mailings to few
    return Habits(
        **own,
        hour=float(rng.normal(15, 3) % 24),
        second_delay=float(np.exp(rng.uniform(np.log(4), np.log(2e5)))),
        two_paths=float(rng.beta(0.5, 3)),
    )


def changed(habits: Habits, changes: dict[str, float], strength: float) -> Habits:
    """Move habits towards extreme values, `strength` (0..1) of the way: shares evenly, amounts on a log scale."""
    moved = {}
    known = {field.name for field in fields(Habits)}
    for name, target in changes.items():
        if name not in known:
            raise ValueError(f"no habit is called {name}")
        now = getattr(habits, name)
        if name in AMOUNTS:
            moved[name] = float(np.exp(np.log(now) * (1 - strength) + np.log(target) * strength))
        else:
            moved[name] = now * (1 - strength) + target * strength
    return replace(habits, **moved)
