"""The outbox: letters, and what each has told about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from screening.store import columns

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    texts = (sa.Column(name, sa.Text(), nullable=False) for name in ("key", "kind", "about", "recipient", "subject"))
    op.create_table(
        "letters",
        sa.Column("letter_id", columns.Key, nullable=False),
        *texts,
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("written_at", columns.Instant(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_at", columns.Instant(), nullable=False),
        sa.Column("tried_at", columns.Instant(), nullable=True),
        sa.Column("sent_at", columns.Instant(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('queued', 'sending', 'sent', 'unsure', 'failed', 'dropped')", name="letters_status_known"
        ),
        sa.CheckConstraint("status <> 'sent' OR sent_at IS NOT NULL", name="letters_sent_when"),
        sa.UniqueConstraint("key", name="letters_key_once"),
        sa.PrimaryKeyConstraint("letter_id"),
    )
    op.create_index("letters_by_status", "letters", ["status", "next_at"], unique=False)
    op.create_index("letters_by_about", "letters", ["about"], unique=False)
    op.create_table(
        "letter_items",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("letter_id", columns.Key, nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letters.letter_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item"),
    )
    op.create_index("letter_items_by_letter", "letter_items", ["letter_id"], unique=False)
