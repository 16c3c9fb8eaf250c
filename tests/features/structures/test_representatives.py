from __future__ import annotations

import time

import numpy as np
import pytest
from made_cifs import ARGYRODITE, argyrodite, cif, group

from features.cif import read_atoms, read_cif
from features.errors import CandidateError, RowErrorCode
from features.structures.cells import OrderedCell, distances_A, to_cif
from features.structures.charges import formal_charges
from features.structures.electrostatics import ewald_matrix
from features.structures.expansion import occupied_positions
from features.structures.representatives import (
    MOST_ATOMS,
    MOST_COMPOSITION_DISTANCE,
    composition_distance,
    ordered_representative,
)

MIXED = (
    "Li1 Li 0.3071 0.0251 0.6929 0.5",
    "P1 P 0 0 0.5 1",
    "S1 S 0.11957 -0.11957 0.61957 1",
    "S2 S 0.25 0.25 0.75 0.5",
    "Cl2 Cl 0.25 0.25 0.75 0.5",
    "S3 S 0 0 0 0.5",
    "Cl3 Cl 0 0 0 0.5",
)


def refusal(text: str) -> CandidateError:
    with pytest.raises(CandidateError) as caught:
        ordered_representative(text)
    return caught.value


def shortest_A(cell: OrderedCell) -> float:
    distance_A = distances_A(cell.lattice_A, cell.fractional_coordinates)
    return float(distance_A[np.triu_indices(len(cell), 1)].min())


def coulomb_eV(cell: OrderedCell) -> float:
    charges = formal_charges(cell.amounts).chosen
    held = np.array([charges[symbol] for symbol in cell.symbols])
    return 0.5 * float(held @ ewald_matrix(cell.lattice_A, cell.fractional_coordinates) @ held)


def test_argyrodite_becomes_one_formula_unit_with_lithium_one_to_a_split_place() -> None:
    cell = ordered_representative(argyrodite())
    assert (cell.formula, len(cell), cell.supercell, cell.disordered) == ("Li6PS5Cl", 13, 1, True)
    assert cell.volume_A3 == pytest.approx(9.857**3 / 4)
    assert shortest_A(cell) > 1.8  # the halves of a split lithium site lie 1.8 A apart
    assert cell.composition_distance == pytest.approx(0.0, abs=1e-12)
    assert cell.mixing_entropy_kB_per_cell == pytest.approx(12 * np.log(2))


def test_whole_atoms_of_a_mixture_are_what_the_occupancies_say() -> None:
    cell = ordered_representative(argyrodite(sites=MIXED))
    assert cell.amounts == {"Li": 6.0, "P": 1.0, "S": 5.0, "Cl": 1.0}
    assert cell.composition_distance == pytest.approx(0.0, abs=1e-12)


def test_an_ordered_cif_is_expanded_and_nothing_else() -> None:
    rock_salt = ordered_representative(cif())
    assert (rock_salt.symbols, rock_salt.disordered, rock_salt.mixing_entropy_kB_per_cell) == (("Li", "Cl"), False, 0.0)
    assert shortest_A(rock_salt) == pytest.approx(5.13 / 2)
    assert rock_salt.volume_A3 == pytest.approx(5.13**3 / 4)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_cell(seed: int) -> None:
    one, other = (ordered_representative(argyrodite(sites=MIXED), seed) for _ in range(2))
    assert one.symbols == other.symbols
    np.testing.assert_array_equal(one.fractional_coordinates, other.fractional_coordinates)


def test_seeds_find_arrangements_of_one_energy() -> None:
    energies_eV = [coulomb_eV(ordered_representative(argyrodite(), seed)) for seed in range(4)]
    assert np.ptp(energies_eV) < 1e-3 * abs(np.mean(energies_eV))


def test_the_order_of_the_rows_of_a_file_does_not_matter() -> None:
    one, other = (ordered_representative(argyrodite(sites=sites)) for sites in (MIXED, MIXED[::-1]))
    assert one.amounts == other.amounts
    assert coulomb_eV(one) == pytest.approx(coulomb_eV(other), rel=1e-9)
    assert sorted(zip(one.symbols, one.fractional_coordinates.round(4).tolist(), strict=True)) == sorted(
        zip(other.symbols, other.fractional_coordinates.round(4).tolist(), strict=True)
    )


@pytest.mark.parametrize("sites", [ARGYRODITE, MIXED])
def test_a_cell_written_and_read_again_is_the_same_cell(sites: tuple[str, ...]) -> None:
    cell = ordered_representative(argyrodite(sites=sites))
    again = ordered_representative(to_cif(cell, "my cell"))
    assert read_atoms(to_cif(cell, "my cell")).structure.remarks == ()
    assert (again.disordered, again.symbols) == (False, cell.symbols)
    assert again.volume_A3 == pytest.approx(cell.volume_A3, rel=1e-7)
    assert coulomb_eV(again) == pytest.approx(coulomb_eV(cell), rel=1e-6)


def test_a_mixture_too_thin_for_a_cell_takes_a_supercell() -> None:
    sites = "Li1 Li 0 0 0 0.75\nMg1 Mg 0 0 0 0.125\nCl1 Cl 0.5 0.5 0.5 1"
    cell = ordered_representative(cif(sites=sites))
    assert cell.amounts == {"Li": 6.0, "Mg": 1.0, "Cl": 8.0}
    assert cell.supercell == 8
    assert cell.mixing_entropy_kB_per_cell == pytest.approx(-8 * (0.75 * np.log(0.75) + 0.25 * np.log(0.125)))


def test_lithium_balances_what_rounding_unbalances() -> None:
    sites = "Li1 Li 0 0 0 0.49\nMg1 Mg 0 0 0 0.25\nCl1 Cl 0.5 0.5 0.5 1"  # 0.01 charges short of lithium
    cell = ordered_representative(cif(sites=sites))
    assert formal_charges(cell.amounts).charge(cell.amounts) == pytest.approx(0.0)
    assert cell.composition_distance < MOST_COMPOSITION_DISTANCE


def test_what_cannot_be_neutral_is_refused() -> None:
    error = refusal(cif(sites="Li1 Li 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 0.5\nO1 O 0.5 0.5 0.5 0.5"))
    assert error.code is RowErrorCode.NOT_NEUTRAL
    assert "neutral" in error.message


def test_a_mixture_that_no_cell_holds_is_refused_with_how_far_off() -> None:
    sites = "Li1 Li 0 0 0 0.9\nMg1 Mg 0 0 0 0.05\nCl1 Cl 0.5 0.5 0.5 0.95\nBr1 Br 0.5 0.5 0.5 0.05"
    error = refusal(cif(sites=sites))
    assert error.code is RowErrorCode.CELL_TOO_SMALL
    assert "off by 0.0" in error.message


@pytest.mark.parametrize(
    "sites",
    [
        "Ti1 Ti 0 0 0 1\nO1 O 0.5 0.5 0.5 1\nO2 O 0.25 0.25 0.25 1",
        "Ta1 Ta 0 0 0 0.5\nTi1 Ti 0 0 0 0.5\nO1 O 0.5 0.5 0.5 1\nO2 O 0.25 0.25 0.25 1",
    ],
)
def test_a_charged_framework_without_its_lithium_is_refused(sites: str) -> None:
    assert refusal(cif(sites=sites)).code is RowErrorCode.NO_LITHIUM_SITES


def test_a_neutral_crystal_without_lithium_is_no_error() -> None:
    sites = "Na1 Na 0 0 0 0.5\nK1 K 0 0 0 0.5\nCl1 Cl 0.5 0.5 0.5 1"
    assert ordered_representative(cif(sites=sites)).amounts == {"Na": 1.0, "K": 1.0, "Cl": 2.0}


def test_split_positions_that_hold_too_much_are_refused() -> None:
    triangle = ("0.5 0.5 0.5", "0.675 0.5 0.5", "0.5875 0.65 0.5")  # 0.9 A apart, half filled each: 1.5 in one place
    sites = [f"Cl{i} Cl {place} 0.5" for i, place in enumerate(triangle)]
    error = refusal(cif(group("P 1"), "\n".join([*sites, "Li1 Li 0 0 0 1", "Li2 Li 0.5 0 0 0.5"])))
    assert error.code is RowErrorCode.ATOMS_COLLIDE


def test_large_cells_are_refused_by_their_number_of_atoms() -> None:
    grid = [f"{x / 8} {y / 8} {z / 8}" for x in range(8) for y in range(8) for z in range(8)]
    sites = "\n".join(f"{'LiF'[i % 2 :][: 2 - i % 2]}{i} {('Li', 'F')[i % 2]} {at} 1" for i, at in enumerate(grid))
    error = refusal(cif(group("P 1"), sites, (16.4, 16.4, 16.4, 90, 90, 90)))
    assert error.code is RowErrorCode.CELL_TOO_LARGE
    assert "512" in error.message


def test_a_hostile_cell_is_refused_before_it_is_expanded() -> None:
    rng = np.random.default_rng(0)
    sites = "\n".join(f"O{i} O {x:.4f} {y:.4f} {z:.4f} 0.001" for i, (x, y, z) in enumerate(rng.random((3000, 3))))
    started = time.process_time()
    error = refusal(cif(group("F m -3 m"), sites, (60, 60, 60, 90, 90, 90)))
    assert error.code in (RowErrorCode.CELL_TOO_LARGE, RowErrorCode.UNPARSEABLE_CIF)
    assert time.process_time() - started < 20.0  # most of it reading


def test_a_long_thin_cell_takes_no_more_memory_than_another() -> None:
    sites = "\n".join(f"Li{i} Li 0 0 {i / 40} 0.5\nF{i} F 0 0 {i / 40 + 0.0125} 0.5" for i in range(40))
    cell = ordered_representative(cif(group("P 1"), sites, (3, 3, 160, 90, 90, 90)))
    assert cell.amounts == {"F": 20.0, "Li": 20.0}
    assert shortest_A(cell) > 1.9


def test_hydrogens_without_places_are_refused() -> None:
    columns = "label type_symbol fract_x fract_y fract_z occupancy attached_hydrogens"
    text = cif(sites="Li1 Li 0 0 0 1 0\nO1 O 0.5 0.5 0.5 1 1", columns=columns)
    assert refusal(text).code is RowErrorCode.UNPARSEABLE_CIF


def test_overfull_files_are_refused_as_by_the_reader() -> None:
    text = cif(sites="Li1 Li 0 0 0 1\nCl1 Cl 0 0 0 1\nO1 O 0.5 0.5 0.5 1")
    with pytest.raises(CandidateError) as reader:
        read_cif(text)
    assert refusal(text).code is reader.value.code


def test_positions_of_a_primitive_cell_hold_what_the_reader_counts(obelix_cifs: dict[str, str]) -> None:
    for name, text in sorted(obelix_cifs.items())[::4]:
        atoms = read_atoms(text)
        positions = occupied_positions(atoms)
        amounts = atoms.structure.amounts
        times = sum(amounts.values()) / sum(positions.amounts.values())
        assert times == pytest.approx(round(times), abs=1e-6), name
        for symbol, amount in positions.amounts.items():
            assert amount * times == pytest.approx(amounts[symbol], rel=0.03), name  # an overfull place is let go


def test_disordered_crystals_of_obelix_keep_composition_charge_and_distances(obelix_cifs: dict[str, str]) -> None:
    cells, refused = [], set()
    for text in [text for _, text in sorted(obelix_cifs.items())][::5]:
        try:
            cells.append((ordered_representative(text), read_cif(text).amounts))
        except CandidateError as error:
            refused.add(str(error.code))
    assert refused <= {"cell_too_small", "cell_too_large", "not_neutral", "no_lithium_sites", "atoms_collide"}
    disordered = [(cell, amounts) for cell, amounts in cells if cell.disordered]
    assert len(disordered) > 35
    for cell, amounts in disordered:
        assert len(cell) <= MOST_ATOMS
        assert composition_distance(cell.amounts, amounts) < MOST_COMPOSITION_DISTANCE
        assert cell.composition_distance == pytest.approx(composition_distance(cell.amounts, amounts), abs=2e-3)
        low, high = formal_charges(amounts).bounds(cell.amounts)
        assert low - 1e-9 <= 0.0 <= high + 1e-9
        assert shortest_A(cell) > 0.65
