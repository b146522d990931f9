"""The third programme's frauds, one plain recipe each, as somebody would write them who knows them from lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from third_world.market import BOTS, DAY, Draws, Offer, texts


@dataclass
class Scene:
    """What a fraud changes; arrays of shape (n,), one place per conversion. `idle` counts its clicks without one."""

    draws: Draws
    offer: Offer
    day: np.ndarray
    delay: np.ndarray
    sub: np.ndarray
    ip: np.ndarray
    agent: np.ndarray
    device: np.ndarray
    country: np.ndarray
    referrer: np.ndarray
    customer: np.ndarray
    payout: np.ndarray
    idle: int
    click: np.ndarray
    """Which click each conversion claims: its own, or another's."""
    idle_hidden: bool = False
    idle_same: bool = False

    @property
    def size(self) -> int:
        """Number of conversions."""
        return len(self.delay)


def _few(scene: Scene, low: int, high: int) -> np.ndarray:
    """Say for each conversion which of few people or places it belongs to."""
    count = max(1, scene.size // int(scene.draws.rng.integers(low, high)))
    return np.asarray(scene.draws.rng.integers(0, count, scene.size))


def _around(scene: Scene, low: float, high: float, scatter: float) -> np.ndarray:
    middle = scene.draws.rng.uniform(low, high)
    return np.asarray(scene.draws.rng.lognormal(np.log(middle), scatter, scene.size))


def click_flooding(scene: Scene) -> None:
    """Clicks in masses; sales follow at any time of the window."""
    rng = scene.draws.rng
    scene.idle = int(scene.size * rng.uniform(100, 500))
    scene.delay = rng.random(scene.size) * DAY * scene.offer.window_days * rng.uniform(0.1, 0.9)
    scene.referrer = texts([None] * scene.size)
    scene.idle_hidden = True


def click_injection(scene: Scene) -> None:
    """The click comes seconds before the conversion."""
    rng = scene.draws.rng
    scene.delay = rng.uniform(1, rng.uniform(5, 20), scene.size)
    scene.idle = scene.size


def cookie_stuffing(scene: Scene) -> None:
    """Clicks that nobody made, without referrer; sales hours or days later."""
    rng = scene.draws.rng
    scene.idle = int(scene.size * rng.uniform(60, 300))
    scene.delay = np.exp(rng.uniform(np.log(600), np.log(DAY * 3), scene.size))
    scene.referrer = texts([None] * scene.size)
    scene.idle_hidden = True


def bot_leads(scene: Scene) -> None:
    """Forms filled by programs on rented servers."""
    rng = scene.draws.rng
    scene.ip = scene.draws.hosted(scene.size)
    if rng.random() < 0.5:
        scene.agent = texts(BOTS)[rng.integers(0, len(BOTS), scene.size)]
    scene.delay = rng.normal(rng.uniform(8, 60), rng.uniform(1, 4), scene.size).clip(1)
    scene.idle, scene.idle_same = scene.size // 5, True


def stuffed_leads(scene: Scene) -> None:
    """Forms filled from few addresses, each in about the same time."""
    place = _few(scene, 5, 30)
    scene.ip = scene.draws.addresses(int(place.max()) + 1)[place]
    scene.delay = _around(scene, 60, 240, 0.3)
    scene.idle = 0


def device_farm(scene: Scene) -> None:
    """Few devices of few kinds on fewer addresses."""
    device = _few(scene, 5, 40)
    count = int(device.max()) + 1
    scene.device = scene.draws.devices(count)[device]
    scene.ip = scene.draws.addresses(max(1, count // 5))[device % max(1, count // 5)]
    scene.agent = scene.draws.agents(max(1, count // 4))[device % max(1, count // 4)]
    scene.delay = _around(scene, 60, 120, 0.6)
    scene.idle, scene.idle_same = scene.size, True


def self_referral(scene: Scene) -> None:
    """Few people buy again and again through their own link."""
    who = _few(scene, 6, 30)
    count = int(who.max()) + 1
    scene.customer = scene.draws.customers(count)[who]
    scene.ip = scene.draws.addresses(count)[who]
    scene.device = scene.draws.devices(count)[who]
    scene.delay = _around(scene, 90, 240, 0.7)
    scene.idle = 0


def incentive(scene: Scene) -> None:
    """People paid to convert: soon, and the cheapest thing that counts."""
    scene.delay = _around(scene, 30, 120, 0.5)
    scene.payout = np.full(scene.size, scene.payout.min())
    scene.idle = scene.size // 2


def proxy(scene: Scene) -> None:
    """Everything as usual, but through rented servers."""
    scene.ip = scene.draws.hosted(scene.size)


def geo_spoof(scene: Scene) -> None:
    """Visitors of countries that the offer does not sell to."""
    scene.country = texts(scene.draws.rng.choice(["VN", "NG", "ID", "PK"], scene.size))


def replay(scene: Scene) -> None:
    """Several conversions are reported for one click."""
    rng = scene.draws.rng
    again = rng.integers(0, max(1, scene.size // 4), scene.size)
    scene.click = again
    scene.day = scene.day[again]
    scene.ip, scene.agent, scene.device = scene.ip[again], scene.agent[again], scene.device[again]
    scene.delay = scene.delay[again] + rng.random(scene.size) * 3600


def repeated_customers(scene: Scene) -> None:
    """The same customers are reported several times."""
    who = _few(scene, 4, 7)
    scene.customer = scene.draws.customers(int(who.max()) + 1)[who]


def bought_sub_id(scene: Scene) -> None:
    """One bought sub-source inside a partner: hasty, one agent."""
    scene.sub = texts(["x77"] * scene.size)
    scene.delay = _around(scene, 12, 40, 0.6)
    scene.agent = scene.draws.agents(1)[np.zeros(scene.size, dtype=int)]
    scene.idle = scene.size * 2


def slow_ramp(scene: Scene) -> None:
    """Few addresses and short times that grow from nothing over the weeks."""
    rng = scene.draws.rng
    scene.day = np.sqrt(rng.random(scene.size)) * scene.draws.feed.days
    scene.delay = _around(scene, 15, 60, 0.4)
    place = _few(scene, 4, 10)
    scene.ip = scene.draws.addresses(int(place.max()) + 1)[place]


def window_abuse(scene: Scene) -> None:
    """Sales at the very end of the window."""
    rng = scene.draws.rng
    scene.delay = DAY * scene.offer.window_days * rng.uniform(0.85, 0.99, scene.size)
    scene.idle = int(scene.size * rng.uniform(20, 80))


KINDS: Mapping[str, Callable[[Scene], None]] = {
    recipe.__name__: recipe
    for recipe in (
        click_flooding,
        click_injection,
        cookie_stuffing,
        bot_leads,
        stuffed_leads,
        device_farm,
        self_referral,
        incentive,
        proxy,
        geo_spoof,
        replay,
        repeated_customers,
        bought_sub_id,
        slow_ramp,
        window_abuse,
    )
}
INSIDE = ("bought_sub_id", "replay", "repeated_customers")
"""Kinds that hide in a partner whose own traffic goes on."""
