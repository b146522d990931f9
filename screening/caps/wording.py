"""Reasons with the numbers of the case."""

from __future__ import annotations

from decimal import Decimal

from models.evidence import Reason
from screening.caps.effect import Effect, Estimate
from screening.caps.evidence import CapEvidence
from screening.caps.limits import MONEY, Measure
from screening.caps.policy import CapPolicy


def amount_text(amount: Decimal, measure: Measure) -> str:
    """Write an amount of the measure for people: money with cents, counts with the measure's name."""
    if measure in MONEY:
        return f"{amount:,.2f}"
    return f"{amount.quantize(Decimal(1)):,} {measure}"


def about_share(code: str, evidence: CapEvidence, policy: CapPolicy, busy: Decimal | None = None) -> Reason:
    """Say what the bad share is, beside the shares at which something changes."""
    bad = evidence.bad
    if bad is None:
        raise ValueError("nothing is known of the bad share")
    tail = (1 - policy.interval) / 2
    numbers: dict[str, str | int | float] = {
        "share": bad.mean,
        "low": bad.at(tail),
        "high": bad.at(1 - tail),
        "conversions": bad.conversions,
        "break_even": evidence.worth.break_even,
        "pause_above": policy.pause_above,
        "raise_below": policy.raise_below * evidence.worth.break_even,
    }
    if busy is not None and evidence.current is not None:
        numbers["peak"] = amount_text(busy, evidence.cap.measure)
        numbers["limit"] = amount_text(evidence.current, evidence.cap.measure)
    return Reason(code, numbers, 1.0)


def about_worth(evidence: CapEvidence) -> Reason:
    """Say what decides the break-even."""
    worth = evidence.worth
    numbers: dict[str, str | int | float] = {
        "clean": worth.clean,
        "bad": worth.bad,
        "early": worth.early,
        "evidence_days": worth.evidence_days,
        "reversed": worth.reversed,
    }
    return Reason("break_even", numbers, 0.3)


def about_effect(done: Effect | None, policy: CapPolicy, *, raised: bool) -> Reason:
    """Say what the change saves and costs; of a raise, what it lets in and brings."""
    if done is None:
        return Reason("effect_unknown", {}, 0.5)
    numbers: dict[str, str | int | float] = {"days": policy.horizon_days, "currency": done.currency or ""}
    for name, estimate in (("saving", done.saving), ("cost", done.cost)):
        seen = turned(estimate) if raised else estimate
        numbers[name] = f"{seen.expected:,}"
        numbers[f"{name}_low"] = f"{seen.low:,}"
        numbers[f"{name}_high"] = f"{seen.high:,}"
    return Reason("expected_effect_of_raise" if raised else "expected_effect", numbers, 0.5)


def turned(estimate: Estimate) -> Estimate:
    """Return the estimate the other way round: what is less by -5 is more by 5."""
    zero = Decimal(0)
    return Estimate(zero - estimate.expected, zero - estimate.high, zero - estimate.low)


def what_would_change(evidence: CapEvidence, policy: CapPolicy) -> Reason:
    """Say at which shares the advice would be another one."""
    break_even = evidence.worth.break_even
    numbers: dict[str, str | int | float] = {
        "lower_above": break_even,
        "pause_above": max(policy.pause_above, break_even),
        "raise_below": policy.raise_below * break_even,
    }
    return Reason("what_would_change", numbers, 0.1)
