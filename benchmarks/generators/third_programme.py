"""A third simulated affiliate programme, a plain one: partners of six trades, frauds by simple recipes.

    python benchmarks/generators/third_programme.py OUT --seed 1

It is what somebody would write in a day to try a detector: no people, no journeys, addresses at random. It writes
clicks, conversions, outcomes and affiliates in winnow's canonical columns, and truth.csv (conversion_id, is_fraud,
kind).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent))
from canonical import Programme, canonical, write
from third_world.frauds import INSIDE, KINDS, Scene
from third_world.market import DAY, START, Draws, Offer, draw_feed, draw_offers, texts

from features.schema import Kind

TRADES = {"content": 1.0, "coupon": 0.15, "cashback": 0.25, "email": 0.8, "search": 0.6, "social": 1.2}
"""How long visitors of a trade think, as a multiple of the offer's usual time."""
_TRADE_SHARES = (0.3, 0.2, 0.1, 0.1, 0.15, 0.15)
_SCATTER = 1.1
_OUTCOME_SHARE = 0.25


@dataclass
class Ledger:
    """Everything that happened, as frames of clicks and conversions; click ids count up."""

    clicks: list[pl.DataFrame] = field(default_factory=list)
    goals: list[pl.DataFrame] = field(default_factory=list)
    counted: int = 0

    def click(self, affiliate: str, offers: np.ndarray, ts: np.ndarray, **facts: np.ndarray) -> np.ndarray:
        """Write clicks down and return their ids."""
        ids = texts([f"c{self.counted + place}" for place in range(len(ts))])
        self.counted += len(ts)
        frame = {"click_id": ids, "ts": ts, "offer_id": offers, **facts}
        self.clicks.append(_frame(frame).with_columns(affiliate_id=pl.lit(affiliate)))
        return ids

    def goal(self, affiliate: str, kind: str | None, **facts: np.ndarray) -> None:
        """Write conversions down; `kind` None: honest."""
        told = pl.lit(kind, dtype=pl.String).alias("kind")
        self.goals.append(_frame(facts).with_columns(pl.lit(affiliate).alias("affiliate_id"), told))


def _frame(columns: dict[str, np.ndarray]) -> pl.DataFrame:
    numbers = ("ts", "click_ts", "payout")
    return pl.DataFrame(
        {
            name: pl.Series(name, values) if name in numbers else pl.Series(name, values.tolist(), dtype=pl.String)
            for name, values in columns.items()
        }
    )


def simulate(seed: int) -> Programme:
    """Simulate one programme; one in seven has no fraud."""
    rng = np.random.default_rng([seed, 2])
    clicks_per_goal = int(rng.integers(8, 40))
    goals = int(np.exp(rng.uniform(np.log(1500), np.log(8000))))
    draws = Draws(draw_feed(rng), rng)
    offers = draw_offers(rng, clicks_per_goal)
    partners = int(rng.integers(25, 150))
    sizes = rng.pareto(1.3, partners) + 0.2
    sizes *= goals * clicks_per_goal / sizes.sum()
    crooks = _crooks(partners, rng)
    ledger = Ledger()
    for number, size in enumerate(sizes):
        dimmed = number in crooks and crooks[number] not in INSIDE
        share = float(rng.choice([0.0, 0.3, 1.0])) if dimmed else 1.0
        _run_honest(ledger, draws, offers, number, int(size * share))
    share = float(rng.uniform(0.03, 0.2))
    for number, kind in crooks.items():
        count = int(np.clip(rng.lognormal(np.log(goals * share / len(crooks)), 0.7), 5, goals * 0.2))
        _run_fraud(ledger, draws, (offers[int(rng.integers(0, len(offers)))], number, kind), count)
    return _told(ledger, draws, partners)


def _crooks(partners: int, rng: np.random.Generator) -> dict[int, str]:
    if rng.random() < 1 / 7:
        return {}
    count = max(2, int(partners * rng.uniform(0.05, 0.2)))
    who = rng.choice(partners, count, replace=False)
    kinds = rng.permutation(np.resize(rng.permutation(list(KINDS)), count))
    return {int(number): str(kind) for number, kind in zip(who, kinds, strict=True)}


def _run_honest(ledger: Ledger, draws: Draws, offers: list[Offer], number: int, count: int) -> None:
    if count < 1:
        return
    rng, feed, affiliate = draws.rng, draws.feed, f"aff-{number}"
    trade = str(rng.choice(list(TRADES), p=_TRADE_SHARES))
    chosen = rng.choice(len(offers), size=min(len(offers), int(rng.integers(1, 5))), replace=False)
    weight = 1 + 0.4 * np.sin(np.arange(feed.days) / 7 * 2 * np.pi + rng.random() * 6)
    if trade == "email":
        weight = np.full(feed.days, 0.1)
        weight[rng.choice(feed.days, size=max(1, feed.days // 7), replace=False)] = 4
    ts = START + rng.choice(feed.days, count, p=weight / weight.sum()) * DAY + draws.hours(count)
    place = rng.choice(chosen, count)
    subs = rng.integers(0, feed.sub_ids, count)
    facts = {
        "sub_id": texts([f"s{sub}" if feed.sub_ids > 1 else None for sub in subs]),
        "ip": draws.addresses(count),
        "user_agent": draws.agents(count),
        "device_id": draws.devices(count),
        "country": np.where(
            rng.random(count) < 0.92,
            texts([offers[at].country for at in place]),
            texts(rng.choice([offer.country for offer in offers], count)),
        ),
        "referrer": draws.referrers(affiliate, count),
    }
    names = texts([offers[at].name for at in place])
    ids = ledger.click(affiliate, names, ts, **facts)
    chance = np.array([offers[at].chance for at in place]) * np.exp(rng.normal(0, 0.3))
    sold = np.flatnonzero(rng.random(count) < chance)
    usual = np.array([offers[at].usual_seconds for at in place[sold]]) * TRADES[trade]
    delay = np.minimum(usual * np.exp(rng.normal(0, _SCATTER, len(sold))) + 8, DAY * 6.9)
    ledger.goal(
        affiliate,
        None,
        ts=ts[sold] + delay,
        click_ts=ts[sold],
        click_id=ids[sold],
        offer_id=names[sold],
        payout=np.array([draws.payouts(offers[at], 1)[0] for at in place[sold]]),
        customer_id=draws.customers(len(sold)),
        **{name: values[sold] for name, values in facts.items()},
    )


def _run_fraud(ledger: Ledger, draws: Draws, what: tuple[Offer, int, str], count: int) -> None:
    (offer, number, kind), rng, feed = what, draws.rng, draws.feed
    affiliate = f"aff-{number}"
    day = rng.random(count) * feed.days
    if rng.random() < 0.3:  # only for some days
        day = feed.days * rng.random() * 0.6 + rng.random(count) * feed.days * 0.3
    sub = f"s{rng.integers(0, feed.sub_ids)}" if feed.sub_ids > 1 else None
    scene = Scene(
        draws,
        offer,
        day,
        offer.usual_seconds * np.exp(rng.normal(0, _SCATTER, count)) + 8,
        texts([sub] * count),
        draws.addresses(count),
        draws.agents(count),
        draws.devices(count),
        texts([offer.country] * count),
        draws.referrers(affiliate, count),
        draws.customers(count),
        draws.payouts(offer, count),
        int(count * rng.uniform(2, 30)),
        np.arange(count),
    )
    KINDS[kind](scene)
    hour = draws.hours(count) if rng.random() < 0.5 else rng.random(count) * DAY
    _commit(ledger, scene, (affiliate, kind), START + np.floor(scene.day) * DAY + hour[scene.click])


def _commit(ledger: Ledger, scene: Scene, who: tuple[str, str], clicked: np.ndarray) -> None:
    draws, rng, (affiliate, kind) = scene.draws, scene.draws.rng, who
    names = texts([scene.offer.name] * scene.size)
    facts = {
        "sub_id": scene.sub,
        "ip": scene.ip,
        "user_agent": scene.agent,
        "device_id": scene.device,
        "country": scene.country,
        "referrer": scene.referrer,
    }
    ids = ledger.click(affiliate, names, clicked, **facts)
    if scene.idle:
        at = rng.integers(0, scene.size, scene.idle)
        ledger.click(
            affiliate,
            names[at],
            START + rng.random(scene.idle) * draws.feed.days * DAY,
            sub_id=scene.sub[at],
            ip=scene.ip[at] if scene.idle_same else draws.addresses(scene.idle),
            user_agent=scene.agent[at] if scene.idle_same else draws.agents(scene.idle),
            device_id=draws.devices(scene.idle),
            country=texts([scene.offer.country] * scene.idle),
            referrer=texts([None] * scene.idle) if scene.idle_hidden else draws.referrers(affiliate, scene.idle),
        )
    ledger.goal(
        affiliate,
        kind,
        ts=clicked + scene.delay,
        click_ts=clicked,
        click_id=ids[scene.click],
        offer_id=names,
        payout=scene.payout,
        customer_id=scene.customer,
        **facts,
    )


def _told(ledger: Ledger, draws: Draws, partners: int) -> Programme:
    rng, feed = draws.rng, draws.feed
    end = START + (feed.days + 1) * DAY
    goals = pl.concat(ledger.goals).filter(pl.col("ts") < end)
    goals = goals.with_columns(
        conversion_id=pl.Series([f"v{number}" for number in rng.permutation(goals.height)]),
        currency=pl.lit("USD"),
        revenue=pl.col("payout") * 3 if feed.revenue else pl.lit(None, dtype=pl.Float64),
    )
    known = goals.filter(pl.Series(rng.random(goals.height) < _OUTCOME_SHARE))
    outcome = pl.when(pl.col("kind").is_null()).then(pl.lit("retained")).otherwise(pl.lit("chargeback"))
    outcomes = known.select("conversion_id", outcome=outcome, ts=pl.col("ts") + 40 * DAY)
    names = [f"aff-{number}" for number in range(partners)]
    sites = [[f"https://{name}.example/"] if feed.referrers != "none" else None for name in names]
    affiliates = pl.DataFrame(
        {"affiliate_id": names, "approved_sites": pl.Series(sites, dtype=pl.List(pl.String))},
    )
    tables = {
        Kind.CLICKS: pl.concat(ledger.clicks),
        Kind.CONVERSIONS: goals,
        Kind.OUTCOMES: outcomes,
        Kind.AFFILIATES: affiliates,
    }
    truth = goals.select("conversion_id", is_fraud=pl.col("kind").is_not_null(), kind="kind")
    return Programme({kind: canonical(kind, table) for kind, table in tables.items()}, truth)


def main() -> None:
    """Write the files of one programme."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    write(simulate(chosen.seed), chosen.out)


if __name__ == "__main__":
    main()
