"""The table of verdicts: what people decided about single conversions, which the payout gate obeys."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, Text, text

from screening.store.columns import Instant, Key, Money, Words
from screening.store.tables import metadata

VERDICTS = ("clean", "fraud", "hold", "withdrawn")
"""`withdrawn`: nobody's decision counts any more; the newest scan's does."""

verdicts = Table(
    "verdicts",
    metadata,
    Column("verdict_id", Key, primary_key=True, info={"numbered": True}),
    Column("conversion_id", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("overruled", Words, nullable=False),
    Column("amount", Money, nullable=False),
    Column("currency", Text),
    Column("author", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("case_id", Key, ForeignKey("cases.case_id", ondelete="CASCADE")),
    Column("appeal_id", Key, ForeignKey("appeals.appeal_id", ondelete="CASCADE")),
    CheckConstraint(
        text("verdict IN ({})".format(", ".join(f"'{word}'" for word in VERDICTS))), name="verdicts_verdict_known"
    ),
    Index("verdicts_by_conversion", "conversion_id", "verdict_id"),
    Index("verdicts_by_case", "case_id"),
)
