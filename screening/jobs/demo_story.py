"""What in a demo's results tells most: the worst source, and a partner of whom only one part was held."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from models.reasons import CODES

_STOPPED = pl.col("decision").is_in(["hold", "reject"])
_HELD_PART = 0.7
"""Share of a sub_id's payout that is stopped, from which on it counts as held."""
_PAID_REST = 0.6
"""Share of the rest of its partner's payout that is paid, from which on the partner counts as spared."""


@dataclass(frozen=True, slots=True)
class Told:
    """A flagged source and its reasons in sentences, the most telling first. sub_id None: traffic without one."""

    affiliate_id: str
    offer_id: str
    sub_id: str | None
    conversions: int
    payout: Decimal
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spared:
    """A partner of whom one sub_id is held while the rest is paid; amounts in `currency`."""

    affiliate_id: str
    sub_id: str
    currency: str
    held: Decimal
    paid: Decimal


def worst_source(sources: pl.DataFrame) -> Told | None:
    """Return the flagged source (the store's SOURCES) with the most bad payout; None when none is flagged."""
    bad = pl.col("payout").cast(pl.Float64) * pl.col("bad_share").fill_null(0.0)
    flagged = sources.filter("flagged").sort(
        bad, "payout", "affiliate_id", "offer_id", "sub_id", descending=[True, True, False, False, False]
    )
    if flagged.is_empty():
        return None
    row = flagged.row(0, named=True)
    details = json.loads(row["reason_details"] or "[]")
    return Told(
        row["affiliate_id"], row["offer_id"], row["sub_id"], row["conversions"], row["payout"], sentences(details)
    )


def sentences(reasons: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Say stored reasons in words, with their numbers."""
    return tuple(CODES[reason["code"]].explanation.format(**reason["numbers"]) for reason in reasons)


def spared_partner(decisions: pl.DataFrame) -> Spared | None:
    """Return the partner with the most money held in one sub_id while the rest is paid; None when there is none."""
    amount = pl.col("payout")
    parts = decisions.group_by("affiliate_id", "currency", "sub_id").agg(
        all=amount.sum(), held=amount.filter(_STOPPED).sum(), paid=amount.filter(~_STOPPED).sum()
    )
    whole = parts.group_by("affiliate_id", "currency").agg(
        partner_all=pl.col("all").sum(), partner_paid=pl.col("paid").sum()
    )
    ratio = [pl.col(name).cast(pl.Float64) for name in ("held", "all", "partner_paid", "partner_all", "paid")]
    held, everything, partner_paid, partner_all, paid = ratio
    found = (
        parts.join(whole, on=["affiliate_id", "currency"])
        .filter(pl.col("sub_id").is_not_null() & (held >= _HELD_PART * everything))
        .filter(partner_paid - paid >= _PAID_REST * (partner_all - everything), partner_all > everything + everything)
        .sort("held", "affiliate_id", "sub_id", descending=[True, False, False])
    )
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return Spared(row["affiliate_id"], row["sub_id"], row["currency"], row["held"], row["partner_paid"] - row["paid"])
