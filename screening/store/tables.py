"""The tables as the newest migration leaves them; a test compares the two.

`run_key` is the database's own number for a run: it is short, and a greater one was recorded later.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from features.schema import CAP_TYPES
from screening.store.columns import Document, Instant, Key, Money, Words

metadata = MetaData()

RUN_STATUSES = ("complete", "failed")
DECISIONS = ("pay", "hold", "reject")
CAP_ACTIONS = ("raise", "keep", "lower", "pause")
CAP_STATUSES = ("proposed", "approved", "rejected", "pushed", "failed")
SCREENING_DECISIONS = ("approve", "review", "reject")
SUBJECT_KINDS = ("application", "affiliate", "source", "conversion")
CASE_STATUSES = ("open", "snoozed", "closed")
APPEAL_STATUSES = ("open", "upheld", "overturned", "withdrawn")
MODEL_ROLES = ("champion", "challenger", "retired")
USER_ROLES = ("viewer", "analyst", "manager", "admin")
LABELS = ("fraud", "clean")

_OPTIONAL = {"optional": True}
"""Frames may come without this column; it is then null."""
_NUMBERED = {"numbered": True}
"""The database numbers the rows."""


def _one_of(table: str, column: str, choices: tuple[str, ...]) -> CheckConstraint:
    words = ", ".join(f"'{choice}'" for choice in choices)
    return CheckConstraint(text(f"{column} IN ({words})"), name=f"{table}_{column}_known")


def _share(table: str, *columns: str) -> tuple[CheckConstraint, ...]:
    return tuple(CheckConstraint(text(f"{name} BETWEEN 0 AND 1"), name=f"{table}_{name}_share") for name in columns)


def _of_run() -> Column[int]:
    return Column("run_key", Key, ForeignKey("runs.run_key", ondelete="CASCADE"), nullable=False)


runs = Table(
    "runs",
    metadata,
    Column("run_key", Key, primary_key=True, info=_NUMBERED),
    Column("run_id", Text, nullable=False, unique=True),
    Column("command", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("period_from", Date),
    Column("period_to", Date),
    Column("lake_version", BigInteger),
    Column("inputs", Document, nullable=False),
    Column("settings", Document, nullable=False),
    Column("versions", Document, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("counts", Document, nullable=False),
    _one_of("runs", "status", RUN_STATUSES),
    Index("runs_by_command", "command", "status", "run_key"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("conversion_id", Text, primary_key=True),
    Column("affiliate_id", Text, nullable=False),
    Column("offer_id", Text, nullable=False),
    Column("sub_id", Text),
    Column("ts", Instant, nullable=False),
    Column("payout", Money, nullable=False),
    Column("currency", Text),
    Column("decision", Text, nullable=False),
    Column("score", Double),
    Column("p_value", Double),
    Column("reasons", Words, nullable=False),
    Column("missing", Words, nullable=False),
    Column("reason_details", Text, info=_OPTIONAL),
    Column("run_key", Key, ForeignKey("runs.run_key", ondelete="CASCADE"), primary_key=True),
    _one_of("decisions", "decision", DECISIONS),
    *_share("decisions", "score", "p_value"),
    CheckConstraint(text("decision = 'pay' OR reasons <> '[]'"), name="decisions_reasoned"),
    Index("decisions_by_run", "run_key"),
    Index("decisions_by_source", "affiliate_id", "offer_id", "sub_id"),
    Index(
        "decisions_held",
        "conversion_id",
        "run_key",
        sqlite_where=text("decision = 'hold'"),
        postgresql_where=text("decision = 'hold'"),
    ),
)

sources = Table(
    "sources",
    metadata,
    Column("source_id", Key, primary_key=True, info=_NUMBERED),
    Column("affiliate_id", Text, nullable=False),
    Column("offer_id", Text, nullable=False),
    Column("sub_id", Text),
    Column("from", Date, nullable=False),
    Column("to", Date, nullable=False),
    Column("clicks", BigInteger),
    Column("conversions", BigInteger, nullable=False),
    Column("payout", Money, nullable=False),
    Column("score", Double),
    Column("p_value", Double),
    Column("flagged", Boolean, nullable=False),
    Column("bad_share", Double),
    Column("bad_share_low", Double),
    Column("bad_share_high", Double),
    Column("reasons", Words, nullable=False),
    Column("missing", Words, info=_OPTIONAL),
    Column("reason_details", Text, info=_OPTIONAL),
    _of_run(),
    *_share("sources", "score", "p_value", "bad_share", "bad_share_low", "bad_share_high"),
    CheckConstraint(text("NOT flagged OR reasons <> '[]'"), name="sources_reasoned"),
    Index("sources_by_score", "run_key", "score"),
    Index("sources_by_partner", "affiliate_id", "offer_id", "run_key"),
)

caps = Table(
    "caps",
    metadata,
    Column("cap_id", Key, primary_key=True, info=_NUMBERED),
    Column("affiliate_id", Text),
    Column("offer_id", Text, nullable=False),
    Column("cap_type", Text, nullable=False),
    Column("current", Money),
    Column("recommended", Money),
    Column("action", Text, nullable=False),
    Column("expected_saving", Money),
    Column("saving_low", Money),
    Column("saving_high", Money),
    Column("expires_at", Instant, nullable=False),
    Column("reasons", Words, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason_details", Text, info=_OPTIONAL),
    _of_run(),
    Column("currency", Text, info=_OPTIONAL),
    Column("expected_cost", Money, info=_OPTIONAL),
    Column("cost_low", Money, info=_OPTIONAL),
    Column("cost_high", Money, info=_OPTIONAL),
    Column("approved_limit", Money, info=_OPTIONAL),
    Column("decided_by", Text, info=_OPTIONAL),
    Column("decided_at", Instant, info=_OPTIONAL),
    _one_of("caps", "cap_type", CAP_TYPES),
    _one_of("caps", "action", CAP_ACTIONS),
    _one_of("caps", "status", CAP_STATUSES),
    Index("caps_by_run", "run_key"),
    Index("caps_by_status", "status", "expires_at"),
    Index("caps_by_offer", "offer_id", "affiliate_id", "cap_type", "cap_id"),
)

screenings = Table(
    "screenings",
    metadata,
    Column("application_id", Text, primary_key=True),
    Column("decision", Text, nullable=False),
    Column("score", Double),
    Column("reasons", Words, nullable=False),
    Column("missing", Words, nullable=False),
    Column("evidence", Text),
    Column("reason_details", Text, info=_OPTIONAL),
    Column("run_key", Key, ForeignKey("runs.run_key", ondelete="CASCADE"), primary_key=True),
    _one_of("screenings", "decision", SCREENING_DECISIONS),
    *_share("screenings", "score"),
    CheckConstraint(text("decision = 'approve' OR reasons <> '[]'"), name="screenings_reasoned"),
    Index("screenings_by_run", "run_key"),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("audit_events_by_subject", "subject", "number"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint(text("id = 1"), name="audit_head_is_one"),
)

models = Table(
    "models",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("data_from", Date, nullable=False),
    Column("data_to", Date, nullable=False),
    Column("feature_schema", Document, nullable=False),
    Column("metrics", Document, nullable=False),
    Column("created_at", Instant, nullable=False),
    _one_of("models", "role", MODEL_ROLES),
    Index(
        "models_one_champion",
        "name",
        unique=True,
        sqlite_where=text("role = 'champion'"),
        postgresql_where=text("role = 'champion'"),
    ),
)

ledger = Table(
    "ledger",
    metadata,
    Column("conversion_id", Text, primary_key=True),
    Column("amount", Money, nullable=False),
    Column("currency", Text),
    Column("decision", Text, nullable=False),
    Column("released_at", Instant, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("batch_id", Text, nullable=False),
    _one_of("ledger", "decision", DECISIONS),
    Index("ledger_by_batch", "batch_id"),
    Index("ledger_by_time", "released_at"),
)

labels = Table(
    "labels",
    metadata,
    Column("label_id", Key, primary_key=True, info=_NUMBERED),
    Column("conversion_id", Text),
    Column("affiliate_id", Text),
    Column("offer_id", Text),
    Column("sub_id", Text),
    Column("period_from", Date),
    Column("period_to", Date),
    Column("label", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("run_id", Text),
    Column("withdrawn_at", Instant),
    _one_of("labels", "label", LABELS),
    CheckConstraint(
        text("conversion_id IS NOT NULL OR (affiliate_id IS NOT NULL AND offer_id IS NOT NULL)"),
        name="labels_have_a_subject",
    ),
    Index("labels_by_conversion", "conversion_id"),
    Index("labels_by_source", "affiliate_id", "offer_id", "sub_id"),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", Key, primary_key=True, info=_NUMBERED),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("affiliate_id", Text),
    Column("offer_id", Text),
    Column("status", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("assignee", Text),
    Column("amount", Money),
    Column("currency", Text),
    Column("due_at", Instant),
    Column("reasons", Words, nullable=False),
    Column("run_id", Text),
    Column("version", BigInteger, nullable=False),
    Column("decision", Text),
    Column("snoozed_until", Instant),
    _one_of("cases", "kind", SUBJECT_KINDS),
    _one_of("cases", "status", CASE_STATUSES),
    Index(
        "cases_one_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("status <> 'closed'"),
        postgresql_where=text("status <> 'closed'"),
    ),
    Index("cases_by_status", "status", "kind", "due_at"),
    Index("cases_by_age", "status", "kind", "opened_at"),
    *(
        Index(
            f"cases_waiting_by_{name}",
            *columns,
            sqlite_where=text("status <> 'closed'"),
            postgresql_where=text("status <> 'closed'"),
        )
        for name, columns in (
            ("money", ("kind", "amount", "case_id")),
            ("clock", ("kind", "due_at", "case_id")),
            ("age", ("kind", "opened_at", "case_id")),
            ("sum", ("kind", "currency", "status", "amount", "opened_at")),
        )
    ),
    Index("cases_by_affiliate", "affiliate_id", "offer_id"),
)

case_events = Table(
    "case_events",
    metadata,
    Column("event_id", Key, primary_key=True, info=_NUMBERED),
    Column("case_id", Key, ForeignKey("cases.case_id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("author", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("details", Document, nullable=False),
    Index("case_events_by_case", "case_id", "event_id"),
)

appeals = Table(
    "appeals",
    metadata,
    Column("appeal_id", Key, primary_key=True, info=_NUMBERED),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("affiliate_id", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("deadline_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("answered_at", Instant),
    Column("answered_by", Text),
    Column("answer", Text),
    Column("amount_released", Money),
    Column("currency", Text),
    _one_of("appeals", "kind", SUBJECT_KINDS),
    _one_of("appeals", "status", APPEAL_STATUSES),
    CheckConstraint(
        text("status = 'open' OR (answered_at IS NOT NULL AND answered_by IS NOT NULL AND answer IS NOT NULL)"),
        name="appeals_answered",
    ),
    Index(
        "appeals_one_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
    Index("appeals_by_deadline", "status", "deadline_at"),
    Index("appeals_by_affiliate", "affiliate_id"),
)

users = Table(
    "users",
    metadata,
    Column("user_id", Key, primary_key=True, info=_NUMBERED),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("totp_secret", Text),
    Column("totp_step", BigInteger),
    Column("password_until", Instant),
    UniqueConstraint("name", name="users_name_once"),
    _one_of("users", "role", USER_ROLES),
)
