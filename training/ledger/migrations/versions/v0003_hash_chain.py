"""A hash chain over the entries: what the ledger holds cannot be rewritten unnoticed any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training.hash_chain import GENESIS
from training.ledger.audit import entry_hash  # its rule never changes: a test holds it to hashes of today

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_FORBIDDEN = "the ledger is append-only: an entry without a link of its chain was written by an elyte that is too old"
_CHUNK = 1000


def upgrade() -> None:
    """Add the column, link what is there in the order of recording, and let nothing in without a link."""
    op.add_column("entries", sa.Column("chain_hash", sa.String(64), nullable=True))
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        guard = bind.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = 'entries_no_update'")).scalar_one()
        op.execute("DROP TRIGGER entries_no_update")
        _link(bind)
        op.execute(guard)
        op.execute(
            "CREATE TRIGGER entries_chained BEFORE INSERT ON entries WHEN NEW.chain_hash IS NULL "
            f"BEGIN SELECT RAISE(ABORT, '{_FORBIDDEN}'); END"
        )
        return
    op.execute("ALTER TABLE entries DISABLE TRIGGER entries_append_only")
    _link(bind)
    op.execute("ALTER TABLE entries ENABLE TRIGGER entries_append_only")
    op.alter_column("entries", "chain_hash", nullable=False)


def _link(bind: sa.Connection) -> None:
    columns = "recorded_at, who, source, origin, origin_sha256, n_entries, elyte_version"
    query = f"SELECT entries.*, {columns} FROM entries JOIN batches USING (batch) ORDER BY entry"
    previous, links = GENESIS, []
    for row in bind.execute(sa.text(query)).mappings():
        previous = entry_hash(previous, dict(row))
        links.append({"number": row["entry"], "hash": previous})
    change = sa.text("UPDATE entries SET chain_hash = :hash WHERE entry = :number")
    for start in range(0, len(links), _CHUNK):
        bind.execute(change, links[start : start + _CHUNK])
