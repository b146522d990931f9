"""Schemes of the ninth programme that feed on real customers, friends, hired clickers or the books."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from ninth_world.machines import Job, clicks_of, paid
from ninth_world.market import EVENING, PHONE, SHOPS, START, WARM_DAYS
from ninth_world.people import DAY, HOUR, Rng, hexes
from ninth_world.traffic import FLOOR, Batch, joined, moments, settle

_FORUMS = ("https://boards.gamerlounge.net/t/88121", "https://free-wallpaper-hq.com/", "https://amazom-outlet.com/")
_TASKS = ("https://www.easytaskpay.com/offers", "https://t.me/", "https://gptcash.club/task/71")


def cookie_stuffing(rng: Rng, job: Job) -> Batch:
    """Load the tracking link unseen in many browsers, often for several shops at once, and wait for purchases."""
    people, size = job.world.people, min(9000, int(job.count / rng.uniform(0.006, 0.02)))
    who = people.pick(rng, job.markets(), np.array([6.0, 2, 2]), size)
    ts = moments(rng, job.day_weights, EVENING, people.clock[who])
    ip, shown = people.addresses(rng, who, ts), people.agent[who]
    columns = {"ts": ts, "person": who, "ip": ip, "user_agent": shown}
    clicks = clicks_of(rng, job, columns, None if job.care > 0.5 else (*_FORUMS, ""))
    others = [shop for shop in SHOPS if shop != job.offer.offer_id][: int(rng.integers(1, 4))]
    sprayed = [clicks]
    for shop in others:
        too = clicks.filter(pl.Series(rng.random(size) < 0.25))
        sprayed.append(
            too.with_columns(
                pl.Series("click_id", hexes(rng, too.height).tolist()),
                pl.lit(shop).alias("offer_id"),
                pl.col("ts") + pl.Series(rng.uniform(0.1, 2.5, too.height)),
            )
        )
    window = job.offer.window_days * DAY
    soon = 120 + rng.exponential(12 * HOUR, job.count)
    delay = np.where(rng.random(job.count) < 0.4 * job.care, soon, rng.uniform(300, window, job.count))
    return Batch(pl.concat(sprayed), settle(rng, job.world, job.offer, clicks.head(job.count), delay, job.kind))


def checkout_hijack(rng: Rng, job: Job) -> Batch:
    """Fire a click from a browser extension at the checkout of customers whom another partner had brought."""
    assert job.material is not None
    brought = job.material.clicks.filter(
        (pl.col("offer_id") == job.offer.offer_id)
        & ~pl.col("click_id").is_in(job.material.conversions["click_id"].to_list())
        & pl.col("user_agent").str.contains("Chrome/")
        & ~pl.col("user_agent").str.contains("Mobile")
    )
    size = min(int(job.count * rng.uniform(1.2, 1.8)), brought.height)
    chosen = brought[np.sort(rng.choice(brought.height, size, replace=False))].sample(
        size, shuffle=True, seed=int(rng.integers(1 << 30))
    )
    shopping = 90 + rng.exponential(18 * 60, size)
    columns = {"ts": chosen["ts"].to_numpy() + shopping, "person": chosen["person"].to_numpy(),
               "ip": chosen["ip"].to_numpy(), "user_agent": chosen["user_agent"].to_numpy()}  # fmt: skip
    seen = ("", f"https://www.shop{job.offer.offer_id}.com/checkout") if job.care < 0.5 else None
    clicks = clicks_of(rng, job, columns, seen)
    count = min(job.count, size)
    wait = 0.8 + rng.lognormal(np.log(2.5 + 14 * job.care), 0.5 + 0.2 * job.care, count)
    return Batch(clicks, paid(rng, job, clicks.head(count), wait))


def self_referral(rng: Rng, job: Job) -> Batch:
    """Let the partner and a few friends buy through its own link again and again, often to send things back."""
    people, circle = job.world.people, int(rng.integers(2, 4 + int(6 * job.care)))
    market = max(job.markets(), key=job.markets().__getitem__)
    friends = people.pick(rng, {market: 1.0}, np.array([1.0, 0.6, 0.6]), circle)
    return _orders_of(rng, job, friends)


def referral_ring(rng: Rng, job: Job) -> Batch:
    """Let some small partners, run by one hand, have the same people buy through each of their links."""
    people, circle = job.world.people, int(rng.integers(5, 9 + int(10 * job.care)))
    friends = people.pick(rng, {"US": 1.0, "GB": 0.5}, np.array([1.0, 0.8, 0.8]), circle)
    ring = (job.partner, *job.gang)
    share = max(2, job.count // len(ring))
    return joined([_orders_of(rng, replace(job, partner=one, count=share), friends) for one in ring])


def _orders_of(rng: Rng, job: Job, friends: np.ndarray) -> Batch:
    people, size = job.world.people, int(job.count * rng.uniform(1.2, 2.0)) + 1
    who = rng.choice(friends, size)
    ts = moments(rng, job.day_weights, EVENING, people.clock[who])
    roams = rng.random(size) < 0.15 + 0.4 * job.care
    ip = np.where(roams, people.addresses(rng, who, ts), people.home[who])
    clicks = clicks_of(rng, job, {"ts": ts, "person": who, "ip": ip, "user_agent": people.agent[who]})
    wait = FLOOR[job.offer.model] + 20 + rng.lognormal(np.log(120 + 120 * job.care), 0.6, job.count)
    made = paid(rng, job, clicks.head(job.count), wait)
    if job.care > 0.6 and job.offer.tells_customer:
        made = made.with_columns(customer_id=pl.Series([f"c{one}" for one in hexes(rng, job.count, 9)]))
    return Batch(clicks, made)


def undisclosed_incentive(rng: Rng, job: Job) -> Batch:
    """Pay people a little for signing up, without saying so: crowds within hours of each task, who never return."""
    people, size = job.world.people, int(job.count / rng.uniform(0.35, 0.75))
    who = people.pick(rng, job.markets(), np.array([0.6, 5, 2]), size)
    if job.care < 0.5:
        poor = people.pick(rng, {"RO": 1, "UA": 1, "PH": 1, "IN": 2}, np.array([0.6, 5, 1]), size)
        who = np.where(rng.random(size) < 0.2, poor, who)
    posted = START + DAY * rng.choice(
        len(job.day_weights), int(rng.integers(3, 9)), p=job.day_weights / job.day_weights.sum()
    )
    posted = posted - WARM_DAYS * DAY + rng.uniform(7, 22, len(posted)) * HOUR
    struck = rng.choice(posted, size) + rng.exponential((4 + 14 * job.care) * HOUR, size)
    spread = moments(rng, job.day_weights, PHONE, people.clock[who])
    ts = np.where(rng.random(size) < 0.9 - 0.4 * job.care, struck, spread)
    columns = {"ts": ts, "person": who, "ip": people.addresses(rng, who, ts), "user_agent": people.agent[who]}
    clicks = clicks_of(rng, job, columns, None if job.care > 0.4 else (*_TASKS, "", ""))
    median = max(6.0, job.offer.quick * (0.2 + 0.5 * job.care))
    wait = FLOOR[job.offer.model] + rng.lognormal(np.log(median), 0.5, job.count)
    return Batch(clicks, paid(rng, job, clicks.head(job.count), wait))


def duplicate_replay(rng: Rng, job: Job) -> Batch:
    """Send postbacks of one's own good conversions a second and third time, some with changed order numbers."""
    assert job.material is not None
    own = job.material.conversions.filter(pl.col("affiliate_id") == job.partner.affiliate_id)
    if own.is_empty():
        return Batch(job.material.clicks.clear(), own)
    chosen = own[rng.integers(0, own.height, job.count)]
    altered = rng.random(job.count) < job.care
    later = np.where(altered, rng.uniform(0.3, 9, job.count) * DAY, rng.lognormal(np.log(1500), 1.6, job.count) + 2)
    order = chosen["order_id"].to_list()
    suffix = rng.integers(1, 4, job.count).tolist()
    if job.care > 0.7:
        renamed = hexes(rng, job.count, 9).tolist()
    else:
        renamed = [None if one is None else f"{one}-{number}" for one, number in zip(order, suffix, strict=True)]
    told = [new if change and old else old for new, old, change in zip(renamed, order, altered.tolist(), strict=True)]
    copies = chosen.with_columns(
        pl.Series("conversion_id", hexes(rng, job.count).tolist()),
        pl.col("ts") + pl.Series(later),
        pl.Series("order_id", told, dtype=pl.String),
        pl.lit(job.kind).alias("kind"),
    )
    return Batch(job.material.clicks.clear(), copies)


def window_abuse(rng: Rng, job: Job) -> Batch:
    """Claim sales at the very end of the attribution window, or beyond it, or under old clicks of somebody else."""
    people, window = job.world.people, job.offer.window_days * DAY
    size = int(job.count * rng.uniform(6, 14))
    who = people.pick(rng, job.markets(), np.array([5.0, 3, 2]), size)
    ts = moments(rng, np.ones(len(job.day_weights)), EVENING, people.clock[who])
    columns = {"ts": ts, "person": who, "ip": people.addresses(rng, who, ts), "user_agent": people.agent[who]}
    clicks = clicks_of(rng, job, columns)
    ripe = clicks.filter(pl.col("ts") + window * 0.9 < job.world.end).head(job.count)
    late = window * (1 - (0.02 + 0.25 * job.care) * rng.beta(1, 2.2, ripe.height))
    over = rng.random(ripe.height) < 0.2 * (1 - job.care)
    delay = np.where(over, window * rng.uniform(1.0, 1.06, ripe.height), late)
    made = settle(rng, job.world, job.offer, ripe, delay, job.kind)
    if job.care > 0.4:
        return Batch(clicks, made)
    old = max(3, ripe.height // 12)
    recycled = ripe.head(old)[rng.integers(0, min(old, ripe.height), ripe.height)]
    reuse = pl.Series(rng.random(ripe.height) < 0.6) & (made["ts"] > recycled["ts"])
    return Batch(clicks, made.with_columns(
        pl.when(reuse).then(recycled["click_id"]).otherwise("click_id").alias("click_id"),
        pl.when(reuse).then(recycled["ts"]).otherwise("click_ts").alias("click_ts"),
    ))  # fmt: skip
