"""People: where they live and work, what they browse with, when they are awake, how they like to buy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from fifth_world.agents import agent, families
from fifth_world.chance import DAY, HOUR, Floats, Ints, between, local_hours, mix, unit
from fifth_world.networks import MAIN, OFFSETS, Ranges, ranges


@dataclass(frozen=True)
class Seen:
    """What a tracker sees of visits: address, number of the agent, device (-1: none), number of the country."""

    ip: Ints
    agent: Ints
    device: Ints
    country: Ints

    def rows(self, chosen: Ints) -> Seen:
        """Return what was seen of these visits."""
        return Seen(self.ip[chosen], self.agent[chosen], self.device[chosen], self.country[chosen])


@dataclass(frozen=True)
class Internet:
    """The networks of a programme and how they hand out addresses."""

    home: Ranges = field(default_factory=lambda: ranges("home"))
    mobile: Ranges = field(default_factory=lambda: ranges("mobile"))
    office: Ranges = field(default_factory=lambda: ranges("office"))
    hosting: Ranges = field(default_factory=lambda: ranges("hosting"))
    vpn: Ranges = field(default_factory=lambda: ranges("vpn"))
    gateways: int = 200
    """Addresses behind which all customers of a carrier sit."""
    exits: int = 40
    """Addresses of a VPN in a country."""
    renewal_days: float = 5.0
    """Days a household keeps its address, in the middle."""


@dataclass(frozen=True)
class People:
    """One row a person; -1 in `office`, `vpn` and `desk`: has none."""

    country: Ints
    household: Ints
    home: Ints
    carrier: Ints
    office: Ints
    vpn: Ints
    phone: Ints
    desk: Ints
    lag: Floats
    mobility: Floats
    """Share of what they do on the telephone."""
    roaming: Floats
    """Share of telephone use away from home."""
    evening: Floats
    private_days: Floats
    """Days after which the device is a new one to the tracker; 0: never recognised."""
    thrift: Floats
    """How much they hunt for codes and cashback, 0..1."""
    income: Floats
    internet: Internet
    office_ip: Ints

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.country)

    def visit(self, who: Ints, ts: Floats, start: float, rng: np.random.Generator, phone: float | None = None) -> Seen:
        """Return what a tracker sees of these people at these times; `phone`: share on telephones, None: as they like.

        The same person within some hours is seen with the same address.
        """
        net, day = self.internet, (ts - start) / DAY
        share = self.mobility[who] if phone is None else np.full(len(who), phone)
        on_phone = (rng.random(len(who)) < share) | (self.desk[who] < 0)
        family = np.where(on_phone, self.phone[who], self.desk[who])
        period = net.renewal_days * np.exp(1.5 * (unit(self.household[who], 9) * 2 - 1))
        ip = net.home.address(self.home[who], self.household[who], (day / period).astype(np.int64))
        away = on_phone & (unit(who, 3, (ts // (3 * HOUR)).astype(np.int64)) < self.roaming[who])
        gateway = mix(who, (ts // (4 * HOUR)).astype(np.int64)) % net.gateways
        ip = np.where(away, net.mobile.address(self.carrier[who], self.carrier[who], gateway), ip)
        hour = (ts / HOUR + OFFSETS[self.country[who]]) % 24
        at_work = (self.office[who] >= 0) & ~on_phone & (hour > 8.5) & (hour < 17.5) & (((ts // DAY) + 3) % 7 < 5)
        ip = np.where(at_work, self.office_ip[self.office[who]], ip)
        hidden = (self.vpn[who] >= 0) & (unit(who, 5, (ts // (12 * HOUR)).astype(np.int64)) < 0.8)
        tunnel = net.vpn.address(self.vpn[who], self.vpn[who], mix(who, day.astype(np.int64)) % net.exits)
        country = np.where(hidden, net.vpn.country[self.vpn[who]], self.country[who])
        kept = np.maximum(self.private_days[who], 0.01)
        device = np.where(self.private_days[who] > 0, mix(who, on_phone, (day / kept).astype(np.int64)), -1)
        return Seen(np.where(hidden, tunnel, ip), agent(family, self.lag[who], day), device, country)


def populate(rng: np.random.Generator, count: int, main: Floats) -> People:
    """Draw people for a programme; `main`: shares of the countries that are markets."""
    net = Internet(
        gateways=int(between(rng, 20, 600)), exits=int(between(rng, 6, 120)), renewal_days=between(rng, 1, 40)
    )
    home_of = np.sort(rng.integers(0, int(count / rng.uniform(1.4, 2.8)), count))
    shares = np.append(main, np.full(len(OFFSETS) - MAIN, 0.002))
    of_home = rng.choice(len(shares), home_of.max() + 1, p=shares / shares.sum())
    country = of_home[home_of]
    homes = net.home.pick(of_home, rng)
    offices, office_ip, office_country = _offices(net, rng, count, shares)
    works = rng.random(count) < rng.uniform(0.05, 0.35)
    office = np.where(works, offices[country, rng.integers(0, offices.shape[1], count)], -1)
    office = np.where((office >= 0) & (office_country[office] == country), office, -1)
    phones, phone_share = families(("android", "iphone"))
    desks, desk_share = families(("desktop", "mac"))
    private = np.exp(rng.normal(np.log(40), 1.5, count))
    private[rng.random(count) < rng.uniform(0.03, 0.25)] = 0
    return People(
        country=country,
        household=home_of + 1,
        home=homes[home_of],
        carrier=net.mobile.pick(country, rng),
        office=office,
        vpn=np.where(rng.random(count) < rng.uniform(0.004, 0.05), net.vpn.pick(country, rng), -1),
        phone=rng.choice(phones, count, p=phone_share),
        desk=np.where(rng.random(count) < 0.72, rng.choice(desks, count, p=desk_share), -1),
        lag=rng.exponential(0.8, count) + np.where(rng.random(count) < 0.06, rng.exponential(9, count), 0),
        mobility=rng.beta(2.2, 1.6, count),
        roaming=rng.beta(1.2, 2.2, count),
        evening=rng.normal(19.5, 2.2, count),
        private_days=private,
        thrift=rng.beta(0.9, 2.0, count),
        income=np.exp(rng.normal(0, 0.5, count)),
        internet=net,
        office_ip=office_ip,
    )


def _offices(net: Internet, rng: np.random.Generator, count: int, shares: Floats) -> tuple[Ints, Ints, Ints]:
    """Draw firms per country: table country x place of firms (big ones often), their exit addresses and countries."""
    firms = max(40, count // 120)
    country = np.sort(rng.choice(len(shares), firms, p=shares / shares.sum()))
    exit_ip = net.office.fresh(country, rng)
    table = np.zeros((len(shares), 400), dtype=np.int64)
    for number in range(len(shares)):
        own = np.flatnonzero(country == number)
        if len(own):
            weight = 1 / np.arange(1, len(own) + 1)
            table[number] = rng.choice(own, 400, p=weight / weight.sum())
    return table, exit_ip, country


def waking(people: People, who: Ints, day: Floats, rng: np.random.Generator) -> Floats:
    """Return moments (days since the start) on these days at which these people are awake."""
    hour = local_hours(rng, len(who), 0.0, 0.05)
    own = (people.evening[who] + rng.normal(0, 2.6, len(who))) % 24
    hour = np.where(rng.random(len(who)) < 0.55, own, np.where(hour < 6, hour + 8, hour))
    return np.asarray(np.floor(day) + (hour - OFFSETS[people.country[who]]) / 24)
