"""Passwords that one person gave to another hold for a while and are changed first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from screening.store import columns

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column; the passwords there are stay the people's own."""
    op.add_column("users", sa.Column("password_until", columns.Instant(), nullable=True))
