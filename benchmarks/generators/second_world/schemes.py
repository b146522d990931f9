"""What every fraud needs: an order for how much to steal and where, and the writing down of forged clicks and goals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from second_world.ledger import Goals, Traffic
from second_world.market import SECOND, Offer
from second_world.partners import Partner, World
from second_world.people import DAY, HOUR, Floats, Ints, Scene


@dataclass(frozen=True)
class Scheme:
    """One fraud by one partner: its kind, the payout it is after, how blatant it is (0 to 1), and where it hides."""

    world: World
    partner: Partner
    kind: str
    budget: float
    blatancy: float
    sub_ids: tuple[str | None, ...]
    days: tuple[int, int]
    mates: tuple[int, ...] = ()

    def as_kind(self, kind: str) -> Scheme:
        """Return the same scheme under another name."""
        return replace(self, kind=kind)

    def offer(self, event: str | None = None) -> int:
        """Choose the offer to steal from: of the wanted sort where there is one, the dearer the likelier."""
        offers = self.world.ledger.offers
        own = [int(place) for place in self.partner.offers]
        fit = [place for place in own if offers[place].event == event] or own
        worth = np.array([offers[place].payout for place in fit])
        return int(self.world.rng.choice(fit, p=worth / worth.sum()))

    def goals_wanted(self, offer: int) -> int:
        """Return how many conversions of an offer reach the budget."""
        one: Offer = self.world.ledger.offers[offer]
        pays = max(one.revenue_share * one.basket, 0.1) if one.revenue_share else one.payout
        return int(np.clip(round(self.budget / pays), 8, 1500))

    def some_subs(self, count: int) -> np.ndarray:
        """Draw sub_ids of the scheme, the first most often."""
        place = (self.world.rng.beta(0.6, 1.4, size=count) * len(self.sub_ids)).astype(np.int64)
        return np.array(self.sub_ids, dtype=object)[place]

    def hours_of_people(self, count: int, *, ramp: bool = False) -> Ints:
        """Draw moments when people are awake, within the days of the scheme; `ramp` makes the later days fuller."""
        rng = self.world.rng
        day = self._days(rng.beta(3.2, 1.0, size=count) if ramp else rng.random(count))
        hour = (rng.normal(16.5, 4.6, size=count)) % 24
        return day + (hour * HOUR).astype(np.int64)

    def hours_of_machines(self, count: int) -> Ints:
        """Draw moments around the clock, within the days of the scheme."""
        rng = self.world.rng
        return self._days(rng.random(count)) + (rng.random(count) * DAY).astype(np.int64)

    def _days(self, share: Floats) -> Ints:
        first, last = self.days
        return self.world.ledger.calendar.start + (first + (share * (last - first))).astype(np.int64) * DAY

    def anybody(self, count: int) -> Ints:
        """Draw people from the whole population."""
        return self.world.rng.integers(0, len(self.world.people), size=count)

    def blatant(self, count: int) -> np.ndarray:
        """Draw which events show the scheme's mark; the others are done with care."""
        return self.world.rng.random(count) < self.blatancy


@dataclass(frozen=True)
class Forged:
    """Forged conversions: when each was clicked and done, by whom it seems to be, and in what scenes."""

    offer: int
    click_ts: Ints
    ts: Ints
    person: Ints
    click_scene: Scene
    goal_scene: Scene
    customer: np.ndarray
    sub_id: np.ndarray
    referrer: np.ndarray
    affiliate: int | None = None


def carry_out(scheme: Scheme, forged: Forged) -> float:
    """Write forged clicks and their conversions down; return the payout stolen."""
    ledger, rng = scheme.world.ledger, scheme.world.rng
    count = len(forged.ts)
    number = scheme.partner.number if forged.affiliate is None else forged.affiliate
    offers = np.full(count, forged.offer, dtype=np.int64)
    clicks = Traffic(forged.click_ts, number, offers, forged.sub_id, forged.click_scene, forged.referrer, forged.person)
    keys = ledger.add_clicks(clicks)
    basket = ledger.offers[forged.offer].basket
    is_sale = ledger.offers[forged.offer].event == "sale"
    revenue = rng.gamma(2.2, basket / 2.2, size=count) if is_sale else np.zeros(count)
    done = Traffic(forged.ts, number, offers, forged.sub_id, forged.goal_scene, forged.referrer, forged.person)
    return ledger.add_goals(Goals(done, keys, forged.click_ts, forged.customer, revenue, scheme.kind))


def idle_clicks(scheme: Scheme, offer: int, ts: Ints, person: Ints, scene: Scene, referrer: np.ndarray) -> None:
    """Write down clicks that lead nowhere."""
    offers = np.full(len(ts), offer, dtype=np.int64)
    traffic = Traffic(ts, scheme.partner.number, offers, scheme.some_subs(len(ts)), scene, referrer, person)
    scheme.world.ledger.add_clicks(traffic)


def strangers(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return advertiser's numbers of customers never seen before."""
    return np.array([f"c{one:08d}" for one in rng.integers(10**7, 10**8 - 1, size=count)], dtype=object)


def nothing(count: int) -> np.ndarray:
    """Return absent texts."""
    return np.full(count, None, dtype=object)


def seconds(values: Floats) -> Ints:
    """Return seconds as microseconds."""
    return (values * SECOND).astype(np.int64)
