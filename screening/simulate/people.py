"""The people behind simulated clicks: where they live, their devices and networks, and what a visit of theirs shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from screening.simulate.addresses import HOME_PREFIX, PHONE_PREFIX, Net, draw_v4, draw_v6
from screening.simulate.agents import INDEX, OLD_PHONES, AgentBook, variants
from screening.simulate.columns import Flags, Floats, Ints, Words, choose, identities, scramble
from screening.simulate.markets import COUNTRIES

_SHARED_HOME = 0.22
"""Share of people who live with the previous one of their country."""
_OFFICE_VISITS = 0.75
"""Share of a desk worker's visits that come from work."""
_CLOUD_OFFICES = 0.12
"""Share of offices that reach the internet through a cloud proxy."""
_WIFI = 0.57
"""Share of telephone visits over a home's line; the rest go through a carrier's gateways."""
_RELAYED = 0.07
"""Share of Safari users with a privacy relay."""
_VPN_VISITS = 0.85
_VPN_ABROAD = 0.25
_TRAVELLING = 0.007
"""Share of visits from another country than one's own."""
_V6_USED = 0.9
_KEEPS_DEVICE = {"web": 0.82, "android": 0.93, "ios": 0.32}
"""Share of people whose device can be recognised: cookies kept, advertising id not switched off (iOS asks first)."""
_GATEWAY_PEOPLE = 30
"""People of one programme per address of a carrier's gateway."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom to draw, one entry per person: home country and, for their partner, the habits of its readers."""

    country: Ints
    mobile: Floats
    in_app: Floats
    office: Floats
    vpn: Floats


class People:
    """A population. Every person has two devices: the usual one (0) and another (1); one of the two is a telephone."""

    def __init__(self, audience: Audience, agents: AgentBook, rng: np.random.Generator) -> None:
        count = len(audience.country)
        self.country = audience.country
        self.customer = identities(count, rng)
        self.offset = _offsets(audience.country, rng)
        self._agents = agents
        self._device = identities(count, rng)
        on_phone = rng.random(count) < np.minimum(audience.mobile, 0.96)
        ios = rng.random(count) < np.array([c.ios for c in COUNTRIES])[audience.country]
        self._phone_slot = np.where(on_phone, 0, 1)
        phone, desk = _phone_family(ios, audience.in_app, rng), _desk_family(count, rng)
        self._family = np.stack([np.where(on_phone, phone, desk), np.where(on_phone, desk, phone)])
        self._variant = (rng.random((2, count)) * variants(self._family.ravel()).reshape(2, count)).astype(np.int64)
        self._lag = _lags(2 * count, rng).reshape(2, count)
        self._rollout = rng.exponential(6.0, count)
        self._ios = ios
        self._known = np.where(rng.random((2, count)) < _KEEPS_DEVICE["web"], 1, 0)
        self._known_app = rng.random(count) < np.where(ios, _KEEPS_DEVICE["ios"], _KEEPS_DEVICE["android"])
        self._settle(audience, rng)

    def __len__(self) -> int:
        return len(self.country)

    def visit(self, person: Ints, slot: Ints, day: Floats, rng: np.random.Generator) -> pl.DataFrame:
        """Return what visits show, in the columns VISIT with no customer; `day` is in days since the start."""
        family = self._family[slot, person]
        agent = self._agents.codes(
            family, self._variant[slot, person], self._lag[slot, person], day - self._rollout[person]
        )
        device = scramble(self._device[person] + slot.astype(np.uint64)) * self._known[slot, person].astype(np.uint64)
        return self._reach(person, slot, day, rng).with_columns(
            agent=pl.Series(agent), device=pl.Series(device), customer=pl.lit(0, pl.UInt64)
        )

    def phone_slot(self, person: Ints) -> Ints:
        """Return which of a person's devices is the telephone."""
        return np.asarray(self._phone_slot[person], np.int64)

    def app(self, person: Ints, day: Floats) -> pl.DataFrame:
        """Return `agent` and `device` that an app on a person's telephone reports."""
        family = np.where(self._ios[person], INDEX["ios app"], INDEX["android app"])
        variant = self._variant[self._phone_slot[person], person] % variants(family)
        lag = self._lag[self._phone_slot[person], person]
        agent = self._agents.codes(family, variant, lag, day - self._rollout[person])
        device = scramble(self._device[person] + np.uint64(7)) * self._known_app[person].astype(np.uint64)
        return pl.DataFrame({"agent": agent, "device": device})

    def _settle(self, audience: Audience, rng: np.random.Generator) -> None:
        count, country = len(audience.country), audience.country
        home4 = draw_v4(Net.RESIDENTIAL, country, rng)
        home6 = draw_v6(Net.RESIDENTIAL, country, HOME_PREFIX, rng)
        home6 = np.where(rng.random(count) < np.array([c.ipv6 for c in COUNTRIES])[country], home6, np.uint64(0))
        together = (rng.random(count) < _SHARED_HOME) & np.append(False, country[1:] == country[:-1])
        first = np.maximum.accumulate(np.where(together, 0, np.arange(count)))
        self._home4, self._home6 = home4[first], home6[first]
        self._office4 = _offices(country, rng.random(count) < audience.office, rng)
        self._vpn = rng.random(count) < audience.vpn
        self._relay = rng.random(count) < _RELAYED
        self._gateways = {
            int(code): _gateways(int(code), int((country == code).sum()), rng) for code in np.unique(country)
        }

    def _reach(self, person: Ints, slot: Ints, day: Floats, rng: np.random.Generator) -> pl.DataFrame:
        """Choose the network of each visit. A person's visits within a few hours share it."""
        spell = person.astype(np.uint64) * np.uint64(8192) + np.maximum(day * 4, 0).astype(np.uint64)
        luck, luck2 = _uniform(spell), _uniform(spell + np.uint64(1 << 60))
        country = self.country[person].copy()
        phone = slot == self._phone_slot[person]
        at_work = ~phone & (self._office4[person] > 0) & (luck < _OFFICE_VISITS)
        mobile = phone & (luck > _WIFI)
        v4 = np.where(at_work, self._office4[person], self._home4[person])
        v6 = np.where(at_work | (luck2 > _V6_USED), np.uint64(0), self._home6[person])
        self._through_carrier(np.flatnonzero(mobile), country, spell, v4, v6, rng=rng)
        low = scramble(self._device[person] + np.floor(np.maximum(day, 0)).astype(np.uint64)) | np.uint64(1 << 48)
        self._hide(np.flatnonzero(self._vpn[person] & (luck2 < _VPN_VISITS)), Net.VPN, country, v4, v6, rng=rng)
        safari = np.isin(
            self._family[slot, person], [INDEX["safari iphone"], INDEX["safari mac"], INDEX["safari ipad"]]
        )
        self._hide(
            np.flatnonzero(self._relay[person] & safari & ~self._vpn[person]), Net.RELAY, country, v4, v6, rng=rng
        )
        _travel(np.flatnonzero(rng.random(len(person)) < _TRAVELLING), country, v4, v6, rng)
        return pl.DataFrame({"country": country, "v4": v4, "v6_high": v6, "v6_low": low})

    def _through_carrier(
        self, rows: Ints, country: Ints, spell: Words, v4: Ints, v6: Words, *, rng: np.random.Generator
    ) -> None:
        luck = _uniform(spell[rows] + np.uint64(1 << 61))
        for code in np.unique(country[rows]):
            chosen = country[rows] == code
            pool = self._gateways[int(code)]
            v4[rows[chosen]] = pool[(len(pool) * luck[chosen] ** 1.6).astype(np.int64)]
        prefixes = draw_v6(Net.MOBILE, country[rows], PHONE_PREFIX, rng)
        v6[rows] = np.where(luck < np.array([c.ipv6 for c in COUNTRIES])[country[rows]], prefixes, np.uint64(0))

    def _hide(self, rows: Ints, net: Net, country: Ints, v4: Ints, v6: Words, *, rng: np.random.Generator) -> None:
        if net is Net.VPN:
            abroad = rows[rng.random(len(rows)) < _VPN_ABROAD]
            country[abroad] = choose([0.4, 0, 0.2, 0, 0.2, 0, 0.2], len(abroad), rng)
        v4[rows] = draw_v4(net, country[rows], rng)
        v6[rows] = 0


def _offsets(country: Ints, rng: np.random.Generator) -> Floats:
    drawn = np.zeros(len(country))
    for code in np.unique(country):
        chosen = np.flatnonzero(country == code)
        options = COUNTRIES[code].offsets
        picked = choose([share for _, share in options], len(chosen), rng)
        drawn[chosen] = np.array([hours for hours, _ in options])[picked]
    return drawn


_DESK: Mapping[str, float] = {
    "chrome windows": 0.52, "edge windows": 0.15, "firefox": 0.07, "chrome mac": 0.10, "safari mac": 0.09,
    "chrome linux": 0.02, "opera windows": 0.02, "safari ipad": 0.03,
}  # fmt: skip


def _desk_family(count: int, rng: np.random.Generator) -> Ints:
    return np.array([INDEX[name] for name in _DESK])[choose(list(_DESK.values()), count, rng)]


def _phone_family(ios: Flags, in_app: Floats, rng: np.random.Generator) -> Ints:
    luck, inside = rng.random(len(ios)), rng.random(len(ios)) < in_app
    browser = np.where(
        ios,
        np.where(luck < 0.90, INDEX["safari iphone"], INDEX["chrome iphone"]),
        np.where(luck < 0.86, INDEX["chrome android"], INDEX["samsung internet"]),
    )
    app = np.where(
        ios,
        np.where(luck < 0.5, INDEX["facebook iphone"], INDEX["instagram iphone"]),
        np.where(luck < 0.55, INDEX["facebook android"], INDEX["instagram android"]),
    )
    return np.where(inside, app, browser)


def _lags(count: int, rng: np.random.Generator) -> Ints:
    """Releases behind: most people update at once, a few never."""
    usual = rng.geometric(0.72, count) - 1
    stale = rng.random(count) < 0.06
    return np.where(stale, rng.integers(3, 18, count), usual).astype(np.int64)


def _offices(country: Ints, works: Flags, rng: np.random.Generator) -> Ints:
    """Give desk workers the address of an office: a few are large."""
    address = np.zeros(len(country), np.int64)
    for code in np.unique(country[works]):
        rows = np.flatnonzero(works & (country == code))
        count = max(len(rows) // 9, 1)
        cloud = rng.random(count) < _CLOUD_OFFICES
        where = np.full(count, code)
        exits = np.where(cloud, draw_v4(Net.GATEWAY, where, rng), draw_v4(Net.OFFICE, where, rng))
        address[rows] = exits[(count * rng.random(len(rows)) ** 2.2).astype(np.int64)]
    return address


def _gateways(country: int, people: int, rng: np.random.Generator) -> Ints:
    """Return the addresses behind which a country's carriers put their telephones, in runs of neighbours."""
    blocks = max(people // (_GATEWAY_PEOPLE * 8), 4)
    first = draw_v4(Net.MOBILE, np.full(blocks, country), rng)
    return np.unique((first - first % 8)[:, None] + np.arange(8)[None, :]).ravel().astype(np.int64)


def _travel(rows: Ints, country: Ints, v4: Ints, v6: Words, rng: np.random.Generator) -> None:
    reached = np.array([index for index, item in enumerate(COUNTRIES) if item.region], np.int64)
    country[rows] = reached[rng.integers(len(reached), size=len(rows))]
    v4[rows] = draw_v4(Net.MOBILE, country[rows], rng)
    v6[rows] = 0


def _uniform(numbers: Words) -> Floats:
    return np.asarray((scramble(numbers) >> np.uint64(11)).astype(np.float64) / 2.0**53, np.float64)


def old_phone_variants() -> Ints:
    """Return the variants of the Android app family that are old, cheap telephones."""
    total = int(variants(np.array([INDEX["android app"]]))[0])
    return np.arange(total - len(OLD_PHONES), total, dtype=np.int64)
