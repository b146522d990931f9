"""Frauds that claim or repeat what others did: the goal is real, a copy or only reported, and never the partner's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from eighth_world.dice import Numbers
from eighth_world.labels import referrers, site
from eighth_world.partners import blend, honest_quality
from eighth_world.scene import Scene, joined, within
from eighth_world.shapes import DAY, HOUR, drawn_hours
from eighth_world.traffic import Crowd, Flow, Labels, people, render


def click_flooding(scene: Scene) -> Flow:
    """Clicks for everybody who might buy one day: from device lists, for banners seen, behind the screen."""
    world, dice = scene.world, scene.world.dice
    manner = dice.pick(["list", "banner", "background"])
    shown = ("own",) if manner == "banner" else ("none", "app")
    phones = 1.0 if manner == "background" else world.phones
    families = blend(world, phones, ())
    sales = scene.sales(crowd=Crowd(world.countries, world.access, families))
    every = within(world, scene.between(0.3, 12))
    if manner == "list":
        delay = dice.rng.random(sales.height) * every
    elif manner == "banner":
        delay = np.minimum(
            dice.rng.exponential(every * 0.5, sales.height), world.window * dice.rng.random(sales.height)
        )
    else:
        delay = every * dice.rng.beta(1, dice.between(1, 2), sales.height)
    source = scene.source(honest_quality(world), clicks_per_goal=1.0, referrers=_sent(scene, *shown))
    spread = replace(
        source, crowd=Crowd(world.countries, world.access, families), rhythm=scene.rhythm(drawn_hours(dice))
    )
    forged = None
    if manner == "list":
        flat = np.full(24, 1 / 24)
        guess = Crowd(world.countries, _list_access(scene), families)
        spread = replace(spread, crowd=guess, rhythm=scene.rhythm(flat))
        forged = people(world, guess, sales.height).select("ip", "user_agent", "country")
    idle = sales.height * world.clicks_per_goal * scene.between(1.2, 30)
    return joined(scene.claimed(sales, delay, source, forged), scene.idle(spread, idle))


def _list_access(scene: Scene) -> dict[str, float]:
    """Where a sender of made-up clicks sends from: its servers, or proxies that look like homes."""
    if scene.world.dice.chance(0.3 + 0.4 * scene.blatant):
        return {"hosting": 0.9, "vpn": 0.1}
    return {"mobile": 0.5, "residential": 0.5}


def _sent(scene: Scene, *manners: str) -> Labels:
    """Return referrers in one of these manners, from a site of its own."""
    dice = scene.world.dice
    return referrers(dice, dice.pick(manners), site(dice))


def click_injection(scene: Scene) -> Flow:
    """An app on the phone hears that another is being installed, or an order page open, and clicks just then."""
    world, dice = scene.world, scene.world.dice
    families = blend(world, 1.0, ())
    families = {name: share for name, share in families.items() if "iphone" not in name}
    crowd = Crowd(world.countries, world.access, families)
    sales = scene.sales(crowd=crowd, moves=0.0)
    middle = scene.between(dice.pick([90.0, 40.0]), 3)
    delay = 0.6 + dice.rng.lognormal(np.log(middle), dice.between(0.3, 0.9), sales.height)
    source = scene.source(honest_quality(world), referrers=_sent(scene, "none", "app"))
    others = replace(source, crowd=crowd, rhythm=scene.rhythm(world.hours), visits=1.0)
    idle = sales.height * scene.between(world.clicks_per_goal, dice.scale(1, 5))
    return joined(scene.claimed(sales, np.minimum(delay, world.window), source), scene.idle(others, idle))


def cookie_stuffing(scene: Scene) -> Flow:
    """Cookies for people who never clicked: hidden frames, a toolbar at the shop, or a mistyped address of the shop."""
    return scene.world.dice.pick([_hidden_frames, _toolbar, _typo_domain])(scene)


def _hidden_frames(scene: Scene) -> Flow:
    """Every reader of the partner's pages (or of forums it posts pictures to) is marked; who buys, buys anyway."""
    world, dice = scene.world, scene.world.dice
    sales = scene.sales()
    again = within(world, scene.between(0.5, 10))
    delay = np.mod(dice.rng.exponential(again, sales.height), world.window * 0.98)
    source = scene.source(honest_quality(world), referrers=_sent(scene, "own", "own", "none"))
    readers = replace(source, rhythm=scene.rhythm(drawn_hours(dice)), visits=1 + dice.scale(0.05, 1))
    return joined(
        scene.claimed(sales, delay, source),
        scene.idle(readers, sales.height * world.clicks_per_goal * scene.between(1.5, 12)),
    )


def _toolbar(scene: Scene) -> Flow:
    """Software on desktops that clicks when its owner is already in the shop, or only when the basket is paid."""
    world, dice = scene.world, scene.world.dice
    crowd = Crowd(world.countries, world.access, blend(world, 0.0, ("chrome_desktop", "edge")))
    sales = scene.sales(crowd=crowd)
    middle = scene.between(700, 6)
    delay = 0.8 + dice.rng.lognormal(np.log(middle), dice.between(0.4, 1.1), sales.height)
    shop = (f"https://www.{world.brand}.com/cart", f"https://www.{world.brand}.com/")
    sent = Labels() if dice.chance(0.5) else Labels((None, *shop), np.array([0.4, 0.3, 0.3]))
    source = scene.source(honest_quality(world), referrers=sent)
    idle = replace(source, crowd=crowd, rhythm=scene.rhythm(world.hours))
    return joined(
        scene.claimed(sales, np.minimum(delay, world.window * 0.99), source),
        scene.idle(idle, sales.height * dice.scale(1, 12)),
    )


def _typo_domain(scene: Scene) -> Flow:
    """People who meant the shop and slipped: they buy as the shop's own visitors do, and many of them."""
    world, dice = scene.world, scene.world.dice
    sales = scene.sales(moves=0.02)
    shape = world.offers[scene.template.offers[0]].delay.times(dice.between(0.6, 1.3))
    wrong = world.brand.replace(dice.pick(list(world.brand)), "", 1)
    sent = Labels() if dice.chance(0.5) else Labels((None, f"http://{wrong}.com/"), np.array([0.5, 0.5]))
    source = scene.source(honest_quality(world), referrers=sent)
    idle = replace(source, rhythm=scene.rhythm(world.hours), visits=1.0)
    return joined(
        scene.claimed(sales, shape.draw(dice, sales.height, world.window), source),
        scene.idle(idle, sales.height * dice.scale(2, 10)),
    )


def window_abuse(scene: Scene) -> Flow:
    """Marks renewed so that the window never closes: a pixel in mails counted as click, or a timer in an app."""
    world, dice = scene.world, scene.world.dice
    sales = scene.sales(rhythm=replace(scene.template.rhythm, days=scene.days))
    ts = sales["ts"].to_numpy()
    if dice.chance(0.5):
        every = max(1.0, min(scene.between(2, 12), world.window / DAY * 0.95)) * DAY
        phase = dice.rng.random(sales.height) * every
        delay = np.mod(ts - phase, every)
        blasts: Numbers = np.zeros(0)
    else:
        every = max(1.0, min(scene.between(3, 14), world.window / DAY * 0.9)) * DAY
        blasts = np.arange(dice.between(0.2, 1) * every, world.days * DAY, every)
        opened = dice.rng.lognormal(np.log(3 * HOUR), 1.2, sales.height)
        delay = np.mod(ts - blasts[0], every) - np.minimum(opened, every * 0.5)
        delay = np.where(delay > 0, delay, delay + every)
    source = scene.source(honest_quality(world), referrers=Labels())
    quiet = replace(source, visits=1.0, rhythm=scene.rhythm(world.hours))
    if len(blasts):
        quiet = replace(quiet, rhythm=replace(quiet.rhythm, blasts=blasts / DAY, blast_share=1.0, blast_fade=3 * HOUR))
    idle = sales.height * world.clicks_per_goal * scene.between(1, 10)
    return joined(scene.claimed(sales, np.minimum(delay, world.window), source), scene.idle(quiet, idle))


def replay(scene: Scene) -> Flow:
    """Goals reported once more: the same click with a new number, or the data of others' buyers behind new clicks."""
    world, dice = scene.world, scene.world.dice
    own = scene.honest.filter(pl.col("affiliate_id") == scene.affiliate)
    copied = own.height >= scene.goals // 3 and own.height > 0
    stolen = own if copied else scene.honest
    rows = dice.rng.integers(0, stolen.height, scene.goals)
    wait = dice.scale(20, scene.between(4 * DAY, HOUR)) * dice.rng.lognormal(0, 0.8, scene.goals) + 1
    made = stolen[rows].with_columns(
        (pl.col("ts") + pl.Series(wait)).alias("ts"),
        pl.lit(scene.affiliate).alias("affiliate_id"),
        pl.lit(scene.kind).alias("kind"),
        pl.lit(False).alias("stays"),  # noqa: FBT003
    )
    if dice.chance(0.5):
        made = made.with_columns((pl.col("basket") * pl.Series(dice.rng.uniform(0.9, 1.2, made.height))).round(2))
    if not copied:
        made = made.with_columns(scene.labels.draw(dice, made.height)[0].alias("sub_id"))
        return scene.claimed(
            made, dice.rng.lognormal(np.log(90), 0.8, made.height), scene.source(honest_quality(world))
        )
    return Flow(scene.idle(scene.source(honest_quality(world)), 1).clicks.clear(), made)


def invented(scene: Scene) -> Flow:
    """Goals that only the postback knows: no click before them, or a click number nobody has given out."""
    world, dice = scene.world, scene.world.dice
    access = dice.pick([{"residential": 0.7, "mobile": 0.3}, {"hosting": 1.0}, dict(world.access)])
    crowd = replace(scene.template.crowd, access=access, exits={"hosting": dice.whole(1, 30)})
    hours = dice.pick([np.full(24, 1 / 24), drawn_hours(dice), world.hours])
    quality = replace(honest_quality(world), retained=0.0)
    source = scene.source(quality, crowd=crowd, clicks_per_goal=1.0, visits=1.0, repeat=0.0, moves=0.0,
                          rhythm=scene.rhythm(hours), basket=scene.between(1.0, 2.0))  # fmt: skip
    flow = render(world, source)
    goals = flow.goals
    if dice.chance(0.3 + 0.4 * scene.blatant):
        batches = np.sort(dice.rng.random(dice.whole(2, 20))) * world.days * DAY
        at = batches[dice.rng.integers(0, len(batches), goals.height)]
        goals = goals.with_columns(pl.Series("ts", at + dice.rng.exponential(dice.scale(20, 2000), goals.height)))
    manner = dice.pick(["none", "forged", "forged_times"])
    if manner == "none":
        goals = goals.with_columns(
            pl.lit(None, pl.String).alias("click_id"), pl.lit(None, pl.Float64).alias("click_ts")
        )
    elif manner == "forged_times":
        ago = dice.rng.normal(dice.scale(60, 3000), dice.scale(1, 100), goals.height)
        goals = goals.with_columns((pl.col("ts") - pl.Series(np.abs(ago) + 1)).alias("click_ts"))
    else:
        goals = goals.with_columns(pl.lit(None, pl.Float64).alias("click_ts"))
    return Flow(flow.clicks.clear(), goals)
