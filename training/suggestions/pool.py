"""Candidates as points of a joint uncertainty, from which suggestions of what to measure are chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.similarity import half_l1
from training.suggestions.greedy import Uncertainty

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Familiarity = tuple[Array, Array, Flags]

NO_NUMBER = "the model gives no number for it"
REACH = 0.28
"""Half-L1 distance over which uncertainty is shared where no property says it: that of formulas and conductivity."""
NOISE_SHARE = 0.5
"""Share of a variance that is taken for that of a measurement where no property says it."""


class UnsuitableReferenceError(ValueError):
    """A property has no materials of a domain whose uncertainty could be made to fall."""

    def __init__(self) -> None:
        super().__init__("--about domain is for conductivity; the others teach about the candidates")


@dataclass(frozen=True)
class DesignPool:
    """Points, the n candidates first, materials of the domain after them where they were asked for.

    Parameters
    ----------
    uncertainty
        Of all points together.
    n_points
        How many.
    possible
        Shape (n,), whether the model can judge a candidate.
    disagreement
        Shape (n,), of members of the model; in `unit`.
    unit
        Of standard deviations.
    familiarity
        Returns distances of the candidates to the known, radii, and whether each is in the domain; shape (n,) each.
    why_not
        What is wrong with candidates that are not possible.
    """

    uncertainty: Uncertainty
    n_points: int
    possible: Flags
    disagreement: Array
    unit: str
    familiarity: Callable[[], Familiarity]
    why_not: tuple[str, ...] = ()

    def reasons(self) -> dict[str, int]:
        """Return why candidates cannot be suggested, and how many."""
        return dict(Counter(self.why_not))


class SharedUncertainty:
    """Standard deviations of compositions as a covariance that falls with their distance.

    Parameters
    ----------
    composition
        Shape (n, 103), atomic fractions.
    sd
        Shape (n,); 0 where the value is known.
    length
        Distance (half L1) over which uncertainty is shared.
    noise_variance
        Of a measurement around the true value.
    """

    def __init__(self, composition: Array, sd: Array, length: float, noise_variance: float) -> None:
        self._composition, self._sd, self._length, self.noise_variance = composition, sd, length, noise_variance

    def variance(self) -> Array:
        """Return the variance of each composition, shape (n,)."""
        variance: Array = self._sd**2
        return variance

    def covariance(self, points: NDArray[np.int64]) -> Array:
        """Return the covariance of all compositions with some, shape (n, len(points))."""
        likeness = np.exp(-half_l1(self._composition, self._composition[points]) / self._length)
        covariance: Array = likeness * self._sd[:, None] * self._sd[points]
        return covariance
