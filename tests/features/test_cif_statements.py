"""What a CIF says twice: formula and sites, name and operators, several blocks; and what is left open."""

from __future__ import annotations

import numpy as np
import pytest
from made_cifs import ARGYRODITE, all_in_cell, argyrodite, cif, group, operators

from features.candidate import Candidate, MaterialBatch, RowError
from features.cif import CifStructure, read_cif, structure_blocks
from features.errors import CandidateError, RowErrorCode, WarningCode
from features.kinds import read_candidates

SODIUM_CHLORIDE = cif(sites="Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1", cell=(5.64, 5.64, 5.64, 90, 90, 90))
TWO_BLOCKS = cif().replace("data_test", "data_lithium") + SODIUM_CHLORIDE.replace("data_test", "data_sodium")
HYDROGENS = "label type_symbol fract_x fract_y fract_z occupancy attached_hydrogens"
SIX = ("x,y,z", "-y,x-y,z", "-x+y,-x,z", "-x,-y,z+1/2", "y,-x+y,z+1/2", "x-y,x,z+1/2")
HEXAGONAL = (7.0, 7.0, 7.0, 90, 90, 120)
SALT = "Li1 Li 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"
ANYWHERE = "Li1 Li 0.1 0.2 0.3 1\nI1 I 0.333333 0.666667 0.25 1"


def codes(structure: CifStructure) -> set[WarningCode]:
    return {remark.code for remark in structure.remarks}


def message(text: str, block: str | None = None) -> str:
    with pytest.raises(CandidateError) as caught:
        read_cif(text, block)
    return caught.value.message


@pytest.mark.parametrize(
    "formula",
    [
        "_chemical_formula_sum 'Cl Li6 P S5'",
        "_chemical_formula_sum 'Li24 P4 S20 Cl4'",
        "_chemical_formula_sum 'Li5.95 P1 S5.02(3) Cl1'",
        "_chemical_formula_sum ?",
        "_chemical_formula_sum 'unknown phase'",
        "_chemical_formula_moiety 'P S4 3-, S 2-, Cl 1-, 6(Li 1+)'",
        "_chemical_formula_moiety '6(Li), P S5, Cl'\n_chemical_formula_sum ?",
        "_chemical_formula_moiety 'Li'\n_chemical_formula_sum 'Li6 P S5 Cl'",
    ],
)
def test_a_formula_that_agrees_or_says_nothing_draws_no_word(formula: str) -> None:
    assert read_cif(argyrodite(symmetry=f"{formula}\n{group('F -4 3 m')}")).remarks == ()


@pytest.mark.parametrize(
    ("formula", "sites", "absent"),
    [
        ("_chemical_formula_sum 'Cl Li6 P S5'", ARGYRODITE[1:], "no site holds Li"),
        ("_chemical_formula_moiety 'P S4 3-, S 2-, Cl 1-, 6(Li 1+)'", ARGYRODITE[1:], "no site holds Li"),
        ("_chemical_formula_sum 'Li6 P S5 Cl'", ARGYRODITE[:-1], "no site holds Cl"),
        ("_chemical_formula_sum 'Li6 P S5 Br'", ARGYRODITE, "no site holds Br"),
        ("_chemical_formula_sum 'Li5.4 P S4.4 Cl1.6'", ARGYRODITE, "'Li5.4 P S4.4 Cl1.6'"),
        ("_chemical_formula_sum 'Li6 P S5 Cl H2'", ARGYRODITE, "no site holds H"),
    ],
)
def test_sites_that_hold_something_else_than_the_formula_are_remarked_upon(
    formula: str, sites: tuple[str, ...], absent: str
) -> None:
    read = read_cif(argyrodite(sites=sites, symmetry=f"{formula}\n{group('F -4 3 m')}"))
    assert WarningCode.FORMULA_CONTRADICTED in codes(read)
    assert absent in next(r.message for r in read.remarks if r.code is WarningCode.FORMULA_CONTRADICTED)


@pytest.mark.parametrize(
    ("sites", "cell", "formula"),
    [
        ("Li1 Li 0.5 0.5 0 0.6667 0\nO1 O 0.5 0.5 0.5 1 1\nCl1 Cl 0 0 0 1 0", 3.9103, "Li2OHCl"),
        ("N1 N 0 0 0 1 4\nI1 I 0.5 0.5 0.5 1 .", 4.37, "NH4I"),
        ("Li1 Li 0 0 0 1 ?\nB1 B 0.5 0.5 0.5 1 4", 3.8, "LiBH4"),
    ],
)
def test_hydrogens_attached_to_an_atom_count(sites: str, cell: float, formula: str) -> None:
    lengths_and_angles = (cell, cell, cell, 90, 90, 90)
    read = read_cif(cif(group("P m -3 m"), sites, lengths_and_angles, HYDROGENS))
    assert read.formula == formula


def test_hydrogens_with_places_of_their_own_are_not_counted_again_where_the_formula_says_so() -> None:
    sites = "Li1 Li 0 0 0 1 0\nO1 O 0.5 0.5 0 1 1\nH1 H 0.5 0.5 0.3 1 0"
    cell = (3.55, 3.55, 4.33, 90, 90, 90)
    assert read_cif(cif(group("P 4 m m"), sites, cell, HYDROGENS)).amounts == {"Li": 1, "O": 1, "H": 2}
    stated = "_chemical_formula_sum 'H Li O'\n" + group("P 4 m m")
    assert read_cif(cif(stated, sites, cell, HYDROGENS)).amounts == {"Li": 1, "O": 1, "H": 1}


@pytest.mark.parametrize("attached", ["-1", "9", "two", "1,5"])
def test_attached_hydrogens_that_are_no_number_are_refused(attached: str) -> None:
    assert "attached hydrogens" in message(cif(sites=f"N1 N 0 0 0 1 {attached}", columns=HYDROGENS))


@pytest.mark.parametrize(
    "occupancy", ["0,5", "1/2", "50%", "half", "nan", "inf", "1e", "0.5.1", "(0.5)", "-0.2", "50", "1.06"]
)
@pytest.mark.parametrize("site", [0, 4])
def test_occupancies_that_are_no_numbers_up_to_one_are_refused_with_their_site(occupancy: str, site: int) -> None:
    rows = list(ARGYRODITE)
    rows[site] = " ".join([*rows[site].split()[:-1], occupancy])
    text = message(argyrodite(sites=rows))
    assert f"site '{rows[site].split()[0]}' has occupancy" in text
    assert "expected" in text
    assert ("point" in text) == ("," in occupancy)


@pytest.mark.parametrize("occupancy", ["?", ".", "1", "1.0", "1.", "1.00(2)", "1.0005", "'1'", "+1", "1E0"])
def test_a_full_occupancy_is_understood_however_it_is_written(occupancy: str) -> None:
    read = read_cif(argyrodite(sites=[*ARGYRODITE[:-1], f"Cl1 Cl 0 0 0 {occupancy}"]))
    assert read.formula == "Li6PS5Cl"
    assert read.remarks == ()


@pytest.mark.parametrize("occupancy", ["1.03", "1.05", "1.02(4)"])
def test_an_occupancy_a_little_above_one_is_clipped_with_a_word(occupancy: str) -> None:
    read = read_cif(argyrodite(sites=[*ARGYRODITE[:-1], f"Cl1 Cl 0 0 0 {occupancy}"]))
    assert read.amounts["Cl"] == 4.0
    assert codes(read) == {WarningCode.OCCUPANCY_CLIPPED}
    assert "Cl1" in read.remarks[0].message


@pytest.mark.parametrize("columns", ["label type_symbol Cartn_x Cartn_y Cartn_z", "label type_symbol"])
def test_a_file_without_fractional_coordinates_is_refused_in_words(columns: str) -> None:
    row = "Li1 Li 0 0 0" if "Cartn" in columns else "Li1 Li"
    text = message(cif(sites=row, columns=columns))
    assert "no fractional coordinates" in text
    assert "_atom_site_fract_x" in text
    assert ("Cartesian" in text) == ("Cartn" in columns)


@pytest.mark.parametrize(
    ("said", "name", "number"),
    [
        (operators(*SIX), "P 63", 173),
        (operators(*SIX[:5]), "P 63", 173),
        (operators("x,y,z", "-y,x-y,z+0.3333", "-x+y,-x,z+0.6667"), "P 31", 144),
        (operators("x,y,z", "-x,-y,-z", "-x,y+1/2,-z+1/2"), "P 1 21/c 1", 14),
        (operators("x,y,z", "-x,-y,-z"), "P -1", 2),
        ("loop_\n_symmetry_equiv_pos_as_xyz\nx, y, z\n-x, -y, -z", "P -1", 2),
        ("loop_\n_space_group_symop_operation_xyz\nX,Y,Z\n-X,-Y,1/2+Z", "P 1 1 21", 4),
    ],
)
def test_operators_alone_suffice(said: str, name: str, number: int) -> None:
    read = read_cif(cif(said, "Li1 Li 0.111 0.234 0.377 1", HEXAGONAL))
    assert (read.crystal.space_group, read.lattice.space_group_number) == (name, number)


@pytest.mark.parametrize(
    ("shift", "hm"), [("x+1/8,y+1/8,z+1/8", "F d -3 m:2"), ("x+1/24,y,z", "P n m a"), ("z,x,y+1/8", "P 42/n m c:2")]
)
def test_operators_about_another_origin_are_of_the_same_group(shift: str, hm: str) -> None:
    import gemmi

    operations = gemmi.SpaceGroup(hm).operations()
    operations.change_basis_forward(gemmi.Op(shift))
    triplets = [operation.wrap().triplet() for operation in operations]
    read = read_cif(cif(operators(*triplets), "Li1 Li 0.111 0.234 0.377 0.1"))
    assert read.lattice.space_group_number == gemmi.SpaceGroup(hm).number
    assert read.amounts["Li"] == pytest.approx(0.1 * len(triplets))


def test_operators_of_no_table_count_atoms_and_leave_the_cell_aside() -> None:
    said = operators("x,y,z", "-x,-y,z", "x,y,z+1/2", "-x,-y,z+1/2")  # half the cell would do
    candidate = Candidate.from_cif(cif(said, "Li1 Li 0.1 0.2 0.1 1\nCl1 Cl 0.4 0.3 0.1 1", (5, 5, 5, 90, 90, 90)))
    assert candidate.amounts == {"Li": 4.0, "Cl": 4.0}
    assert not candidate.has_lattice
    assert candidate.crystal is not None
    assert candidate.crystal.space_group == "unknown"
    assert WarningCode.SYMMETRY_CONTRADICTED in {remark.code for remark in candidate.remarks}
    assert np.isfinite(MaterialBatch.from_candidates([candidate]).fraction).all()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (operators("x,y,z", "-x,-y,z+1/4"), "form no group"),
        (operators("x,y,z", "x+1/2,y,z", "-x,y,-z+1/24"), "form no group"),
        (operators("x,y,z", "x,y,q"), "'x,y,q' is not understood"),
        (operators("x,y,z", "2*x,y,z"), "'2*x,y,z' is not understood"),
        ("", "neither operators nor a name are given"),
        (group("F 9 9 9"), "'F 9 9 9' is in no table"),
    ],
)
def test_symmetry_that_is_none_is_refused_in_words(said: str, words: str) -> None:
    assert words in message(cif(said))


@pytest.mark.parametrize(
    ("said", "sites", "used", "named"),
    [
        (f"{group('F m -3 m')}\n{operators('x,y,z')}", SALT, "F m -3 m", ("F m -3 m", "P 1")),
        (f"{group('F m -3 m')}\n_symmetry_Int_Tables_number 216", SALT, "F m -3 m", ("F m -3 m", "216")),
        (f"{group('Fxyz')}\n_symmetry_Int_Tables_number 225", SALT, "F m -3 m", ("Fxyz", "225")),
        (f"{group('P 1')}\n{operators(*SIX)}", ANYWHERE, "P 63", ("P 1", "P 63")),
        (f"{group('P 61')}\n{operators(*SIX)}", ANYWHERE, "P 63", ("P 61", "P 63")),
        (f"_symmetry_Int_Tables_number 169\n{operators(*SIX)}", ANYWHERE, "P 63", ("number 169", "P 63")),
        (f"{group('P 63')}\n{operators('x,y,z', '-x,-y,z+1/24')}", ANYWHERE, "P 63", ("form no group", "P 63")),
    ],
)
def test_a_name_that_disagrees_with_the_operators_is_remarked_upon(
    said: str, sites: str, used: str, named: tuple[str, str]
) -> None:
    cell = HEXAGONAL if "P 6" in used else (5.13, 5.13, 5.13, 90, 90, 90)
    read = read_cif(cif(said, sites, cell))
    assert read.crystal.space_group == used
    remark = next(remark for remark in read.remarks if remark.code is WarningCode.SYMMETRY_CONTRADICTED)
    assert all(name in remark.message for name in named)


def test_all_atoms_with_the_identity_alone_are_read_by_their_operators_beside_a_name() -> None:
    said = f"{group('F -4 3 m')}\n{operators('x,y,z')}"
    read = read_cif(argyrodite(sites=all_in_cell(ARGYRODITE, "F -4 3 m"), symmetry=said))
    assert read.formula == "Li6PS5Cl"
    assert read.crystal.space_group == "P 1"
    assert codes(read) == {WarningCode.SYMMETRY_CONTRADICTED}


def test_a_cell_without_the_symmetry_of_its_group_is_remarked_upon() -> None:
    read = read_cif(cif(cell=(5.13, 5.5, 6.0, 90, 90, 90)))
    assert "does not have the symmetry" in read.remarks[0].message


def test_the_first_structure_is_read_and_the_others_are_named() -> None:
    read = read_cif(TWO_BLOCKS)
    assert read.formula == "LiCl"
    assert read.crystal.block == "lithium"
    assert codes(read) == {WarningCode.SEVERAL_STRUCTURES}
    assert "'lithium'" in read.remarks[0].message
    assert "'sodium'" in read.remarks[0].message


def test_a_structure_that_cannot_be_read_names_the_others_too() -> None:
    text = message(TWO_BLOCKS.replace("Li1 Li 0 0 0 1", "Li1 Li 0 0 0 1/2"))
    assert "'1/2'" in text
    assert "the file also holds 'sodium'" in text


@pytest.mark.parametrize("name", ["sodium", "data_sodium", "SODIUM"])
def test_a_block_is_chosen_by_its_name(name: str) -> None:
    read = read_cif(TWO_BLOCKS, name)
    assert read.formula == "NaCl"
    assert read.crystal.block == "sodium"
    assert read.remarks == ()


def test_blocks_without_structures_count_for_nothing() -> None:
    text = "data_publication\n_publ_section_title 'On salt'\n" + cif() + "data_powder\nloop_\n_refln_index_h\n1 2\n"
    assert read_cif(text).remarks == ()
    assert structure_blocks(text) == ["test"]
    assert "no fractional coordinates" in message(text, "powder")
    assert "blocks with a structure: 'test'" in message(text, "cesium")


def test_blocks_of_one_name_can_be_told_apart() -> None:
    text = cif() + SODIUM_CHLORIDE
    assert structure_blocks(text) == ["test", "test(2)"]
    assert read_cif(text, "test(2)").formula == "NaCl"


def test_candidates_take_a_block_and_carry_what_was_read() -> None:
    rows = read_candidates(
        [None, None, None, "LiCl"], [TWO_BLOCKS] * 3 + [None], ["a", "b", "c", "d"], ["sodium", None, "cesium", "x"]
    )
    assert isinstance(rows[0], Candidate)
    assert rows[0].crystal == ("sodium", "F m -3 m", "Na4Cl4")
    assert rows[0].formula == rows[0].read_as == "NaCl"
    assert isinstance(rows[1], Candidate)
    assert [remark.code for remark in rows[1].remarks] == [WarningCode.SEVERAL_STRUCTURES]
    assert isinstance(rows[2], RowError)
    assert rows[2].code is RowErrorCode.UNPARSEABLE_CIF
    assert isinstance(rows[3], RowError)
    assert rows[3].code is RowErrorCode.MISSING_MATERIAL


@pytest.mark.parametrize(
    ("sites", "cell", "empty"),
    [
        (ARGYRODITE[:1], 9.857, True),
        (("Li1 Li 0 0 0 1",), 5.13, True),
        (("Li1 Li 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1"), 5.13, False),
        (("Li1 Li 0 0 0 1", "I1 I 0.5 0.5 0.5 1"), 6.0, False),
        (("Li1 Li 0 0 0 1", "H1 H 0.5 0.5 0.5 1"), 4.08, False),
        (("Li1 Li 0 0 0 1", "Cl1 Cl 0.5 0.5 0.5 1", "S1 S 0.25 0.25 0.25 1", "S2 S 0 0.25 0.25 1"), 5.13, True),
    ],
)
def test_a_cell_with_an_implausible_number_of_atoms_is_remarked_upon(
    sites: tuple[str, ...], cell: float, empty: bool
) -> None:
    symmetry = group("F -4 3 m" if cell == 9.857 else "F m -3 m")
    read = read_cif(cif(symmetry, "\n".join(sites), (cell, cell, cell, 90, 90, 90)))
    assert (codes(read) == {WarningCode.IMPLAUSIBLE_DENSITY}) is empty


@pytest.mark.parametrize("dummy", ["Du1 Du", "X1 X", "DUM Dum", "Q1 Q", "V1 Vac", "Cnt1 Cnt"])
def test_dummy_atoms_are_left_out_with_a_word(dummy: str) -> None:
    read = read_cif(argyrodite(f"{dummy} 0.4 0.4 0.4 1"))
    assert read.formula == "Li6PS5Cl"
    assert codes(read) == {WarningCode.SITES_IGNORED}
    assert dummy.split()[0] in read.remarks[0].message


@pytest.mark.parametrize("flag", ["dum", "DUM"])
def test_what_the_file_itself_calls_a_dummy_is_left_out(flag: str) -> None:
    columns = "label type_symbol fract_x fract_y fract_z occupancy calc_flag"
    rows = "\n".join(["Li1 Li 0 0 0 1 d", "Cl1 Cl 0.5 0.5 0.5 1 calc", f"Li2 Li 0.25 0.25 0.25 1 {flag}"])
    read = read_cif(cif(sites=rows, columns=columns))
    assert read.amounts == {"Li": 4.0, "Cl": 4.0}
    assert read.remarks == ()


def test_a_file_of_dummies_alone_is_refused() -> None:
    assert message(cif(sites="X1 X 0 0 0 1")) == "no occupied atom sites"
