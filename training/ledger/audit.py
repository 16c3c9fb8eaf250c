"""The ledger's hash chain: what a link covers, and the walk that finds the first entry that was changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from training.hash_chain import GENESIS, Audit, Break, ChainFault, NotedHead, compare_heads, link
from training.ledger.tables import batches, entries
from training.measurements.entries import content_digest

GUARDS: Mapping[str, frozenset[str]] = {
    "sqlite": frozenset(
        {f"{table}_no_{verb}" for table in ("batches", "entries") for verb in ("update", "delete", "replace")}
        | {"entries_chained"}
    ),
    "postgresql": frozenset({"batches_append_only", "entries_append_only"}),
}
"""Triggers that the migrations make, by dialect."""
_ACTIVE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE(ABORT%'",
    "postgresql": "SELECT tgname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
    " WHERE tgenabled IN ('O', 'A') AND prosrc LIKE '%RAISE EXCEPTION%'"
    " AND tgrelid IN (CAST('entries' AS regclass), CAST('batches' AS regclass))",
}
COVERED = (
    *("entry", "batch", "row_number", "kind", "action", "measurement", "supersedes", "content", "content_hash"),
    *("reason", "warnings", "excluded_from_training"),
    *("recorded_at", "who", "source", "origin", "origin_sha256", "n_entries", "elyte_version"),
)
"""Columns of an entry and of its batch that a link covers: all. The list never changes, or old chains would break."""


def entry_hash(previous: str, row: Mapping[str, Any]) -> str:
    """Return the chain hash of an entry with its batch, given the one before."""
    return link(previous, {name: row[name] for name in COVERED})


def chained(previous: str, batch: Mapping[str, Any], new: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return entries of one batch with their chain hashes, the first following on `previous`."""
    linked = []
    for entry in new:
        previous = entry_hash(previous, {**batch, **entry})
        linked.append({**entry, "chain_hash": previous})
    return linked


def last_hash(connection: sa.Connection) -> str:
    """Return the chain hash of the last entry; the writer's lock makes ours the next."""
    found = connection.execute(sa.select(entries.c.chain_hash).order_by(entries.c.entry.desc()).limit(1)).scalar()
    return GENESIS if found is None else str(found)


def audit(connection: sa.Connection, noted: Sequence[NotedHead] = ()) -> Audit:
    """Walk along the chain.

    Parameters
    ----------
    connection
        In a transaction that sees one state.
    noted
        Heads that must be in it.

    Returns
    -------
    Audit
        With the first break: by content, by number, by link, by batch, by noted head, then by missing triggers.
    """
    # outer: an entry whose batch was deleted is not to be passed over
    of_batch = [column for column in batches.columns if column.name != "batch"]
    query = sa.select(entries, *of_batch).outerjoin(batches).order_by(entries.c.entry)
    hashes: list[str] = []
    of_batches: dict[int, int] = {}
    fault: Break | None = None
    for number, row in enumerate(connection.execute(query).mappings(), start=1):
        before = hashes[-1] if hashes else GENESIS
        fault = fault or _fault_of(number, dict(row), before)
        hashes.append(row["chain_hash"])
        of_batches[row["batch"]] = of_batches.get(row["batch"], 0) + 1
    fault = fault or _torn_batch(connection, of_batches, len(hashes)) or compare_heads(hashes, noted)
    fault = fault or _unguarded(connection, len(hashes))
    head = NotedHead(len(hashes), hashes[-1]) if hashes else None
    return Audit(len(hashes), head, fault)


def _fault_of(number: int, row: Mapping[str, Any], before: str) -> Break | None:
    entry, place = row["entry"], row["row_number"]
    if row["content"] is not None and content_digest(row["content"]) != row["content_hash"]:
        message = f"entry {entry} is damaged: its content does not have the recorded hash"
        return Break(ChainFault.CONTENT_CHANGED, entry, place, message)
    if entry != number:
        message = f"entries are missing: their numbers have gaps, entry {number} is not there"
        return Break(ChainFault.RECORD_MISSING, number, None, message)
    if row["chain_hash"] != entry_hash(before, row):
        message = f"entry {entry} is damaged: it, its batch {row['batch']} or its link to the entry before was changed"
        return Break(ChainFault.CHAIN_BROKEN, entry, place, message)
    return None


def _unguarded(connection: sa.Connection, last: int) -> Break | None:
    dialect = connection.dialect.name
    gone = GUARDS[dialect] - set(connection.execute(sa.text(_ACTIVE[dialect])).scalars())
    if not gone:
        return None
    message = f"the database has lost its guards against changes: {', '.join(sorted(gone))}"
    return Break(ChainFault.UNGUARDED, last, None, message)


def _torn_batch(connection: sa.Connection, counted: Mapping[int, int], last: int) -> Break | None:
    expected = dict(connection.execute(sa.select(batches.c.batch, batches.c.n_entries)).tuples().all())
    torn = sorted(batch for batch in expected.keys() | counted.keys() if expected.get(batch) != counted.get(batch))
    if not torn:
        return None
    message = f"batches are not whole: {', '.join(map(str, torn))}"
    return Break(ChainFault.RECORD_MISSING, last + 1, None, message)
