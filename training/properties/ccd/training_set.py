"""The training set of critical currents: the embedded table and the ledger's rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from training.bundle import DataSource
from training.properties.ccd.schema import RANGES, REGULAR
from training.retraining.bundles import fingerprints, ledger_rows_of
from training.retraining.property_job import Champion
from training.retraining.training_set import TrainingSet, changed_tables, ledger_source, set_hash

if TYPE_CHECKING:
    import pandas as pd

    from training.ledger.training_rows import TrainingRows


def assemble(
    table: pd.DataFrame,
    source: DataSource,
    from_ledger: TrainingRows,
    champion: Champion | None,
    recipe: Mapping[str, Any],
) -> TrainingSet:
    """Put table and ledger together, and say what of it is new to the champion.

    Reports of another regime (molten lithium, scaffolds) are kept on the shelf of the model; they are not learnt from
    and do not count as new.
    """
    import pandas as pd

    kept = from_ledger.table[list(table.columns)].reset_index(drop=True)
    before = None if champion is None else ledger_rows_of(champion.bundle.arrays)
    old = _typed(before, table) if before is not None else kept.iloc[:0].copy()
    now, then = fingerprints(kept), fingerprints(old)
    present = dict(zip(now, kept["id"], strict=True))
    old["id"] = [present.get(print_, f"former-{name}") for print_, name in zip(then, old["id"], strict=True)]
    known, is_regular = set(then), kept["regime"] == REGULAR
    is_new = [name not in known and bool(regular) for name, regular in zip(now, is_regular, strict=True)]
    told = [f"{int((~is_regular).sum())} reports of another regime are shown, not learnt from"] * bool(
        (~is_regular).any()
    )
    if champion is not None and changed_tables(champion.bundle.card, [source]):
        told.append("the champion was fitted on another table: what stands for it is its recipe on today's")
    return TrainingSet(
        hash=set_hash("ccd", recipe, [source], from_ledger.content_hash),
        table=pd.concat([part for part in (table, kept) if len(part)], ignore_index=True),
        is_new=np.array([False] * len(table) + is_new, dtype=bool),
        base=pd.concat([part for part in (table, old) if len(part)], ignore_index=True),
        ledger_rows=kept,
        ledger_hash=from_ledger.content_hash,
        sources=[source, ledger_source(from_ledger.content_hash, len(kept))] if len(kept) else [source],
        lacking=[],
        rows_removed=len(known - set(now)),
        remarks=tuple(told),
    )


def _typed(stored: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Return rows that a bundle kept as text with the types of the table."""
    import pandas as pd

    frame = stored[list(like.columns)].copy()
    for column in RANGES:
        frame[column] = frame[column].replace("", "nan").astype(float)  # exact, unlike pandas' own reader
    frame["is_lower_bound"] = pd.to_numeric(frame["is_lower_bound"]).astype(like["is_lower_bound"].dtype)
    return frame
