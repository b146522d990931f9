"""Honest oddities, injected with the label clean, so that the detector does not take every oddity for fraud."""

from __future__ import annotations

import numpy as np

from features.windows import MICROSECONDS_PER_DAY
from models.injection.campaign import SECOND, Campaign
from models.injection.mechanisms import HOUR, Kit, Mechanism


def sale(campaign: Campaign, kit: Kit) -> None:
    """A flash sale or newsletter: most conversions within hours or two days."""
    centre = kit.rng.uniform(campaign.start, campaign.end)
    width = kit.scale(1 * HOUR, 40 * HOUR) * SECOND
    chosen = kit.rng.random(campaign.size) < kit.rng.uniform(0.4, 0.95)
    moments = np.where(
        chosen, centre + np.abs(kit.rng.normal(0, width, campaign.size)), campaign.conversions["ts_us"].astype(float)
    )
    campaign.conversions["ts_us"] = np.clip(moments, campaign.start, campaign.end).astype(np.int64)
    campaign.moved = True


def carrier(campaign: Campaign, kit: Kit) -> None:
    """Carrier-grade NAT, an airport or a campus: many people, each with an own device, behind few addresses."""
    few = max(1, int(campaign.size / kit.scale(2.0, 30.0)))
    shared = kit.rng.random(campaign.size) < kit.rng.uniform(0.3, 1.0)
    own = campaign.conversions["ip"]
    mobile = kit.pools.draw("mobile", few, kit.rng)
    pool = own[:few] if mobile is None or kit.rng.random() < 0.4 else mobile
    campaign.set("ip", pool[kit.rng.integers(0, few, campaign.size)], shared)


def last_moment(campaign: Campaign, kit: Kit) -> None:
    """A coupon or cashback site: people come just before they buy."""
    factor = kit.rng.uniform(0.08, 0.6)
    campaign.ctct = np.where(
        np.isfinite(campaign.ctct),
        np.maximum(campaign.ctct * factor, kit.rng.uniform(4, 15, campaign.size)),
        campaign.ctct,
    )


def considered(campaign: Campaign, kit: Kit) -> None:
    """A review site: people think for hours or days."""
    campaign.ctct = campaign.ctct * kit.scale(1.5, 12.0)


def loyal(campaign: Campaign, kit: Kit) -> None:
    """A loyalty club: the same customers buy again on other days, each with an own device and address."""
    few = max(1, int(campaign.size / kit.scale(1.3, 5.0)))
    chosen = kit.rng.integers(0, few, campaign.size)
    for column in ("customer_id", "device_id", "ip", "user_agent"):
        campaign.set(column, campaign.conversions[column][chosen])


def other_zone(campaign: Campaign, kit: Kit) -> None:
    """People of another time zone."""
    shift = int(kit.rng.integers(-11, 12)) * HOUR * SECOND
    days = campaign.conversions["ts_us"] // MICROSECONDS_PER_DAY
    within = (campaign.conversions["ts_us"] + shift) % MICROSECONDS_PER_DAY
    moved = days * MICROSECONDS_PER_DAY + within
    campaign.conversions["ts_us"] = np.clip(moved.astype(float), campaign.start, campaign.end).astype(np.int64)


def private_people(campaign: Campaign, kit: Kit) -> None:
    """An audience of which a fair part uses a VPN or travels."""
    part = kit.rng.random(campaign.size) < kit.rng.uniform(0.03, 0.25)
    drawn = kit.pools.draw("vpn", campaign.size, kit.rng)
    if drawn is not None:
        campaign.set("ip", drawn, part)


def lost_facts(campaign: Campaign, kit: Kit) -> None:
    """A partner whose set-up does not pass some fact on, or a tracking fault."""
    for column in ("device_id", "referrer", "customer_id", "user_agent", "revenue", "click_id"):
        if kit.rng.random() < 0.25:
            lost = kit.rng.random(campaign.size) < kit.rng.choice([0.2, 1.0])
            campaign.conversions[column][lost] = None
            if column == "click_id":
                campaign.ctct[lost] = -np.inf


def keen(campaign: Campaign, kit: Kit) -> None:
    """A partner whose visitors buy more often than others'."""
    keep = max(1, int(len(campaign.clicks["click_id"]) * kit.rng.uniform(0.3, 0.9)))
    campaign.clicks = {name: values[:keep] for name, values in campaign.clicks.items()}


def idle(campaign: Campaign, kit: Kit) -> None:
    """A partner whose visitors look more than they buy: social media, price comparison."""
    count = len(campaign.clicks["click_id"])
    if count:
        rows = kit.rng.integers(0, count, min(int(count * kit.scale(1.2, 5.0)), 30_000))
        campaign.clicks = {name: values[rows] for name, values in campaign.clicks.items()}


def basket(campaign: Campaign, kit: Kit) -> None:
    """A partner whose customers buy more or less than others'."""
    revenue = campaign.conversions["revenue"]
    factor = kit.scale(0.4, 2.5)
    campaign.conversions["revenue"] = np.array([None if v is None else v * factor for v in revenue], dtype=object)


def one_audience(campaign: Campaign, kit: Kit) -> None:
    """An app or a newsletter: most people with the same few agents, or no referrer."""
    if len(kit.agents) and kit.rng.random() < 0.6:
        few = kit.rng.choice(kit.agents, int(kit.rng.integers(2, 12)))
        campaign.set("user_agent", kit.rng.choice(few, campaign.size))
    if kit.rng.random() < 0.6:
        campaign.conversions["referrer"][:] = None
        campaign.clicks["referrer"][:] = None


ODDITIES: tuple[Mechanism, ...] = (
    *(sale, carrier, last_moment, considered, loyal, other_zone),
    *(private_people, lost_facts, keen, idle, basket, one_audience),
)
"""Honest mechanisms; a placebo campaign gets none to three of them."""
