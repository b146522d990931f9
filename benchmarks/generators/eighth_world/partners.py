"""Honest partners: what each trade is like, and the one or two things in which a third of them are odd."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from eighth_world.agents import DESKTOPS, PHONES
from eighth_world.labels import referrers, site, sub_ids
from eighth_world.market import World
from eighth_world.networks import ZONES
from eighth_world.shapes import HOUR, Delay, Rhythm, drawn_hours, shift_hours
from eighth_world.traffic import Crowd, Quality, Source

Range = tuple[float, float]


@dataclass(frozen=True)
class Trade:
    """Habits of a trade against those of the programme: ranges to draw from."""

    name: str
    size: Range
    clicks: Range
    pace: Range
    subs: tuple[str, ...]
    sent: tuple[str, ...]
    repeat: Range = (0.0, 0.05)
    phones: Range | None = None
    views: tuple[str, ...] = ()
    """Browsers of its own that most of its people use."""
    rhythm: str = "people"
    kinds: tuple[str, ...] = ("shop", "leads", "app", "subscription", "mixed")
    soon: Range = (0.0, 0.0)


_SALES = ("shop", "subscription", "mixed")
TRADES = (
    Trade("coupon", (0.5, 8), (0.1, 0.5), (0.04, 0.4), ("none", "campaigns", "each"), ("own", "none"), (0.05, 0.3),
          kinds=_SALES, soon=(0.1, 0.7)),
    Trade("cashback", (0.5, 8), (0.15, 0.7), (0.15, 1), ("each", "none", "campaigns"), ("own", "none", "app"),
          (0.25, 0.7), kinds=_SALES, soon=(0.0, 0.2)),
    Trade("extension", (0.3, 4), (0.1, 0.5), (0.05, 0.3), ("none", "each"), ("none",), (0.2, 0.5), (0, 0.1),
          kinds=_SALES, soon=(0.1, 0.5)),
    Trade("review", (0.2, 4), (0.5, 2), (0.8, 4), ("none", "campaigns", "placements"), ("own", "none")),
    Trade("comparison", (0.4, 6), (0.4, 1.4), (0.4, 2), ("placements", "each", "none"), ("own",)),
    Trade("newsletter", (0.3, 5), (0.4, 2), (0.5, 3), ("campaigns", "none"), ("mail", "none", "none"), rhythm="blasts"),
    Trade("influencer", (0.2, 4), (0.5, 3), (0.4, 3), ("none", "campaigns"), ("social", "none"), phones=(0.85, 1),
          views=("instagram", "tiktok", "facebook"), rhythm="spikes"),
    Trade("broker", (0.5, 6), (0.3, 1.2), (0.4, 1.6), ("publishers", "placements", "each"), ("none", "mail"),
          rhythm="blasts", kinds=("leads", "subscription", "mixed")),
    Trade("search", (0.4, 6), (0.3, 1.4), (0.3, 1.5), ("keywords", "each", "campaigns"), ("search", "own", "none")),
    Trade("inapp", (0.5, 8), (2, 9), (0.6, 3), ("placements", "placements", "each"), ("app", "none"), phones=(0.98, 1),
          views=("app_view",), kinds=("app", "leads", "mixed", "subscription")),
    Trade("display", (0.3, 4), (1.5, 6), (3, 40), ("placements", "campaigns"), ("own", "none"), rhythm="flat"),
    Trade("callcentre", (0.2, 3), (0.08, 0.3), (0.3, 1.5), ("none", "campaigns"), ("none",), phones=(0, 0),
          views=("chrome_desktop",), rhythm="shift", kinds=("leads", "subscription", "mixed")),
    Trade("social", (0.3, 5), (0.6, 2.5), (0.4, 2.5), ("campaigns", "each", "none"), ("social", "none"),
          phones=(0.7, 1), views=("facebook", "instagram", "tiktok")),
    Trade("blog", (0.005, 0.05), (0.4, 3), (0.5, 5), ("none",), ("own", "none", "search")),
    Trade("newcomer", (0.1, 3), (0.4, 2), (0.5, 2), ("none", "campaigns", "each"), ("own", "social", "none"),
          rhythm="ramp"),
)  # fmt: skip
_SUBNETWORK_ODDS = 0.12


@dataclass
class Partner:
    """An affiliate as its network knows it, and the sources that make up its traffic."""

    affiliate: str
    trade: str
    domain: str
    sources: list[Source]
    odd: list[str] = field(default_factory=list)
    bad: bool = False


def base_source(world: World, affiliate: str, goals: int) -> Source:
    """Return a source of the programme's ordinary people, with the quality honest people have there."""
    return Source(
        affiliate=affiliate,
        goals=goals,
        clicks_per_goal=world.clicks_per_goal,
        crowd=Crowd(dict(world.countries), dict(world.access), blend(world, world.phones, ())),
        rhythm=Rhythm(world.hours, world.season),
        quality=honest_quality(world),
        visits=world.visits,
        repeat=world.repeat,
        moves=world.moves,
    )


def honest_quality(world: World) -> Quality:
    """Draw what becomes of the goals of one honest source."""
    dice = world.dice
    sells = world.kind in {"shop", "mixed", "subscription"}
    return Quality(
        chargeback=dice.scale(0.0005, 0.008) if sells else 0.0002,
        refund=dice.scale(0.01, 0.15) if sells else 0.002,
        void=dice.scale(0.005, 0.1),
        retained=dice.between(0.25, 0.75),
    )


def blend(world: World, phones: float, views: tuple[str, ...]) -> dict[str, float]:
    """Return shares of browsers for this share of phones; `views` take most of the phones' (or desktops') part."""
    apple = {"safari_iphone": world.iphones, "safari_mac": 0.5 * world.iphones}
    made: dict[str, float] = {}
    for names, part in ((PHONES, phones), (DESKTOPS, 1 - phones)):
        raw = np.array([world.families[name] + apple.get(name, 0.0) for name in names])
        for name in views:
            if name in names:
                raw[names.index(name)] += world.dice.scale(0.3, 20)
        made |= dict(zip(names, (part * raw / raw.sum()).tolist(), strict=True))
    return {name: share for name, share in made.items() if share > 1e-4}


def drawn_rhythm(world: World, manner: str) -> Rhythm:
    """Draw when a partner's people come."""
    dice, days = world.dice, len(world.season)
    hours = drawn_hours(dice) if dice.chance(0.3) else world.hours
    if manner == "flat":
        return Rhythm(0.5 * hours + 0.5 / 24, world.season)
    if manner == "shift":
        week = np.where((np.arange(days) + dice.whole(0, 6)) % 7 < 5, 1.0, 0.05)
        return Rhythm(shift_hours(dice), week)
    if manner == "ramp":
        first, steep = dice.between(0, 0.7) * days, dice.scale(0.5, 6)
        day = np.maximum(np.arange(days) - first, 0)
        return Rhythm(hours, day**steep + 1e-9)
    if manner in {"blasts", "spikes"}:
        count = dice.whole(1, 4) if manner == "spikes" else dice.whole(2, max(3, days // 3))
        clock = dice.pick([0.0, dice.between(6, 20)]) / 24
        blasts = dice.rng.choice(days, min(count, days), replace=False) + (clock or dice.rng.random(min(count, days)))
        fade = dice.scale(0.3, 16) * HOUR
        return Rhythm(hours, world.season, blasts, dice.between(0.4, 0.98), fade)
    return Rhythm(hours, world.season)


def trade_source(world: World, trade: Trade, affiliate: str, goals: int, domain: str) -> Source:
    """Return a source with the habits of a trade."""
    dice = world.dice
    made = base_source(world, affiliate, goals)
    phones = (
        dice.between(*trade.phones) if trade.phones else float(np.clip(world.phones + dice.between(-0.2, 0.2), 0, 1))
    )
    crowd = replace(made.crowd, families=blend(world, phones, trade.views))
    if trade.name == "callcentre":
        crowd = replace(
            crowd, access={"office": 1.0}, exits={"office": dice.whole(1, 4)}, families={"chrome_desktop": 1}
        )
    if dice.chance(0.25):
        crowd = replace(crowd, countries=_own_countries(world))
    return replace(
        made,
        clicks_per_goal=max(1.0, world.clicks_per_goal * dice.scale(*trade.clicks) * dice.rng.lognormal(0, 0.4)),
        crowd=crowd,
        rhythm=drawn_rhythm(world, trade.rhythm),
        subs=sub_ids(dice, dice.pick(trade.subs)),
        referrers=referrers(dice, dice.pick(trade.sent), domain),
        offers=tuple(dice.some(range(len(world.offers)), dice.whole(1, len(world.offers)))),
        pace=dice.scale(*trade.pace),
        delay=_checkout(world, trade) if dice.chance(trade.soon[1]) and trade.soon[1] else None,
        repeat=max(world.repeat * dice.between(0.3, 1.2), dice.between(*trade.repeat))
        if world.kind != "leads"
        else 0.0,
        basket=dice.rng.lognormal(0, 0.25),
    )


def _checkout(world: World, trade: Trade) -> Delay:
    """Draw the times of people who come for a code or a reward in the middle of buying: many within a minute."""
    dice = world.dice
    usual = world.offers[0].delay
    return replace(
        usual.times(dice.scale(*trade.pace)), soon=dice.between(*trade.soon), soon_middle=dice.scale(7, 60), least=2.0
    )


def _own_countries(world: World) -> dict[str, float]:
    """Draw where a partner's people live if not where the programme's do: one market, or one more."""
    dice = world.dice
    market = dice.weighted(world.countries)
    made = {market: 1.0} | {code: 0.01 * share for code, share in world.countries.items() if code != market}
    if dice.chance(0.25):
        made[dice.pick(list(ZONES))] = dice.between(0.05, 0.6)
    return made


def drawn_partners(world: World) -> list[Partner]:
    """Return the honest partners of a programme; their goals sum to about what the world wants."""
    dice = world.dice
    trades = [trade for trade in TRADES if world.kind in trade.kinds]
    liked = dict(zip(trades, dice.rng.gamma(dice.scale(0.4, 3), 1, len(trades)) + 0.02, strict=True))
    chosen = [dice.weighted(liked) for _ in range(int(dice.scale(9, 60)))]
    weight = np.array([dice.scale(*trade.size) for trade in chosen])
    goals = np.maximum(np.round(world.goals * weight / weight.sum()), 1).astype(int)
    names = [
        f"{dice.pick(['', 'a', 'pub', 'P-'])}{number}" for number in dice.rng.permutation(90000)[: len(chosen)] + 1000
    ]
    made = []
    for trade, number, name in zip(chosen, goals, names, strict=True):
        domain = site(dice)
        if number > 60 and dice.chance(_SUBNETWORK_ODDS):
            made.append(Partner(name, "subnetwork", domain, _publishers(world, trades, name, int(number))))
            continue
        source = trade_source(world, trade, name, int(number), domain)
        made.append(Partner(name, trade.name, domain, [source]))
    return made


def _publishers(world: World, trades: list[Trade], affiliate: str, goals: int) -> list[Source]:
    """Return the sources of a sub-network: publishers of any trade, each under its own sub id."""
    dice = world.dice
    count = min(dice.whole(4, 40), goals // 8)
    share = dice.ranked(count, dice.between(0.3, 1.5))
    style = dice.pick(["publishers", "placements"])
    made = []
    for part in share:
        source = trade_source(world, dice.pick(trades), affiliate, max(1, round(goals * part)), site(dice))
        one = sub_ids(dice, style)
        made.append(replace(source, subs=replace(one, texts=one.texts[:1], weights=np.ones(1), worth=np.ones(1))))
    return made
