"""What lets pages of the console be read without scanning: ordered queues, sums of runs, people's saved views."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from screening.store import columns

revision = "0006"
down_revision = "0005"

_WAITING = {
    "money": ["kind", "amount", "case_id"],
    "clock": ["kind", "due_at", "case_id"],
    "age": ["kind", "opened_at", "case_id"],
    "sum": ["kind", "currency", "status", "amount", "opened_at"],
}


def upgrade() -> None:
    """Make the tables and indexes, and add up the runs that are there."""
    op.create_index("cases_by_age", "cases", ["status", "kind", "opened_at"], unique=False)
    for name, indexed in _WAITING.items():
        op.create_index(
            f"cases_waiting_by_{name}",
            "cases",
            indexed,
            unique=False,
            sqlite_where=sa.text("status <> 'closed'"),
            postgresql_where=sa.text("status <> 'closed'"),
        )
    op.create_table(
        "run_totals",
        sa.Column("total_id", columns.Key, nullable=False),
        sa.Column("run_key", columns.Key, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("conversions", sa.BigInteger(), nullable=False),
        sa.Column("amount", columns.Total(), nullable=False),
        sa.ForeignKeyConstraint(["run_key"], ["runs.run_key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("total_id"),
    )
    op.create_index("run_totals_by_run", "run_totals", ["run_key"], unique=False)
    op.create_table(
        "saved_views",
        sa.Column("view_id", columns.Key, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("view_id"),
    )
    op.create_index("saved_views_by_owner", "saved_views", ["owner", "queue", "name"], unique=True)
    op.execute(
        "INSERT INTO run_totals (run_key, decision, currency, conversions, amount) "
        "SELECT run_key, decision, currency, count(*), sum(payout) FROM decisions GROUP BY run_key, decision, currency"
    )
