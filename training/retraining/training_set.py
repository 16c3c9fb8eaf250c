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

if TYPE_CHECKING:
    import pandas as pd

OWN_LICENCE = "own measurements"


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
