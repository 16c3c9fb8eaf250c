"""How far bonds reach through a crystal: isolated molecules, chains, layers or a framework."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER, element_table
from features.structures.cells import OrderedCell
from features.structures.lattices import reduced

Array = NDArray[np.float64]
LONGEST_BOND = 1.25
"""In sums of covalent radii: Li-S of 2.9 and La-O of 3.4 angstrom count, contacts of molecules (Cl-Cl 3.3) do not."""
_IMAGES = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


def bonded_dimensions(cell: OrderedCell) -> int:
    """Return in how many dimensions the best connected network of bonds repeats: 0 for isolated molecules, up to 3."""
    lattice = reduced(cell.lattice_A)
    fractional = cell.fractional_coordinates @ cell.lattice_A @ np.linalg.inv(lattice)
    first, second, image = _bonds(lattice, fractional, _radii_A(cell))
    reached: dict[int, NDArray[np.int64]] = {}
    best = 0
    for start in range(len(cell)):
        if start in reached:
            continue
        reached[start] = np.zeros(3, dtype=np.int64)
        stack, cycles = [start], [np.zeros(3, dtype=np.int64)]
        while stack:
            atom = stack.pop()
            for bond in np.flatnonzero(first == atom).tolist():
                other, there = int(second[bond]), reached[atom] + image[bond]
                if other in reached:
                    cycles.append(there - reached[other])
                else:
                    reached[other] = there
                    stack.append(other)
        best = max(best, int(np.linalg.matrix_rank(np.unique(np.array(cycles), axis=0))))
    return best


def _radii_A(cell: OrderedCell) -> Array:
    column = element_table()["CovalentRadius"] / 100.0
    return np.array([column[ATOMIC_NUMBER[symbol] - 1] for symbol in cell.symbols])


def _bonds(
    lattice_A: Array, fractional: Array, radius_A: Array
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the two atoms of each bond, and in which neighbouring cell the second lies, shape (b, 3)."""
    whole = np.floor(fractional)
    inside = fractional - whole
    shift = inside[None, :, None, :] + _IMAGES[None, None, :, :] - inside[:, None, None, :]
    apart = np.linalg.norm(shift @ lattice_A, axis=-1)
    longest = LONGEST_BOND * (radius_A[:, None] + radius_A[None, :])
    first, second, place = np.nonzero((apart < longest[:, :, None]) & (apart > 1e-6))
    return first, second, _IMAGES[place].astype(np.int64)
