"""The public tables: elastic moduli and PBE band gaps of computed crystals, polymorphs as rows of their own.

Matbench v0.1, Dunn et al., npj Comput. Mater. 6, 138 (2020), doi 10.1038/s41524-020-00406-3, of Materials Project data
(CC BY 4.0). Moduli are Voigt-Reuss-Hill means of elastic tensors: de Jong et al., Sci. Data 2, 150009 (2015), doi
10.1038/sdata.2015.9. Formulas are of whole crystals, so amounts count as they are written: nothing in them is a slip.
Which of the polymorphs is the stable one the tables do not say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.candidate import Candidate, MaterialBatch
from features.formula_terms import plain_amounts
from training.formula_tables import Expected, FormulaTarget, read_formula_targets
from training.sources import locate, require
from training.tables import TableError, Violation

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
SHEAR, BULK, GAP = "matbench_log10_G_VRH", "matbench_log10_K_VRH", "matbench_mp_gap"
SOURCE_KEYS = (SHEAR, BULK, GAP)
REFERENCE_DOI = "10.1038/s41524-020-00406-3"
_EXPECTED = {
    SHEAR: Expected("the decimal logarithm of a shear modulus in GPa", 0.0, 3.5),
    BULK: Expected("the decimal logarithm of a bulk modulus in GPa", 0.0, 3.5),
    GAP: Expected("a band gap in eV", 0.0, 20.0),
}
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

    @classmethod
    def of(cls, rows: list[FormulaTarget]) -> Crystals:
        """Lay the compositions of a table out."""
        batch = MaterialBatch.from_candidates([Candidate(row.formula, row.amounts) for row in rows])
        held = batch.matrix()
        composition = np.unique(held.round(_SAME_FRACTION_DECIMALS), axis=0, return_inverse=True)[1].reshape(-1)
        system = np.unique(held > 0, axis=0, return_inverse=True)[1].reshape(-1)
        return cls(tuple(row.formula for row in rows), batch, composition, system)


@dataclass(frozen=True, eq=False)
class ModuliTable:
    """Shear and bulk moduli of the same crystals, decimal logarithms of GPa, shape (n,)."""

    crystals: Crystals
    log10_shear_GPa: Array
    log10_bulk_GPa: Array


@dataclass(frozen=True, eq=False)
class GapTable:
    """PBE band gaps in eV, 0 for metals, shape (n,)."""

    crystals: Crystals
    band_gap_eV: Array


def read_moduli() -> ModuliTable:
    """Read the elastic moduli.

    Raises
    ------
    MissingSourceError
        If a file is not in the data folder.
    TableError
        If a cell is no formula or no modulus, or the two files do not list the same crystals.
    """
    require((SHEAR, BULK), "fitting or scoring elastic moduli")
    shear, bulk = _rows(SHEAR), _rows(BULK)
    if [row.formula for row in shear] != [row.formula for row in bulk]:
        place = Violation(None, "", "formula", "", f"the same crystals in the same order as {SHEAR}")
        raise TableError(BULK, (place,))
    return ModuliTable(
        Crystals.of(shear), np.array([row.target for row in shear]), np.array([row.target for row in bulk])
    )


def read_gaps() -> GapTable:
    """Read the band gaps.

    Raises
    ------
    MissingSourceError
        If the file is not in the data folder.
    TableError
        If a cell is no formula or no gap.
    """
    require((GAP,), "fitting or scoring band gaps")
    rows = _rows(GAP)
    return GapTable(Crystals.of(rows), np.array([row.target for row in rows]))


def _rows(key: str) -> list[FormulaTarget]:
    return read_formula_targets(locate(key), _EXPECTED[key], plain_amounts)
