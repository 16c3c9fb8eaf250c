"""Beliefs that share the error of the formation energy: above hull, limits and width of the window, hydrolysis."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from serving.ranking.beliefs import Errors, Source
from serving.ranking.laws import ScoreLaw
from serving.ranking.lookup import COARSE_GRID, look_up

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ResidualEnergy:
    """The formation energy less the energy of the competing mixture, eV/atom: below 0 the compound is stable.

    The calibrated probability of being stable is kept: the distribution of the conformal scores is stretched on
    either side of 0 until the mass below is that probability. Energies of the reference table have no error.

    Parameters
    ----------
    centre, scale
        Shape (n,); a scale of 0 means known.
    probability_stable
        Shape (n,).
    law
        Of the scores.
    """

    centre: Array
    scale: Array
    probability_stable: Array
    law: ScoreLaw
    _taken: dict[bytes, ResidualEnergy] = field(default_factory=dict, repr=False)

    def at_most(self, energy: Array | float) -> Array:
        """Return the probability that the energy lies at or below a value, broadcast with (n,)."""
        p, zero = self._split()
        plain = self.law.cdf((np.asarray(energy) - self.centre) / np.maximum(self.scale, 1e-12))
        lower = p * plain / np.maximum(zero, 1e-300)
        upper = p + (1.0 - p) * (plain - zero) / np.maximum(1.0 - zero, 1e-300)
        of_model = np.clip(np.where(np.asarray(energy) < 0.0, lower, upper), 0.0, 1.0)
        result: Array = np.where(self.scale > 0.0, of_model, np.asarray(energy) >= self.centre)
        return result

    def at(self, level: Array) -> Array:
        """Return the energy at a level of its distribution, shape as the level, broadcast with (n,)."""
        p, zero = self._split()
        stable = level < p
        plain = np.where(
            stable, level / np.maximum(p, 1e-300) * zero,
            zero + (level - p) / np.maximum(1.0 - p, 1e-300) * (1.0 - zero),
        )  # fmt: skip
        energy = self.centre + self.scale * self.law.of_normal(ndtri(np.clip(plain, 1e-12, 1.0 - 1e-12)))
        # on the side of 0 where it belongs, whatever was rounded
        energy = np.where(stable, np.minimum(energy, 0.0), np.maximum(energy, 0.0))
        result: Array = np.where(self.scale > 0.0, energy, self.centre)
        return result

    def of_normal(self, normal: Array) -> Array:
        """Return the energy at the level of a standard normal number, shape (s, n)."""
        return look_up(normal, COARSE_GRID, self.table)

    @cached_property
    def table(self) -> Array:
        """The energy on `COARSE_GRID`, shape (n, k)."""
        return np.ascontiguousarray(self.at(ndtr(COARSE_GRID)[:, None]).T)

    def take(self, rows: NDArray[np.int64]) -> ResidualEnergy:
        """Return the chosen candidates; those who take the same share what is tabulated."""
        key = rows.tobytes()
        if key not in self._taken:
            parts = (self.centre[rows], self.scale[rows], self.probability_stable[rows])
            self._taken.clear()
            self._taken[key] = ResidualEnergy(*parts, self.law)
        return self._taken[key]

    def _split(self) -> tuple[Array, Array]:
        """Return the probability of being stable and the mass of the plain law below 0."""
        return self.probability_stable, self.law.cdf(-self.centre / np.maximum(self.scale, 1e-12))


@dataclass(frozen=True, eq=False)
class AboveHull:
    """Energy above the hull, eV/atom: the residual energy, not below 0."""

    residual: ResidualEnergy
    sources: tuple[Source, ...] = (Source.ENERGY,)

    def values(self, errors: Errors) -> Array:
        """Return values in scenarios, shape (s, n)."""
        return np.maximum(self.residual.of_normal(errors[Source.ENERGY]), 0.0)

    def central(self) -> Array:
        """Return the model's answer."""
        return np.maximum(self.residual.centre, 0.0)

    def take(self, rows: NDArray[np.int64]) -> AboveHull:
        """Return the chosen candidates."""
        return AboveHull(self.residual.take(rows))


@dataclass(frozen=True, eq=False)
class WindowLimit:
    """One limit of the window as the residual energy decides it, with the deviation of published limits.

    A window narrows as the compound's energy rises and is that of the mixture from the hull on, so it is computed at
    a few energies below the hull and interpolated between.

    Parameters
    ----------
    source
        `Source.REDUCTION` or `Source.OXIDATION`.
    residual
        The energy.
    energies, limits
        Residual energies, rising to 0, and limits there, shape (k, n); V against Li/Li+.
    value
        The model's answer, shape (n,).
    error
        Law of the deviations in V.
    """

    source: Source
    residual: ResidualEnergy
    energies: Array
    limits: Array
    value: Array
    error: ScoreLaw

    @property
    def sources(self) -> tuple[Source, ...]:
        """The formation energy, and how far published limits lie from computed ones."""
        return (Source.ENERGY, self.source)

    def computed(self, residual: Array) -> Array:
        """Return the limit at residual energies, shape (s, n)."""
        k = len(self.energies)
        lowest = self.energies[0]
        step = np.maximum(-lowest / max(k - 1, 1), 1e-12)
        place = np.clip((residual - lowest) / step, 0.0, k - 1.0)
        left = np.minimum(place.astype(np.int64), k - 2)
        share = place - left
        columns = np.arange(self.limits.shape[1])
        limit: Array = (1.0 - share) * self.limits[left, columns] + share * self.limits[left + 1, columns]
        return limit

    def values(self, errors: Errors) -> Array:
        """Return values in scenarios, shape (s, n)."""
        computed = look_up(errors[Source.ENERGY], COARSE_GRID, self._table)
        return np.maximum(computed + self.error.of_normal(errors[self.source]), 0.0)

    @cached_property
    def _table(self) -> Array:
        return self.computed(self.residual.table.T).T

    def within_given(self, normal: Array, low: float, high: float) -> Array:
        """Return the probability of lying in a closed interval, given errors of the energy, shape (s, n)."""
        computed = look_up(normal, COARSE_GRID, self._table)
        if high < max(low, 0.0):
            return np.zeros_like(computed)
        below: Array | float = 0.0
        if low > 0.0:
            below = self.error.cdf(np.nextafter(low, -np.inf) - computed)
        return (1.0 if np.isinf(high) else self.error.cdf(high - computed)) - below + np.zeros_like(computed)

    def central(self) -> Array:
        """Return the model's answer."""
        return self.value

    def take(self, rows: NDArray[np.int64]) -> WindowLimit:
        """Return the chosen candidates."""
        return WindowLimit(
            self.source, self.residual.take(rows), self.energies[:, rows], self.limits[:, rows], self.value[rows],
            self.error,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Width:
    """The width of the window in V."""

    reduction: WindowLimit
    oxidation: WindowLimit
    sources: tuple[Source, ...] = (Source.ENERGY, Source.REDUCTION, Source.OXIDATION)

    def values(self, errors: Errors) -> Array:
        """Return values in scenarios, shape (s, n)."""
        return np.maximum(self.oxidation.values(errors) - self.reduction.values(errors), 0.0)

    def central(self) -> Array:
        """Return the difference of the model's answers."""
        return self.oxidation.value - self.reduction.value

    def take(self, rows: NDArray[np.int64]) -> Width:
        """Return the chosen candidates."""
        return Width(self.reduction.take(rows), self.oxidation.take(rows))


@dataclass(frozen=True, eq=False)
class Margin:
    """By how much a limit lies beyond an electrode's potential in V; 0 or more: the electrode lies in the window."""

    limit: WindowLimit
    potential_V: float

    @property
    def sources(self) -> tuple[Source, ...]:
        """Those of the limit."""
        return self.limit.sources

    def values(self, errors: Errors) -> Array:
        """Return values in scenarios, shape (s, n)."""
        return self._signed(self.limit.values(errors))

    def on_limit(self, low: float, high: float) -> tuple[float, float]:
        """Return between which limits the margin lies in a closed interval."""
        if self._upward:
            return self.potential_V + low, self.potential_V + high
        return self.potential_V - high, self.potential_V - low

    def central(self) -> Array:
        """Return the margin of the model's answer."""
        return self._signed(self.limit.value)

    def take(self, rows: NDArray[np.int64]) -> Margin:
        """Return the chosen candidates."""
        return Margin(self.limit.take(rows), self.potential_V)

    @property
    def _upward(self) -> bool:
        return self.limit.source is Source.OXIDATION

    def _signed(self, limit: Array) -> Array:
        return limit - self.potential_V if self._upward else self.potential_V - limit


@dataclass(frozen=True, eq=False)
class Hydrolysis:
    """Energy of the reaction with moist air, eV per H2O; linear in the residual energy, with a normal deviation.

    Parameters
    ----------
    residual
        The energy.
    value
        At the model's central energy, shape (n,).
    slope
        By how much it changes with the residual energy (atoms per molecule of water, below 0), shape (n,).
    sd_eV
        Deviation of published energies.
    """

    residual: ResidualEnergy
    value: Array
    slope: Array
    sd_eV: float
    sources: tuple[Source, ...] = field(default=(Source.ENERGY, Source.WATER))

    def values(self, errors: Errors) -> Array:
        """Return values in scenarios, shape (s, n)."""
        return self._mean(self.residual.of_normal(errors[Source.ENERGY])) + self.sd_eV * errors[Source.WATER]

    def within_given(self, normal: Array, low: float, high: float) -> Array:
        """Return the probability of lying in an interval, given errors of the energy, shape (s, n)."""
        mean = self._mean(self.residual.of_normal(normal))
        probability: Array = np.maximum(ndtr((high - mean) / self.sd_eV) - ndtr((low - mean) / self.sd_eV), 0.0)
        return probability

    def central(self) -> Array:
        """Return the model's answer."""
        return self.value

    def take(self, rows: NDArray[np.int64]) -> Hydrolysis:
        """Return the chosen candidates."""
        return Hydrolysis(self.residual.take(rows), self.value[rows], self.slope[rows], self.sd_eV)

    def _mean(self, residual: Array) -> Array:
        return self.value + self.slope * (residual - self.residual.centre)
