"""Any kind of measurement: which kinds there are is said by the properties that are installed, not by the database."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KINDS = re.compile(r"CONSTRAINT known_kind CHECK \(kind IN \([^)]*\)\),\s*")


def upgrade() -> None:
    """Drop the list of kinds and the limit of a kind's length."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_sqlite()
        return
    op.drop_constraint("known_kind", "entries", type_="check")
    op.alter_column("entries", "kind", type_=sa.Text)


def _rebuild_sqlite() -> None:
    """Copy the entries into a table without the constraint, which SQLite cannot drop, and guard it as before.

    The new table refers to itself from the start: what it refers to is never gone. Dropping a table drops its indices
    and triggers without firing any.
    """
    about = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = 'entries' AND sql IS NOT NULL")
    statements = op.get_bind().execute(about).tuples().all()
    made = next(text for kind, text in statements if kind == "table")
    made, n_constraints = _KINDS.subn("", made)
    made, n_columns = re.subn(r"\bkind VARCHAR\(20\)", "kind TEXT", made)
    made, n_tables = re.subn(r"CREATE TABLE \"?entries\"?", "CREATE TABLE entries_without_kinds", made)
    made, n_references = re.subn(r"REFERENCES \"?entries\"? ", "REFERENCES entries_without_kinds ", made)
    if (n_constraints, n_columns, n_tables, n_references) != (1, 1, 1, 1):
        raise ValueError(f"the table of entries is not that of version 0001: {made}")
    op.execute(made)
    op.execute("INSERT INTO entries_without_kinds SELECT * FROM entries")
    op.execute("DROP TABLE entries")
    op.execute("ALTER TABLE entries_without_kinds RENAME TO entries")
    for kind, text in statements:
        if kind in ("index", "trigger"):
            op.execute(text)
