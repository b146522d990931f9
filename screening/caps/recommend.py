"""From evidence about one limit to raise, keep, lower or pause, the new limit, and why.

A limit is lowered when the bad share is surely above break-even, raised when it is surely far below and the limit is in
the way; between the two lies a band in which nothing changes, so that noise moves nothing. Steps are bounded. More bad
never gives a higher limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from models.evidence import Reason
from screening.caps.effect import Effect, coming_period, effect
from screening.caps.evidence import BadShare, CapEvidence
from screening.caps.limits import DAYS, MONEY, Cap, rounded_down, rounded_up
from screening.caps.policy import CapPolicy
from screening.caps.wording import (
    about_effect,
    about_share,
    about_worth,
    amount_text,
    what_would_change,
)

RAISE, KEEP, LOWER, PAUSE = "raise", "keep", "lower", "pause"
HARMS = frozenset({LOWER, PAUSE})
"""Actions that take something from a partner."""
_HOURS = 3600.0


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do about one limit. recommended None: no limit, as now. effect None: money cannot say it."""

    cap: Cap
    action: str
    current: Decimal | None
    recommended: Decimal | None
    effect: Effect | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """A change in the making. base: what the step is counted from."""

    action: str
    limit: Decimal | None
    reasons: tuple[Reason, ...]

    def but(self, *reasons: Reason) -> _Step:
        return replace(self, reasons=(*self.reasons, *reasons))


def recommend(evidence: CapEvidence, policy: CapPolicy) -> Recommendation:
    """Recommend about one limit. The same arguments give the same answer."""
    step = _wanted(evidence, policy)
    for guard in (_floor, _room, _put_off, _worth_a_change):
        step = guard(step, evidence, policy)
    limit = evidence.current if step.action == KEEP else step.limit
    done = effect(evidence, limit, policy)
    reasons = [*step.reasons, *_warnings(step, evidence, policy), about_worth(evidence)]
    if step.action != KEEP:
        reasons.append(about_effect(done, policy, raised=step.action == RAISE))
    reasons.append(what_would_change(evidence, policy))
    return Recommendation(evidence.cap, step.action, evidence.current, limit, done, tuple(reasons))


def _wanted(evidence: CapEvidence, policy: CapPolicy) -> _Step:
    """What the share of bad alone asks for."""
    if evidence.partner is not None and evidence.partner.status == "banned":
        return _pause(evidence, Reason("partner_banned", {}, 1.0))
    obstacle = _obstacle(evidence, policy)
    bad = evidence.bad
    if obstacle is not None or bad is None:
        return _keep(evidence, obstacle or _unknown(evidence, policy))
    low, high = ends(bad, policy)
    break_even = evidence.worth.break_even
    if low > max(policy.pause_above, break_even) and _may_pause(evidence, policy):
        return _pause(evidence, about_share("bad_share_extreme", evidence, policy))
    if low > break_even:
        return _lower(evidence, policy, low)
    return _good(evidence, policy, high)


def ends(bad: BadShare, policy: CapPolicy) -> tuple[float, float]:
    """Return the ends between which the bad share lies with the policy's certainty."""
    tail = (1 - policy.interval) / 2
    return bad.at(tail), bad.at(1 - tail)


def busy_period(evidence: CapEvidence, policy: CapPolicy) -> Decimal:
    """Return what a busy period is likely to count without a limit."""
    return _coming(evidence, 1 - (1 - policy.interval) / 2)


def usual_period(evidence: CapEvidence) -> Decimal:
    """Return what a usual period counts without a limit."""
    return _coming(evidence, None)


def _coming(evidence: CapEvidence, quantile: float | None) -> Decimal:
    likely = coming_period(evidence.demand, evidence.cap.span, evidence.used, quantile)
    return Decimal(str(round(likely, 4)))


def _obstacle(evidence: CapEvidence, policy: CapPolicy) -> Reason | None:
    """Return why no step can be counted, if so."""
    days = policy.history_days
    if evidence.mixed and evidence.cap.measure in MONEY:
        return Reason("currencies_mixed", {"days": days}, 0.9)
    if evidence.current == 0:
        return Reason("stopped_already", {}, 0.9)
    if evidence.bad is None or evidence.bad.conversions < policy.conversions_min:
        return _unknown(evidence, policy)
    if evidence.demand is None:
        return Reason("no_demand", {"days": days}, 0.9)
    return None


def _unknown(evidence: CapEvidence, policy: CapPolicy) -> Reason:
    judged = 0 if evidence.bad is None else evidence.bad.conversions
    numbers: dict[str, str | int | float] = {
        "conversions": judged,
        "days": policy.history_days,
        "needed": policy.conversions_min,
    }
    return Reason("bad_share_unknown", numbers, 0.9)


def _keep(evidence: CapEvidence, *reasons: Reason) -> _Step:
    return _Step(KEEP, evidence.current, reasons)


def _pause(evidence: CapEvidence, reason: Reason) -> _Step:
    if evidence.current == 0:
        return _keep(evidence, reason, Reason("stopped_already", {}, 0.5))
    return _Step(PAUSE, Decimal(0), (reason,))


def _may_pause(evidence: CapEvidence, policy: CapPolicy) -> bool:
    """A whole offer is never paused for its partners, nor one who could not prove itself yet."""
    return evidence.partner is not None and not is_new(evidence, policy)


def is_new(evidence: CapEvidence, policy: CapPolicy) -> bool:
    """Whether the cap's partner joined lately. One of unknown age is not known to be new."""
    age = None if evidence.partner is None else evidence.partner.age_days
    return age is not None and age < policy.new_partner_days


def _lower(evidence: CapEvidence, policy: CapPolicy, low: float) -> _Step:
    break_even = evidence.worth.break_even
    way = max(policy.pause_above - break_even, 1e-9)
    far = min((low - break_even) / way, 1.0)
    share = policy.lower_step_min + far * (policy.lower_step_max - policy.lower_step_min)
    usual = usual_period(evidence)
    base = usual if evidence.current is None else min(usual, evidence.current)
    measure = evidence.cap.measure
    limit = rounded_up(base * (1 - Decimal(str(round(share, 4)))), measure)
    step = _Step(LOWER, limit, (about_share("bad_share_above_break_even", evidence, policy),))
    numbers: dict[str, str | int | float] = {"usual": amount_text(usual, measure)}
    if evidence.current is None:
        return step.but(Reason("no_limit_yet", numbers, 0.6))
    if usual < evidence.current:
        numbers["limit"] = amount_text(evidence.current, measure)
        return step.but(Reason("limit_not_reached", numbers, 0.6))
    return step


def _good(evidence: CapEvidence, policy: CapPolicy, high: float) -> _Step:
    """Not surely bad: raise what is surely good and near its limit."""
    below = policy.raise_below * evidence.worth.break_even
    if high >= below:
        return _keep(evidence, about_share("bad_share_between", evidence, policy))
    if evidence.current is None:
        return _keep(evidence)
    busy = busy_period(evidence, policy)
    if busy < evidence.current * Decimal(str(policy.near_limit)):
        return _keep(evidence, about_share("good_and_far_from_limit", evidence, policy, busy))
    why = about_share("good_and_near_limit", evidence, policy, busy)
    if evidence.cap.budget:
        numbers: dict[str, str | int | float] = {"peak": amount_text(busy, evidence.cap.measure)}
        return _keep(evidence, why, Reason("budget_of_advertiser", numbers, 0.9))
    if evidence.limited:
        return _keep(evidence, why, Reason("partners_limited_instead", {"limited": evidence.limited}, 0.8))
    if evidence.partner is not None and evidence.partner.status not in (None, "active"):
        return _keep(evidence, why, Reason("partner_not_active", {"status": evidence.partner.status}, 0.9))
    share = policy.raise_step_min + (1 - high / below) * (policy.raise_step_max - policy.raise_step_min)
    limit = rounded_down(evidence.current * (1 + Decimal(str(round(share, 4)))), evidence.cap.measure)
    return _Step(RAISE, limit, (why,))


def _floor(step: _Step, evidence: CapEvidence, policy: CapPolicy) -> _Step:
    """Leave one conversion a period, which less would not be a limit but a pause; and a new partner enough to prove
    itself. Never more than there is now."""
    if step.action != LOWER or step.limit is None or evidence.least is None:
        return step
    measure, least = evidence.cap.measure, evidence.least
    why = Reason("one_conversion_left", {"least": amount_text(rounded_up(least, measure), measure)}, 0.6)
    if is_new(evidence, policy) and evidence.partner is not None:
        least *= policy.new_partner_conversions * DAYS[evidence.cap.span]
        numbers: dict[str, str | int | float] = {
            "age": int(evidence.partner.age_days or 0),
            "floor": amount_text(rounded_up(least, measure), measure),
        }
        why = Reason("partner_new", numbers, 0.8)
    floor = rounded_up(least, measure)
    if step.limit >= floor:
        return step
    if evidence.current is not None and floor >= evidence.current:
        return _keep(evidence, *step.reasons, why)
    return replace(step, limit=floor).but(why)


def _room(step: _Step, evidence: CapEvidence, policy: CapPolicy) -> _Step:
    """Raise no further than the offer's own limits leave room."""
    del policy
    room, current = evidence.room, evidence.current
    if step.action != RAISE or room is None or step.limit is None or current is None:
        return step
    if step.limit <= current + room.amount:
        return step
    measure = evidence.cap.measure
    why = Reason("budget_bounds_raise", {"of": room.of, "room": amount_text(room.amount, measure)}, 0.8)
    limit = rounded_down(current + room.amount, measure)
    return replace(step, limit=limit).but(why) if limit > current else _keep(evidence, *step.reasons, why)


def _put_off(step: _Step, evidence: CapEvidence, policy: CapPolicy) -> _Step:
    """Await the effect of the last change, and do not ask again what a person has just refused."""
    if step.action == KEEP:
        return step
    for decided in sorted(evidence.decided, key=lambda item: item.at, reverse=True):
        if decided.waiting and step.action != PAUSE:
            return _keep(evidence, *step.reasons, Reason("waits_for_push", {"action": decided.action}, 0.9))
        ago = (evidence.as_of - decided.at).total_seconds() / _HOURS
        wait = _wait_hours(step.action, decided.action, policy, rejected=decided.rejected)
        if ago < wait:
            code = "rejected_lately" if decided.rejected else "changed_lately"
            numbers: dict[str, str | int | float] = {"action": decided.action, "hours": ago, "wait": wait}
            return _keep(evidence, *step.reasons, Reason(code, numbers, 0.9))
    return step


def _wait_hours(action: str, before: str, policy: CapPolicy, *, rejected: bool) -> float:
    """Return how long after an earlier decision an action has to wait."""
    reversal = policy.reversal_days * timedelta(days=1).total_seconds() / _HOURS
    if rejected:
        return reversal if action == before else 0.0
    if action == PAUSE:
        return 0.0
    return policy.repeat_hours if (action in HARMS) == (before in HARMS) else reversal


def _worth_a_change(step: _Step, evidence: CapEvidence, policy: CapPolicy) -> _Step:
    """Keep what would change by next to nothing, rounding included."""
    current = evidence.current
    if step.action in (KEEP, PAUSE) or current is None or step.limit is None:
        return step
    towards = step.limit - current if step.action == RAISE else current - step.limit
    if towards > 0 and towards >= current * Decimal(str(policy.change_min)):
        return step
    measure = evidence.cap.measure
    numbers: dict[str, str | int | float] = {
        "limit": amount_text(current, measure),
        "other": amount_text(step.limit, measure),
        "least": policy.change_min,
    }
    return _keep(evidence, *step.reasons, Reason("change_too_small", numbers, 0.7))


def _warnings(step: _Step, evidence: CapEvidence, policy: CapPolicy) -> list[Reason]:
    """What a person should know before approving."""
    found = []
    used = amount_text(evidence.used, evidence.cap.measure)
    if evidence.used > 0:
        found.append(Reason("used_so_far", {"used": used, "exact": str(evidence.used)}, 0.4))
    if step.action in HARMS and step.limit is not None and step.limit < evidence.used:
        found.append(Reason("below_use", {"used": used}, 0.9))
    if evidence.partner is None and evidence.limited and step.action != RAISE:
        found.append(Reason("partners_limited_instead", {"limited": evidence.limited}, 0.4))
    age = (evidence.as_of - evidence.newest).total_seconds() / _HOURS / 24
    if age > policy.data_age_days_max:
        found.append(Reason("data_old", {"days": age}, 0.9))
    return found
