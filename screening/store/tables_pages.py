"""Tables that only serve reading: what each run decided in sum, and the lists that people keep for themselves."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from screening.store.columns import Instant, Key, Total
from screening.store.tables import metadata

run_totals = Table(
    "run_totals",
    metadata,
    Column("total_id", Key, primary_key=True, info={"numbered": True}),
    Column("run_key", Key, ForeignKey("runs.run_key", ondelete="CASCADE"), nullable=False),
    Column("decision", Text, nullable=False),
    Column("currency", Text),
    Column("conversions", BigInteger, nullable=False),
    Column("amount", Total, nullable=False),
    Index("run_totals_by_run", "run_key"),
)
"""What a run decided in sum, by decision and currency: adding up a million decisions takes longer than a page may."""

saved_views = Table(
    "saved_views",
    metadata,
    Column("view_id", Key, primary_key=True, info={"numbered": True}),
    Column("owner", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("filters", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Index("saved_views_by_owner", "owner", "queue", "name", unique=True),
)
"""Filters of a queue under a name; `filters` is the query string of the queue's address."""
