"""Frauds as what they do to habits: each kind moves some of them to extremes, and may move others too."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Changes = dict[str, float]
Mechanism = Callable[[np.random.Generator], Changes]


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


MECHANISMS: Mapping[str, Mechanism] = {
    "instant": lambda rng: {"delay": _log(rng, 2, 20), "delay_scatter": _log(rng, 0.2, 0.8), "two_paths": 0.0},
    "machine": lambda rng: {"delay": _log(rng, 10, 600), "delay_scatter": _log(rng, 0.02, 0.2), "two_paths": 0.0},
    "hasty": lambda rng: {"delay": _log(rng, 20, 120), "delay_scatter": _log(rng, 0.3, 0.7), "two_paths": 0.0},
    "unrelated": lambda rng: {"delay_window": rng.uniform(0.6, 1.0)},
    "late": lambda rng: {"delay": _log(rng, 4e5, 6e5), "delay_scatter": 0.1, "two_paths": 0.0},
    "flood": lambda rng: {"clicks_per_goal": _log(rng, 100, 600)},
    "eager": lambda rng: {"clicks_per_goal": _log(rng, 1.05, 2.5)},
    "few_addresses": lambda rng: {"people_per_address": _log(rng, 5, 60)},
    "few_devices": lambda rng: {"goals_per_device": _log(rng, 4, 50), "no_device": 0.0},
    "few_customers": lambda rng: {"goals_per_customer": _log(rng, 3, 30)},
    "one_agent": lambda rng: {"agents": _log(rng, 1, 3)},
    "rented": lambda rng: {"hosting": rng.uniform(0.4, 1.0)},
    "veiled": lambda rng: {"vpn": rng.uniform(0.4, 1.0)},
    "abroad": lambda rng: {"foreign": rng.uniform(0.5, 1.0)},
    "odd_country": lambda rng: {"rare_claim": rng.uniform(0.5, 1.0)},
    "robots": lambda rng: {"bots": rng.uniform(0.3, 1.0)},
    "odd_agents": lambda rng: {"rare_agents": rng.uniform(0.3, 1.0)},
    "hidden": lambda rng: {"no_referrer": rng.uniform(0.85, 1.0)},
    "elsewhere": lambda rng: {"off_site": rng.uniform(0.7, 1.0)},
    "unlogged": lambda rng: {"lost_click": rng.uniform(0.5, 1.0)},
    "reused": lambda rng: {"several_goals": rng.uniform(0.5, 0.95)},
    "sleepless": lambda rng: {"flat_hours": rng.uniform(0.8, 1.0)},
    "in_batches": lambda rng: {"batched": rng.uniform(0.4, 1.0)},
    "swapped": lambda rng: {"moved": rng.uniform(0.6, 1.0), "other_device": rng.uniform(0.6, 1.0)},
    "cheap": lambda rng: {"revenue": _log(rng, 1, 5), "revenue_scatter": 0.1},
    "returned": lambda rng: {"refunded": rng.uniform(0.3, 0.9)},
}
KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "click_flooding": (("unrelated", "flood"), ("hidden", "sleepless", "one_agent")),
    "click_injection": (("instant",), ("hidden", "one_agent", "swapped")),
    "cookie_stuffing": (("flood",), ("hidden", "unrelated", "elsewhere", "late")),
    "bot_leads": (("rented", "eager"), ("machine", "instant", "robots", "one_agent", "sleepless", "in_batches")),
    "stuffed_leads": (("few_addresses", "eager"), ("machine", "hasty", "in_batches", "returned", "one_agent")),
    "device_farm": (("few_devices", "few_addresses"), ("one_agent", "hasty", "sleepless", "odd_agents")),
    "self_referral": (("few_customers", "few_addresses"), ("few_devices", "hasty", "hidden")),
    "ring": (("few_customers",), ("few_devices", "few_addresses", "returned")),
    "incentive": (("hasty", "eager"), ("cheap", "returned", "few_customers")),
    "proxies": (("veiled",), ("swapped", "odd_agents", "rented", "one_agent")),
    "geo_spoofing": (("abroad",), ("veiled", "odd_country", "hasty")),
    "foreign_leads": (("odd_country",), ("abroad", "returned", "hasty")),
    "replay": (("reused",), ("in_batches", "few_addresses")),
    "invented": (("unlogged",), ("in_batches", "machine", "hidden")),
    "window_abuse": (("late",), ("flood", "hidden")),
    "mimicry": (("returned",), ("few_addresses", "one_agent", "sleepless", "machine", "odd_agents")),
}
"""Mechanisms that always belong to a kind, and others of which some may come with it."""


def draw_changes(kind: str, rng: np.random.Generator) -> Changes:
    """Draw what a fraud of a kind does: habits and their extreme values."""
    always, perhaps = KINDS[kind]
    wanted = [*always, *(name for name in perhaps if rng.random() < 0.35)]
    changes: Changes = {}
    for name in wanted:
        changes |= MECHANISMS[name](rng)
    return changes
