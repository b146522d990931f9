"""A second simulated affiliate programme, to judge winnow's detectors on frauds and oddities they were not built on.

    python benchmarks/generators/second_programme.py OUT --seed 1 --days 56 --affiliates 120

It writes clicks, conversions, outcomes and affiliates in winnow's canonical columns, and truth.csv (conversion_id,
is_fraud, kind). Its people live, work and travel; journeys are made of page after page; posts breed visits, mailings
decay, budgets run dry, spots ring, call centres type. It shares no code and no numbers with winnow's own simulator.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from second_world import forgeries, hijacks, partners
from second_world.ledger import Ledger, start_of, write
from second_world.market import make_calendar, make_habits, make_offers
from second_world.networks import COUNTRIES, load_networks
from second_world.partners import METHODS, Partner, World, make_partner, run_partner
from second_world.people import DAY, make_population
from second_world.schemes import Scheme

KINDS: Mapping[str, Callable[[Scheme], float]] = {
    "click_flooding": hijacks.click_flooding,
    "click_injection": hijacks.click_injection,
    "cookie_stuffing": hijacks.cookie_stuffing,
    "window_abuse": hijacks.window_abuse,
    "replayed_conversions": hijacks.replayed_conversions,
    "bot_leads": forgeries.bot_leads,
    "stuffed_leads": forgeries.stuffed_leads,
    "device_farm": forgeries.device_farm,
    "undisclosed_incentive": forgeries.undisclosed_incentive,
    "self_referral_ring": forgeries.self_referral_ring,
    "proxy_spoofing": forgeries.proxy_spoofing,
    "geo_spoofing": forgeries.geo_spoofing,
    "bought_sub_id": forgeries.bought_sub_id,
    "slow_ramp": forgeries.slow_ramp,
}
_PEOPLE_PER_UNIT = 24_000
_FRAUDULENT_PARTNERS = 0.14


def generate(  # noqa: PLR0913, PLR0917 - the interface agreed with those who call it
    seed: int,
    days: int,
    affiliates: int,
    scale: float,
    kinds: Sequence[str] | None,
    fraud_share: float,
    out_dir: Path,
    *,
    file_format: str = "parquet",
    address_file: Path | None = None,
) -> dict[str, int]:
    """Simulate a programme and write its files; return the rows of each, and the number of fraudulent conversions.

    `scale` multiplies volumes; `kinds` are of `KINDS`, None for all; `fraud_share` is the fraudulent part of the payout
    that is aimed at, from 0 (no fraud at all) to below 1. Equal arguments give equal files.
    """
    wanted = tuple(KINDS) if kinds is None else tuple(kinds)
    unknown = sorted(set(wanted) - set(KINDS))
    if unknown or not 0 <= fraud_share < 1 or days < 7 or affiliates < 5 or scale <= 0:
        raise ValueError(f"unknown kinds {unknown}, or fraud_share not in [0, 1), days < 7, affiliates < 5, scale <= 0")
    rng = np.random.default_rng(seed)
    world = _make_world(rng, start_of(seed), days, scale, address_file)
    staff = [make_partner(world, number, scale) for number in range(affiliates)]
    bad = _choose_bad(staff, wanted if fraud_share else (), rng)
    crooked = {partner.number for partner, kind in bad if kind not in ("bought_sub_id", "replayed_conversions")}
    # a crook's own honest visitors: none, or a few to hide among
    cover = {number: float(rng.choice([0.0, 0.2, 0.6])) for number in crooked}
    earned = sum(run_partner(world, _dimmed(partner, cover.get(partner.number, 1.0))) for partner in staff)
    rings = _commit(world, staff, bad, earned * fraud_share / (1 - fraud_share))
    people = _describe(world, staff, rings, rng)
    return write(world.ledger, people, out_dir, file_format, rng)


def _make_world(rng: np.random.Generator, start: int, days: int, scale: float, address_file: Path | None) -> World:
    chosen = rng.choice(len(COUNTRIES), size=int(rng.integers(3, 7)), replace=False)
    shares = dict(zip([COUNTRIES[place] for place in chosen], rng.dirichlet(np.full(len(chosen), 1.5)), strict=True))
    count = max(2000, int(_PEOPLE_PER_UNIT * scale))
    people = make_population(load_networks(address_file), shares, count, rng)
    ledger = Ledger(make_offers(int(rng.integers(4, 10)), rng), make_habits(rng), make_calendar(start, days, rng))
    return World(people, ledger, rng)


def _dimmed(partner: Partner, share: float) -> Partner:
    return Partner(**{**vars(partner), "per_day": partner.per_day * share}) if share < 1 else partner


def _choose_bad(staff: list[Partner], kinds: Sequence[str], rng: np.random.Generator) -> list[tuple[Partner, str]]:
    """Give each kind at least one partner, in turn; what hides in good partners goes to large ones."""
    if not kinds:
        return []
    count = min(max(len(kinds), round(_FRAUDULENT_PARTNERS * len(staff))), len(staff) - 1)
    turns = [kinds[place % len(kinds)] for place in range(count)]
    by_size = sorted(staff, key=lambda partner: -partner.per_day)
    large = [
        partner for partner in by_size[: max(3, len(staff) // 3)] if partner.trade not in ("call centre", "search")
    ]
    hidden = ("bought_sub_id", "replayed_conversions")
    bad: list[tuple[Partner, str]] = []
    free = {partner.number: partner for partner in staff}
    for kind in sorted(turns, key=lambda kind: kind not in hidden):
        pool = [partner for partner in large if partner.number in free] if kind in hidden else []
        partner = pool[int(rng.integers(0, len(pool)))] if pool else free[int(rng.choice(list(free)))]
        del free[partner.number]
        bad.append((partner, kind))
    return bad


def _commit(world: World, staff: list[Partner], bad: list[tuple[Partner, str]], budget: float) -> list[tuple[int, ...]]:
    """Carry the frauds out, each for its part of the budget, blatant or careful, for some days or all.

    Returns the partners of each ring.
    """
    days, rng = world.ledger.calendar.days, world.rng
    parts = rng.dirichlet(np.full(len(bad), 2.5)) if bad else ()
    rings = []
    for (partner, kind), part in zip(bad, parts, strict=True):
        first = int(rng.integers(0, max(1, days // 2))) if rng.random() < 0.6 else 0
        last = int(rng.integers(min(first + 4, days - 1), days)) if rng.random() < 0.4 else days
        others = [one.number for one in staff if one.number != partner.number]
        mates = tuple(int(one) for one in rng.choice(others, size=int(rng.integers(1, 4)), replace=False))
        blatancy = float(rng.beta(3.5, 1.3))
        scheme = Scheme(
            world, partner, kind, budget * part, blatancy, _hiding_places(partner, kind, rng), (first, last), mates
        )  # fmt: skip
        KINDS[kind](scheme)
        if kind == "self_referral_ring":
            rings.append((partner.number, *mates))
    return rings


def _hiding_places(partner: Partner, kind: str, rng: np.random.Generator) -> tuple[str | None, ...]:
    if kind == "bought_sub_id":
        return (f"cmp_{partner.number}_{rng.integers(8, 20):02d}",)
    habit = rng.random()
    if habit < 0.25:
        return (None,)
    if habit < 0.6:  # the same names as the honest visitors of the same or another partner have
        return [("best-of", "review", "home"), ("top", "mid", "foot"), (f"cmp_{partner.number}_01",)][rng.integers(3)]
    prefix = str(rng.choice(["z", "src", "p", "cmp_"]))
    return tuple(f"{prefix}{rng.integers(1, 900)}" for _ in range(int(rng.integers(1, 12))))


def _describe(
    world: World, staff: list[Partner], rings: list[tuple[int, ...]], rng: np.random.Generator
) -> pl.DataFrame:
    """Describe the affiliates as they described themselves; some rings are paid to one account."""
    style = world.ledger.habits.affiliate_style
    ids = {
        "number": [str(20_000 + 13 * partner.number) for partner in staff],
        "pub": [f"pub_{partner.number:05x}" for partner in staff],
        "slug": [partner.site.split(".")[0] for partner in staff],
    }[style]
    names = np.array(
        ["Ada Moor", "Kim Berg", "Luis Prado", "Noor Aziz", "Tom Hale", "Ivy Chen", "Ola Dahl", "Zoe Marsh"]
    )
    start = world.ledger.calendar.start
    account = [f"PA{1000 + int(one)}" for one in rng.permutation(len(staff) * 3)[: len(staff)]]
    for ring in rings:
        for other in ring[1:]:
            if rng.random() < 0.5:
                account[other] = account[ring[0]]
    places = rng.choice(np.unique(world.people.country), size=len(staff))
    return pl.DataFrame(
        {
            "affiliate_id": ids,
            "name": names[rng.integers(0, len(names), size=len(staff))].tolist(),
            "email": [f"partner{partner.number}@{partner.site}" for partner in staff],
            "phone": [f"+49301{rng.integers(10**6, 10**7)}" for _ in staff],
            "payout_account": account,
            "approved_sites": [[f"https://{partner.site}/"] for partner in staff],
            "promo_methods": [list(METHODS[partner.trade]) for partner in staff],
            "country": [COUNTRIES[int(place)] for place in places],
            "joined_at": [start - int(rng.integers(-10, 900)) * DAY for _ in staff],
            "status": ["active"] * len(staff),
        }
    )


def main() -> None:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Simulate a second affiliate programme.")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=56)
    parser.add_argument("--affiliates", type=int, default=120)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies volumes")
    parser.add_argument("--kinds", nargs="*", choices=sorted(KINDS), default=None, help="default: all")
    parser.add_argument("--fraud-share", type=float, default=0.08, help="fraudulent part of the payout")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    chosen = parser.parse_args()
    rows = generate(
        chosen.seed, chosen.days, chosen.affiliates, chosen.scale, chosen.kinds, chosen.fraud_share, chosen.out,
        file_format=chosen.format,
    )  # fmt: skip
    print(json.dumps({**rows, "trades": len(partners.TRADES)}))


if __name__ == "__main__":
    main()
