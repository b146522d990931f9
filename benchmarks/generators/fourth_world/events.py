"""Clicks and goals of one partner in one offer, from its habits. Vectorised; the same draws give the same events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from fourth_world.habits import Habits

from models.injection import AddressPools

DAY = 86_400.0
COUNTRIES = ("US", "GB", "DE", "FR", "CA", "AU", "NL", "ES", "IT", "BR", "IN", "PL")
RARE = ("VN", "ID", "NG", "PK", "BD", "PH", "EG", "KE")
DESKTOPS = tuple(
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
    for system in ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
    for major in range(140, 149)
)
PHONES = tuple(
    f"Mozilla/5.0 (Linux; Android {release}; {model}) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{major}.0.0.0 Mobile Safari/537.36"
    for release, model in ((14, "SM-S918B"), (13, "Pixel 7a"), (12, "M2012K11AG"), (15, "CPH2581"))
    for major in range(141, 148)
) + tuple(
    f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    f"Version/{major}.{minor} Mobile/15E148 Safari/604.1"
    for major in (17, 18, 26)
    for minor in (0, 2, 4)
)
ODD = (
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
    "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/58.0.3029.110 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/999.0",
)
BOTS = ("python-requests/2.32.3", "curl/8.5.0", "Scrapy/2.11 (+https://scrapy.example)", "Go-http-client/2.0")


@dataclass(frozen=True)
class Offer:
    """An offer: what it pays (a fixed sum, or a part of the revenue), its window in days, its country, its size."""

    name: str
    payout: float
    part_of_revenue: float | None
    window_days: float
    country: str
    delay_factor: float
    ease: float


@dataclass(frozen=True)
class World:
    """What all partners share: start (seconds since 1970), days, pools of addresses and how addresses are told."""

    start: float
    days: int
    pools: AddressPools
    address_mode: str
    rng: np.random.Generator


def partner_events(
    world: World, place: tuple[str, str | None, Offer], habits: Habits, goals: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw about `goals` conversions of an affiliate, a sub_id and an offer, and the clicks around them."""
    rng = world.rng
    affiliate, sub_id, offer = place
    idle = int(rng.poisson(goals * max(0.0, habits.clicks_per_goal * offer.ease - 1)))
    people = _people(world, offer, habits, goals)
    with_click = _goals(world, offer, habits, people)
    looks = _idle_clicks(world, offer, habits, people, min(idle, 60_000))
    named = {"affiliate_id": affiliate, "offer_id": offer.name, "sub_id": sub_id}
    constants = [pl.lit(value, dtype=pl.String).alias(name) for name, value in named.items()]
    site = f"https://www.{affiliate}.example/"
    goals_frame = _referred(with_click, habits, site, rng).with_columns(constants)
    logged = goals_frame.filter(pl.col("logged") & pl.col("first")).select(
        ts="click_ts",
        number="click",
        ip="click_ip",
        user_agent="click_agent",
        device_id="device_id",
        country="country",
        referrer="referrer",
    )
    clicks = pl.concat([_referred(looks, habits, site, rng), logged.select(looks_columns(looks))]).with_columns(
        constants
    )
    return clicks, goals_frame


def looks_columns(frame: pl.DataFrame) -> list[str]:
    """Columns of clicks in order, the referrer last."""
    return [*frame.columns, "referrer"]


def _people(world: World, offer: Offer, habits: Habits, goals: int) -> pl.DataFrame:
    rng = np.random.default_rng(habits.people[0]) if habits.people else world.rng
    count = habits.people[1] if habits.people else max(1, round(goals / habits.goals_per_customer))
    count = max(1, count)
    homes = max(1, round(count / habits.people_per_address))
    foreign = rng.random(homes) < habits.foreign
    country = np.where(foreign, rng.choice(COUNTRIES + RARE, homes), offer.country)
    agents = _agents(habits, rng)
    home = np.minimum((rng.random(count) ** 1.3 * homes).astype(int), homes - 1)
    return pl.DataFrame(
        {
            "ip": addresses(world, country, habits, rng)[home],
            "country_of": country[home],
            "user_agent": agents[rng.integers(0, len(agents), count)],
            "device": np.array([f"{value:016x}" for value in rng.integers(0, 2**62, count)], dtype=object)[
                (rng.random(count) * max(1, count / habits.goals_per_device)).astype(int) % count
            ],
            "customer": np.array([f"cu{value}" for value in rng.integers(0, 2**48, count)], dtype=object),
        }
    )


def addresses(world: World, country: np.ndarray, habits: Habits, rng: np.random.Generator) -> np.ndarray:
    """Draw an address per country code given: rented, veiled or ordinary as the habits say. Shape as `country`."""
    count = len(country)
    if world.address_mode == "private":
        parts = rng.integers(0, 256, (count, 3))
        return np.array([f"10.{a}.{b}.{c}" for a, b, c in parts], dtype=object)
    known = world.pools.by_country
    anywhere = np.concatenate(list(known.values()))
    drawn = rng.choice(anywhere, count).astype(object)
    if world.address_mode == "placed":
        for code in np.unique(country):
            here = country == code
            drawn[here] = rng.choice(known.get(str(code), anywhere), int(here.sum()))
    pick = rng.random(count)
    for name, low, high in (("hosting", 0.0, habits.hosting), ("vpn", habits.hosting, habits.hosting + habits.vpn)):
        here = (pick >= low) & (pick < high)
        special = world.pools.draw(name, int(here.sum()), rng)
        if special is not None:
            drawn[here] = special
    return drawn


def _agents(habits: Habits, rng: np.random.Generator) -> np.ndarray:
    count = int(np.clip(round(habits.agents), 1, 400))
    phones = rng.random(count) < habits.phones
    drawn = np.where(phones, rng.choice(PHONES, count), rng.choice(DESKTOPS, count)).astype(object)
    odd = rng.random(max(count, 40))
    many = np.resize(drawn, len(odd))
    many[odd < habits.rare_agents] = rng.choice(ODD)
    many[odd > 1 - habits.bots] = rng.choice(BOTS)
    return many


def _days(world: World, habits: Habits, count: int) -> np.ndarray:
    """Draw seconds since the start: weekly rhythm, peaks, growth or decline."""
    rng = world.rng
    day = np.arange(world.days)
    weight = 1 + 0.25 * np.sin(2 * np.pi * (day + rng.integers(0, 7)) / 7)
    weight = weight * np.exp(np.log(habits.growth) * (day / max(1, world.days - 1) - 0.5) * 4)
    peaks = rng.choice(world.days, size=int(np.clip(habits.peak_days, 0, world.days // 3)), replace=False)
    weight[peaks] += weight.mean() * habits.peak_height * 3
    chosen = rng.choice(world.days, count, p=weight / weight.sum())
    flat = rng.random(count) < habits.flat_hours
    hour = np.where(flat, rng.random(count) * 24, rng.normal(habits.hour, 3.5, count) % 24)
    return np.asarray(chosen * DAY + hour * 3600)


def _goals(world: World, offer: Offer, habits: Habits, people: pl.DataFrame) -> pl.DataFrame:
    rng = world.rng
    count = max(1, round(people.height * habits.goals_per_customer)) if habits.people is None else people.height * 2
    who = people[rng.permutation(np.arange(count) % people.height)]
    several = rng.random(count) < habits.several_goals
    click = np.arange(count)
    for place in np.flatnonzero(several[1:]) + 1:
        click[place] = click[place - 1]
    first = np.diff(click, prepend=-1) > 0
    clicked = (world.start + _days(world, habits, count))[click]
    delay = _delays(world, offer, habits, count)
    ts = clicked + delay + np.where(first, 0, rng.random(count) * 3600)
    batched = rng.random(count) < habits.batched
    ts = np.where(batched, np.maximum(np.floor(ts / 3600) * 3600 + 3600, clicked + 1), ts)
    revenue = np.round(habits.revenue * np.exp(rng.normal(0, habits.revenue_scatter, count)), 2)
    payout = np.full(count, offer.payout) if offer.part_of_revenue is None else revenue * offer.part_of_revenue
    moved = rng.random(count) < habits.moved
    switched = rng.random(count) < habits.other_device
    elsewhere = addresses(world, who["country_of"].to_numpy(), habits, rng)
    agents = _agents(habits, rng)
    claim = np.where(rng.random(count) < habits.rare_claim, rng.choice(RARE, count), who["country_of"].to_numpy())
    same = who[click]
    return pl.DataFrame(
        {
            "ts": ts,
            "click_ts": clicked,
            "click": click,
            "first": first,
            "logged": (rng.random(count) >= habits.lost_click)[click],
            "click_ip": same["ip"],
            "click_agent": same["user_agent"],
            "ip": np.where(moved, elsewhere, same["ip"].to_numpy()),
            "user_agent": np.where(switched, rng.choice(agents, count), same["user_agent"].to_numpy()),
            "device_id": pl.Series(same["device"]).set(pl.Series(rng.random(count) < habits.no_device), None),
            "country": claim,
            "customer_id": same["customer"],
            "payout": np.maximum(np.round(payout, 2), 0.05),
            "revenue": pl.Series(revenue).set(pl.Series(rng.random(count) < habits.no_revenue), None),
            "refunded": rng.random(count) < habits.refunded,
        },
        schema_overrides={"country": pl.String, "ip": pl.String, "user_agent": pl.String, "click_ip": pl.String},
    )


def _delays(world: World, offer: Offer, habits: Habits, count: int) -> np.ndarray:
    rng = world.rng
    usual = habits.delay * offer.delay_factor * np.exp(rng.normal(0, habits.delay_scatter, count))
    second = habits.second_delay * np.exp(rng.normal(0, 0.8, count))
    delay = np.where(rng.random(count) < habits.two_paths, second, usual)
    even = rng.random(count) * offer.window_days * DAY
    delay = np.where(rng.random(count) < habits.delay_window, even, delay)
    return np.asarray(np.clip(delay, 0.5, offer.window_days * DAY * 0.999))


def _idle_clicks(world: World, offer: Offer, habits: Habits, people: pl.DataFrame, count: int) -> pl.DataFrame:
    """Clicks of people who did not buy: mostly others, some the same again."""
    rng = world.rng
    homes = max(1, round(count / max(1.0, habits.people_per_address)))
    country = np.where(rng.random(homes) < habits.foreign, rng.choice(COUNTRIES, homes), offer.country)
    own = addresses(world, country, habits, rng)
    agents = _agents(habits, rng)
    home = rng.integers(0, homes, count)
    again = rng.random(count) < 0.05
    who = rng.integers(0, people.height, count)
    return pl.DataFrame(
        {
            "ts": world.start + _days(world, habits, count),
            "number": np.full(count, -1),
            "ip": np.where(again, people["ip"].to_numpy()[who], own[home]),
            "user_agent": agents[rng.integers(0, len(agents), count)],
            "device_id": pl.Series([f"{value:016x}" for value in rng.integers(0, 2**62, count)], dtype=pl.String).set(
                pl.Series(rng.random(count) < habits.no_device, dtype=pl.Boolean), None
            ),
            "country": np.where(rng.random(count) < habits.rare_claim, rng.choice(RARE, count), country[home]),
        },
        schema_overrides={"ip": pl.String, "user_agent": pl.String, "country": pl.String},
    )


def _referred(frame: pl.DataFrame, habits: Habits, site: str, rng: np.random.Generator) -> pl.DataFrame:
    count = frame.height
    page = np.array([f"{site}page{value}" for value in rng.integers(0, 40, count)], dtype=object)
    page[rng.random(count) < habits.off_site] = "https://links.example.net/out"
    page[rng.random(count) < habits.no_referrer] = None
    return frame.with_columns(referrer=pl.Series(page.tolist(), dtype=pl.String))
