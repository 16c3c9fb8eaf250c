"""What is known already: the training tables and what the ledger holds, ready to be compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, MaterialBatch
from training.measurements.cells import read_material
from training.measurements.columns import BOUND, FORMULA, TEMPERATURE, Contents
from training.splits import paper_keys

if TYPE_CHECKING:
    import pandas as pd

    from training.measurements.entries import Entry

Array = NDArray[np.float64]

SAME_COMPOSITION = 0.005
"""Half-L1 distance of atomic fractions up to which two formulas are one composition."""


@dataclass(frozen=True, slots=True)
class Known:
    """Measurements to compare with; every array has length n.

    Parameters
    ----------
    fractions
        Atomic fractions, shape (n, elements); a row of zeros where no formula is known.
    value
        log10 of the measured quantity, NaN where there is none.
    temperature_C
        NaN where not given.
    is_bound
        Whether the value is a bound.
    label
        What a reader may look up.
    formulas
        As the table has them, "" where no formula is known.
    papers
        Paper key to where it is known from; papers of the ledger itself are not among them.
    lacking
        What could not be compared with, in words; "" if everything was at hand.
    beside
        Further columns by name: numbers, NaN where not given, or texts, "" where unknown or of no use.
    """

    fractions: Array
    value: Array
    temperature_C: Array
    is_bound: NDArray[np.bool_]
    label: tuple[str, ...]
    formulas: tuple[str, ...]
    papers: dict[str, str]
    lacking: str = ""
    beside: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def and_ledger(self, entries: Sequence[Entry], measured: str) -> Known:
        """Return the same with what a ledger holds."""
        if not entries:
            return self
        contents = [entry.content or {} for entry in entries]
        formulas = tuple(str(content.get(FORMULA, "")) for content in contents)

        def numbers(column: str) -> Array:
            return np.array([float(content.get(column, np.nan)) for content in contents], dtype=np.float64)

        def more(column: str, known: NDArray[Any]) -> NDArray[Any]:
            texts = [str(content.get(column, "")) for content in contents]
            return np.concatenate([known, numbers(column) if known.dtype.kind == "f" else np.array(texts)])

        return replace(
            self,
            fractions=np.vstack([self.fractions, fractions_of(formulas)]),
            value=np.concatenate([self.value, np.log10(numbers(measured))]),
            temperature_C=np.concatenate([self.temperature_C, numbers(TEMPERATURE)]),
            is_bound=np.concatenate([self.is_bound, np.array([BOUND in content for content in contents])]),
            label=self.label + tuple(f"entry {entry.entry} of the ledger" for entry in entries),
            formulas=self.formulas + formulas,
            beside={column: more(column, known) for column, known in self.beside.items()},
        )

    def neighbours(self, contents: Sequence[Contents]) -> list[list[int]]:
        """Return, per measurement, the known ones of the same composition; none where no formula is given."""
        from scipy.spatial import cKDTree

        formulas = [str(content.get(FORMULA, "")) for content in contents]
        unique = sorted(set(formulas))
        if not unique or not len(self.fractions):
            return [[] for _ in formulas]
        tree = cKDTree(self.fractions)
        found = tree.query_ball_point(fractions_of(unique), r=2.0 * SAME_COMPOSITION + 1e-9, p=1.0, return_sorted=True)
        of = {formula: rows if formula else [] for formula, rows in zip(unique, found, strict=True)}
        return [of[formula] for formula in formulas]


@dataclass(frozen=True, slots=True)
class MeasuredMaterials:
    """Materials that were measured before, whatever was measured.

    Parameters
    ----------
    fractions
        Atomic fractions, shape (n, elements).
    formulas
        Length n.
    """

    fractions: Array
    formulas: tuple[str, ...]

    @property
    def elements(self) -> NDArray[np.bool_]:
        """Elements that at least one of them holds, shape (elements,)."""
        return np.asarray(self.fractions.any(axis=0))

    def nearest(self, fractions: Array, usual: float) -> tuple[Array, list[str]]:
        """Return half the L1 distance to the nearest of them, shape (n,), and which that is.

        Parameters
        ----------
        fractions
            Shape (n, elements).
        usual
            Up to this distance the search is quick.
        """
        from scipy.spatial import cKDTree

        tree = cKDTree(self.fractions)
        distance, index = tree.query(fractions, p=1.0, distance_upper_bound=2.0 * usual + 1e-9)
        far = np.isinf(distance)
        if far.any():
            distance[far], index[far] = tree.query(fractions[far], p=1.0)
        return distance / 2.0, [self.formulas[i] for i in index]


def fractions_of(formulas: Sequence[str]) -> Array:
    """Return atomic fractions, shape (n, elements); zeros for an empty formula."""
    written = [row for row, formula in enumerate(formulas) if formula]
    candidates = [read_material(formulas[row]).candidate for row in written] or [Candidate("Li", {"Li": 1.0})]
    some = MaterialBatch.from_candidates(candidates).matrix()
    matrix = np.zeros((len(formulas), some.shape[1]))
    if written:
        matrix[written] = some
    return matrix


def papers_of(table: pd.DataFrame, name_column: str, table_name: str) -> dict[str, str]:
    """Return the papers of a table by their keys, and in words where each stands."""
    cells = zip(table["doi"], table[name_column], strict=True)
    return {key: f"{table_name}, row {row}" for doi, row in cells for key in paper_keys(doi)}
