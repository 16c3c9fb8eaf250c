"""What the nets are told about a composition: its elements, the hull of other phases there, and its relatives.

The hull at a composition is the reference from which its formation energy is predicted. It holds the chemical
potentials of the elements and the competing products with their amounts, and never the compound itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.featurizers import FEATURIZERS
from training.properties.stability.neighbours import Prototypes, nearest
from training.thermodynamics.hull import NO_PHASE, equilibria
from training.thermodynamics.phases import PhaseTable

DESCRIPTOR_VERSION = 2  # raise it when a net would see other numbers: checkpoints of older ones are then left alone
N_NEIGHBOURS = 12
PRODUCT_SCALARS = 5
NEIGHBOUR_SCALARS = 4
ENERGY_LIMIT_eV_PER_ATOM = 4.0
Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class HullInputs:
    """The hull of other phases at n compositions of up to k elements.

    Attributes
    ----------
    energy_eV_per_atom
        Lowest energy of a mixture of other phases, shape (n,).
    potential_eV
        Chemical potentials of the elements in it, shape (n, k).
    product_fraction
        Element fractions of the products, products by columns of the composition, shape (n, k, k).
    product_scalars
        Amount, formation energy, depth below the hull of other phases (0 for a product of the compound's own
        chemical system: the hull beneath it would hold the compound itself), number of elements, whether present;
        shape (n, k, 5).
    """

    energy_eV_per_atom: FloatArray
    potential_eV: FloatArray
    product_fraction: FloatArray
    product_scalars: FloatArray


@dataclass(frozen=True, eq=False)
class NeighbourInputs:
    """Relatives of n compositions: elements (n, K, k), and residual, energy, dissimilarity, presence (n, K, 4)."""

    element: NDArray[np.int64]
    scalars: FloatArray


@dataclass(frozen=True, eq=False)
class NetInputs:
    """All that a net sees of n compositions of up to k elements; `composition` holds whole-formula features (n, g)."""

    element: NDArray[np.int64]
    fraction: FloatArray
    composition: FloatArray
    hull: HullInputs
    neighbours: NeighbourInputs

    def __len__(self) -> int:
        """Return the number of compositions."""
        return len(self.element)

    def take(self, rows: NDArray[np.int64], width: int) -> NetInputs:
        """Return some rows, all of which have at most `width` elements."""
        hull, near = self.hull, self.neighbours
        return NetInputs(
            self.element[rows, :width],
            self.fraction[rows, :width],
            self.composition[rows],
            HullInputs(
                hull.energy_eV_per_atom[rows],
                hull.potential_eV[rows, :width],
                hull.product_fraction[rows, :width, :width],
                hull.product_scalars[rows, :width],
            ),
            NeighbourInputs(near.element[rows, :, :width], near.scalars[rows]),
        )


def hull_inputs(
    table: PhaseTable,
    depth_eV_per_atom: Array,
    atomic_number: NDArray[np.int64],
    fraction: Array,
    *,
    excluded: NDArray[np.int64] | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> HullInputs:
    """Describe the hull at each composition.

    Parameters
    ----------
    table, atomic_number, fraction, excluded, usable
        As for `equilibria`.
    depth_eV_per_atom
        Energy of each phase of the table relative to the hull of all other phases, 0 for elements; shape (n_phases,).
    """
    found = equilibria(table, atomic_number, fraction, excluded=excluded, usable=usable)
    n, k = fraction.shape
    phase, held = np.maximum(found.phase, 0), (found.phase != NO_PHASE) & (found.amount > 1e-9)
    dense = np.zeros((n, k, k), dtype=np.float32)
    starts = table.start[phase]
    lengths = np.where(held, table.start[phase + 1] - starts, 0)
    for step in range(int(lengths.max(initial=0))):
        row, product = np.nonzero(lengths > step)
        place = starts[row, product] + step
        column = (atomic_number[row] == table.element[place][:, None]).argmax(axis=1)
        dense[row, product, column] = table.fraction[place]
    own_system = lengths == (fraction > 0).sum(axis=1, keepdims=True)
    depth = np.where(own_system, 0.0, depth_eV_per_atom[phase])
    scalars = np.stack([found.amount, table.energy_eV_per_atom[phase], depth, lengths / 4.0, np.ones((n, k))], axis=2)
    return HullInputs(
        found.energy_eV_per_atom.astype(np.float32),
        np.clip(found.potential_eV, -2 * ENERGY_LIMIT_eV_PER_ATOM, 0).astype(np.float32),
        dense,
        (scalars * held[:, :, None]).astype(np.float32),
    )


def neighbour_inputs(
    prototypes: Prototypes,
    residual_eV_per_atom: Array,
    energy_eV_per_atom: Array,
    atomic_number: NDArray[np.int64],
    fraction: Array,
    n_nearest: int = N_NEIGHBOURS,
) -> NeighbourInputs:
    """Describe the nearest relatives of each composition.

    Parameters
    ----------
    prototypes
        The relatives to choose from, named by their row in the two energy arrays.
    residual_eV_per_atom, energy_eV_per_atom
        Formation energy relative to the hull of other phases, and formation energy, by row.
    """
    row, dissimilarity, element = nearest(prototypes, atomic_number, fraction, n_nearest)
    held = row >= 0
    scalars = np.stack([residual_eV_per_atom[row], energy_eV_per_atom[row], dissimilarity, np.ones(row.shape)], axis=2)
    return NeighbourInputs(element, (scalars * held[:, :, None]).astype(np.float32))


def composition_features(batch: MaterialBatch) -> Array:
    """Return the registered composition features that the nets are given, shape (n, g)."""
    return np.column_stack([FEATURIZERS[name](batch) for name in ("magpie", "chemistry")])


@dataclass(frozen=True, eq=False)
class Standardisation:
    """Mean and spread of the composition features in the training rows, shape (g,)."""

    mean: Array
    spread: Array

    @classmethod
    def fit(cls, features: Array) -> Standardisation:
        """Measure; columns that never vary get spread 1."""
        spread = features.std(axis=0)
        return cls(features.mean(axis=0), np.where(spread > 1e-9, spread, 1.0))

    def __call__(self, features: Array) -> FloatArray:
        """Return standardised features, cut at five spreads."""
        return np.clip((features - self.mean) / self.spread, -5, 5).astype(np.float32)
