"""The training set of conductivity: the recipe's tables and the ledger's rows behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from training.bundle import DataSource
from training.properties.conductivity.repeats import without_repeats
from training.refitting.champion import Champion
from training.refitting.training_set import Tables, TrainingSet, changed_tables
from training.refitting.training_set import assemble as assemble_rows

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.training_rows import TrainingRows


def assemble(
    tables: Tables,
    from_ledger: TrainingRows,
    champion: Champion | None,
    recipe: Mapping[str, Any],
) -> TrainingSet:
    """Put tables and ledger together, and say what of it is new to the champion.

    A ledger row that repeats a published measurement (same paper, composition, temperature and value) is left out, as
    between the tables themselves.
    """
    table, sources, _ = tables
    kept = without_repeats(from_ledger.table, table).reset_index(drop=True)
    told = _remarks(from_ledger, kept, champion, sources)
    return assemble_rows("conductivity", tables, replace(from_ledger, table=kept), champion, recipe, remarks=told)


def _remarks(
    from_ledger: TrainingRows, kept: pd.DataFrame, champion: Champion | None, sources: Sequence[DataSource]
) -> tuple[str, ...]:
    told = []
    if from_ledger.left_out:
        first = next(iter(from_ledger.left_out.values()))
        told.append(f"{len(from_ledger.left_out)} rows of the ledger are not learnt from ({first})")
    repeats = len(from_ledger.table) - len(kept)
    if repeats:
        told.append(f"{repeats} rows of the ledger repeat a published measurement and are not counted twice")
    changed = changed_tables(champion.bundle.card, sources) if champion is not None else []
    if changed:
        told.append(
            f"the champion was fitted on another {', '.join(changed)}: what stands for it in cross-validation and on"
            " the official split is its recipe on today's tables"
        )
    return tuple(told)
