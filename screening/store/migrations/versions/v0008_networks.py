"""The journal of changes pushed to networks, and how far events were pulled from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from screening.store import columns

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "pushes",
        sa.Column("push_id", columns.Key, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("key", "network", "kind", "subject", "wanted")),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("cap_id", sa.BigInteger(), nullable=True),
        sa.Column("intended_at", columns.Instant(), nullable=False),
        sa.Column("sent_at", columns.Instant(), nullable=True),
        sa.Column("settled_at", columns.Instant(), nullable=True),
        sa.CheckConstraint("state IN ('intended', 'sent', 'done', 'failed')", name="pushes_state_known"),
        sa.PrimaryKeyConstraint("push_id"),
        sa.UniqueConstraint("key", name="pushes_key_once"),
    )
    op.create_index("pushes_by_state", "pushes", ["network", "kind", "state"], unique=False)
    op.create_index("pushes_by_subject", "pushes", ["kind", "subject"], unique=False)
    op.create_table(
        "pull_cursors",
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("until", columns.Instant(), nullable=False),
        sa.Column("pulled_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("network", "kind"),
    )
