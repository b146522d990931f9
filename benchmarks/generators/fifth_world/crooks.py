"""Fraudsters: who cheats how, how much they want, how well they hide, when they work and with which tools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fifth_world.agents import FIRST_TOOL, TOOLS, agent, cheap
from fifth_world.chance import DAY, HOUR, Floats, Ints, between, local_hours, mix
from fifth_world.ledger import KINDS, NO_REFERRER, Buys, Clicks, World
from fifth_world.market import CLOSERS, Affiliate
from fifth_world.networks import OFFSETS
from fifth_world.people import Seen

FORMS = {
    "bot_leads": ("lead", "install", "trial"),
    "stuffed_leads": ("lead", "trial"),
    "device_farm": ("install", "lead", "trial", "subscription"),
    "self_referral_ring": ("sale", "subscription"),
    "click_injection": ("install", "sale", "trial"),
    "undisclosed_incentive": ("lead", "install", "trial", "subscription"),
}
"""What a kind of fraud pays on; kinds that are absent work on everything."""
_EXTRA_MAX = 9000
"""Clicks without purchase that one fraudster sends at most."""


@dataclass
class Crook:
    """A fraudster: `stealth` 0 (blatant) to 1 (subtle), `goals` purchases wanted, `days` of work from and until."""

    partner: int
    kind: str
    stealth: float
    greed: float
    offers: Ints
    days: tuple[float, float]
    growth: float
    shift: tuple[float, float]
    pauses: tuple[tuple[float, float], ...]
    subs: Ints
    pool: str
    disguise: str
    extra: float
    middle_s: float
    spread: float
    target: int
    goals: int = 0

    @property
    def code(self) -> int:
        """Return the place of the kind in KINDS."""
        return KINDS.index(self.kind)


def hire(world: World, kinds: tuple[str, ...]) -> list[Crook]:
    """Turn some partners into fraudsters, shrinking most of their honest traffic."""
    rng = world.rng
    count = int(np.clip(rng.normal(0.09, 0.03) * len(world.partners), 4, 15))
    order = np.argsort([-partner.size for partner in world.partners])
    large, small = order[: len(order) // 4], order[len(order) // 5 :]
    taken: set[int] = set()
    crooks = []
    for kind in np.resize(rng.permutation(list(kinds)), count):
        free = [n for n in (large if kind == "bought_sub_id" else small) if n not in taken]
        fit = [n for n in free if world.partners[n].trade not in CLOSERS] if rng.random() < 0.85 else free
        number = int(rng.choice(fit))
        taken.add(number)
        crooks.append(_crook(world, world.partners[number], str(kind)))
    return crooks


def _crook(world: World, partner: Affiliate, kind: str) -> Crook:
    rng, days = world.rng, world.days
    stealth = float(rng.beta(1.3, 1.1))
    first = rng.uniform(0, 0.5) * days if rng.random() < 0.5 else 0.0
    last = min(days, first + rng.uniform(0.25, 0.6) * days) if rng.random() < 0.4 else days
    if kind == "slow_ramp":
        first, last = rng.uniform(0.1, 0.4) * days, days
        partner.active, partner.joined_days = (max(0.0, first - 8), float(days)), first - 10
    if kind == "replayed_conversions":
        partner.size = max(partner.size, 1.0)
    elif kind != "bought_sub_id":
        partner.size *= rng.uniform(0.3, 1.0) if rng.random() < 0.3 + 0.4 * stealth else rng.uniform(0.0, 0.15)
    fit = [n for n, offer in enumerate(world.offers) if offer.form in FORMS.get(kind, (offer.form,))]
    pauses = tuple((at, at + between(rng, 0.5, 5)) for at in rng.uniform(first, last, rng.poisson(1.2)))
    opens = rng.uniform(0, 24)
    return Crook(
        partner=partner.number,
        kind=kind,
        stealth=stealth,
        greed=float(rng.gamma(2)),
        offers=rng.choice(fit, min(len(fit), int(rng.integers(1, 5))), replace=False),
        days=(first, float(last)),
        growth=rng.uniform(2, 4.5) if kind == "slow_ramp" else float(rng.choice([0, rng.uniform(0, 3)])),
        shift=(opens, opens + rng.uniform(7, 14)),
        pauses=pauses,
        subs=_subs(partner, kind, stealth, rng),
        pool=_pool(stealth, rng),
        disguise=_disguise(stealth, rng),
        extra=between(rng, 3, 12) if rng.random() < 0.5 + 0.4 * stealth else rng.uniform(0, 2),
        middle_s=between(rng, 8, 90) * (1 + 2 * stealth),
        spread=rng.uniform(0.15, 0.45) + 0.5 * stealth * rng.random(),
        target=int(np.bincount(world.people.country[partner.audience]).argmax()),
    )


def _subs(partner: Affiliate, kind: str, stealth: float, rng: np.random.Generator) -> Ints:
    """Choose sub_ids: numbers from 1000 are ones that the partner's honest traffic does not use."""
    if kind == "bought_sub_id":
        return 1000 + rng.integers(0, 900, 1)
    if rng.random() < stealth * 0.7:
        return np.arange(len(partner.subs))  # spread over the sub_ids of honest traffic
    return 1000 + rng.permutation(900)[: int(between(rng, 1, 40))]


def _pool(stealth: float, rng: np.random.Generator) -> str:
    """Choose where bought addresses come from: the better hidden, the dearer."""
    cheapness = (1 - stealth) ** 1.5
    share = np.array([0.55 * cheapness, 0.3 * cheapness + 0.05, 0.25 + 0.6 * stealth, 0.15 + 0.3 * stealth])
    return str(rng.choice(["hosting", "vpn", "home", "mobile"], p=share / share.sum()))


def _disguise(stealth: float, rng: np.random.Generator) -> str:
    cheapness = 1 - stealth
    share = np.array([0.12 * cheapness, 0.4 * cheapness, 0.3, 0.2 + 0.9 * stealth])
    return str(rng.choice(["tool", "stale", "few", "mirror"], p=share / share.sum()))


def schedule(world: World, crook: Crook, count: int) -> Floats:
    """Draw when a fraudster works: days by growth and pauses; hours of the shift or, hidden, those of the audience."""
    rng = world.rng
    first, last = crook.days
    day = first + (last - first) * _grown(rng.random(count), crook.growth)
    for begins, ends in crook.pauses:
        inside = (day > begins) & (day < ends)
        day = np.where(inside, first + (last - first) * _grown(rng.random(count), crook.growth), day)
    uneven = np.exp(rng.normal(0, 0.8, world.days + 1))
    day = np.where(rng.random(count) < uneven[day.astype(np.int64)] / uneven.max() + 0.3, day, np.sort(day))
    own = rng.uniform(*crook.shift, count) % 24
    human = local_hours(rng, count, 19.0, 0.1) - OFFSETS[crook.target]
    hour = np.where(rng.random(count) < 0.15 + 0.8 * crook.stealth, human, own)
    return np.asarray(world.start + np.floor(day) * DAY + hour * HOUR)


def _grown(draw: Floats, growth: float) -> Floats:
    return draw if growth == 0 else np.log1p(draw * np.expm1(growth)) / growth


def delays(world: World, crook: Crook, offers: Ints) -> Floats:
    """Draw times from click to goal: the tool's own narrow ones, or copies of honest ones, the more the subtler."""
    rng, count = world.rng, len(offers)
    own = crook.middle_s * np.exp(rng.normal(0, crook.spread, count))
    honest = world.think(offers)
    if crook.stealth > 0.45:  # the patient ones also copy those who come back days later
        late = rng.random(count) < world.per_offer("later")[offers] * crook.stealth
        honest = honest + late * rng.exponential(3 * DAY, count)
    return np.asarray(np.where(rng.random(count) < 0.1 + 0.75 * crook.stealth, honest, own) + 1)


def agents(world: World, crook: Crook, day: Floats, key: Ints) -> Ints:
    """Choose user agents as the fraudster's disguise has it; the same key (a device), the same agent."""
    people = world.people
    if crook.disguise == "tool":
        return FIRST_TOOL + mix(key) % 2 * (crook.partner % len(TOOLS))
    who = mix(key, crook.partner) % (len(people) if crook.disguise == "mirror" else 4 + crook.partner % 9)
    on_phone = (mix(key, 3) % 100 < 60) | (people.desk[who] < 0)
    family = np.where(on_phone, people.phone[who], people.desk[who])
    if crook.kind in ("device_farm", "undisclosed_incentive"):
        family = cheap()[mix(key, 5) % len(cheap())]
    lag = people.lag[who]
    if crook.disguise == "stale":
        lag = 1.0 + mix(key, 7) % 22
    return agent(family, lag, np.clip(day, 0, None))


def addresses(world: World, crook: Crook, country: Ints, key: Ints, few: int = 0) -> Ints:
    """Return addresses of the fraudster's pool for each key; `few` > 0: only so many different ones."""
    net = world.people.internet
    pool = {"hosting": net.hosting, "vpn": net.vpn, "home": net.home, "mobile": net.mobile}[crook.pool]
    chosen = mix(key, crook.partner) % few if few else mix(key, crook.partner)
    count = np.maximum(pool.count_of[country], 1)
    ranges = np.where(pool.count_of[country] > 0, pool.first_of[country] + chosen % count, chosen % len(pool.base))
    if crook.pool in ("vpn", "mobile"):
        chosen = chosen % 4000
    return pool.address(ranges, chosen, crook.partner)


def moved(world: World, crook: Crook, seen: Seen, key: Ints, waited: Floats) -> Seen:
    """Return what is seen at the goal: after a long wait the pool has mostly handed out another address."""
    rng = world.rng
    turned = (waited > 2400 * np.exp(rng.normal(0, 0.6, len(key)))) & (rng.random(len(key)) < 0.7)
    later = addresses(world, crook, seen.country, np.where(turned, mix(key, 31), key))
    return Seen(np.where(turned, later, seen.ip), seen.agent, seen.device, seen.country)


def forge(world: World, crook: Crook, made: Clicks, bought: Buys, referrer: int | None = None) -> None:
    """Write forged clicks with their purchases, and further clicks of the same tool that lead to nothing."""
    rng, count = world.rng, len(made.ts)
    place = _referrers(world, crook, count) if referrer is None else np.full(count, referrer)
    world.click(crook.partner, Clicks(made.ts, made.who, made.offer, made.sub, place, made.seen), crook.code)
    world.buy(bought)
    extra = int(min(count * crook.extra, _EXTRA_MAX))
    like = rng.integers(0, count, extra)
    again = rng.random(extra) < rng.uniform(0, 0.6) * crook.stealth  # honest people, too, click more than once
    gap = np.exp(rng.normal(np.log(400), 2, extra))
    ts = np.where(again, made.ts[like] - gap, schedule(world, crook, extra))
    fresh = np.where(again, made.who[like], world.strangers(extra))
    seen = made.seen.rows(like)
    device = np.where(seen.device >= 0, mix(fresh, 11), -1) if crook.stealth > 0.4 else seen.device
    ip = addresses(world, crook, seen.country, fresh) if crook.kind not in ("device_farm", "stuffed_leads") else seen.ip
    seen = Seen(
        np.where(again, made.seen.ip[like], ip),
        seen.agent,
        np.where(again, made.seen.device[like], device),
        seen.country,
    )
    world.click(
        crook.partner, Clicks(ts, fresh, made.offer[like], sub_ids(world, crook, extra), place[like], seen), crook.code
    )


def _referrers(world: World, crook: Crook, count: int) -> Ints:
    rng, partner = world.rng, world.partners[crook.partner]
    shown = rng.random(count) < partner.referrer_share * (0.3 + 0.7 * crook.stealth)
    return np.where(shown, rng.integers(0, len(partner.sites), count), NO_REFERRER)


def sub_ids(world: World, crook: Crook, count: int) -> Ints:
    """Draw sub_ids of a fraudster."""
    return crook.subs[(len(crook.subs) * world.rng.random(count) ** 1.5).astype(np.int64)]
