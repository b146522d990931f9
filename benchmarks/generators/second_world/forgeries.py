"""Frauds in which nobody wanted anything: machines, farms, bought data, paid crowds, friends, and borrowed places."""

from __future__ import annotations

import numpy as np

from second_world.market import journey
from second_world.networks import COUNTRIES, as_text
from second_world.partners import customers
from second_world.people import HOUR, Floats, Ints, Scene, random_hex
from second_world.schemes import Forged, Scheme, carry_out, idle_clicks, nothing, seconds, strangers

_STALE = (
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.88 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/88.0.4324.150 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0.4664.45 Safari/537.36",
)
_POOR = ("IN", "VN", "ID", "PH", "NG", "BR")


def bot_leads(scheme: Scheme) -> float:
    """Fill forms by program: rented addresses, the same pauses between the same pages, at all hours."""
    rng = scheme.world.rng
    offer = scheme.offer("lead")
    count = scheme.goals_wanted(offer)
    one = scheme.world.ledger.offers[offer]
    click_ts = scheme.hours_of_machines(count) // (300 * 1_000_000) * 300 * 1_000_000 + seconds(
        rng.uniform(0, 9, count)
    )
    pauses = one.steps * rng.uniform(1.5, 6) * (1 + rng.normal(0, 0.05, size=count))
    careful = journey(one, count, rng)
    ts = click_ts + np.where(scheme.blatant(count), seconds(np.maximum(pauses, 1.0)), careful)
    ip = _rented(scheme, count, rng.uniform(0.4, 0.95) * scheme.blatancy)
    agents = np.array(_STALE, dtype=object)[rng.integers(0, len(_STALE), size=count)]
    modern = scheme.world.people.networks.desktops.draw(count, rng)
    scene = Scene(
        ip, np.where(scheme.blatant(count), agents, modern), random_hex(count, 20, rng), _claimed(scheme, count)
    )
    return _carry(scheme, offer, click_ts, ts, scene, strangers(count, rng))


def stuffed_leads(scheme: Scheme) -> float:
    """Post bought addresses of real people in batches; plausible in each line, too even as a crowd."""
    rng, people = scheme.world.rng, scheme.world.people
    offer = scheme.offer("lead")
    count = scheme.goals_wanted(offer)
    person = scheme.anybody(count)
    starts = scheme.hours_of_machines(max(1, count // 35))
    place = np.sort(rng.integers(0, len(starts), size=count))
    queue = rng.gamma(3, 7, size=count)
    ts = starts[place] + seconds(np.cumsum(queue) - np.cumsum(queue)[np.searchsorted(place, place)])
    click_ts = ts - seconds(np.exp(rng.normal(4.9, 0.18 + 0.7 * (1 - scheme.blatancy), size=count)))
    recorded = people.scene(person, ts - (90 * 24) * HOUR, rng)
    common = people.networks.phones.names[:10]
    agents = common[rng.integers(0, len(common), size=count)]
    scene = Scene(recorded.ip, agents, nothing(count), recorded.country)
    return _carry(scheme, offer, click_ts, ts, scene, strangers(count, rng))


def device_farm(scheme: Scheme) -> float:
    """Work through shelves of phones in shifts, with identities reset between jobs."""
    rng, networks = scheme.world.rng, scheme.world.people.networks
    offer = scheme.offer("install")
    count = scheme.goals_wanted(offer)
    shelf = int(rng.integers(8, 40))
    phone = rng.integers(0, shelf, size=count)
    models = networks.phones.draw(4, rng)[rng.integers(0, 4, size=shelf)]
    country = str(rng.choice(_POOR))
    lines = as_text(networks.in_ranges(networks.carriers[country], int(rng.integers(2, 9)), rng))
    click_ts = scheme.hours_of_machines(count)
    ts = click_ts + seconds(rng.gamma(12, rng.uniform(4, 12), size=count))
    identity = random_hex(count, 32, rng)
    fixed = random_hex(shelf, 32, rng)[phone]
    device = np.where(rng.random(count) < 0.75, identity, fixed)
    ids = np.array([f"{t[:8]}-{t[8:12]}-4{t[13:16]}-a{t[17:20]}-{t[20:]}" for t in device], dtype=object)
    claimed = np.full(count, country, dtype=object)
    scene = Scene(lines[rng.integers(0, len(lines), size=count)], models[phone], ids, claimed)
    return _carry(scheme, offer, click_ts, ts, scene, strangers(count, rng))


def undisclosed_incentive(scheme: Scheme) -> float:
    """Pay people to sign up: crowds after each posting, in a hurry, real in every way, never seen again."""
    rng, people = scheme.world.rng, scheme.world.people
    offer = scheme.offer()
    count = scheme.goals_wanted(offer)
    person = scheme.anybody(count)
    posted = scheme.hours_of_people(max(2, count // 60))
    click_ts = posted[rng.integers(0, len(posted), size=count)] + seconds(rng.exponential(2.5 * 3600, size=count))
    one = scheme.world.ledger.offers[offer]
    hurried = seconds(np.maximum(one.steps * one.step_seconds * rng.beta(2, 5, size=count) * 0.8, 2.0))
    ts = click_ts + np.where(scheme.blatant(count), hurried, journey(one, count, rng, haste=0.7))
    scene = people.scene(person, click_ts, rng, app_share=0.3)
    lookers = scheme.anybody(max(1, int(count * rng.uniform(0.4, 1.5))))
    when = posted[rng.integers(0, len(posted), size=len(lookers))] + seconds(rng.exponential(9000, size=len(lookers)))
    idle_clicks(scheme, offer, when, lookers, people.scene(lookers, when, rng), nothing(len(lookers)))
    page = np.array([None, "https://earncoins.example/task", f"https://{scheme.partner.site}/"], dtype=object)
    shown = page[rng.choice(3, size=count, p=[0.5, 0.3, 0.2])]
    sub = scheme.some_subs(count)
    return carry_out(scheme, Forged(offer, click_ts, ts, person, scene, scene, strangers(count, rng), sub, shown))


def self_referral_ring(scheme: Scheme) -> float:
    """A few friends buy through each other's links, from the same homes and phones, and send things back later."""
    rng, people = scheme.world.rng, scheme.world.people
    offer = scheme.offer("sale")
    friends = rng.integers(0, len(people), size=int(rng.integers(4, 12)))
    stolen = 0.0
    members = (scheme.partner.number, *scheme.mates)
    for member in members:
        count = max(3, min(scheme.goals_wanted(offer) // len(members), 160))
        person = rng.choice(friends, size=count)
        click_ts = scheme.hours_of_people(count)
        ts = click_ts + journey(scheme.world.ledger.offers[offer], count, rng, haste=0.5)
        scene = people.scene(person, click_ts, rng)
        renamed = rng.random(count) > scheme.blatancy
        customer = np.where(renamed, strangers(count, rng), customers(person))
        forged = Forged(
            offer, click_ts, ts, person, scene, scene, customer, scheme.some_subs(count), nothing(count), member
        )  # fmt: skip
        stolen += carry_out(scheme, forged)
    return stolen


def proxy_spoofing(scheme: Scheme) -> float:
    """Drive real browsers through rotating proxies: the pace of people, an address that never stays."""
    rng, people = scheme.world.rng, scheme.world.people
    offer = scheme.offer()
    count = scheme.goals_wanted(offer)
    click_ts = scheme.hours_of_people(count)
    ts = click_ts + journey(scheme.world.ledger.offers[offer], count, rng, haste=0.9)
    share = rng.uniform(0.2, 0.7) * scheme.blatancy
    agents = np.where(
        rng.random(count) < 0.5, people.networks.phones.draw(count, rng), people.networks.desktops.draw(count, rng)
    )
    claimed = _claimed(scheme, count)
    device = random_hex(count, 20, rng)
    click_scene = Scene(_rented(scheme, count, share, "vpns"), agents, device, claimed)
    goal_scene = Scene(_rented(scheme, count, share, "vpns"), agents, device, claimed)
    forged = Forged(
        offer, click_ts, ts, scheme.anybody(count), click_scene, goal_scene, strangers(count, rng),
        scheme.some_subs(count), _own_pages(scheme, count),
    )  # fmt: skip
    return carry_out(scheme, forged)


def geo_spoofing(scheme: Scheme) -> float:
    """Sell visitors from cheap countries as visitors from dear ones."""
    rng, people = scheme.world.rng, scheme.world.people
    offer = scheme.offer()
    count = scheme.goals_wanted(offer)
    networks = people.networks
    origin = rng.choice(_POOR, size=3)
    homes = np.concatenate([networks.homes[name] for name in origin])
    far = as_text(networks.in_ranges(homes, count, rng))
    person = scheme.anybody(count)
    click_ts = scheme.hours_of_people(count)
    near = people.scene(person, click_ts, rng)
    is_far = scheme.blatant(count)
    agents = networks.phones.draw(count, rng)
    scene = Scene(np.where(is_far, far, near.ip), agents, random_hex(count, 20, rng), _claimed(scheme, count))
    ts = click_ts + journey(scheme.world.ledger.offers[offer], count, rng)
    return _carry(scheme, offer, click_ts, ts, scene, strangers(count, rng))


def bought_sub_id(scheme: Scheme) -> float:
    """Put a single bought placement among the good ones of an honest partner."""
    inner = scheme.world.rng.choice([bot_leads, stuffed_leads, device_farm, undisclosed_incentive])
    return float(inner(scheme))


def slow_ramp(scheme: Scheme) -> float:
    """Begin honestly, then mix in more and more paid hands and programs."""
    rng, people = scheme.world.rng, scheme.world.people
    offer = scheme.offer()
    count = scheme.goals_wanted(offer)
    click_ts = scheme.hours_of_people(count, ramp=True)
    one = scheme.world.ledger.offers[offer]
    quick = seconds(np.maximum(rng.gamma(5, one.steps * 0.7, size=count), 1.5))
    ts = click_ts + np.where(scheme.blatant(count), quick, journey(one, count, rng, haste=0.5))
    person = scheme.anybody(count)
    lived_in = people.scene(person, click_ts, rng)
    few = as_text(
        people.networks.in_ranges(people.networks.homes[str(rng.choice(COUNTRIES))], max(3, count // 12), rng)
    )
    ip = np.where(rng.random(count) < 0.6, few[rng.integers(0, len(few), size=count)], lived_in.ip)
    scene = Scene(ip, lived_in.user_agent, random_hex(count, 20, rng), lived_in.country)
    return _carry(scheme, offer, click_ts, ts, scene, strangers(count, rng))


def _carry(scheme: Scheme, offer: int, click_ts: Ints, ts: Ints, scene: Scene, customer: np.ndarray) -> float:
    count = len(ts)
    wasted = int(count * scheme.world.rng.uniform(0.05, 2.0))
    again = scheme.world.rng.integers(0, count, size=wasted)
    idle = Scene(scene.ip[again], scene.user_agent[again], scene.device_id[again], scene.country[again])
    nobody = scheme.anybody(max(count, wasted))
    when = scheme.hours_of_machines(wasted)
    idle_clicks(scheme, offer, when, nobody[:wasted], idle, _own_pages(scheme, wasted))
    forged = Forged(
        offer, click_ts, ts, nobody[:count], scene, scene, customer, scheme.some_subs(count), _own_pages(scheme, count)
    )  # fmt: skip
    return carry_out(scheme, forged)


def _own_pages(scheme: Scheme, count: int) -> np.ndarray:
    pages = np.array([f"https://{scheme.partner.site}/", f"https://{scheme.partner.site}/deals", None], dtype=object)
    return pages[scheme.world.rng.choice(3, size=count, p=[0.4, 0.2, 0.4])]


def _claimed(scheme: Scheme, count: int) -> np.ndarray:
    """Claim the countries that the programme's people come from."""
    people = scheme.world.people
    return np.array(COUNTRIES, dtype=object)[people.country[scheme.anybody(count)]]


def _rented(scheme: Scheme, count: int, share: Floats | float, sort: str = "servers") -> np.ndarray:
    """Draw addresses of which a share is rented and the rest are homes, none twice for long."""
    rng, networks = scheme.world.rng, scheme.world.people.networks
    ranges = networks.vpns if sort == "vpns" else networks.servers
    few = ranges[rng.integers(0, len(ranges), size=int(rng.integers(2, 25)))]
    rented = as_text(networks.in_ranges(few, count, rng))
    homes = np.concatenate(list(networks.homes.values()))
    return np.where(rng.random(count) < share, rented, as_text(networks.in_ranges(homes, count, rng)))
