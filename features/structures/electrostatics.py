"""Coulomb energy of point charges in a periodic cell, as one matrix of pairs (Ewald)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

COULOMB_eV_A = 14.399645
"""e^2 / (4 pi eps0), CODATA 2018."""
_PRECISION = 4.2  # erfc and exp(-x^2) beyond it are below 3e-9 and 3e-8
_CUTOFF_A = 5.0


def ewald_matrix(lattice_A: Array, fractional: Array, cutoff_A: float = _CUTOFF_A) -> Array:
    """Return the matrix A of a periodic cell in eV: charges q in units of e have the energy q A q / 2.

    The sum over the lattice is split into a part in real space and one in reciprocal space; a neutralising background
    makes it finite for charges that do not add up to 0. P. P. Ewald, Ann. Phys. 369, 253 (1921),
    doi 10.1002/andp.19213690304.

    Parameters
    ----------
    lattice_A
        Vectors as rows, shape (3, 3).
    fractional
        Positions, shape (n, 3).
    cutoff_A
        Of the part in real space. The result does not depend on it.

    Returns
    -------
    Shape (n, n), symmetric; the diagonal is a charge with its own images.
    """
    width_per_A = _PRECISION / cutoff_A
    volume_A3 = abs(float(np.linalg.det(lattice_A)))
    matrix: Array = _real_space(lattice_A, fractional, width_per_A, cutoff_A)
    waves = _waves(lattice_A, 2.0 * _PRECISION * width_per_A)
    squares = (waves**2).sum(axis=1)
    weights = 8.0 * np.pi / volume_A3 * np.exp(-squares / (4.0 * width_per_A**2)) / squares  # both k and -k
    phases = (fractional @ lattice_A) @ waves.T
    scale = np.sqrt(weights)
    cosines, sines = np.cos(phases) * scale, np.sin(phases) * scale
    matrix += cosines @ cosines.T + sines @ sines.T
    matrix -= np.pi / (volume_A3 * width_per_A**2)
    matrix[np.diag_indices(len(matrix))] -= 2.0 * width_per_A / np.sqrt(np.pi)
    matrix *= COULOMB_eV_A
    return matrix


def _steps(limits: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in limits], indexing="ij"), axis=-1).reshape(-1, 3)


def _waves(lattice_A: Array, longest_per_A: float) -> Array:
    """Return half of the reciprocal lattice vectors within a sphere, without the null, shape (k, 3)."""
    reciprocal = 2.0 * np.pi * np.linalg.inv(lattice_A).T
    steps = _steps(np.floor(longest_per_A * np.linalg.norm(lattice_A, axis=1) / (2.0 * np.pi)).astype(np.int64))
    steps = steps[len(steps) // 2 + 1 :]
    every = steps @ reciprocal
    waves: Array = every[(every**2).sum(axis=1) <= longest_per_A**2]
    return waves


def _real_space(lattice_A: Array, fractional: Array, width_per_A: float, cutoff_A: float) -> Array:
    from scipy.special import erfc

    n = len(fractional)
    shift = fractional[:, None, :] - fractional[None, :, :]
    shift -= np.rint(shift)
    rows, columns = np.triu_indices(n)
    shift = shift[rows, columns] @ lattice_A
    sums = np.zeros(len(rows))
    heights_A = 1.0 / np.linalg.norm(np.linalg.inv(lattice_A), axis=0)
    for step in _steps(np.ceil(cutoff_A / heights_A + 0.5).astype(np.int64)):
        offset = step @ lattice_A
        separation = shift + offset
        squared = np.einsum("ij,ij->i", separation, separation)
        near = np.flatnonzero((squared < cutoff_A**2) & (squared > 1e-12))
        if len(near):
            distance_A = np.sqrt(squared[near])
            sums[near] += erfc(width_per_A * distance_A) / distance_A
    matrix = np.zeros((n, n))
    matrix[rows, columns] = sums
    matrix[columns, rows] = sums
    return matrix
