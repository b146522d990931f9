"""How each kind of fraud is done: it starts from traffic as the source's own, then some traits give it away.

How much gives it away is `strength` (0: nothing, 1: everything), drawn anew for every trait: a careful swindler may
hide the address and not the hour. What a kind cannot hide, since the fraud consists in it, it never hides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from .addresses import CARRIER, COUNTRIES, EXIT, HOME, SERVER, UTC_OFFSET
from .agents import ANDROID, BROWSER, CLIENT, DESKTOP, WEBVIEW
from .arrivals import DAY, HOUR, poisson
from .channels import Source
from .offers import APP, CARRIER_BILLING, LEAD, SALE
from .people import Audience, Columns
from .world import World

_CHEAP = ("IN", "ID", "PH", "NG", "VN", "BD")
"""Countries where paid clickers are usually hired."""


@dataclass
class Job:
    """A fraud to be done: `count` goals of a kind on a source; `calendar` are its hours; `chaff` clicks at most."""

    world: World
    source: Source
    kind: str
    count: int
    strength: float
    calendar: np.ndarray
    chaff: int
    allies: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Affiliates who also get goals of a ring."""

    def tells(self) -> np.ndarray:
        """Return which goals show a trait of the fraud: a mask, of a share that scatters about the strength."""
        rng, strength = self.world.rng, self.strength
        return rng.random(self.count) < rng.beta(0.4 + 5 * strength, 0.4 + 5 * (1 - strength))

    def times(self, count: int) -> np.ndarray:
        """Return times that follow the source's own course within the fraud's period."""
        return poisson(self.world.rng, self.calendar, count)

    def hours(self, offset: float, first: float, length: float) -> np.ndarray:
        """Return times within working hours of people at that offset from UTC."""
        local = (np.arange(len(self.calendar)) + offset) % 24
        open_ = self._period() * (((local - first) % 24) < length)
        return poisson(self.world.rng, open_ + 1e-9 * self._period(), self.count)

    def flat(self) -> np.ndarray:
        """Return times without any course of the day."""
        return poisson(self.world.rng, self._period(), self.count)

    def _period(self) -> np.ndarray:
        daily = self.calendar.reshape(-1, 24).sum(axis=1)
        return np.repeat(daily, 24)

    def visits(self, ts: np.ndarray) -> Columns:
        """Return clicks at times that look like the source's own."""
        return self.world.visits(self.source, ts, self.world.audience(self.source.audience, len(ts)))

    def slow(self, own: np.ndarray, shown: np.ndarray | None = None) -> np.ndarray:
        """Return the fraud's delays where they show, else the offer's usual ones."""
        usual = self.source.offer.delay.draw(self.count, self.world.rng, self.source.affiliate.speed)
        usual = np.minimum(usual, self.source.offer.window * 0.99)
        return np.where(self.tells() if shown is None else shown, own, usual)


def _relocate(job: Job, clicks: Columns, mask: np.ndarray, ranges: np.ndarray, pool: int) -> None:
    """Put clicks behind a pool of addresses within ranges (one per click); 0: every click its own address."""
    world, rng = job.world, job.world.rng
    if pool:
        ranges = rng.choice(ranges, size=pool)
        hi = world.crowd.ranges.address(ranges, rng)
        if rng.random() < 0.5:
            hi = (hi[0] & ~np.uint64(255)) | rng.integers(1, 255, pool).astype(np.uint64)
            ranges = np.full(pool, ranges[0])
        pick = rng.integers(0, pool, job.count)
        hi, ranges = hi[pick], ranges[pick]
    else:
        hi = world.crowd.ranges.address(ranges, rng)
    low = rng.integers(0, 1 << 62, job.count)
    clicks["hi"] = np.where(mask, hi, clicks["hi"])
    clicks["lo"] = np.where(mask, np.where(hi < (1 << 32), 0, low), clicks["lo"])
    clicks["country"] = np.where(mask, world.crowd.ranges.country[ranges], clicks["country"])


def _redress(job: Job, clicks: Columns, mask: np.ndarray, platform: int, number: int, form: int) -> None:
    """Let clicks show the agents of a few handsets only."""
    world, rng = job.world, job.world.rng
    few = world.handsets.choose(np.full(number, platform), rng)
    shown = world.handsets.agent(rng.choice(few, size=job.count), form, int(rng.integers(0, 3)))
    clicks["agent"] = np.where(mask, shown, clicks["agent"])


def _stay(clicks: Columns) -> Columns:
    """Return the facts that a goal shares with its click when nobody moves in between."""
    return {name: clicks[name] for name in ("hi", "lo", "country")}


def _chaff(job: Job, like: Columns, per_goal: float) -> None:
    """Write clicks of the same make that lead nowhere, `per_goal` for each goal."""
    rng, count = job.world.rng, int(min(job.count * per_goal, job.chaff))
    if count < 1:
        return
    row = rng.integers(0, job.count, count)
    clicks = {name: values[row] for name, values in like.items()}
    shift = rng.exponential(6 * HOUR, count) * rng.choice([-1, 1], count)
    clicks["ts"] = np.clip(clicks["ts"] + shift, 0, job.world.days * DAY - 1)
    clicks["person"] = clicks["person"][rng.permutation(count)]
    job.world.log.click(clicks)


def _countries(job: Job, people: np.ndarray) -> np.ndarray:
    return job.world.crowd.facts(people, "country")


def bots(job: Job) -> None:
    """Scripts click and fill in forms: from servers or rented lines, at any hour, evenly fast."""
    rng, offer = job.world.rng, job.source.offer
    clicks = job.visits(np.where(job.tells(), job.flat(), job.times(job.count)))
    line = int(rng.choice([SERVER, EXIT, HOME], p=[0.45, 0.15, 0.4]))
    ranges = job.world.crowd.ranges.choose(_countries(job, clicks["person"]), line, rng)
    _relocate(job, clicks, job.tells(), ranges, int(rng.choice([0, rng.integers(3, 80)])))
    _redress(job, clicks, job.tells(), int(rng.choice([ANDROID, DESKTOP])), int(rng.integers(1, 12)), BROWSER)
    middle, even = offer.delay.quick * np.exp(rng.uniform(np.log(0.1), np.log(1.5))), rng.uniform(2, 60)
    delay = job.slow(0.7 + rng.gamma(even, middle / even, job.count))
    job.world.commit(offer, clicks, delay, kind=job.kind, retention=rng.uniform(0, 0.3), **_stay(clicks))
    _chaff(job, clicks, rng.uniform(0.2, 30))


def stuffed_leads(job: Job) -> None:
    """Workers in shifts type bought or old details of real people into forms; the same person turns up elsewhere."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    home = COUNTRIES.index(str(rng.choice(_CHEAP)))
    shift = job.hours(UTC_OFFSET[COUNTRIES[home]], rng.uniform(6, 20), rng.uniform(5, 11))
    clicks = job.visits(np.where(job.tells(), shift, job.times(job.count)))
    tunnel = rng.random() < 0.6
    where = _countries(job, clicks["person"]) if tunnel else np.full(job.count, home)
    ranges = world.crowd.ranges.choose(where, int(rng.choice([EXIT, HOME])) if tunnel else HOME, rng)
    _relocate(job, clicks, job.tells(), ranges, int(rng.integers(2, 40)))
    _redress(job, clicks, job.tells(), DESKTOP, int(rng.integers(1, 7)), BROWSER)
    delay = job.slow(offer.delay.quick * rng.uniform(0.25, 1.4) * rng.lognormal(0, rng.uniform(0.15, 0.6), job.count))
    bought = rng.integers(0, world.stolen, job.count) + (1 << 40)
    customer = np.where(job.tells(), bought, clicks["person"] + (1 << 42))
    world.commit(offer, clicks, delay, kind=job.kind, retention=0.1, customer=customer, **_stay(clicks))
    _chaff(job, clicks, rng.uniform(0, 8))


def device_farm(job: Job) -> None:
    """Racks of cheap phones install and reset themselves round the clock, on a handful of lines."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    country = int(rng.choice(len(COUNTRIES), p=job.source.audience.countries))
    clicks = job.visits(np.where(job.tells(), job.flat(), job.times(job.count)))
    ranges = world.crowd.ranges.choose(np.full(job.count, country), int(rng.choice([HOME, CARRIER])), rng)
    _relocate(job, clicks, job.tells(), ranges, int(rng.integers(1, 25)))
    models = int(rng.integers(1, 9))
    shown = job.tells()
    _redress(job, clicks, shown, ANDROID, models, WEBVIEW)
    even = rng.uniform(3, 40)
    middle = offer.delay.floor + (offer.delay.quick - offer.delay.floor) * rng.uniform(0.15, 1.2)
    delay = job.slow(offer.delay.floor * 0.8 + rng.gamma(even, max(middle, 3) / even, job.count))
    same = Columns(agent=clicks["agent"])
    _redress(job, same, shown, ANDROID, models, CLIENT)
    fresh = np.arange(job.count) + int(rng.integers(1 << 40, 1 << 41))
    reused = rng.choice(fresh[: max(1, job.count // int(rng.integers(1, 6)))], size=job.count)
    clicks["device"] = np.where(clicks["device"] < 0, -1, reused)
    facts = {"device": reused, "agent": same["agent"], **_stay(clicks)}
    world.commit(offer, clicks, delay, kind=job.kind, retention=rng.choice([0.0, 0.1, 0.6, 1.5]), **facts)
    _chaff(job, clicks, rng.uniform(0.1, 10))


def self_referral_ring(job: Job) -> None:
    """The affiliate and a few friends buy for themselves again and again: little traffic, few lines, few devices."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    friends = max(2, int(job.count / np.exp(rng.uniform(np.log(1.5), np.log(10)))))
    people = rng.choice(world.crowd.welcome(replace(job.source.audience, outdoors=0.2), friends, rng), size=job.count)
    clicks = world.visits(job.source, np.sort(job.times(job.count)), people)
    clicks["referrer"] = np.where(job.tells(), -1, clicks["referrer"])
    own = job.source.affiliate.code
    clicks["affiliate"] = rng.choice([own, own, *job.allies], size=job.count)
    clicks["sub"] = np.where(clicks["affiliate"] == own, clicks["sub"], -1)
    delay = job.slow(offer.delay.floor + offer.delay.quick * rng.uniform(0.2, 0.8) * rng.lognormal(0, 0.6, job.count))
    disguised = rng.integers(1 << 43, 1 << 44, job.count)
    customer = np.where(job.tells(), people + (1 << 45), disguised)
    world.commit(offer, clicks, delay, kind=job.kind, retention=0.2, customer=customer)
    _chaff(job, clicks, rng.uniform(0.1, 3))


def undisclosed_incentive(job: Job) -> None:
    """People are paid for the goal where that is not allowed: many of few clicks convert, soon, and nobody stays."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    eager = rng.pareto(1.2, len(world.wall)) + 0.05
    hired = rng.choice(world.wall, size=job.count, p=eager / eager.sum())
    own = world.audience(job.source.audience, job.count)
    people = np.where(job.tells(), hired, own)
    posts = job.times(max(1, int(job.count / rng.uniform(5, 60))))
    burst = rng.choice(posts, size=job.count) + rng.exponential(rng.uniform(600, 20000), job.count)
    ts = np.where(job.tells(), np.minimum(burst, world.days * DAY - 1), job.times(job.count))
    clicks = world.visits(job.source, ts, people)
    clicks["referrer"] = np.where(job.tells(), -1, clicks["referrer"])
    keen = offer.delay.draw(job.count, rng, rng.uniform(0.3, 0.8), 0.2)
    world.commit(offer, clicks, job.slow(keen), kind=job.kind, retention=rng.uniform(0, 0.25))
    _chaff(job, clicks, rng.uniform(2, 15))


def proxy_spoofing(job: Job) -> None:
    """One operator acts as many: every goal from another rented line, not the one that clicked, at his own hours."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    awake = job.hours(float(rng.uniform(-8, 9)), rng.uniform(7, 22), rng.uniform(6, 14))
    clicks = job.visits(np.where(job.tells(), awake, job.times(job.count)))
    country, line = _countries(job, clicks["person"]), int(rng.choice([EXIT, SERVER, HOME], p=[0.35, 0.25, 0.4]))
    _relocate(job, clicks, job.tells(), world.crowd.ranges.choose(country, line, rng), 0)
    later = dict(clicks)
    _relocate(job, later, job.tells(), world.crowd.ranges.choose(country, line, rng), int(rng.choice([0, 200])))
    number = int(rng.integers(1, 20))
    _redress(job, clicks, job.tells(), int(rng.choice([ANDROID, DESKTOP])), number, BROWSER)
    delay = job.slow(offer.delay.draw(job.count, rng, rng.uniform(0.4, 1.1), 0.3))
    facts = _stay(later)
    if offer.family == APP:
        facts["device"] = rng.integers(0, max(2, number), job.count) + int(rng.integers(1 << 46, 1 << 47))
        facts["device"] = np.where(job.tells(), facts["device"], world.crowd.facts(clicks["person"], "device"))
    world.commit(offer, clicks, delay, kind=job.kind, retention=rng.uniform(0, 0.6), **facts)
    _chaff(job, clicks, rng.uniform(0.5, 12))


def geo_spoofing(job: Job) -> None:
    """Visitors of a cheap country are sold as of a dear one: the country told is not where the line is."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    paid = int(np.argmax(offer.countries))
    home = COUNTRIES.index(str(rng.choice([name for name in _CHEAP if COUNTRIES.index(name) != paid])))
    countries = np.eye(len(COUNTRIES))[home]
    audience = Audience(countries, np.array([0.9, 0.02, 0.08]), 0.7, 0.2)
    people = world.audience(audience, job.count)
    local = job.hours(UTC_OFFSET[COUNTRIES[home]], 9, 14)
    clicks = world.visits(job.source, np.where(job.tells(), local, job.times(job.count)), people)
    tunnel = rng.random(job.count) < rng.choice([0.0, 0.3, 0.9])
    ranges = world.crowd.ranges.choose(np.full(job.count, paid), EXIT, rng)
    _relocate(job, clicks, tunnel, ranges, int(rng.integers(5, 60)))
    own = ~job.tells() & (rng.random(job.count) < 0.5)
    bought = world.crowd.ranges.choose(np.full(job.count, paid), HOME, rng)
    _relocate(job, clicks, own, bought, 0)
    clicks["country"] = np.full(job.count, paid)
    delay = job.slow(offer.delay.draw(job.count, rng, rng.uniform(0.6, 1.2)))
    world.commit(offer, clicks, delay, kind=job.kind, retention=rng.uniform(0, 0.4), **_stay(clicks))
    _chaff(job, clicks, rng.uniform(5, 120))


def click_flooding(job: Job) -> None:
    """Clicks nobody made are sent for people who come by themselves: huge numbers, and any time before the goal."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    goal = job.times(job.count)
    reach = min(np.exp(rng.uniform(np.log(2 * HOUR), np.log(7 * DAY))), offer.window * 0.98)
    delay = np.where(job.tells(), rng.uniform(0, reach, job.count), rng.weibull(0.6, job.count) * reach / 4)
    delay = np.minimum(np.maximum(delay, 1), np.minimum(reach, goal + 1))
    clicks = job.visits(np.maximum(goal - delay, 0))
    clicks["referrer"] = np.where(job.tells(), -1, clicks["referrer"])
    later = world.crowd.lines(clicks["person"], goal, rng)
    world.commit(offer, clicks, delay, kind=job.kind, **later)
    _chaff(job, clicks, np.exp(rng.uniform(np.log(60), np.log(900))))


def click_injection(job: Job) -> None:
    """A program on the phone notices an installation and sends a click before the app is first opened."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    phones = np.array([1.0, 0.0, 0.0])
    people = world.audience(replace(job.source.audience, platforms=phones), job.count)
    clicks = world.visits(job.source, job.times(job.count), people)
    clicks["device"] = world.crowd.facts(people, "device")
    hurry = offer.delay.floor * rng.uniform(0.15, 0.9)
    delay = 0.4 + hurry * rng.gamma(rng.uniform(0.8, 4), 0.5, job.count)
    late = ~job.tells()  # phones in doze: the owner opens the app later
    delay = np.where(late, delay + rng.weibull(0.7, job.count) * offer.delay.quick * 0.5, delay)
    world.commit(offer, clicks, delay, kind=job.kind, **_stay(clicks))
    _chaff(job, clicks, np.exp(rng.uniform(np.log(0.05), np.log(60))))


def cookie_stuffing(job: Job) -> None:
    """Pages set the affiliate's cookie unasked; some of their readers buy anyway, hours or days later."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    goal = job.times(job.count)
    ahead = rng.exponential(np.exp(rng.uniform(np.log(3 * HOUR), np.log(6 * DAY))), job.count)
    soon = rng.random(job.count) < rng.beta(1, 6)  # dropped on the shop's own name: a toolbar, a misspelt address
    ahead = np.where(soon, rng.gamma(1.5, 3, job.count), ahead)
    delay = np.minimum(np.minimum(ahead, offer.window * 0.97), goal)
    clicks = job.visits(goal - delay)
    pages = rng.integers(0, 1 << 20, int(rng.integers(1, 40))) + (1 << 30)
    clicks["referrer"] = np.where(job.tells(), rng.choice([-1, *pages], size=job.count), clicks["referrer"])
    later = world.crowd.lines(clicks["person"], goal, rng)
    world.commit(offer, clicks, delay, kind=job.kind, **later)
    _chaff(job, clicks, np.exp(rng.uniform(np.log(15), np.log(400))))


def window_abuse(job: Job) -> None:
    """Old clicks are kept warm and spent on goals just before the attribution window closes, or after it."""
    rng, world, offer = job.world.rng, job.world, job.source.offer
    window = min(offer.window, 0.6 * world.days * DAY)
    edge = window * (1 + rng.choice([-1, -1, 1]) * rng.exponential(rng.uniform(0.01, 0.12), job.count))
    middle = rng.uniform(0.3, 1, job.count) * window
    delay = np.where(job.tells(), edge, middle)
    goal = np.clip(job.times(job.count), delay + 1, None)
    clicks = job.visits(goal - delay)
    rounds = np.sort(rng.uniform(0, world.days * DAY, int(rng.integers(1, 12))))
    batch = rounds[np.searchsorted(rounds, clicks["ts"]).clip(max=len(rounds) - 1)] + rng.exponential(1800, job.count)
    clicks["ts"] = np.where(job.tells() & (batch < goal), batch, clicks["ts"])
    later = world.crowd.lines(clicks["person"], goal, rng)
    world.commit(offer, clicks, goal - clicks["ts"], kind=job.kind, **later)
    _chaff(job, clicks, rng.uniform(5, 80))


def replayed_conversions(job: Job) -> None:
    """Postbacks of earlier goals are sent again: with the same click, and a new order or customer now and then."""
    rng, world, (source, offer) = job.world.rng, job.world, (job.source, job.source.offer)
    own = [
        goals
        for goals in world.log.goals
        if len(goals["ts"]) and goals["affiliate"][0] == source.affiliate.code and goals["offer"][0] == offer.code
    ]
    names = own[0].keys() if own else ()
    rows = {name: np.concatenate([goals[name] for goals in own]) for name in names}
    honest = np.flatnonzero((rows["kind"] == "") & (rows["event"] == 0)) if own else np.array([], dtype=np.int64)
    if len(honest) == 0:
        return
    taken = rng.choice(honest, size=min(job.count, 6 * len(honest)))
    copied = {name: values[taken] for name, values in rows.items()}
    job.count = len(taken)
    gap = np.exp(rng.uniform(np.log(60), np.log(5 * DAY)))
    copied["ts"] = copied["ts"] + gap * rng.lognormal(0, rng.uniform(0.1, 1.2), job.count)
    copied["kind"] = np.full(job.count, job.kind, dtype=object)
    for name in ("order", "customer"):
        changed = job.tells() if rng.random() < 0.5 else np.ones(job.count, dtype=bool)
        copied[name] = np.where(changed, rng.integers(1 << 48, 1 << 49, job.count), copied[name])
    if rng.random() < 0.4:
        ranges = world.crowd.ranges.choose(copied["country"], int(rng.choice([SERVER, HOME])), rng)
        _relocate(job, copied, job.tells(), ranges, int(rng.choice([0, 30])))
    world.log.goals.append(copied)


FAMILIES: dict[str, tuple[str, ...]] = {
    "click_flooding": (APP, LEAD, SALE, CARRIER_BILLING),
    "click_injection": (APP,),
    "cookie_stuffing": (SALE, LEAD),
    "bot_leads": (LEAD,),
    "stuffed_leads": (LEAD,),
    "device_farm": (APP,),
    "self_referral_ring": (SALE, LEAD),
    "undisclosed_incentive": (APP, LEAD, SALE, CARRIER_BILLING),
    "proxy_spoofing": (APP, LEAD, SALE, CARRIER_BILLING),
    "geo_spoofing": (APP, LEAD, SALE),
    "replayed_conversions": (APP, LEAD, SALE),
    "bought_sub_id": (APP, LEAD, SALE, CARRIER_BILLING),
    "slow_ramp": (APP, LEAD, SALE, CARRIER_BILLING),
    "window_abuse": (APP, LEAD, SALE),
}
"""The kinds of fraud, and the families of goals that each is committed on."""

MECHANISMS: dict[str, Callable[[Job], None]] = {
    "click_flooding": click_flooding,
    "click_injection": click_injection,
    "cookie_stuffing": cookie_stuffing,
    "bot_leads": bots,
    "stuffed_leads": stuffed_leads,
    "device_farm": device_farm,
    "self_referral_ring": self_referral_ring,
    "undisclosed_incentive": undisclosed_incentive,
    "proxy_spoofing": proxy_spoofing,
    "geo_spoofing": geo_spoofing,
    "replayed_conversions": replayed_conversions,
    "window_abuse": window_abuse,
}
HIRED = {
    APP: ("device_farm", "undisclosed_incentive", "proxy_spoofing", "click_flooding"),
    LEAD: ("bot_leads", "stuffed_leads", "undisclosed_incentive", "proxy_spoofing"),
    CARRIER_BILLING: ("click_flooding", "undisclosed_incentive", "proxy_spoofing"),
    SALE: ("bot_leads", "undisclosed_incentive", "proxy_spoofing", "cookie_stuffing"),
}
"""What stands behind a bought sub id or a slow ramp."""
