"""The public tables of elastic moduli of computed crystals, polymorphs as rows of their own.

Matbench v0.1 (`training.crystals`); Voigt-Reuss-Hill means of elastic tensors: de Jong et al., Sci. Data 2, 150009
(2015), doi 10.1038/sdata.2015.9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.crystals import GAP, Crystals, read_targets
from training.formula_tables import Expected
from training.sources import require
from training.tables import TableError, Violation

Array = NDArray[np.float64]
SHEAR, BULK = "matbench_log10_G_VRH", "matbench_log10_K_VRH"
SOURCE_KEYS = (SHEAR, BULK, GAP)


@dataclass(frozen=True, eq=False)
class ModuliTable:
    """Shear and bulk moduli of the same crystals, decimal logarithms of GPa, shape (n,)."""

    crystals: Crystals
    log10_shear_GPa: Array
    log10_bulk_GPa: Array

    def take(self, rows: NDArray[np.int64]) -> ModuliTable:
        """Return some of the crystals."""
        return ModuliTable(self.crystals.take(rows), self.log10_shear_GPa[rows], self.log10_bulk_GPa[rows])


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
    shear = read_targets(SHEAR, Expected("the decimal logarithm of a shear modulus in GPa", 0.0, 3.5))
    bulk = read_targets(BULK, Expected("the decimal logarithm of a bulk modulus in GPa", 0.0, 3.5))
    if [row.formula for row in shear] != [row.formula for row in bulk]:
        place = Violation(None, "", "formula", "", f"the same crystals in the same order as {SHEAR}")
        raise TableError(BULK, (place,))
    return ModuliTable(
        Crystals.of(shear), np.array([row.target for row in shear]), np.array([row.target for row in bulk])
    )
