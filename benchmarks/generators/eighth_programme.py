"""Write an eighth simulated programme, of which nothing is fixed: every seed draws its own kind of world.

    python benchmarks/generators/eighth_programme.py OUT --seed 1

The generator shares nothing but the canonical columns with the others and with what judges. A judge taught on one
simulation learns its habits; here habits differ from seed to seed: what is sold, how people take their time, what the
network sees, which trades partners have, what is odd about honest ones and, in four of five programmes, how two to
eight frauds make their money. What a fraud leaves behind follows from what it does, and may be next to nothing.

    python benchmarks/generators/eighth_programme.py --look 10

prints what the first ten programmes look like.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))

from canonical import Programme, write
from eighth_world.casting import commit, fraud_share
from eighth_world.dice import Dice
from eighth_world.ledger import written
from eighth_world.look import summary
from eighth_world.market import drawn_world
from eighth_world.oddities import make_odd
from eighth_world.partners import Partner, drawn_partners
from eighth_world.traffic import render


def simulate(seed: int) -> Programme:
    """Return a programme; the same seed gives the same tables, and draws also whether there is fraud."""
    dice = Dice(seed)
    world = drawn_world(dice)
    partners = drawn_partners(world)
    make_odd(world, partners)
    _to_scale(world.goals * world.clicks_per_goal, partners)
    flows = [render(world, source) for partner in partners for source in partner.sources]
    share = fraud_share(world)
    if share:
        honest = pl.concat([flow.goals for flow in flows], how="diagonal")
        flows += commit(world, partners, honest, share)
    return written(world, flows, partners)


def _to_scale(clicks: float, partners: list[Partner]) -> None:
    """Bring all partners' rates to what the programme as a whole has, so that no trade swells it beyond its size."""
    wanted = sum(one.goals * one.clicks_per_goal for partner in partners for one in partner.sources)
    for partner in partners:
        partner.sources = [
            replace(one, clicks_per_goal=max(1.0, one.clicks_per_goal * clicks / wanted)) for one in partner.sources
        ]


def main() -> None:
    """Write one programme, or print what several look like."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--look", type=int, default=0)
    asked = parser.parse_args()
    if asked.out:
        write(simulate(asked.seed), asked.out)
    for seed in range(1, asked.look + 1):
        sys.stdout.write(summary(seed, simulate(seed)) + "\n")


if __name__ == "__main__":
    main()
