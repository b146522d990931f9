"""A world: everything drawn before anything happens, and the log of what then happens."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .addresses import load_ranges, mixed
from .agents import ANDROID, BROWSER, CLIENT, Handsets, draw_handsets
from .arrivals import DAY, HOUR
from .channels import Source
from .offers import APP, Offer, draw_offers
from .people import Audience, Columns, Crowd, draw_crowd

_FIRST_START = 1_767_571_200
"""2026-01-05, a Monday, in seconds since 1970."""
REFERRERS = 400
_VERSION_LIFE = 28 * DAY
_NONE = -1


@dataclass
class Log:
    """Clicks and goals as columns of numbers; a click's number is its place in the log."""

    clicks: list[Columns] = field(default_factory=list)
    goals: list[Columns] = field(default_factory=list)
    counted: int = 0

    def click(self, clicks: Columns) -> np.ndarray:
        """Write clicks down and return their numbers."""
        count = len(clicks["ts"])
        self.clicks.append(clicks)
        self.counted += count
        return np.arange(self.counted - count, self.counted)


@dataclass
class World:
    """Parts of a world. `wall` are people who earn on offerwalls, `stolen` how many people's details are for sale."""

    rng: np.random.Generator
    days: int
    start: float
    offers: list[Offer]
    crowd: Crowd
    handsets: Handsets
    wall: np.ndarray
    stolen: int
    goal_lag: float
    """Seconds that the usual postback takes."""
    affiliates: int = 0
    log: Log = field(default_factory=Log)

    def agents(self, people: np.ndarray, ts: np.ndarray, form: np.ndarray | int) -> np.ndarray:
        """Return the agents that people show at times."""
        age = ((ts + (people % 20) * DAY) // _VERSION_LIFE).astype(np.int64)
        return self.handsets.agent(self.crowd.facts(people, "handset"), form, age)

    def visits(self, source: Source, ts: np.ndarray, people: np.ndarray) -> Columns:
        """Return honest-looking clicks of people at times on a source."""
        rng, count = self.rng, len(ts)
        channel = source.affiliate.channel
        form = np.where(rng.random(count) < 0.85, channel.form, BROWSER)
        pool = source.affiliate.referrers
        referrer = pool[(rng.pareto(0.8, count) * 2).astype(np.int64) % len(pool)]
        known = channel.name == "in-app" or (source.offer.family == APP and channel.name == "offerwall")
        return {
            "ts": ts,
            "person": people,
            "affiliate": np.full(count, source.affiliate.code),
            "offer": np.full(count, source.offer.code),
            "agent": self.agents(people, ts, form),
            "device": np.where(known, self.crowd.facts(people, "device"), _NONE),
            "referrer": np.where(rng.random(count) < 0.85, referrer, _NONE),
            "sub": sub_codes(source, source.sub_of(count, rng)),
            **self.crowd.lines(people, ts, rng),
        }

    def audience(self, audience: Audience, count: int) -> np.ndarray:
        """Return visitors: mostly new people, some of whom come again."""
        fresh = max(1, round(count * (1 - audience.returning)))
        new = self.crowd.welcome(audience, fresh, self.rng)
        again = self.rng.choice(new, size=max(0, count - fresh))
        return self.rng.permutation(np.concatenate([new, again]))[:count]

    def commit(self, offer: Offer, clicks: Columns, delay: np.ndarray, **facts: np.ndarray | str | float) -> Columns:
        """Write clicks that convert after a delay, their goals and later events; return the goals.

        `facts` replace columns of the goals; `kind` names the fraud, `retention` multiplies the shares of events.
        """
        kind, retention = str(facts.pop("kind", "")), float(facts.pop("retention", 1.0))  # type: ignore[arg-type]
        numbers = self.log.click(clicks)
        goals = self._goals(offer, clicks, numbers, delay)
        goals |= {"kind": np.full(len(numbers), kind, dtype=object), **facts}  # type: ignore[dict-item]
        self.log.goals.append(goals)
        for place, (_, share, hours, payout) in enumerate(offer.events):
            doing = self.rng.random(len(numbers)) < share * retention
            later = {name: values[doing] for name, values in goals.items()}
            later["ts"] = later["ts"] + hours * HOUR * self.rng.lognormal(0, 1, int(doing.sum()))
            later |= {"event": np.full(len(later["ts"]), place + 1), "payout": np.full(len(later["ts"]), payout)}
            later["order"] = np.full(len(later["ts"]), _NONE)
            self.log.goals.append(later)
        return goals

    def _goals(self, offer: Offer, clicks: Columns, numbers: np.ndarray, delay: np.ndarray) -> Columns:
        rng, count, people = self.rng, len(numbers), clicks["person"]
        ts = clicks["ts"] + delay + offer.clock + rng.exponential(self.goal_lag, count)
        if offer.bulk:
            ts = (ts // offer.bulk + 1) * offer.bulk + rng.random(count) * 20
        moved = rng.random(count) < 0.04 + 0.5 * (1 - np.exp(-delay / (6 * HOUR)))
        lines = self.crowd.lines(people, ts, rng)
        app = offer.family == APP
        agent = np.where(app, self.agents(people, ts, CLIENT), clicks["agent"])
        browser = np.where(moved & (rng.random(count) < 0.3), self.agents(people, ts, BROWSER), agent)
        return clicks | {
            "ts": ts,
            "click": numbers,
            "click_ts": clicks["ts"],
            "payout": np.full(count, offer.payout),
            **{name: np.where(moved, lines[name], clicks[name]) for name in ("hi", "lo", "country")},
            "agent": agent if app else browser,
            "device": self.crowd.facts(people, "device") if app else clicks["device"],
            "customer": mixed(people, 77).astype(np.int64),
            "order": mixed(people, ts.astype(np.int64), 78).astype(np.int64),
            "event": np.zeros(count, dtype=np.int64),
            "kind": np.full(count, "", dtype=object),
        }


def sub_codes(source: Source, places: np.ndarray) -> np.ndarray:
    """Return the sub ids at places of a source's list; -1 stays -1: no sub id."""
    return np.where(places < 0, _NONE, source.subs[places] if len(source.subs) else _NONE)


def draw_world(rng: np.random.Generator) -> World:
    """Draw a world in which nothing has happened yet."""
    ranges, handsets = load_ranges(rng), draw_handsets(rng)
    start = float(_FIRST_START + int(rng.integers(0, 125)) * DAY)
    crowd, offers = draw_crowd(ranges, handsets, start, rng), draw_offers(rng)
    wall_countries = sum(offer.countries for offer in offers) / len(offers)
    platforms = np.eye(3)[ANDROID] * 0.8 + np.array([0.05, 0.13, 0.02])
    crowd.start = 0.0  # times are seconds since the start until they are written
    wall = crowd.welcome(Audience(wall_countries, platforms, 0.5, 0), int(rng.integers(150, 2500)), rng)
    days = int(rng.integers(28, 61))
    return World(rng, days, start, offers, crowd, handsets, wall, int(rng.integers(300, 4000)), rng.uniform(0.1, 3))
