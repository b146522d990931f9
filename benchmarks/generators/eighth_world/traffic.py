"""How a source of traffic becomes clicks and goals: people first, then their visits, then what some of them do.

Honest trades and frauds that bring real visits go the same way; what sets a fraud apart is who its people are, when
they come and what its own mechanism adds, never noise laid over the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from eighth_world.dice import Dice, Indices, Numbers, gather
from eighth_world.market import World
from eighth_world.networks import EXIT_COUNTRIES, TOR_COUNTRIES, ZONES
from eighth_world.shapes import DAY, HOUR, Delay, Rhythm

CLICK_FACTS = ("sub_id", "ip", "user_agent", "device_id", "country", "referrer")
_AWAKE_AFTER = 2 * HOUR
"""Whoever takes longer than this has slept or worked in between: the goal comes at an hour people are up."""


@dataclass(frozen=True)
class Crowd:
    """Who comes: home countries, access and browsers as shares.

    `exits` gives some access a number of addresses of its own (a call centre has one); `abroad` is the share of VPN,
    Tor and hosting exits that stand elsewhere, unless `seen_in` says where people want to be seen. `devices` limits
    the devices that all share; None: one each.
    """

    countries: dict[str, float]
    access: dict[str, float]
    families: dict[str, float]
    exits: dict[str, int] = field(default_factory=dict)
    abroad: float = 0.5
    seen_in: str | None = None
    devices: int | None = None


@dataclass(frozen=True)
class Labels:
    """Texts that visits carry (sub ids or referrers) and how often; `each` makes a new one for every visitor.

    `worth` says how much better visitors under one label buy than under another, 1 for usual.
    """

    texts: tuple[str | None, ...] = (None,)
    weights: Numbers = field(default_factory=lambda: np.ones(1))
    each: bool = False
    worth: Numbers = field(default_factory=lambda: np.ones(1))

    def draw(self, dice: Dice, count: int) -> tuple[pl.Series, Numbers]:
        """Return a text and its worth for each of `count` visitors."""
        if self.each:
            return dice.codes(count, 18), np.ones(count)
        places = dice.choose(self.weights, count)
        worth = self.worth[places] if len(self.worth) == len(self.texts) else np.ones(count)
        return gather(self.texts, places), worth


@dataclass(frozen=True)
class Quality:
    """What becomes of goals later: shares charged back, refunded, voided, and of those that stay and are used."""

    chargeback: float
    refund: float
    void: float
    retained: float


@dataclass(frozen=True)
class Source:
    """A source of traffic within a partner. `delay` None: buyers take the offer's time, times `pace`."""

    affiliate: str
    goals: int
    clicks_per_goal: float
    crowd: Crowd
    rhythm: Rhythm
    quality: Quality
    subs: Labels = field(default_factory=Labels)
    referrers: Labels = field(default_factory=Labels)
    offers: tuple[int, ...] = (0,)
    delay: Delay | None = None
    pace: float = 1.0
    visits: float = 1.0
    repeat: float = 0.0
    moves: float = 0.0
    basket: float = 1.0
    kind: str | None = None


@dataclass(frozen=True)
class Flow:
    """Clicks and goals of one source; times in seconds since the programme began; goals name the click they follow."""

    clicks: pl.DataFrame
    goals: pl.DataFrame


def people(world: World, crowd: Crowd, count: int) -> pl.DataFrame:
    """Return people: country (of their address), zone, ip, user_agent, device_id, customer_id."""
    dice = world.dice
    agents, phones = world.agents.people(crowd.families, count, dice)
    codes = list(crowd.countries)
    home = dice.choose(np.array(list(crowd.countries.values())), count)
    zones = np.array([float(ZONES[code]) for code in codes])[home]
    ways = list(crowd.access)
    way = dice.choose(np.array(list(crowd.access.values())), count)
    if "mobile" in ways and "residential" in ways:
        at_desk = (phones == 0) & (way == ways.index("mobile")) & (dice.rng.random(count) < 0.85)
        way[at_desk] = ways.index("residential")
    country, ip = _addresses(world, crowd, np.array(codes)[home], np.array(ways)[way])
    devices = dice.codes(crowd.devices or count, 32)
    if crowd.devices:
        devices = devices.gather(dice.choose(dice.ranked(crowd.devices, 0.4), count))
    return pl.DataFrame(
        {
            "country": country,
            "zone": zones,
            "ip": ip,
            "user_agent": agents,
            "device_id": devices,
            "customer_id": dice.codes(count, 12),
        }
    )


def _addresses(world: World, crowd: Crowd, home: np.ndarray, way: np.ndarray) -> tuple[pl.Series, pl.Series]:
    """Return country and address for people of these homes and ways of access."""
    dice, count = world.dice, len(home)
    seen = home.copy()
    hidden = np.isin(way, ("vpn", "tor", "hosting"))
    if crowd.seen_in:
        seen[hidden] = crowd.seen_in
    else:
        away = hidden & (dice.rng.random(count) < crowd.abroad)
        seen[away] = np.array(EXIT_COUNTRIES)[dice.choose(dice.ranked(len(EXIT_COUNTRIES), 0.6), int(away.sum()))]
    routed = way == "tor"
    seen[routed] = np.array(TOR_COUNTRIES)[dice.rng.integers(0, len(TOR_COUNTRIES), int(routed.sum()))]
    both = np.char.add(np.char.add(seen.astype("U2"), "|"), way.astype("U12"))
    groups, member = np.unique(both, return_inverse=True)
    order = np.argsort(member, kind="stable")
    parts = []
    for group, size in zip(groups, np.bincount(member), strict=True):
        country, access = str(group).split("|")
        parts.append(world.addresses.addresses(country, access, int(size), crowd.exits.get(access)))
    back = np.empty(count, dtype=np.int64)
    back[order] = np.arange(count)
    return pl.Series(seen.astype("U2").tolist(), dtype=pl.String), pl.concat(parts).gather(back)


def render(world: World, source: Source) -> Flow:
    """Return the clicks and goals of a source."""
    dice, goals = world.dice, max(source.goals, 1)
    count = max(goals, int(goals * source.clicks_per_goal / source.visits))
    subs, worth = source.subs.draw(dice, count)
    buyers = np.sort(np.argsort(dice.rng.exponential(1, count) / worth, kind="stable")[:goals])
    folk = people(world, source.crowd, count)
    who = np.arange(count)
    if source.repeat and goals > 4:
        again = dice.rng.random(goals) < source.repeat
        pool = buyers[: max(2, int(goals * (1 - source.repeat)))]
        who[buyers[again]] = pool[dice.choose(dice.ranked(len(pool), 0.4), int(again.sum()))]
        folk = folk[who]
    folk = folk.with_columns(
        subs.alias("sub_id"),
        source.referrers.draw(dice, count)[0].alias("referrer"),
        pl.lit(source.affiliate).alias("affiliate_id"),
        pl.Series("offer", np.array(source.offers)[dice.choose(dice.ranked(len(source.offers), 1), count)]),
    )
    first = source.rhythm.draw(dice, folk["zone"].to_numpy())
    clicks, last = _visits(dice, source, folk, first)
    made = clicks[last[buyers]]
    return Flow(clicks.drop("zone", "customer_id"), _goals(world, source, made))


def _visits(dice: Dice, source: Source, folk: pl.DataFrame, first: Numbers) -> tuple[pl.DataFrame, Indices]:
    """Return a row for each click, and for each person the row of the last one."""
    count = len(first)
    times = dice.rng.geometric(1 / source.visits, count).clip(1, 30) if source.visits > 1 else np.ones(count, dtype=int)
    row = np.repeat(np.arange(count), times)
    last = np.cumsum(times) - 1
    ts = first[row]
    if source.visits > 1:
        gap = dice.rng.exponential(dice.scale(600, 1.5 * DAY), len(row))
        gap[last - times + 1] = 0.0
        run = np.cumsum(gap)
        ts = ts + run - run[last - times + 1][row]
    return folk[row].with_columns(dice.codes(len(row), 20).alias("click_id"), pl.Series("ts", ts)), last


def _goals(world: World, source: Source, clicks: pl.DataFrame) -> pl.DataFrame:
    """Return a goal after each of these clicks."""
    dice = world.dice
    offer = clicks["offer"].to_numpy()
    delay = np.zeros(clicks.height)
    for number in np.unique(offer):
        here = offer == number
        shape = source.delay or world.offers[number].delay.times(source.pace)
        delay[here] = shape.draw(dice, int(here.sum()), world.window)
    ts = awake(world, source.rhythm, clicks["ts"].to_numpy(), delay, clicks["zone"].to_numpy())
    made = clicks.with_columns(pl.col("ts").alias("click_ts")).with_columns(pl.Series("ts", ts))
    return moved(world, source, dressed(world, source, made))


def awake(world: World, rhythm: Rhythm, click: Numbers, delay: Numbers, zone: Numbers) -> Numbers:
    """Return when goals happen: late ones at an hour at which these people are up."""
    dice, made = world.dice, click + delay
    late = delay > _AWAKE_AFTER
    number = int(late.sum())
    if not number:
        return made
    shift = (zone[late] if rhythm.zone is None else np.full(number, rhythm.zone)) * HOUR
    local = made[late] + shift
    hour = dice.choose(rhythm.hours, number) + dice.rng.random(number)
    better = local - np.mod(local, DAY) + hour * HOUR - shift
    fits = (better > click[late] + HOUR) & (better < click[late] + world.window)
    made[late] = np.where(fits, better, made[late])
    return made


def dressed(world: World, source: Source, made: pl.DataFrame) -> pl.DataFrame:
    """Return goals with what was bought and what will become of them, as drawn for the source."""
    dice, quality = world.dice, source.quality
    basket = np.zeros(made.height)
    for number, offer in enumerate(world.offers):
        here = made["offer"].to_numpy() == number
        size = int(here.sum())
        middle, spread = offer.basket
        paid = dice.rng.lognormal(np.log(middle), spread, size) * source.basket
        if offer.prices:
            paid = np.array(offer.prices)[dice.choose(dice.ranked(len(offer.prices), 0.8), size)]
        basket[here] = paid
    fate = dice.rng.random(made.height)
    edges = np.cumsum([quality.chargeback, quality.refund, quality.void])
    names = ("chargeback", "refund", "void", None)
    return made.with_columns(
        pl.Series("basket", basket.round(2)),
        gather(names, np.searchsorted(edges, fate)).alias("fate"),
        pl.Series("stays", dice.rng.random(made.height) < quality.retained),
        pl.lit(source.kind, dtype=pl.String).alias("kind"),
    )


def moved(world: World, source: Source, made: pl.DataFrame) -> pl.DataFrame:
    """Return goals of which some come from another address of the same country than their click."""
    dice = world.dice
    goes = dice.rng.random(made.height) < source.moves
    number = int(goes.sum())
    if not number:
        return made
    ways = {name: share for name, share in source.crowd.access.items() if name in {"residential", "mobile", "office"}}
    if not sum(ways.values()):
        return made
    way = np.array(list(ways))[dice.choose(np.array(list(ways.values())), number)]
    there = made.filter(goes)
    _, ip = _addresses(world, source.crowd, there["country"].to_numpy().astype("U2"), way)
    at = np.full(made.height, number)
    at[goes] = np.arange(number)
    fresh = pl.concat([ip, pl.Series([None], dtype=pl.String)]).gather(at)
    return made.with_columns(pl.when(pl.Series(goes)).then(fresh).otherwise(pl.col("ip")).alias("ip"))
