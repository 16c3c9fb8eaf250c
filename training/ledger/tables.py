"""The two tables of the ledger, as SQLAlchemy sees them; the migrations make them, with their triggers."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, Text

metadata = MetaData()

batches = Table(
    "batches",
    metadata,
    Column("batch", Integer, primary_key=True, autoincrement=False),
    Column("recorded_at", String(40), nullable=False),
    Column("who", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("origin_sha256", String(64), nullable=False),
    Column("n_entries", Integer, nullable=False),
    Column("elyte_version", Text, nullable=False),
)
"""What was recorded in one transaction: when, by whom, out of which file."""

entries = Table(
    "entries",
    metadata,
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("batch", Integer, ForeignKey("batches.batch"), nullable=False),
    Column("row_number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("action", String(10), nullable=False),
    Column("measurement", Integer, nullable=False),
    Column("supersedes", Integer, ForeignKey("entries.entry"), nullable=True),
    Column("content", Text, nullable=True),
    Column("content_hash", String(64), nullable=True),
    Column("reason", Text, nullable=False),
    Column("warnings", Text, nullable=False),
    Column("excluded_from_training", Text, nullable=False),
    Column("chain_hash", String(64), nullable=False),
)
"""One row per addition, correction or retraction. `measurement` is the entry that added it; `supersedes` the entry
that this one takes the place of, each at most once, so that a measurement's history is one line without branches.
`chain_hash` links each entry to the one before (`audit`)."""
