"""What the members of the ensemble see of a material, computed once per batch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import element_table
from features.featurizers import FEATURIZERS

Array = NDArray[np.float64]

SIMILARITY_LENGTH = 6.0
"""Distance on the Mendeleev number over which elements count as alike (Pettifor's chemical scale, one column is about
ten numbers)."""


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Materials as arrays; row i is material i.

    Parameters
    ----------
    composition
        Shape (n, 103), atomic fractions.
    blurred_composition
        Shape (n, 103), atomic fractions shared out among chemically similar elements.
    chemistry
        Shape (n, 50), `features.chemistry`.
    stoichiometry
        Shape (n, 4), `features.stoichiometry`.
    crystal
        Shape (n, 12), `features.crystal`, NaN where no lattice is known.
    """

    composition: Array
    blurred_composition: Array
    chemistry: Array
    stoichiometry: Array
    crystal: Array

    def __len__(self) -> int:
        return len(self.composition)

    @classmethod
    def of(cls, batch: MaterialBatch) -> Descriptors:
        """Compute the descriptors of a batch."""
        composition = batch.matrix()
        return cls(
            composition,
            composition @ element_similarity(),
            FEATURIZERS["chemistry"](batch),
            FEATURIZERS["stoichiometry"](batch),
            FEATURIZERS["crystal"](batch),
        )

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Descriptors:
        """Return the chosen rows."""
        return Descriptors(*(getattr(self, field.name)[rows] for field in fields(self)))

    def distinct(self, *, with_lattice: bool) -> tuple[Descriptors, NDArray[np.int64]]:
        """Return the distinct materials, and for each row the number of its material.

        Parameters
        ----------
        with_lattice
            Whether materials of one composition and different unit cells are different.
        """
        key = np.hstack([self.composition, np.nan_to_num(self.crystal)]) if with_lattice else self.composition
        _, first, inverse = np.unique(np.round(key, 6), axis=0, return_index=True, return_inverse=True)
        return self.take(first), inverse.reshape(-1)

    @property
    def has_lattice(self) -> NDArray[np.bool_]:
        """Whether a lattice is known, shape (n,)."""
        known: NDArray[np.bool_] = np.asarray(np.isfinite(self.crystal).all(axis=1))
        return known


@cache
def element_similarity() -> Array:
    """Return how much of an element counts as another, shape (103, 103), rows summing to one."""
    number = element_table()["MendeleevNumber"]
    similarity = np.exp(-np.abs(number[:, None] - number[None, :]) / SIMILARITY_LENGTH)
    share: Array = similarity / similarity.sum(axis=1, keepdims=True)
    return share
