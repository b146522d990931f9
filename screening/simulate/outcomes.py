"""What became of simulated conversions: refunds, voids, chargebacks, retention and reviews, late and only for some.

The rates are plausible for e-commerce and lead programmes, not measured; what counts is that they differ as they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from screening.simulate.columns import DAY, Flags, Floats, Ints, lognormal, midnight, stream
from screening.simulate.offers import OfferKind
from screening.simulate.spec import FraudKind
from screening.simulate.world import World

OUTCOMES = ("refund", "void", "chargeback", "retained", "confirmed_fraud", "confirmed_clean")
_DELAY = {
    "refund": (9.0, 0.7),
    "void": (4.0, 0.8),
    "chargeback": (24.0, 0.4),
    "retained": (14.0, 0.05),
    "confirmed_fraud": (6.0, 0.6),
    "confirmed_clean": (5.0, 0.6),
}
"""Median days until the outcome is known, and the spread of their logarithm."""
_INSTALL_RETAINED = 7.0
"""Days after which an app's user counts as retained."""
_REVIEW_ERROR = 0.02
"""Share of reviews that come to the wrong conclusion."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Shares of conversions that end in each way; `reviewed` ones end in confirmed_fraud or confirmed_clean."""

    refund: float = 0.0
    void: float = 0.0
    chargeback: float = 0.0
    retained: float = 0.0
    reviewed: float = 0.012


_HONEST: Mapping[OfferKind, Fate] = {
    OfferKind.SALE: Fate(refund=0.055, void=0.015, chargeback=0.003),
    OfferKind.LEAD: Fate(void=0.045),
    OfferKind.INSTALL: Fate(retained=0.34),
    OfferKind.SUBSCRIPTION: Fate(refund=0.04, chargeback=0.004, retained=0.56),
    OfferKind.BUSINESS: Fate(void=0.06),
}
_F = FraudKind


def _fates(kind: OfferKind) -> Mapping[FraudKind | None, Fate]:
    """Return what becomes of conversions of an offer, by mechanic; None: honest ones."""
    honest = _HONEST[kind]
    pays = kind in (OfferKind.SALE, OfferKind.SUBSCRIPTION)
    real = replace(honest, reviewed=0.04)
    return {
        None: honest,
        # customers are real here and behave as such
        _F.CLICK_FLOODING: real,
        _F.CLICK_INJECTION: real,
        _F.COOKIE_STUFFING: real,
        _F.ATTRIBUTION_WINDOW_ABUSE: real,
        _F.BOT_LEADS: Fate(void=0.28, chargeback=0.12 * pays, reviewed=0.12),
        _F.STUFFED_LEADS: Fate(void=0.20, chargeback=0.06 * pays, reviewed=0.09),
        _F.DEVICE_FARM: Fate(retained=0.02, reviewed=0.08),
        _F.SELF_REFERRAL_RING: Fate(refund=0.30, chargeback=0.04, retained=honest.retained * 0.3, reviewed=0.07),
        _F.UNDISCLOSED_INCENTIVE: Fate(
            refund=honest.refund * 2, void=honest.void * 2, retained=honest.retained * 0.12, reviewed=0.05
        ),
        _F.PROXY_GEO_SPOOFING: Fate(void=0.12, chargeback=0.05 * pays, retained=honest.retained * 0.3, reviewed=0.07),
        _F.REPLAYED_CONVERSIONS: Fate(void=0.20, retained=honest.retained, reviewed=0.12),
    }


def draw_outcomes(world: World, conversions: pl.DataFrame) -> pl.DataFrame:
    """Return `row` (of the conversions), `outcome` (position in OUTCOMES) and `ts`; only what the period's end knew."""
    rng = stream(world.seed, "outcomes")
    count = len(conversions)
    shares = _shares(world, conversions)
    luck = rng.random(count)
    bounds = np.cumsum(shares[:, :4], axis=1)
    ending = np.where(luck < bounds[:, 3], (luck[:, None] >= bounds).sum(axis=1), -1)
    bad = conversions["scheme"].to_numpy() >= 0
    reviewed = rng.random(count) < shares[:, 4]
    verdict = np.where(
        bad ^ (rng.random(count) < _REVIEW_ERROR), OUTCOMES.index("confirmed_fraud"), OUTCOMES.index("confirmed_clean")
    )
    ended, checked = np.flatnonzero(ending >= 0), np.flatnonzero(reviewed)
    row, outcome = np.concatenate([ended, checked]), np.concatenate([ending[ended], verdict[checked]])
    delay = _delays(outcome, _installs(world, conversions)[row], rng)
    ts = conversions["ts"].to_numpy()[row] + (delay * 86_400_000).astype(np.int64) * 1000
    known = ts < midnight(world.spec.start) + world.spec.days * DAY
    return pl.DataFrame({"row": row[known], "outcome": outcome[known], "ts": ts[known]}).sort("ts", "row", "outcome")


def _shares(world: World, conversions: pl.DataFrame) -> Floats:
    mechanics: list[FraudKind | None] = [*FraudKind, None]  # -1, honest, is the last
    table = [[_shares_of(_fates(kind).get(mechanic, Fate())) for mechanic in mechanics] for kind in OfferKind]
    kinds = list(OfferKind)
    kind = np.array([kinds.index(offer.kind) for offer in world.offers.offers])[conversions["offer"].to_numpy()]
    return np.asarray(np.array(table)[kind, conversions["mechanic"].to_numpy()], np.float64)


def _shares_of(fate: Fate) -> tuple[float, ...]:
    return fate.refund, fate.void, fate.chargeback, fate.retained, fate.reviewed


def _installs(world: World, conversions: pl.DataFrame) -> Flags:
    return np.isin(conversions["offer"].to_numpy(), world.offers.of_kind(OfferKind.INSTALL))


def _delays(outcome: Ints, install: Flags, rng: np.random.Generator) -> Floats:
    usual = np.array([_DELAY[name] for name in OUTCOMES])[outcome]
    median = np.where(install & (outcome == OUTCOMES.index("retained")), _INSTALL_RETAINED, usual[:, 0])
    return lognormal(median, usual[:, 1], len(outcome), rng)
