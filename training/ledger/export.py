"""From the ledger to a training table: what holds now, without what must not be learned from."""

from __future__ import annotations

from training.ledger.kinds import measurements_of
from training.ledger.leakage import reasons_to_exclude
from training.ledger.store import Ledger
from training.measurements.entries import Entry, digest_of
from training.measurements.training_rows import TrainingRows


def training_rows(ledger: Ledger, kind: str) -> TrainingRows:
    """Return what holds now and may be learned from; leakage is judged anew, by the frozen sets of today.

    Raises
    ------
    TableError
        If a row breaks the schema of the property's table.
    LedgerDamagedError
        If an entry is not what was recorded.
    """
    left_out: dict[int, str] = {}
    readable: list[Entry] = []
    for entry in ledger.holding(kind):
        if entry.refusal:
            left_out[entry.entry] = entry.refusal
        else:
            readable.append(entry)
    reasons = reasons_to_exclude(kind, [entry.content or {} for entry in readable])
    left_out |= {entry.entry: reason for entry, reason in zip(readable, reasons, strict=True) if reason}
    kept = [entry for entry in readable if entry.entry not in left_out]
    table = measurements_of(kind).training_table(kept)
    return TrainingRows(table, digest_of(entry.content_hash or "" for entry in kept), left_out)
