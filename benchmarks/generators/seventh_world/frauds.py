"""The frauds of the seventh programme: fourteen recipes, each of a strength drawn anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .market import DAY, HOUR, TRADES, Facts, Partner, World, moments, referrers, take, thought
from .places import HOME, HOSTING, MARKETS, SHIFT, Draws, any_of

STOLEN_FROM_PARTNERS = 0.3
"""Share of stolen conversions that another partner would have been paid for; the rest nobody brought."""
_STRANGER = 10_000_000
"""Customers from here on are made up."""


@dataclass
class Scene:
    """One case: who commits it, on which offer, how much, how boldly (0 careful, 1 blatant), on which days."""

    rng: Draws
    world: World
    partner: Partner
    offer: int
    count: int
    strength: float
    kind: str
    subs: np.ndarray
    days: np.ndarray
    lost: set[int] = field(default_factory=set)
    """Clicks of other partners whose conversions this case takes away."""

    def bold(self, count: int) -> np.ndarray:
        """Which of so many acts are done without care."""
        return self.rng.random(count) < 0.25 + 0.75 * self.strength

    def when(self, count: int, shift: float | None = None) -> np.ndarray:
        """Moments of acts: the bolder, the less they follow the day of people."""
        ahead = float(SHIFT[self.partner.country]) if shift is None else shift
        return moments(self.rng, count, self.days, 1 - 0.8 * self.strength if shift is None else 1.0, ahead)

    def dress(self, facts: Facts, count: int) -> Facts:
        """Add what the case's partner writes on every click: offer, sub id, referrer."""
        facts["offer"] = np.full(count, self.offer)
        facts["sub"] = self.rng.choice(self.subs, count)
        facts.setdefault("referrer", referrers(self.rng, self.partner, count))
        return facts

    def people(self, ts: np.ndarray) -> Facts:
        """Clicks of real people at these moments."""
        who = self.rng.integers(len(self.world.crowd), size=len(ts))
        there = self.world.crowd.connect(self.rng, who, ts, TRADES[self.partner.trade].phone)
        return self.dress({"ts": ts, **there}, len(ts))

    def puppets(self, ts: np.ndarray, ip: np.ndarray, agent: np.ndarray, device: np.ndarray) -> Facts:
        """Clicks of people who do not exist, said to live in the partner's country."""
        count = len(ts)
        who = _STRANGER + self.rng.integers(10**8, size=count)
        country = np.full(count, self.partner.country)
        return self.dress({"ts": ts, "who": who, "ip": ip, "agent": agent, "device": device, "country": country}, count)

    def fresh(self, count: int) -> np.ndarray:
        """Devices never seen before."""
        return self.rng.integers(1, 2**62, count)

    def usual(self, count: int) -> np.ndarray:
        """Thinking times as honest partners of the trade have them."""
        return thought(self.rng, self.world, self.partner, np.full(count, self.offer))

    def careful(self, delay: np.ndarray) -> np.ndarray:
        """The delays of the recipe, the usual ones where the case takes care."""
        return np.where(self.bold(len(delay)), delay, self.usual(len(delay)))

    def perform(self, clicks: Facts, delay: np.ndarray) -> None:
        """Write clicks down, and conversions of the first of them after these delays."""
        clicks["click"] = self.world.click(self.partner.name, clicks)
        bought = take(clicks, np.arange(len(delay)))
        self.world.goal(
            self.rng, self.partner.name, self.kind, {**bought, "click_ts": bought["ts"], "ts": bought["ts"] + delay}
        )

    def purchases(self) -> Facts:
        """Purchases that happen anyway: some belong to other partners, the rest to nobody."""
        ts = moments(self.rng, self.count, self.days, 1.0, float(SHIFT[self.partner.country]))
        found = self.people(ts)
        honest = [goals for goals in self.world.goals if goals["kind"][:1].tolist() == [None]]
        prey = {
            name: np.concatenate([goals[name] for goals in honest])
            for name in ("who", "ts", "click", "offer", "partner")
        }
        fit = np.flatnonzero((prey["offer"] == self.offer) & (prey["partner"] != self.partner.name))
        taken = self.rng.choice(fit, min(len(fit), int(self.count * STOLEN_FROM_PARTNERS)), replace=False)
        self.lost.update(prey["click"][taken].tolist())
        theirs = self.people(prey["ts"][taken])
        theirs |= self.world.crowd.connect(self.rng, prey["who"][taken], prey["ts"][taken], 0.5)
        rest = take(found, np.arange(len(taken), self.count))
        return {name: np.concatenate([theirs[name], rest[name]]) for name in rest}

    def steal(self, bought: Facts, delay: np.ndarray) -> Facts:
        """Put a click before each purchase, write both down, and return the clicks."""
        delay = np.minimum(delay, bought["ts"] * 0.98)
        clicks = dict(bought, ts=bought["ts"] - delay)
        clicks["click"] = self.world.click(self.partner.name, clicks)
        known = {**clicks, "click_ts": clicks["ts"], "ts": bought["ts"]}
        self.world.goal(self.rng, self.partner.name, self.kind, known)
        return clicks


def click_flooding(scene: Scene) -> None:
    """Send clicks nobody made in the name of many people, and be the last before some of their purchases."""
    rng, bought = scene.rng, scene.purchases()
    reach = min(scene.world.offers[scene.offer].window, float(rng.uniform(1, 9)) * DAY)
    scene.steal(bought, scene.careful(rng.uniform(0, reach, scene.count)))
    junk = scene.people(scene.when(int(scene.count * rng.uniform(30, 110))))
    scene.world.click(scene.partner.name, junk)


def click_injection(scene: Scene) -> None:
    """An app on the phone sees an install begin and sends the click just before its first opening."""
    rng, bought = scene.rng, scene.purchases()
    bought["agent"] = scene.world.agents.phone(rng, scene.count)
    scene.steal(bought, scene.careful(rng.gamma(3, rng.uniform(2, 5), scene.count)))
    scene.world.click(scene.partner.name, scene.people(scene.when(int(scene.count * rng.uniform(0.3, 4)))))


def cookie_stuffing(scene: Scene) -> None:
    """Hidden frames on popular pages set cookies of several offers at once for every reader."""
    rng, bought, world = scene.rng, scene.purchases(), scene.world
    reach = np.log(world.offers[scene.offer].window * 0.8)
    delay = np.exp(rng.uniform(np.log(HOUR), reach, scene.count))
    pages = np.array(
        [f"https://{word}.example/t/{n}" for word in ("forum-auto", "wiki-games", "lyrics") for n in (1, 2)]
    )
    bought["referrer"] = np.where(scene.bold(scene.count), rng.choice(pages, scene.count), bought["referrer"])
    clicks = scene.steal(bought, scene.careful(delay))
    idle = scene.people(moments(rng, int(scene.count * rng.uniform(15, 50)), scene.days, 1.0, 0.0))
    idle["referrer"] = rng.choice(pages, len(idle["ts"]))
    world.click(scene.partner.name, idle)
    for seen in (clicks, idle):
        twin = take(seen, np.flatnonzero(rng.random(len(seen["ts"])) < 0.6 * scene.strength))
        twin["ts"] = twin["ts"] + rng.random(len(twin["ts"])) * 2
        twin["offer"] = rng.choice(scene.partner.offers, len(twin["ts"]))
        world.click(scene.partner.name, twin)


def bot_leads(scene: Scene) -> None:
    """A script on rented servers fills in forms."""
    rng, count = scene.rng, int(scene.count * scene.rng.uniform(1.5, 6))
    agents, bold = scene.world.agents, scene.bold(count)
    servers = any_of(rng, HOSTING, max(6, count // int(rng.integers(2, 12))))
    home = scene.world.net.home(rng, np.full(count, scene.partner.country))
    ip = np.where(bold, rng.choice(servers, count), home)
    agent = np.where(rng.random(count) < 0.5 * scene.strength, rng.choice(agents.stale, count), agents.desk(rng, count))
    typed = np.abs(rng.normal(rng.uniform(15, 90), rng.uniform(2, 15), scene.count)) + 2
    scene.perform(scene.puppets(scene.when(count), ip, agent, scene.fresh(count)), scene.careful(typed))


def stuffed_leads(scene: Scene) -> None:
    """Clerks abroad type in bought addresses, in shifts, from an office or behind proxies."""
    rng, count = scene.rng, int(scene.count * scene.rng.uniform(1.2, 3))
    abroad = int(rng.integers(MARKETS, len(HOME)))
    desks = int(rng.integers(5, 25))
    office = int(any_of(rng, HOME[abroad], 1)[0]) & ~0xFF
    hidden = rng.random(count) < 0.6 * (1 - scene.strength)
    ip = np.where(hidden, scene.world.net.vpn(rng, count), office + rng.integers(2, 2 + desks, count))
    seat = rng.integers(desks, size=count)
    machines, browsers = scene.fresh(desks), scene.world.agents.desk(rng, desks)
    device = np.where(rng.random(count) < 0.6, machines[seat], scene.fresh(count))
    day = rng.choice(len(scene.days), count, p=scene.days / scene.days.sum())
    ts = day * DAY + ((9 + rng.beta(2, 2, count) * 9 - SHIFT[abroad]) % 24) * HOUR
    typed = rng.gamma(12, rng.uniform(5, 18), scene.count)
    scene.perform(scene.puppets(ts, ip, browsers[seat], device), scene.careful(typed))


def device_farm(scene: Scene) -> None:
    """Racks of phones install and reset: few models, few addresses, new device ids, an even pace."""
    rng, count = scene.rng, int(scene.count * scene.rng.uniform(1.1, 2.5))
    phones = int(rng.integers(8, 50))
    block = int(any_of(rng, HOME[scene.partner.country], 1)[0]) & ~0xFF
    near = rng.random(count) < 0.4 + 0.6 * scene.strength
    mobile = scene.world.net.mobile(rng, np.full(count, scene.partner.country))
    ip = np.where(near, block + rng.integers(2, 2 + max(2, phones // 3), count), mobile)
    browsers = rng.choice(scene.world.agents.phones, max(2, phones // 10))
    reset = rng.random(count) < rng.uniform(0.5, 1)
    device = np.where(reset, scene.fresh(count), scene.fresh(phones)[rng.integers(phones, size=count)])
    pace = rng.uniform(45, 240) * rng.lognormal(0, 0.15 + 0.3 * (1 - scene.strength), scene.count)
    scene.perform(scene.puppets(scene.when(count), ip, rng.choice(browsers, count), device), scene.careful(pace))


def self_referral_ring(scene: Scene) -> None:
    """The partner and friends buy through their own links, again and again, under new names."""
    rng, count = scene.rng, int(scene.count * scene.rng.uniform(1.1, 2.5))
    members = rng.integers(len(scene.world.crowd), size=max(2, int(scene.count / rng.uniform(4, 15))))
    ts = moments(rng, count, scene.days, 1.0, float(SHIFT[scene.partner.country]))
    who = rng.choice(members, count)
    clicks = scene.dress({"ts": ts, **scene.world.crowd.connect(rng, who, ts, 0.4)}, count)
    named = rng.random(count) < 0.7
    clicks["who"] = np.where(named, _STRANGER + rng.integers(10**8, size=count), who)
    scene.perform(clicks, 15 + scene.usual(scene.count) * rng.uniform(0.1, 0.5))


def undisclosed_incentive(scene: Scene) -> None:
    """People paid in points by a task board do the least that counts, soon after a task is posted."""
    rng, count = scene.rng, int(scene.count * scene.rng.uniform(1.3, 3))
    posted = rng.choice(np.flatnonzero(scene.days > 0), int(rng.integers(4, 12))) * DAY + rng.uniform(8, 20) * HOUR
    wave = rng.choice(posted, count) + rng.exponential(rng.uniform(1, 6) * HOUR, count)
    ts = np.minimum(np.where(scene.bold(count), wave, scene.when(count)), scene.world.span - HOUR)
    clicks = scene.people(ts)
    clicks["referrer"][scene.bold(count)] = None
    quick = 15 + rng.uniform(30, 110) * rng.lognormal(0, 0.45, scene.count)
    scene.perform(clicks, scene.careful(quick))


def proxy_spoofing(scene: Scene) -> None:
    """Robots behind rented home lines, a new line and an invented browser at every step."""
    rng, count = scene.rng, int(scene.count * scene.rng.uniform(2, 12))
    agents, country = scene.world.agents, np.full(count, scene.partner.country)
    every = np.concatenate([agents.phones, agents.desks, agents.stale])
    usual = np.where(rng.random(count) < 0.5, agents.phone(rng, count), agents.desk(rng, count))
    agent = np.where(scene.bold(count), rng.choice(every, count), usual)
    clicks = scene.puppets(scene.when(count), scene.world.net.home(rng, country), agent, scene.fresh(count))
    clicks["click"] = scene.world.click(scene.partner.name, clicks)
    paced = scene.careful(rng.uniform(20, rng.uniform(120, 600), scene.count))
    bought = take(clicks, np.arange(scene.count))
    changed = scene.bold(scene.count)
    bought["ip"] = np.where(changed, scene.world.net.home(rng, bought["country"]), bought["ip"])
    known = {**bought, "click_ts": bought["ts"], "ts": bought["ts"] + paced}
    scene.world.goal(rng, scene.partner.name, scene.kind, known)


def geo_spoofing(scene: Scene) -> None:
    """Cheap visitors of one country are sold as visitors of another."""
    rng, count = scene.rng, int(scene.count * scene.rng.uniform(3, 15))
    abroad = np.full(count, int(rng.integers(MARKETS, len(HOME))))
    net, agents = scene.world.net, scene.world.agents
    plain = np.where(rng.random(count) < 0.6, net.mobile(rng, abroad), net.home(rng, abroad))
    ip = np.where(scene.bold(count), plain, net.vpn(rng, count))
    ts = moments(rng, count, scene.days, 1.0, float(SHIFT[abroad[0]]))
    clicks = scene.puppets(ts, ip, agents.phone(rng, count), scene.fresh(count))
    scene.perform(clicks, scene.usual(scene.count) * rng.uniform(0.3, 1))


def replayed_conversions(scene: Scene) -> None:
    """The partner's own postbacks are sent again, with another order number."""
    own = [goals for goals in scene.world.goals if goals["partner"][:1].tolist() == [scene.partner.name]]
    if not own:
        return
    rng, first = scene.rng, own[0]
    shown = take(first, rng.integers(len(first["ts"]), size=scene.count)) if len(first["ts"]) else first
    wait = np.exp(rng.uniform(np.log(60), np.log(rng.uniform(1, 4) * DAY), len(shown["ts"])))
    again = {name: shown[name] for name in shown if name not in ("revenue", "payout", "kind", "partner")}
    if rng.random() < 1 - scene.strength * 0.5:
        del again["order"]
    scene.world.goal(rng, scene.partner.name, scene.kind, {**again, "ts": shown["ts"] + wait})


def window_abuse(scene: Scene) -> None:
    """Once somebody has clicked, the link is loaded again and again so that the cookie never runs out."""
    rng, bought = scene.rng, scene.purchases()
    period = min(scene.world.offers[scene.offer].window, 7 * DAY) * rng.uniform(0.3, 0.95)
    clicks = scene.steal(bought, scene.careful(rng.uniform(0, period, scene.count)))
    watched = scene.people(rng.uniform(0, scene.world.span, int(scene.count * rng.uniform(1, 6))))
    for seen, first in ((clicks, 1), (watched, 0)):
        for turn in range(first, int(rng.integers(3, 7))):
            earlier = dict(seen, ts=seen["ts"] - turn * period + rng.normal(0, 90, len(seen["ts"])))
            scene.world.click(scene.partner.name, take(earlier, earlier["ts"] > 0))


def bought_sub_id(scene: Scene) -> None:
    """A good partner buys traffic under one sub id and does not look what it is."""
    recipes: tuple[Recipe, ...] = (proxy_spoofing, bot_leads, undisclosed_incentive, click_flooding)
    recipes[int(scene.rng.integers(len(recipes)))](scene)


def slow_ramp(scene: Scene) -> None:
    """Weeks of good behaviour, then more fraud every day."""
    start = int(len(scene.days) * scene.rng.uniform(0.3, 0.6))
    days = scene.days * np.maximum(0, np.arange(len(scene.days)) - start) ** scene.rng.uniform(0.7, 1.6)
    recipes: tuple[Recipe, ...] = (proxy_spoofing, bot_leads, cookie_stuffing, device_farm)
    recipes[int(scene.rng.integers(len(recipes)))](replace(scene, days=days))


Recipe = Callable[[Scene], None]
RECIPES: dict[str, Recipe] = {
    recipe.__name__: recipe
    for recipe in (
        click_flooding, click_injection, cookie_stuffing, bot_leads, stuffed_leads, device_farm, self_referral_ring,
        undisclosed_incentive, proxy_spoofing, geo_spoofing, replayed_conversions, bought_sub_id, slow_ramp,
        window_abuse,
    )
}  # fmt: skip
MODELS = {
    "click_injection": ("app",), "device_farm": ("app",), "bot_leads": ("cpl",), "stuffed_leads": ("cpl",),
    "self_referral_ring": ("revshare", "cpa"), "cookie_stuffing": ("revshare", "cpa"),
    "window_abuse": ("revshare", "cpa"),
}  # fmt: skip
"""Offers a fraud is committed on (app: paid per install); others are committed on any."""
