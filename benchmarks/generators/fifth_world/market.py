"""What is sold and who advertises it: offers, affiliates of nine trades and the habits that tell them apart."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from fifth_world.chance import Floats, Ints, between, zipf

TRADES = {
    "content": 0.3,
    "coupon": 0.13,
    "cashback": 0.07,
    "email": 0.1,
    "influencer": 0.14,
    "search": 0.09,
    "push": 0.06,
    "comparison": 0.08,
    "toolbar": 0.03,
}
CLOSERS = ("coupon", "cashback", "toolbar")
"""Trades that are met at the checkout: most of their visitors have decided already."""
_ODD = ("perks", "vpn", "no_agents", "lost_clicks", "relay", "telesales", "campus", "newcomer", "loyal", "codes")
"""Honest oddities: staff of few firms, hidden audience, losses of the tracker, clicks handed on by the partner's own
server, buyers served by telephone, one university, a start in mid-programme, a community, codes without clicks."""


@dataclass(frozen=True)
class Offer:
    """A product; `think_s`: seconds from wish to purchase in the middle, `window_s`: how long a click counts."""

    name: str
    form: str
    price: float
    share: float
    payout: float
    think_s: float
    scatter: float
    later: float
    window_s: float
    appeal: float
    returns: float
    rebuy: float
    report_s: float
    """Purchases are reported when the merchant's job runs, every so many seconds; 0: at once."""

    @property
    def once(self) -> bool:
        """Whether a person can take it only once."""
        return self.form in ("lead", "install", "trial")


@dataclass
class Affiliate:
    """A partner: trade, size, habits, and honest oddities."""

    number: int
    trade: str
    size: float
    offers: Ints
    offer_share: Floats
    audience: Ints
    taste: float
    """How good the audience buys, 1 is the middle of the trade."""
    phone: float | None
    checkout_s: float
    haste: float
    peak: float
    night: float
    sends: Floats
    """Days (with fraction, since the start) of letters, posts or spots; empty: none."""
    fade_days: float
    subs: Floats
    sub_form: str
    sites: tuple[str, ...]
    referrer_share: float
    active: tuple[float, float]
    oddities: frozenset[str] = frozenset()
    joined_days: float = 0.0
    waits: float = 1.0
    gaps: list[tuple[float, float]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the id in the tables."""
        return f"p{4100 + self.number * 7}"


def draw_offers(rng: np.random.Generator) -> list[Offer]:
    """Draw 8 to 20 offers: sales, subscriptions, trials, leads and installs."""
    count = int(rng.integers(8, 21))
    forms = rng.choice(["sale", "subscription", "lead", "install", "trial"], count, p=[0.42, 0.18, 0.18, 0.12, 0.1])
    forms[:4] = ["sale", "lead", "subscription", "install"]
    return [_offer(number, str(form), rng) for number, form in enumerate(forms)]


def _offer(number: int, form: str, rng: np.random.Generator) -> Offer:
    price = {"sale": between(rng, 18, 350), "subscription": between(rng, 6, 60)}.get(form, 0.0)
    fixed = {"lead": between(rng, 4, 60), "install": between(rng, 0.8, 5), "trial": between(rng, 5, 30)}
    fixed["subscription"] = price * between(rng, 0.8, 3)
    think = {"sale": (240, 1500), "subscription": (150, 1200), "lead": (70, 500), "install": (45, 240)}
    return Offer(
        name=f"{form}-{201 + number}",
        form=form,
        price=price,
        share=between(rng, 0.02, 0.14) if form == "sale" else 0.0,
        payout=fixed.get(form, 0.0),
        think_s=between(rng, *think.get(form, (100, 700))),
        scatter=rng.uniform(0.7, 1.3),
        later=float(rng.beta(2, 4)) * (0.4 if form in ("lead", "install") else 1.2),
        window_s=86400.0 * float(rng.choice([1, 7, 14, 30], p=[0.1, 0.25, 0.2, 0.45])),
        appeal=between(rng, 0.3, 3),
        returns=float(rng.beta(2, 14)) * (2.0 if form == "sale" else 0.8),
        rebuy=float(rng.beta(1, 8)) * (form in ("sale", "subscription")),
        report_s=float(rng.choice([0, 60, 300, 3600], p=[0.84, 0.08, 0.05, 0.03])),
    )


def draw_affiliates(rng: np.random.Generator, offers: list[Offer], days: int, people: int) -> list[Affiliate]:
    """Draw 60 to 150 partners with habits of their own."""
    count = int(rng.integers(60, 151))
    share = rng.dirichlet(np.array(list(TRADES.values())) * 30)
    trades = rng.choice(list(TRADES), count, p=share)
    trades[: len(TRADES)] = list(TRADES)
    sizes = np.exp(rng.normal(0, rng.uniform(0.9, 1.5), count))
    made = [_affiliate((n, str(trades[n])), float(sizes[n]), offers, (days, people), rng) for n in range(count)]
    for oddity in _ODD:
        for number in rng.choice(count, int(rng.integers(0, 4)), replace=False):
            made[number].oddities = made[number].oddities | {oddity}
    for partner in made:
        _settle(partner, days, rng)
    return made


def _affiliate(
    what: tuple[int, str], size: float, offers: list[Offer], world: tuple[int, int], rng: np.random.Generator
) -> Affiliate:
    (number, trade), (days, people) = what, world
    wide = trade in (*CLOSERS, "comparison")
    count = int(rng.integers(len(offers) // 2, len(offers) + 1) if wide else rng.integers(1, 6))
    chosen = rng.choice(len(offers), min(count, len(offers)), replace=False)
    appeal = np.array([offers[n].appeal for n in chosen]) * np.exp(rng.normal(0, 0.6, len(chosen)))
    phone = {"influencer": 0.85, "push": 1.0, "toolbar": 0.0}.get(trade)
    reach = int(people * min(0.6, between(rng, 0.01, 0.5) * (2 if trade in CLOSERS else 1)))
    site = f"https://{_site(number, trade)}"
    more = tuple(f"https://{_site(number + 1000 * n, trade)}" for n in range(1, int(rng.choice([1, 1, 1, 2, 3]))))
    return Affiliate(
        number=number,
        trade=trade,
        size=size,
        offers=chosen,
        offer_share=appeal / appeal.sum(),
        audience=rng.choice(people, max(200, reach), replace=False),
        taste=float(np.exp(rng.normal(0, 0.6))),
        phone=None if phone is None else float(np.clip(rng.normal(phone, 0.1), 0, 1)),
        checkout_s=between(rng, 5, 150),
        haste=rng.uniform(0.4, 1.1),
        peak=rng.normal(19, 2.5),
        night=float(rng.beta(1.5, 8)),
        sends=_sends(trade, days, rng),
        fade_days=between(rng, 0.02, 0.4) if trade in ("email", "push") else between(rng, 0.15, 1.5),
        subs=zipf(rng, int(between(rng, 1, 60)), rng.uniform(0.6, 1.8)),
        sub_form=str(rng.choice(["s{}", "pub-{}", "{}", "camp_{}", "", "w{}-top"])),
        sites=(site, *more),
        referrer_share=0.0 if trade in ("email", "push") else float(rng.beta(4, 1.5)),
        active=(0.0, float(days)),
        joined_days=-between(rng, 20, 1500),
        waits=between(rng, 0.5, 2),
    )


_FIRST = (
    "north",
    "blue",
    "smart",
    "daily",
    "urban",
    "prime",
    "happy",
    "green",
    "my",
    "best",
    "little",
    "open",
    "super",
)
_SECOND = {
    "content": ("journal", "garden", "notes", "kitchen", "trail", "review"),
    "influencer": ("diary", "vlog", "studio", "style"),
    "search": ("finder", "landing", "select"),
    "comparison": ("vergleich", "compare", "tarife"),
}
_ENDS = ("com", "net", "de", "co.uk", "fr", "es", "it", "pl", "io", "shop")


def _site(number: int, trade: str) -> str:
    second = _SECOND.get(trade, ("deals", "codes", "bonus", "savings", "extra"))
    ending = _ENDS[number // 7 % len(_ENDS)]
    return f"{_FIRST[number % len(_FIRST)]}{second[number % len(second)]}{number}.{ending}"


def _sends(trade: str, days: int, rng: np.random.Generator) -> Floats:
    if trade == "email":
        step, hour = float(rng.choice([1, 2, 3.5, 7, 14])), rng.uniform(5, 18)
        return np.asarray(np.arange(rng.uniform(0, step), days, step) // 1 + hour / 24)
    if trade == "push":
        return np.asarray(np.sort(rng.random(int(rng.integers(days // 3, days * 3))) * days))
    if trade == "influencer":
        return np.asarray(np.sort(rng.random(int(rng.integers(2, 14))) * days))
    if trade == "search" and rng.random() < 0.3:  # bids while a spot runs on television
        spots = np.arange(days)[:, None] + rng.choice([17.7, 18.4, 19.1, 20.2, 21.5], 3)[None, :] / 24
        return np.asarray(np.sort(spots.ravel()))
    return np.empty(0)


def _settle(partner: Affiliate, days: int, rng: np.random.Generator) -> None:
    """Give dates to what happens to a partner: start, pauses, outages of its tracking."""
    if "newcomer" in partner.oddities:
        begun = rng.uniform(0.1, 0.6) * days
        partner.active, partner.joined_days = (begun, float(days)), begun - rng.uniform(0, 8)
    elif rng.random() < 0.08:
        partner.active = (0.0, rng.uniform(0.3, 0.9) * days)
    for _ in range(rng.poisson(0.15)):
        at = rng.uniform(0, days)
        partner.gaps.append((at, at + between(rng, 0.05, 2)))
