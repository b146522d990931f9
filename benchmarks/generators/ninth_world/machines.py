"""Schemes of the ninth programme run by machines, phones or hired hands: bots, farms, floods, proxies, typed leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ninth_world.market import PHONE, WARM_DAYS, Affiliate, Offer
from ninth_world.people import (
    DAY,
    FARAWAY,
    HOUR,
    MARKETS,
    Floats,
    Ints,
    Rng,
    Texts,
    android_agents,
    desktop_agents,
    device_ids,
    hosts,
    known_networks,
)
from ninth_world.traffic import FLOOR, Batch, World, click_frame, delays, in_app, moments, referrers, settle

MOST_FLOODED = 24_000
"""Clicks of one flood at most; a real one has a hundred times as many, which would only cost time here."""


@dataclass(frozen=True)
class Job:
    """One scheme at one partner: about `count` paid conversions on the offer, hidden with `care` (0 blatant, 1 all)."""

    kind: str
    world: World
    partner: Affiliate
    offer: Offer
    count: int
    care: float
    day_weights: Floats
    gang: tuple[Affiliate, ...] = ()
    """The other partners of a ring."""
    material: Batch | None = None
    """Honest traffic that the scheme feeds on: of everybody for a hijack, of the partner itself for a replay."""

    def hours(self, human: Floats) -> Floats:
        """Return weights of the hours: the clock around when blatant, those of people when careful."""
        return (1 - self.care) * np.ones(24) + self.care * human / human.mean()

    def markets(self) -> dict[str, float]:
        """Return the partner's countries in which the offer is sold."""
        held = {name: weight for name, weight in self.partner.countries.items() if name in self.offer.countries}
        return held or {"US": 1.0}


def active_days(rng: Rng, days: int) -> Floats:
    """Draw when a scheme runs: from some day on for some weeks, unevenly, with days off."""
    first = int(rng.uniform(0, 0.45 * days))
    last = min(days, first + max(8, int(rng.uniform(0.3, 1.0) * days)))
    weights = np.zeros(days + WARM_DAYS)
    weights[WARM_DAYS + first : WARM_DAYS + last] = rng.lognormal(0, 0.45, last - first)
    weights[rng.random(len(weights)) < 0.08] *= 0.1
    return weights


def some_subs(rng: Rng, partner: Affiliate, size: int) -> Texts:
    """Draw sub ids of the partner as its honest traffic carries them."""
    if not partner.subs:
        return np.full(size, "", dtype=object)
    chance = np.array(list(partner.subs.values()))
    return np.array(list(partner.subs), dtype=object)[rng.choice(len(chance), size, p=chance / chance.sum())]


def clicks_of(
    rng: Rng, job: Job, columns: dict[str, object], own_referrers: Sequence[str] | None = None
) -> pl.DataFrame:
    """Make the scheme's clicks (ts, person, ip, user_agent; sub_id, device_id when given), with the usual referrers."""
    size = len(columns["ts"])  # type: ignore[arg-type]
    subs = columns.get("sub_id", some_subs(rng, job.partner, size))
    shown = referrers(rng, job.partner, subs) if own_referrers is None else rng.choice(own_referrers, size)  # type: ignore[arg-type]
    if job.partner.trade in ("social", "influencer") and job.care > 0.4:
        columns = {**columns, "user_agent": in_app(rng, columns["user_agent"])}  # type: ignore[arg-type]
    blank = {"device_id": np.full(size, "", dtype=object)}
    made = {**blank, **columns, "sub_id": subs, "referrer": shown}
    return click_frame(rng, job.partner.affiliate_id, job.offer.offer_id, made)


def paid(rng: Rng, job: Job, clicks: pl.DataFrame, delay: Floats) -> pl.DataFrame:
    """Settle the clicks as conversions of the scheme that stay at the address of their click."""
    made = settle(rng, job.world, job.offer, clicks, delay, job.kind)
    return made.with_columns(ip=clicks["ip"])


def proxies(rng: Rng, people_country: Texts, care: float) -> Texts:
    """Draw addresses that hide the sender: servers and VPN when blatant, homes in the right country when careful."""
    nets, size = known_networks(), len(people_country)
    ip = np.empty(size, dtype=object)
    rented = {name: rng.choice(nets.hosting[name], 12) for name in MARKETS}
    for name in np.unique(people_country.astype(str)):
        here = np.flatnonzero(people_country == name)
        server = hosts(rng, rented.get(name, nets.vpn), len(here))
        server = np.where(rng.random(len(here)) < 0.25, hosts(rng, nets.vpn, len(here)), server)
        home = hosts(rng, nets.homes[name], len(here))
        ip[here] = np.where(rng.random(len(here)) < 0.1 + 0.88 * care, home, server)
    return ip


def bots(rng: Rng, job: Job, sub_ids: Texts | None = None) -> Batch:
    """Let scripts click and fill in forms: few agents, steady hours, even haste; the less so the more careful."""
    size = int(job.count / rng.uniform(0.12, 0.6))
    people = job.world.people.pick(rng, job.markets(), np.array([4.0, 3, 2]), size)
    ts = moments(rng, job.day_weights, job.hours(PHONE), job.world.people.clock[people])
    ip = proxies(rng, job.world.people.country[people], job.care)
    few = np.concatenate([desktop_agents(rng, 2 + int(60 * job.care)), android_agents(rng, 1 + int(40 * job.care))])
    columns: dict[str, object] = {"ts": ts, "person": people, "ip": ip, "user_agent": rng.choice(few, size)}
    if sub_ids is not None:
        columns["sub_id"] = rng.choice(sub_ids, size)
    clicks = clicks_of(rng, job, columns)
    typing = rng.lognormal(np.log(12 + 90 * job.care), 0.1 + 0.5 * job.care, job.count)
    return Batch(clicks, paid(rng, job, clicks.head(job.count), FLOOR[job.offer.model] * 0.6 + typing))


def bought_sub(rng: Rng, job: Job) -> Batch:
    """Let a good partner buy one placement that is bots; everything else of it stays good."""
    known = list(job.partner.subs)
    new = f"{known[0][:2]}{rng.integers(1000, 99_999)}" if known else "b1"
    return bots(rng, job, np.array([known[len(known) // 3] if known and job.care > 0.5 else new], dtype=object))


def slow_ramp(rng: Rng, job: Job) -> Batch:
    """Mix into good traffic a share of made-up leads that grows by the week, under the partner's own sub ids."""
    growing = np.clip(np.arange(len(job.day_weights)) - WARM_DAYS - 0.15 * job.world.days, 0, None) ** 1.5
    size = int(job.count / rng.uniform(0.1, 0.3))
    people = job.world.people.pick(rng, job.markets(), job.partner.devices + 0.2, size)
    ts = moments(rng, growing, job.hours(PHONE), job.world.people.clock[people])
    nets = known_networks().homes
    rented = {name: rng.choice(nets[name], 6 + int(150 * job.care)) for name in MARKETS}
    ip = np.array([hosts(rng, rented[name], 1)[0] for name in job.world.people.country[people]], dtype=object)
    agent = rng.choice(job.world.people.agent[people], 20 + int(200 * job.care))
    columns = {"ts": ts, "person": people, "ip": ip, "user_agent": rng.choice(agent, size)}
    clicks = clicks_of(rng, job, columns)
    hurry = (0.35 + 0.5 * job.care) * job.offer.quick
    wait = FLOOR[job.offer.model] + rng.lognormal(np.log(hurry), 0.3 + 0.3 * job.care, job.count)
    return Batch(clicks, paid(rng, job, clicks.head(job.count), wait))


def stuffed_leads(rng: Rng, job: Job) -> Batch:
    """Let hired hands type bought lists of consumers into the form, in the office hours of another country."""
    people, country = job.world.people, str(rng.choice(list(FARAWAY)))
    size, hands = int(job.count / rng.uniform(0.55, 0.9)), int(rng.integers(3, 12))
    named = people.pick(rng, job.markets(), np.array([1.0, 1, 1]), size)
    shift = np.where((np.arange(24) >= 9) & (np.arange(24) < 18), 1.0, 0.02)
    ts = moments(rng, job.day_weights, shift, np.full(size, float(FARAWAY[country])))
    worker = rng.integers(0, hands, size)
    own = hosts(rng, rng.choice(known_networks().homes[country], 2), hands)[worker]
    ip = np.where(rng.random(size) < job.care, proxies(rng, people.country[named], job.care), own)
    agent = desktop_agents(rng, hands)[worker]
    clicks = clicks_of(rng, job, {"ts": ts, "person": named, "ip": ip, "user_agent": agent})
    typing = FLOOR[job.offer.model] + 25 + rng.gamma(3.0, 22 + 20 * job.care, job.count)
    return Batch(clicks, paid(rng, job, clicks.head(job.count), typing))


def device_farm(rng: Rng, job: Job) -> Batch:
    """Install on a shelf of phones whose ids are reset each time, behind one line or the sticks of one carrier."""
    people, country = job.world.people, max(job.markets(), key=job.markets().__getitem__)
    size, phones = int(job.count / rng.uniform(0.5, 0.85)), int(rng.integers(12, 60))
    who = people.pick(rng, {country: 1.0}, np.array([0, 1.0, 0.0]), size)
    ts = moments(rng, job.day_weights, job.hours(PHONE), people.clock[who])
    line = hosts(rng, rng.choice(known_networks().homes[country], 1 + int(3 * job.care)), 4)
    sticks = people.exits[rng.choice(people.carrier[who])]
    ip = np.where(rng.random(size) < job.care, rng.choice(sticks, size), rng.choice(line, size))
    agent, fresh = rng.choice(android_agents(rng, phones)[: 3 + int(phones * job.care)], size), device_ids(rng, size)
    clicks = clicks_of(rng, job, {"ts": ts, "person": who, "ip": ip, "user_agent": agent, "device_id": fresh})
    wait = FLOOR[job.offer.model] + rng.lognormal(np.log(60 + 130 * job.care), 0.2 + 0.4 * job.care, job.count)
    first = clicks.head(job.count)
    made = paid(rng, job, first, wait)
    return Batch(clicks, made.with_columns(first["device_id"], first["user_agent"]))


def geo_spoof(rng: Rng, job: Job) -> Batch:
    """Bring cheap people from far away through exits in the country the offer pays for; some leak where they are."""
    people, country = job.world.people, str(rng.choice(["IN", "VN", "PH", "ID", "BD", "PK", "NG"]))
    size = int(job.count / rng.uniform(0.06, 0.2))
    who = people.pick(rng, {country: 1.0}, np.array([0.15, 1.0, 0.05]), size)
    claimed = rng.choice(list(job.markets()), size).astype(object)
    ts = moments(rng, job.day_weights, PHONE, people.clock[who])
    hidden, true = proxies(rng, claimed, job.care), people.addresses(rng, who, ts)
    leaks = rng.random(size) < 0.35 * (1 - job.care)
    ip = np.where(leaks, true, hidden)
    clicks = clicks_of(rng, job, {"ts": ts, "person": who, "ip": ip, "user_agent": people.agent[who]})
    made = paid(rng, job, clicks.head(job.count), delays(rng, job.offer, 0.7, job.count))
    shown = pl.Series("ip", hidden[: job.count].tolist(), dtype=pl.String)
    return Batch(clicks, made.with_columns(shown, country=pl.Series(claimed[: job.count].tolist())))


def click_flooding(rng: Rng, job: Job) -> Batch:
    """Report clicks nobody made for as many phones as possible, and be last before installs that come anyway."""
    people = job.world.people
    size = min(MOST_FLOODED, int(job.count / rng.uniform(0.002, 0.008)))
    who = people.pick(rng, job.markets(), np.array([0, 0.75, 0.25]), size)
    ts = moments(rng, job.day_weights, job.hours(PHONE), people.clock[who])
    ip = people.addresses(rng, who, ts)
    if job.care < 0.4:
        servers = hosts(rng, rng.choice(known_networks().hosting["US"], 3), 12)
        ip = np.where(rng.random(size) < 0.7, rng.choice(servers, size), ip)
    columns = {"ts": ts, "person": who, "ip": ip, "user_agent": people.agent[who], "device_id": people.device_id[who]}
    clicks = clicks_of(rng, job, columns)
    chosen = clicks.head(job.count)
    flat = rng.uniform(40, job.offer.window_days * DAY, job.count)
    early = 30 + rng.exponential(5 * HOUR, job.count)
    delay = np.where(rng.random(job.count) < 0.15 + 0.5 * job.care, early, flat)
    made = settle(rng, job.world, job.offer, chosen, delay, job.kind)
    return Batch(clicks, made.with_columns(ip=_at(rng, job, chosen["person"].to_numpy(), made["ts"].to_numpy())))


def click_injection(rng: Rng, job: Job) -> Batch:
    """Fire a click from an app that sees another being installed, moments before it is first opened."""
    people = job.world.people
    size = int(job.count * rng.uniform(1.1, 2.2))
    who = people.pick(rng, job.markets(), np.array([0, 1.0, 0]), size)
    ts = moments(rng, job.day_weights, PHONE, people.clock[who])
    columns = {"ts": ts, "person": who, "ip": people.addresses(rng, who, ts), "user_agent": people.agent[who],
               "device_id": people.device_id[who]}  # fmt: skip
    clicks = clicks_of(rng, job, columns)
    wait = 1.5 + rng.lognormal(np.log(4 + 22 * job.care), 0.45 + 0.3 * job.care, job.count)
    return Batch(clicks, paid(rng, job, clicks.head(job.count), wait))


def _at(rng: Rng, job: Job, people: Ints, ts: Floats) -> pl.Series:
    return pl.Series("ip", job.world.people.addresses(rng, people, ts).tolist(), dtype=pl.String)
