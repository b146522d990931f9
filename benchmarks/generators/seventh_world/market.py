"""People, offers and partners of the seventh programme, and what honest partners bring."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .places import MARKETS, SHIFT, Agents, Draws, Net, any_of

DAY, HOUR = 86_400.0, 3_600.0
Facts = dict[str, np.ndarray]
"""Columns of clicks or conversions: ts (seconds since the first midnight), offer, sub, ip, agent, device, ..."""

_HOURS = np.array(
    [2, 1.2, 0.8, 0.6, 0.6, 1, 2, 3.2, 4, 4.6, 5, 5.2, 5.4, 5.2, 5, 5, 5.2, 5.6, 6.2, 7, 7.6, 7.2, 5.6, 3.6]
)
_WEEK = np.array([1.05, 1.0, 1.0, 0.98, 0.92, 0.9, 1.1])
_NO_DEVICE, _TIDY, _ROAMING = 0.06, 0.1, 0.03
"""Shares: visits without a device id, people who delete cookies, people who use a VPN."""


@dataclass(frozen=True)
class Offer:
    """What is advertised: how it pays, how long people think in one sitting, and how many come back days later."""

    model: str
    payout: float
    basket: float
    rate: float
    sitting: float
    later: float
    window: float
    app: bool = False

    def money(self, rng: Draws, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Revenue and payout of conversions."""
        if self.model == "revshare":
            revenue = np.round(self.basket * rng.lognormal(0, 0.7, count), 2)
            return revenue, np.round(revenue * self.payout, 2)
        return np.full(count, self.basket), np.full(count, self.payout)


def draw_offers(rng: Draws) -> list[Offer]:
    """Draw 5 to 15 offers of three ways to pay; the first three are a shop, a form and an app."""
    offers = []
    for place in range(int(rng.integers(5, 16))):
        model = ("revshare", "cpl", "cpa")[place] if place < 3 else rng.choice(["revshare", "cpl", "cpa"])
        window = float(rng.choice([7, 14, 30])) * DAY
        sitting = float(rng.uniform(6, 25)) * 60
        if model == "revshare":
            basket, part = float(rng.uniform(50, 260)), float(rng.uniform(0.04, 0.1))
            offers.append(Offer("revshare", part, basket, 0.05, sitting, rng.uniform(0.15, 0.35), window))
        elif model == "cpl":
            payout = float(np.round(rng.uniform(4, 14), 1))
            offers.append(Offer("cpl", payout, payout * 1.4, 0.09, sitting * 0.4, rng.uniform(0.04, 0.15), window))
        else:
            app = place == 2 or bool(rng.random() < 0.3)
            payout = float(np.round(rng.uniform(3, 9) if app else rng.uniform(10, 35), 1))
            thought = sitting * 0.35 if app else sitting
            window = 7 * DAY if app else window
            offers.append(Offer("cpa", payout, payout * 1.35, 0.05, thought, rng.uniform(0.1, 0.3), window, app))
    return offers


@dataclass(frozen=True)
class Trade:
    """How a kind of partner works: thinking time and return visits against the offer's, conversion rate, loyalty."""

    haste: float
    later: float
    rate: float
    loyalty: float
    phone: float
    referrers: tuple[str, ...]
    blind: float
    """Share of clicks that come without a referrer."""


TRADES = {
    "content": Trade(1.0, 1.2, 0.8, 0.5, 0.5, ("",), 0.2),
    "coupon": Trade(0.2, 0.15, 2.2, 0.8, 0.4, ("",), 0.15),
    "cashback": Trade(0.3, 0.3, 2.8, 2.5, 0.45, ("",), 0.1),
    "email": Trade(0.7, 0.7, 1.1, 1.8, 0.55, ("https://mail.google.com/", "https://outlook.live.com/"), 0.75),
    "social": Trade(0.8, 0.8, 0.5, 0.7, 0.9, ("https://l.instagram.com/", "https://l.facebook.com/"), 0.3),
    "search": Trade(0.6, 0.8, 1.2, 0.2, 0.55, ("https://www.google.com/", "https://www.bing.com/"), 0.12),
    "comparison": Trade(1.1, 1.3, 1.1, 0.5, 0.4, ("",), 0.15),
}
_TRADE_SHARES = np.array([0.28, 0.14, 0.08, 0.12, 0.16, 0.12, 0.1])


@dataclass(frozen=True)
class Partner:
    """An affiliate: its trade, its place, what it promotes, its sub ids, and when it began."""

    name: str
    trade: str
    site: str
    country: int
    offers: np.ndarray
    subs: np.ndarray
    clicks: int
    haste: float
    skill: float
    begins: float
    blasts: np.ndarray | None = None


def draw_partner(rng: Draws, number: int, world: World, clicks: int) -> Partner:
    """Draw a partner of a trade by its share."""
    number = int(world.names[number])
    trade = str(rng.choice(list(TRADES), p=_TRADE_SHARES))
    few = rng.choice(len(world.offers), min(len(world.offers), int(rng.integers(1, 5))), replace=False)
    site = f"https://www.{trade[:4]}-{rng.choice(['nest', 'hub', 'daily', 'point', 'lane', 'base'])}{number}.example/"
    count = int(rng.choice([0, 1, 3, 6, 12, 25], p=[0.1, 0.15, 0.25, 0.25, 0.15, 0.1]))
    words = {"email": "nl", "search": "kw", "social": "story"}.get(trade, "page")
    subs = np.array([f"{words}-{number_of}" for number_of in range(count)] or [None], dtype=object)
    begins = float(rng.uniform(0.15, 0.7) * world.span) if rng.random() < 0.15 else 0.0
    blasts = np.sort(rng.uniform(begins, world.span, int(rng.integers(2, 9)))) if trade == "email" else None
    haste, skill = float(rng.lognormal(0, 0.35)), float(rng.lognormal(0, 0.3))
    country = int(rng.choice(MARKETS))
    return Partner(f"aff{number}", trade, site, country, few, subs, clicks, haste, skill, begins, blasts)


class Crowd:
    """The people of the markets: each with a home line, perhaps an office, a phone and a computer."""

    def __init__(self, rng: Draws, net: Net, agents: Agents, count: int) -> None:
        self._net, self._agents = net, agents
        self.country = rng.choice(MARKETS, count, p=np.array([0.4, 0.2, 0.17, 0.13, 0.1]))
        self.home = net.home(rng, self.country)
        flat = rng.random(count) < 0.2
        mates = np.maximum(np.arange(count) - 1, 0)
        flat &= self.country == self.country[mates]
        self.home[flat] = self.home[mates[flat]]
        firms = any_of(rng, ("50.192.0.0/12", "81.128.0.0/12", "62.154.0.0/15"), 120)
        self.office = np.where(rng.random(count) < 0.12, firms[(120 * rng.random(count) ** 2).astype(int)], 0)
        self.phone, self.desk = agents.phone(rng, count), agents.desk(rng, count)
        self.devices = rng.integers(1, 2**62, (2, count))
        self.tidy, self.vpn = rng.random(count) < _TIDY, rng.random(count) < _ROAMING

    def __len__(self) -> int:
        return len(self.country)

    def connect(self, rng: Draws, who: np.ndarray, ts: np.ndarray, phone: float) -> Facts:
        """How people come at that moment: address, agent, device, country; `phone` is the share on phones."""
        count = len(who)
        by_phone = rng.random(count) < phone
        hour = (ts / HOUR + SHIFT[self.country[who]]) % 24
        ip = np.where(by_phone & (rng.random(count) < 0.5), self._net.mobile(rng, self.country[who]), self.home[who])
        working = (hour > 9) & (hour < 17) & (self.office[who] > 0) & ~by_phone
        ip = np.where(working, self.office[who], ip)
        ip = np.where(self.vpn[who] & (rng.random(count) < 0.8), self._net.vpn(rng, count), ip)
        device = self.devices[np.where(by_phone, 0, 1), who]
        device = np.where(self.tidy[who], rng.integers(1, 2**62, count), device)
        device = np.where(rng.random(count) < _NO_DEVICE, -1, device)
        agent = np.where(by_phone, self.phone[who], self.desk[who])
        return {"who": who, "ip": ip, "agent": agent, "device": device, "country": self.country[who]}


@dataclass
class World:
    """Everything of a programme that is drawn before traffic begins, and the traffic written down so far."""

    net: Net
    agents: Agents
    crowd: Crowd
    offers: list[Offer]
    span: float
    noise: np.ndarray
    sale: tuple[int, float, float]
    """Offer, beginning and end of a flash sale."""
    outage: tuple[float, float]
    names: np.ndarray
    clicks: list[Facts] = field(default_factory=list)
    goals: list[Facts] = field(default_factory=list)
    counted: int = 0

    def click(self, partner: str, facts: Facts) -> np.ndarray:
        """Write clicks down and return their numbers."""
        rows = self.counted + np.arange(len(facts["ts"]))
        self.counted += len(rows)
        names = np.full(len(rows), partner, dtype=object)
        self.clicks.append({**facts, "click": rows, "partner": names})
        return rows

    def goal(self, rng: Draws, partner: str, kind: str | None, facts: Facts) -> None:
        """Write conversions down; facts need ts, click, click_ts; postbacks of the outage arrive when it is over."""
        facts = take(facts, (facts["ts"] < self.span) & (facts["ts"] >= facts["click_ts"]))
        count = len(facts["ts"])
        lost = (facts["ts"] > self.outage[0]) & (facts["ts"] < self.outage[1])
        facts["ts"] = np.where(lost, self.outage[1] + rng.exponential(120, count), facts["ts"])
        money = np.zeros((2, count))
        for place in np.unique(facts["offer"]):
            there = facts["offer"] == place
            money[:, there] = self.offers[place].money(rng, int(there.sum()))
        told = np.full(count, kind, dtype=object)
        names = np.full(count, partner, dtype=object)
        paid = {"revenue": money[0], "payout": money[1], "order": rng.integers(10**9, 10**10, count)}
        self.goals.append({**paid, **facts, "partner": names, "kind": told})


def take(facts: Facts, rows: np.ndarray) -> Facts:
    """The named rows of every column."""
    return {name: values[rows] for name, values in facts.items()}


def moments(rng: Draws, count: int, days: np.ndarray, human: float, shift: float) -> np.ndarray:
    """Moments by day weights and by the hours of people `shift` hours ahead; `human` 0 is flat, 1 the usual day."""
    hours = human * _HOURS / _HOURS.sum() + (1 - human) / 24
    day = rng.choice(len(days), count, p=days / days.sum())
    hour = rng.choice(24, count, p=hours) + rng.random(count)
    return day * DAY + (hour - shift) % 24 * HOUR


def thought(rng: Draws, world: World, partner: Partner, offer: np.ndarray) -> np.ndarray:
    """Seconds honest buyers of the partner take from click to conversion: one sitting, or days later."""
    trade, count = TRADES[partner.trade], len(offer)
    sitting = np.array([one.sitting for one in world.offers])[offer] * trade.haste * partner.haste
    later = np.array([one.later for one in world.offers])[offer] * trade.later
    soon = 4 + sitting * rng.lognormal(0, 0.95, count)
    return np.where(rng.random(count) < later, rng.exponential(2.2 * DAY, count) + HOUR, soon)


def visit(rng: Draws, world: World, partner: Partner, count: int, days: np.ndarray | None = None) -> Facts:
    """Honest clicks: readers who come again and again, at the hours of their country."""
    trade = TRADES[partner.trade]
    if days is None:
        days = _day_weights(rng, world, partner)
    readers = rng.choice(len(world.crowd), max(8, int(count / (0.6 + trade.loyalty))))
    near = world.crowd.country[readers] == partner.country
    readers = readers[near | (rng.random(len(readers)) < 0.4)] if near.sum() > 3 else readers
    who = rng.choice(readers, count)
    ts = moments(rng, count, days, 1.0, float(SHIFT[partner.country]))
    if partner.blasts is not None and len(partner.blasts):
        sent = rng.choice(partner.blasts, count) + rng.exponential(5 * HOUR, count)
        ts = np.where((rng.random(count) < 0.75) & (sent < world.span), sent, ts)
    facts = {"ts": ts, "offer": rng.choice(partner.offers, count), "sub": _subs(rng, partner.subs, count)}
    facts |= world.crowd.connect(rng, who, ts, trade.phone)
    facts["referrer"] = referrers(rng, partner, count)
    return facts


def referrers(rng: Draws, partner: Partner, count: int) -> np.ndarray:
    """Pages clicks of the partner's trade come from."""
    trade = TRADES[partner.trade]
    pages = [f"{partner.site}{word}" for word in ("", "best-of", "deals", "guide", "top-10", "news")]
    known = list(trade.referrers) if trade.referrers[0] else pages
    found = rng.choice(np.array(known, dtype=object), count)
    found[rng.random(count) < trade.blind] = None
    return found


def buy(rng: Draws, world: World, clicks: Facts, delay: np.ndarray, phone: float) -> Facts:
    """Conversions of clicks by the same people; some have changed line or device by the time."""
    facts = dict(clicks, click_ts=clicks["ts"], ts=clicks["ts"] + delay)
    elsewhere = rng.random(len(delay)) < np.where(delay > HOUR, 0.45, 0.04)
    now = world.crowd.connect(rng, clicks["who"], facts["ts"], phone)
    for name in ("ip", "agent", "device"):
        facts[name] = np.where(elsewhere, now[name], clicks[name])
    return facts


def honest(rng: Draws, world: World, partner: Partner, scale: float) -> None:
    """Write down the clicks and conversions of an honest partner; `scale` multiplies every conversion rate."""
    clicks = visit(rng, world, partner, partner.clicks)
    clicks["click"] = world.click(partner.name, clicks)
    offer, begins, ends = world.sale
    on_sale = (clicks["offer"] == offer) & (clicks["ts"] > begins) & (clicks["ts"] < ends)
    rate = np.array([one.rate for one in world.offers])[clicks["offer"]] * TRADES[partner.trade].rate
    rate = rate * partner.skill * scale * np.where(on_sale, 1.8, 1.0)
    bought = take(clicks, rng.random(len(rate)) < np.minimum(rate, 0.6))
    delay = thought(rng, world, partner, bought["offer"])
    inside = delay < np.array([one.window for one in world.offers])[bought["offer"]]
    world.goal(
        rng, partner.name, None, buy(rng, world, take(bought, inside), delay[inside], TRADES[partner.trade].phone)
    )


def _day_weights(rng: Draws, world: World, partner: Partner) -> np.ndarray:
    days = np.arange(len(world.noise))
    wave = np.exp(np.cumsum(rng.normal(0, 0.12, len(days))) * 0.7)
    grown = 1 / (1 + np.exp(-(days - partner.begins / DAY - 4) / 2)) if partner.begins else np.ones(len(days))
    return _WEEK[days % 7] * world.noise * wave * np.where(days * DAY < partner.begins - DAY, 1e-9, grown)


def _subs(rng: Draws, subs: np.ndarray, count: int) -> np.ndarray:
    weights = 1 / (1 + np.arange(len(subs)))
    return rng.choice(subs, count, p=weights / weights.sum())


def draw_world(rng: Draws) -> World:
    """Draw places, people, offers, the sale and the outage of a programme of 30 to 45 days."""
    days = int(rng.integers(30, 46))
    net, agents = Net(rng), Agents(rng)
    crowd = Crowd(rng, net, agents, int(rng.integers(45_000, 90_000)))
    offers = draw_offers(rng)
    begins = float(rng.uniform(5, days - 5)) * DAY
    broken = float(rng.uniform(3, days - 3)) * DAY
    sale = (int(rng.integers(len(offers))), begins, begins + float(rng.uniform(1, 2.5)) * DAY)
    noise = rng.gamma(40, 1 / 40, days)
    noise[int(begins // DAY)] *= 1.5
    outage = (broken, broken + float(rng.uniform(2, 7)) * HOUR)
    names = rng.permutation(np.arange(1_000, 10_000))
    return World(net, agents, crowd, offers, days * DAY, noise, sale, outage, names)
