"""What a cap has done since somebody approved it: the partner's money on the offer before and since, day by day.

It tells what happened, not what the cap did: traffic changes for other reasons too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from screening.jobs.caps_decide import ListedCap
from screening.store import Store

_WINDOW = timedelta(days=14)
"""Longest time looked at before the approval, and since."""
_LEAST = timedelta(days=1)
"""With less time since, there is nothing to say."""
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


@dataclass(frozen=True, slots=True)
class Unsaid:
    """Why nothing is said yet of what an approved cap has done."""

    why: str


_WHOLE_OFFER = Unsaid("not counted for the cap of a whole offer.")
_NO_LIMIT = Unsaid("nobody approved a limit.")
_TOO_EARLY = Unsaid("too early to say; a day has to pass first.")
_NO_MONEY = Unsaid("the partner brought nothing on this offer, before or since.")
_SEVERAL = Unsaid("not counted, as the partner is paid in several currencies.")


def effects(store: Store, listed: Iterable[ListedCap], now: datetime) -> dict[int, SoFar | Unsaid]:
    """Return by cap_id what has happened since each was approved, or why nothing is said of it."""
    return {int(item.row["cap_id"]): _effect(store, item.row, now) for item in listed}


def _effect(store: Store, cap: Mapping[str, Any], now: datetime) -> SoFar | Unsaid:
    if cap["decided_at"] is None or cap["approved_limit"] is None:
        return _NO_LIMIT
    if cap["affiliate_id"] is None:
        return _WHOLE_OFFER
    return _so_far(store, (cap["affiliate_id"], cap["offer_id"]), cap["decided_at"], now)


def _so_far(store: Store, whose: tuple[str, str], decided_at: datetime, now: datetime) -> SoFar | Unsaid:
    length = min(now - decided_at, _WINDOW)
    if length < _LEAST:
        return _TOO_EARLY
    length = timedelta(days=length.days)
    before = store.browse.judged.decided_money(*whose, decided_at - length, decided_at)
    since = store.browse.judged.decided_money(*whose, decided_at, decided_at + length)
    currencies = {currency for _, currency, _ in (*before, *since)}
    if len(currencies) != 1:
        return _SEVERAL if currencies else _NO_MONEY
    return SoFar(length.days, currencies.pop(), _pace(before, length.days), _pace(since, length.days))


def _pace(rows: tuple[tuple[str, str | None, Decimal], ...], days: int) -> Pace:
    total = sum((amount for *_, amount in rows), Decimal(0))
    stopped = sum((amount for decision, _, amount in rows if decision != "pay"), Decimal(0))
    return Pace((total / days).quantize(_CENT), float(stopped / total) if total else None)
