"""How alike two materials are: exponential kernels on distances of composition, chemistry and unit cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.compiling import compiled, is_worth_compiling
from features.featurizers import FEATURIZERS
from features.similarity import half_l1
from training.properties.conductivity.descriptors import Descriptors
from training.properties.conductivity.prototypes import prototypes_of

Array = NDArray[np.float64]

COMPOSITION_KERNELS = ("composition", "blurred_composition", "chemistry", "stoichiometry")
LATTICE_KERNELS = (*COMPOSITION_KERNELS, "crystal")
_ROUNDING = 1e-9
_TABLE = (np.float64, 2)
_COLUMNS_ABREAST = 4
_WORTH_COMPILING = 300_000
"""Pairs that take scipy 10 ms; importing numba takes 400 ms once."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Means and standard deviations that bring features to a common scale, from the training materials."""

    mean: Array
    deviation: Array

    @classmethod
    def of(cls, features: Array) -> Scaling:
        """Take the scale of features of shape (n, d), NaN left out."""
        if not np.isfinite(features).any():
            return cls(np.zeros(features.shape[1]), np.ones(features.shape[1]))
        deviation = np.nanstd(features, axis=0)
        return cls(np.nanmean(features, axis=0), np.where(deviation > 1e-9, deviation, 1.0))

    def __call__(self, features: Array) -> Array:
        """Return scaled features, clipped at 5 standard deviations so that an exotic value stays comparable."""
        scaled: Array = np.clip((features - self.mean) / self.deviation, -5.0, 5.0)
        return scaled


@dataclass(frozen=True, eq=False)
class TrainingMaterials:
    """Training materials, ready for distances to them."""

    descriptors: Descriptors
    chemistry_scaling: Scaling
    order_scaling: Scaling
    crystal_scaling: Scaling
    prototype: NDArray[np.int8]

    @classmethod
    def of(cls, descriptors: Descriptors) -> TrainingMaterials:
        """Take materials and the scale of their features."""
        return cls(
            descriptors,
            Scaling.of(descriptors.chemistry),
            Scaling.of(_order(descriptors)),
            Scaling.of(descriptors.crystal),
            prototypes_of(descriptors.composition),
        )

    @cached_property
    def _chemistry_points(self) -> Array:
        return _points(self.chemistry_scaling(self.descriptors.chemistry))

    @cached_property
    def _order_points(self) -> Array:
        return _points(self.order_scaling(_order(self.descriptors)))

    @cached_property
    def _crystal_points(self) -> Array:
        return _points(self.crystal_scaling(self.descriptors.crystal))

    @cached_property
    def _blurred_columns(self) -> Array:
        return _columns(self.descriptors.blurred_composition)

    def same_prototype(self, other: Descriptors) -> NDArray[np.bool_]:
        """Return whether stoichiometry suggests the same structure, shape (len(other), len(self))."""
        same: NDArray[np.bool_] = prototypes_of(other.composition)[:, None] == self.prototype[None, :]
        return same

    def distances(self, other: Descriptors, kernels: tuple[str, ...]) -> list[Array]:
        """Return one matrix of distances (len(other), len(self)) per kernel; NaN where a lattice is missing."""
        return [self._distance(other, name) for name in kernels]

    def _distance(self, other: Descriptors, kernel: str) -> Array:
        own = self.descriptors
        if kernel == "composition":
            return half_l1(other.composition, own.composition)
        if kernel == "blurred_composition":
            return _l1(other.blurred_composition, own.blurred_composition, self._blurred_columns)
        if kernel == "chemistry":
            return _rms(self.chemistry_scaling(other.chemistry), self._chemistry_points)
        if kernel == "stoichiometry":
            return _rms(self.order_scaling(_order(other)), self._order_points)
        if kernel == "crystal":
            return _rms(self.crystal_scaling(other.crystal), self._crystal_points)
        raise KeyError(f"no kernel '{kernel}'; there are: {', '.join(LATTICE_KERNELS)}")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores; blurred composition and prototypes are derived again on loading."""
        return {
            "composition": self.descriptors.composition,
            "chemistry": self.descriptors.chemistry,
            "stoichiometry": self.descriptors.stoichiometry,
            "crystal": self.descriptors.crystal,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TrainingMaterials:
        """Rebuild from `arrays()`."""
        from training.properties.conductivity.descriptors import element_similarity

        composition = arrays["composition"]
        return cls.of(
            Descriptors(
                composition,
                composition @ element_similarity(),
                arrays["chemistry"],
                arrays["stoichiometry"],
                arrays["crystal"],
            )
        )


def _order(descriptors: Descriptors) -> Array:
    """Return what tells an ordered compound from a doped or mixed one, shape (n, 6)."""
    labels = FEATURIZERS["chemistry"].labels
    mixing = [labels.index(name) for name in ("anion_mixing_entropy", "framework_mixing_entropy")]
    return np.hstack([descriptors.stoichiometry, descriptors.chemistry[:, mixing]])


def _columns(table: Array) -> Array:
    """Return a table as `_sum_differences` reads it: its columns as rows, a whole number of groups of them."""
    columns = np.zeros((table.shape[1] + -table.shape[1] % _COLUMNS_ABREAST, len(table)))
    columns[: table.shape[1]] = table.T
    return columns


def _l1(first: Array, second: Array, columns: Array) -> Array:
    """Return half the L1 distances; `columns` are those of the second table."""
    if is_worth_compiling(len(first) * len(second), _WORTH_COMPILING):
        distance = np.empty((len(first), len(second)))
        compiled(_sum_differences, (_TABLE, _TABLE), _TABLE, reorders_sums=True)(
            np.ascontiguousarray(_columns(first).T), columns, distance
        )
    else:
        from scipy.spatial.distance import cdist

        distance = cdist(first, second, "cityblock")
    distance *= 0.5
    return distance


def _sum_differences(first: Array, columns: Array, distance: Array) -> None:
    """Write the L1 distances of all pairs of rows, in plain loops for numba; `columns` is the second table, transposed.

    Four columns at a time: the distances are read and written a quarter as often.
    """
    for row in range(len(first)):
        total, own = distance[row], first[row]
        total[:] = 0.0
        for c in range(0, len(own), _COLUMNS_ABREAST):
            x0, x1, x2, x3 = own[c], own[c + 1], own[c + 2], own[c + 3]
            y0, y1, y2, y3 = columns[c], columns[c + 1], columns[c + 2], columns[c + 3]
            for j in range(len(total)):
                total[j] += abs(x0 - y0[j]) + abs(x1 - y1[j]) + abs(x2 - y2[j]) + abs(x3 - y3[j])


def _points(points: Array) -> Array:
    """Return points, shape (m, d), as `_rms` multiplies by them: a product adds the squared norms too."""
    whole: Array = np.vstack([-2.0 * points.T, np.ones(len(points)), (points**2).sum(axis=1)])
    whole /= points.shape[1]
    return whole


def _rms(first: Array, second: Array) -> Array:
    """Return root mean square differences to `_points`."""
    width = first.shape[1]
    squared: Array = np.column_stack([first, (first**2).sum(axis=1), np.ones(len(first))]) @ second
    squared[squared < _ROUNDING / width] = 0.0  # the root would turn 1e-14 into 1e-7, another one in every batch
    np.sqrt(squared, out=squared)
    return squared
