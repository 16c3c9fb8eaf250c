"""The training set of conductivity: the recipe's tables and the ledger's rows behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from training.bundle import DataSource
from training.properties.conductivity.repeats import without_repeats
from training.properties.conductivity.schema import LATTICE_COLUMNS, Column
from training.retraining.bundles import fingerprints, ledger_rows_of
from training.retraining.property_job import Champion
from training.retraining.training_set import TrainingSet, changed_tables, ledger_source, set_hash

if TYPE_CHECKING:
    import pandas as pd

    from training.ledger.training_rows import TrainingRows

_NUMBERS = (Column.LOG10_SIGMA, Column.TEMPERATURE, Column.ACTIVATION_ENERGY, Column.YEAR, *LATTICE_COLUMNS)
_FLAGS = (Column.IS_UPPER_BOUND, Column.IS_DOUBTFUL)


def assemble(
    tables: tuple[pd.DataFrame, Sequence[DataSource], Sequence[str]],
    from_ledger: TrainingRows,
    champion: Champion | None,
    recipe: Mapping[str, Any],
) -> TrainingSet:
    """Put tables and ledger together, and say what of it is new to the champion.

    A ledger row that repeats a published measurement (same paper, composition, temperature and value) is left out, as
    between the tables themselves.
    """
    import pandas as pd

    table, sources, lacking = tables
    kept = without_repeats(from_ledger.table, table).reset_index(drop=True)
    before = None if champion is None else ledger_rows_of(champion.bundle.arrays)
    old = _typed(before, table) if before is not None else from_ledger.table.iloc[:0].copy()
    now, then = fingerprints(kept), fingerprints(old)
    present = dict(zip(now, kept["row_id"], strict=True))
    # A row keeps its name as long as it holds; numbers of a row that was corrected, or of another ledger, may be taken.
    old["row_id"] = [present.get(print_, f"former-{name}") for print_, name in zip(then, old["row_id"], strict=True)]
    known = set(then)
    of_ledger = ledger_source(from_ledger.content_hash, len(kept))
    all_sources = [*sources, of_ledger] if len(kept) else list(sources)
    parts = [part for part in (table, kept) if len(part)]
    return TrainingSet(
        hash=set_hash("conductivity", recipe, sources, from_ledger.content_hash),
        table=pd.concat(parts, ignore_index=True),
        is_new=np.array([False] * len(table) + [name not in known for name in now], dtype=bool),
        base=pd.concat([part for part in (table, old) if len(part)], ignore_index=True),
        ledger_rows=kept,
        ledger_hash=from_ledger.content_hash,
        sources=all_sources,
        lacking=lacking,
        rows_removed=len(known - set(now)),
        remarks=_remarks(from_ledger, kept, champion, sources),
    )


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


def _typed(stored: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Return rows that a bundle kept as text with the types of the table."""
    frame = stored[[str(column) for column in like.columns]].copy()
    for column in _NUMBERS:
        frame[column] = frame[column].replace("", "nan").astype(float)  # exact, unlike pandas' own reader
    for column in _FLAGS:
        frame[column] = frame[column] == "True"
    return frame
