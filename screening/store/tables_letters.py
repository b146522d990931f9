"""The tables of the outbox: letters with what became of them, and what each has already been told about."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Table, Text, UniqueConstraint, text

from screening.store.columns import Instant, Key
from screening.store.tables import metadata

LETTER_STATUSES = ("queued", "sending", "sent", "unsure", "failed", "dropped")

letters = Table(
    "letters",
    metadata,
    Column("letter_id", Key, primary_key=True, info={"numbered": True}),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("tried_at", Instant),
    Column("sent_at", Instant),
    Column("note", Text, nullable=False),
    UniqueConstraint("key", name="letters_key_once"),
    CheckConstraint(
        text("status IN ({})".format(", ".join(f"'{word}'" for word in LETTER_STATUSES))), name="letters_status_known"
    ),
    CheckConstraint(text("status <> 'sent' OR sent_at IS NOT NULL"), name="letters_sent_when"),
    Index("letters_by_status", "status", "next_at"),
    Index("letters_by_about", "about"),
)

letter_items = Table(
    "letter_items",
    metadata,
    Column("item", Text, primary_key=True),
    Column("letter_id", Key, ForeignKey("letters.letter_id", ondelete="CASCADE"), nullable=False),
    Index("letter_items_by_letter", "letter_id"),
)
