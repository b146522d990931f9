"""Frauds that make the visitors: machines, workers, rings and people paid to pretend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from eighth_world.networks import ZONES
from eighth_world.partners import blend
from eighth_world.scene import Scene, joined
from eighth_world.shapes import HOUR, Delay, drawn_hours, machine_hours, shift_hours
from eighth_world.traffic import Crowd, Flow, Labels, Quality, render

_CHEAP = ("IN", "PH", "VN", "ID", "UA", "RO", "BR", "CO", "MX", "TR", "ZA", "BG")
"""Where such work is hired."""


def _quality(scene: Scene, void: float, retained: float) -> Quality:
    """Return what becomes of goals nobody meant: more are voided or charged back the more blatant the fraud."""
    dice = scene.world.dice
    return Quality(
        chargeback=dice.scale(0.002, 0.02 + 0.1 * scene.blatant),
        refund=dice.between(0.0, 0.1),
        void=min(0.8, void * (0.3 + scene.blatant) * dice.between(0.3, 1.2)),
        retained=retained * dice.between(0.2, 1),
    )


def _padded(scene: Scene, flow: Flow, source_clicks: float, crowd: Crowd) -> Flow:
    """Return the flow with empty clicks added, up to near the rate a careful fraudster wants to show."""
    if scene.world.dice.chance(0.3 + 0.5 * scene.blatant):
        return flow
    number = flow.goals.height * source_clicks * scene.world.dice.between(0.3, 1.2)
    idle = scene.source(Quality(0, 0, 0, 0), crowd=crowd, visits=1.0)
    return joined(flow, scene.idle(idle, number))


def bot_leads(scene: Scene) -> Flow:
    """Scripts: from servers, through rented homes, or both; with whatever header and pace their author thought of."""
    world, dice = scene.world, scene.world.dice
    rented = {"residential": dice.between(0.4, 1), "mobile": dice.between(0, 0.4)}
    access = dice.pick(
        [{"hosting": 1.0}, {"hosting": 0.5, "vpn": 0.5}, rented, rented | {"hosting": dice.between(0.05, 1)}]
    )
    exits = {name: max(1, int(scene.goals / scene.between(1.3, 30))) for name in access}
    honest = scene.template.crowd.families
    families = dice.pick(
        [{"headless": 1.0}, {"copied": 1.0}, {"chrome_desktop": 1.0}, {"library": 0.3, "copied": 0.7}, honest, honest]
    )
    if scene.blatant < 0.35:
        families = honest
    crowd = Crowd(scene.template.crowd.countries, access, families, exits, seen_in=world.home)
    middle = dice.scale(4, 400)
    delay = dice.pick(
        [
            Delay("normal", middle, scene.between(0.5, 0.03), least=0.5),
            Delay("even", middle, 1.0, least=middle * 0.2),
            Delay("lognormal", middle, scene.between(1.1, 0.15), least=1.0),
        ]
    )
    source = scene.source(
        _quality(scene, 0.3, 0.05), crowd=crowd, delay=delay, clicks_per_goal=scene.between(3, 1.0), visits=1.0,
        repeat=0.0, moves=dice.pick([0.0, 0.0, 0.6]),
        rhythm=scene.rhythm(dice.pick([machine_hours(dice), world.hours])),
    )  # fmt: skip
    return _padded(scene, render(world, source), world.clicks_per_goal, crowd)


def stuffed_leads(scene: Scene) -> Flow:
    """Forms filled from bought lists: by a script line after line, or by hired hands from morning to evening."""
    world, dice = scene.world, scene.world.dice
    by_hand = dice.chance(0.6)
    place = dice.pick(_CHEAP)
    workers = max(2, int(scene.goals / scene.between(6, 80)))
    if by_hand:
        access = dice.pick([{"residential": 0.7, "mobile": 0.3}, {"vpn": 1.0}, {"office": 1.0}])
        hours, delay = shift_hours(dice), Delay("gammas", dice.between(18, 120), dice.between(0.15, 0.5), least=9)
    else:
        access = dice.pick([{"hosting": 1.0}, {"residential": 1.0}, {"vpn": 0.6, "hosting": 0.4}])
        hours, delay = machine_hours(dice), Delay("normal", dice.between(3, 50), dice.between(0.05, 0.4), least=1)
    local = "vpn" not in access and "hosting" not in access
    crowd = Crowd(
        countries={place: 1.0} if local and dice.chance(scene.blatant) else {world.home: 1.0},
        access=access,
        families=blend(world, dice.between(0, 0.4), ("chrome_desktop",)),
        exits=dict.fromkeys(access, workers),
        seen_in=world.home,
        devices=workers if dice.chance(0.6) else None,
    )
    source = scene.source(
        _quality(scene, 0.4, 0.15), crowd=crowd, delay=delay, clicks_per_goal=dice.between(1, 2), visits=1.0,
        repeat=0.0, moves=0.0, rhythm=scene.rhythm(hours, ZONES[place] if by_hand else None),
        referrers=dice.pick([Labels(), scene.template.referrers]),
    )  # fmt: skip
    return _padded(scene, render(world, source), world.clicks_per_goal, crowd)


def device_farm(scene: Scene) -> Flow:
    """Racks of real phones, few models, few lines, an identity reset after each go."""
    world, dice = scene.world, scene.world.dice
    place = dice.pick([world.home, dice.pick(_CHEAP)])
    lines = max(1, int(scene.goals / scene.between(4, 120)))
    access = dice.pick(
        [{"residential": 1.0}, {"mobile": 1.0}, {"vpn": 0.7, "mobile": 0.3}, {"residential": 0.5, "mobile": 0.5}]
    )
    crowd = Crowd(
        countries={place: 1.0},
        access=access,
        families=dice.pick(
            [{"old_phone": 1.0}, {"app_view": 0.7, "old_phone": 0.3}, {"chrome_android": 1.0}, {"app_view": 1.0}]
        ),
        exits=dict.fromkeys(access, lines),
        seen_in=world.home,
        devices=None if dice.chance(0.7) else max(3, scene.goals // 3),
    )
    hours = dice.pick([np.full(24, 1 / 24), shift_hours(dice), world.hours])
    delay = Delay("gammas", dice.scale(25, 300), scene.between(0.7, 0.1), least=8)
    source = scene.source(
        _quality(scene, 0.15, 0.1), crowd=crowd, delay=delay, clicks_per_goal=scene.between(6, 1.1), visits=1.0,
        repeat=0.0, moves=0.0, rhythm=scene.rhythm(hours, ZONES[place]),
        referrers=dice.pick([Labels(), scene.template.referrers]),
    )  # fmt: skip
    return _padded(scene, render(world, source), world.clicks_per_goal, crowd)


def self_referral(scene: Scene) -> Flow:
    """The partner and friends order through the partner's own link: few people, few lines, sent back or kept."""
    world, dice = scene.world, scene.world.dice
    members = max(1, int(scene.goals / scene.between(2, 40)))
    crowd = Crowd(
        countries={world.home: 1.0},
        access={"residential": 0.8, "mobile": 0.2},
        families=blend(world, world.phones, ()),
        exits={"residential": members, "mobile": max(1, members // 2)},
        devices=max(1, int(members * dice.between(1, 2))),
    )
    quality = replace(_quality(scene, 0.1, 0.3), refund=dice.between(0.05, 0.5))
    source = scene.source(
        quality, crowd=crowd, clicks_per_goal=dice.between(1, 6), pace=dice.scale(0.1, 0.9), delay=None,
        repeat=dice.pick([0.0, dice.between(0.4, 0.95)]), moves=0.05, visits=1 + dice.scale(0.05, 1),
        basket=dice.pick([0.3, 1.0, 2.5]), referrers=dice.pick([Labels(), scene.template.referrers]),
    )  # fmt: skip
    return render(world, source)


def incentive(scene: Scene) -> Flow:
    """Real people promised points or money elsewhere: they hurry, take the least, and are gone; some come twice."""
    world, dice = scene.world, scene.world.dice
    days = world.days
    posts = dice.rng.choice(days, min(days, dice.whole(1, 10)), replace=False) + dice.rng.random()
    place = dice.pick([world.home, world.home, dice.pick(_CHEAP)])
    kept = {code: share for code, share in world.countries.items() if code != place}
    through = dice.pick([0.0, dice.between(0.05, 0.4)])
    access = {"residential": 0.5 * (1 - through), "mobile": 0.5 * (1 - through), "vpn": through}
    crowd = Crowd(
        {place: 3 * sum(kept.values()) + 1} | kept, access, blend(world, dice.between(0.6, 1), ()), seen_in=world.home
    )
    usual = world.offers[scene.template.offers[0]].delay
    hurried = replace(usual, middle=usual.middle * scene.between(0.8, 0.1), width=scene.between(1.0, 0.3), morrow=0.0)
    rhythm = replace(scene.rhythm(drawn_hours(dice)), blasts=posts, blast_share=dice.between(0.2, 0.95))
    quality = replace(_quality(scene, 0.15, 0.12), refund=dice.between(0.0, 0.3))
    source = scene.source(
        quality, crowd=crowd, delay=hurried, rhythm=replace(rhythm, blast_fade=dice.scale(0.5, 12) * HOUR),
        clicks_per_goal=scene.between(6, 1.3), repeat=dice.between(0, 0.25), basket=scene.between(0.9, 0.35),
        visits=1.0, referrers=dice.pick([Labels(), Labels(), Labels((None, "https://t.me/"), np.array([0.6, 0.4]))]),
    )  # fmt: skip
    return render(world, source)


def geo_spoofing(scene: Scene) -> Flow:
    """People of a cheap country seen in a dear one by VPN, server or rented home; they wake by their own sun."""
    world, dice = scene.world, scene.world.dice
    place = dice.pick([code for code in _CHEAP if code != world.home])
    access = dice.pick(
        [{"vpn": 0.8, "hosting": 0.2}, {"hosting": 1.0}, {"residential": 0.9, "vpn": 0.1}, {"residential": 1.0}]
    )
    exits = {name: max(2, int(scene.goals / scene.between(1.5, 25))) for name in access}
    leak = dice.pick([0.0, dice.between(0.01, 0.1)])
    crowd = Crowd(
        {world.home: 1 - leak, place: leak}, access, blend(world, dice.between(0.3, 1), ()), exits, seen_in=world.home
    )
    source = scene.source(
        _quality(scene, 0.2, 0.2), crowd=crowd, rhythm=scene.rhythm(drawn_hours(dice), ZONES[place]), repeat=0.0,
        clicks_per_goal=max(1.0, world.clicks_per_goal * scene.between(0.8, 0.08)), pace=dice.scale(0.3, 1.2),
        moves=0.0,
    )  # fmt: skip
    return render(world, source)


def mimicry(scene: Scene) -> Flow:
    """Bots that copy what honest people do: what stays behind is the rented exits, used again, and nobody who stays."""
    world, dice = scene.world, scene.world.dice
    honest = scene.template
    ways = {name: share for name, share in honest.crowd.access.items() if name in {"residential", "mobile"}} or {
        "mobile": 1.0
    }
    again = scene.between(1.15, 8)
    clicks = scene.goals * honest.clicks_per_goal
    exits = {name: max(2, int(clicks / again * share)) for name, share in ways.items()}
    devices = int(clicks / scene.between(1.05, 4)) if dice.chance(0.4) else None
    crowd = replace(honest.crowd, access=ways, exits=exits, devices=devices)
    source = scene.source(
        _quality(scene, 0.15, 0.1), crowd=crowd, repeat=0.0, moves=0.0, visits=1.0,
        rhythm=scene.rhythm(honest.rhythm.hours), pace=honest.pace * dice.between(0.8, 1.25),
    )  # fmt: skip
    return render(world, source)
