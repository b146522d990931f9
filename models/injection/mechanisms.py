"""The ways in which simulated fraud changes a campaign, each with its strength drawn at random and widely.

Every mechanism is a rough sketch of a documented fraud, not a copy of one tool: the detector should learn what such
traffic has in common, so ranges are wide and mechanisms are mixed. See docs/detection.md for what each stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from features.windows import MICROSECONDS_PER_DAY
from models.injection.campaign import SECOND, Campaign
from models.injection.pools import AddressPools

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Kit:
    """What mechanisms draw from: addresses, user agents of the programme's own traffic, countries, randomness."""

    pools: AddressPools
    agents: np.ndarray
    odd_agents: np.ndarray
    countries: np.ndarray
    rng: np.random.Generator

    def scale(self, low: float, high: float) -> float:
        """Draw a number between two bounds, evenly on a log scale."""
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))


Mechanism = Callable[[Campaign, Kit], None]


def quick(campaign: Campaign, kit: Kit) -> None:
    """Convert within seconds or a minute or two: bots, click injection, coupon extensions that steal the last click."""
    median, sigma = kit.scale(1.5, 45.0), kit.rng.uniform(0.1, 0.9)
    _retime(campaign, np.exp(kit.rng.normal(np.log(median), sigma, campaign.size)))


def flat(campaign: Campaign, kit: Kit) -> None:
    """Convert at times that have nothing to do with the click: flooding and stuffing win organic sales by chance."""
    window = kit.scale(4 * HOUR, 20 * DAY)
    _retime(campaign, kit.rng.uniform(0, window, campaign.size))


def late(campaign: Campaign, kit: Kit) -> None:
    """Convert towards the end of a long attribution window."""
    window = kit.scale(5 * DAY, 30 * DAY)
    _retime(campaign, window * kit.rng.beta(6, 1.5, campaign.size))


def clockwork(campaign: Campaign, kit: Kit) -> None:
    """Convert after an almost constant time: a script with a fixed wait."""
    median, sigma = kit.scale(3.0, 1800.0), kit.rng.uniform(0.02, 0.25)
    _retime(campaign, np.exp(kit.rng.normal(np.log(median), sigma, campaign.size)))


def flooded_clicks(campaign: Campaign, kit: Kit) -> None:
    """Send many clicks for few conversions."""
    _more_clicks(campaign, kit.scale(4.0, 80.0), kit)


def scarce_clicks(campaign: Campaign, kit: Kit) -> None:
    """Convert far more of the clicks than others do: leads or sales made to order."""
    keep = max(1, int(len(campaign.clicks["click_id"]) * kit.rng.uniform(0.0, 0.35)))
    campaign.clicks = {name: values[:keep] for name, values in campaign.clicks.items()}


def repeated_click_addresses(campaign: Campaign, kit: Kit) -> None:
    """Click again and again from few addresses."""
    count = len(campaign.clicks["click_id"])
    if count:
        few = max(1, int(count * kit.rng.uniform(0.002, 0.2)))
        campaign.set_clicks("ip", campaign.clicks["ip"][kit.rng.integers(0, few, count)])


def hosted(campaign: Campaign, kit: Kit) -> None:
    """Come from hosting networks."""
    _readdress(campaign, kit, "hosting")


def tunnelled(campaign: Campaign, kit: Kit) -> None:
    """Come through VPN or Tor exits."""
    _readdress(campaign, kit, str(kit.rng.choice(["vpn", "vpn", "tor"])))


def abroad(campaign: Campaign, kit: Kit) -> None:
    """Come from ordinary addresses of another country than the one claimed."""
    countries = [country for country, pool in kit.pools.by_country.items() if len(pool) > 50]
    if countries:
        pool = kit.pools.by_country[str(kit.rng.choice(sorted(countries)))]
        _spread_over(campaign, kit, kit.rng.choice(pool, campaign.size))


def few_addresses(campaign: Campaign, kit: Kit) -> None:
    """Use few addresses for many conversions."""
    own = campaign.conversions["ip"]
    few = max(1, int(campaign.size / kit.scale(3.0, 60.0)))
    _spread_over(campaign, kit, own[kit.rng.integers(0, few, campaign.size)])


def one_network(campaign: Campaign, kit: Kit) -> None:
    """Use many addresses of few networks."""
    networks = max(1, int(campaign.size / kit.scale(8.0, 120.0)))
    heads = [str(value).rpartition(".")[0] for value in campaign.conversions["ip"][:networks]]
    chosen = kit.rng.integers(0, networks, campaign.size)
    tails = kit.rng.integers(1, 255, campaign.size)
    values = [
        f"{heads[c]}.{t}" if heads[c].count(".") == 2 else campaign.conversions["ip"][c]
        for c, t in zip(chosen, tails, strict=True)
    ]
    _spread_over(campaign, kit, np.array(values, dtype=object))


def few_devices(campaign: Campaign, kit: Kit) -> None:
    """Use few devices for many conversions."""
    _few("device_id", campaign, kit)


def few_customers(campaign: Campaign, kit: Kit) -> None:
    """Let few customers convert again and again, with their devices: buying through one's own link."""
    few = max(1, int(campaign.size / kit.scale(2.5, 25.0)))
    chosen = kit.rng.integers(0, few, campaign.size)
    for column in ("customer_id", "device_id", "ip", "user_agent"):
        if column == "customer_id" or kit.rng.random() < 0.7:
            campaign.set(column, campaign.conversions[column][chosen])


def bot_agents(campaign: Campaign, kit: Kit) -> None:
    """Send agents of declared bots, automation tools or impossible browsers, on clicks too."""
    few = kit.rng.choice(kit.odd_agents, int(kit.rng.integers(1, 6)))
    campaign.set("user_agent", kit.rng.choice(few, campaign.size), _some(campaign, kit))
    campaign.set_clicks("user_agent", kit.rng.choice(few, len(campaign.clicks["click_id"])))


def few_agents(campaign: Campaign, kit: Kit) -> None:
    """Send the same one to five user agents."""
    if len(kit.agents):
        few = kit.rng.choice(kit.agents, int(kit.rng.integers(1, 6)))
        campaign.set("user_agent", kit.rng.choice(few, campaign.size), _some(campaign, kit))


def random_agents(campaign: Campaign, kit: Kit) -> None:
    """Draw the user agent evenly from all that exist: a list of agents without regard to how common each is."""
    if len(kit.agents):
        campaign.set("user_agent", kit.rng.choice(np.unique(kit.agents), campaign.size), _some(campaign, kit))


def no_referrer(campaign: Campaign, kit: Kit) -> None:
    """Hide where clicks come from."""
    hidden = _some(campaign, kit) & campaign.touched
    campaign.conversions["referrer"][hidden] = None
    campaign.clicks["referrer"][:] = None


def strange_referrer(campaign: Campaign, kit: Kit) -> None:
    """Come from sites that are not the affiliate's."""
    sites = np.array(
        [f"https://site-{kit.rng.integers(10_000)}.example/" for _ in range(int(kit.rng.integers(1, 8)))], dtype=object
    )
    campaign.set("referrer", kit.rng.choice(sites, campaign.size), _some(campaign, kit))
    campaign.set_clicks("referrer", kit.rng.choice(sites, len(campaign.clicks["click_id"])))


def bursts(campaign: Campaign, kit: Kit) -> None:
    """Convert in short bursts."""
    centres = kit.rng.uniform(campaign.start, campaign.end, int(kit.rng.integers(1, 5)))
    width = kit.scale(60, 6 * HOUR) * SECOND
    _move(campaign, kit.rng.choice(centres, campaign.size) + kit.rng.normal(0, width, campaign.size))


def odd_hours(campaign: Campaign, kit: Kit) -> None:
    """Convert at hours when the offer's customers sleep, or evenly around the clock."""
    days = campaign.conversions["ts_us"] // MICROSECONDS_PER_DAY
    first, length = kit.rng.uniform(0, 24), kit.rng.choice([3.0, 6.0, 24.0])
    hours = (first + kit.rng.uniform(0, length, campaign.size)) % 24
    _move(campaign, days * MICROSECONDS_PER_DAY + hours * HOUR * SECOND)


def ramp(campaign: Campaign, kit: Kit) -> None:
    """Grow from nothing over the campaign's days."""
    position = kit.rng.power(kit.rng.uniform(2, 4), campaign.size)
    _move(campaign, campaign.start + position * (campaign.end - campaign.start))


def small_baskets(campaign: Campaign, kit: Kit) -> None:
    """Buy the cheapest thing that pays."""
    revenue = campaign.conversions["revenue"].astype(float)
    least = np.nanquantile(revenue, 0.1) if np.isfinite(revenue).any() else 1.0
    campaign.set("revenue", (least * np.exp(kit.rng.normal(0, 0.1, campaign.size))).astype(object))


def no_click(campaign: Campaign, kit: Kit) -> None:
    """Claim clicks that nobody logged, or none at all."""
    invented = np.array([f"x{kit.rng.integers(2**40):x}" for _ in range(campaign.size)], dtype=object)
    campaign.set("click_id", invented, _some(campaign, kit))
    campaign.conversions["unlogged"] = np.where(campaign.touched, 1, 0).astype(object)


def reused_clicks(campaign: Campaign, kit: Kit) -> None:
    """Report several conversions of one click, with or without the same order number."""
    few = max(1, int(campaign.size / kit.scale(2.0, 15.0)))
    chosen = kit.rng.integers(0, few, campaign.size)
    for column in ("click_id", "customer_id", "device_id", "ip", "user_agent"):
        campaign.set(column, campaign.conversions[column][chosen])


def other_place(campaign: Campaign, kit: Kit) -> None:
    """Convert from another address and agent than the click's: clicks and conversions made by different machines."""
    campaign.conversions["moved"] = np.where(_some(campaign, kit) & campaign.touched, 1, 0).astype(object)


def poor_outcomes(campaign: Campaign, kit: Kit) -> None:
    """Get charged back more often than others, where outcomes are known at all."""
    del kit
    campaign.outcome = "bad"


KINDS: Mapping[str, tuple[tuple[Mechanism, ...], tuple[Mechanism, ...]]] = {
    "click_flooding": ((flat, flooded_clicks), (repeated_click_addresses, no_referrer, random_agents)),
    "click_injection": ((quick,), (flooded_clicks, other_place, few_agents)),
    "cookie_stuffing": ((flat, flooded_clicks), (no_referrer, strange_referrer, quick, repeated_click_addresses)),
    "bot_leads": (
        (quick, hosted),
        (clockwork, bot_agents, few_agents, odd_hours, scarce_clicks, bursts, few_addresses),
    ),
    "stuffed_leads": (
        (few_addresses, scarce_clicks),
        (clockwork, one_network, few_devices, few_agents, bursts, poor_outcomes),
    ),
    "device_farm": (
        (few_devices, one_network),
        (few_addresses, few_agents, odd_hours, clockwork, small_baskets, scarce_clicks),
    ),
    "self_referral": ((few_customers,), (small_baskets, few_addresses, scarce_clicks, poor_outcomes)),
    "incentive": ((scarce_clicks, small_baskets), (bursts, quick, poor_outcomes, no_referrer, ramp)),
    "proxies": ((tunnelled,), (abroad, few_agents, random_agents, other_place, poor_outcomes)),
    "geo_spoofing": ((abroad,), (tunnelled, hosted, other_place, few_agents)),
    "replay": ((reused_clicks,), (late, few_addresses, no_click)),
    "invented": ((no_click,), (quick, scarce_clicks, hosted, bursts, clockwork)),
    "window_abuse": ((late,), (no_referrer, flooded_clicks, no_click)),
}
"""Kind of fraud: what always happens, and what may come with it."""


def _some(campaign: Campaign, kit: Kit) -> np.ndarray:
    return np.asarray(kit.rng.random(campaign.size) < kit.rng.uniform(0.4, 1.0))


def _retime(campaign: Campaign, seconds: np.ndarray) -> None:
    reported = np.isfinite(campaign.ctct) & campaign.touched
    campaign.ctct = np.where(reported, seconds, campaign.ctct)


def _move(campaign: Campaign, moments: np.ndarray) -> None:
    campaign.moved = True
    inside = np.clip(moments.astype(float), campaign.start, campaign.end).astype(np.int64)
    campaign.conversions["ts_us"] = np.where(campaign.touched, inside, campaign.conversions["ts_us"].astype(np.int64))


def _more_clicks(campaign: Campaign, factor: float, kit: Kit) -> None:
    count = len(campaign.clicks["click_id"])
    if count:
        rows = kit.rng.integers(0, count, min(int(count * factor), 60_000))
        campaign.clicks = {name: values[rows] for name, values in campaign.clicks.items()}


def _readdress(campaign: Campaign, kit: Kit, ip_class: str) -> None:
    drawn = kit.pools.draw(ip_class, campaign.size, kit.rng)
    if drawn is not None:
        _spread_over(campaign, kit, drawn)
        clicks = kit.pools.draw(ip_class, len(campaign.clicks["click_id"]), kit.rng)
        if clicks is not None and kit.rng.random() < 0.8:
            campaign.set_clicks("ip", clicks)


def _spread_over(campaign: Campaign, kit: Kit, addresses: np.ndarray) -> None:
    campaign.set("ip", addresses, _some(campaign, kit))


def _few(column: str, campaign: Campaign, kit: Kit) -> None:
    few = max(1, int(campaign.size / kit.scale(2.5, 40.0)))
    campaign.set(column, campaign.conversions[column][kit.rng.integers(0, few, campaign.size)], _some(campaign, kit))
