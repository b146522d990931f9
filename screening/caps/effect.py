"""What a limit lets through, and what changing it saves and costs, with intervals from draws of the future."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from screening.caps.evidence import BadShare, CapEvidence, Demand, Floats
from screening.caps.limits import Cap, Span, begins
from screening.caps.policy import CapPolicy

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Estimate:
    """An amount of money and its interval at the policy's level. Negative: the other way round."""

    expected: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change of a limit does until it expires, in `currency`, compared with leaving the limit as it is.

    saving: bad payout that does not arise; negative when a raise lets more in. cost: earnings on clean conversions
    that are turned away; negative when a raise brings some.
    """

    saving: Estimate
    cost: Estimate
    currency: str | None


def let_through(demand: Floats, limit: float | None, used: float, anew: list[bool]) -> Floats:
    """Return how much of the demand a limit lets through, shape as the demand (futures, days).

    used: counted before the first day. anew: on which days the period begins. None: no limit.
    """
    if limit is None:
        return demand
    counted = np.full(len(demand), used)
    passed = np.empty_like(demand)
    for day, restart in enumerate(anew):
        counted = np.zeros(len(demand)) if restart else counted
        passed[:, day] = np.clip(limit - counted, 0.0, demand[:, day])
        counted = counted + passed[:, day]
    return passed


def coming_period(demand: Demand | None, span: Span, used: Decimal, quantile: float | None) -> float:
    """Return the most that a coming period counts without a limit, 0 without demand and use.

    quantile: of the futures of a day, for how busy it may get; None: as usual. Longer periods even days out. What was
    used so far counts into the present period.
    """
    if demand is None:
        return float(used)
    busy = 1.0 if quantile is None else max(float(np.quantile(np.array(demand.spread), quantile)), 1.0)
    most = counted = float(used)
    for day, (expected, restart) in enumerate(zip(demand.expected, starts(demand, span), strict=True)):
        counted = (0.0 if restart else counted) + expected * (busy if span is Span.DAILY else 1.0)
        most = max(most, counted) if day else counted
    return most


def starts(demand: Demand, span: Span) -> list[bool]:
    """Say for each day of the horizon whether the span counts anew on it; the first day goes on with what was used."""
    days = [demand.first + timedelta(days=offset) for offset in range(len(demand.expected))]
    return [offset > 0 and begins(span, day) == day for offset, day in enumerate(days)]


def effect(evidence: CapEvidence, recommended: Decimal | None, policy: CapPolicy) -> Effect | None:
    """Estimate what the recommended limit does. None where money cannot say it, or too little is known.

    The same evidence, limit and policy give the same numbers: draws are seeded by the policy and the cap.
    """
    worth, bad = evidence.worth, evidence.bad
    if worth.payout_per_unit is None or bad is None or evidence.mixed:
        return None
    if evidence.demand is None or recommended == evidence.current:
        nothing = Estimate(Decimal(0), Decimal(0), Decimal(0))
        return Effect(nothing, nothing, worth.currency)
    rng = np.random.default_rng(_seed(policy.seed, evidence.cap))
    futures = evidence.demand.draws(policy.draws, rng)
    anew = starts(evidence.demand, evidence.cap.span)
    before, after = (
        let_through(futures, None if limit is None else float(limit), float(evidence.used), anew)
        for limit in (evidence.current, recommended)
    )
    # the recommendation holds for the horizon, however long the cap's own period is
    turned_away = (before - after)[:, : policy.horizon_days].sum(axis=1) * worth.payout_per_unit
    share = _shares(bad, policy.draws, rng)
    saving = _estimate(turned_away * share, policy.interval)
    return Effect(saving, _estimate(turned_away * (1 - share) * worth.clean, policy.interval), worth.currency)


def _shares(bad: BadShare, number: int, rng: np.random.Generator) -> Floats:
    return np.asarray(rng.beta(bad.bad, bad.good, number), np.float64)


def _seed(seed: int, cap: Cap) -> int:
    text = f"{seed}|{cap.offer_id}|{cap.affiliate_id or ''}|{cap.cap_type}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _estimate(draws: Floats, level: float) -> Estimate:
    tail = (1 - level) / 2
    mean = float(draws.mean())
    low, high = (float(end) for end in np.quantile(draws, [tail, 1 - tail]))
    # where nearly all futures are alike, a rare one can pull the mean out of the interval
    ends = (mean, min(low, mean), max(high, mean))
    # adding zero turns a rounded -0.00 into 0.00
    expected, lowest, highest = (Decimal(str(end)).quantize(_CENT) + Decimal(0) for end in ends)
    return Estimate(expected, lowest, highest)
