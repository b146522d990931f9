"""A sixth simulated affiliate programme: a performance network of apps, leads and deposits as a point process.

    python benchmarks/generators/sixth_programme.py OUT --seed 1

Honest traffic comes in channels (push, pop-under, offerwall, mailing, search ...) whose clicks follow Poisson, send and
self-exciting processes and convert at 0.01 % to 20 %; frauds start from the traffic of their own source and give
themselves away in some traits, to a degree that is drawn. It writes clicks, conversions, outcomes and affiliates in
winnow's canonical columns, and truth.csv (conversion_id, is_fraud, kind).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from canonical import Programme, canonical, write
from sixth_world.channels import Source, draw_affiliates
from sixth_world.feed import tables
from sixth_world.frauds import FAMILIES, HIRED, MECHANISMS, Job
from sixth_world.honest import draw_sources, run_honest, share_out
from sixth_world.world import REFERRERS, World, draw_world

KINDS = tuple(FAMILIES)
_STREAM = 6
_CLICKS = (75_000, 160_000)
_GOALS = (3_800, 10_500)
_FRAUD = (0.04, 0.18)
_FEWEST, _USUAL_MOST, _MOST = 8, 250, 600
"""Goals of one fraud on one source."""
_CHAFF_SHARE = 0.25
"""At most this share of the programme's clicks is made up by fraudsters beside those that convert."""


def simulate(seed: int, *, fraud: bool = True, scale: float = 1.0) -> Programme:
    """Simulate the programme of a seed: every seed is another world.

    `fraud=False` gives an entirely clean one. `scale` multiplies clicks and conversions (1: about 80,000 to 200,000 and
    4,000 to 12,000).
    """
    rng = np.random.default_rng([seed, _STREAM])
    world = draw_world(rng)
    affiliates = draw_affiliates(rng, world.days, REFERRERS)
    world.affiliates = len(affiliates)
    sources = draw_sources(world, affiliates)
    clicks, goals = (float(np.exp(rng.uniform(*np.log(limits)))) * scale for limits in (_CLICKS, _GOALS))
    share_out(world, sources, clicks, goals)
    jobs = _jobs(world, sources, clicks) if fraud else []
    crooked = {id(job.source): share for job, share in jobs}
    for source in sources:
        run_honest(world, source, crooked.get(id(source), 1.0))
    for job, _ in jobs:
        _commit(job)
    made, truth = tables(world, affiliates)
    return Programme({kind: canonical(kind, table) for kind, table in made.items()}, truth)


def _jobs(world: World, sources: list[Source], clicks: float) -> list[tuple[Job, float]]:
    """Return the frauds of a world, each with the share of its source's honest clicks that remain."""
    rng = world.rng
    payout = sum(source.clicks * source.rate * source.offer.payout for source in sources)
    budget = payout * rng.uniform(*_FRAUD)
    number = int(rng.integers(5, 19))
    kinds = [*rng.permutation(KINDS), *rng.permutation(KINDS)][:number]
    parts = rng.dirichlet(np.full(number, 1.5))
    free = [*rng.permutation(len(sources))]
    jobs: list[Job] = []
    for kind, part in zip(kinds, parts, strict=True):
        place = _place(str(kind), budget * part, sources, free)
        if place is None:
            continue
        free.remove(place)
        again = rng.random() < 0.3
        named = [str(kind)]
        if again:
            fitting = [name for name in KINDS if sources[place].offer.family in FAMILIES[name] and name != kind]
            named.append(str(rng.choice(fitting)))
        means = (budget * part / len(named), clicks / number)
        jobs += [_job(world, sources[place], name, means) for name in named]
    return [(job, _left(job, rng)) for job in jobs]


def _place(kind: str, budget: float, sources: list[Source], free: list[int]) -> int | None:
    """Return a source for the fraud: one of whose goals the money buys a usual number."""
    fitting = [place for place in free if sources[place].offer.family in FAMILIES[kind]]
    for place in fitting:
        if _FEWEST < budget / sources[place].offer.payout < _USUAL_MOST:
            return place
    usual = np.log(_USUAL_MOST) / 2
    return min(fitting, key=lambda place: abs(np.log(budget / sources[place].offer.payout) - usual), default=None)


def _job(world: World, source: Source, kind: str, means: tuple[float, float]) -> Job:
    (budget, clicks), rng = means, world.rng
    day = np.arange(world.days * 24) / 24
    calendar = source.calendar.copy()
    if kind == "slow_ramp":
        calendar *= 1 / (1 + np.exp(-(day - rng.uniform(0.4, 0.8) * world.days) / rng.uniform(2, 8)))
    elif rng.random() < 0.35:
        begin = rng.uniform(source.affiliate.first, source.affiliate.last)
        calendar *= (day >= begin - 2) & (day < begin + rng.uniform(2, 20))
    if kind == "bought_sub_id":
        sub = source.subs[rng.integers(len(source.subs))] if len(source.subs) else rng.integers(1 << 30)
        source = replace(source, subs=np.array([sub]), popularity=np.ones(1), quality=np.ones(1))
    count = int(np.clip(budget / source.offer.payout, _FEWEST, _MOST))
    strength = float(rng.uniform(0.3, 1.0))
    job = Job(world, source, kind, count, strength, calendar + 1e-12, int(clicks * _CHAFF_SHARE))
    if kind == "self_referral_ring" and rng.random() < 0.5:  # friends have accounts of their own
        job.allies = rng.integers(0, world.affiliates, int(rng.integers(1, 4)))
    return job


def _left(job: Job, rng: np.random.Generator) -> float:
    """Return the share of a source's honest clicks that remain, so that fraud is 5 % to 100 % of its goals."""
    share = rng.uniform(0.05, 0.5) if job.kind in ("bought_sub_id", "slow_ramp") else rng.choice([1.0, rng.random()])
    if job.kind == "replayed_conversions":
        return 1.0
    share = max(share, 0.05)
    honest = max(job.source.clicks * job.source.rate, 1e-9)
    return float(min(1.0, job.count * (1 - share) / share / honest))


def _commit(job: Job) -> None:
    kind = job.kind
    if kind not in MECHANISMS:
        kind = str(job.world.rng.choice(HIRED[job.source.offer.family]))
    MECHANISMS[kind](job)


def main() -> None:
    """Write the files of one programme."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clean", action="store_true", help="without any fraud")
    chosen = parser.parse_args()
    write(simulate(chosen.seed, fraud=not chosen.clean), chosen.out)


if __name__ == "__main__":
    main()
