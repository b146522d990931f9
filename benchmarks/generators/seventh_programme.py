"""A seventh simulated affiliate programme, written as an examiner would who knows winnow by its contract only.

    python benchmarks/generators/seventh_programme.py OUT --seed 1

A mid-size network over 30 to 45 days: people with lines, phones and offices, partners of seven trades, and fraud of
fourteen kinds that makes up some 5 to 15 % of the payout. Everything is drawn anew for every seed. It writes clicks,
conversions, outcomes and affiliates in winnow's canonical columns, and truth.csv (conversion_id, is_fraud, kind).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent))
from canonical import Programme, canonical, write
from seventh_world.frauds import MODELS, RECIPES, Scene
from seventh_world.market import DAY, TRADES, Draws, Facts, Partner, World, draw_partner, draw_world, honest
from seventh_world.places import COUNTRIES, dotted

from features.schema import Kind

_EPOCH = datetime(2025, 1, 6, tzinfo=UTC).timestamp()
"""Monday; seeds move the start by whole weeks."""
KINDS = tuple(RECIPES)
_THEFTS = ("click_flooding", "click_injection", "cookie_stuffing", "window_abuse")
"""Thefts of attribution take twice the money of other kinds: they need no invented customers."""
_SLACK = 10 * DAY
"""The export is made this long after the last day: later outcomes are not in it."""
_HONEST_ENDS = {"refund": 0.035, "void": 0.008, "chargeback": 0.003, "retained": 0.12}
_FRAUD_ENDS = {"confirmed_fraud": 0.12, "chargeback": 0.1, "void": 0.08, "refund": 0.06, "retained": 0.02}


def simulate(seed: int, *, fraud: bool = True) -> Programme:
    """Draw a programme; without fraud all of its conversions are honest."""
    rng = np.random.default_rng([seed, 7])
    world = draw_world(rng)
    partners = _draw_partners(rng, world)
    goals_wanted = float(rng.uniform(3_200, 6_800))
    mean_rate = sum(
        partner.clicks
        * TRADES[partner.trade].rate
        * partner.skill
        * world.offers[int(offer)].rate
        / len(partner.offers)
        for partner in partners
        for offer in partner.offers
    )
    scale = goals_wanted / mean_rate
    cases = _draw_cases(rng, world, partners, goals_wanted, scale) if fraud else []
    newcomers = {scene.partner.name: scene.partner for scene in cases}
    partners = [partner for partner in partners if partner.name not in newcomers] + list(newcomers.values())
    for partner in partners:
        honest(rng, world, partner, scale)
    for scene in cases:
        RECIPES[scene.kind](scene)
    _crawl(rng, world, partners)
    lost = set().union(*(scene.lost for scene in cases)) if cases else set()
    return _programme(rng, world, partners, lost)


def _draw_partners(rng: Draws, world: World) -> list[Partner]:
    count = int(rng.integers(45, 105))
    sizes = rng.lognormal(0, 1.1, count)
    clicks = np.maximum(25, rng.uniform(55_000, 105_000) * sizes / sizes.sum()).astype(int)
    return [draw_partner(rng, number, world, int(clicks[number])) for number in range(count)]


def _draw_cases(rng: Draws, world: World, partners: list[Partner], goals: float, scale: float) -> list[Scene]:
    kinds = rng.permutation(KINDS)[: int(rng.integers(9, len(KINDS) + 1))].tolist()
    kinds += rng.choice(KINDS, int(rng.integers(0, 4))).tolist()
    worth = [offer.payout * offer.basket if offer.model == "revshare" else offer.payout for offer in world.offers]
    share = float(rng.uniform(0.06, 0.14))
    total = goals * float(np.mean(worth)) * share / (1 - share)
    cases = []
    weights = [6.0 if kind in _THEFTS else 3.0 for kind in kinds]
    for place, part in enumerate(rng.dirichlet(weights)):
        fits = [at for at, offer in enumerate(world.offers) if _suits(kinds[place], offer.model, offer.app)]
        offer = int(rng.choice(fits))
        count = int(np.clip(total * part / worth[offer], 6, 400))
        partner = _carrier(rng, world, partners, (kinds[place], place, offer, count), scale)
        cases.append(_scene(rng, world, partner, (kinds[place], offer, count)))
    return cases


def _suits(kind: str, model: str, app: bool) -> bool:  # noqa: FBT001 - a fact of the offer
    wanted = MODELS.get(kind)
    return wanted is None or (app if wanted == ("app",) else model in wanted and not app)


def _carrier(
    rng: Draws, world: World, partners: list[Partner], case: tuple[str, int, int, int], scale: float
) -> Partner:
    """Who commits a case: a good partner for a bought sub id, else a newcomer with some honest traffic."""
    kind, place, offer, count = case
    if kind == "bought_sub_id":
        good = sorted(partners, key=lambda partner: -partner.clicks)[: len(partners) // 3]
        return good[int(rng.integers(len(good)))]
    drawn = draw_partner(rng, len(partners) + place, world, 0)
    offers = np.unique(np.append(drawn.offers, offer))
    mixture = {"replayed_conversions": rng.uniform(0.5, 0.75), "slow_ramp": rng.uniform(0.3, 0.6)}.get(
        kind, rng.beta(1.2, 2) * 0.8
    )
    rates = [world.offers[int(one)].rate for one in offers]
    rate = float(np.mean(rates)) * TRADES[drawn.trade].rate * drawn.skill * scale
    clicks = int(min(8_000, count * mixture / (1 - mixture) / rate)) + 10
    begins = 0.0 if kind == "slow_ramp" else drawn.begins
    return replace(drawn, offers=offers, clicks=clicks, begins=begins)


def _scene(rng: Draws, world: World, partner: Partner, case: tuple[str, int, int]) -> Scene:
    kind, offer, count = case
    if kind == "bought_sub_id":
        subs = np.array([f"src{int(rng.integers(100, 999))}"], dtype=object)
    elif rng.random() < 0.45:
        subs = partner.subs
    else:
        subs = np.array(
            [f"{partner.trade[:2]}{int(n)}" for n in rng.integers(10, 999, int(rng.integers(1, 20)))], dtype=object
        )
    days = np.arange(len(world.noise)) * DAY
    days = world.noise * rng.gamma(6, 1 / 6, len(days)) * (days >= partner.begins)
    return Scene(rng, world, partner, offer, count, float(rng.uniform(0.4, 1)), kind, subs, days)


def _crawl(rng: Draws, world: World, partners: list[Partner]) -> None:
    """Search engines follow links, too; they never buy."""
    count = int(world.counted * rng.uniform(0.002, 0.01))
    host = np.uint32(0x42F94000) + rng.integers(1, 250, count)
    for place in rng.choice(len(partners), min(12, len(partners)), replace=False):
        size, partner = count // 12, partners[int(place)]
        nothing = np.full(size, None, dtype=object)
        facts = {"ts": rng.uniform(0, world.span, size), "offer": rng.choice(partner.offers, size), "sub": nothing}
        facts |= {"who": np.zeros(size, dtype=int), "ip": rng.choice(host, size), "device": np.full(size, -1)}
        facts |= {
            "agent": np.full(size, world.agents.crawler),
            "country": np.zeros(size, dtype=int),
            "referrer": nothing,
        }
        world.click(partner.name, facts)


def _programme(rng: Draws, world: World, partners: list[Partner], lost: set[int]) -> Programme:
    start = _EPOCH + 7 * DAY * int(rng.integers(0, 40))
    clicks = _frame(world, start, world.clicks, {"ts", "offer", "sub", "ip", "agent", "device", "country", "referrer"})
    down = (pl.col("ts") - start > world.outage[0]) & (pl.col("ts") - start < world.outage[1]) & (pl.col("luck") < 0.5)
    clicks = clicks.with_columns(luck=pl.Series(rng.random(clicks.height)))
    gone = clicks.filter(down)["click_id"]
    clicks = clicks.filter(~down & (pl.col("ts") < start + world.span))
    kept = [_keep(goals, lost) for goals in world.goals]
    goals = _frame(world, start, [part for part in kept if len(part["ts"])], None).sort("ts")
    goals = goals.with_columns(
        conversion_id=pl.format("v{}", pl.int_range(pl.len())),
        click_id=pl.when(pl.col("click_id").is_in(gone.implode())).then(None).otherwise("click_id"),
        status=pl.lit("pending"),
        locks_at=pl.col("ts") + 30 * DAY,
        currency=pl.lit("USD"),
    )
    truth = goals.select("conversion_id", pl.col("kind").is_not_null().alias("is_fraud"), "kind")
    tables = {
        Kind.CLICKS: canonical(Kind.CLICKS, clicks),
        Kind.CONVERSIONS: canonical(Kind.CONVERSIONS, goals),
        Kind.OUTCOMES: canonical(Kind.OUTCOMES, _outcomes(rng, goals, start + world.span + _SLACK)),
        Kind.AFFILIATES: canonical(Kind.AFFILIATES, _affiliates(rng, partners, start)),
    }
    return Programme(tables, truth)


def _keep(goals: Facts, lost: set[int]) -> Facts:
    stays = np.array(
        [kind is not None or int(click) not in lost for kind, click in zip(goals["kind"], goals["click"], strict=True)]
    )
    return {name: values[stays] for name, values in goals.items()} if len(stays) else goals


def _frame(world: World, start: float, parts: list[Facts], columns: set[str] | None) -> pl.DataFrame:
    """Join batches and write their facts in words."""
    names = (columns or set(parts[0])) | {"click", "partner", "who"}
    facts = {name: np.concatenate([part[name] for part in parts]) for name in sorted(names)}
    texts = {
        "click_id": [f"k{click * 2_654_435_761 % 2**40:010x}" for click in facts["click"].tolist()],
        "affiliate_id": facts["partner"].tolist(),
        "offer_id": [f"offer-{offer}" for offer in facts["offer"]],
        "sub_id": facts["sub"].tolist(),
        "ip": dotted(facts["ip"]),
        "user_agent": [world.agents.names[agent] for agent in facts["agent"]],
        "device_id": [f"{device:016x}" if device > 0 else None for device in facts["device"]],
        "country": [COUNTRIES[country] for country in facts["country"]],
        "referrer": facts["referrer"].tolist(),
    }
    if columns is None:
        events = {"revshare": "sale", "cpl": "lead", "cpa": "signup"}
        texts["event"] = ["install" if world.offers[o].app else events[world.offers[o].model] for o in facts["offer"]]
        texts |= {"customer_id": [f"u{who * 2_654_435_761 % 2**40:x}" for who in facts["who"].tolist()]}
        texts["order_id"] = [f"o{order}" for order in facts["order"]]
        texts["kind"] = facts["kind"].tolist()
    made = {name: pl.Series(name, values, dtype=pl.String) for name, values in texts.items()}
    made["ts"] = pl.Series("ts", facts["ts"] + start)
    if columns is None:
        made["click_ts"] = pl.Series("click_ts", facts["click_ts"] + start)
        made |= {name: pl.Series(name, np.round(facts[name], 2)) for name in ("payout", "revenue")}
    return pl.DataFrame(made)


def _outcomes(rng: Draws, goals: pl.DataFrame, until: float) -> pl.DataFrame:
    """What became known by the export: refunds and retained customers, chargebacks and findings of fraud, for some."""
    rows = []
    for conversion, ts, kind in goals.select("conversion_id", "ts", "kind").iter_rows():
        ends = _HONEST_ENDS if kind is None else _FRAUD_ENDS
        drawn = rng.choice([*ends, ""], p=[*ends.values(), 1 - sum(ends.values())])
        known = ts + rng.gamma(3, 4 * DAY)
        if drawn and known < until:
            rows.append((conversion, str(drawn), known))
    return pl.DataFrame(rows, schema={"conversion_id": pl.String, "outcome": pl.String, "ts": pl.Float64}, orient="row")


def _affiliates(rng: Draws, partners: list[Partner], start: float) -> pl.DataFrame:
    rows = []
    for place, partner in enumerate(partners):
        aged = start - rng.exponential(300) * DAY - DAY
        rows.append(
            {
                "affiliate_id": partner.name,
                "name": f"Partner {place + 1}",
                "email": f"{partner.name}@{partner.site.split('www.')[1].rstrip('/')}",
                "payout_account": f"ACC{int(rng.integers(10**9, 10**10))}",
                "approved_sites": [partner.site],
                "promo_methods": [partner.trade],
                "country": COUNTRIES[partner.country],
                "joined_at": start + partner.begins if partner.begins else aged,
                "status": "active",
            }
        )
    return pl.DataFrame(rows)


def main() -> None:
    """Write a programme to a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-fraud", action="store_true")
    asked = parser.parse_args()
    write(simulate(asked.seed, fraud=not asked.without_fraud), asked.out)


if __name__ == "__main__":
    main()
