"""What the programme's tracker hands over of what happened: some fields never, some late, some wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.schema import Kind

from .addresses import COUNTRIES, as_text, mixed
from .agents import Handsets
from .arrivals import DAY
from .channels import Affiliate
from .offers import Offer
from .people import Columns
from .world import REFERRERS, World

_CLICK_ABSENT = {"device_id": 0.3, "referrer": 0.3, "country": 0.25, "sub_id": 0.08, "user_agent": 0.04, "ip": 0.04}
_GOAL_ABSENT = {
    "ip": 0.12,
    "user_agent": 0.12,
    "device_id": 0.3,
    "country": 0.25,
    "referrer": 0.5,
    "sub_id": 0.1,
    "click_ts": 0.25,
    "customer_id": 0.35,
    "order_id": 0.4,
    "event": 0.35,
    "revenue": 0.5,
    "status": 0.3,
    "locks_at": 0.5,
}
"""How likely it is that a programme never has the field."""

# per kind of fraud: shares of chargeback, void and confirmed_fraud among known outcomes; the rest is retained
_STOLEN = (0.01, 0.05, 0.12)
_BAD = {
    "": (0.002, 0.05, 0.0),
    "click_flooding": _STOLEN,
    "click_injection": _STOLEN,
    "cookie_stuffing": _STOLEN,
    "window_abuse": _STOLEN,
    "undisclosed_incentive": (0.02, 0.45, 0.1),
    "self_referral_ring": (0.25, 0.3, 0.15),
}
_USUAL_BAD = (0.25, 0.25, 0.25)
_PHONE_HOSTS = ("l.facebook.com", "www.tiktok.com", "t.me", "l.instagram.com", "www.youtube.com", "lm.facebook.com")
_SEARCHES = ("www.google.com", "www.google.com", "www.bing.com", "duckduckgo.com", "search.yahoo.com")
_WORDS = [
    "best",
    "daily",
    "quick",
    "smart",
    "home",
    "money",
    "play",
    "deal",
    "guide",
    "top",
    "health",
    "news",
    "mobile",
    "win",
    "loan",
    "save",
]


@dataclass(frozen=True)
class Feed:
    """What a tracker does not give, and how it writes ids down."""

    no_log: bool
    clicks_absent: frozenset[str]
    goals_absent: frozenset[str]
    zero_device: float
    """Share of devices that tell nothing but zeros."""
    known: float
    """Share of goals of which an outcome becomes known."""
    server_side: float
    """Share of affiliates whose clicks never reach the log."""


def draw_feed(rng: np.random.Generator) -> Feed:
    """Draw what is lacking."""

    def absent(chances: dict[str, float]) -> frozenset[str]:
        return frozenset(name for name, chance in chances.items() if rng.random() < chance)

    return Feed(
        bool(rng.random() < 0.12),
        absent(_CLICK_ABSENT),
        absent(_GOAL_ABSENT),
        rng.uniform(0.02, 0.4) if rng.random() < 0.5 else 0.0,
        rng.uniform(0.05, 0.4),
        rng.uniform(0.03, 0.2) if rng.random() < 0.4 else 0.0,
    )


def joined(parts: list[Columns]) -> Columns:
    """Return batches of rows as one."""
    parts = [part for part in parts if len(part["ts"])]
    names = set(parts[0]).intersection(*parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in sorted(names)}


def coded(codes: np.ndarray, texts: list[str]) -> pl.Series:
    """Return the text of each code; -1 is null."""
    known = pl.Series(texts, dtype=pl.String)
    return known.gather(pl.Series(np.where(codes < 0, 0, codes))).set(pl.Series(codes < 0), None)


def hexadecimal(numbers: np.ndarray, salt: int, digits: int) -> pl.Series:
    """Return ids as trackers make them: digits of a hash; negative numbers are null."""
    ids = [f"{number:016x}"[:digits] for number in mixed(numbers, salt).tolist()]
    return pl.Series(ids, dtype=pl.String).set(pl.Series(numbers < 0), None)


def agent_texts(codes: np.ndarray, handsets: Handsets) -> pl.Series:
    """Return user agents of their codes."""
    distinct, place = np.unique(codes, return_inverse=True)
    return coded(place, [handsets.write(int(code)) for code in distinct])


def referrer_texts(affiliates: list[Affiliate], rows: Columns) -> pl.Series:
    """Return referrers of rows: what a code means depends on the channel of the affiliate."""
    styles = ("none", "zone", "social", "site", "search", "own")
    style = np.array([styles.index(affiliate.channel.referrer) for affiliate in affiliates])[rows["affiliate"]]
    code, owner = rows["referrer"], rows["affiliate"]
    key = np.where(code >= REFERRERS, code, np.where(style == 5, owner, code % REFERRERS))
    unknown = (code < 0) | ((style == 0) & (code < REFERRERS))
    both = np.where(unknown, -1, key * 8 + style)
    distinct, place = np.unique(both, return_inverse=True)
    texts = [_referrer(int(one) // 8, styles[int(one) % 8 if one >= 0 else 0]) for one in distinct]
    return coded(np.where(both < 0, -1, place), texts)


def _referrer(key: int, style: str) -> str:
    if key >= REFERRERS:
        return f"https://{_WORDS[key % 16]}-{key % 9973}.example.net/t/{key % 517}"
    if style == "social":
        return f"https://{_PHONE_HOSTS[key % len(_PHONE_HOSTS)]}/"
    if style == "search":
        return f"https://{_SEARCHES[key % len(_SEARCHES)]}/"
    if style == "own":
        return f"{site(key)}{_WORDS[key % 16]}/"
    tail = "example.org/afu.php" if style == "zone" else "example.com/"
    return f"https://{_WORDS[key % 16]}{_WORDS[key // 16 % 16]}{key}.{tail}"


def site(affiliate: int) -> str:
    """Return the page of an affiliate."""
    return f"https://{_WORDS[affiliate % 16]}{_WORDS[affiliate * 7 % 16]}{affiliate}.example.com/"


def facts(world: World, feed: Feed, affiliates: list[Affiliate], rows: Columns) -> dict[str, pl.Series]:
    """Return the columns that clicks and goals share, as text."""
    sub_salt = 1 if world.start % 2 else 2
    numbers = rows["sub"]
    names = [f"p{number}" if sub_salt == 1 else f"{number % 99991:05d}" for number in np.maximum(numbers, 0).tolist()]
    device = hexadecimal(rows["device"], 5, 16)
    device = _uuid(device, hexadecimal(rows["device"], 6, 16))
    zero = (mixed(rows["device"], 8) % np.uint64(1000)).astype(float) < 1000 * feed.zero_device
    device = device.set(pl.Series(zero & (rows["device"] >= 0)), "00000000-0000-0000-0000-000000000000")
    return {
        "affiliate_id": pl.Series(rows["affiliate"]).cast(pl.String).str.zfill(3),
        "offer_id": coded(rows["offer"], [offer.name for offer in world.offers]),
        "sub_id": pl.Series(names, dtype=pl.String).set(pl.Series(numbers < 0), None),
        "ip": as_text(rows["hi"].astype(np.uint64), rows["lo"].astype(np.uint64)),
        "user_agent": agent_texts(rows["agent"], world.handsets),
        "device_id": device,
        "country": coded(rows["country"], list(COUNTRIES)),
        "referrer": referrer_texts(affiliates, rows),
    }


def _uuid(head: pl.Series, tail: pl.Series) -> pl.Series:
    parts = (head.str.slice(0, 8), head.str.slice(8, 4), head.str.slice(12, 4), tail.str.slice(0, 4))
    text = tail.str.slice(4, 12)
    for part in reversed(parts):
        text = part + "-" + text
    return text


def tables(world: World, affiliates: list[Affiliate]) -> tuple[dict[Kind, pl.DataFrame], pl.DataFrame]:
    """Return the tables, times in seconds since 1970, and the truth of every goal."""
    rng, feed = world.rng, draw_feed(world.rng)
    clicks, goals = joined(world.log.clicks), joined(world.log.goals)
    end = world.days * DAY
    number = mixed(np.arange(len(clicks["ts"])), int(world.start))
    click_id = hexadecimal((number >> np.uint64(1)).astype(np.int64), 11, 14)
    server_side = rng.random(len(affiliates)) < feed.server_side
    seen = ~server_side[clicks["affiliate"]] & (clicks["ts"] < end)
    logged = pl.DataFrame(
        {"click_id": click_id, "ts": clicks["ts"] + world.start, **facts(world, feed, affiliates, clicks)}
    ).filter(pl.Series(seen))
    told = _goals(world, feed, affiliates, goals, click_id).filter(pl.Series(goals["ts"] < end))
    made = {
        Kind.CLICKS: logged.head(0) if feed.no_log else logged.drop(feed.clicks_absent, strict=False),
        Kind.CONVERSIONS: told.drop("kind", *feed.goals_absent, strict=False),
        Kind.OUTCOMES: _outcomes(feed, told, rng),
        Kind.AFFILIATES: _partners(world, affiliates, rng),
    }
    truth = told.select("conversion_id", is_fraud=pl.col("kind") != "", kind=pl.col("kind").replace("", None))
    return made, truth


def _goals(world: World, feed: Feed, affiliates: list[Affiliate], goals: Columns, click_id: pl.Series) -> pl.DataFrame:
    rng, count = world.rng, len(goals["ts"])
    offers: list[Offer] = world.offers
    events = {(offer.code, place + 1): name for offer in offers for place, (name, *_) in enumerate(offer.events)}
    names = [
        events.get(pair, "conversion") for pair in zip(goals["offer"].tolist(), goals["event"].tolist(), strict=True)
    ]
    ordered = np.isin(goals["offer"], [offer.code for offer in offers if offer.family == "sale"])
    ts = goals["ts"] + world.start
    late = ts > world.start + (world.days - rng.uniform(3, 20)) * DAY
    return pl.DataFrame(
        {
            "conversion_id": pl.Series(rng.permutation(count) + 10_000_000).cast(pl.String),
            "ts": ts,
            "payout": np.round(goals["payout"], 2),
            "click_id": click_id.gather(pl.Series(goals["click"])),
            "click_ts": goals["click_ts"] + world.start,
            **facts(world, feed, affiliates, goals),
            "customer_id": hexadecimal(goals["customer"] & ((1 << 62) - 1), 21, 12),
            "order_id": hexadecimal(np.where(ordered, goals["order"] & ((1 << 62) - 1), -1), 22, 10),
            "event": names,
            "revenue": np.round(goals["payout"] * rng.uniform(1.1, 1.6), 2),
            "currency": np.full(count, "USD", dtype=object),
            "status": np.where(late, "pending", np.where(rng.random(count) < 0.03, "rejected", "approved")),
            "locks_at": ts + 30 * DAY,
            "kind": goals["kind"],
        },
        schema_overrides={"currency": pl.String, "kind": pl.String},
    )


def _outcomes(feed: Feed, goals: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    known = goals.filter(pl.Series(rng.random(goals.height) < feed.known)).select("conversion_id", "ts", "kind")
    names = np.array(["chargeback", "void", "confirmed_fraud", "retained"])
    drawn = rng.random(known.height)
    limits = np.cumsum([_BAD.get(kind, _USUAL_BAD) for kind in known["kind"]] or np.zeros((0, 3)), axis=1)
    outcome = names[(drawn[:, None] >= limits).sum(axis=1)]
    lag = rng.lognormal(np.log(18 * DAY), 0.6, known.height)
    return known.select("conversion_id", outcome=pl.Series(outcome), ts=pl.col("ts") + pl.Series(lag))


def _partners(world: World, affiliates: list[Affiliate], rng: np.random.Generator) -> pl.DataFrame:
    methods = [[affiliate.channel.name.replace("offerwall", "incentive")] for affiliate in affiliates]
    sites = [[site(one.code)] if rng.random() < 0.6 else None for one in affiliates]
    return pl.DataFrame(
        {
            "affiliate_id": [f"{affiliate.code:03d}" for affiliate in affiliates],
            "name": [f"{_WORDS[one.code % 16]} {one.channel.name} {one.code}" for one in affiliates],
            "approved_sites": pl.Series(sites, dtype=pl.List(pl.String)),
            "promo_methods": pl.Series(methods, dtype=pl.List(pl.String)),
            "country": rng.choice(COUNTRIES[:13], size=len(affiliates)).tolist(),
            "joined_at": [
                world.start + (one.first * DAY if one.first else -rng.exponential(300) * DAY) for one in affiliates
            ],
            "status": ["active"] * len(affiliates),
        }
    )
