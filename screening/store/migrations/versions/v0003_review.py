"""What people decide: verdicts about conversions, decisions and snoozes of cases, labels that were withdrawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from screening.store import columns

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns, the table and the indexes."""
    op.add_column("cases", sa.Column("decision", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("snoozed_until", columns.Instant(), nullable=True))
    op.add_column("labels", sa.Column("withdrawn_at", columns.Instant(), nullable=True))
    op.create_index("decisions_by_source", "decisions", ["affiliate_id", "offer_id", "sub_id"], unique=False)
    op.create_index(
        "appeals_one_open",
        "appeals",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "verdicts",
        sa.Column("verdict_id", columns.Key, nullable=False),
        sa.Column("conversion_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("overruled", columns.Words(), nullable=False),
        sa.Column("amount", columns.Money(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("case_id", columns.Key, nullable=True),
        sa.Column("appeal_id", columns.Key, nullable=True),
        sa.CheckConstraint("verdict IN ('clean', 'fraud', 'hold', 'withdrawn')", name="verdicts_verdict_known"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["appeal_id"], ["appeals.appeal_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("verdict_id"),
    )
    op.create_index("verdicts_by_conversion", "verdicts", ["conversion_id", "verdict_id"], unique=False)
    op.create_index("verdicts_by_case", "verdicts", ["case_id"], unique=False)
