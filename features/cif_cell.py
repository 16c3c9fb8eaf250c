"""The unit cell of a CIF, and the matrix that turns its fractional coordinates into Cartesian ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.cif_text import CELL_TAGS, DataBlock, number_of, unusable
from features.errors import shown


def cell_of(block: DataBlock) -> tuple[float, ...]:
    """Return lengths in angstrom and angles in degrees; an angle of which nothing stands is 90, as by definition."""
    texts = [block.first((tag,)) if tag in block.values or i < 3 else "90" for i, tag in enumerate(CELL_TAGS)]
    if not any(texts[:3]):
        raise unusable("no unit cell (_cell_length_a ... _cell_angle_gamma)")
    cell = []
    for tag, text in zip(CELL_TAGS, texts, strict=True):
        value = number_of(text) if text else None
        if value is None:
            hint = "; write decimals with a point" if "," in text else ""
            received = f"'{shown(text)}'" if text else "not given"
            raise unusable(f"{tag} is {received}; expected a number{hint}")
        cell.append(value)
    shape = f"{tuple(cell[:3])} angstrom, {tuple(cell[3:])} degrees"
    if not (all(0 < length < 1000 for length in cell[:3]) and all(0 < angle < 180 for angle in cell[3:])):
        raise unusable(f"impossible unit cell {shown(shape)}")
    return tuple(cell)


def orthogonal_matrix(cell: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the matrix from fractional to Cartesian coordinates, a along x and b in the xy plane."""
    a, b, c = cell[:3]
    alpha, beta, gamma = np.cos(np.radians(cell[3:]))
    sine = np.sqrt(1.0 - gamma**2)
    squared = 1.0 - alpha**2 - beta**2 - gamma**2 + 2.0 * alpha * beta * gamma
    if not (squared > 1e-9 and sine > 0):
        raise unusable(f"unit cell without volume: the angles {cell[3:]} degrees do not meet")
    return np.array(
        [
            [a, b * gamma, c * beta],
            [0.0, b * sine, c * (alpha - beta * gamma) / sine],
            [0.0, 0.0, c * np.sqrt(squared) / sine],
        ]
    )
