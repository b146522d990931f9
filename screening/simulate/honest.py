"""The honest traffic of a simulated programme: who clicks when, who converts, and how long that takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from screening.simulate.addresses import Net, draw_v4
from screening.simulate.agents import INDEX, variants
from screening.simulate.columns import DAY, NONE, SECOND, VISIT, Floats, Ints, Trail, identities, midnight, stream
from screening.simulate.markets import CODES
from screening.simulate.offers import OfferKind
from screening.simulate.partners import PartnerType, clocks
from screening.simulate.rhythm import after_blast, blast_days, daily_noise, ramp, time_of_day, weekday_shape
from screening.simulate.world import WARM_UP, World

_SALE_LIFT = (2.0, 3.6)
"""Times the usual clicks during a flash sale."""
_SALE_EAGERNESS = 1.5
"""Times the usual conversion rate during a flash sale."""
_DOUBLE = 0.02
"""Share of clicks that are repeated within seconds."""
_CRAWLED = 0.006
"""Share of clicks by declared crawlers."""
_FRAUD_CLICKS = 0.2
"""Share of the clicks left to fraud, where there is any: flooding and stuffing need many."""
_FOREIGN_RATE = 0.04
"""Times the usual conversion rate for people in countries that the offer does not pay for."""
_SAME_VISIT = 3600 * SECOND
"""Conversions later than this come from another visit."""
_OTHER_DEVICE = 0.13
"""Share of later conversions on the person's other device."""
_MOST_LIKELY = 0.6
"""No honest visitor is surer to convert than this."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When and for whom clicks come: one entry per click. `day` counts from the start of the period."""

    partner: Ints
    offer: Ints
    day: Ints


def honest_trail(world: World) -> Trail:
    """Simulate everybody who came by an honest way."""
    rng = stream(world.seed, "honest")
    plan = _plan(world, rng)
    person = world.readers(plan.partner, rng)
    clicks = _clicks(world, plan, person, rng)
    eager = _eagerness(world, plan, clicks, person, rng)
    bought = np.flatnonzero(rng.random(len(eager)) < eager)
    conversions = _conversions(world, clicks, person, bought, rng)
    extra = pl.concat([_doubles(clicks, rng), _crawlers(world, clicks, rng)])
    extra = extra.with_columns(key=pl.Series(np.arange(len(clicks), len(clicks) + len(extra), dtype=np.uint64)))
    return Trail(pl.concat([clicks, extra]), conversions)


def _plan(world: World, rng: np.random.Generator) -> Plan:
    days = world.spec.days + WARM_UP
    pairs = [(index, offer, weight) for index, partner in enumerate(world.partners)
             for offer, weight in zip(partner.offers, partner.offer_weights, strict=True)]  # fmt: skip
    partner, offer = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    size = np.array([world.partners[p].size * weight for p, _, weight in pairs])
    expected = size[:, None] * _activity(world, days, rng)[partner] * _calls(world, days, rng)[offer]
    wanted = world.spec.clicks * (1 - _DOUBLE - _CRAWLED) * (1 - _FRAUD_CLICKS * any(world.spec.fraud.values()))
    expected *= wanted / max(expected[:, WARM_UP:].sum(), 1e-12)
    counts = rng.poisson(expected * rng.gamma(8, 1 / 8, expected.shape))
    cell = np.repeat(np.arange(counts.size), counts.ravel())
    return Plan(partner[cell // days], offer[cell // days], cell % days - WARM_UP)


def _activity(world: World, days: int, rng: np.random.Generator) -> Floats:
    """Return for each partner and day how active it is."""
    joined = np.array([partner.joined_day for partner in world.partners]) + WARM_UP
    activity = ramp(joined, days) * daily_noise(len(world.partners), days, rng)
    mails = [index for index, partner in enumerate(world.partners) if partner.type is PartnerType.EMAIL]
    activity[mails] *= blast_days(len(mails), days, rng)
    return activity


def _calls(world: World, days: int, rng: np.random.Generator) -> Floats:
    """Return for each offer and day how much it is asked for."""
    first_weekday = (world.spec.start.weekday() - WARM_UP) % 7
    calls = np.array([weekday_shape(offer.clock, first_weekday, days) for offer in world.offers.offers])
    for index, offer in enumerate(world.offers.offers):
        if offer.sale_days is not None:
            first, last = offer.sale_days
            calls[index, WARM_UP + first : WARM_UP + last + 1] *= rng.uniform(*_SALE_LIFT)
    return calls


def _clicks(world: World, plan: Plan, person: Ints, rng: np.random.Generator) -> pl.DataFrame:
    clock = clocks(world.partners, world.offers.offers, plan.partner, plan.offer)
    moment = time_of_day(clock, world.people.offset[person], rng)
    mail = np.array([partner.type is PartnerType.EMAIL for partner in world.partners])[plan.partner]
    hour = rng.uniform(6, 19, (len(world.partners), int(plan.day.max(initial=0)) + WARM_UP + 1))
    moment[mail] = after_blast(hour[plan.partner[mail], plan.day[mail] + WARM_UP], rng)
    ts = midnight(world.spec.start) + plan.day * DAY + moment
    installs = np.isin(plan.offer, world.offers.of_kind(OfferKind.INSTALL))
    slot = np.where(installs, world.people.phone_slot(person), 0)
    seen = world.people.visit(person, slot, days_in(world, ts), rng)
    return pl.DataFrame(
        {
            "key": np.arange(len(ts), dtype=np.uint64),
            "ts": ts,
            "affiliate": plan.partner,
            "offer": plan.offer,
            "sub": world.subs.draw(plan.partner, rng),
            "referrer": world.referrers.draw(plan.partner, rng),
        }
    ).hstack(seen.select("country", "v4", "v6_high", "v6_low", "agent", "device", "customer"))


def _eagerness(world: World, plan: Plan, clicks: pl.DataFrame, person: Ints, rng: np.random.Generator) -> Floats:
    """Return each click's chance to convert, scaled so that the programme gets the conversions it asked for."""
    offers, partners = world.offers.offers, world.partners
    rate = np.array([offer.rate for offer in offers])[plan.offer]
    rate *= np.array([partner.habit.rate * partner.quality for partner in partners])[plan.partner]
    quality = np.append(np.array(world.subs.quality), 1.0)
    rate *= quality[clicks["sub"].to_numpy()]
    for index, offer in enumerate(offers):
        chosen = np.flatnonzero(plan.offer == index)
        if offer.sale_days is not None:
            during = (plan.day[chosen] >= offer.sale_days[0]) & (plan.day[chosen] <= offer.sale_days[1])
            rate[chosen[during]] *= _SALE_EAGERNESS
        accepted = world.offers.accepts(index)
        if accepted is not None:
            rate[chosen[~np.isin(world.people.country[person[chosen]], accepted)]] *= _FOREIGN_RATE
    rate *= rng.gamma(3, 1 / 3, len(rate))
    wanted = world.spec.conversions * (1 - sum(world.spec.fraud.values()))
    inside = plan.day >= 0
    return np.asarray(np.minimum(rate * wanted / max(rate[inside].sum(), 1e-12), _MOST_LIKELY), np.float64)


def _conversions(
    world: World, clicks: pl.DataFrame, person: Ints, bought: Ints, rng: np.random.Generator
) -> pl.DataFrame:
    chosen, who = clicks[bought], person[bought]
    partner, offer = chosen["affiliate"].to_numpy(), chosen["offer"].to_numpy()
    own_pace = np.exp(0.15 * rng.standard_normal(len(world.partners)))
    haste = np.array([item.habit.haste for item in world.partners])[partner] * own_pace[partner]
    lag = (world.offers.decide(offer, haste, rng) * 1000).astype(np.int64) * 1000
    window = np.array([item.window_days for item in world.offers.offers])[offer] * DAY
    in_time = np.flatnonzero(lag <= window)
    chosen, who, ts = chosen[in_time], who[in_time], chosen["ts"].to_numpy()[in_time] + lag[in_time]
    return claims(world, chosen, ts, bought_by(world, chosen, who, ts, rng), rng)


def bought_by(world: World, clicks: pl.DataFrame, person: Ints, ts: Ints, rng: np.random.Generator) -> pl.DataFrame:
    """Return what conversions at `ts` by the people behind these clicks show, in the columns VISIT.

    Soon after the click that is the same visit, later another one, sometimes on the other device; installs report what
    an app reports. The country is the one that the person states, where it lives.
    """
    offer = clicks["offer"].to_numpy()
    late = np.flatnonzero(ts - clicks["ts"].to_numpy() > _SAME_VISIT)
    install = np.isin(offer, world.offers.of_kind(OfferKind.INSTALL))
    usual = np.where(install, world.people.phone_slot(person), 0)
    other = (rng.random(len(late)) < _OTHER_DEVICE) & ~install[late]
    again = world.people.visit(person[late], np.where(other, 1, usual[late]), days_in(world, ts[late]), rng)
    app = world.people.app(person, days_in(world, ts))
    columns = {}
    for name in ("v4", "v6_high", "v6_low", "agent", "device"):
        seen = clicks[name].to_numpy().copy()
        seen[late] = again[name].to_numpy()
        columns[name] = np.where(install, app[name].to_numpy(), seen) if name in app.columns else seen
    named = np.array([item.names_customer for item in world.offers.offers])[offer]
    customer = world.people.customer[person] * named.astype(np.uint64)
    return pl.DataFrame({"country": world.people.country[person], **columns, "customer": customer})


def claims(world: World, clicks: pl.DataFrame, ts: Ints, seen: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return the conversions of these clicks at `ts` with visits `seen`: priced, each a new order, honest so far."""
    rise = np.array([partner.rise for partner in world.partners])[clicks["affiliate"].to_numpy()]
    paid = world.offers.price(clicks["offer"].to_numpy(), rise, rng)
    where = clicks.select("key", pl.col("ts").alias("click_ts"), "affiliate", "offer", "sub", "referrer")
    return (
        where.hstack(seen.select(*VISIT))
        .hstack(paid)
        .with_columns(
            ts=pl.Series(ts),
            order=pl.Series(identities(len(ts), rng)),
            scheme=pl.lit(NONE, pl.Int64),
            mechanic=pl.lit(NONE, pl.Int64),
        )
    )


def days_in(world: World, ts: Ints) -> Floats:
    """Return times as days since the start of the period."""
    return np.asarray((ts - midnight(world.spec.start)) / DAY, np.float64)


def _doubles(clicks: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return clicks that people repeat within seconds."""
    again = clicks[np.flatnonzero(rng.random(len(clicks)) < _DOUBLE)]
    return again.with_columns(
        ts=again["ts"] + pl.Series((rng.gamma(2, 0.9, len(again)) * 1000).astype(np.int64) * 1000)
    )


def _crawlers(world: World, clicks: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return clicks by declared crawlers that follow partners' links at any hour."""
    like = clicks[np.flatnonzero(rng.random(len(clicks)) < _CRAWLED)]
    count = len(like)
    family = np.full(count, INDEX["crawler"])
    variant = (rng.random(count) * variants(family)).astype(np.int64)
    day = days_in(world, like["ts"].to_numpy())
    return like.with_columns(
        ts=like["ts"] // DAY * DAY + pl.Series((rng.random(count) * 86_400_000).astype(np.int64) * 1000),
        v4=pl.Series(draw_v4(Net.CRAWLER, np.full(count, CODES.index("US")), rng)),
        v6_high=pl.lit(0, pl.UInt64),
        country=pl.lit(CODES.index("US"), pl.Int64),
        agent=pl.Series(world.agents.codes(family, variant, np.zeros(count, np.int64), day)),
        device=pl.lit(0, pl.UInt64),
        referrer=pl.lit(NONE, pl.Int64),
    )
