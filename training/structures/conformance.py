"""What every potential has to fulfil, checked on a small cell; the tests call it for each that is installed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.structures.cells import OrderedCell
from training.structures.potentials import Potential

Array = NDArray[np.float64]
STEP_A = 0.01
STRAIN = 2e-3
ENERGY_eV_PER_ATOM = 2e-4
FORCE_eV_PER_A = 0.02
STRESS_eV_PER_A3 = 5e-4


class NotConformingError(AssertionError):
    """A potential breaks a rule of physics that everything else relies on; the message says which and by how much."""


def check_potential(potential: Potential, cell: OrderedCell) -> None:
    """Check that the energy is extensive and does not change as the crystal turns, and that its slopes are as given.

    Parameters
    ----------
    potential
        What is checked.
    cell
        A small cell of elements that it knows, away from its minimum, so that forces and stress are not 0. It comes
        back as it was.

    Raises
    ------
    NotConformingError
        For an energy that a supercell does not multiply, forces or stress that are not its slopes, an energy that
        depends on the orientation, forces that do not sum to 0, or a cell that was changed.
    """
    before = cell.lattice_A.copy(), cell.fractional_coordinates.copy()
    found = potential.compute(cell)
    n, volume = len(cell), cell.volume_A3

    twice = potential.compute(doubled(cell))
    _agree("energy of a supercell", twice.energy_eV / (2 * n), found.energy_eV / n, ENERGY_eV_PER_ATOM)

    turned = potential.compute(replace(cell, lattice_A=cell.lattice_A @ _TURN.T))
    _agree("energy of the turned crystal", turned.energy_eV / n, found.energy_eV / n, ENERGY_eV_PER_ATOM)
    _agree("forces of the turned crystal", turned.forces_eV_per_A, found.forces_eV_per_A @ _TURN.T, FORCE_eV_PER_A)

    _agree("sum of the forces", found.forces_eV_per_A.sum(axis=0), np.zeros(3), FORCE_eV_PER_A)
    inverse = np.linalg.inv(cell.lattice_A)
    for atom in sorted({0, n - 1}):
        for axis in range(3):
            shift = np.zeros((n, 3))
            shift[atom, axis] = STEP_A
            up, down = (
                potential.compute(
                    replace(cell, fractional_coordinates=cell.fractional_coordinates + sign * shift @ inverse)
                ).energy_eV
                for sign in (1, -1)
            )
            slope = -(up - down) / (2 * STEP_A)
            _agree(
                f"force on atom {atom} along {'xyz'[axis]}", found.forces_eV_per_A[atom, axis], slope, FORCE_eV_PER_A
            )

    for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):
        up, down = (potential.compute(strained(cell, unit_strain(i, j) * sign * STRAIN)).energy_eV for sign in (1, -1))
        slope = (up - down) / (2 * STRAIN * volume)
        _agree(f"stress {'xyz'[i]}{'xyz'[j]}", found.stress_eV_per_A3[i, j], slope, STRESS_eV_PER_A3)

    if not (np.array_equal(before[0], cell.lattice_A) and np.array_equal(before[1], cell.fractional_coordinates)):
        raise NotConformingError(f"{potential.name}: the cell was changed by computing it")


def doubled(cell: OrderedCell) -> OrderedCell:
    """Return two cells side by side along the first vector."""
    halves = cell.fractional_coordinates * [0.5, 1.0, 1.0]
    return replace(
        cell,
        lattice_A=cell.lattice_A * [[2.0], [1.0], [1.0]],
        fractional_coordinates=np.concatenate([halves, halves + np.array([0.5, 0.0, 0.0])]),
        symbols=cell.symbols * 2,
    )


def unit_strain(i: int, j: int) -> Array:
    """Return the symmetric strain whose energy slope is the stress component (i, j), shape (3, 3)."""
    strain = np.zeros((3, 3))
    strain[i, j] += 0.5
    strain[j, i] += 0.5
    return strain


def strained(cell: OrderedCell, strain: Array) -> OrderedCell:
    """Return the cell under a homogeneous small strain, atoms carried along."""
    return replace(cell, lattice_A=cell.lattice_A @ (np.eye(3) + strain))


def _agree(what: str, said: Array | float, expected: Array | float, tolerance: float) -> None:
    off = float(np.abs(np.asarray(said) - np.asarray(expected)).max())
    if not off <= tolerance:
        raise NotConformingError(f"{what}: off by {off:.2e}, allowed {tolerance:.0e}")


_TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
