"""Honest partners of a dozen trades, with the oddities that make honest traffic look strange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from second_world import timing
from second_world.ledger import CLEAN, NO_CLICK, Goals, Ledger, Traffic
from second_world.market import SECOND, journey, reported
from second_world.networks import as_text
from second_world.people import DAY, Floats, Ints, Population, Scene, random_hex

TRADES = {
    "blog": 0.2,
    "coupons": 0.1,
    "loyalty": 0.08,
    "comparison": 0.08,
    "newsletter": 0.1,
    "call centre": 0.05,
    "influencer": 0.1,
    "search": 0.08,
    "app network": 0.07,
    "sub-network": 0.06,
    "hotspots": 0.04,
    "television": 0.04,
}
METHODS = {
    "blog": ("content",),
    "coupons": ("coupon",),
    "loyalty": ("cashback", "loyalty"),
    "comparison": ("price comparison",),
    "newsletter": ("email",),
    "call centre": ("telephone",),
    "influencer": ("social",),
    "search": ("search",),
    "app network": ("in-app",),
    "sub-network": ("network", "content"),
    "hotspots": ("display",),
    "television": ("display", "television"),
}
_QUALITY = {"coupons": 2.4, "loyalty": 2.8, "comparison": 0.35, "influencer": 0.6, "app network": 0.7, "search": 1.4}
_HASTE = {"coupons": 0.3, "loyalty": 0.25, "search": 0.8}


@dataclass(frozen=True)
class Partner:
    """An affiliate: its trade, its audience, what it advertises and how much."""

    number: int
    trade: str
    site: str
    offers: Ints
    audience: Ints
    per_day: float
    growth: Floats
    quality: float


@dataclass(frozen=True)
class World:
    """Everything that partners act in."""

    people: Population
    ledger: Ledger
    rng: np.random.Generator


def make_partner(world: World, number: int, scale: float, trade: str | None = None) -> Partner:
    """Draw a partner. Volumes are heavy-tailed: a few partners bring most of the programme."""
    rng = world.rng
    chosen = trade or str(rng.choice(list(TRADES), p=np.array(list(TRADES.values())) / sum(TRADES.values())))
    words = ("deal", "home", "green", "trail", "pixel", "nord", "lumen", "casa", "swift", "page", "kite", "mint")
    site = f"{rng.choice(words)}{rng.choice(words)}{number}.example"
    count = len(world.people)
    size = {"loyalty": 0.02, "newsletter": 0.05, "call centre": 0.2}.get(chosen, 0.15)
    # loyal audiences come back: they are small; the size of others differs by a factor of ten
    audience = rng.choice(count, size=max(40, int(count * size * rng.uniform(0.3, 3) / 3)), replace=False)
    return Partner(
        number=number,
        trade=chosen,
        site=site,
        offers=rng.choice(
            len(world.ledger.offers), size=int(rng.integers(1, min(5, len(world.ledger.offers) + 1))), replace=False
        ),
        audience=audience,
        per_day=float(min(np.exp(rng.normal(0.3, 1.4)), 70) * scale),
        growth=timing.growth_curve(world.ledger.calendar, rng),
        quality=float(_QUALITY.get(chosen, 1.0) * rng.gamma(9, 1 / 9)),
    )


def run_partner(world: World, partner: Partner) -> float:
    """Let an honest partner work through all days; return the payout that it earns."""
    special: dict[str, Callable[[World, Partner], float]] = {
        "call centre": _telephone,
        "newsletter": _newsletter,
        "hotspots": _hotspots,
    }
    if partner.trade in special:
        return special[partner.trade](world, partner)
    calendar, rng = world.ledger.calendar, world.rng
    clicks = _clicks_per_day(world, partner)
    process = {
        "blog": timing.posts,
        "influencer": timing.posts,
        "search": timing.paced,
        "television": timing.spots,
    }.get(partner.trade)
    if process:
        ts = process(calendar, clicks, partner.growth, rng)
    else:
        ts = timing.circadian(calendar, timing.daily_numbers(calendar, clicks, partner.growth, rng), 0, rng)
    earned = _earn(world, partner, ts, _sub_ids(world, partner, len(ts)))
    if partner.trade == "comparison":
        _price_crawls(world, partner)
    return earned


def visit(world: World, partner: Partner, ts: Ints, sub_id: np.ndarray, *, app_share: float = 0.0) -> Traffic:
    """Send people of the partner's audience to its offers at the given times."""
    rng, people = world.rng, world.people
    person = partner.audience[(rng.beta(0.9, 1.6, size=len(ts)) * len(partner.audience)).astype(np.int64)]
    offer = partner.offers[(rng.beta(0.8, 1.8, size=len(ts)) * len(partner.offers)).astype(np.int64)]
    scene = people.scene(person, ts, rng, app_share=app_share)
    return Traffic(ts, partner.number, offer, sub_id, scene, _referrers(world, partner, scene), person)


def convert(world: World, partner: Partner, traffic: Traffic, keys: Ints, haste: float) -> float:
    """Let some visitors reach the goal; return what they earn."""
    ledger, rng, people = world.ledger, world.rng, world.people
    rate = np.array([one.rate for one in ledger.offers])[traffic.offer] * partner.quality
    goes = rng.random(len(traffic.ts)) < np.minimum(rate * people.keenness[traffic.person], 0.6)
    earned = 0.0
    for place in np.unique(traffic.offer[goes]):
        offer = ledger.offers[place]
        rows = np.flatnonzero(goes & (traffic.offer == place))
        ts = traffic.ts[rows] + journey(offer, len(rows), rng, haste=haste)
        here = _scene_at_goal(world, traffic, rows, ts)
        revenue = rng.gamma(2.2, offer.basket / 2.2, size=len(rows)) if offer.event == "sale" else np.zeros(len(rows))
        done = Traffic(
            reported(offer, ts, ledger.calendar, rng),
            partner.number,
            traffic.offer[rows],
            traffic.sub_id[rows],
            here,
            traffic.referrer[rows],
            traffic.person[rows],
        )
        goals = Goals(done, keys[rows], traffic.ts[rows], customers(traffic.person[rows]), revenue, CLEAN)
        earned += ledger.add_goals(goals)
    return earned


def customers(person: Ints) -> np.ndarray:
    """Return the advertiser's number of each person: the same one every time."""
    return np.array([f"c{(int(one) * 7_368_787 + 1_299_709) % 99_999_989:08d}" for one in person], dtype=object)


def _earn(world: World, partner: Partner, ts: Ints, sub_id: np.ndarray) -> float:
    app_share = {"app network": 0.95, "influencer": 0.6}.get(partner.trade, 0.08)
    traffic = visit(world, partner, ts, sub_id, app_share=app_share)
    keys = world.ledger.add_clicks(traffic)
    return convert(world, partner, traffic, keys, _HASTE.get(partner.trade, 1.0))


def _clicks_per_day(world: World, partner: Partner) -> float:
    rates = [world.ledger.offers[place].rate for place in partner.offers]
    return partner.per_day / (float(np.mean(rates)) * partner.quality)


def _scene_at_goal(world: World, traffic: Traffic, rows: Ints, ts: Ints) -> Scene:
    """Most finish where they clicked; who comes back later sits elsewhere by then."""
    then = traffic.scene
    later = (ts - traffic.ts[rows] > 1800 * SECOND) | (world.rng.random(len(rows)) < 0.06)
    now = world.people.scene(traffic.person[rows], ts, world.rng)
    same_device = world.rng.random(len(rows)) < 0.75
    return Scene(
        ip=np.where(later, now.ip, then.ip[rows]),
        user_agent=np.where(later & ~same_device, now.user_agent, then.user_agent[rows]),
        device_id=np.where(later & ~same_device, now.device_id, then.device_id[rows]),
        country=then.country[rows],
    )


def _sub_ids(world: World, partner: Partner, count: int) -> np.ndarray:
    """Name placements as the partner does: not at all, by slug, by campaign, by click, or by a broken macro."""
    rng = world.rng
    if partner.trade == "search":
        return random_hex(count, 26, rng)
    if partner.trade == "sub-network":
        weights = 1 / np.arange(1, 61) ** 1.1
        place = rng.choice(60, size=count, p=weights / weights.sum())
        return np.array([f"{4000 + 17 * one}|{one % 7}" for one in place], dtype=object)
    style = rng.choice(["none", "slug", "campaign", "broken", "position"], p=[0.25, 0.3, 0.25, 0.05, 0.15])
    if style == "none":
        return np.full(count, None, dtype=object)
    if style == "broken":
        return np.full(count, "{subid}", dtype=object)
    names = {
        "slug": ["best-of", "review", "sidebar", "guide-2026", "home"],
        "campaign": [f"cmp_{partner.number}_{one:02d}" for one in range(8)],
        "position": ["top", "mid", "foot"],
    }[str(style)]
    return np.array(names, dtype=object)[(rng.beta(0.7, 1.5, size=count) * len(names)).astype(np.int64)]


def _referrers(world: World, partner: Partner, scene: Scene) -> np.ndarray:
    count = len(scene.ip)
    pages = np.array(
        [f"https://{partner.site}/{one}" for one in ("", "deals", "p/118", "p/204", "about")], dtype=object
    )
    shown = pages[world.rng.integers(0, len(pages), size=count)]
    blank = {"newsletter": 0.85, "app network": 1.0, "influencer": 0.7, "call centre": 1.0}.get(partner.trade, 0.18)
    shown[world.rng.random(count) < blank] = None
    return shown


def _newsletter(world: World, partner: Partner) -> float:
    """Mailings, each with its own sub_id; mail scanners in data centres open some links first, and never buy."""
    rng, calendar, networks = world.rng, world.ledger.calendar, world.people.networks
    ts, which = timing.mailings(calendar, _clicks_per_day(world, partner), partner.growth, rng)
    named = np.array([f"nl-{int(day)}" for day in range(which.max(initial=0) + 1)], dtype=object)
    earned = _earn(world, partner, ts, named[which])
    scanned = np.flatnonzero(rng.random(len(ts)) < 0.05)
    early = visit(world, partner, ts[scanned] - rng.integers(1, 40, size=len(scanned)) * SECOND, named[which[scanned]])
    machines = as_text(networks.in_ranges(networks.servers, 12, rng))
    scene = Scene(
        machines[rng.integers(0, 12, size=len(scanned))],
        np.full(len(scanned), networks.desktops.names[0], dtype=object),
        np.full(len(scanned), None, dtype=object),
        early.scene.country,
    )
    world.ledger.add_clicks(
        Traffic(early.ts, partner.number, early.offer, early.sub_id, scene, early.referrer, early.person)
    )
    return earned


def _hotspots(world: World, partner: Partner) -> float:
    """Visitors of airports and hotels: many devices behind few addresses, wherever they come from."""
    rng = world.rng
    numbers = timing.daily_numbers(world.ledger.calendar, _clicks_per_day(world, partner), partner.growth, rng)
    ts = timing.circadian(world.ledger.calendar, numbers, 0, rng)
    traffic = visit(world, partner, ts, _sub_ids(world, partner, len(ts)))
    doors = world.people.wifis[rng.integers(0, len(world.people.wifis), size=4)]
    scene = Scene(
        doors[rng.integers(0, 4, size=len(ts))],
        world.people.phone[traffic.person],
        traffic.scene.device_id,
        traffic.scene.country,
    )
    local = Traffic(ts, partner.number, traffic.offer, traffic.sub_id, scene, traffic.referrer, traffic.person)
    return convert(world, partner, local, world.ledger.add_clicks(local), 0.9)


def _telephone(world: World, partner: Partner) -> float:
    """Sales typed in by staff: one address, one browser, no click to speak of, real customers."""
    rng, ledger = world.rng, world.ledger
    ts, seats = timing.office_calls(ledger.calendar, partner.per_day, partner.growth, rng)
    count = len(ts)
    offer = np.full(count, partner.offers[0])
    staff = Scene(
        np.full(count, world.people.offices[partner.number % len(world.people.offices)], dtype=object),
        np.full(count, world.people.networks.desktops.draw(1, rng)[0], dtype=object),
        np.array([f"seat{seat:02d}" for seat in seats], dtype=object),
        world.people.scene(partner.audience[:1].repeat(count), ts, rng).country,
    )
    person = rng.choice(partner.audience, size=count)
    seat_names = np.array([f"agent-{seat:02d}" for seat in seats], dtype=object)
    blank = np.full(count, None, dtype=object)
    traffic = Traffic(ts, partner.number, offer, seat_names, staff, blank, person)
    revenue = rng.gamma(2.2, ledger.offers[partner.offers[0]].basket / 2.2, size=count)
    nothing = np.full(count, NO_CLICK, dtype=np.int64)
    return ledger.add_goals(Goals(traffic, nothing, nothing, customers(person), revenue, CLEAN))


def _price_crawls(world: World, partner: Partner) -> None:
    """Fetch every offer's page each hour to compare prices: clicks by declared machines that never buy."""
    rng, networks, calendar = world.rng, world.people.networks, world.ledger.calendar
    hours = np.arange(calendar.days * 24)
    offer = np.tile(partner.offers, len(hours))
    ts = (
        calendar.start
        + np.repeat(hours, len(partner.offers)) * (DAY // 24)
        + rng.integers(0, 90, size=len(offer)) * SECOND
    )
    count = len(ts)
    scene = Scene(
        np.repeat(as_text(networks.in_ranges(networks.servers, 1, rng)), count),
        np.full(count, networks.crawlers[0], dtype=object),
        np.full(count, None, dtype=object),
        np.full(count, "US", dtype=object),
    )
    blank = np.full(count, None, dtype=object)
    world.ledger.add_clicks(Traffic(ts, partner.number, offer, blank, scene, blank, np.zeros(count, dtype=np.int64)))
