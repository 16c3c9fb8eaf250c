from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from made_cifs import argyrodite, cif, group

from features.elements import ATOMIC_NUMBER, element_table
from features.errors import CandidateError, RowErrorCode
from features.structures.expansion import occupied_positions
from features.structures.pathways import pathways
from features.structures.site_energy import site_energy
from features.structures.softbv import ion, lithium

# LiCoO2: layers of lithium between layers of CoO2
LAYERED = cif(
    group("R -3 m H"),
    "Li1 Li 0 0 0.5 1\nCo1 Co 0 0 0 1\nO1 O 0 0 0.2395 1",
    (2.816, 2.816, 14.052, 90, 90, 120),
)


def test_the_table_holds_the_bonds_of_lithium() -> None:
    oxide = ion("O", -2.0)
    assert oxide is not None
    assert (oxide.d0_eV, oxide.r_min_A, oxide.alpha_per_A) == (0.98816, 1.940013, 1.937984)
    assert {
        symbol
        for symbol in ("N", "O", "F", "S", "Cl", "Se", "Br", "Te", "I")
        if (one := ion(symbol, -1.0)) and one.binds_lithium
    } == set("N O F S Cl Se Br Te I".split())
    assert lithium().charge == 1.0
    iron = ion("Fe", 2.6)  # mixed valence takes the nearest
    assert iron is not None
    assert iron.charge == 3.0
    assert ion("Xx", 1.0) is None


def test_energies_are_the_sums_of_the_potentials() -> None:
    """Rock salt with one anion and one cation, summed by hand at the tetrahedral hole and beside it."""
    edge_A = 6.0
    text = cif(group("F m -3 m"), "Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1", (edge_A, edge_A, edge_A, 90, 90, 90))
    landscape = site_energy(occupied_positions(text))
    anion, cation, own = ion("Cl", -1.0), ion("Na", 1.0), lithium()
    assert anion is not None
    assert cation is not None
    shape = landscape.energy_eV.shape
    for index in [(2, 3, 5), (0, 4, 8), (7, 7, 1)]:
        place = (np.array(index) / shape) @ landscape.lattice_A
        total = 0.0
        sites = occupied_positions(text)
        for fractional, held in zip(sites.fractional, sites.occupancies, strict=True):
            for cell in itertools.product(range(-4, 5), repeat=3):
                r = float(np.linalg.norm((fractional + cell) @ landscape.lattice_A - place))
                if r >= 7.0:
                    continue
                if held[sites.symbols.index("Cl")] == 1.0:
                    total += 0.5 * anion.d0_eV * ((math.exp(anion.alpha_per_A * (anion.r_min_A - r)) - 1) ** 2 - 1)
                else:
                    screened = math.erfc(r / (0.74 * (own.covalent_radius_A + cation.covalent_radius_A)))
                    quantum = math.sqrt(own.principal_quantum_number * cation.principal_quantum_number)
                    total += 14.399645 / quantum / r * screened
        assert landscape.energy_eV[index] == pytest.approx(total, abs=2e-3 * abs(total) + 1e-3)


def test_the_free_radius_is_the_distance_to_the_nearest_surface() -> None:
    landscape = site_energy(occupied_positions(cif(sites="Cl1 Cl 0 0 0 1\nNa1 Na 0.5 0.5 0.5 1")))
    radius_A = element_table()["anion_radius_A"][ATOMIC_NUMBER["Cl"] - 1]
    assert landscape.free_radius_A[0, 0, 0] == landscape.free_radius_A.min() == pytest.approx(-radius_A)
    assert landscape.free_radius_A.max() < 5.13 * math.sqrt(3) / 4 - 0.9


def test_a_layered_oxide_conducts_in_two_dimensions() -> None:
    found = pathways(LAYERED)
    one, two, three = found.barriers_eV
    assert one <= two < three
    assert three > two + 0.5
    assert found.dimension == 2


def test_an_argyrodite_conducts_in_three_dimensions() -> None:
    found = pathways(argyrodite())
    assert found.dimension == 3
    assert 0.1 < found.barriers_eV[2] < 0.8
    assert 0.2 < found.bottleneck_A < 0.8


def test_supercell_origin_and_own_lithium_do_not_matter() -> None:
    """The crystal's own lithium is taken out; where the origin lies is a matter of the grid."""
    whole = pathways(argyrodite(), step_A=0.2)
    moved = [
        f"{label} {symbol} {float(x) + 0.1} {y} {z} {held}"
        for label, symbol, x, y, z, held in (line.split() for line in _all_of_argyrodite())
    ]
    elsewhere = pathways(cif(group("P 1"), "\n".join(moved), (9.857, 9.857, 9.857, 90, 90, 90)), step_A=0.2)
    np.testing.assert_allclose(elsewhere.barriers_eV, whole.barriers_eV, atol=0.08)
    assert elsewhere.bottleneck_A == pytest.approx(whole.bottleneck_A, abs=0.1)


def _all_of_argyrodite() -> list[str]:
    from made_cifs import ARGYRODITE, all_in_cell

    return all_in_cell(ARGYRODITE, "F -4 3 m")


def test_occupancies_weigh() -> None:
    """Half of an obstacle costs half of its energy."""
    sites = "Na1 Na 0.5 0.5 0.5 {}\nCl1 Cl 0 0 0 1"
    energies = [
        site_energy(occupied_positions(cif(group("P 1"), sites.format(held)))).energy_eV for held in (1, 0.5, 0.25)
    ]
    np.testing.assert_allclose(energies[1] - energies[2], (energies[0] - energies[1]) / 2, atol=1e-9)


def test_anions_without_parameters_are_refused() -> None:
    with pytest.raises(CandidateError) as caught:
        pathways(cif(sites="Li1 Li 0 0 0 1\nH1 H 0.5 0.5 0.5 1"))
    assert caught.value.code is RowErrorCode.NO_BOND_VALENCE
    assert "H of charge -1" in caught.value.message


def test_a_crystal_without_anions_is_refused() -> None:
    with pytest.raises(CandidateError) as caught:
        pathways(cif(sites="Li1 Li 0 0 0 1\nAl1 Al 0.5 0.5 0.5 1"))
    assert caught.value.code is RowErrorCode.NO_BOND_VALENCE


def test_huge_cells_are_refused() -> None:
    with pytest.raises(CandidateError) as caught:
        pathways(
            cif(group("P 1"), "\n".join(f"O{i} O {i / 60} {i / 60} 0 1" for i in range(60)), (60, 60, 16, 90, 90, 90))
        )
    assert caught.value.code is RowErrorCode.CELL_TOO_LARGE


def test_disordered_crystals_of_obelix_are_described(obelix_cifs: dict[str, str]) -> None:
    described = 0
    for text in [text for _, text in sorted(obelix_cifs.items())][::16]:
        try:
            found = pathways(text, step_A=0.4)
        except CandidateError as error:
            described += error.code is RowErrorCode.NO_BOND_VALENCE
            continue
        described += 1
        assert (np.diff(found.barriers_eV) >= -1e-9).all()
        assert 1 <= found.dimension <= 3
        assert -1.5 < found.bottleneck_A < 2.5
    assert described == 21
