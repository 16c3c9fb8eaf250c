"""Relaxation finds a known minimum, and stops what explodes, takes too long or is not wanted any more."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pair_potential import PairPotential, rocksalt, shaken
from scipy.linalg import logm

from features.structures.cells import OrderedCell
from training.structures.conformance import strained, unit_strain
from training.structures.elastic import elasticity
from training.structures.potentials import Computed, GPa_PER_eV_PER_A3
from training.structures.relaxation import CancelledError, End, RelaxationLimits, relax


def lowest_edge_A() -> float:
    """Return the edge at which rock salt has its lowest energy, by a scan."""
    edges = np.linspace(4.8, 6.4, 1601)
    return float(edges[np.argmin([PairPotential().compute(rocksalt(edge)).energy_eV for edge in edges])])


def close_packing(edge_A: float) -> OrderedCell:
    """Return the primitive cell of the cubic close packing."""
    return OrderedCell(edge_A / 2.0 * (np.ones((3, 3)) - np.eye(3)), np.zeros((1, 3)), ("Li",))


def test_it_finds_the_minimum() -> None:
    found = relax(PairPotential(), rocksalt(5.4), RelaxationLimits(force_eV_per_A=0.002))
    assert found.end is End.CONVERGED
    assert (4.0 * found.cell.volume_A3) ** (1.0 / 3.0) == pytest.approx(lowest_edge_A(), abs=0.003)
    assert found.computed.largest_force_eV_per_A < 0.002
    assert found.computed.energy_eV < found.start_energy_eV
    assert found.volume_change == pytest.approx(found.cell.volume_A3 / rocksalt(5.4).volume_A3 - 1.0)


def test_it_leaves_what_it_was_given_and_is_reproducible() -> None:
    start = shaken(rocksalt(5.2))
    before = start.lattice_A.copy(), start.fractional_coordinates.copy()
    first, second = (relax(PairPotential(), start) for _ in range(2))
    assert np.array_equal(before[0], start.lattice_A)
    assert np.array_equal(before[1], start.fractional_coordinates)
    assert first.computed.energy_eV == second.computed.energy_eV
    assert np.array_equal(first.cell.lattice_A, second.cell.lattice_A)


def test_a_fixed_cell_stays() -> None:
    start = shaken(rocksalt(5.2))
    found = relax(PairPotential(), start, fixed_cell=True)
    assert np.allclose(found.cell.lattice_A, start.lattice_A, atol=1e-12)
    assert found.volume_change == pytest.approx(0.0, abs=1e-12)


def test_atoms_on_one_another_are_refused_at_once() -> None:
    crowded = OrderedCell(np.eye(3) * 6.0, np.array([[0.0, 0.0, 0.0], [0.05, 0.0, 0.0]]), ("Li", "Cl"))
    found = relax(PairPotential(), crowded)
    assert (found.end, found.steps) == (End.FORCES, 0)
    assert not found.end.is_usable


class Noisy(PairPotential):
    """Warns as scipy does when ase takes the logarithm of a flattened cell, and of something else."""

    def compute(self, cell: OrderedCell) -> Computed:
        logm(np.zeros((3, 3)))
        warnings.warn("something else", RuntimeWarning, stacklevel=1)
        return super().compute(cell)


def test_what_scipy_says_of_logarithms_is_kept_away_and_nothing_else() -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        relax(Noisy(), shaken(rocksalt(5.2)), RelaxationLimits(most_steps=3))
        assert {str(one.message) for one in heard} == {"something else"}
        Noisy().compute(rocksalt(5.2))
    assert any("logm" in str(one.message) for one in heard)


def test_a_cell_that_collapses_is_stopped() -> None:
    found = relax(PairPotential(), rocksalt(6.9), RelaxationLimits(most_steps=500))
    assert found.end is End.VOLUME
    assert abs(found.volume_change) > 0.4


def test_steps_and_seconds_end_it_with_what_there_is() -> None:
    start = shaken(rocksalt(5.2))
    few = relax(PairPotential(), start, RelaxationLimits(force_eV_per_A=1e-9, most_steps=3))
    assert (few.end, few.steps) == (End.STEPS, 3)
    late = relax(PairPotential(), start, RelaxationLimits(force_eV_per_A=1e-9, most_seconds=0.0))
    assert (late.end, late.steps) == (End.SECONDS, 0)
    assert late.end.is_usable


def test_it_can_be_cancelled_between_steps() -> None:
    seen: list[int] = []

    def twice(step: int, force: float) -> bool:
        seen.append(step)
        return len(seen) < 3

    with pytest.raises(CancelledError):
        relax(PairPotential(), shaken(rocksalt(5.2)), RelaxationLimits(force_eV_per_A=1e-9), each_step=twice)
    assert seen == [0, 1, 2]


def test_elastic_constants_are_second_derivatives_of_the_energy() -> None:
    """Of a close packing, whose atom sits where symmetry holds it; by finite differences of the energy alone."""
    potential = PairPotential()
    cell = relax(potential, close_packing(4.3), RelaxationLimits(force_eV_per_A=1e-4)).cell
    found = elasticity(potential, cell)

    def curvature(strain: np.ndarray) -> float:
        h = 2e-3
        up, middle, down = (potential.compute(strained(cell, sign * h * strain)).energy_eV for sign in (1, 0, -1))
        return float((up - 2.0 * middle + down) / h**2 / cell.volume_A3) * GPa_PER_eV_PER_A3

    assert found.converged
    assert found.is_stable
    assert found.constants_GPa[0, 0] == pytest.approx(curvature(unit_strain(0, 0)), rel=0.03)
    assert found.constants_GPa[3, 3] == pytest.approx(curvature(unit_strain(1, 2)), rel=0.03)
    whole = curvature(np.eye(3)) / 9.0
    assert found.bulk_GPa[0] == pytest.approx(whole, rel=0.03)
    assert found.bulk_GPa[0] == pytest.approx(found.bulk_GPa[1], rel=1e-3)  # cubic
    assert found.shear_GPa[0] >= found.shear_GPa[1]
    bulk, shear, youngs = found.moduli_GPa
    assert youngs == pytest.approx(9 * bulk * shear / (3 * bulk + shear))


def test_an_unstable_crystal_is_told() -> None:
    """Rock salt of pairs that only attract along their line: a shear costs nothing."""
    cell = relax(PairPotential(), rocksalt(5.2), RelaxationLimits(force_eV_per_A=1e-3)).cell
    assert not elasticity(PairPotential(), cell).is_stable
