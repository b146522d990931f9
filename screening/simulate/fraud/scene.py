"""What every mechanic needs: how many conversions, when, where, by whom, and how to write them down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from screening.simulate.addresses import HOME_PREFIX, Net, draw_v4, draw_v6
from screening.simulate.columns import CLICKS, DAY, NONE, VISIT, Floats, Ints, Trail, Words, choose, midnight
from screening.simulate.fraud.scheme import Scheme
from screening.simulate.honest import claims, days_in
from screening.simulate.markets import COUNTRIES, REGION_WEIGHTS, members
from screening.simulate.offers import Offer
from screening.simulate.rhythm import Clock, time_of_day
from screening.simulate.spec import FraudKind
from screening.simulate.world import World

MOST_CLICKS = 0.07
"""Share of the programme's clicks that one act may add."""
FEWEST_CLICKS = 40
"""Per conversion: what an act that lives from masses of clicks adds at least, however small the programme."""
_KEY_SPACE = np.uint64(40)
"""Bits of a click's key that count within one act."""


@dataclass(frozen=True)
class Scene:
    """One mechanic of one scheme at work. `act` is its position among the scheme's mechanics."""

    world: World
    scheme: Scheme
    act: int
    rng: np.random.Generator

    @property
    def mechanic(self) -> FraudKind:
        """The mechanic at work."""
        return self.scheme.acts[self.act]

    def between(self, subtle: float, blatant: float) -> float:
        """Return a figure between two, by how blatant the scheme is."""
        return subtle + (blatant - subtle) * self.scheme.strength

    @cached_property
    def offers(self) -> Ints:
        """The offer of each conversion; their number makes up the payout that the act shall bring."""
        choice = np.array(self.scheme.offers)
        sample = self.world.offers.price(np.tile(choice, 200), np.ones(200 * len(choice)), self.rng)[
            "payout"
        ].to_numpy()
        target = self.scheme.target / len(self.scheme.acts)
        return choice[self.rng.integers(len(choice), size=max(round(target / max(float(sample.mean()), 1.0)), 2))]

    def offer(self, position: int) -> Offer:
        """Return an offer by its position in the programme."""
        return self.world.offers.offers[position]

    def days(self, count: int) -> Ints:
        """Draw the day of each event: uneven from day to day, rising where the scheme ramps."""
        first, last = self.scheme.days
        span = np.arange(first, last + 1)
        weight = self.rng.gamma(4, 1 / 4, len(span))
        if self.scheme.ramping:
            weight *= np.linspace(0.02, 1, len(span)) ** 1.5
        return np.asarray(span[choose(weight, count, self.rng)], np.int64)

    def moments(self, count: int, clock: Clock, offset: Floats) -> Ints:
        """Draw times within the scheme's days for people whose clocks are `offset` hours ahead."""
        start = midnight(self.world.spec.start)
        ts = start + self.days(count) * DAY + time_of_day(np.full(count, int(clock)), offset, self.rng)
        ts = np.where(ts < start, ts + DAY, ts)
        return np.where(ts >= start + self.world.spec.days * DAY, ts - DAY, ts)

    def before(self, ts: Ints, seconds: Floats) -> Ints:
        """Return the times that many seconds before `ts`, to the millisecond."""
        return np.asarray(ts - np.maximum((seconds * 1000).astype(np.int64), 200) * 1000, np.int64)

    def after(self, ts: Ints, seconds: Floats) -> Ints:
        """Return the times that many seconds after `ts`, to the millisecond."""
        return np.asarray(ts + np.maximum((seconds * 1000).astype(np.int64), 200) * 1000, np.int64)

    def locals(self, offers: Ints) -> Ints:
        """Draw a real person for each event, from where its offer is sold."""
        order, home = list(REGION_WEIGHTS), self.world.partners[self.scheme.partners[0]].region
        region = np.array([order.index(item.region or home) for item in self.world.offers.offers])[offers]
        drawn = np.zeros(len(offers), np.int64)
        for code in np.unique(region):
            chosen = np.flatnonzero(region == code)
            drawn[chosen] = self.world.locals(int(code), len(chosen), self.rng)
        return drawn

    def sold_in(self, offers: Ints) -> Ints:
        """Draw for each event a country where its offer is sold."""
        home = self.world.partners[self.scheme.partners[0]].region
        drawn = np.zeros(len(offers), np.int64)
        for offer in np.unique(offers):
            chosen = np.flatnonzero(offers == offer)
            countries, shares = members(self.offer(int(offer)).region or home)
            drawn[chosen] = countries[choose(shares, len(chosen), self.rng)]
        return drawn

    def idle_clicks(self, per_conversion: float) -> int:
        """Return how many clicks come without a conversion, within what the programme's log can take."""
        most = MOST_CLICKS * self.world.spec.clicks / len(self.scheme.acts) / len(self.offers)
        return int(min(per_conversion, max(most, FEWEST_CLICKS)) * len(self.offers))

    def clicks(self, ts: Ints, offers: Ints, visits: pl.DataFrame, referrer: Ints) -> pl.DataFrame:
        """Write clicks down, in the columns CLICKS. To be called once per act: it numbers the clicks."""
        first = np.uint64(1 + self.scheme.number * 4 + self.act) << _KEY_SPACE
        partner = np.array(self.scheme.partners)[self.rng.integers(len(self.scheme.partners), size=len(ts))]
        sub = self.world.subs.draw(partner, self.rng) if self.scheme.sub == NONE else np.full(len(ts), self.scheme.sub)
        place = {"affiliate": partner, "offer": offers, "sub": sub, "referrer": referrer}
        key = first + np.arange(len(ts), dtype=np.uint64)
        return pl.DataFrame({"key": key, "ts": ts, **place}).hstack(visits.select(*VISIT)).select(*CLICKS)

    def trail(self, clicks: pl.DataFrame, ts: Ints, seen: pl.DataFrame) -> Trail:
        """Let the first clicks convert at `ts` as `seen` shows, in the columns VISIT."""
        made = claims(self.world, clicks[: len(ts)], ts, seen, self.rng)
        return Trail(clicks.with_columns(customer=pl.lit(0, pl.UInt64)), self.labelled(made))

    def labelled(self, conversions: pl.DataFrame) -> pl.DataFrame:
        """Mark conversions as this scheme's."""
        mechanic = list(FraudKind).index(self.mechanic)
        return conversions.with_columns(
            scheme=pl.lit(self.scheme.number, pl.Int64), mechanic=pl.lit(mechanic, pl.Int64)
        )

    def referrers(self, count: int, strange: float, none: float) -> Ints:
        """Draw referrers: sites nobody registered, none at all, or what an honest click of the partner would carry."""
        partner = np.full(count, self.scheme.partners[0])
        usual = self.world.referrers.draw(partner, self.rng)
        sites = self.world.referrers.strange(int(self.rng.integers(2, 9)), self.rng)
        other = sites[(len(sites) * self.rng.random(count) ** 2).astype(np.int64)]
        luck = self.rng.random(count)
        return np.select([luck < strange, luck < strange + none], [other, NONE], usual)

    def agents(self, family: Ints, variant: Ints, lag: Ints, ts: Ints) -> Ints:
        """Return the codes of agents that are `lag` releases old at `ts`."""
        return self.world.agents.codes(family, variant, lag, days_in(self.world, ts))


def visits(net: Ints, country: Ints, agent: Ints, device: Words, rng: np.random.Generator) -> pl.DataFrame:
    """Return visits from new addresses of the given networks (positions in Net) and countries, in the columns VISIT."""
    v4 = np.zeros(len(net), np.int64)
    for kind in np.unique(net):
        chosen = np.flatnonzero(net == kind)
        v4[chosen] = draw_v4(list(Net)[kind], country[chosen], rng)
    home = (net == NETS[Net.RESIDENTIAL]) & (rng.random(len(net)) < np.array([c.ipv6 for c in COUNTRIES])[country])
    v6 = np.where(home, draw_v6(Net.RESIDENTIAL, country, HOME_PREFIX, rng), np.uint64(0))
    low = rng.integers(2**48, 2**63, len(net), dtype=np.uint64)
    columns = {"country": country, "v4": v4, "v6_high": v6, "v6_low": low, "agent": agent, "device": device}
    return pl.DataFrame(columns).with_columns(customer=pl.lit(0, pl.UInt64)).select(*VISIT)


NETS = {net: index for index, net in enumerate(Net)}
"""The position of each class of network."""
