"""From facts to recommendations for every limit of a programme, and for partners that should get one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from screening.caps.demand import forecast, weekday_factors
from screening.caps.evidence import CapEvidence, Decided, Demand, Partner, Room, Worth
from screening.caps.facts import Facts, Ledger, Pair
from screening.caps.limits import DAYS, Cap, days_left
from screening.caps.policy import CapPolicy
from screening.caps.recommend import KEEP, Recommendation, ends, recommend

_HARMFUL = frozenset({"bad_share_above_break_even", "bad_share_extreme", "partner_banned"})
"""Reasons that limit a partner by itself, also while the change is put off."""
_DAY_SECONDS = 86_400


def advise(facts: Facts, policy: CapPolicy) -> list[Recommendation]:
    """Recommend about every limit, partners first, and about a first limit for bad partners without any.

    Whole offers are judged without the partners that get a limit of their own: the others are not throttled for them.
    """
    files = _Files(facts, policy)
    limits = [(Cap(row["offer_id"], row["affiliate_id"], row["cap_type"]), row["limit"]) for row in _rows(facts)]
    of_partners = [(cap, limit) for cap, limit in limits if cap.affiliate_id is not None]
    done = [recommend(files.of_partner(cap, limit, limits), policy) for cap, limit in of_partners]
    done += _first_limits(files, {(cap.offer_id, cap.affiliate_id) for cap, _ in of_partners}, policy)
    limited: dict[str, set[str]] = {}
    for item in done:
        if item.cap.affiliate_id is not None and _HARMFUL & {reason.code for reason in item.reasons}:
            limited.setdefault(item.cap.offer_id, set()).add(item.cap.affiliate_id)
    for cap, limit in limits:
        if cap.affiliate_id is None:
            done.append(recommend(files.of_offer(cap, limit, limited.get(cap.offer_id, set())), policy))
    return done


def _rows(facts: Facts) -> Iterator[dict[str, Any]]:
    return facts.limits.sort("offer_id", "affiliate_id", "cap_type").iter_rows(named=True)


def _first_limits(files: _Files, have: set[Pair], policy: CapPolicy) -> list[Recommendation]:
    found = []
    for offer_id, affiliate_id in files.ledger.pairs():
        if (offer_id, affiliate_id) in have:
            continue
        bad = files.ledger.bad_share(offer_id, [affiliate_id])
        cap = Cap(offer_id, affiliate_id, policy.new_limit)
        banned = files.partner(cap).status == "banned"
        surely = bad is not None and bad.conversions >= policy.conversions_min
        if banned or (surely and bad is not None and ends(bad, policy)[0] > files.worth(cap).break_even):
            found.append(recommend(files.of_partner(cap, None, ()), policy))
    return [item for item in found if item.action != KEEP]


class _Files:
    """Puts together the evidence about each limit."""

    def __init__(self, facts: Facts, policy: CapPolicy) -> None:
        self.ledger = Ledger(facts, policy)
        self._facts = facts
        self._policy = policy
        self._affiliates = {row["affiliate_id"]: row for row in facts.affiliates.iter_rows(named=True)}
        self._decided: dict[Cap, list[Decided]] = {}
        for row in facts.decided.iter_rows(named=True):
            waiting = row["status"] == "approved" and row["expires_at"] > facts.as_of
            decided = Decided(row["action"], row["decided_at"], row["status"] == "rejected", waiting)
            self._decided.setdefault(Cap(row["offer_id"], row["affiliate_id"], row["cap_type"]), []).append(decided)

    def of_partner(self, cap: Cap, limit: Decimal | None, limits: Sequence[tuple[Cap, Decimal]]) -> CapEvidence:
        """Return the evidence about a partner's limit; `limits` are all there are."""
        affiliates = [] if cap.affiliate_id is None else [cap.affiliate_id]
        evidence = self._evidence(cap, limit, affiliates)
        return replace(evidence, partner=self.partner(cap), room=self._room(cap, limits))

    def of_offer(self, cap: Cap, limit: Decimal, limited: set[str]) -> CapEvidence:
        """Return the evidence about an offer-wide limit, without the partners that are limited by themselves."""
        others = [affiliate for affiliate in self.ledger.affiliates_of(cap.offer_id) if affiliate not in limited]
        return replace(self._evidence(cap, limit, others), limited=len(limited))

    def partner(self, cap: Cap) -> Partner:
        """Return what is known of the cap's affiliate."""
        row = self._affiliates.get(cap.affiliate_id, {})
        joined = row.get("joined_at")
        age = None if joined is None else (self._facts.as_of - joined).total_seconds() / _DAY_SECONDS
        return Partner(row.get("status"), age)

    def worth(self, cap: Cap) -> Worth:
        """Return what conversions under the cap are worth."""
        return self.ledger.worth((cap.offer_id, cap.affiliate_id), cap.measure)

    def _evidence(self, cap: Cap, limit: Decimal | None, affiliates: Sequence[str]) -> CapEvidence:
        pair: Pair = (cap.offer_id, cap.affiliate_id)
        return CapEvidence(
            cap=cap,
            as_of=self._facts.as_of,
            newest=self._facts.newest,
            current=limit,
            used=self.ledger.used(pair, cap.span, cap.measure),
            bad=self.ledger.bad_share(cap.offer_id, affiliates),
            demand=self._demand(cap),
            worth=self.worth(cap),
            partner=None,
            decided=tuple(self._decided.get(cap, ())),
            least=self.ledger.per_conversion(pair, cap.measure),
            mixed=self.ledger.mixed(pair),
        )

    def _demand(self, cap: Cap) -> Demand | None:
        today = self._facts.today
        factors = weekday_factors(*self.ledger.history((cap.offer_id, None), cap.measure))
        gone = (self._facts.as_of - datetime.combine(today, time(), UTC)).total_seconds() / _DAY_SECONDS
        number = max(self._policy.horizon_days, days_left(cap.span, today, self._policy.horizon_days))
        history = self.ledger.history((cap.offer_id, cap.affiliate_id), cap.measure)
        return forecast(history, factors, self._policy.half_life_days, (today, 1 - gone, number))

    def _room(self, cap: Cap, limits: Sequence[tuple[Cap, Decimal]]) -> Room | None:
        """Return what the tightest of the offer's own limits of the same measure leaves for a raise of a partner."""
        rooms = [
            Room(self._spare(whole, limit) * DAYS[cap.span], whole.cap_type)
            for whole, limit in limits
            if whole.affiliate_id is None and whole.offer_id == cap.offer_id and whole.measure == cap.measure
        ]
        return min(rooms, key=lambda room: room.amount, default=None)

    def _spare(self, whole: Cap, limit: Decimal) -> Decimal:
        """Return what the offer is not expected to use of its limit, for each day that its period still has."""
        left = days_left(whole.span, self._facts.today, self._policy.horizon_days)
        used = self.ledger.used((whole.offer_id, None), whole.span, whole.measure)
        demand = self._demand(whole)
        coming = Decimal(str(round(sum(demand.expected[:left]), 2))) if demand is not None else Decimal(0)
        return max(limit - used - coming, Decimal(0)) / left
