"""What makes an honest partner look odd: a reason that has nothing to do with fraud, and its full consequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from eighth_world.dice import Dice
from eighth_world.labels import referrers, site, sub_ids
from eighth_world.market import World
from eighth_world.networks import ZONES
from eighth_world.partners import Partner
from eighth_world.shapes import HOUR, Delay, Rhythm, machine_hours
from eighth_world.traffic import Crowd, Labels, Source

Oddity = Callable[[World, Source], Source]


def _access(crowd: Crowd, **shares: float) -> Crowd:
    rest = 1 - sum(shares.values())
    kept = {name: share * rest for name, share in crowd.access.items()}
    return replace(crowd, access=kept | {name: share + kept.get(name, 0) for name, share in shares.items()})


def _private_readers(world: World, source: Source) -> Source:
    """Readers of a privacy or security magazine: VPNs, even Tor, browsers of their own, no referrers."""
    share = world.dice.between(0.15, 0.6)
    crowd = _access(source.crowd, vpn=share * 0.75, hosting=share * 0.2, tor=share * 0.05)
    families = {"firefox": 0.4} | {name: part * 0.6 for name, part in crowd.families.items() if name != "firefox"}
    return replace(source, crowd=replace(crowd, families=families), referrers=Labels())


def _company_readers(world: World, source: Source) -> Source:
    """People at work: their company's few exits, desktop browsers, office hours."""
    dice = world.dice
    crowd = _access(source.crowd, office=dice.between(0.4, 0.9), hosting=dice.between(0, 0.1))
    crowd = replace(crowd, exits={"office": dice.whole(2, 40)})
    return replace(source, crowd=crowd)


def _students(world: World, source: Source) -> Source:
    """A campus newspaper or student discount: hundreds behind a handful of addresses."""
    crowd = _access(source.crowd, campus=world.dice.between(0.3, 0.85))
    return replace(source, crowd=replace(crowd, exits={"campus": world.dice.whole(1, 12)}))


def _one_app(_world: World, source: Source) -> Source:
    """All of it in the web view of one app on a few kinds of phone."""
    return replace(source, crowd=replace(source.crowd, families={"app_view": 1.0}), referrers=Labels())


def _one_carrier(world: World, source: Source) -> Source:
    """A bundle with a mobile operator whose customers leave by few addresses."""
    crowd = _access(source.crowd, mobile=0.9)
    return replace(source, crowd=replace(crowd, exits={"mobile": int(world.dice.scale(4, 80))}))


def _old_machines(world: World, source: Source) -> Source:
    """Older readers with machines that are no longer updated."""
    part = world.dice.between(0.15, 0.6)
    families = {name: share * (1 - part) for name, share in source.crowd.families.items()}
    return replace(source, crowd=replace(source.crowd, families=families | {"copied": part}))


def _very_fast(world: World, source: Source) -> Source:
    """A prefilled form or a one-tap order: most are done within seconds."""
    dice = world.dice
    return replace(source, delay=Delay("lognormal", dice.between(8, 40), dice.between(0.2, 0.9), least=1.5))


def _very_late(world: World, source: Source) -> Source:
    """A product that people think over: nearly flat over the window."""
    middle = min(world.window * world.dice.between(0.1, 0.45), 9 * 86400)
    return replace(source, delay=Delay("weibull", middle, world.dice.between(0.5, 1.2)))


def _night_people(world: World, source: Source) -> Source:
    """Gamers, nurses, or a community on the other side of the earth."""
    hours = np.roll(source.rhythm.hours, world.dice.whole(8, 14))
    return replace(source, rhythm=replace(source.rhythm, hours=hours))


def _diaspora(world: World, source: Source) -> Source:
    """Readers abroad: another country than all others bring."""
    countries = {world.dice.pick(list(ZONES)): world.dice.between(0.4, 0.95)}
    rest = 1 - sum(countries.values())
    return replace(
        source,
        crowd=replace(source.crowd, countries={c: s * rest for c, s in source.crowd.countries.items()} | countries),
    )


def _great_rate(world: World, source: Source) -> Source:
    """Nearly everybody who clicks has decided already."""
    return replace(source, clicks_per_goal=world.dice.between(1.1, 3))


def _poor_rate(world: World, source: Source) -> Source:
    """Links that many press and few follow up."""
    return replace(source, clicks_per_goal=source.clicks_per_goal * world.dice.between(3, 8))


def _one_burst(world: World, source: Source) -> Source:
    """Everything within hours of one mention."""
    dice, days = world.dice, len(world.season)
    burst = np.array([dice.between(0, days - 1)])
    return replace(
        source, rhythm=replace(source.rhythm, blasts=burst, blast_share=0.97, blast_fade=dice.scale(0.1, 3) * HOUR)
    )


def _by_batch(world: World, source: Source) -> Source:
    """Mails leave by a timer, at any hour."""
    return replace(source, rhythm=Rhythm(machine_hours(world.dice), source.rhythm.days))


def _faithful(world: World, source: Source) -> Source:
    """The same customers over and over: refills, tickets, food."""
    return replace(source, repeat=world.dice.between(0.5, 0.85))


def _returns(world: World, source: Source) -> Source:
    """Goods that are sent back, orders that are not paid: bad luck, not fraud."""
    dice = world.dice
    worse = replace(source.quality, refund=dice.between(0.15, 0.45), void=dice.between(0.05, 0.3), retained=0.15)
    return replace(source, quality=replace(worse, chargeback=dice.scale(0.001, 0.03)))


def _strange_links(world: World, source: Source) -> Source:
    """Links passed from hand to hand: sub ids and referrers that say nothing."""
    dice = world.dice
    sent = referrers(dice, dice.pick(["app", "social", "mail", "own"]), site(dice))
    return replace(source, referrers=sent, subs=sub_ids(dice, dice.pick(["each", "none", "placements"])))


def _pressed_twice(world: World, source: Source) -> Source:
    """A page that opens the link again and again."""
    return replace(source, visits=world.dice.between(2, 6), clicks_per_goal=source.clicks_per_goal * 1.5)


ODDITIES: tuple[Oddity, ...] = (
    _private_readers, _company_readers, _students, _one_app, _one_carrier, _old_machines, _very_fast, _very_late,
    _night_people, _diaspora, _great_rate, _poor_rate, _one_burst, _by_batch, _faithful, _returns, _strange_links,
    _pressed_twice,
)  # fmt: skip


def make_odd(world: World, partners: list[Partner]) -> None:
    """Make about a third of the partners odd in one or two things."""
    dice: Dice = world.dice
    share = dice.between(0.2, 0.5)
    for partner in partners:
        if not dice.chance(share):
            continue
        for oddity in dice.some(ODDITIES, dice.pick([1, 1, 2])):
            partner.odd.append(oddity.__name__.strip("_"))
            partner.sources = [oddity(world, source) for source in partner.sources]
