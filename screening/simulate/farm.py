"""A farm of simulated applicants' sites on loopback addresses, with the truth about each, to practise on.

with running_farm(small_farm(seed=7)) as farm:
    ...  # farm.hosts, farm.port, farm.policy, farm.applications, farm.affiliates, farm.truth
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from screening.simulate.farm_answers import PORT, Site
from screening.simulate.farm_faults import BRAND_DOMAINS, BRANDS, FAULTS, LOOKALIKES, PROHIBITED_CATEGORIES
from screening.simulate.farm_ground import Ground, Planted, Truth
from screening.simulate.farm_groups import copy, friend_of_banned, ring, ring_by_account
from screening.simulate.farm_honest import HONEST
from screening.simulate.farm_server import serve
from screening.simulate.farm_stuffed import STUFFED

Builder = Callable[[Ground], Planted]
NETWORK = ipaddress.ip_network("127.0.0.0/16")
"""Where all sites of a farm are; the crawl has to be told to allow it."""
ADDRESSES = 8
"""Loopback addresses that the sites share, as sites share hosts; a crawl limits how many fetches one address gets."""
RING_SIZE = 4


@dataclass(frozen=True, slots=True)
class FarmSpec:
    """How large a farm is: applications of each sort, and the seed of everything in it."""

    honest: int
    faults: int
    stuffed: int
    lookalikes: int
    rings: int
    copies: int
    banned: int
    seed: int


def full_farm(seed: int) -> FarmSpec:
    """Return a farm of more than 300 sites."""
    return FarmSpec(honest=132, faults=84, stuffed=46, lookalikes=12, rings=6, copies=8, banned=6, seed=seed)


def small_farm(seed: int) -> FarmSpec:
    """Return a farm of about 50 sites with at least one of every kind of fault, for demonstrations."""
    return FarmSpec(honest=11, faults=14, stuffed=8, lookalikes=3, rings=2, copies=1, banned=2, seed=seed)


@dataclass(frozen=True, slots=True)
class Farm:
    """A farm that runs.

    `hosts` is the text of a hosts file for crawl.hosts; `port` and `network` are what crawl.allow_ports and
    crawl.allow_networks have to name. `policy` has the keys of a policy file; `applications` and `affiliates` are
    records in the contract's columns; `truth` says, by application, what is so.
    """

    hosts: str
    port: int
    network: str
    policy: Mapping[str, Any]
    applications: tuple[Mapping[str, Any], ...]
    affiliates: tuple[Mapping[str, Any], ...]
    truth: Mapping[str, Truth]


@dataclass(frozen=True, slots=True)
class Plan:
    """A farm before it is served."""

    planted: tuple[Planted, ...]
    affiliates: tuple[Mapping[str, object], ...]

    @property
    def sites(self) -> dict[str, Site]:
        """All sites by host."""
        return {site.host: site for planted in self.planted for site in planted.sites}


POLICY: Mapping[str, Any] = {
    "brands": list(BRANDS),
    "brand_domains": list(BRAND_DOMAINS),
    "prohibited_categories": list(PROHIBITED_CATEGORIES),
    "allowed_countries": ["GB", "DE", "FR", "ES", "IT", "NL", "US", "AT", "BE"],
    "allowed_methods": ["content", "coupon", "cashback", "email", "social", "video"],
    "required_disclosure": "any",
}


def plan(spec: FarmSpec) -> Plan:
    """Draw all applications and sites; the same spec gives the same farm."""
    grounds = _grounds(spec.seed)
    planted = [HONEST[number % len(HONEST)](next(grounds)) for number in range(spec.honest)]
    originals = [item for item in planted if item.truth.kind == "honest blog with advertising"]
    planted += [build(next(grounds)) for build in _spread(FAULTS, spec.faults)]
    planted += [build(next(grounds)) for build in _spread(STUFFED, spec.stuffed)]
    planted += [build(next(grounds)) for build in _spread(LOOKALIKES, spec.lookalikes)]
    for number in range(spec.rings):
        members = [next(grounds) for _ in range(RING_SIZE)]
        planted += list((ring if number % 3 else ring_by_account)(members))
    planted += [copy(next(grounds), originals[number % len(originals)]) for number in range(spec.copies)]
    friends = [friend_of_banned(next(grounds)) for _ in range(spec.banned)]
    planted += [friend for friend, _ in friends]
    Random(spec.seed).shuffle(planted)  # noqa: S311 - simulation
    return Plan(tuple(planted), tuple(record for _, record in friends))


@contextmanager
def running_farm(spec: FarmSpec) -> Iterator[Farm]:
    """Serve a farm until the block ends. Raises UnavailableError when no port is free."""
    planned = plan(spec)
    sites = planned.sites
    with serve(sites, ADDRESSES) as served:
        port = str(served.port)
        yield Farm(
            hosts="".join(f"{address} {host}\n" for host, address in served.addresses.items()),
            port=served.port,
            network=str(NETWORK),
            policy=POLICY,
            applications=tuple(_with_port(item.application, port) for item in planned.planted),
            affiliates=tuple(_with_port(record, port) for record in planned.affiliates),
            truth={item.truth.application_id: item.truth for item in planned.planted},
        )


def _grounds(seed: int) -> Iterator[Ground]:
    number = 0
    while True:
        number += 1
        yield Ground(number, Random(f"{seed}/{number}"))  # noqa: S311 - simulation


def _spread(builders: Sequence[Builder], count: int) -> list[Builder]:
    """Take builders evenly from the whole sequence, in turn when there are more places than builders."""
    step = max(1.0, len(builders) / max(count, 1))
    return [builders[int(place * step) % len(builders)] for place in range(count)]


def _with_port(record: Mapping[str, Any], port: str) -> dict[str, Any]:
    return {key: _filled(value, port) for key, value in record.items()}


def _filled(value: Any, port: str) -> Any:  # noqa: ANN401 - values of JSON
    if isinstance(value, str):
        return value.replace(PORT, port)
    return [_filled(item, port) for item in value] if isinstance(value, list) else value
