"""The tables of signing in, of API keys and of webhooks. Secrets that are only compared are kept as their SHA-256."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Table, Text, text

from screening.store.columns import Instant, Key, Words
from screening.store.tables import metadata


def _of_user() -> Column[int]:
    return Column("user_id", Key, ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False)


sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _of_user(),
    Column("opened_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Index("sessions_by_user", "user_id"),
    Index("sessions_by_end", "expires_at"),
)

known_devices = Table(
    "known_devices",
    metadata,
    Column("token_hash", Text, primary_key=True),
    _of_user(),
    Column("seen_at", Instant, nullable=False),
    Index("known_devices_by_user", "user_id"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("failure_id", Key, primary_key=True),
    Column("bucket", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("login_failures_by_bucket", "bucket", "at"),
    Index("login_failures_by_time", "at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("scopes", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("revoked_by", Text),
)

kept_answers = Table(
    "kept_answers",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("status", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("kept_answers_by_time", "at"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("hook_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Words, nullable=False),
    Column("secret", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Key, primary_key=True),
    Column("hook_id", Text, ForeignKey("webhooks.hook_id", ondelete="CASCADE"), nullable=False),
    Column("event", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("failure", Text),
    CheckConstraint(text("status IN ('waiting', 'delivered', 'failed')"), name="deliveries_status_known"),
    Index("deliveries_by_turn", "status", "next_at"),
    Index("deliveries_by_hook", "hook_id", "delivery_id"),
)
