"""Honest traffic of the ninth programme: visits, what comes of them, and the events every programme knows.

Frames of clicks and conversions hold times in seconds since 1970 and, beside canonical columns, `person` (row of the
population) and, on conversions, `kind` (None: honest).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ninth_world.market import BY_ID, START, TRADES, WARM_DAYS, Affiliate, Offer
from ninth_world.people import DAY, HOUR, Floats, Ints, Population, Rng, Texts, hexes, hosts, known_networks

FLOOR = {"sale": 4.0, "trial": 14.0, "lead": 9.0, "install": 14.0}
"""Seconds below which nobody can have finished what the model asks for."""
SAME_VISIT = 3 * HOUR


@dataclass(frozen=True)
class World:
    """The people and how long they are watched."""

    people: Population
    days: int

    @property
    def end(self) -> float:
        """The moment of the export, seconds since 1970."""
        return START + self.days * DAY


@dataclass(frozen=True)
class Batch:
    """Clicks and the conversions that came of them."""

    clicks: pl.DataFrame
    conversions: pl.DataFrame


def joined(batches: list[Batch]) -> Batch:
    """Put batches together."""
    return Batch(pl.concat([batch.clicks for batch in batches]), pl.concat([batch.conversions for batch in batches]))


def moments(rng: Rng, day_weights: Floats, hours: Floats, clock: Floats) -> Floats:
    """Draw a time (s) for each person: a day by its weight, an hour of the local day by its weight."""
    size = len(clock)
    day = rng.choice(len(day_weights), size, p=day_weights / day_weights.sum()) - WARM_DAYS
    hour = rng.choice(24, size, p=hours / hours.sum())
    return START + day * DAY + (hour + rng.random(size) - clock) * HOUR


def referrers(rng: Rng, partner: Affiliate, subs: Texts) -> Texts:
    """Draw where the visitors came from, None where the browser or app did not say."""
    trade = TRADES[partner.trade]
    template = rng.choice(len(trade.referrers), len(subs))
    slug = partner.name.lower().replace(" ", "")
    made: list[str | None] = []
    for number, sub, hidden in zip(
        template.tolist(), subs, (rng.random(len(subs)) < partner.blank).tolist(), strict=True
    ):
        filled = trade.referrers[number].format(site=partner.site, page=sub or "", zone=f"news{sub}.com", name=slug)
        made.append(None if hidden or not filled else filled)
    return np.array(made, dtype=object)


def in_app(rng: Rng, agents: Texts) -> Texts:
    """Turn most mobile agents into those of the browser inside a social app."""
    inside = rng.random(len(agents))
    made = []
    for agent, draw in zip(agents, inside.tolist(), strict=True):
        if draw > 0.72 or "Mobile" not in agent:
            made.append(agent)
        elif "Android" in agent:
            made.append(agent.replace("; K)", "; K; wv)") + " [FB_IAB/FB4A;FBAV/524.0.0.49.75;]")
        else:
            made.append(agent.split(" Version/")[0] + " Mobile/15E148 Instagram 395.0.0.24.90")
    return np.array(made, dtype=object)


def click_frame(rng: Rng, partner_id: str, offer_id: str, columns: dict[str, object]) -> pl.DataFrame:
    """Make clicks of the given ts, person, sub_id, ip, user_agent, device_id and referrer; empty text is null."""
    size = len(columns["ts"])  # type: ignore[arg-type]
    texts = {name: pl.Series(name, list(columns[name]), dtype=pl.String) for name in
             ("sub_id", "ip", "user_agent", "device_id", "referrer")}  # fmt: skip
    return pl.DataFrame(
        {
            "click_id": pl.Series("click_id", hexes(rng, size).tolist(), dtype=pl.String),
            "ts": pl.Series("ts", columns["ts"], dtype=pl.Float64),
            "affiliate_id": pl.Series("affiliate_id", [partner_id] * size, dtype=pl.String),
            "offer_id": pl.Series("offer_id", [offer_id] * size, dtype=pl.String),
            **texts,
            "person": pl.Series("person", columns["person"], dtype=pl.Int64),
        }
    ).with_columns(pl.col(pl.String).replace("", None))


def audience(rng: Rng, world: World, partner: Affiliate, offer: Offer, size: int) -> Ints:
    """Draw who clicks: regulars of the partner's circle for a part, everybody else from its markets."""
    allowed = {name: weight for name, weight in partner.countries.items() if name in offer.countries}
    devices = partner.devices * (np.array([0.0, 1.0, 1.0]) if offer.phones_only else 1.0)
    devices = devices if devices.sum() > 0 else np.array([0.0, 0.5, 0.5])
    people = world.people.pick(rng, allowed or {"US": 1.0}, devices, size)
    regulars = partner.regulars
    if offer.phones_only and len(regulars):
        regulars = regulars[world.people.device[regulars] > 0]
    if len(regulars):
        share = 0.32 if partner.trade == "coupon" else 1.0
        again = rng.random(size) < share
        eager = rng.zipf(1.25, size) - 1
        keen = np.where(eager < len(regulars), eager, rng.integers(0, len(regulars), size))
        people[again] = regulars[keen[again]]
    return people


def visits(rng: Rng, world: World, partner: Affiliate, offer: Offer, size: int) -> pl.DataFrame:
    """Make that many honest clicks of a partner on an offer."""
    trade, people = TRADES[partner.trade], audience(rng, world, partner, offer, size)
    ts = moments(rng, partner.day_weights, trade.hours, world.people.clock[people])
    if len(partner.bursts):
        struck = rng.random(size) < 0.8
        burst = rng.choice(partner.bursts, size) + rng.exponential(trade.decay_hours * HOUR, size)
        ts[struck] = burst[struck]
    subs = np.array(list(partner.subs), dtype=object)
    chance = np.array(list(partner.subs.values()))
    sub = subs[rng.choice(len(subs), size, p=chance / chance.sum())] if len(subs) else np.full(size, "", dtype=object)
    if trade.subs == "member":
        sub = np.array([f"m{100000 + person}" for person in people.tolist()], dtype=object)
    ip, agent = world.people.addresses(rng, people, ts), world.people.agent[people]
    if len(partner.office):
        ip, agent = rng.choice(partner.office, size), rng.choice(agent[:2], size)
    device = np.where((rng.random(size) < 0.88) & (partner.trade == "apps"), world.people.device_id[people], "")
    shown = in_app(rng, agent) if partner.trade in ("social", "influencer") else agent
    columns = {"ts": ts, "person": people, "sub_id": sub, "ip": ip, "user_agent": shown, "device_id": device,
               "referrer": referrers(rng, partner, sub)}  # fmt: skip
    return click_frame(rng, partner.affiliate_id, offer.offer_id, columns)


def delays(rng: Rng, offer: Offer, hurry: float, size: int) -> Floats:
    """Draw the seconds from click to conversion of people who mean it."""
    at_once = offer.at_once + (1 - offer.at_once) * (0.65 if hurry < 0.5 else 0.0)
    quick = FLOOR[offer.model] + rng.lognormal(np.log(offer.quick * hurry), offer.spread, size)
    later = HOUR + rng.exponential(offer.days * DAY, size)
    made = np.where(rng.random(size) < at_once, quick, later)
    return np.where(made > offer.window_days * DAY, quick, made)


def settle(rng: Rng, world: World, offer: Offer, clicks: pl.DataFrame, delay: Floats, kind: str | None) -> pl.DataFrame:
    """Make the conversions that these clicks lead to after these delays (s)."""
    size, people = clicks.height, clicks["person"].to_numpy()
    ts = clicks["ts"].to_numpy() + delay
    moved = world.people.addresses(rng, people, ts)
    stayed = clicks["ip"].to_numpy()
    ip = np.where(delay < SAME_VISIT, stayed, moved)
    basket = np.round(rng.lognormal(np.log(max(offer.basket, 1.0)), 0.65, size), 2)
    paid = np.round(basket * offer.pays, 2) if offer.model == "sale" else np.full(size, offer.pays)
    told = (people * 2654435761 + int(offer.offer_id) * 40503) % (1 << 36)
    device = world.people.device_id[people] if offer.model == "install" else np.full(size, "", dtype=object)
    device = np.where((world.people.device[people] == 2) & (people % 5 < 3), "", device)
    named = offer.tells_customer and offer.model != "install"
    order = hexes(rng, size, 9) if offer.model != "install" else np.full(size, "", dtype=object)
    agent = world.people.agent[people] if offer.model == "install" else clicks["user_agent"].to_numpy()
    return pl.DataFrame(
        {
            "conversion_id": pl.Series(hexes(rng, size).tolist(), dtype=pl.String),
            "ts": pl.Series(ts, dtype=pl.Float64),
            "affiliate_id": clicks["affiliate_id"],
            "offer_id": clicks["offer_id"],
            "payout": pl.Series(paid, dtype=pl.Float64),
            "click_id": clicks["click_id"],
            "click_ts": clicks["ts"],
            "sub_id": clicks["sub_id"],
            "ip": pl.Series(ip.tolist(), dtype=pl.String),
            "user_agent": pl.Series(agent.tolist(), dtype=pl.String),
            "device_id": pl.Series(device.tolist(), dtype=pl.String),
            "country": pl.Series(world.people.country[people].tolist(), dtype=pl.String),
            "customer_id": pl.Series([f"c{one:09x}" if named else "" for one in told.tolist()], dtype=pl.String),
            "order_id": pl.Series(order.tolist(), dtype=pl.String),
            "event": pl.Series([offer.model] * size, dtype=pl.String),
            "revenue": pl.Series(basket if offer.model == "sale" else np.round(paid * 1.25, 2), dtype=pl.Float64),
            "kind": pl.Series([kind] * size, dtype=pl.String),
            "person": pl.Series(people, dtype=pl.Int64),
        }
    ).with_columns(pl.col("sub_id", "ip", "device_id", "customer_id", "order_id").replace("", None))


_SCANNERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
)


def repeated(rng: Rng, partner: Affiliate, clicks: pl.DataFrame) -> pl.DataFrame:
    """Add what every click log holds and nobody is paid for: double clicks, and scanners that open links first."""
    twice = clicks.filter(pl.Series(rng.random(clicks.height) < 0.03))
    twice = twice.with_columns(pl.col("ts") + pl.Series(rng.exponential(9, twice.height) + 0.3))
    share = 0.06 if partner.trade == "email" else 0.015 if partner.trade in ("content", "review", "social") else 0.0
    opened = clicks.filter(pl.Series(rng.random(clicks.height) < share * rng.uniform(0.2, 1.8)))
    servers = hosts(rng, rng.choice(known_networks().hosting["US"], 5), opened.height)
    opened = opened.with_columns(
        pl.Series("ip", servers.tolist(), dtype=pl.String),
        pl.Series("user_agent", rng.choice(_SCANNERS, opened.height).tolist(), dtype=pl.String),
        pl.lit(None, dtype=pl.String).alias("referrer"),
    )
    more = pl.concat([twice, opened])
    return pl.concat([clicks, more.with_columns(pl.Series("click_id", hexes(rng, more.height).tolist()))])


def honest(rng: Rng, world: World, partner: Affiliate, volume: float = 1.0) -> Batch:
    """Make a partner's honest traffic over all its offers, `volume` times its usual."""
    total, batches = sum(partner.offers.values()), []
    for offer_id, weight in partner.offers.items():
        offer = BY_ID[offer_id]
        size = max(1, int(rng.poisson(partner.clicks * volume * weight / total)))
        clicks = visits(rng, world, partner, offer, size)
        quality = clicks["sub_id"].replace_strict(partner.sub_converts, default=1.0, return_dtype=pl.Float64)
        chance = np.minimum(partner.converts * offer.ease * quality.to_numpy(), 0.6)
        bought = clicks.filter(pl.Series(rng.random(size) < chance))
        made = settle(rng, world, offer, bought, delays(rng, offer, partner.hurry, bought.height), None)
        batches.append(Batch(repeated(rng, partner, clicks), made))
    return joined(batches)


def flash_sale(rng: Rng, world: World, partners: list[Affiliate]) -> list[Batch]:
    """A shop sells cheap for a day and a half: its partners send several times their usual, which buys faster."""
    offer, first = BY_ID["1041"], START + DAY * float(rng.uniform(12, world.days - 8))
    batches = []
    for partner in (one for one in partners if "1041" in one.offers and one.joined < first):
        share = partner.offers["1041"] / sum(partner.offers.values())
        size = int(rng.poisson(partner.clicks * share / world.days * rng.uniform(2, 7)))
        if not size:
            continue
        clicks = visits(rng, world, partner, offer, size)
        clicks = clicks.with_columns(ts=first + rng.beta(1.2, 1.8, size) * 36 * HOUR)
        bought = clicks.filter(pl.Series(rng.random(size) < min(0.5, partner.converts * offer.ease * 1.9)))
        batches.append(
            Batch(
                clicks, settle(rng, world, offer, bought, delays(rng, offer, partner.hurry * 0.6, bought.height), None)
            )
        )
    return batches


def viral_post(rng: Rng, world: World, partners: list[Affiliate]) -> Batch:
    """One influencer's clip goes around in one country for two days."""
    partner = [one for one in partners if one.trade == "influencer"][int(rng.integers(3))]
    offer, first = BY_ID[next(iter(partner.offers))], START + DAY * float(rng.uniform(8, world.days - 6))
    size = int(rng.uniform(900, 2200))
    clicks = visits(rng, world, partner, offer, size).with_columns(ts=first + rng.gamma(1.4, 9 * HOUR, size))
    bought = clicks.filter(pl.Series(rng.random(size) < partner.converts * offer.ease * 0.8))
    return Batch(clicks, settle(rng, world, offer, bought, delays(rng, offer, partner.hurry, bought.height), None))


def outages(rng: Rng, world: World, batch: Batch) -> Batch:
    """Lose the click log for some hours, and let one advertiser report half a day of conversions all at once."""
    lost = START + DAY * float(rng.uniform(5, world.days - 5))
    clicks = batch.clicks.filter(~pl.col("ts").is_between(lost, lost + HOUR * float(rng.uniform(2, 4))))
    offer_id = str(rng.choice(["1204", "1310", "1041"]))
    mute = START + DAY * float(rng.uniform(5, world.days - 5))
    back = mute + HOUR * float(rng.uniform(7, 13))
    late = (pl.col("offer_id") == offer_id) & pl.col("ts").is_between(mute, back)
    resent = pl.Series(back + rng.uniform(0, 700, batch.conversions.height))
    return Batch(clicks, batch.conversions.with_columns(ts=pl.when(late).then(resent).otherwise("ts")))
