"""How near a composition is to a simple, ordered compound.

Charge carriers come from off-stoichiometry: Li3PO4 and Li4GeO4 insulate, their mixed crystals conduct decades better.
A doped composition lies between simple integer formulas, an ordered end member is one; distances of atomic fractions
alone do not show the difference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch

Array = NDArray[np.float64]

LARGEST_FORMULA = 40
SIZES = (9, 14, 24)
TOLERATED_ATOMS = 0.04
"""Atoms per formula unit (half the L1 difference) by which a composition may miss the integer formula it has."""
LARGEST_DISTANCE = 0.3
_ROWS_PER_BLOCK = 256

LABELS = ("log2_smallest_formula_atoms", *(f"distance_to_compound_of_{size}_atoms" for size in SIZES))


class StoichiometryFeaturizer:
    """Size of the smallest integer formula, and distances to the nearest compounds of few atoms."""

    version = "1"

    @property
    def labels(self) -> tuple[str, ...]:
        """Column names."""
        return LABELS

    def __call__(self, batch: MaterialBatch) -> Array:
        """Return the features, shape (n, 4).

        The first is log2 of the atoms in the smallest formula with integer amounts, up to 40 (log2 of 50 where there
        is none); the others are half the L1 distance of atomic fractions to the nearest compound of at most 9, 14
        and 24 atoms that holds every element, capped at 0.3.
        """
        fraction = batch.fraction.round(12)  # equal compositions must meet the halves and limits below alike
        out = np.empty((len(fraction), len(LABELS)))
        for start in range(0, len(fraction), _ROWS_PER_BLOCK):
            out[start : start + _ROWS_PER_BLOCK] = _of_block(fraction[start : start + _ROWS_PER_BLOCK])
        return out


def _of_block(fraction: Array) -> Array:
    """Try all formula sizes at once, the sizes along the first axis."""
    atoms = np.arange(2.0, LARGEST_FORMULA + 1)[:, None, None]
    amounts = np.where(fraction > 0, np.maximum(np.rint(fraction * atoms), 1.0), 0.0)
    total = amounts.sum(axis=2)
    distance = 0.5 * np.abs(fraction - amounts / total[:, :, None]).sum(axis=2)
    has_it = distance * total < TOLERATED_ATOMS
    smallest = np.where(has_it, total, LARGEST_FORMULA + 10.0).min(axis=0, initial=LARGEST_FORMULA + 10.0)
    nearest = [np.where(total <= size, distance, LARGEST_DISTANCE).min(axis=0) for size in SIZES]
    return np.column_stack([np.log2(smallest), *(np.minimum(best, LARGEST_DISTANCE) for best in nearest)])
