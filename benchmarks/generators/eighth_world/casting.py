"""Who cheats: how much of a programme, by which frauds, and behind which partner each hides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
from eighth_world.dice import Numbers
from eighth_world.frauds_claimed import click_flooding, click_injection, cookie_stuffing, invented, replay, window_abuse
from eighth_world.frauds_made import (
    bot_leads,
    device_farm,
    geo_spoofing,
    incentive,
    mimicry,
    self_referral,
    stuffed_leads,
)
from eighth_world.labels import site
from eighth_world.market import World, payouts
from eighth_world.partners import TRADES, Partner, trade_source
from eighth_world.scene import Scene
from eighth_world.traffic import Flow, Source, render

Fraud = Callable[[Scene], Flow]
_ALL = frozenset({"shop", "leads", "app", "subscription", "mixed"})
_WHERE: dict[str, tuple[Fraud, frozenset[str]]] = {
    "click_flooding": (click_flooding, _ALL),
    "click_injection": (click_injection, frozenset({"app", "mixed", "shop"})),
    "cookie_stuffing": (cookie_stuffing, _ALL - {"app"}),
    "window_abuse": (window_abuse, _ALL),
    "bot_leads": (bot_leads, _ALL - {"shop"}),
    "stuffed_leads": (stuffed_leads, frozenset({"leads", "subscription", "mixed"})),
    "device_farm": (device_farm, _ALL - {"shop"}),
    "self_referral": (self_referral, _ALL - {"app"}),
    "incentive": (incentive, _ALL),
    "geo_spoofing": (geo_spoofing, _ALL),
    "replay": (replay, _ALL),
    "invented": (invented, _ALL),
    "mimicry": (mimicry, _ALL),
}
_INSIDE = ("bot_leads", "incentive", "device_farm", "geo_spoofing", "click_flooding", "mimicry")
"""What is sold as a placement to a partner who may know nothing of it."""
_GROWING = ("bot_leads", "device_farm", "incentive", "stuffed_leads", "mimicry", "cookie_stuffing", "click_flooding")
_CLEAN = 0.2
_FEWEST = 6
_MOST = 0.19
"""Of all payout: worse programmes are closed."""


def fraud_share(world: World) -> float:
    """Draw the share of goals that are fraud: nothing in a fifth of the programmes, else 1.5 to 16 in a hundred."""
    return 0.0 if world.dice.chance(_CLEAN) else world.dice.scale(0.015, 0.16)


def commit(world: World, partners: list[Partner], honest: pl.DataFrame, share: float) -> list[Flow]:
    """Return the flows of all fraud; partners who cheat are marked, new ones appended."""
    dice = world.dice
    total = share * honest.height / (1 - share)
    sizes = np.round(total * dice.ranked(dice.whole(2, 8), dice.between(0.2, 1.2))).astype(int)
    room = _money(world, honest) * _MOST / (1 - _MOST)
    made: list[Flow] = []
    for size in sizes[sizes >= _FEWEST]:
        scene, fraud = _cast(world, partners, honest, int(size))
        flow = fraud(scene)
        cost = _money(world, flow.goals)
        if cost > room:
            continue
        room -= cost
        made += [flow, *_cover(scene)]
    return made


def _money(world: World, goals: pl.DataFrame) -> float:
    return float(payouts(world, goals["offer"].to_numpy(), goals["basket"].to_numpy()).sum())


def _cover(scene: Scene) -> list[Flow]:
    """Return the honest traffic that some partners who are there for fraud show beside it."""
    dice = scene.world.dice
    if not scene.fresh or dice.chance(0.6):
        return []
    goals = max(2, int(scene.goals * dice.scale(0.05, 1.5)))
    return [render(scene.world, replace(scene.template, goals=goals, kind=None))]


def _cast(world: World, partners: list[Partner], honest: pl.DataFrame, goals: int) -> tuple[Scene, Fraud]:
    """Draw one case: what is done, whether in a good partner's name, growing or steady, blatant or not."""
    dice = world.dice
    able = [name for name, (_, kinds) in _WHERE.items() if world.kind in kinds]
    manner = dice.weighted({"plain": 0.7, "bought_sub": 0.16, "slow_ramp": 0.14})
    choice = {"plain": able, "bought_sub": _INSIDE, "slow_ramp": _GROWING}[manner]
    name = dice.pick([kind for kind in choice if kind in able])
    inside = manner == "bought_sub" or dice.chance(0.45)
    host = _host(world, partners, goals) if inside else None
    partner = host or _newcomer(world, goals)
    if host is None:
        partners.append(partner)
    partner.bad = True
    template = dice.pick(partner.sources) if partner.sources else _disguise(world, partner, goals)
    scene = Scene(
        world=world,
        affiliate=partner.affiliate,
        fresh=host is None,
        template=template,
        kind=name if manner == "plain" else manner,
        goals=goals,
        blatant=dice.rng.beta(0.9, 0.9),
        honest=honest,
        days=_days(world, manner),
        sub=_bought(template, world) if manner == "bought_sub" else None,
    )
    return scene, _WHERE[name][0]


def _host(world: World, partners: list[Partner], goals: int) -> Partner | None:
    """Draw a partner whose traffic would then be 5 to 90 % bad; None where there is none."""
    fits = [
        partner
        for partner in partners
        if 0.05 <= goals / (goals + sum(one.goals for one in partner.sources) + 1e-9) <= 0.9
    ]
    return world.dice.pick(fits) if fits else None


def _newcomer(world: World, goals: int) -> Partner:
    """Return a partner that is there for nothing but the fraud."""
    dice = world.dice
    return Partner(
        f"{dice.pick(['', 'a', 'pub', 'P-'])}{dice.whole(1000, 91_000)}", "fraud", site(dice), [], bad=goals > 0
    )


def _disguise(world: World, partner: Partner, goals: int) -> Source:
    """Return the honest trade that a fraudulent partner pretends to have."""
    trade = world.dice.pick([trade for trade in TRADES if world.kind in trade.kinds])
    return trade_source(world, trade, partner.affiliate, goals, partner.domain)


def _days(world: World, manner: str) -> Numbers:
    """Draw when in the programme it happens: all along, for some days, or growing from nothing."""
    dice, days = world.dice, world.days
    day = np.arange(days)
    if manner == "slow_ramp":
        return np.asarray((np.maximum(day - dice.between(0, 0.3) * days, 0) + 1e-3) ** dice.between(1, 4))
    if dice.chance(0.35):
        first, length = dice.between(0, 0.8) * days, dice.between(0.08, 0.5) * days
        return np.where((day >= first - 1) & (day <= first + length), 1.0, 0.0)
    return world.season


def _bought(template: Source, world: World) -> str:
    """Return the sub id under which bought traffic runs: a new one in the style of the partner's."""
    texts = [text for text in template.subs.texts if text]
    if not texts:
        return f"src{world.dice.whole(10, 999)}"
    stem = world.dice.pick(texts).rstrip("0123456789-_")
    digits = max(2, min(8, max(len(text) for text in texts) - len(stem)))
    return f"{stem}{world.dice.whole(10 ** (digits - 1), 10**digits - 1)}"
