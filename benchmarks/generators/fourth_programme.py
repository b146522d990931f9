"""A fourth simulated affiliate programme: partners whose habits are drawn at random, frauds as extreme habits.

    python benchmarks/generators/fourth_programme.py OUT --seed 1

It writes clicks, conversions, outcomes and affiliates in winnow's canonical columns, and truth.csv (conversion_id,
is_fraud, kind). It knows nothing of people or markets: honest partners differ in everything, far more than in the other
three, and frauds are the same events with some habits at extremes. No judge is taught on it; it shows what happens
where a judge is out of its depth.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent))
from canonical import Programme, canonical, write
from fourth_world.events import COUNTRIES, DAY, Offer, World, partner_events
from fourth_world.frauds import KINDS, draw_changes
from fourth_world.habits import Habits, changed, draw_partner, draw_programme

from features.lookups import Classifier
from features.schema import Kind
from models.injection import build_pools

FEEDS = ("full", "full", "full", "no clicks", "conversions only")
_GOOD_OUTCOMES = 0.2


def simulate(seed: int, addresses: Classifier, fraud_share: float | None = None) -> Programme:
    """Simulate one programme of the seed; `fraud_share` 0..1 of conversions, None: drawn, for one in six none."""
    rng = np.random.default_rng([seed, 3])
    days = int(rng.integers(14, 60))
    start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=int(rng.integers(0, 60)))
    mode = str(rng.choice(["placed", "placed", "anywhere", "private"]))
    world = World(start.timestamp(), days, build_pools(addresses, rng), mode, rng)
    usual = draw_programme(rng)
    spread = float(rng.uniform(0.1, 0.7))
    offers = [_offer(number, usual, rng) for number in range(int(rng.integers(3, 16)))]
    partners = int(rng.integers(20, 140))
    if fraud_share is None:
        fraud_share = 0.0 if rng.random() < 1 / 6 else float(rng.uniform(0.02, 0.2))
    clicks, goals = [], []
    usually: dict[str, Habits] = {}
    for place in _honest(partners, offers, rng):
        own = usually.setdefault(place[0], draw_partner(usual, spread, rng))
        # some sub-sources of a partner are quite unlike its others
        habits = draw_partner(usual, spread, rng) if rng.random() < 0.2 else own
        drawn = partner_events(world, place[:3], habits, place[3])
        clicks.append(drawn[0])
        goals.append(drawn[1].with_columns(kind=pl.lit(None, dtype=pl.String)))
    total = sum(frame.height for frame in goals)
    for kind, place, habits in _crooks(partners, offers, (usual, spread), total * fraud_share, rng):
        drawn = partner_events(world, place[:3], habits, place[3])
        clicks.append(drawn[0])
        goals.append(drawn[1].with_columns(kind=pl.lit(kind)))
    return _written(clicks, goals, world)


def _offer(number: int, usual: dict[str, float], rng: np.random.Generator) -> Offer:
    revenue = np.exp(usual["revenue"])
    return Offer(
        f"offer{number}",
        float(np.round(np.exp(rng.normal(2.3, 0.9)), 2)),
        float(rng.uniform(0.03, 0.2)) if rng.random() < 0.4 and revenue > 5 else None,
        float(rng.choice([7, 14, 30])),
        str(rng.choice(COUNTRIES[:6])),
        float(np.exp(rng.normal(0, 0.5))),
        float(np.exp(rng.normal(0, 0.3))),
    )


def _honest(
    partners: int, offers: Sequence[Offer], rng: np.random.Generator
) -> list[tuple[str, str | None, Offer, int]]:
    """Sources of honest partners: affiliate, sub_id, offer and conversions."""
    goals = np.exp(rng.uniform(np.log(1200), np.log(7000)))
    sizes = rng.pareto(rng.uniform(0.9, 2), partners) + 0.1
    found: list[tuple[str, str | None, Offer, int]] = []
    for number, size in enumerate(sizes / sizes.sum() * goals):
        chosen = rng.choice(len(offers), size=int(rng.integers(1, min(5, len(offers)) + 1)), replace=False)
        subs = int(rng.choice([0, 1, 3, 10]))
        parts = rng.dirichlet(np.full(len(chosen) * max(1, subs), 0.7))
        for place, part in enumerate(parts):
            sub_id = None if subs == 0 else f"s{place % subs}"
            count = int(rng.poisson(size * part))
            if count:
                found.append((f"p{number}", sub_id, offers[chosen[place // max(1, subs)]], count))
    return found


def _crooks(
    partners: int,
    offers: Sequence[Offer],
    usual: tuple[dict[str, float], float],
    budget: float,
    rng: np.random.Generator,
) -> list[tuple[str, tuple[str, str | None, Offer, int], Habits]]:
    """Fraudulent sources: kind, place and habits. Some are part of a good partner, some rings share their people."""
    found: list[tuple[str, tuple[str, str | None, Offer, int], Habits]] = []
    left = budget
    while left >= 5:
        kind = str(rng.choice(list(KINDS)))
        count = int(np.clip(np.exp(rng.normal(np.log(max(8.0, budget / 12)), 0.8)), 5, left + 5))
        left -= count
        offer = offers[int(rng.integers(0, len(offers)))]
        members = int(rng.integers(2, 6)) if kind == "ring" else 1
        habits = changed(draw_partner(*usual, rng), draw_changes(kind, rng), float(rng.uniform(0.55, 1.0)))
        if rng.random() < 0.2:  # a slow ramp: it grows from nothing
            habits = replace(habits, growth=float(rng.uniform(3, 12)))
        if kind == "ring":
            people = max(2, round(count / members / habits.goals_per_customer))
            habits = replace(habits, people=(int(rng.integers(0, 2**31)), people))
        for _ in range(members):
            hides = rng.random()
            number = int(rng.integers(0, partners)) if hides < 0.4 else partners + int(rng.integers(0, 10_000))
            sub_id = f"x{rng.integers(0, 999)}" if hides < 0.4 or rng.random() < 0.3 else None
            found.append((kind, (f"p{number}", sub_id, offer, max(3, count // members)), habits))
    return found


def _written(clicks: list[pl.DataFrame], goals: list[pl.DataFrame], world: World) -> Programme:
    rng = world.rng
    end = world.start + world.days * DAY
    # numbers of clicks are per source: name them apart before they are put together
    named = [
        frame.with_columns(key=pl.when(pl.col("number") >= 0).then(pl.format(f"{place}-{{}}", "number")))
        for place, frame in enumerate(clicks)
    ]
    every = pl.concat(named).filter(pl.col("ts") < end)
    every = every.with_columns(click_id=pl.Series([f"k{value:x}" for value in rng.permutation(every.height) + 2**20]))
    made = pl.concat(
        frame.with_columns(key=pl.format(f"{place}-{{}}", "click")) for place, frame in enumerate(goals)
    ).filter(pl.col("ts") < end)
    known = every.filter(pl.col("key").is_not_null()).select("key", "click_id")
    made = made.join(known, on="key", how="left", maintain_order="left")
    invented = pl.Series([f"k{value:x}" for value in rng.integers(2**40, 2**44, made.height)])
    made = made.with_columns(
        click_id=pl.coalesce("click_id", invented),
        conversion_id=pl.Series([f"g{value}" for value in rng.permutation(made.height)]),
    )
    tables = {
        Kind.CLICKS: every,
        Kind.CONVERSIONS: made.with_columns(currency=pl.lit("USD"), status=pl.lit("pending")),
        Kind.OUTCOMES: _outcomes(made, rng, end),
        Kind.AFFILIATES: _affiliates(every, made),
    }
    tables = {kind: canonical(kind, table) for kind, table in _told(tables, rng).items()}
    truth = made.select("conversion_id", is_fraud=pl.col("kind").is_not_null(), kind="kind")
    return Programme(tables, truth)


def _outcomes(made: pl.DataFrame, rng: np.random.Generator, end: float) -> pl.DataFrame:
    bad = made.filter("refunded")
    good = made.filter(~pl.col("refunded")).sample(fraction=_GOOD_OUTCOMES, seed=int(rng.integers(2**31)))
    kinds = [("refund", bad.head(bad.height // 2)), ("chargeback", bad.tail(bad.height // 2)), ("retained", good)]
    rows = [
        frame.select(
            "conversion_id", outcome=pl.lit(name), ts=pl.col("ts") + pl.Series(rng.gamma(2, 8, frame.height) * DAY)
        )
        for name, frame in kinds
    ]
    return pl.concat(rows).filter(pl.col("ts") < end + 14 * DAY)


def _affiliates(clicks: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    ids = pl.concat([clicks["affiliate_id"], made["affiliate_id"]]).unique().sort()
    sites = [[f"https://www.{name}.example/"] for name in ids]
    return pl.DataFrame({"affiliate_id": ids, "approved_sites": sites, "status": ["active"] * len(ids)})


def _told(tables: dict[Kind, pl.DataFrame], rng: np.random.Generator) -> dict[Kind, pl.DataFrame]:
    """Leave out what the programme's feed does not tell."""
    feed = str(rng.choice(FEEDS))
    hidden: list[str] = [name for name in ("device_id", "customer_id", "referrer", "revenue") if rng.random() < 0.3]
    if feed == "conversions only":
        hidden += ["ip", "user_agent", "device_id", "referrer"]
    out = dict(tables)
    if feed != "full":
        out[Kind.CLICKS] = tables[Kind.CLICKS].head(0)
    for kind in (Kind.CLICKS, Kind.CONVERSIONS):
        out[kind] = out[kind].drop([name for name in hidden if name in out[kind].columns])
    return out


def main() -> None:
    """Write the files of one programme."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    from screening.traffic.lists import load_book  # noqa: PLC0415 - only the command needs it

    programme = simulate(chosen.seed, load_book(chosen.out / "lists")[0].classify)
    write(programme, chosen.out)


if __name__ == "__main__":
    main()
