"""The table of observations: what a run noticed beside what it decided."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Table, Text, text

from screening.store.columns import Document, Key
from screening.store.tables import metadata

OBSERVED = ("shadow", "reference", "drift")

observations = Table(
    "observations",
    metadata,
    Column("run_key", Key, ForeignKey("runs.run_key", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("details", Document, nullable=False),
    CheckConstraint(
        text("kind IN ({})".format(", ".join(f"'{word}'" for word in OBSERVED))), name="observations_kind_known"
    ),
)
