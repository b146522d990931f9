"""What a cap recommendation costs, in which currency, and what a person made of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from screening.store import columns

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("caps", sa.Column("currency", sa.Text(), nullable=True))
    for name in ("expected_cost", "cost_low", "cost_high", "approved_limit"):
        op.add_column("caps", sa.Column(name, columns.Money(), nullable=True))
    op.add_column("caps", sa.Column("decided_by", sa.Text(), nullable=True))
    op.add_column("caps", sa.Column("decided_at", columns.Instant(), nullable=True))
    op.create_index("caps_by_offer", "caps", ["offer_id", "affiliate_id", "cap_type", "cap_id"], unique=False)
