"""The public tables of computed crystals: compositions with polymorphs as rows of their own, and PBE band gaps.

Matbench v0.1, Dunn et al., npj Comput. Mater. 6, 138 (2020), doi 10.1038/s41524-020-00406-3, of Materials Project data
(CC BY 4.0). Formulas are of whole crystals, so amounts count as they are written: nothing in them is a slip. Which of
the polymorphs is the stable one the tables do not say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, MaterialBatch
from features.formula_terms import plain_amounts
from training.formula_tables import Expected, FormulaTarget, read_formula_targets
from training.sources import locate, require
from training.thermodynamics.phases import PhaseTable, rows_of_compositions

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
GAP, MEASURED_GAP = "matbench_mp_gap", "matbench_expt_gap"
_EXPECTED_GAP = Expected("a band gap in eV", 0.0, 20.0)
MATBENCH_DOI = "10.1038/s41524-020-00406-3"
_SAME_FRACTION_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Crystals:
    """Computed crystals by composition, in the order of the table.

    Attributes
    ----------
    formula
        As the table spells it.
    batch
        Compositions; no cells.
    composition, system
        Which rows are of one composition, and which of one set of elements, shape (n,): labels from 0 up.
    """

    formula: tuple[str, ...]
    batch: MaterialBatch
    composition: Labels
    system: Labels

    def __len__(self) -> int:
        """Return the number of crystals."""
        return len(self.formula)

    def take(self, rows: NDArray[np.int64]) -> Crystals:
        """Return some of the crystals, with the labels that they had."""
        formula = tuple(self.formula[row] for row in rows.tolist())
        return Crystals(formula, self.batch.take(rows), self.composition[rows], self.system[rows])

    @classmethod
    def of(cls, rows: list[FormulaTarget]) -> Crystals:
        """Lay the compositions of a table out."""
        batch = MaterialBatch.from_candidates([Candidate(row.formula, row.amounts) for row in rows])
        held = batch.matrix()
        composition = np.unique(held.round(_SAME_FRACTION_DECIMALS), axis=0, return_inverse=True)[1].reshape(-1)
        system = np.unique(held > 0, axis=0, return_inverse=True)[1].reshape(-1)
        return cls(tuple(row.formula for row in rows), batch, composition, system)


@dataclass(frozen=True, eq=False)
class GapTable:
    """PBE band gaps in eV, 0 for metals, shape (n,)."""

    crystals: Crystals
    band_gap_eV: Array


def read_targets(key: str, expected: Expected) -> list[FormulaTarget]:
    """Read a table of the catalogue; raises `MissingSourceError` or `TableError`."""
    return read_formula_targets(locate(key), expected, plain_amounts)


def read_measured_gaps() -> tuple[MaterialBatch, Array]:
    """Read measured band gaps: compositions and eV, 0 for metals, shape (n,); no model is fitted on them.

    Raises
    ------
    MissingSourceError
        If the file is not in the data folder.
    TableError
        If a cell is no formula or no gap.
    """
    require((MEASURED_GAP,), "comparing computed band gaps with measured ones")
    rows = read_targets(MEASURED_GAP, _EXPECTED_GAP)
    return Crystals.of(rows).batch, np.array([row.target for row in rows])


def read_gaps() -> GapTable:
    """Read the computed band gaps.

    Raises
    ------
    MissingSourceError
        If the file is not in the data folder.
    TableError
        If a cell is no formula or no gap.
    """
    require((GAP,), "fitting or scoring band gaps")
    rows = read_targets(GAP, _EXPECTED_GAP)
    return GapTable(Crystals.of(rows), np.array([row.target for row in rows]))


def middle_gap(lower_middle_eV: Array, upper_middle_eV: Array) -> Array:
    """Return the middle gap of polymorphs: their median, and 0 where at least half of them are metals."""
    middle: Array = np.where(lower_middle_eV > 0, (lower_middle_eV + upper_middle_eV) / 2, 0.0)
    return middle


def with_band_gaps(phases: PhaseTable, gaps: GapTable) -> PhaseTable:
    """Return a table of phases with the middle gap of the polymorphs of each compound that the table of gaps holds."""
    order = np.lexsort((gaps.band_gap_eV, gaps.crystals.composition))
    first = np.flatnonzero(np.diff(gaps.crystals.composition[order], prepend=-1))
    count = np.diff(np.append(first, len(order)))
    gap = gaps.band_gap_eV[order]
    batch = gaps.crystals.batch.take(order[first])
    row = rows_of_compositions(phases, np.where(batch.fraction > 0, batch.element_index + 1, 0), batch.fraction)
    of_row = np.full(len(phases), np.nan)
    held = row >= 0
    of_row[row[held]] = middle_gap(gap[first + (count - 1) // 2], gap[first + count // 2])[held]
    return phases.with_band_gaps(of_row[phases.row_of_input])
