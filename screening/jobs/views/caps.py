"""What a cap has done since somebody approved it: the partner's money on the offer before and since, day by day.

It tells what happened, not what the cap did: traffic changes for other reasons too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from screening.jobs.caps_decide import ListedCap
from screening.store import Store

_WINDOW = timedelta(days=14)
"""Longest time looked at before the approval, and since."""
_LEAST = timedelta(days=1)
"""With less time since, there is nothing to say."""
_SHOWN = 30
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Pace:
    """Money a day, in one currency, and the share of it that is not paid, 0-1; None: there was none."""

    a_day: Decimal
    stopped: float | None


@dataclass(frozen=True, slots=True)
class SoFar:
    """Before and since an approval, over as many days each (`days`)."""

    days: int
    currency: str | None
    before: Pace
    since: Pace


def effects(store: Store, listed: Iterable[ListedCap], now: datetime) -> dict[int, SoFar]:
    """Return by cap_id what has happened since each was approved; at most thirty are looked at.

    Absent: caps of a whole offer, those approved less than a day ago, and partners paid in several currencies.
    """
    found = {}
    for item in list(listed)[:_SHOWN]:
        cap = item.row
        if cap["affiliate_id"] is None or cap["decided_at"] is None or cap["approved_limit"] is None:
            continue
        so_far = _so_far(store, (cap["affiliate_id"], cap["offer_id"]), cap["decided_at"], now)
        if so_far is not None:
            found[int(cap["cap_id"])] = so_far
    return found


def _so_far(store: Store, whose: tuple[str, str], decided_at: datetime, now: datetime) -> SoFar | None:
    length = min(now - decided_at, _WINDOW)
    if length < _LEAST:
        return None
    length = timedelta(days=length.days)
    before = store.browse.judged.decided_money(*whose, decided_at - length, decided_at)
    since = store.browse.judged.decided_money(*whose, decided_at, decided_at + length)
    currencies = {currency for _, currency, _ in (*before, *since)}
    if len(currencies) != 1:
        return None
    return SoFar(length.days, currencies.pop(), _pace(before, length.days), _pace(since, length.days))


def _pace(rows: tuple[tuple[str, str | None, Decimal], ...], days: int) -> Pace:
    total = sum((amount for *_, amount in rows), Decimal(0))
    stopped = sum((amount for decision, _, amount in rows if decision != "pay"), Decimal(0))
    return Pace((total / days).quantize(_CENT), float(stopped / total) if total else None)
