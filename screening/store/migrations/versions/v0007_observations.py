"""What runs noticed beside their decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from screening.store import columns

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "observations",
        sa.Column("run_key", columns.Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", columns.Document(), nullable=False),
        sa.CheckConstraint("kind IN ('shadow', 'reference', 'drift')", name="observations_kind_known"),
        sa.ForeignKeyConstraint(["run_key"], ["runs.run_key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_key", "kind", "subject"),
    )
