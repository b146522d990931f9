"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from screening.store import columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "appeals",
        sa.Column("appeal_id", columns.Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("affiliate_id", sa.Text(), nullable=False),
        sa.Column("opened_at", columns.Instant(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("deadline_at", columns.Instant(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("answered_at", columns.Instant(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("amount_released", columns.Money(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('application', 'affiliate', 'source', 'conversion')", name="appeals_kind_known"),
        sa.CheckConstraint(
            "status = 'open' OR (answered_at IS NOT NULL AND answered_by IS NOT NULL AND answer IS NOT NULL)",
            name="appeals_answered",
        ),
        sa.CheckConstraint("status IN ('open', 'upheld', 'overturned', 'withdrawn')", name="appeals_status_known"),
        sa.PrimaryKeyConstraint("appeal_id"),
    )
    op.create_index("appeals_by_affiliate", "appeals", ["affiliate_id"], unique=False)
    op.create_index("appeals_by_deadline", "appeals", ["status", "deadline_at"], unique=False)
    op.create_table(
        "audit_events",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("audit_events_by_subject", "audit_events", ["subject", "number"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name="audit_head_is_one"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "cases",
        sa.Column("case_id", columns.Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("affiliate_id", sa.Text(), nullable=True),
        sa.Column("offer_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", columns.Instant(), nullable=False),
        sa.Column("closed_at", columns.Instant(), nullable=True),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("amount", columns.Money(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("due_at", columns.Instant(), nullable=True),
        sa.Column("reasons", columns.Words(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('application', 'affiliate', 'source', 'conversion')", name="cases_kind_known"),
        sa.CheckConstraint("status IN ('open', 'snoozed', 'closed')", name="cases_status_known"),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index("cases_by_affiliate", "cases", ["affiliate_id", "offer_id"], unique=False)
    op.create_index("cases_by_status", "cases", ["status", "kind", "due_at"], unique=False)
    op.create_index(
        "cases_one_open",
        "cases",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_table(
        "labels",
        sa.Column("label_id", columns.Key, nullable=False),
        sa.Column("conversion_id", sa.Text(), nullable=True),
        sa.Column("affiliate_id", sa.Text(), nullable=True),
        sa.Column("offer_id", sa.Text(), nullable=True),
        sa.Column("sub_id", sa.Text(), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_to", sa.Date(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.CheckConstraint("label IN ('fraud', 'clean')", name="labels_label_known"),
        sa.CheckConstraint(
            "conversion_id IS NOT NULL OR (affiliate_id IS NOT NULL AND offer_id IS NOT NULL)",
            name="labels_have_a_subject",
        ),
        sa.PrimaryKeyConstraint("label_id"),
    )
    op.create_index("labels_by_conversion", "labels", ["conversion_id"], unique=False)
    op.create_index("labels_by_source", "labels", ["affiliate_id", "offer_id", "sub_id"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("conversion_id", sa.Text(), nullable=False),
        sa.Column("amount", columns.Money(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("released_at", columns.Instant(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.CheckConstraint("decision IN ('pay', 'hold', 'reject')", name="ledger_decision_known"),
        sa.PrimaryKeyConstraint("conversion_id"),
    )
    op.create_index("ledger_by_batch", "ledger", ["batch_id"], unique=False)
    op.create_index("ledger_by_time", "ledger", ["released_at"], unique=False)
    op.create_table(
        "models",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("data_from", sa.Date(), nullable=False),
        sa.Column("data_to", sa.Date(), nullable=False),
        sa.Column("feature_schema", columns.Document(), nullable=False),
        sa.Column("metrics", columns.Document(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.CheckConstraint("role IN ('champion', 'challenger', 'retired')", name="models_role_known"),
        sa.PrimaryKeyConstraint("name", "version"),
    )
    op.create_index(
        "models_one_champion",
        "models",
        ["name"],
        unique=True,
        sqlite_where=sa.text("role = 'champion'"),
        postgresql_where=sa.text("role = 'champion'"),
    )
    op.create_table(
        "runs",
        sa.Column("run_key", columns.Key, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("finished_at", columns.Instant(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_to", sa.Date(), nullable=True),
        sa.Column("lake_version", sa.BigInteger(), nullable=True),
        sa.Column("inputs", columns.Document(), nullable=False),
        sa.Column("settings", columns.Document(), nullable=False),
        sa.Column("versions", columns.Document(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("counts", columns.Document(), nullable=False),
        sa.CheckConstraint("status IN ('complete', 'failed')", name="runs_status_known"),
        sa.PrimaryKeyConstraint("run_key"),
        sa.UniqueConstraint("run_id"),
    )
    op.create_index("runs_by_command", "runs", ["command", "status", "run_key"], unique=False)
    op.create_table(
        "users",
        sa.Column("user_id", columns.Key, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'analyst', 'manager', 'admin')", name="users_role_known"),
        sa.PrimaryKeyConstraint("user_id"),
        sa.UniqueConstraint("name", name="users_name_once"),
    )
    op.create_table(
        "caps",
        sa.Column("cap_id", columns.Key, nullable=False),
        sa.Column("affiliate_id", sa.Text(), nullable=True),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("cap_type", sa.Text(), nullable=False),
        sa.Column("current", columns.Money(), nullable=True),
        sa.Column("recommended", columns.Money(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("expected_saving", columns.Money(), nullable=True),
        sa.Column("saving_low", columns.Money(), nullable=True),
        sa.Column("saving_high", columns.Money(), nullable=True),
        sa.Column("expires_at", columns.Instant(), nullable=False),
        sa.Column("reasons", columns.Words(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_details", sa.Text(), nullable=True),
        sa.Column("run_key", columns.Key, nullable=False),
        sa.CheckConstraint("action IN ('raise', 'keep', 'lower', 'pause')", name="caps_action_known"),
        sa.CheckConstraint(
            "cap_type IN ('daily_clicks', 'daily_conversions', 'daily_payout', 'daily_revenue', "
            "'weekly_clicks', 'weekly_conversions', 'weekly_payout', 'weekly_revenue', "
            "'monthly_clicks', 'monthly_conversions', 'monthly_payout', 'monthly_revenue', "
            "'total_clicks', 'total_conversions', 'total_payout', 'total_revenue')",
            name="caps_cap_type_known",
        ),
        sa.CheckConstraint(
            "status IN ('proposed', 'approved', 'rejected', 'pushed', 'failed')", name="caps_status_known"
        ),
        sa.ForeignKeyConstraint(["run_key"], ["runs.run_key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("cap_id"),
    )
    op.create_index("caps_by_run", "caps", ["run_key"], unique=False)
    op.create_index("caps_by_status", "caps", ["status", "expires_at"], unique=False)
    op.create_table(
        "case_events",
        sa.Column("event_id", columns.Key, nullable=False),
        sa.Column("case_id", columns.Key, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("details", columns.Document(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("case_events_by_case", "case_events", ["case_id", "event_id"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("conversion_id", sa.Text(), nullable=False),
        sa.Column("affiliate_id", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("sub_id", sa.Text(), nullable=True),
        sa.Column("ts", columns.Instant(), nullable=False),
        sa.Column("payout", columns.Money(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("reasons", columns.Words(), nullable=False),
        sa.Column("missing", columns.Words(), nullable=False),
        sa.Column("reason_details", sa.Text(), nullable=True),
        sa.Column("run_key", columns.Key, nullable=False),
        sa.CheckConstraint("decision = 'pay' OR reasons <> '[]'", name="decisions_reasoned"),
        sa.CheckConstraint("decision IN ('pay', 'hold', 'reject')", name="decisions_decision_known"),
        sa.CheckConstraint("p_value BETWEEN 0 AND 1", name="decisions_p_value_share"),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name="decisions_score_share"),
        sa.ForeignKeyConstraint(["run_key"], ["runs.run_key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversion_id", "run_key"),
    )
    op.create_index("decisions_by_run", "decisions", ["run_key"], unique=False)
    op.create_table(
        "screenings",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("reasons", columns.Words(), nullable=False),
        sa.Column("missing", columns.Words(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("reason_details", sa.Text(), nullable=True),
        sa.Column("run_key", columns.Key, nullable=False),
        sa.CheckConstraint("decision = 'approve' OR reasons <> '[]'", name="screenings_reasoned"),
        sa.CheckConstraint("decision IN ('approve', 'review', 'reject')", name="screenings_decision_known"),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name="screenings_score_share"),
        sa.ForeignKeyConstraint(["run_key"], ["runs.run_key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("application_id", "run_key"),
    )
    op.create_index("screenings_by_run", "screenings", ["run_key"], unique=False)
    op.create_table(
        "sources",
        sa.Column("source_id", columns.Key, nullable=False),
        sa.Column("affiliate_id", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("sub_id", sa.Text(), nullable=True),
        sa.Column("from", sa.Date(), nullable=False),
        sa.Column("to", sa.Date(), nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=True),
        sa.Column("conversions", sa.BigInteger(), nullable=False),
        sa.Column("payout", columns.Money(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("bad_share", sa.Double(), nullable=True),
        sa.Column("bad_share_low", sa.Double(), nullable=True),
        sa.Column("bad_share_high", sa.Double(), nullable=True),
        sa.Column("reasons", columns.Words(), nullable=False),
        sa.Column("missing", columns.Words(), nullable=True),
        sa.Column("reason_details", sa.Text(), nullable=True),
        sa.Column("run_key", columns.Key, nullable=False),
        sa.CheckConstraint("NOT flagged OR reasons <> '[]'", name="sources_reasoned"),
        sa.CheckConstraint("bad_share BETWEEN 0 AND 1", name="sources_bad_share_share"),
        sa.CheckConstraint("bad_share_high BETWEEN 0 AND 1", name="sources_bad_share_high_share"),
        sa.CheckConstraint("bad_share_low BETWEEN 0 AND 1", name="sources_bad_share_low_share"),
        sa.CheckConstraint("p_value BETWEEN 0 AND 1", name="sources_p_value_share"),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name="sources_score_share"),
        sa.ForeignKeyConstraint(["run_key"], ["runs.run_key"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_id"),
    )
    op.create_index("sources_by_partner", "sources", ["affiliate_id", "offer_id", "run_key"], unique=False)
    op.create_index("sources_by_score", "sources", ["run_key", "score"], unique=False)
    _begin_audit_chain()


def _begin_audit_chain() -> None:
    op.execute(f"INSERT INTO audit_head (id, count, hash) VALUES (1, 0, '{'0' * 64}')")  # noqa: S608 - our own names
    refusal = "the audit trail is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_events_refuse_{change.lower()} BEFORE {change} ON audit_events "
                f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{refusal}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_events_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_refuse()"
        )
