"""What is believed about one objective's quantity, for n candidates at once.

A belief turns standard normal numbers into values: every source of error (`Source`) has one number a candidate and a
scenario, and quantities that depend on the same source share it. That is where correlations come from:

- conductivities at several temperatures share one error, critical currents under several conditions share one;
- energy above hull, limits of the window and hydrolysis share the error of the formation energy;
- everything else is taken to be independent, given the composition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serving.ranking.laws import ScoreLaw

Array = NDArray[np.float64]
Errors = Mapping["Source", Array]
"""Standard normal numbers of each source, shape (s, n); the larger, the larger the quantity."""


class Source(StrEnum):
    """Where an error comes from."""

    SIGMA = "conductivity"
    ACTIVATION = "activation energy"
    ENERGY = "formation energy"
    REDUCTION = "computed reduction limits against published ones"
    OXIDATION = "computed oxidation limits against published ones"
    CCD = "critical current density"
    WATER = "computed hydrolysis energies against published ones"
    DENSITY = "estimated density"


class Belief(Protocol):
    """A distribution for each of n candidates; NaN where nothing can be said."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """What it depends on."""

    def values(self, errors: Errors) -> Array:
        """Return values in scenarios, shape (s, n)."""

    def central(self) -> Array:
        """Return what the model answers, shape (n,)."""

    def take(self, rows: NDArray[np.int64]) -> Belief:
        """Return the chosen candidates."""


@dataclass(frozen=True, eq=False)
class Known:
    """A number without uncertainty, shape (n,)."""

    value: Array
    sources: tuple[Source, ...] = ()

    def values(self, errors: Errors) -> Array:
        """Return the number, shape (1, n)."""
        return self.value[None]

    def central(self) -> Array:
        """Return the number."""
        return self.value

    def take(self, rows: NDArray[np.int64]) -> Known:
        """Return the chosen candidates."""
        return Known(self.value[rows])


@dataclass(frozen=True, eq=False)
class Conformal:
    """A centre with a scale on either side, in units of which scores are distributed.

    Parameters
    ----------
    source
        Of the error.
    centre, below, above
        Shape (n,).
    laws
        One or more laws.
    which
        Which of them is a candidate's, shape (n,).
    floor
        Values do not fall below it.
    """

    source: Source
    centre: Array
    below: Array
    above: Array
    laws: tuple[ScoreLaw, ...]
    which: NDArray[np.int64]
    floor: float = -np.inf

    @property
    def sources(self) -> tuple[Source, ...]:
        """The one source."""
        return (self.source,)

    def values(self, errors: Errors) -> Array:
        """Return values in scenarios, shape (s, n)."""
        score = self._by_law("of_normal", errors[self.source])
        return np.maximum(self.centre + score * np.where(score >= 0.0, self.above, self.below), self.floor)

    def central(self) -> Array:
        """Return the centres."""
        return self.centre

    def at_most(self, value: float) -> Array:
        """Return the probability of lying at or below a value, shape (n,)."""
        apart = value - self.centre
        score = apart / np.maximum(np.where(apart >= 0.0, self.above, self.below), 1e-12)
        probability = self._by_law("cdf", np.where(np.isnan(score), 0.0, score)[None])[0]
        return np.where(np.isnan(self.centre), np.nan, np.where(value < self.floor, 0.0, probability))

    def take(self, rows: NDArray[np.int64]) -> Conformal:
        """Return the chosen candidates."""
        parts = (self.centre[rows], self.below[rows], self.above[rows])
        return Conformal(self.source, *parts, self.laws, self.which[rows], self.floor)

    def _by_law(self, what: str, numbers: Array) -> Array:
        if len(self.laws) == 1:
            only: Array = getattr(self.laws[0], what)(numbers)
            return only
        out = np.empty_like(numbers)
        for place, law in enumerate(self.laws):
            columns = self.which == place
            out[:, columns] = getattr(law, what)(numbers[:, columns])
        return out
