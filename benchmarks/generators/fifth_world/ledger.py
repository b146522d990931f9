"""The network's notebook: every click and purchase of the simulated world, and which click earns which purchase."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from fifth_world.agents import FIRST_TOOL, TOOLS
from fifth_world.chance import DAY, Floats, Ints, mix
from fifth_world.market import Affiliate, Offer
from fifth_world.people import People, Seen

KINDS = (
    *("click_flooding", "click_injection", "cookie_stuffing", "bot_leads", "stuffed_leads", "device_farm"),
    *("self_referral_ring", "undisclosed_incentive", "proxy_spoofing", "geo_spoofing", "replayed_conversions"),
    *("bought_sub_id", "slow_ramp", "window_abuse"),
)
NO_REFERRER, SEARCH, SOCIAL, MERCHANT, REWARDS = -1, 20, 30, 40, 50
"""Codes of where a click came from; 0..9: the partner's own sites."""


@dataclass(frozen=True)
class Clicks:
    """Clicks of one partner: times, people, offers, sub_ids and referrers as numbers, what was seen."""

    ts: Floats
    who: Ints
    offer: Ints
    sub: Ints
    referrer: Ints
    seen: Seen


@dataclass(frozen=True)
class Buys:
    """Purchases: times, people, offers, what was seen, and through which partner the wish arose (-1: none)."""

    ts: Floats
    who: Ints
    offer: Ints
    seen: Seen
    via: Ints

    def rows(self, chosen: Ints) -> Buys:
        """Return these purchases."""
        return Buys(self.ts[chosen], self.who[chosen], self.offer[chosen], self.seen.rows(chosen), self.via[chosen])


@dataclass
class World:
    """One programme while it is simulated. Everybody's clicks and purchases are written into `clicks` and `buys`."""

    start: float
    days: int
    people: People
    offers: list[Offer]
    partners: list[Affiliate]
    rng: np.random.Generator
    clicks: list[pl.DataFrame] = field(default_factory=list)
    buys: list[pl.DataFrame] = field(default_factory=list)
    stranger: int = 0
    """How many identities that are nobody's the fraudsters have made up."""

    @property
    def end(self) -> float:
        """Return the end of the programme, seconds since 1970."""
        return self.start + self.days * DAY

    def click(self, partner: int, made: Clicks, kind: int = -1) -> None:
        """Write clicks of a partner down; `kind`: place in KINDS, -1 for honest ones."""
        self.clicks.append(
            pl.DataFrame(
                {
                    "ts": made.ts,
                    "who": made.who,
                    "offer": made.offer,
                    "sub": made.sub,
                    "referrer": made.referrer,
                    "partner": np.full(len(made.ts), partner),
                    "kind": np.full(len(made.ts), kind),
                    **_seen(made.seen),
                }
            )
        )

    def buy(self, made: Buys) -> None:
        """Write purchases down, whoever will be paid for them."""
        rows = {"ts": made.ts, "who": made.who, "offer": made.offer, "via": made.via, **_seen(made.seen)}
        self.buys.append(pl.DataFrame(rows))

    def strangers(self, count: int) -> Ints:
        """Return numbers of new made-up people."""
        self.stranger += count
        return np.arange(self.stranger - count, self.stranger) + len(self.people)

    def think(self, offers: Ints, scale: float = 1.0) -> Floats:
        """Draw honest times from wish to purchase, in seconds."""
        middle = np.array([offer.think_s for offer in self.offers])[offers] * scale
        return np.asarray(middle * np.exp(self.rng.normal(0, 1, len(offers)) * self.per_offer("scatter")[offers]))

    def per_offer(self, name: str) -> Floats:
        """Return a number of each offer."""
        return np.array([getattr(offer, name) for offer in self.offers], dtype=np.float64)


def _seen(seen: Seen) -> dict[str, Ints]:
    return {"ip": seen.ip, "agent": seen.agent, "device": seen.device, "country": seen.country}


def attribute(world: World) -> pl.DataFrame:
    """Return the purchases that earn a partner something: the last click of the person on the offer in the window.

    Columns: those of a purchase, and of its click `click` (its place among the sorted clicks), click_ts, sub, partner,
    kind, and click_ip/agent/device/country/referrer.
    """
    clicks = sorted_clicks(world)
    told = clicks.rename(
        {name: f"click_{name}" for name in ("ip", "agent", "device", "country", "referrer")}
    ).with_columns(click_ts=pl.col("ts"))
    buys = pl.concat(world.buys).filter(pl.col("ts") < world.end).sort("ts", "who", "offer")
    window = pl.Series(world.per_offer("window_s"))
    joined = buys.join_asof(told, on="ts", by=["who", "offer"], strategy="backward", check_sortedness=False)
    earned = joined.filter(pl.col("ts") - pl.col("click_ts") <= pl.lit(window).gather(pl.col("offer")))
    once = pl.lit(pl.Series([offer.once for offer in world.offers])).gather(pl.col("offer"))
    again = pl.int_range(pl.len()).over("who", "offer") > 0
    return earned.filter(~(once & again)).sort("ts", "who", "offer")


def sorted_clicks(world: World) -> pl.DataFrame:
    """Return all clicks by time, numbered in `click`."""
    clicks = pl.concat(world.clicks).filter(pl.col("ts").is_between(world.start, world.end))
    return clicks.sort("ts", "who", "offer", "partner").with_row_index("click")


def lossy(world: World, partner: Affiliate, seen: Seen) -> Seen:
    """Return what remains of what was seen when the partner's tracking loses or replaces some of it."""
    rng, count = world.rng, len(seen.ip)
    agent, ip = seen.agent, seen.ip
    if "no_agents" in partner.oddities:
        agent = np.where(rng.random(count) < 0.3 + 0.7 * (partner.number % 10) / 9, -1, agent)
    if "relay" in partner.oddities:
        place = np.full(count, partner.number)
        hosts = world.people.internet.hosting
        ranges = np.full(count, partner.number % len(hosts.base))
        ip = hosts.address(ranges, place, mix(np.arange(count)) % (1 + partner.number % 3))
        if partner.number % 2:
            agent = np.full(count, FIRST_TOOL + partner.number % (len(TOOLS) - 1))
    return Seen(ip, agent, seen.device, seen.country)


def source(world: World, partner: Affiliate, who: Ints) -> tuple[Ints, Ints]:
    """Draw sub_id and referrer of a partner's honest clicks; people tend to come back through the same sub_id."""
    rng, count = world.rng, len(who)
    steady = (mix(who, partner.number) % 10_000) / 10_000
    draw = np.where(rng.random(count) < 0.6, steady, rng.random(count))
    sub = np.minimum(np.searchsorted(np.cumsum(partner.subs), draw), len(partner.subs) - 1)
    own = sub % len(partner.sites)
    other = {"influencer": SOCIAL, "search": SEARCH, "toolbar": MERCHANT}.get(partner.trade)
    place = own if other is None else other + rng.integers(0, 2, count)
    return sub, np.where(rng.random(count) < partner.referrer_share, place, NO_REFERRER)
