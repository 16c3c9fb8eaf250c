"""The versioned training set: the tables at hand and what the ledger holds, under one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.bundle import Card, DataSource
from training.refitting.bundles import fingerprints, ledger_rows_of

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.training_rows import TrainingRows
    from training.refitting.champion import Champion

OWN_LICENCE = "own measurements"
Tables = tuple["pd.DataFrame", Sequence[DataSource], Sequence[str]]
"""The rows beside the ledger's, where they come from, and what the model will lack."""


@dataclass(frozen=True)
class TrainingSet:
    """What a challenger is fitted on, and what the champion was.

    Parameters
    ----------
    hash
        SHA-256 over recipe, settings, seed, tables and the ledger's content.
    table
        All n rows to learn from, tables first.
    is_new
        Rows that the champion was not fitted on, shape (n,).
    base
        The same tables with the ledger rows of the champion, whether they still hold or not.
    ledger_rows
        The ledger's part, as the bundle keeps it.
    ledger_hash
        The ledger's content hash.
    sources
        For the card.
    lacking
        What the model will lack, for the card.
    rows_removed
        Ledger rows of the champion that no longer hold.
    remarks
        What a reader of the report should know: rows left out, tables that changed.
    """

    hash: str
    table: pd.DataFrame
    is_new: NDArray[np.bool_]
    base: pd.DataFrame
    ledger_rows: pd.DataFrame
    ledger_hash: str
    sources: Sequence[DataSource]
    lacking: Sequence[str]
    rows_removed: int
    remarks: tuple[str, ...]

    @property
    def n_new(self) -> int:
        """How many rows the champion was not fitted on."""
        return int(self.is_new.sum())

    def known_and_new(
        self, *, id_column: str = "row_id", value: str | None = None
    ) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        """Return the champion's rows and the new ones (those that carry a value), and which are new."""
        import pandas as pd

        new = self.table[self.is_new]
        new = new if value is None else new[new[value].notna()]
        known = self.base[~self.base[id_column].isin(new[id_column])]
        together = pd.concat([part for part in (known, new) if len(part)], ignore_index=True)
        return together, np.arange(len(together)) >= len(known)


def assemble(
    property_name: str,
    tables: Tables,
    from_ledger: TrainingRows,
    champion: Champion | None,
    recipe: Mapping[str, Any],
    *,
    remarks: Sequence[str] = (),
    id_column: str = "row_id",
) -> TrainingSet:
    """Put tables and ledger together, and say what of it is new to the champion.

    Parameters
    ----------
    tables
        Its rows have the columns of the ledger's.
    from_ledger
        Rows to learn from or to show; its hash stands for all that the ledger holds.
    recipe
        What decides, beside the data, what comes out of a fit.
    """
    import pandas as pd

    table, sources, lacking = tables
    kept = from_ledger.table.reset_index(drop=True)
    before = None if champion is None else ledger_rows_of(champion.bundle.arrays)
    old = _typed(before, table) if before is not None else kept.iloc[:0].copy()
    now, then = fingerprints(kept), fingerprints(old)
    present = dict(zip(now, kept[id_column], strict=True))
    # A row keeps its name as long as it holds; numbers of a row that was corrected, or of another ledger, may be taken.
    old[id_column] = [present.get(print_, f"former-{name}") for print_, name in zip(then, old[id_column], strict=True)]
    known = set(then)
    return TrainingSet(
        hash=set_hash(property_name, recipe, sources, from_ledger.content_hash),
        table=pd.concat([part for part in (table, kept) if len(part)], ignore_index=True),
        is_new=np.array([False] * len(table) + [name not in known for name in now], dtype=bool),
        base=pd.concat([part for part in (table, old) if len(part)], ignore_index=True),
        ledger_rows=kept,
        ledger_hash=from_ledger.content_hash,
        sources=[*sources, ledger_source(from_ledger.content_hash, len(kept))] if len(kept) else list(sources),
        lacking=lacking,
        rows_removed=len(known - set(now)),
        remarks=tuple(remarks),
    )


def _typed(stored: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    """Return rows that a bundle kept as text with the types of the table."""
    frame = stored[list(like.columns)].copy()
    for column, dtype in like.dtypes.items():
        if dtype.kind == "b":
            frame[column] = frame[column] == "True"
        elif dtype.kind == "f":
            frame[column] = frame[column].replace("", "nan").astype(float)  # exact, unlike pandas' own reader
        else:
            frame[column] = frame[column].astype(dtype)
    return frame


def set_hash(property_name: str, recipe: Mapping[str, Any], sources: Sequence[DataSource], ledger_hash: str) -> str:
    """Return the hash of a training set: of everything that decides what comes out of a fit."""
    told = {
        "property": property_name,
        "recipe": recipe,
        "tables": sorted((source.name, source.sha256) for source in sources),
        "ledger": ledger_hash,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def ledger_source(ledger_hash: str, n_rows: int) -> DataSource:
    """Return the card's line for the ledger."""
    return DataSource(
        name="ledger",
        rows=n_rows,
        licence=OWN_LICENCE,
        attribution="measured by the users of this installation",
        sha256=ledger_hash,
    )


def is_fitted_on(card: Card, training_set: TrainingSet, recipe: Mapping[str, Any]) -> bool:
    """Whether a model was fitted on this very set: by its hash, or, for a shipped one, by tables and recipe."""
    noted = card.recipe.get("training_set")
    if noted is not None:
        return bool(noted == training_set.hash)
    theirs = {(source.name, source.sha256) for source in card.data}
    ours = {(source.name, source.sha256) for source in training_set.sources if source.name != "ledger"}
    same_recipe = json.dumps(card.recipe, sort_keys=True) == json.dumps(dict(recipe), sort_keys=True)
    return theirs == ours and same_recipe and not len(training_set.ledger_rows)


def changed_tables(card: Card, sources: Sequence[DataSource]) -> list[str]:
    """Return the tables that are not what a model was fitted on."""
    before = {source.name: source.sha256 for source in card.data}
    return [s.name for s in sources if s.name != "ledger" and before.get(s.name) != s.sha256]
