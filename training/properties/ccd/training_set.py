"""The training set of critical currents: the embedded table and the ledger's rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from training.bundle import DataSource
from training.properties.ccd.schema import REGULAR
from training.refitting.champion import Champion
from training.refitting.training_set import Tables, TrainingSet, changed_tables
from training.refitting.training_set import assemble as assemble_rows

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.training_rows import TrainingRows


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
    kept = from_ledger.table[list(table.columns)].reset_index(drop=True)
    is_regular = (kept["regime"] == REGULAR).to_numpy(dtype=bool)
    told = [f"{int((~is_regular).sum())} reports of another regime are shown, not learnt from"] * (not is_regular.all())
    if champion is not None and changed_tables(champion.bundle.card, [source]):
        told.append("the champion was fitted on another table: what stands for it is its recipe on today's")
    tables: Tables = (table, [source], [])
    ledger = replace(from_ledger, table=kept)
    found = assemble_rows("ccd", tables, ledger, champion, recipe, remarks=told, id_column="id")
    return replace(found, is_new=found.is_new & np.append(np.ones(len(table), dtype=bool), is_regular))
