"""A fifth simulated affiliate programme: people, devices and homes; partners of nine trades; fraudsters with tools.

    python benchmarks/generators/fifth_programme.py OUT --seed 1

People meet promotions, click more than once, buy at once or days later, look for a code at the checkout, or buy anyway;
the last click in the offer's window earns the reward. Fraud is what somebody does in that world: thieves place clicks
before purchases that happen anyway, forgers make up buyers. It writes clicks, conversions, outcomes and affiliates in
winnow's canonical columns, and truth.csv (conversion_id, is_fraud, kind).
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent))
from canonical import Programme, write
from fifth_world.books import bind, priced, replay
from fifth_world.chance import DAY, between
from fifth_world.crooks import Crook, hire
from fifth_world.forgery import FORGERIES
from fifth_world.journeys import buy_again, buy_anyway, close, draw_away, sell_by_telephone, settle_audiences
from fifth_world.ledger import KINDS, World, attribute
from fifth_world.market import CLOSERS, draw_affiliates, draw_offers
from fifth_world.networks import MAIN
from fifth_world.people import populate
from fifth_world.theft import THEFTS

START = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
FRAUD_SHARE = (0.05, 0.15)
"""Least and greatest part of the payout that fraudsters want."""
CLICKS = (60_000, 125_000)
"""Least and greatest number of honest clicks of partners who draw people in."""


def simulate(seed: int, *, fraud: bool = True, kinds: tuple[str, ...] = KINDS, clicks: int | None = None) -> Programme:
    """Simulate one programme of 28 to 60 days.

    Args:
        seed: the same seed, the same programme.
        fraud: False: nobody cheats.
        kinds: what fraudsters may do, of KINDS.
        clicks: honest clicks drawn in by partners, about; None: drawn from CLICKS.

    Raises:
        ValueError: for a kind that does not exist.
    """
    unknown = set(kinds) - set(KINDS)
    if unknown or not kinds:
        message = f"unknown kinds of fraud: {sorted(unknown)}; there are {', '.join(KINDS)}"
        raise ValueError(message)
    rng = np.random.default_rng([seed, 5])
    wanted = int(between(rng, *CLICKS))
    if clicks is not None:
        wanted = clicks
    world = _found(rng, wanted)
    crooks = hire(world, kinds) if fraud else []
    _live(world, wanted)
    earned = _cheat(world, crooks) if crooks else priced(world, attribute(world))
    return bind(world, pl.concat([earned, _by_code(world, earned)], how="diagonal_relaxed"))


def _found(rng: np.random.Generator, clicks: int) -> World:
    """Draw a world: its people, offers and partners."""
    days = int(rng.integers(28, 61))
    people = populate(rng, int(clicks * between(rng, 0.3, 1)), rng.dirichlet(np.full(MAIN, 0.35)))
    offers = draw_offers(rng)
    partners = draw_affiliates(rng, offers, days, len(people))
    world = World(START, days, people, offers, partners, rng)
    settle_audiences(world)
    return world


def _live(world: World, clicks: int) -> None:
    """Let honest people live through the programme."""
    rng = world.rng
    pull = [partner for partner in world.partners if partner.trade not in CLOSERS]
    sizes = np.array([partner.size for partner in pull])
    rate = between(rng, 0.02, 0.06)
    for partner, visits in zip(pull, rng.poisson(sizes / sizes.sum() * clicks * 0.75), strict=True):
        if "telesales" in partner.oddities:
            sell_by_telephone(world, partner, int(visits * rate) + 5)
        else:
            draw_away(world, partner, int(visits) + 3, rate)
    buy_anyway(world, int(clicks * between(rng, 0.08, 0.25)))
    buy_again(world)
    close(world, rng.uniform(0.15, 0.6), (0.12, 0.5))


def _cheat(world: World, crooks: list[Crook]) -> pl.DataFrame:
    """Let the fraudsters work; return what is earned then."""
    rng = world.rng
    honest = priced(world, attribute(world))
    wanted = rng.uniform(*FRAUD_SHARE)
    pot = float(honest["payout"].sum()) * wanted / (1 - wanted)
    middle = world.per_offer("payout") + world.per_offer("share") * world.per_offer("price") * 1.13
    greed = sum(crook.greed for crook in crooks)
    for crook in crooks:
        worth = pot * crook.greed / greed / middle[crook.offers].mean()
        crook.goals = int(np.clip(worth, 12, honest.height * 0.15))
        if crook.kind in FORGERIES:
            FORGERIES[crook.kind](world, crook)
        elif crook.kind in THEFTS:
            THEFTS[crook.kind](world, crook)
    earned = priced(world, attribute(world))
    copies = [replay(world, earned, crook) for crook in crooks if crook.kind == "replayed_conversions"]
    return pl.concat([earned, *copies])


def _by_code(world: World, earned: pl.DataFrame) -> pl.DataFrame:
    """Return honest purchases without a click that a partner is paid for because its code was used."""
    known = [partner.number for partner in world.partners if "codes" in partner.oddities]
    free = pl.concat(world.buys).filter((pl.col("via") < 0) & (pl.col("ts") < world.start + world.days * DAY))
    free = free.join(earned.select("ts", "who", "offer"), on=["ts", "who", "offer"], how="anti", maintain_order="left")
    free = free.filter(~pl.lit(pl.Series([offer.once for offer in world.offers])).gather(pl.col("offer")))
    if not known or not free.height:
        return earned.clear()
    count = int(free.height * between(world.rng, 0.01, 0.06))
    chosen = free[np.sort(world.rng.choice(free.height, count, replace=False))]
    partner = world.rng.choice(known, count)
    chosen = chosen.with_columns(
        partner=pl.Series(partner), kind=pl.lit(-1, dtype=pl.Int64), sub=pl.lit(0, dtype=pl.Int64)
    )
    made = priced(world, chosen.with_columns(click_referrer=pl.lit(-1, dtype=pl.Int64)))
    return made.with_columns(order=pl.col("order") + 400_000)


def main() -> None:
    """Write the files of one programme."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clean", action="store_true", help="a programme in which nobody cheats")
    chosen = parser.parse_args()
    write(simulate(chosen.seed, fraud=not chosen.clean), chosen.out)


if __name__ == "__main__":
    main()
