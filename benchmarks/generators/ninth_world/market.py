"""The market of the ninth programme: its offers, the trades its partners follow, and the partners."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from ninth_world.people import DAY, Floats, Ints, Population, Rng, Texts, choose, hexes

START = 1756684800.0
"""Monday 1 September 2025, 00:00 UTC, in seconds since 1970."""
SCALE = 1.4
"""Clicks of every partner as a factor of its trade's."""
WARM_DAYS = 10
"""Days simulated before the export begins, so that its first conversions have clicks that it does not hold."""


@dataclass(frozen=True)
class Offer:
    """One advertiser's offer; `quick` and `spread` are the median (s) and log-sd of converting in one sitting."""

    offer_id: str
    model: str
    """`sale`, `lead`, `install` or `trial`."""
    pays: float
    """Payout for each, or the share of the basket for a sale."""
    basket: float
    ease: float
    """How easily a click converts, as a factor."""
    quick: float
    spread: float
    at_once: float
    """Share of conversions in one sitting; the others come back within days."""
    days: float
    window_days: int
    phones_only: bool = False
    tells_address: bool = True
    tells_customer: bool = True
    countries: tuple[str, ...] = ("US", "GB", "DE", "FR", "CA", "AU", "NL", "PL", "ES")

    @property
    def mean_payout(self) -> float:
        """What one conversion pays on average."""
        return self.pays * self.basket * 1.2 if self.model == "sale" else self.pays


OFFERS = (
    Offer("1041", "sale", 0.07, 62, 1.15, 420, 0.95, 0.72, 2.2, 30),
    Offer("1058", "sale", 0.03, 215, 0.7, 900, 1.1, 0.5, 3.5, 30),
    Offer("1103", "sale", 0.045, 310, 0.5, 1300, 1.0, 0.42, 5.0, 45, tells_customer=False),
    Offer("1117", "sale", 0.1, 44, 1.2, 330, 0.9, 0.78, 2.0, 14),
    Offer("1204", "trial", 18.0, 0, 0.6, 380, 0.8, 0.75, 1.5, 30),
    Offer("1222", "lead", 14.0, 0, 0.8, 210, 0.6, 0.9, 1.0, 14, countries=("US", "GB", "CA")),
    Offer("1229", "lead", 32.0, 0, 0.45, 280, 0.6, 0.85, 1.6, 30, tells_address=False, countries=("US", "DE", "AU")),
    Offer("1310", "lead", 6.5, 0, 1.2, 120, 0.6, 0.94, 0.8, 7),
    Offer("1402", "install", 1.9, 0, 1.5, 190, 1.0, 0.9, 0.7, 7, phones_only=True),
    Offer("1415", "install", 8.5, 0, 0.7, 330, 1.1, 0.8, 0.9, 7, phones_only=True),
    Offer("1506", "lead", 1.6, 0, 2.2, 48, 0.6, 0.98, 0.4, 7, countries=("US", "GB", "DE", "FR", "CA")),
    Offer("1533", "trial", 21.0, 0, 0.55, 300, 0.8, 0.7, 2.0, 30, tells_customer=False),
)
BY_ID = {offer.offer_id: offer for offer in OFFERS}
SHOPS = ("1041", "1058", "1103", "1117")
LEADS = ("1222", "1229", "1310")
APPS = ("1402", "1415")
TRIALS = ("1204", "1533")

EVENING = np.array(
    [2, 1.2, 0.8, 0.6, 0.6, 0.9, 1.8, 3, 4, 4.6, 5, 5.2, 5.4, 5.2, 5, 5, 5.2, 5.6, 6.2, 7, 7.6, 7.4, 6, 3.8]
)
WORKDAY = np.array(
    [0.4, 0.2, 0.1, 0.1, 0.2, 0.5, 1.5, 4, 7, 8.5, 9, 8.5, 7.5, 8, 8, 7.5, 6.5, 5, 4, 3.5, 3.2, 2.8, 2, 1]
)
PHONE = np.array(
    [3.5, 2.4, 1.6, 1.1, 0.9, 1.2, 2.5, 4, 4.5, 4.3, 4.3, 4.4, 5, 4.8, 4.5, 4.5, 4.7, 5, 5.2, 5.6, 6.2, 6.8, 6.6, 5]
)


@dataclass(frozen=True)
class Trade:
    """What partners of one trade have in common; their own habits scatter around it."""

    partners: int
    clicks: float
    converts: float
    hurry: float
    """Time to convert as a factor of the offer's own."""
    devices: tuple[float, float, float]
    offers: tuple[str, ...]
    subs: str
    referrers: tuple[str, ...]
    blank: float
    """Share of clicks without a referrer."""
    hours: Floats
    bursts: int = 0
    decay_hours: float = 6.0
    methods: tuple[str, ...] = ("content",)
    regulars: int = 0
    """Size of the circle of people who come again and again; 0: none."""


_SITE = ("https://{site}/{page}",)
_META = ("https://l.facebook.com/", "https://l.instagram.com/", "https://m.facebook.com/")
_CLIPS = ("https://www.youtube.com/", "https://www.tiktok.com/", "https://l.instagram.com/", "https://linktr.ee/{name}")
_MIXED = (*SHOPS, *LEADS, *TRIALS)
TRADES = {
    "content": Trade(16, 560, 0.026, 1.0, (5, 3, 3), _MIXED, "page", _SITE, 0.12, EVENING),
    "review": Trade(9, 900, 0.048, 0.9, (6, 2.5, 2.5), (*TRIALS, *LEADS, "1058", "1103"), "page", _SITE, 0.1, EVENING),
    "coupon": Trade(6, 850, 0.1, 0.09, (7, 1.5, 1.5), (*SHOPS, "1204"), "store", _SITE, 0.08, EVENING,
                    methods=("coupon",), regulars=700),
    "cashback": Trade(3, 1100, 0.15, 0.3, (5, 2, 2), (*SHOPS, *TRIALS), "member", _SITE, 0.05, EVENING,
                      methods=("cashback", "loyalty"), regulars=420),
    "email": Trade(5, 1500, 0.028, 0.8, (4, 3, 4), (*_MIXED, "1506"), "mailing", ("https://mail.google.com/",), 0.85,
                   WORKDAY, bursts=5, decay_hours=6.0, methods=("email",)),
    "social": Trade(7, 2400, 0.015, 1.0, (0.6, 5, 4.4), ("1041", "1117", "1310", "1506", "1204", *APPS), "ad", _META,
                    0.25, PHONE, methods=("paid_social",)),
    "search": Trade(5, 1300, 0.036, 0.85, (5, 3, 2), _MIXED, "keyword", ("https://www.google.com/",
                    "https://www.bing.com/"), 0.06, WORKDAY, methods=("paid_search",)),
    "native": Trade(5, 3200, 0.009, 1.1, (3, 4, 3), (*LEADS, "1204", "1506", "1117"), "zone",
                    ("https://{zone}/story/{page}",), 0.3, EVENING, methods=("native",)),
    "apps": Trade(7, 2600, 0.026, 0.8, (0, 6, 3.5), APPS, "app", ("",), 1.0, PHONE, methods=("mobile_apps",)),
    "influencer": Trade(7, 1100, 0.021, 1.0, (0.8, 4, 5), ("1041", "1117", "1204", "1310", *APPS), "none", _CLIPS, 0.3,
                        PHONE, bursts=4, decay_hours=15.0, methods=("influencer",)),
    "rewards": Trade(2, 850, 0.2, 0.45, (1, 6, 3), ("1402", "1506", "1310"), "placement", _SITE, 0.5, PHONE,
                     methods=("incentive",), regulars=500),
    "callcentre": Trade(1, 260, 0.34, 1.6, (1, 0, 0), ("1222", "1229"), "agent", ("",), 1.0, WORKDAY,
                        methods=("call_center",)),
}  # fmt: skip


@dataclass(frozen=True)
class Affiliate:
    """A partner and its habits. `offers` and `subs` map to weights; `joined` is in seconds since 1970."""

    affiliate_id: str
    trade: str
    name: str
    site: str
    country: str
    joined: float
    clicks: float
    converts: float
    hurry: float
    offers: dict[str, float]
    countries: dict[str, float]
    devices: Floats
    subs: dict[str, float]
    sub_converts: dict[str, float]
    blank: float
    regulars: Ints
    day_weights: Floats
    bursts: Floats
    contact: dict[str, str] = field(default_factory=dict)
    office: Texts = field(default_factory=lambda: np.array([], dtype=object))


_FIRST = (
    "harbor", "maple", "bright", "urban", "daily", "smart", "pixel", "cedar",
    "north", "lucky", "velvet", "swift", "copper", "lunar", "indigo", "prime", "amber",
)  # fmt: skip
_SECOND = (
    "deals", "guide", "media", "reach", "picks", "finder", "ledger", "club",
    "labs", "digest", "corner", "post", "traffic", "works", "hub", "living", "nest",
)  # fmt: skip
_SUFFIX = ("com", "com", "com", "net", "co.uk", "de", "io", "org", "info")
_PAGES = (
    "best-of", "guide", "winter", "review", "top-10", "how-to", "compare",
    "gift-ideas", "checklist", "budget", "vs", "ranking", "news", "start", "faq",
)  # fmt: skip


def sub_names(rng: Rng, style: str, regulars: Ints) -> list[str]:
    """Return the sub ids a partner of that style uses; empty for none."""
    many = int(rng.integers(5, 26))
    if style == "page":
        return [f"{_PAGES[rng.integers(len(_PAGES))]}-{rng.integers(1, 99)}" for _ in range(many)]
    if style == "member":
        return [f"m{100000 + person}" for person in regulars.tolist()]
    if style == "mailing":
        return [f"nl_{2500 + rng.integers(1, 400)}" for _ in range(5)]
    if style in ("zone", "app"):
        return [str(rng.integers(10_000, 999_999)) for _ in range(int(rng.integers(25, 90)))]
    if style == "none":
        return []
    return [f"{style[:2]}{rng.integers(100, 99_999)}" for _ in range(many)]


def _name(rng: Rng) -> tuple[str, str]:
    first, second = _FIRST[rng.integers(len(_FIRST))], _SECOND[rng.integers(len(_SECOND))]
    site = f"{first}{'-' if rng.random() < 0.3 else ''}{second}{rng.integers(2, 99) if rng.random() < 0.25 else ''}"
    return f"{first} {second}".title(), f"{site}.{_SUFFIX[rng.integers(len(_SUFFIX))]}"


def _weights(rng: Rng, keys: list[str], steep: float) -> dict[str, float]:
    """Weight the keys unequally: the k-th by about k to the minus `steep`."""
    return {key: (rank + 1.0) ** -steep * float(rng.lognormal(0, 0.3)) for rank, key in enumerate(dict.fromkeys(keys))}


def _days(rng: Rng, days: int) -> Floats:
    """Weight the days: weekly rhythm, slow drift and daily noise, each partner's own."""
    number = np.arange(days + WARM_DAYS)
    weekly = 1 + rng.normal(0, 0.18) * np.isin((number - WARM_DAYS) % 7, (5, 6))
    drift = np.exp(np.cumsum(rng.normal(0, 0.05, len(number))))
    return np.maximum(weekly, 0.3) * drift * rng.lognormal(0, 0.18, len(number))


def _pauses(rng: Rng, weights: Floats) -> Floats:
    """Let a buyer of advertising stop and start: budget runs out, campaigns are changed."""
    made = weights.copy()
    for _ in range(int(rng.integers(0, 4))):
        first = int(rng.integers(0, len(made)))
        made[first : first + int(rng.integers(1, 6))] *= rng.choice([0.05, 0.3, 2.2])
    return made


def _contact(rng: Rng, site: str) -> dict[str, str]:
    return {
        "email": f"{rng.choice(['partners', 'hello', 'ads', 'team'])}@{site}",
        "phone": f"+1{rng.integers(2010000000, 9890000000)}",
        "payout_account": f"acct_{hexes(rng, 1, 12)[0]}",
    }


def recruit(rng: Rng, trade_name: str, people: Population, days: int) -> Affiliate:
    """Make one partner of that trade with habits of its own."""
    trade, (name, site) = TRADES[trade_name], _name(rng)
    home = str(choose(rng, {"US": 45, "GB": 18, "DE": 12, "FR": 6, "CA": 6, "NL": 4, "PL": 5, "ES": 4}, 1)[0])
    abroad = {"US": 4.0, "GB": 2.0, "CA": 1.0, "DE": 0.8, "FR": 0.6, "AU": 0.6, "NL": 0.3, "ES": 0.4, "PL": 0.3}
    countries = abroad | {home: abroad[home] + rng.uniform(5, 40)}
    kept = rng.permutation(trade.offers)[: int(rng.integers(min(2, len(trade.offers)), min(6, len(trade.offers)) + 1))]
    devices = np.array(trade.devices) * rng.lognormal(0, 0.25, 3)
    circle = int(trade.regulars * rng.lognormal(0, 0.3))
    regulars = people.pick(rng, countries, devices, circle) if circle else np.array([], dtype=np.int64)
    subs = _weights(rng, sub_names(rng, trade.subs, regulars), float(rng.uniform(0.5, 1.3)))
    bought = trade_name in ("social", "search", "native", "apps")
    weights = _days(rng, days)
    affiliate = Affiliate(
        affiliate_id=str(rng.integers(10_000, 99_999)), trade=trade_name, name=name, site=site, country=home,
        joined=START - DAY * float(rng.uniform(30, 2200)),
        clicks=SCALE * trade.clicks * float(np.clip(rng.lognormal(0, 0.65), 0.15, 3.5)),
        converts=trade.converts * float(rng.lognormal(0, 0.3)), hurry=trade.hurry * float(rng.lognormal(0, 0.2)),
        offers=_weights(rng, [str(offer) for offer in kept], 0.7), countries=countries, devices=devices, subs=subs,
        sub_converts={sub: float(rng.lognormal(0, 0.4)) for sub in subs}, regulars=regulars,
        blank=float(np.clip(trade.blank * rng.lognormal(0, 0.3), 0, 1)),
        day_weights=_pauses(rng, weights) if bought else weights,
        bursts=START + DAY * rng.uniform(-WARM_DAYS, days, trade.bursts), contact=_contact(rng, site),
    )  # fmt: skip
    if trade_name != "callcentre":
        return affiliate
    desk = people.home[people.pick(rng, {home: 1.0}, np.array([1.0, 0, 0]), 3)]
    return replace(affiliate, office=desk, countries={"US": 1.0}, offers={"1222": 1.0, "1229": 0.5})


def honest_partners(rng: Rng, people: Population, days: int) -> list[Affiliate]:
    """Make the honest partners; two of them are new and ramp up within the period."""
    partners = [recruit(rng, name, people, days) for name, trade in TRADES.items() for _ in range(trade.partners)]
    for number in rng.choice(len(partners) - 1, 2, replace=False):
        partner, first = partners[number], int(rng.integers(WARM_DAYS + 5, WARM_DAYS + days // 2))
        ramp = 1 / (1 + np.exp(-(np.arange(days + WARM_DAYS) - first - 9) / 3.0))
        ramp[:first] = 0
        late = partner.bursts[partner.bursts > START + DAY * (first - WARM_DAYS)]
        partners[number] = replace(
            partner, day_weights=partner.day_weights * ramp, joined=START + DAY * (first - WARM_DAYS - 3), bursts=late
        )
    return partners


def affiliate_table(partners: list[Affiliate]) -> pl.DataFrame:
    """Return the partners as the network lists them; times in seconds since 1970."""
    return pl.DataFrame(
        {
            "affiliate_id": [partner.affiliate_id for partner in partners],
            "name": [partner.name for partner in partners],
            **{key: [partner.contact[key] for partner in partners] for key in ("email", "phone", "payout_account")},
            "approved_sites": [[f"https://{partner.site}/"] for partner in partners],
            "promo_methods": [list(TRADES[partner.trade].methods) for partner in partners],
            "country": [partner.country for partner in partners],
            "joined_at": [partner.joined for partner in partners],
            "status": ["active"] * len(partners),
        }
    )
