"""What becomes of the ninth programme's conversions: refunds, chargebacks, checks of leads, people who stay."""

from __future__ import annotations

import polars as pl

from ninth_world.people import DAY, Rng

GENUINE_BUYERS = frozenset({"cookie_stuffing", "checkout_hijack", "click_flooding", "click_injection", "window_abuse"})
"""Kinds whose customers are real: only the claim on them is false."""

_HONEST = {
    "sale": {"refund": (0.07, 9.0), "chargeback": (0.003, 20.0)},
    "trial": {"retained": (0.46, 14.0), "refund": (0.05, 8.0), "chargeback": (0.006, 20.0)},
    "lead": {"confirmed_clean": (0.16, 5.0), "void": (0.08, 5.0), "confirmed_fraud": (0.001, 8.0)},
    "install": {"retained": (0.27, 7.0)},
}
"""For each model: outcome to its chance and the days (median) it takes to be known."""
_FALSE = {
    "sale": {"refund": (0.3, 12.0), "chargeback": (0.04, 18.0)},
    "trial": {"retained": (0.05, 14.0), "refund": (0.06, 7.0), "chargeback": (0.12, 16.0)},
    "lead": {"confirmed_fraud": (0.16, 9.0), "void": (0.32, 6.0), "confirmed_clean": (0.01, 5.0)},
    "install": {"retained": (0.02, 7.0)},
}


def outcomes(rng: Rng, conversions: pl.DataFrame, end: float) -> pl.DataFrame:
    """Return what is known by the end (seconds since 1970), at most one outcome for each; most never have any."""
    found: dict[str, list[object]] = {"conversion_id": [], "outcome": [], "ts": []}
    rows = conversions.select("conversion_id", "event", "kind", "ts").iter_rows()
    draws, waits = rng.random(conversions.height).tolist(), rng.lognormal(0, 0.45, conversions.height).tolist()
    for (identity, model, kind, ts), draw, wait in zip(rows, draws, waits, strict=True):
        left = draw
        for outcome, (chance, days) in (_HONEST if kind is None or kind in GENUINE_BUYERS else _FALSE)[model].items():
            if 0 <= left < chance and ts + days * wait * DAY < end:
                found["conversion_id"].append(identity)
                found["outcome"].append(outcome)
                found["ts"].append(ts + days * wait * DAY)
            left -= chance
    schema = {"conversion_id": pl.String(), "outcome": pl.String(), "ts": pl.Float64()}
    return pl.DataFrame(found, schema=schema)
