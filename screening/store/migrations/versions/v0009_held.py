"""Find held conversions without reading all decisions: every night looks at them, and they are few."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the index."""
    held = sa.text("decision = 'hold'")
    op.create_index(
        "decisions_held",
        "decisions",
        ["conversion_id", "run_key"],
        unique=False,
        sqlite_where=held,
        postgresql_where=held,
    )
