"""Who cheats in the ninth programme: which scheme runs where, on what, for how much money and with how much care."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from ninth_world import machines, persons
from ninth_world.machines import Job, active_days
from ninth_world.market import APPS, BY_ID, LEADS, SHOPS, START, TRIALS, Affiliate, recruit
from ninth_world.people import DAY, Rng
from ninth_world.traffic import Batch, World, honest

FRAUD_OF_HONEST = (0.08, 0.16)
"""Money of all schemes together as a share of honest payout: 7 to 14 % of everything."""
LEAST_CONVERSIONS = 12
MOST_CONVERSIONS = 420


@dataclass(frozen=True)
class Plan:
    """How a kind of fraud comes about: by whom it is run and on which offers.

    `own`: a partner of that trade set up for it, `hosted`: a good partner of one of the trades does it on the side.
    """

    run: Callable[[Rng, Job], Batch]
    offers: tuple[str, ...]
    own: tuple[str, ...] = ()
    hosted: tuple[str, ...] = ()
    weight: float = 1.0


PLANS = {
    "click_flooding": Plan(machines.click_flooding, APPS, own=("apps",)),
    "click_injection": Plan(machines.click_injection, APPS, own=("apps",), weight=0.8),
    "device_farm": Plan(machines.device_farm, APPS, own=("apps", "rewards"), weight=0.8),
    "bot_leads": Plan(machines.bots, (*LEADS, "1506"), own=("native", "email", "content"), weight=1.2),
    "stuffed_leads": Plan(machines.stuffed_leads, LEADS, own=("email", "content", "review")),
    "proxy_geo_spoof": Plan(machines.geo_spoof, (*LEADS, "1204"), own=("native", "social")),
    "cookie_stuffing": Plan(persons.cookie_stuffing, SHOPS, own=("content", "coupon"), weight=1.2),
    "checkout_hijack": Plan(persons.checkout_hijack, SHOPS, own=("coupon", "cashback")),
    "self_referral": Plan(persons.self_referral, SHOPS, own=("content", "influencer"), weight=0.7),
    "referral_ring": Plan(persons.referral_ring, (*SHOPS, "1204"), own=("content",), weight=0.8),
    "undisclosed_incentive": Plan(persons.undisclosed_incentive, (*APPS, *TRIALS, "1310", "1506"),
                                  own=("social", "email")),
    "duplicate_replay": Plan(persons.duplicate_replay, SHOPS, hosted=("coupon", "cashback", "review"), weight=0.6),
    "window_abuse": Plan(persons.window_abuse, ("1117", "1222", "1310"), own=("content", "search"), weight=0.7),
    "bought_sub_id": Plan(machines.bought_sub, (*LEADS, "1204", "1506"),
                          hosted=("native", "social", "search", "content")),
    "slow_ramp": Plan(machines.slow_ramp, (*LEADS, *TRIALS), hosted=("review", "email", "search", "native")),
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """The honest programme in which the schemes are set: its partners, traffic and payout (money units)."""

    world: World
    partners: list[Affiliate]
    traffic: Batch
    payout: float
    taken: set[str]
    """Account numbers in use."""


def _new_partner(rng: Rng, scene: Scene, trade: str, offer_id: str) -> Affiliate:
    """Set up a partner for the scheme, mostly a recent one, with the offer among its own."""
    made = recruit(rng, trade, scene.world.people, scene.world.days)
    while made.affiliate_id in scene.taken:
        made = replace(made, affiliate_id=str(rng.integers(10_000, 99_999)))
    scene.taken.add(made.affiliate_id)
    recent = START - DAY * float(rng.uniform(4, 160) if rng.random() < 0.6 else rng.uniform(160, 1500))
    return replace(made, joined=recent, offers=made.offers | {offer_id: 1.0})


def _host(rng: Rng, scene: Scene, plan: Plan, used: set[str]) -> tuple[Affiliate, str]:
    """Choose a good partner of the plan's trades that runs one of its offers, and that offer."""
    fit = [
        (partner, offer_id)
        for partner in scene.partners
        if partner.trade in plan.hosted and partner.affiliate_id not in used
        for offer_id in partner.offers
        if offer_id in plan.offers
    ]
    return fit[int(rng.integers(len(fit)))]


def _cover(rng: Rng, scene: Scene, partner: Affiliate) -> Batch:
    """Make the honest traffic beside a scheme of a partner set up for it: next to none for a third, else real."""
    volume = 0.03 if rng.random() < 0.35 else float(rng.uniform(0.1, 0.8))
    return honest(rng, scene.world, replace(partner, clicks=min(partner.clicks, 2500)), volume)


def _gang(rng: Rng, scene: Scene, kind: str, leader: Affiliate) -> tuple[Affiliate, ...]:
    """Recruit the other partners of a ring, who are paid on the leader's account."""
    if kind != "referral_ring":
        return ()
    others = [_new_partner(rng, scene, "content", "1041") for _ in range(int(rng.integers(2, 4)))]
    contact = {"payout_account": leader.contact["payout_account"]}
    return tuple(
        replace(one, contact=one.contact | (contact if number == 0 or rng.random() < 0.6 else {}))
        for number, one in enumerate(others)
    )


def _act(rng: Rng, scene: Scene, kind: str, money: float, used: set[str]) -> tuple[list[Affiliate], list[Batch]]:
    """Run one scheme worth about that money; returns the partners set up for it and the traffic."""
    plan, world = PLANS[kind], scene.world
    if plan.hosted:
        partner, offer_id = _host(rng, scene, plan, used)
        new: list[Affiliate] = []
    else:
        offer_id = str(rng.choice(plan.offers))
        partner = _new_partner(rng, scene, str(rng.choice(plan.own)), offer_id)
        new = [partner, *_gang(rng, scene, kind, partner)]
    used.add(partner.affiliate_id)
    offer = BY_ID[offer_id]
    count = int(np.clip(money / offer.mean_payout, LEAST_CONVERSIONS, MOST_CONVERSIONS))
    care, when = float(rng.uniform(0, 1)), active_days(rng, world.days)
    job = Job(kind, world, partner, offer, count, care, when, tuple(new[1:]), scene.traffic)
    return new, [*(_cover(rng, scene, one) for one in new), plan.run(rng, job)]


def crimes(rng: Rng, scene: Scene) -> tuple[list[Affiliate], list[Batch]]:
    """Run every kind of fraud, each by one or two partners; returns the partners set up for it and the traffic."""
    total = scene.payout * float(rng.uniform(*FRAUD_OF_HONEST))
    shares = rng.dirichlet([5.0 * plan.weight for plan in PLANS.values()])
    partners: list[Affiliate] = []
    batches: list[Batch] = []
    used: set[str] = set()
    for kind, share in zip(PLANS, shares.tolist(), strict=True):
        actors = 2 if rng.random() < 0.35 else 1
        for _ in range(actors):
            new, made = _act(rng, scene, kind, total * share / actors, used)
            partners += new
            batches += made
    return partners, batches


def lasting(batch: Batch) -> Batch:
    """Keep what advertisers would take: one lead, trial or install of each person on an offer, from honest traffic."""
    kept = batch.conversions.sort("ts")
    taken = (pl.col("event") == "sale") | pl.struct("offer_id", "person").is_first_distinct()
    return Batch(batch.clicks, kept.filter(taken | pl.col("kind").is_not_null()))
