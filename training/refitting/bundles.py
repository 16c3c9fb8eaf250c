"""The ledger rows that a bundle was fitted on, which lie in the bundle."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.bundle import Card, save_bundle

if TYPE_CHECKING:
    import pandas as pd

LEDGER_ROWS = "retraining/ledger_rows"
"""Array of a bundle: the ledger's rows that it was fitted on, as CSV. They lie in the bundle because its digest vouches
for them, wherever the registry's files were moved to."""


def save_with_ledger(folder: Path, card: Card, arrays: Mapping[str, NDArray[Any]], ledger_rows: pd.DataFrame) -> str:
    """Write a bundle that carries the ledger's rows that it was fitted on; return its digest."""
    kept = {LEDGER_ROWS: ledger_rows_array(ledger_rows)} if len(ledger_rows) else {}
    return save_bundle(folder, card, {**arrays, **kept})


def ledger_rows_array(table: pd.DataFrame) -> NDArray[np.uint8]:
    """Return rows of the ledger as an array of bytes."""
    return np.frombuffer(table.to_csv(index=False).encode(), dtype=np.uint8)


def ledger_rows_of(arrays: Mapping[str, NDArray[Any]]) -> pd.DataFrame | None:
    """Return the ledger rows that a bundle was fitted on, all as text; None for a bundle without."""
    stored = arrays.get(LEDGER_ROWS)
    if stored is None or not len(stored):
        return None
    import pandas as pd

    return pd.read_csv(io.BytesIO(stored.tobytes()), dtype=str, keep_default_na=False)


def fingerprints(table: pd.DataFrame) -> list[str]:
    """Return one text per row for its content, whatever number it has in the ledger."""
    named = table.drop(columns=[name for name in ("row_id", "id") if name in table.columns])
    as_text = named.to_csv(index=False, header=False, lineterminator="\x1e").split("\x1e")[: len(table)]
    return [hashlib.sha256(row.encode()).hexdigest() for row in as_text]
