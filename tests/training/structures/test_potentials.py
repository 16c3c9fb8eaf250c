"""Every potential keeps the rules of physics that relaxation relies on; one that breaks a rule is caught."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from pair_potential import PairPotential, rocksalt, shaken

from features.structures.cells import OrderedCell
from training.structures.conformance import NotConformingError, check_potential
from training.structures.potentials import (
    POTENTIALS,
    SECOND_POTENTIAL,
    Computed,
    PotentialNotInstalledError,
    UnknownPotentialError,
    is_installed,
    load_potential,
)


def test_a_potential_with_known_slopes_conforms() -> None:
    check_potential(PairPotential(), shaken(rocksalt(5.2)))


@pytest.mark.parametrize("name", ["sevenn-0", "sevenn-l3i5"])
def test_shipped_potentials_conform(name: str) -> None:
    potential = load_potential(name)
    assert {"Li", "O", "S", "Cl", "La", "Zr"} <= potential.elements
    assert potential.version.startswith("sevenn ")
    check_potential(potential, shaken(rocksalt(5.1), seed=1))


def test_chgnet_conforms_where_its_user_installed_it() -> None:
    """Not a dependency: a package that it wants overwrites one of the service's."""
    if is_installed("chgnet"):
        check_potential(load_potential("chgnet"), shaken(rocksalt(5.1), seed=1))
        return
    with pytest.raises(PotentialNotInstalledError, match=r"chgnet.*pip install --no-deps chgnet"):
        load_potential("chgnet")


def test_an_unknown_potential_is_named() -> None:
    with pytest.raises(UnknownPotentialError, match=r"'mace'.*sevenn-0"):
        load_potential("mace")


def test_every_potential_has_a_second_opinion_that_is_another_one() -> None:
    assert set(SECOND_POTENTIAL) == set(POTENTIALS)
    assert all(first != second and second in POTENTIALS for first, second in SECOND_POTENTIAL.items())


@dataclass(frozen=True)
class Broken(PairPotential):
    """A pair potential with one fault."""

    fault: str = ""

    def compute(self, cell: OrderedCell) -> Computed:
        said = super().compute(cell)
        match self.fault:
            case "not extensive":
                return said._replace(energy_eV=said.energy_eV * len(cell))
            case "orientation":
                return said._replace(energy_eV=said.energy_eV + 0.01 * float(cell.lattice_A[0, 0]))
            case "forces":
                return said._replace(forces_eV_per_A=-said.forces_eV_per_A)
            case "drift":
                return said._replace(forces_eV_per_A=said.forces_eV_per_A + np.array([0.1, 0.0, 0.0]))
            case "stress in GPa":
                return said._replace(stress_eV_per_A3=160.2 * said.stress_eV_per_A3)
            case "changes the cell":
                cell.fractional_coordinates[:] = cell.fractional_coordinates % 1.0 + 1e-9
                return said
        raise AssertionError(self.fault)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("not extensive", "energy of a supercell"),
        ("orientation", "turned|supercell"),
        ("forces", "force"),
        ("drift", "force"),
        ("stress in GPa", "stress"),
        ("changes the cell", "changed"),
    ],
)
def test_faults_are_caught(fault: str, words: str) -> None:
    with pytest.raises(NotConformingError, match=words):
        check_potential(Broken(fault=fault), shaken(rocksalt(5.2)))


def test_the_largest_force_and_nonsense_are_seen() -> None:
    said = Computed(1.0, np.array([[0.0, 3.0, 4.0], [1.0, 0.0, 0.0]]), np.zeros((3, 3)))
    assert said.largest_force_eV_per_A == 5.0
    assert said.is_finite
    assert not said._replace(energy_eV=float("nan")).is_finite
