"""A ninth simulated affiliate programme, written as an outside examiner would: nothing is taught on it.

It was written from the documented contract and from what is published of affiliate fraud, without a look at the other
generators, at the features or at the judges, so that it measures what is found in traffic nobody has seen. A tracker
with server-to-server postbacks watches shops, leads, trials and apps for six to eight weeks; its export begins in the
middle of life and ends before most outcomes are known.

    python benchmarks/generators/ninth_programme.py OUT --seed 1
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent))
from canonical import Programme, canonical, write
from ninth_world.later import outcomes
from ninth_world.market import OFFERS, START, Affiliate, affiliate_table, honest_partners
from ninth_world.people import DAY, Rng, countries_of, populate
from ninth_world.plot import Scene, crimes, lasting
from ninth_world.traffic import Batch, World, flash_sale, honest, joined, outages, viral_post

from features.schema import Kind

POPULATION = 60_000
DAYS = (42, 56)
APPROVED_AFTER_DAYS = 14
LOCKS_AFTER_DAYS = 30
GEO_ERROR = 0.006
"""Share of clicks whose country the tracker's geo data get wrong."""


def _numbered(partners: list[Affiliate], numbers: list[int]) -> list[Affiliate]:
    """Give the partners account numbers that are unlike each other."""
    return [replace(partner, affiliate_id=str(number)) for partner, number in zip(partners, numbers, strict=False)]


def _honest_scene(rng: Rng, world: World) -> Scene:
    """Make the honest programme: partners, their traffic and the benign events."""
    numbers = (10_000 + rng.permutation(80_000)[:100]).tolist()
    partners = _numbered(honest_partners(rng, world.people, world.days), numbers)
    batches = [honest(rng, world, partner) for partner in partners]
    batches += [*flash_sale(rng, world, partners), viral_post(rng, world, partners)]
    traffic = _exported(lasting(joined(batches)), world)
    taken = {partner.affiliate_id for partner in partners}
    return Scene(world, partners, traffic, float(traffic.conversions["payout"].sum()), taken)


def _exported(batch: Batch, world: World) -> Batch:
    """Keep what happened between the start and the end of the export."""
    within = pl.col("ts").is_between(START, world.end, closed="left")
    return Batch(batch.clicks.filter(within), batch.conversions.filter(within))


def _as_told(rng: Rng, batch: Batch, world: World) -> Batch:
    """Add what the tracker adds, and leave out what advertisers do not tell it."""
    clicks = batch.clicks.join(countries_of(batch.clicks["ip"]), on="ip", how="left", maintain_order="left")
    wrong = pl.Series(rng.random(clicks.height) < GEO_ERROR)
    clicks = clicks.with_columns(pl.when(wrong).then(pl.lit("US")).otherwise("country").alias("country"))
    silent = pl.col("offer_id").is_in([offer.offer_id for offer in OFFERS if not offer.tells_address])
    old = pl.col("ts") < world.end - APPROVED_AFTER_DAYS * DAY
    conversions = batch.conversions.with_columns(
        *(pl.when(silent).then(None).otherwise(name).alias(name) for name in ("ip", "user_agent")),
        status=pl.when(old).then(pl.lit("approved")).otherwise(pl.lit("pending")),
        locks_at=pl.col("ts") + LOCKS_AFTER_DAYS * DAY,
        currency=pl.lit("USD"),
    )
    return Batch(clicks, conversions)


def _truth(conversions: pl.DataFrame) -> pl.DataFrame:
    return conversions.sort("ts").select("conversion_id", is_fraud=pl.col("kind").is_not_null(), kind="kind")


def simulate(seed: int, *, fraud: bool = True) -> Programme:
    """Simulate the programme; without fraud the honest partners do what they do beside it, and nobody else is there."""
    rng = np.random.default_rng([9, seed])
    world = World(populate(rng, POPULATION), int(rng.integers(*DAYS, endpoint=True)))
    scene = _honest_scene(rng, world)
    partners, batches = scene.partners, [scene.traffic]
    if fraud:
        actors, made = crimes(np.random.default_rng([9, seed, 1]), scene)
        partners = partners + actors
        batches.append(_exported(lasting(joined(made)), world))
    batches = [outages(np.random.default_rng([9, seed, 2]), world, batch) for batch in batches]
    batch = _as_told(np.random.default_rng([9, seed, 3]), joined(batches), world)
    known = outcomes(np.random.default_rng([9, seed, 4]), batch.conversions, world.end)
    tables = {
        Kind.CLICKS: canonical(Kind.CLICKS, batch.clicks),
        Kind.CONVERSIONS: canonical(Kind.CONVERSIONS, batch.conversions),
        Kind.OUTCOMES: canonical(Kind.OUTCOMES, known),
        Kind.AFFILIATES: canonical(Kind.AFFILIATES, affiliate_table(partners)),
    }
    return Programme(tables, _truth(batch.conversions))


def main() -> None:
    """Write one programme."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    write(simulate(given.seed), given.out)


if __name__ == "__main__":
    main()
