"""What is exported: canonical tables of a simulated programme, with what its feed leaves out, and the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from canonical import Programme, canonical
from fifth_world.agents import STRINGS
from fifth_world.chance import DAY, Ints, between, mix, unit
from fifth_world.crooks import Crook
from fifth_world.ledger import KINDS, MERCHANT, REWARDS, SEARCH, SOCIAL, World, sorted_clicks
from fifth_world.market import CLOSERS, Affiliate
from fifth_world.networks import COUNTRIES, MAIN

from features.schema import Kind

_PLACES = {
    SEARCH: "https://www.google.com/",
    SEARCH + 1: "https://www.bing.com/",
    SOCIAL: "https://l.instagram.com/",
    SOCIAL + 1: "https://www.youtube.com/",
    MERCHANT: "https://checkout.example-shop.com/basket",
    MERCHANT + 1: "https://www.example-shop.com/",
    REWARDS: "https://tasks-for-coins.com/offer",
    REWARDS + 1: "https://www.microjobs-daily.net/",
    REWARDS + 2: "https://earnwall.app/tasks",
}
_EVENTS = {"sale": "purchase", "subscription": "subscribe", "lead": "lead", "install": "install", "trial": "trial"}
_METHODS = {"search": "ppc", "push": "push", "influencer": "social", "email": "newsletter"}
_CAUGHT = {"bot_leads": 0.3, "stuffed_leads": 0.45, "device_farm": 0.3, "proxy_spoofing": 0.3, "geo_spoofing": 0.2}
_SPOILT = {
    "proxy_spoofing": 0.3,
    "stuffed_leads": 0.25,
    "self_referral_ring": 0.35,
    "undisclosed_incentive": 0.3,
    "replayed_conversions": 0.25,
}
_OUTCOME_DAYS = 20.0
"""Days after the programme's end up to which outcomes are known."""


@dataclass(frozen=True)
class Feed:
    """What the export of a programme has."""

    has: frozenset[str]
    whole_seconds: bool
    cut_addresses: bool
    currency: str
    known: float
    """Share of conversions of which an outcome is ever told."""
    mistaken: float
    """Share of address blocks that the tracker takes for another country's."""
    silent_offers: Ints
    """Offers whose merchants report without address, agent and device."""


def draw_feed(world: World) -> Feed:
    """Draw what the tracker of this programme exports."""
    rng = world.rng
    likely = {
        "device_id": 0.7,
        "referrer": 0.75,
        "customer_id": 0.75,
        "order_id": 0.8,
        "sub_id": 0.9,
        "click_ts": 0.85,
        "conversion_ip": 0.85,
        "conversion_agent": 0.75,
        "country": 0.9,
        "revenue": 0.85,
        "locks_at": 0.3,
        "card": 0.9,
    }
    silent = np.flatnonzero(rng.random(len(world.offers)) < rng.choice([0, 0.15]))
    return Feed(
        has=frozenset(name for name, chance in likely.items() if rng.random() < chance),
        whole_seconds=bool(rng.random() < 0.35),
        cut_addresses=bool(rng.random() < 0.1),
        currency=str(rng.choice(["EUR", "USD", "GBP"])),
        known=between(rng, 0.03, 0.5),
        mistaken=float(rng.uniform(0, 0.02)),
        silent_offers=silent,
    )


def _text(codes: pl.Expr, texts: list[str] | tuple[str, ...]) -> pl.Expr:
    """Return the texts of codes; a negative code is null."""
    return pl.lit(pl.Series(texts, dtype=pl.String)).gather(pl.when(codes >= 0).then(codes))


def _address(name: str, feed: Feed) -> pl.Expr:
    number = pl.col(name)
    octets = [(number // 256**place % 256).cast(pl.String) for place in (3, 2, 1, 0)]
    return pl.concat_str(*([*octets[:3], pl.lit("0")] if feed.cut_addresses else octets), separator=".")


def _device(name: str) -> pl.Expr:
    number = pl.col(name)
    return pl.when(number >= 0).then(pl.concat_str(pl.lit("d"), number.cast(pl.String)))


def _sources(world: World, clicks: pl.DataFrame) -> pl.DataFrame:
    """Return the texts of sub_id and referrer for every pair of partner and number that occurs."""
    subs = clicks.select("partner", "sub").unique(maintain_order=True)
    forms = [partner.sub_form for partner in world.partners]
    return subs.with_columns(sub_id=pl.Series(_sub_texts(forms, subs), dtype=pl.String))


def _sub_texts(forms: list[str], subs: pl.DataFrame) -> list[str | None]:
    made = []
    for partner, sub in subs.iter_rows():
        number = int(mix(partner, sub)[0] % 9000)
        made.append(forms[partner].format(number) if forms[partner] else None)
    return made


def _referrer(world: World, name: str) -> pl.Expr:
    """Return where clicks came from as text: a page of the partner's own site, or a place elsewhere."""
    sites = [site for partner in world.partners for site in (partner.sites * 10)[:10]]
    own = _text(pl.col("partner") * 10 + pl.col(name).clip(0, 9), sites)
    page = pl.concat_str(own, pl.lit("/p/"), (pl.col("offer") * 7 + pl.col("sub") % 5).cast(pl.String))
    codes = pl.Series(list(_PLACES), dtype=pl.Int64)
    elsewhere = pl.col(name).replace_strict(codes, pl.Series(list(_PLACES.values())), default=None)
    return pl.when(pl.col(name) < 0).then(None).when(pl.col(name) < 10).then(page).otherwise(elsewhere)


def _common(world: World, feed: Feed, table: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """Return ids, sub_id and what was seen as text; `prefix` names the columns of what was seen."""
    absent = pl.lit(None, dtype=pl.String)
    ip, country = table["ip"].to_numpy(), table["country"].to_numpy()
    wrong = unit(ip >> 12, int(world.start)) < feed.mistaken
    table = table.with_columns(country=pl.Series(np.where(wrong, mix(ip >> 12, 5) % MAIN, country)))
    made = table.join(_sources(world, table), on=["partner", "sub"], how="left", maintain_order="left")
    shown = {
        "sub_id": pl.col("sub_id"),
        "device_id": _device("device"),
        "referrer": _referrer(world, f"{prefix}referrer"),
        "country": _text(pl.col("country"), COUNTRIES),
    }
    return made.with_columns(
        affiliate_id=_text(pl.col("partner"), [partner.name for partner in world.partners]),
        offer_id=_text(pl.col("offer"), [offer.name for offer in world.offers]),
        ip=_address("ip", feed),
        user_agent=_text(pl.col("agent"), STRINGS),
        **{name: column if name in feed.has else absent for name, column in shown.items()},
    )


def _stamp(name: str, feed: Feed) -> pl.Expr:
    return pl.col(name).floor() if feed.whole_seconds else pl.col(name)


def click_names() -> pl.Expr:
    """Return the ids of clicks from their numbers, in no order."""
    return pl.concat_str(pl.lit("k"), ((pl.col("click").cast(pl.Int64) * 7919 + 13) % 9_999_991).cast(pl.String))


def click_table(world: World, feed: Feed) -> pl.DataFrame:
    """Return the clicks that the tracker kept, in canonical columns."""
    clicks = sorted_clicks(world)
    lost = np.array(
        [0.2 + partner.number % 7 / 10 if "lost_clicks" in partner.oddities else 0.0 for partner in world.partners]
    )
    kept = world.rng.random(clicks.height) >= lost[clicks["partner"].to_numpy()]
    table = _common(world, feed, clicks.filter(kept), "").with_columns(click_id=click_names(), ts=_stamp("ts", feed))
    return canonical(Kind.CLICKS, table)


def conversion_table(world: World, feed: Feed, earned: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the conversions in canonical columns, and conversion_id, kind, offer and time of each."""
    rng, count = world.rng, earned.height
    every = world.per_offer("report_s")[earned["offer"].to_numpy()]
    ts = earned["ts"].to_numpy()
    ts = np.where(every > 0, np.ceil(ts / np.maximum(every, 1)) * every, ts)
    table = _common(world, feed, earned.with_columns(ts=pl.Series(ts)), "click_").with_columns(
        conversion_id=pl.Series([f"v{number}" for number in 100_000 + rng.permutation(count)]),
        click_id=pl.when(pl.col("click").is_not_null()).then(click_names()),
        event=_text(pl.col("offer"), [_EVENTS[offer.form] for offer in world.offers]),
        currency=pl.lit(feed.currency),
        status=pl.lit("pending"),
        customer_id=pl.concat_str(pl.lit("u"), pl.Series(mix(earned["who"].to_numpy(), 99) % 10**10).cast(pl.String)),
        order_id=pl.concat_str(
            pl.lit("o"), pl.col("offer").cast(pl.String), pl.lit("-"), pl.col("order").cast(pl.String)
        ),
        locks_at=pl.col("ts") + 30 * DAY,
        ts=_stamp("ts", feed),
        click_ts=_stamp("click_ts", feed),
    )
    silent = pl.col("offer").is_in(feed.silent_offers.tolist())
    blank = {"ip": "conversion_ip", "user_agent": "conversion_agent", "device_id": "conversion_agent"}
    for column, needed in blank.items():
        table = table.with_columns(pl.when(~silent & pl.lit(needed in feed.has)).then(pl.col(column)).alias(column))
    absent = [name for name in ("customer_id", "order_id", "click_ts", "revenue", "locks_at") if name not in feed.has]
    kinds = pl.when(pl.col("kind") >= 0).then(_text(pl.col("kind"), KINDS))
    facts = table.select("conversion_id", "ts", "offer", kind=kinds)
    return canonical(Kind.CONVERSIONS, table.drop(absent)), facts


def priced(world: World, earned: pl.DataFrame) -> pl.DataFrame:
    """Add revenue and payout, and the merchant's order number, to what was earned."""
    rng, offer = world.rng, earned["offer"].to_numpy()
    spread = np.where(world.per_offer("share")[offer] > 0, np.exp(rng.normal(0, 0.5, len(offer))), 1.0)
    revenue = world.per_offer("price")[offer] * spread
    payout = np.round(world.per_offer("payout")[offer] + world.per_offer("share")[offer] * revenue, 2)
    order = pl.int_range(pl.len()).over("offer") * 3 + 70_000
    return earned.with_columns(revenue=np.round(revenue, 2), payout=np.maximum(payout, 0.01)).with_columns(order=order)


def outcome_table(world: World, feed: Feed, facts: pl.DataFrame) -> pl.DataFrame:
    """Return what became of some conversions, days to weeks later; many frauds are never found out."""
    rng, count = world.rng, facts.height
    kinds = facts["kind"].fill_null("").to_list()
    caught = np.array([_CAUGHT.get(kind, 0.08) if kind else 0.0004 for kind in kinds]) * rng.uniform(0.2, 1.2)
    spoilt = np.array([_SPOILT.get(kind, 0.02) if kind else 0.003 for kind in kinds]) * rng.uniform(0.5, 1.5)
    back = world.per_offer("returns")[facts["offer"].to_numpy()] * np.array(
        [2.0 if k in _SPOILT else 1.0 for k in kinds]
    )
    draw = rng.random((5, count))
    said = np.select(
        [draw[0] < caught, draw[1] < spoilt, draw[2] < back, draw[3] < feed.known],
        ["confirmed_fraud", "chargeback", "refund", np.where(draw[4] < 0.4, "confirmed_clean", "retained")],
        "",
    )
    said = np.where((said == "refund") & (draw[4] < 0.25), "void", said)
    late = facts["ts"].to_numpy() + DAY * (1 + rng.gamma(2, 5.5, count))
    table = facts.select("conversion_id").with_columns(outcome=pl.Series(said.tolist()), ts=pl.Series(late))
    known = (pl.col("outcome") != "") & (pl.col("ts") < world.end + _OUTCOME_DAYS * DAY)
    return canonical(Kind.OUTCOMES, table.filter(known))


def affiliate_table(world: World) -> pl.DataFrame:
    """Return the partners with sites, methods and when they joined."""
    rows = [_partner_row(world, partner) for partner in world.partners]
    return canonical(Kind.AFFILIATES, pl.DataFrame(rows))


def _partner_row(world: World, partner: Affiliate) -> dict[str, object]:
    site = partner.sites[0].removeprefix("https://")
    country = COUNTRIES[int(np.bincount(world.people.country[partner.audience]).argmax())]
    return {
        "affiliate_id": partner.name,
        "name": site.split(".")[0],
        "email": f"partners@{site}",
        "payout_account": f"{country}{mix(partner.number, int(world.start))[0] % 10**16:016d}",
        "approved_sites": [f"{place}/" for place in partner.sites],
        "promo_methods": [_METHODS.get(partner.trade, partner.trade if partner.trade in CLOSERS else "content")],
        "country": country,
        "joined_at": world.start + partner.joined_days * DAY,
        "status": "active",
    }


def replay(world: World, earned: pl.DataFrame, crook: Crook) -> pl.DataFrame:
    """Return copies of a partner's own conversions, reported again with other order numbers or the very same."""
    rng = world.rng
    own = earned.filter((pl.col("partner") == crook.partner) & (pl.col("kind") < 0))
    if not own.height:
        return own
    chosen = rng.integers(0, own.height, min(crook.goals, int(own.height * between(rng, 0.2, 2)) + 1))
    again = own[np.sort(chosen)]
    lag = np.where(rng.random(again.height) < 0.3 + 0.6 * crook.stealth, rng.exponential(4 * DAY, again.height), 0)
    lag = lag + between(rng, 2, 3600) * np.exp(rng.normal(0, 0.4 + crook.stealth, again.height))
    renamed = rng.random(again.height) < 0.25 + 0.7 * crook.stealth
    made_up = np.where(
        rng.random(again.height) < 0.7 * crook.stealth, world.strangers(again.height), again["who"].to_numpy()
    )
    return again.with_columns(
        ts=pl.Series(again["ts"].to_numpy() + lag),
        kind=pl.lit(crook.code, dtype=pl.Int64),
        order=pl.Series(
            np.where(renamed, again["order"].to_numpy() + rng.integers(1, 4000, again.height) * 3, again["order"])
        ),
        who=pl.Series(made_up),
    ).filter(pl.col("ts") < world.end)


def bind(world: World, earned: pl.DataFrame) -> Programme:
    """Return the programme as its network would export it, with the truth."""
    feed = draw_feed(world)
    conversions, facts = conversion_table(world, feed, earned)
    tables = {
        Kind.CLICKS: click_table(world, feed),
        Kind.CONVERSIONS: conversions,
        Kind.OUTCOMES: outcome_table(world, feed, facts),
        Kind.AFFILIATES: affiliate_table(world),
    }
    truth = facts.select("conversion_id", is_fraud=pl.col("kind").is_not_null(), kind=pl.col("kind"))
    return Programme(tables, truth)
