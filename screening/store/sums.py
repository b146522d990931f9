"""Sums that the database makes of many rows: what a run decided day by day, and what the ledger released."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import polars as pl
from sqlalchemy import func, select

from features.schema import MONEY_SCALE
from screening.store import tables
from screening.store.database import Access
from screening.store.frames import MONEY

_DAY_MICROSECONDS = 86_400 * 1_000_000
_DECISION = tables.decisions.c
_RUN = tables.runs.c
_LEDGER = tables.ledger.c


class Sums:
    """Sums over the rows of a store."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def by_day(self, run_id: str) -> pl.DataFrame:
        """Return what a run decided: day (UTC), offer_id, currency, decision, conversions, amount, sorted."""
        number = self._access.backend.whole_number
        # whole days since 1970 as numbers: both databases divide integers alike
        day = (number(_DECISION.ts) - number(_DECISION.ts) % _DAY_MICROSECONDS).label("day")
        keys = (day, _DECISION.offer_id, _DECISION.currency, _DECISION.decision)
        query = (
            select(*keys, func.count(), func.sum(number(_DECISION.payout)))
            .join(tables.runs, _RUN.run_key == _DECISION.run_key)
            .where(_RUN.run_id == run_id)
            .group_by(*keys)
        )
        with self._access.reading() as connection:
            rows = [(*row[:5], _money(row[5])) for row in connection.execute(query)]
        names = {"offer_id": pl.String, "currency": pl.String, "decision": pl.String, "conversions": pl.Int64}
        frame = pl.DataFrame(rows, schema={"day": pl.Int64, **names, "amount": MONEY}, orient="row")
        days = frame.with_columns(day=pl.from_epoch("day", time_unit="us").dt.date())
        return days.sort("day", "offer_id", "currency", "decision")

    def released(self, since: datetime, until: datetime) -> list[tuple[str | None, int, Decimal]]:
        """Return what the ledger released from `since` to before `until`: currency, conversions, amount."""
        amount = func.sum(self._access.backend.whole_number(_LEDGER.amount))
        period = (_LEDGER.released_at >= since, _LEDGER.released_at < until)
        query = select(_LEDGER.currency, func.count(), amount).where(*period).group_by(_LEDGER.currency)
        with self._access.reading() as connection:
            rows = [(currency, count, _money(total)) for currency, count, total in connection.execute(query)]
        return sorted(rows, key=lambda row: row[0] or "")


def _money(ten_thousandths: int) -> Decimal:
    return Decimal(int(ten_thousandths)).scaleb(-MONEY_SCALE)
