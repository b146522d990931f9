"""What a run decided in sum, added up once when the run is recorded."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from screening.store.tables import decisions
from screening.store.tables_pages import run_totals

_DECISION = decisions.c


def add_totals(connection: Connection, run_key: int) -> None:
    """Store the sums of a run whose decisions were just stored, in the same transaction."""
    counted = (func.count(), func.sum(_DECISION.payout, type_=_DECISION.payout.type))
    summed = (
        select(_DECISION.run_key, _DECISION.decision, _DECISION.currency, *counted)
        .where(_DECISION.run_key == run_key)
        .group_by(_DECISION.run_key, _DECISION.decision, _DECISION.currency)
    )
    names = ("run_key", "decision", "currency", "conversions", "amount")
    connection.execute(insert(run_totals).from_select(names, summed))
