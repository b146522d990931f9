"""The tables of what was pushed to networks, and how far events were pulled from them."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text, UniqueConstraint, text

from screening.store.columns import Instant, Key
from screening.store.tables import metadata

PUSH_STATES = ("intended", "sent", "done", "failed")

pushes = Table(
    "pushes",
    metadata,
    Column("push_id", Key, primary_key=True, info={"numbered": True}),
    Column("key", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("state", Text, nullable=False),
    Column("batch", Text, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("cap_id", BigInteger),
    Column("intended_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("settled_at", Instant),
    CheckConstraint(
        text("state IN ({})".format(", ".join(f"'{state}'" for state in PUSH_STATES))), name="pushes_state_known"
    ),
    UniqueConstraint("key", name="pushes_key_once"),
    Index("pushes_by_state", "network", "kind", "state"),
    Index("pushes_by_subject", "kind", "subject"),
)

pull_cursors = Table(
    "pull_cursors",
    metadata,
    Column("network", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("until", Instant, nullable=False),
    Column("pulled_at", Instant, nullable=False),
)
