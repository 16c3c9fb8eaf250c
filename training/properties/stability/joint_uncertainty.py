"""How uncertain the stability nets are of many compounds together: their disagreement, shared by alike compositions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.similarity import half_l1

Array = NDArray[np.float64]
ENERGY_NOISE_eV_PER_ATOM = 0.02
"""Of a computed formation energy: some ten meV per atom between functionals (docs/science/stability.md)."""


class NetUncertainty:
    """Disagreement of the nets as a covariance that falls with the distance of compositions.

    Parameters
    ----------
    composition
        Shape (n, 103), atomic fractions.
    spread_eV_per_atom
        Shape (n,), standard deviation over the nets; 0 where the energy is known.
    length
        Distance (half L1) over which disagreement is shared: the model's radius.
    """

    def __init__(self, composition: Array, spread_eV_per_atom: Array, length: float) -> None:
        self._composition, self._spread, self._length = composition, spread_eV_per_atom, length

    @property
    def noise_variance(self) -> float:
        """Variance of a computed energy, eV/atom squared."""
        return ENERGY_NOISE_eV_PER_ATOM**2

    def variance(self) -> Array:
        """Return the variance of each compound, shape (n,)."""
        variance: Array = self._spread**2
        return variance

    def covariance(self, points: NDArray[np.int64]) -> Array:
        """Return the covariance of all compounds with some, shape (n, len(points))."""
        likeness = np.exp(-half_l1(self._composition, self._composition[points]) / self._length)
        covariance: Array = likeness * self._spread[:, None] * self._spread[points]
        return covariance
