"""A partner's money week by week, as the newest scan judged it: whether it grows, and how much of it is not paid."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from screening.store import Store
from screening.store.browse_trail import RunRow

_WEEK = timedelta(days=7)
_WEEKS = 12
"""Weeks looked at, back from the day of the scan; scans judge fewer."""


@dataclass(frozen=True, slots=True)
class Week:
    """A week from its first day on: payout of its conversions, and the share of it that is not paid, 0-1.

    `stopped` None: there was nothing to pay.
    """

    first: date
    payout: Decimal
    stopped: float | None


@dataclass(frozen=True, slots=True)
class Pace:
    """The weeks in the currency in which the partner earned most; None: the events named none."""

    currency: str | None
    weeks: tuple[Week, ...]


def pace_of(store: Store, affiliate_id: str, scan: RunRow) -> Pace | None:
    """Return the weeks of a partner up to the day of a scan, from the first with money on; None with fewer than two."""
    last = datetime.combine(scan.finished_at.astimezone(UTC).date(), time(), UTC)
    ends = [last - _WEEK * back for back in reversed(range(_WEEKS))]
    rows = store.browse.judged.money_in_spans(affiliate_id, scan.run_id, ends)
    earned: Counter[str | None] = Counter()
    for _, _, named, amount in rows:
        earned[named] += amount  # type: ignore[assignment]  # a Counter adds up whatever can be added
    if not earned:
        return None
    currency = earned.most_common(1)[0][0]
    mine = [(place, decision, amount) for place, decision, named, amount in rows if named == currency]
    begun = min(place for place, *_ in mine)
    weeks = tuple(_week(ends[place], [row for row in mine if row[0] == place]) for place in range(begun, _WEEKS))
    return Pace(currency, weeks) if len(weeks) > 1 else None


def _week(end: datetime, rows: list[tuple[int, str, Decimal]]) -> Week:
    payout = sum((amount for *_, amount in rows), Decimal(0))
    stopped = sum((amount for _, decision, amount in rows if decision != "pay"), Decimal(0))
    return Week((end - _WEEK).date(), payout, float(stopped / payout) if payout else None)
