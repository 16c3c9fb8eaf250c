"""What a retraining job gets from the ledger; apart from the ledger, so that a job need not know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """What a model may learn from the ledger.

    Parameters
    ----------
    table
        The columns of the property's own table, or those of the ledger where it has none. Checked against the
        property's own schema.
    content_hash
        SHA-256 of these measurements, whatever the order in which they were recorded: the version of the set.
    left_out
        Entry to the reason why it is not among them.
    """

    table: pd.DataFrame
    content_hash: str
    left_out: dict[int, str]
