from __future__ import annotations

import random

import numpy as np
import pytest
from made_cifs import cif

from features.candidate import Candidate, MaterialBatch, RowError
from features.cif import MAX_BLOCKS, MAX_CIF_CHARACTERS, MAX_SITES, read_cif
from features.crystal import CrystalFeaturizer
from features.errors import CandidateError, RowErrorCode, WarningCode
from features.formula import parse_formula
from features.kinds import read_candidates
from features.lattice import Lattice, cell_volume_A3

LICL_OPERATORS = """loop_
_symmetry_equiv_pos_as_xyz
'x,y,z' '-x,-y,z' '-x,y,-z' 'x,-y,-z'
"""


def error_of(text: object) -> CandidateError:
    with pytest.raises(CandidateError) as caught:
        read_cif(text)  # type: ignore[arg-type]
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 250
    return caught.value


def test_rock_salt_is_read_with_its_cell_group_and_atoms() -> None:
    formula, amounts, lattice, *_ = read_cif(cif())
    assert formula == "LiCl"
    assert amounts == {"Li": 4.0, "Cl": 4.0}
    assert lattice == Lattice(5.13, 5.13, 5.13, 90.0, 90.0, 90.0, 225, 8)


@pytest.mark.parametrize(
    ("symmetry", "number"),
    [
        ("_symmetry_space_group_name_H-M 'F m -3 m'", 225),
        ("_symmetry_space_group_name_H-M Fm-3m", 225),
        ("_space_group_name_H-M_alt 'F m 3 m'", 225),
        ("_symmetry_space_group_name_Hall '-F 4 2 3'", 225),
        ("_symmetry_Int_Tables_number 225", 225),
        ("_space_group_IT_number 225\n_space_group_name_H-M_alt ?", 225),
        ("_space_group_name_H-M_alt 'P 1 21/c 1'", 14),
        ("_space_group_name_H-M_alt P2_1/c", 14),
        ("_space_group_name_H-M_alt 'P 21/n'", 14),
        ("_space_group_name_H-M_alt 'B 2/b'", 15),
        ("_space_group_name_H-M_alt 'R -3 c H'", 167),
        ("_space_group_name_H-M_alt 'R-3c:H'", 167),
        ("_space_group_name_H-M_alt 'R -3 c :R'", 167),
        ("_space_group_name_H-M_alt 'F d -3 m S'", 227),
        ("_space_group_name_H-M_alt 'Fd-3mZ'", 227),
        ("_space_group_name_H-M_alt 'F d -3 m :1'", 227),
        (LICL_OPERATORS, 16),
        ("_space_group_name_H-M_alt 'not a group'\n" + LICL_OPERATORS, 16),
        ("_space_group_name_H-M_alt 'P 1'\n" + LICL_OPERATORS, 16),
    ],
)
def test_the_space_group_is_found_however_it_is_stated(symmetry: str, number: int) -> None:
    anywhere = "Li1 Li 0.11 0.23 0.37 0.1"  # so thin that images may come close
    assert read_cif(cif(symmetry, anywhere)).lattice.space_group_number == number


def test_mixed_and_partial_occupancy_is_weighted() -> None:
    sites = "Li1 Li 0 0 0 0.75\nNa1 Na 0 0 0 0.25\nCl1 Cl 0.5 0.5 0.5 0.5\nBr1 Br 0.5 0.5 0.5 0.5"
    _, amounts, lattice, *_ = read_cif(cif(sites=sites))
    assert amounts == {"Li": 3.0, "Na": 1.0, "Cl": 2.0, "Br": 2.0}
    assert lattice.atoms_per_cell == 8.0


def test_sites_are_full_where_the_file_says_nothing_of_occupancy() -> None:
    columns = "label type_symbol fract_x fract_y fract_z"
    assert read_cif(cif(sites="Li1 Li 0 0 0\nCl1 Cl .5 .5 .5", columns=columns))[1] == {"Li": 4.0, "Cl": 4.0}
    assert read_cif(cif(sites="Li1 Li 0 0 0 ?\nCl1 Cl .5 .5 .5 .")).amounts == {"Li": 4.0, "Cl": 4.0}


@pytest.mark.parametrize(
    "sites",
    [
        "Li1 Li+ 0 0 0 1\nCl1 Cl- .5 .5 .5 1",
        "Li1 Li1+ 0 0 0 1\nCl1 Cl1- .5 .5 .5 1",
        "a LI 0 0 0 1\nb CL .5 .5 .5 1",
        "Li1 Li 0 0 0 1.000(2)\nCl1 Cl 0.5000(1) .5 .5 1",
    ],
)
def test_charges_capitals_and_uncertainties_are_understood(sites: str) -> None:
    assert read_cif(cif(sites=sites))[0] == "LiCl"


def test_labels_stand_in_for_missing_type_symbols() -> None:
    text = cif(sites="Li1 0 0 0\nCl2A .5 .5 .5", columns="label fract_x fract_y fract_z")
    assert read_cif(text)[0] == "LiCl"


def test_deuterium_counts_as_hydrogen() -> None:
    assert read_cif(cif(sites="Li1 Li 0 0 0 1\nD1 D .5 .5 .5 1"))[0] == "LiH"


def test_rounded_coordinates_of_a_special_position_count_once() -> None:
    hexagonal = (10.0, 10.0, 12.0, 90, 90, 120)
    for third, two_thirds in (("0.3333", "0.6667"), ("0.333", "0.667"), ("0.33333333", "0.66666667")):
        text = cif("_space_group_name_H-M_alt 'P 6/m m m'", f"Li1 Li {third} {two_thirds} 0 1", hexagonal)
        assert read_cif(text)[1] == {"Li": pytest.approx(2.0)}


def test_a_stated_multiplicity_settles_coarse_rounding() -> None:
    hexagonal = (10.0, 10.0, 12.0, 90, 90, 120)
    columns = "label type_symbol symmetry_multiplicity fract_x fract_y fract_z occupancy"
    text = cif("_space_group_name_H-M_alt 'P 6/m m m'", "Li1 Li 2 0.33 0.67 0 1", hexagonal, columns)
    assert read_cif(text)[1] == {"Li": 2.0}


def test_a_stated_multiplicity_that_the_position_contradicts_is_not_believed() -> None:
    columns = "label type_symbol symmetry_multiplicity fract_x fract_y fract_z occupancy"
    text = cif(sites="Li1 Li 192 0 0 0 1\nCl1 Cl x 0.5 0.5 0.5 1", columns=columns)
    assert read_cif(text)[1] == {"Li": 4.0, "Cl": 4.0}


def test_lithium_split_over_two_close_positions_counts_twice() -> None:
    sites = "Li1 Li 0.01 0 0 0.5\nCl1 Cl 0.5 0.5 0.5 1"  # the images lie 0.1 A apart
    text = cif("_symmetry_space_group_name_H-M 'P m m m'", sites)
    assert read_cif(text)[1] == {"Li": 1.0, "Cl": 1.0}


def test_the_first_block_with_atoms_is_read() -> None:
    text = "data_publication\n_publ_section_title 'On salt'\n" + cif()
    assert read_cif(text)[0] == "LiCl"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    assert read_cif("\ufeff" + cif().replace("\n", "\r\n"))[0] == "LiCl"


def test_occupancies_rounded_to_three_digits_give_a_clean_formula() -> None:
    sites = "Li1 Li 0.11 0.23 0.37 0.333\nO1 O 0 0 0 1\nAl1 Al 0.5 0.5 0.5 1"
    text = cif("_symmetry_space_group_name_H-M 'P m m m'", sites, (9.0, 8.0, 7.0, 90, 90, 90))
    formula, amounts, *_ = read_cif(text)
    assert amounts["Li"] == pytest.approx(2.664)
    assert formula == "Li2.664AlO"
    sites = sites.replace("0.333", "0.125")
    assert read_cif(cif("_symmetry_space_group_name_H-M 'P m m m'", sites, (9.0, 8.0, 7.0, 90, 90, 90)))[0] == "LiAlO"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        "Li6PS5Cl",
        "\x00",
        "\x00\x01\x02" * 1000,
        "data_",
        "data_x\nloop_\n_atom_site_label\n",
        "data_x\nloop_\n_a\n_b\n1 2 3",
        "data_x\n_a 1\n_a 2",
        "data_x\n_a 'open",
        "data_x\n;\nopen",
        cif()[: len(cif()) // 2],
        cif().replace("0.5", "0.5\x00"),
        cif() + "\ud800",
        cif(cell=("?",) * 6),
        cif(cell=(0, 5, 5, 90, 90, 90)),
        cif(cell=(-5, 5, 5, 90, 90, 90)),
        cif(cell=(5, 5, 5, 0, 90, 90)),
        cif(cell=(5, 5, 5, 90, 90, 180)),
        cif(cell=(5, 5, 5, 30, 30, 90)),
        cif(cell=("abc", 5, 5, 90, 90, 90)),
        cif(cell=("nan", 5, 5, 90, 90, 90)),
        cif(cell=("1e300", "1e300", "1e300", 90, 90, 90)),
        cif(cell=(0.513, 0.513, 0.513, 90, 90, 90)),
        cif(cell=(513, 513, 513, 90, 90, 90)),
        cif(sites="Li1 Li 0 0 0 1.5"),
        cif(sites="Li1 Li 0 0 0 -0.5"),
        cif(sites="Li1 Li 0 0 0 0"),
        cif(sites="Li1 Li ? 0 0 1"),
        cif(sites="Li1 Li x 0 0 1"),
        cif(sites="Li1 Li 1e30 0 0 1"),
        cif(symmetry=""),
        cif(symmetry="_symmetry_space_group_name_H-M 'nonsense'"),
        cif(symmetry="_symmetry_Int_Tables_number 231"),
        cif(symmetry="_symmetry_Int_Tables_number -1"),
        cif(symmetry="loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,q'"),
        cif(symmetry="loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z' '-x,-y,z+1/4'"),
        cif(symmetry="loop_\n_symmetry_equiv_pos_as_xyz\n" + "x,y,z\n" * 50_000),
        cif(symmetry="loop_\n_cell_length_a\n1 2 3"),
    ],
)
def test_what_is_not_a_usable_structure_is_refused_with_a_reason(text: str) -> None:
    assert error_of(text).code is RowErrorCode.UNPARSEABLE_CIF


@pytest.mark.parametrize("value", [None, 3, b"data_x"])
def test_what_is_not_text_is_refused(value: object) -> None:
    assert error_of(value).code is RowErrorCode.UNPARSEABLE_CIF


@pytest.mark.parametrize("symbol", ["Zz", "M", "T", "Li/Na", "LiNa", "OH"])
def test_sites_without_a_known_element_are_refused(symbol: str) -> None:
    error = error_of(cif(sites=f"Q1 {symbol} 0 0 0 1"))
    assert error.code is RowErrorCode.UNKNOWN_ELEMENT
    assert "Q1" in error.message


def test_files_and_structures_beyond_the_limits_are_refused() -> None:
    assert error_of(" " * (MAX_CIF_CHARACTERS + 1)).code is RowErrorCode.CIF_TOO_LARGE
    sites = "\n".join(f"Li{i} Li {i / 10_000} 0.1 0.2 0.01" for i in range(MAX_SITES + 1))
    assert error_of(cif(sites=sites)).code is RowErrorCode.CIF_TOO_LARGE
    blocks = "".join(f"data_{i}\n" for i in range(MAX_BLOCKS))
    assert error_of(blocks + cif()).code is RowErrorCode.CIF_TOO_LARGE
    assert read_cif(blocks.removeprefix("data_0\n") + cif())[0] == "LiCl"


def test_a_cif_among_formulas_is_a_row_like_any_other() -> None:
    rows = read_candidates(["Li2O", None, None], [None, "nonsense", cif()], ["a", "b", "c"])
    assert isinstance(rows[1], RowError)
    assert isinstance(rows[2], Candidate)
    assert rows[2].formula == "LiCl"
    assert rows[2].has_lattice
    assert rows[2].id == "c"


def test_a_cif_without_lithium_is_remarked_upon() -> None:
    candidate = Candidate.from_cif(cif(sites="Na1 Na 0 0 0 1\nCl1 Cl .5 .5 .5 1", cell=(5.64,) * 3 + (90,) * 3))
    assert [remark.code for remark in candidate.remarks] == [WarningCode.NO_LITHIUM]


def test_damaged_files_never_raise_anything_but_a_candidate_error() -> None:
    generator = random.Random(0)
    whole = cif(LICL_OPERATORS)
    for _ in range(3000):
        text = list(whole)
        for _ in range(generator.randint(1, 8)):
            place, size = generator.randrange(len(text)), generator.randint(1, 40)
            change = generator.choice(["replace", "remove", "repeat", "insert"])
            if change == "replace":
                text[place] = generator.choice("\x00\n\t '\"#;_?.-+e0189zQ\ud800")
            elif change == "remove" and len(text) > 60:
                del text[place : place + size]
            elif change == "repeat":
                text[place:place] = text[place // 2 : place // 2 + size]
            else:
                text[place:place] = list(generator.choice("\n'\";_9 .-") * size)
        try:
            read_cif("".join(text))
        except CandidateError as error:
            error.message.encode()


# What the archive and the table disagree on, by reading both: the group of these four entries differs.
OTHER_GROUP_IN_TABLE = {"019", "um1", "xa0", "yqu"}


def test_every_obelix_cif_is_read_to_the_contents_it_states_itself(obelix_cifs: dict[str, str]) -> None:
    import gemmi

    assert len(obelix_cifs) == 321
    for name, text in obelix_cifs.items():
        _, amounts, lattice, *_ = read_cif(text)
        stated = parse_formula(gemmi.cif.as_string(gemmi.cif.read_string(text)[0].find_value("_chemical_formula_sum")))
        assert amounts == pytest.approx(stated, rel=1e-3), name
        assert lattice.atoms_per_cell == pytest.approx(sum(stated.values()), rel=1e-3), name


def test_most_obelix_cifs_agree_with_the_table(
    obelix_cifs: dict[str, str], obelix_rows: dict[str, dict[str, str]]
) -> None:
    agree: dict[str, set[str]] = {"cell": set(), "group": set(), "atoms": set(), "composition": set()}
    for name, text in obelix_cifs.items():
        row = obelix_rows[name]
        _, amounts, lattice, *_ = read_cif(text)
        cell = [float(row[column]) for column in ("a", "b", "c", "alpha", "beta", "gamma")]
        contents = parse_formula(row["True Composition"])
        shares = {symbol: amount / sum(contents.values()) for symbol, amount in contents.items()}
        difference = sum(
            abs(shares.get(symbol, 0.0) - amounts.get(symbol, 0.0) / lattice.atoms_per_cell)
            for symbol in shares.keys() | amounts.keys()
        )
        checks = {
            "cell": np.allclose(lattice.as_tuple()[:6], cell, rtol=0.002),
            "group": lattice.space_group_number == float(row["Space group #"]),
            "atoms": np.isclose(lattice.atoms_per_cell, sum(contents.values()), rtol=0.005),
            "composition": difference < 0.01,
        }
        for check, passed in checks.items():
            if passed:
                agree[check].add(name)
    assert set(obelix_cifs) - agree["group"] == OTHER_GROUP_IN_TABLE
    assert len(agree["cell"]) == 288  # others: close matches, and axes in another order
    assert len(agree["atoms"]) == 282  # others: lithium not located, or refined occupancies
    assert len(agree["composition"]) == 281
    assert len(set.intersection(*agree.values())) == 242


def crystal_feature(candidate: Candidate, label: str) -> float:
    featurizer = CrystalFeaturizer()
    return float(featurizer(MaterialBatch.from_candidates([candidate]))[0, featurizer.labels.index(label)])


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("volume_per_atom_A3", 5.13**3 / 8),
        ("volume_per_anion_A3", 5.13**3 / 4),
        ("lithium_density_per_A3", 4 / 5.13**3),
        ("mass_density_g_per_cm3", 2.086),  # handbook: 2.07
        ("ionic_packing_fraction", 4 * 4 / 3 * np.pi * (0.90**3 + 1.67**3) / 5.13**3),
        ("free_volume_per_lithium_A3", 5.13**3 / 4 - 4 / 3 * np.pi * (0.90**3 + 1.67**3)),
        ("log10_cell_volume_A3", 3 * np.log10(5.13)),
        ("atoms_per_cell", 8),
        ("space_group_number", 225),
        ("crystal_system_rank", 6),
        ("axis_ratio", 1),
        ("largest_angle_deviation_deg", 0),
    ],
)
def test_crystal_features_of_rock_salt_are_those_computed_by_hand(label: str, value: float) -> None:
    assert crystal_feature(Candidate.from_cif(cif()), label) == pytest.approx(value, rel=2e-3, abs=1e-9)


@pytest.mark.parametrize(
    ("group", "rank"), [(1, 0), (2, 0), (3, 1), (15, 1), (16, 2), (75, 3), (143, 4), (168, 5), (195, 6), (230, 6)]
)
def test_the_crystal_system_follows_from_the_group_number(group: int, rank: int) -> None:
    candidate = Candidate.from_formula("LiCl", lattice=Lattice(5, 5, 5, 90, 90, 90, group, 8))
    assert crystal_feature(candidate, "crystal_system_rank") == rank


@pytest.mark.parametrize("lattice", [Lattice(), Lattice(5, 5, 5, 90, 90, 90, 225), Lattice(0, 5, 5, 90, 90, 90, 1, 8)])
def test_an_unknown_or_empty_cell_gives_nothing_but_unknowns(lattice: Lattice) -> None:
    batch = MaterialBatch.from_candidates([Candidate.from_formula("LiCl", lattice=lattice)])
    assert np.isnan(CrystalFeaturizer()(batch)).all()


def test_a_crystal_without_lithium_or_anions_has_finite_features() -> None:
    cell = Lattice(4.05, 4.05, 4.05, 90, 90, 90, 225, 4)
    batch = MaterialBatch.from_candidates([Candidate.from_formula(f, lattice=cell) for f in ("Al", "Al2O3", "Li")])
    assert np.isfinite(CrystalFeaturizer()(batch)).all()


def test_the_volume_of_a_skew_cell_is_that_of_its_determinant() -> None:
    import gemmi

    cell = (5.51, 6.04, 5.52, 116.9, 120.9, 62.2)
    assert cell_volume_A3(np.array([[*cell, 2, 14]]))[0] == pytest.approx(gemmi.UnitCell(*cell).volume)
