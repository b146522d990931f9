"""Sessions, known devices, failed logins, one-time codes, API keys, kept answers, webhooks and their deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from screening.store import columns

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.add_column("users", sa.Column("totp_secret", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("totp_step", sa.BigInteger(), nullable=True))
    _signing_in()
    _keys()
    _webhooks()


def _of_user() -> sa.Column[int]:
    return sa.Column("user_id", columns.Key, sa.ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False)


def _at(name: str, *, nullable: bool = False) -> sa.Column[sa.TIMESTAMP]:
    return sa.Column(name, columns.Instant(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _signing_in() -> None:
    op.create_table(
        "sessions",
        _text("token_hash"),
        _of_user(),
        _at("opened_at"),
        _at("seen_at"),
        _at("expires_at"),
        _text("address"),
        _text("agent"),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("sessions_by_user", "sessions", ["user_id"])
    op.create_index("sessions_by_end", "sessions", ["expires_at"])
    op.create_table(
        "known_devices", _text("token_hash"), _of_user(), _at("seen_at"), sa.PrimaryKeyConstraint("token_hash")
    )
    op.create_index("known_devices_by_user", "known_devices", ["user_id"])
    op.create_table(
        "login_failures",
        sa.Column("failure_id", columns.Key, nullable=False),
        _text("bucket"),
        _at("at"),
        sa.PrimaryKeyConstraint("failure_id"),
    )
    op.create_index("login_failures_by_bucket", "login_failures", ["bucket", "at"])
    op.create_index("login_failures_by_time", "login_failures", ["at"])


def _keys() -> None:
    op.create_table(
        "api_keys",
        _text("key_id"),
        _text("name"),
        _text("secret_hash"),
        _text("scopes"),
        _at("created_at"),
        _text("created_by"),
        _at("expires_at", nullable=True),
        _at("revoked_at", nullable=True),
        _text("revoked_by", nullable=True),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_table(
        "kept_answers",
        _text("owner"),
        _text("key"),
        _text("request_hash"),
        sa.Column("status", sa.BigInteger(), nullable=False),
        _text("body"),
        _at("at"),
        sa.PrimaryKeyConstraint("owner", "key"),
    )
    op.create_index("kept_answers_by_time", "kept_answers", ["at"])


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        _text("hook_id"),
        _text("url"),
        _text("events"),
        _text("secret"),
        sa.Column("active", sa.Boolean(), nullable=False),
        _at("created_at"),
        _text("created_by"),
        sa.PrimaryKeyConstraint("hook_id"),
    )
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", columns.Key, nullable=False),
        sa.Column("hook_id", sa.Text(), sa.ForeignKey("webhooks.hook_id", ondelete="CASCADE"), nullable=False),
        _text("event"),
        _text("body"),
        _at("created_at"),
        _text("status"),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        _at("next_at"),
        _text("failure", nullable=True),
        sa.CheckConstraint("status IN ('waiting', 'delivered', 'failed')", name="deliveries_status_known"),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    op.create_index("deliveries_by_turn", "deliveries", ["status", "next_at"])
    op.create_index("deliveries_by_hook", "deliveries", ["hook_id", "delivery_id"])
