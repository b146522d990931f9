"""People with homes, phones, computers, jobs and habits; where one is at an hour decides address and agent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from second_world.networks import COUNTRIES, UTC_OFFSET_HOURS, Networks, Strings, as_text, home_v6

HOUR = 3_600_000_000
"""Microseconds of an hour: all times here are whole microseconds since 1970, UTC."""
DAY = 24 * HOUR

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def random_hex(count: int, digits: int, rng: np.random.Generator) -> Strings:
    """Draw hexadecimal identifiers."""
    raw = rng.bytes(count * ((digits + 1) // 2)).hex()
    width = (digits + 1) // 2 * 2
    return np.array([raw[at * width : at * width + digits] for at in range(count)], dtype=object)


@dataclass(frozen=True)
class Scene:
    """Where people are when something happens: address, agent and device of each."""

    ip: Strings
    user_agent: Strings
    device_id: Strings
    country: Strings


@dataclass(frozen=True)
class Population:
    """All people, one place in each array per person."""

    networks: Networks
    country: Ints
    home: Ints
    home_is_v6: NDArray[np.bool_]
    gateway: Ints
    office: Ints
    phone: Strings
    desktop: Strings
    phone_id: Strings
    cookie_id: Strings
    phone_share: Floats
    keenness: Floats
    offices: Strings
    wifis: Strings

    def __len__(self) -> int:
        return len(self.country)

    def local_hour(self, who: Ints, ts: Ints) -> Floats:
        """Return the hour of the day where each person lives."""
        offset = np.array(UTC_OFFSET_HOURS)[self.country[who]]
        return (ts / HOUR + offset) % 24

    def scene(self, who: Ints, ts: Ints, rng: np.random.Generator, *, app_share: float = 0.0) -> Scene:
        """Place people at a time: at home, on the road, at work or on public wifi.

        `app_share` of the events on a phone happen inside an app, which has the phone's own advertising id.
        """
        count = len(who)
        hour = self.local_hour(who, ts)
        at_work = (self.office[who] >= 0) & (hour > 8.5) & (hour < 17.5) & (rng.random(count) < 0.6)
        on_phone = (rng.random(count) < self.phone_share[who]) & ~(at_work & (rng.random(count) < 0.5))
        road = on_phone & ~at_work & (rng.random(count) < 0.45)
        public = on_phone & ~at_work & ~road & (rng.random(count) < 0.05)
        ip = self._home_address(who, ts, rng)
        ip[road] = self._gateway_address(who[road], rng)
        ip[at_work] = self.offices[self.office[who[at_work]]]
        ip[public] = self.wifis[rng.integers(0, len(self.wifis), size=int(public.sum()))]
        in_app = on_phone & (rng.random(count) < app_share)
        return Scene(
            ip=ip,
            user_agent=np.where(on_phone, self.phone[who], self.desktop[who]),
            device_id=np.where(in_app, self.phone_id[who], self.cookie_id[who]),
            country=np.array(COUNTRIES, dtype=object)[self.country[who]],
        )

    def _home_address(self, who: Ints, ts: Ints, rng: np.random.Generator) -> Strings:
        # half of the homes get a new address of the same network every week or so
        moved = (self.home[who] % 2) * ((ts // DAY + self.home[who]) // 8 % 97)
        ip = as_text((self.home[who] // 256) * 256 + (self.home[who] % 256 + moved * 31) % 254 + 1)
        six = self.home_is_v6[who]
        for place in np.unique(self.country[who[six]]):
            chosen = six & (self.country[who] == place)
            ip[chosen] = home_v6(COUNTRIES[place], who[chosen], rng)
        return ip

    def _gateway_address(self, who: Ints, rng: np.random.Generator) -> Strings:
        # a carrier's gateways sit side by side; a session may leave through any of a few
        return as_text(self.gateway[who] + rng.integers(0, 4, size=len(who)))


def make_population(networks: Networks, shares: dict[str, float], count: int, rng: np.random.Generator) -> Population:
    """Draw people of the given countries (shares sum to 1)."""
    places = np.array([COUNTRIES.index(name) for name in shares])
    country = rng.choice(places, size=count, p=np.array(list(shares.values())))
    home, gateway = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    for place in places:
        own = country == place
        home[own] = networks.in_ranges(networks.homes[COUNTRIES[place]], int(own.sum()), rng)
        pools = networks.in_ranges(networks.carriers[COUNTRIES[place]], 12, rng)
        gateway[own] = pools[rng.integers(0, len(pools), size=int(own.sum()))]
    all_homes = np.concatenate([networks.homes[COUNTRIES[place]] for place in places])
    offices = as_text(networks.in_ranges(all_homes, max(8, count // 150), rng))
    wifis = as_text(networks.in_ranges(all_homes, max(6, count // 400), rng))
    employed = rng.random(count) < 0.35
    return Population(
        networks=networks,
        country=country,
        home=home,
        home_is_v6=rng.random(count) < 0.18,
        gateway=gateway,
        office=np.where(employed, (rng.pareto(1.2, size=count) * 3).astype(np.int64) % len(offices), -1),
        phone=networks.phones.draw(count, rng),
        desktop=networks.desktops.draw(count, rng),
        phone_id=_device_ids(count, rng),
        cookie_id=random_hex(count, 20, rng),
        phone_share=rng.beta(2.2, 1.3, size=count),
        keenness=rng.gamma(0.7, 1 / 0.7, size=count),
        offices=offices,
        wifis=wifis,
    )


def _device_ids(count: int, rng: np.random.Generator) -> Strings:
    text = random_hex(count, 32, rng)
    ids = np.array([f"{t[:8]}-{t[8:12]}-4{t[13:16]}-a{t[17:20]}-{t[20:]}" for t in text], dtype=object)
    # whoever opts out of tracking has the same zeros as everybody else who does
    ids[rng.random(count) < 0.12] = "00000000-0000-0000-0000-000000000000"
    return ids
