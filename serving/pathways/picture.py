"""Site energies and atoms in the unit cell as chemists draw it, small enough for a browser."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from features.structures.lattices import lattice_points_inside
from features.structures.pathways import Pathways
from serving.pathways.document import GridBlock, ShownAtoms

Array = NDArray[np.float64]

MOST_POINTS = 50_000
_FINEST_A = 0.25
_STEP_eV = 0.02
_MOST_ATOMS = 2_000
_SHARE_SHOWN = 0.005


def picture(found: Pathways) -> GridBlock:
    """Return the energies above the lowest on a grid of the conventional cell, and its atoms.

    Parameters
    ----------
    found
        From `features.structures.pathways.pathways`.
    """
    positions, landscape = found.positions, found.landscape
    cell_A = positions.conventional_A
    volume_A3 = abs(float(np.linalg.det(cell_A)))
    step_A = max(_FINEST_A, (volume_A3 / MOST_POINTS) ** (1 / 3))
    shape = np.maximum(np.rint(np.linalg.norm(cell_A, axis=1) / step_A), 2).astype(np.int64)
    points = np.stack(np.meshgrid(*[np.arange(n) / n for n in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    energies = _interpolated(landscape.energy_eV, points @ cell_A @ np.linalg.inv(landscape.lattice_A))
    levels = np.clip(np.rint((energies - landscape.energy_eV.min()) / _STEP_eV), 0, 255).astype(np.uint8)
    return {
        "lattice_A": cell_A.round(5).tolist(),
        "shape": shape.tolist(),
        "step_eV": _STEP_eV,
        "levels": base64.b64encode(levels.tobytes()).decode("ascii"),
        "atoms": _atoms(found),
    }


def _interpolated(values: Array, places: Array) -> Array:
    """Return values of a periodic grid between its points, linear along each axis; places are fractions, (m, 3)."""
    shape = np.array(values.shape)
    scaled = (places - np.floor(places)) * shape
    low = np.floor(scaled).astype(np.int64)
    part = scaled - low
    total = np.zeros(len(places))
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, part, 1.0 - part).prod(axis=1)
        i, j, k = ((low + corner) % shape).T
        total += weight * values[i, j, k]
    return total


def _atoms(found: Pathways) -> list[ShownAtoms]:
    positions = found.positions
    cell_A = positions.conventional_A
    base = positions.fractional @ positions.lattice_A @ np.linalg.inv(cell_A)
    points = lattice_points_inside(positions.lattice_A, cell_A)
    shown: list[ShownAtoms] = []
    for place, held in zip(base, positions.occupancies, strict=True):
        occupancies = {
            symbol: round(share, 3)
            for symbol, share in zip(positions.symbols, held.tolist(), strict=True)
            if share > _SHARE_SHOWN
        }
        for point in points:
            at = place + point
            shown.append({"place": (at - np.floor(at + 1e-6)).round(4).tolist(), "occupancies": occupancies})
    return shown[:_MOST_ATOMS]
