"""What one programme is: kind, size, length, countries, offers, and what its network lets anybody see.

Nothing here is fixed for two programmes: also which mechanisms exist is drawn, not only how strong they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from eighth_world.agents import DESKTOPS, PHONES, AgentPlan
from eighth_world.dice import Dice, Indices, Numbers
from eighth_world.networks import ZONES, AddressPlan
from eighth_world.shapes import DAY, Delay, drawn_delay, drawn_hours

_KINDS = {"shop": 0.32, "leads": 0.24, "app": 0.2, "subscription": 0.14, "mixed": 0.1}
_EPOCH = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
_START_DAYS = 820
"""Programmes begin on any day from March 2024 to the middle of 2026."""
_EVENTS = {
    "shop": ("sale", "order", "purchase"),
    "leads": ("lead", "registration", "quote"),
    "app": ("install", "install", "first_open"),
    "subscription": ("trial", "subscription", "signup"),
}
_MIDDLES = {"shop": (120, 5400), "leads": (50, 900), "app": (35, 900), "subscription": (90, 3600)}
_LEAST = {"shop": (5, 45), "leads": (8, 40), "app": (4, 30), "subscription": (10, 50)}
_BRANDS = ("northway", "lumora", "casaviva", "petbarn", "trendigo", "brightloan", "medisafe", "playdash", "fitzone",
           "greenbox", "skybyte", "homely", "wearwell", "tutorly", "quickfix", "auroracard")  # fmt: skip


@dataclass(frozen=True)
class Offer:
    """What is paid for: a fixed amount, or a share of the basket; how its buyers take their time."""

    offer_id: str
    event: str
    delay: Delay
    fixed: float | None
    percent: float
    basket: tuple[float, float]
    """Middle and spread (log) of what buyers pay; a spread of 0 means one price."""
    prices: tuple[float, ...] = ()


@dataclass(frozen=True)
class Feed:
    """What the network knows of clicks and goals. A column that is not seen is null everywhere."""

    clicks: bool
    click_times: bool
    goal_facts: str
    """Where a goal's address and agent come from: the buyer's `own`, the shop's `server`, or `none`."""
    hidden: tuple[str, ...]
    shortened: bool
    """Addresses end in 0, as a privacy rule wants it."""
    outcomes: float
    """Share of the outcomes that come back; 0: none."""
    customers: bool
    orders: bool


@dataclass
class World:
    """Everything that holds for a whole programme."""

    dice: Dice
    kind: str
    goals: int
    clicks_per_goal: float
    days: int
    start: int
    window: float
    brand: str
    currency: str
    countries: dict[str, float]
    offers: list[Offer]
    feed: Feed
    agents: AgentPlan
    addresses: AddressPlan
    hours: Numbers
    season: Numbers
    access: dict[str, float]
    phones: float
    iphones: float
    families: dict[str, float]
    repeat: float
    visits: float
    moves: float
    """Share of buyers whose goal comes from another address than their click."""

    @property
    def home(self) -> str:
        """The country most people come from."""
        return max(self.countries, key=lambda code: self.countries[code])


def drawn_world(dice: Dice) -> World:
    """Draw a programme."""
    kind, days, begins = dice.weighted(_KINDS), dice.whole(14, 60), dice.whole(0, _START_DAYS)
    countries = _countries(dice)
    return World(
        dice=dice,
        kind=kind,
        goals=int(dice.scale(1500, 8200)),
        clicks_per_goal=dice.between(8, 36),
        days=days,
        start=_EPOCH + begins * int(DAY),
        window=dice.pick([1, 3, 7, 7, 14, 30, 30, 45]) * DAY,
        brand=dice.pick(_BRANDS),
        currency=dice.pick(["USD", "USD", "EUR", "GBP"]),
        countries=countries,
        offers=_offers(kind, dice),
        feed=_feed(kind, dice),
        agents=AgentPlan(2 + begins / 30.4, dice.scale(0.4, 5), f"{dice.pick(_BRANDS).title()}App"),
        addresses=AddressPlan(dice),
        hours=drawn_hours(dice),
        season=_season(dice, days),
        access=_access(dice, kind),
        phones=dice.between(0.85, 1.0) if kind == "app" else dice.between(0.15, 0.9),
        iphones=dice.between(0.1, 0.65),
        families=_families(dice),
        repeat=dice.pick([0.0, dice.between(0, 0.1), dice.between(0.1, 0.4)]) if kind in {"shop", "mixed"} else 0.0,
        visits=1.0 + dice.scale(0.02, 1.2),
        moves=dice.pick([0.0, dice.between(0.01, 0.1), dice.between(0.1, 0.35)]),
    )


def payouts(world: World, offer: Indices, basket: Numbers) -> Numbers:
    """Return what each goal pays by its offer (by number) and basket, before a partner's better terms."""
    fixed = np.array([np.nan if one.fixed is None else one.fixed for one in world.offers])[offer]
    share = np.array([one.percent for one in world.offers])[offer]
    return np.where(np.isnan(fixed), basket * share, fixed)


def _countries(dice: Dice) -> dict[str, float]:
    count = dice.pick([1, 1, 2, 3, 5, 8, 14])
    codes = dice.some(list(ZONES), count)
    share = dice.ranked(count, dice.between(0.5, 2.5)) * (1 - (stray := dice.scale(0.002, 0.06)))
    made = dict(zip(codes, share.tolist(), strict=True))
    for code in dice.some([code for code in ZONES if code not in made], 5):
        made[code] = stray / 5
    return made


def _access(dice: Dice, kind: str) -> dict[str, float]:
    """Draw how honest people reach the internet: up to a fifth by VPN or hosting, offices and campuses or none."""
    through = dice.pick([0.0, dice.between(0.002, 0.03), dice.between(0.03, 0.2)])
    mobile = dice.between(0.3, 0.8) if kind == "app" else dice.between(0.05, 0.6)
    made = {
        "vpn": through * (split := dice.between(0.2, 0.9)),
        "hosting": through * (1 - split) * 0.97,
        "tor": through * 0.03 * (1 - split),
        "office": dice.pick([0.0, dice.between(0, 0.05), dice.between(0.05, 0.25)]),
        "campus": dice.pick([0.0, dice.between(0, 0.03), dice.between(0.02, 0.12)]),
    }
    rest = 1 - sum(made.values())
    return made | {"mobile": rest * mobile, "residential": rest * (1 - mobile)}


def _families(dice: Dice) -> dict[str, float]:
    """Draw how common each browser is among those with a phone, and among those without (each sums to one)."""
    made: dict[str, float] = {}
    for names, first in ((PHONES, "chrome_android"), (DESKTOPS, "chrome_desktop")):
        raw = dice.rng.gamma(dice.scale(0.15, 1.5), 1, len(names)) + 1e-3
        raw[names.index(first)] += dice.between(0.5, 4)
        made |= dict(zip(names, (raw / raw.sum()).tolist(), strict=True))
    return made


def _season(dice: Dice, days: int) -> Numbers:
    """Draw how busy each day is: weekends, growth or decline, a sale, an outage."""
    day = np.arange(days)
    made = 1 + dice.between(-0.5, 0.5) * np.isin((day + dice.whole(0, 6)) % 7, (5, 6))
    made = made * np.exp(dice.between(-0.8, 0.8) * day / days) * dice.rng.lognormal(0, dice.scale(0.03, 0.4), days)
    if dice.chance(0.3):
        first = dice.whole(0, days - 4)
        made[first : first + dice.whole(1, 6)] *= dice.between(2, 6)
    if dice.chance(0.15):
        made[dice.whole(0, days - 1)] *= 0.05
    return np.asarray(made / made.sum())


def _offers(kind: str, dice: Dice) -> list[Offer]:
    count, pay = dice.pick([1, 1, 2, 3, 5, 8]), dice.scale(0.4, 50)
    made = []
    for number in range(count):
        of = dice.pick(list(_EVENTS)) if kind == "mixed" else kind
        spread = 0.0 if of in {"leads", "app"} else dice.between(0.3, 1.1)
        shared = of == "shop" or (of == "subscription" and dice.chance(0.4))
        delay = drawn_delay(dice, dice.scale(*_MIDDLES[of]), dice.scale(*_LEAST[of]))
        prices = tuple(sorted(dice.pick([4.99, 9.99, 14.99, 19.99, 29.0, 49.0, 79.0, 99.0]) for _ in range(3)))
        made.append(
            Offer(
                offer_id=f"{dice.pick(['', 'of-', 'cmp'])}{dice.whole(100, 999)}{number}",
                event=dice.pick(_EVENTS[of]),
                delay=delay,
                fixed=None if shared and dice.chance(0.8) else round(pay * dice.scale(0.5, 2), 2),
                percent=dice.between(0.02, 0.3),
                basket=(dice.scale(15, 260), spread),
                prices=prices if of == "subscription" else (),
            )
        )
    return made


def _feed(kind: str, dice: Dice) -> Feed:
    """Draw what is seen: most networks know nearly everything, some know nothing but goals."""
    hidden = [name for name, odds in (("ip", 0.06), ("user_agent", 0.06), ("referrer", 0.25), ("country", 0.2),
                                      ("sub_id", 0.07)) if dice.chance(odds)]  # fmt: skip
    clicks = dice.chance(0.87)
    hidden = dice.some(hidden, 2 if clicks else 1)
    if not dice.chance(0.9 if kind == "app" else 0.2):
        hidden.append("device_id")
    return Feed(
        clicks=clicks,
        click_times=clicks or dice.chance(0.75),
        goal_facts=dice.weighted({"own": 0.75, "none": 0.17, "server": 0.08} if clicks else {"own": 1.0}),
        hidden=tuple(hidden),
        shortened=dice.chance(0.06),
        outcomes=dice.pick([0.0, dice.between(0.05, 0.4), dice.between(0.4, 1.0)]),
        customers=dice.chance(0.65),
        orders=dice.chance(0.8),
    )
