"""Frauds that claim what others earned: real people, real purchases, forged clicks."""

from __future__ import annotations

import numpy as np
import polars as pl

from second_world.ledger import CLEAN, Goals, Traffic
from second_world.market import journey
from second_world.partners import customers
from second_world.people import DAY, HOUR, Scene
from second_world.schemes import Forged, Scheme, carry_out, idle_clicks, nothing, seconds, strangers

_IDLE_MOST = 60_000
_UNRELATED = ("https://streamz.example/", "https://freefonts.example/a", "https://toolbar.example/start")


def click_flooding(scheme: Scheme) -> float:
    """Fire clicks for masses of phones and wait until some install anyway: the delay says nothing, it is flat."""
    rng, people = scheme.world.rng, scheme.world.people
    offer = scheme.offer("install")
    count = scheme.goals_wanted(offer)
    window = scheme.world.ledger.offers[offer].window
    person, ts = scheme.anybody(count), scheme.hours_of_people(count)
    honest_delay = journey(scheme.world.ledger.offers[offer], count, rng)
    flat = (rng.beta(1.0, 1.15, size=count) * window * 0.98).astype(np.int64) + seconds(rng.uniform(5, 60, size=count))
    click_ts = ts - np.where(scheme.blatant(count), flat, honest_delay)
    flood = min(_IDLE_MOST, int(count * rng.uniform(120, 400) * (0.3 + 0.7 * scheme.blatancy)))
    reached = scheme.anybody(flood)
    when = scheme.hours_of_machines(flood)
    idle_clicks(scheme, offer, when, reached, people.scene(reached, when, rng, app_share=0.95), nothing(flood))
    return carry_out(
        scheme,
        Forged(
            offer, click_ts, ts, person,
            people.scene(person, click_ts, rng, app_share=0.95), people.scene(person, ts, rng, app_share=0.95),
            customers(person), scheme.some_subs(count), nothing(count),
        ),
    )  # fmt: skip


def click_injection(scheme: Scheme) -> float:
    """Hear that an app is being installed and click just before it is opened."""
    rng, people = scheme.world.rng, scheme.world.people
    offer = scheme.offer("install")
    count = scheme.goals_wanted(offer)
    person, ts = scheme.anybody(count), scheme.hours_of_people(count)
    late = seconds(0.7 + rng.gamma(2.0, rng.uniform(2, 6), size=count))
    careful = seconds(rng.uniform(25, 240, size=count))
    click_ts = ts - np.where(scheme.blatant(count), late, careful)
    scene = people.scene(person, ts, rng, app_share=1.0)
    missed = scheme.anybody(max(1, count // 3))
    when = scheme.hours_of_people(len(missed))
    idle_clicks(scheme, offer, when, missed, people.scene(missed, when, rng, app_share=1.0), nothing(len(missed)))
    return carry_out(
        scheme,
        Forged(offer, click_ts, ts, person, scene, scene, customers(person), scheme.some_subs(count), nothing(count)),
    )


def cookie_stuffing(scheme: Scheme) -> float:
    """Drop the cookies of several offers at once on whoever opens some page; a few of them buy some day."""
    rng, people, partner = scheme.world.rng, scheme.world.people, scheme.partner
    offer = scheme.offer("sale")
    count = scheme.goals_wanted(offer)
    window = scheme.world.ledger.offers[offer].window
    person, ts = scheme.anybody(count), scheme.hours_of_people(count)
    click_ts = ts - (np.sqrt(rng.random(count)) * window * 0.97).astype(np.int64) - seconds(rng.uniform(20, 90, count))
    pages = np.array([*_UNRELATED, None] if scheme.blatancy > 0.6 else [f"https://{partner.site}/", None], dtype=object)
    opened = min(_IDLE_MOST // 4, int(count * rng.uniform(30, 110)))
    visitor, when = scheme.anybody(opened), scheme.hours_of_people(opened)
    scene = people.scene(visitor, when, rng)
    for other in partner.offers[:4]:
        shown = pages[rng.integers(0, len(pages), size=opened)]
        idle_clicks(scheme, int(other), when + rng.integers(5_000, 300_000, size=opened), visitor, scene, shown)
    return carry_out(
        scheme,
        Forged(
            offer, click_ts, ts, person, people.scene(person, click_ts, rng), people.scene(person, ts, rng),
            customers(person), scheme.some_subs(count), pages[rng.integers(0, len(pages), size=count)],
        ),
    )  # fmt: skip


def window_abuse(scheme: Scheme) -> float:
    """Keep the attribution window open: click again for the same people in time, or date clicks to its edge."""
    rng, people = scheme.world.rng, scheme.world.people
    offer = scheme.offer("sale")
    count = scheme.goals_wanted(offer)
    window = scheme.world.ledger.offers[offer].window
    person, ts = scheme.anybody(count), scheme.hours_of_people(count)
    if rng.random() < 0.5:
        click_ts = ts - (window * (1 - rng.exponential(0.012, size=count).clip(0.0005, 0.2))).astype(np.int64)
    else:
        click_ts = ts - (rng.random(count) * window * 0.95).astype(np.int64)
        kept = scheme.anybody(min(3000, count * 6))
        began = scheme.hours_of_machines(len(kept))
        for turn in range(int(np.clip(scheme.world.ledger.calendar.days * DAY / window, 2, 8))):
            when = began + turn * (window - HOUR // 2)
            idle_clicks(scheme, offer, when, kept, people.scene(kept, when, rng), nothing(len(kept)))
    return carry_out(
        scheme,
        Forged(
            offer, click_ts, ts, person, people.scene(person, click_ts, rng), people.scene(person, ts, rng),
            customers(person), scheme.some_subs(count), nothing(count),
        ),
    )  # fmt: skip


def replayed_conversions(scheme: Scheme) -> float:
    """Send the partner's own genuine conversions again, hours or days later, under new numbers."""
    rng, ledger = scheme.world.rng, scheme.world.ledger
    own = pl.concat(ledger.goals).filter(
        (pl.col("affiliate") == scheme.partner.number) & (pl.col("kind") == CLEAN) & (pl.col("click") >= 0)
    )
    if not len(own):
        return 0.0
    mean = float(own["payout"].to_numpy().mean())
    wanted = int(np.clip(round(scheme.budget / mean), 3, len(own)))
    copied = own.sample(wanted, seed=int(rng.integers(2**31)))
    later = copied["ts"].to_numpy() + seconds(np.exp(rng.normal(10.2, 1.4, size=wanted)))
    scene = Scene(*(copied[name].to_numpy() for name in ("ip", "user_agent", "device_id", "country")))
    offer = copied["offer"].to_numpy()
    sub_id, referrer = copied["sub_id"].to_numpy(), copied["referrer"].to_numpy()
    traffic = Traffic(later, scheme.partner.number, offer, sub_id, scene, referrer, np.zeros(wanted, dtype=np.int64))
    renamed = ~scheme.blatant(wanted)
    customer = np.where(renamed, strangers(wanted, rng), copied["customer_id"].to_numpy())
    order = np.where(renamed, nothing(wanted), copied["order"].to_numpy())
    goals = Goals(
        traffic, copied["click"].to_numpy(), copied["click_ts"].to_numpy(), customer, copied["revenue"].to_numpy(),
        scheme.kind, order,
    )  # fmt: skip
    return ledger.add_goals(goals)
