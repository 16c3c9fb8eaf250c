"""The append-only ledger: batches, entries, and the triggers that forbid changing either."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = ("batches", "entries")
_FORBIDDEN = "the ledger is append-only: corrections and retractions are new entries"


def upgrade() -> None:
    """Make the tables and their guards."""
    op.create_table(
        "batches",
        sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("recorded_at", sa.String(40), nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("origin_sha256", sa.String(64), nullable=False),
        sa.Column("n_entries", sa.Integer, nullable=False),
        sa.Column("elyte_version", sa.Text, nullable=False),
        sa.CheckConstraint("who <> ''", name="somebody_recorded_it"),
        sa.CheckConstraint("n_entries > 0", name="no_empty_batch"),
    )
    op.create_table(
        "entries",
        sa.Column("entry", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("batch", sa.Integer, sa.ForeignKey("batches.batch"), nullable=False, index=True),
        sa.Column("row_number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("measurement", sa.Integer, nullable=False),
        sa.Column("supersedes", sa.Integer, sa.ForeignKey("entries.entry"), nullable=True),
        sa.Column("content", sa.Text, nullable=True),
        sa.Column("content_hash", sa.String(64), nullable=True, index=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("warnings", sa.Text, nullable=False),
        sa.Column("excluded_from_training", sa.Text, nullable=False),
        sa.UniqueConstraint("supersedes", name="superseded_once"),
        sa.CheckConstraint("kind IN ('conductivity', 'ccd', 'stability')", name="known_kind"),
        sa.CheckConstraint("action IN ('add', 'correct', 'retract')", name="known_action"),
        sa.CheckConstraint("(action = 'add') = (supersedes IS NULL)", name="only_additions_supersede_nothing"),
        sa.CheckConstraint("(action = 'add') = (measurement = entry)", name="additions_begin_a_measurement"),
        sa.CheckConstraint("(action = 'retract') = (content IS NULL)", name="all_but_retractions_have_content"),
        sa.CheckConstraint("(content IS NULL) = (content_hash IS NULL)", name="content_is_hashed"),
        sa.CheckConstraint("action = 'add' OR reason <> ''", name="changes_have_a_reason"),
    )
    added = sa.text("action = 'add'")
    op.create_index(
        "content_added_once", "entries", ["content_hash"], unique=True, sqlite_where=added, postgresql_where=added
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _guard_sqlite() -> None:
    """Forbid UPDATE and DELETE, and INSERT OR REPLACE, which deletes without firing delete triggers."""
    for table in _TABLES:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_FORBIDDEN}'); END"
            )
    op.execute(
        "CREATE TRIGGER batches_no_replace BEFORE INSERT ON batches "
        "WHEN EXISTS (SELECT 1 FROM batches WHERE batch = NEW.batch) "
        f"BEGIN SELECT RAISE(ABORT, '{_FORBIDDEN}'); END"
    )
    op.execute(
        "CREATE TRIGGER entries_no_replace BEFORE INSERT ON entries "
        "WHEN EXISTS (SELECT 1 FROM entries WHERE entry = NEW.entry) "
        "OR EXISTS (SELECT 1 FROM entries WHERE supersedes = NEW.supersedes) "
        "OR (NEW.action = 'add' AND EXISTS "
        "(SELECT 1 FROM entries WHERE action = 'add' AND content_hash = NEW.content_hash)) "
        f"BEGIN SELECT RAISE(ABORT, '{_FORBIDDEN}'); END"
    )


def _guard_postgresql() -> None:
    """Forbid UPDATE, DELETE and TRUNCATE."""
    op.execute(
        "CREATE FUNCTION elyte_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_FORBIDDEN}'; END $$"
    )
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION elyte_ledger_is_append_only()"
        )
