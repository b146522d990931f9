"""Holds that grew old: none is ever paid by age. Each goes to a person, and is listed until somebody decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from screening.review.subjects import SOURCE, Source
from screening.settings.review import ReviewSettings
from screening.store import AuditEvent, Case, CaseEvent, Records, Store

REASON = "hold_expired"
_ACTOR = "winnow"
_CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ExpiredHold:
    """What a source has had held for too long, in one currency (None: not known); `since`: the oldest of it."""

    source: Source
    currency: str | None
    conversions: int
    amount: Decimal
    since: datetime


def expired_holds(records: Records, now: datetime, settings: ReviewSettings) -> list[ExpiredHold]:
    """Return what is held for longer than the settings allow and nobody decided, the oldest first."""
    held = records.held_since(now - timedelta(days=settings.hold_days_max))
    decided = records.verdicts.of(held["conversion_id"]).filter(pl.col("verdict").is_in(["clean", "fraud"]))
    left = held.join(decided, on="conversion_id", how="anti")
    left = left.join(records.ledger.released(left["conversion_id"]), on="conversion_id", how="anti")
    summed = (
        left.group_by("affiliate_id", "offer_id", "sub_id", "currency")
        .agg(conversions=pl.len(), amount=pl.col("payout").sum(), since=pl.col("held_since").min())
        .sort("since", "affiliate_id", "offer_id", "sub_id", "currency")
    )
    return [ExpiredHold(Source(*row[:3]), *row[3:]) for row in summed.iter_rows()]


def bring_to_people(store: Store, now: datetime, settings: ReviewSettings) -> list[ExpiredHold]:
    """See that every expired hold waits for a person: with a case of its own, or by waking the one there is.

    Returns all of them. A second call changes nothing more.
    """
    with store.together() as records:
        records.audit.lock()
        expired = expired_holds(records, now, settings)
        for source in dict.fromkeys(hold.source for hold in expired):
            _bring(records, source, [hold for hold in expired if hold.source == source], now)
        return expired


def _bring(records: Records, source: Source, holds: Sequence[ExpiredHold], now: datetime) -> None:
    there = [case for case in records.cases.about(SOURCE, source.subject) if case.status != _CLOSED]
    if there and REASON in there[0].reasons:
        return
    said = {"conversions": sum(hold.conversions for hold in holds), "since": holds[0].since.isoformat()}
    event = CaseEvent(now, _ACTOR, REASON, details=said)
    if there:
        reasons = (REASON, *there[0].reasons)
        case = records.cases.change(
            replace(there[0], reasons=reasons, status="open", snoozed_until=None, due_at=there[0].due_at or now), event
        )
    else:
        case = records.cases.open(_case(source, holds, now), event)
    said_of_case = {**said, "about": source.subject}
    records.audit.append(AuditEvent(now, _ACTOR, REASON, f"case {case.case_id}", said_of_case))


def _case(source: Source, holds: Sequence[ExpiredHold], now: datetime) -> Case:
    single = len(holds) == 1
    return Case(
        kind=SOURCE,
        subject=source.subject,
        opened_at=now,
        reasons=(REASON,),
        affiliate_id=source.affiliate_id,
        offer_id=source.offer_id,
        amount=holds[0].amount if single else None,
        currency=holds[0].currency if single else None,
        due_at=now,
    )
