"""How far bonds reach: molecules, chains, layers and frameworks, whatever the setting of the cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.structures.cells import OrderedCell
from training.structures.bonds import bonded_dimensions
from training.structures.conformance import doubled

WATER = ((0.0, 0.0, 0.0), (0.96, 0.0, 0.0), (-0.24, 0.93, 0.0))


def carbon(*edges_A: float) -> OrderedCell:
    """Return one carbon in a box: it bonds to its images where an edge is short."""
    return OrderedCell(np.diag(edges_A), np.array([[0.1, 0.2, 0.3]]), ("C",))


@pytest.mark.parametrize(
    ("edges", "dimensions"), [((9, 9, 9), 0), ((1.5, 9, 9), 1), ((1.5, 1.5, 9), 2), ((1.5, 1.5, 1.5), 3)]
)
def test_short_edges_bond(edges: tuple[float, ...], dimensions: int) -> None:
    assert bonded_dimensions(carbon(*edges)) == dimensions
    assert bonded_dimensions(doubled(carbon(*edges))) == dimensions


def test_molecules_are_isolated_even_across_the_cell_wall() -> None:
    lattice = 7.0 * np.eye(3)
    molecule = OrderedCell(lattice, np.array(WATER) @ np.linalg.inv(lattice), ("O", "H", "H"))
    assert bonded_dimensions(molecule) == 0
    assert bonded_dimensions(replace(molecule, fractional_coordinates=molecule.fractional_coordinates % 1.0)) == 0


def test_rock_salt_is_a_framework_in_a_skewed_cell_too() -> None:
    lattice = 2.55 * (np.ones((3, 3)) - np.eye(3))
    cell = OrderedCell(lattice, np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]), ("Li", "Cl"))
    assert bonded_dimensions(cell) == 3
    skew = np.array([[1, 0, 0], [3, 1, 0], [-2, 1, 1]])
    turned = replace(
        cell, lattice_A=skew @ lattice, fractional_coordinates=cell.fractional_coordinates @ np.linalg.inv(skew)
    )
    assert bonded_dimensions(turned) == 3
