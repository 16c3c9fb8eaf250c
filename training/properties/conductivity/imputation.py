"""A unit cell for materials that come without one, so that 'has a lattice' cannot become a feature.

Hot-deck imputation: a material without a cell borrows the crystal descriptors of the nearest composition that has
one, when that is near (a doped argyrodite has an argyrodite's cell), and otherwise the median of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.similarity import half_l1
from training.properties.conductivity.descriptors import Descriptors

Array = NDArray[np.float64]
LARGEST_DONOR_DISTANCE = 0.15


@dataclass(frozen=True, slots=True)
class HotDeck:
    """Materials whose cell is known: compositions (m, 103) and crystal descriptors (m, 12); m may be 0."""

    composition: Array
    crystal: Array

    @classmethod
    def of(cls, descriptors: Descriptors) -> HotDeck:
        """Take the donors among training materials."""
        known = descriptors.has_lattice
        return cls(descriptors.composition[known], descriptors.crystal[known])

    def crystal_descriptors(self, descriptors: Descriptors) -> Array:
        """Return crystal descriptors without gaps, shape (n, 12)."""
        filled = descriptors.crystal.copy()
        missing = np.flatnonzero(~descriptors.has_lattice)
        if not len(missing):
            return filled
        if not len(self.composition):
            filled[missing] = 0.0
            return filled
        distance = half_l1(descriptors.composition[missing], self.composition)
        nearest = distance.argmin(axis=1)
        near = distance.min(axis=1) <= LARGEST_DONOR_DISTANCE
        filled[missing] = np.where(near[:, None], self.crystal[nearest], np.median(self.crystal, axis=0))
        return filled

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {"composition": self.composition, "crystal": self.crystal}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> HotDeck:
        """Rebuild from `arrays()`."""
        return cls(arrays["composition"], arrays["crystal"])
