"""The tables of a simulated programme that are not events: its partners and its caps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from features.schema import Kind, polars_schema
from screening.simulate.columns import DAY, stream
from screening.simulate.fraud import Scheme
from screening.simulate.world import World

_LARGEST = 12
"""Partners with caps of their own."""
_OF_BUSIEST_DAY = (0.75, 1.5)
"""Range of such a cap as a multiple of the partner's own busiest day: some are in the way, some are not."""
_PAUSED = 0.06
"""Share of the smaller half of partners that are paused at the end of the period."""
_SAME_ACCOUNT = 0.6
"""Share of rings whose partners are paid to one account."""


def affiliates_table(world: World, schemes: Sequence[Scheme]) -> pl.DataFrame:
    """Return the partners as they registered, in canonical columns."""
    rng = stream(world.seed, "registry")
    start = datetime.combine(world.spec.start, time(), UTC)
    account = {index: partner.registration.payout_account for index, partner in enumerate(world.partners)}
    for scheme in schemes:
        if len(scheme.partners) > 1 and rng.random() < _SAME_ACCOUNT:
            account.update(dict.fromkeys(scheme.partners, account[scheme.partners[0]]))
    usual = float(np.median([partner.size for partner in world.partners]))
    rows = [
        {
            "affiliate_id": partner.code,
            "name": partner.registration.name,
            "email": partner.registration.email,
            "phone": partner.registration.phone,
            "payout_account": account[index],
            "approved_sites": [f"https://www.{domain}/" for domain in partner.domains],
            "promo_methods": list(partner.registration.methods),
            "country": partner.registration.country,
            "joined_at": start + timedelta(days=partner.joined_day, seconds=int(rng.integers(-14_400, 0))),
            "status": "paused" if rng.random() < _PAUSED and partner.size < usual else "active",
        }
        for index, partner in enumerate(world.partners)
    ]
    return pl.DataFrame(rows, schema=polars_schema(Kind.AFFILIATES))


def caps_table(world: World, conversions: pl.DataFrame) -> pl.DataFrame:
    """Return caps: daily conversions and monthly payout of every offer, and daily payout of the largest partners."""
    rng = stream(world.seed, "caps")
    daily = conversions.group_by("offer", pl.col("ts") // DAY).agg(pl.len().alias("count"), pl.col("payout").sum())
    busiest = {row["offer"]: row for row in daily.group_by("offer").max().iter_rows(named=True)}
    rows: list[dict[str, str | Decimal | None]] = []
    for index, offer in enumerate(world.offers.offers):
        busy = busiest.get(index, {"count": 10, "payout": 1_000_000})
        conversions_cap = _rounded(busy["count"] * rng.uniform(1.05, 2.5))
        payout_cap = _rounded(busy["payout"] / 10_000 * rng.uniform(14, 28))
        rows.append(
            {"offer_id": offer.code, "cap_type": "daily_conversions", "limit": conversions_cap, "affiliate_id": None}
        )
        rows.append({"offer_id": offer.code, "cap_type": "monthly_payout", "limit": payout_cap, "affiliate_id": None})
    own = conversions.group_by("affiliate", "offer", pl.col("ts") // DAY).agg(pl.col("payout").sum())
    busiest_of = {
        (affiliate, offer): payout
        for affiliate, offer, payout in own.group_by("affiliate", "offer").agg(pl.col("payout").max()).iter_rows()
    }
    for index in np.argsort([-partner.size for partner in world.partners])[:_LARGEST]:
        partner = world.partners[int(index)]
        for position in partner.offers[:2]:
            cap = _rounded(busiest_of.get((int(index), position), 1_000_000) / 10_000 * rng.uniform(*_OF_BUSIEST_DAY))
            code = world.offers.offers[position].code
            rows.append({"offer_id": code, "cap_type": "daily_payout", "limit": cap, "affiliate_id": partner.code})
    return pl.DataFrame(rows, schema=polars_schema(Kind.CAPS))


def _rounded(amount: float) -> Decimal:
    """Round up to a figure that a person would set: two leading digits."""
    step = 10 ** max(len(str(int(amount))) - 2, 0)
    return Decimal(max(int(-(-amount // step) * step), 5)).quantize(Decimal("0.0001"))
