"""What real writers do wrong is read where one reading alone makes sense, else refused in a chemist's words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cifs import ARGYRODITE, argyrodite, cif, group, operators

from features.cif import read_cif, structure_blocks
from features.errors import CandidateError, RowErrorCode

PARSER_WORDS = re.compile(r"string:|parse error|\w+Error|loop_?tag|token|<|block header|_\*")


def message(text: str) -> str:
    with pytest.raises(CandidateError) as caught:
        read_cif(text)
    assert caught.value.code is RowErrorCode.UNPARSEABLE_CIF
    assert len(caught.value.message) < 250
    return caught.value.message


def dotted(text: str) -> str:
    """Write names as the dictionaries since 2014 do."""
    for category in ("_cell_", "_atom_site_", "_space_group_symop_"):
        text = text.replace(category, f"{category[:-1]}.")
    return text.replace("_symmetry_space_group_name_H-M", "_space_group.name_H-M_alt")


@pytest.mark.parametrize(
    ("header", "block"),
    [
        ("data_my argyrodite", "my_argyrodite"),
        ("data_Li6 PS5 Cl (300 K)", "Li6_PS5_Cl_(300_K)"),
        ("data_ sample 3", "data_sample_3".removeprefix("data_")),
        ("DATA_two words  # a remark", "two_words"),
        ("data_", ""),
        ("data_x # a remark", "x"),
        ("a line before\ndata_x", "x"),
        ("#\\#CIF_2.0\ndata_x", "x"),
        ("\ufeff#\\#CIF_1.1\ndata_x", "x"),
    ],
)
def test_a_block_is_read_whatever_its_header_looks_like(header: str, block: str) -> None:
    text = cif().replace("data_test", header)
    assert read_cif(text).amounts == {"Li": 4.0, "Cl": 4.0}
    assert structure_blocks(text) == [block]


def test_a_file_without_a_header_is_one_block() -> None:
    assert read_cif(cif().removeprefix("data_test\n")).formula == "LiCl"


@pytest.mark.parametrize(
    "twice",
    [
        "_cell_length_a 5.13",
        "_cell_length_a 5.130(2)",
        "_CELL_LENGTH_A 5.13",
        "_cell.length_a 5.13",
        "_cell_length_a ?",
        "_journal_year 1999\n_journal_year 2001",
        group("F m -3 m"),
    ],
)
def test_a_name_twice_with_one_value_is_read(twice: str) -> None:
    read = read_cif(cif(f"{twice}\n{group('F m -3 m')}"))
    assert read.formula == "LiCl"
    assert read.remarks == ()


@pytest.mark.parametrize(
    ("twice", "tag"),
    [
        ("_cell_length_a 5.14", "_cell_length_a"),
        ("loop_\n_atom_site_label\n_atom_site_occupancy\nLi1 0.3 Cl1 1", "_atom_site_occupancy"),
        (f"{operators('x,y,z')}\n{operators('-x,-y,-z')}", "_symmetry_equiv_pos_as_xyz"),
    ],
)
def test_a_name_twice_with_two_values_is_refused_with_both(twice: str, tag: str) -> None:
    text = message(f"{cif()}{twice}\n")
    assert f"{tag} stands twice with different values" in text


@pytest.mark.parametrize("header", ["", "#\\#CIF_2.0\n"])
def test_names_with_dots_are_read(header: str) -> None:
    plain = argyrodite(symmetry="loop_\n_space_group_symop_operation_xyz\nx,y,z\n" + group("P 1"))
    assert read_cif(header + dotted(plain)).amounts == read_cif(plain).amounts
    assert read_cif(header + dotted(cif())).crystal == ("test", "F m -3 m", "Li4Cl4")


@pytest.mark.parametrize(
    "line",
    [
        "_a.b [1 2 3]",
        "_a.b [[1 2] [3 [4]]]",
        "_a.b {'one':1 'two':[2 3]}",
        "_a.b '''it's here'''",
        '_a.b """over\ntwo\nlines"""',
        "_a.b [\n 1\n 2\n]",
    ],
)
def test_what_cif2_alone_can_say_does_no_harm(line: str) -> None:
    assert read_cif("#\\#CIF_2.0\n" + dotted(cif()).replace("loop_", f"{line}\nloop_", 1)).formula == "LiCl"


def test_a_name_in_three_quotation_marks_is_read() -> None:
    text = "#\\#CIF_2.0\n" + cif("_space_group.name_H-M_alt '''F m -3 m'''\n_a.b [1 2]")
    assert read_cif(text).lattice.space_group_number == 225


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("F4-3m", 216),
        ("F -43m", 216),
        ("F 4- 3 m", 216),
        ("F\\bar{4}3m", 216),
        ("F $\\overline{4}$ 3 m", 216),
        ("F4\u03053m", 216),
        ("F\N{EN DASH}43m", 216),
        ("Fm3m", 225),
        ("Fm3-m", 225),
        ("FM-3M", 225),
        ("F 4/m -3 2/m", 225),
        ("Fm-3m (225)", 225),
        ("F m -3 m (No. 225)", 225),
        ("Ia3d", 230),
        ("I-43d", 220),
        ("I4-3d", 220),
        ("Fd3m:2", 227),
        ("F d -3 m (origin choice 2)", 227),
        ("Fd-3mO2", 227),
        ("P6(3)/mmc", 194),
        ("P63/m 2/m 2/c", 194),
        ("P_63_/mmc", 194),
        ("P6<sub>3</sub>/mmc", 194),
        ("P2(1)/c", 14),
        ("P 21/n 21/m 21/a", 62),
        ("Pnma", 62),
        ("R3-m", 166),
        ("R -3 2/m", 166),
        ("P1-", 2),
        ("P-3m1", 164),
        ("P3-m1", 164),
        ("P 4-2(1)m", 113),
    ],
)
def test_names_of_groups_are_understood_as_they_are_written(name: str, number: int) -> None:
    read = read_cif(cif(group(name), "Li1 Li 0.11 0.23 0.37 0.1"))
    assert read.lattice.space_group_number == number


@pytest.mark.parametrize("name", ["_symmetry_space_group_name_H-M F m -3 m", "_chemical_formula_sum Cl Li"])
def test_values_that_lack_their_quotation_marks_are_read(name: str) -> None:
    read = read_cif(cif(f"{name}\n_symmetry_Int_Tables_number 225"))
    assert read.formula == "LiCl"
    assert read.remarks == ()


def test_angles_that_are_left_out_are_right_ones() -> None:
    text = "".join(line for line in cif().splitlines(keepends=True) if not line.startswith("_cell_angle"))
    assert read_cif(text).lattice == read_cif(cif()).lattice


def test_a_site_needs_no_label_where_it_has_a_type() -> None:
    text = cif(sites="Li 0 0 0 1\nCl 0.5 0.5 0.5 1", columns="type_symbol fract_x fract_y fract_z occupancy")
    assert read_cif(text).formula == "LiCl"


@pytest.mark.parametrize(("kind", "formula"), [("7Li", "LiCl"), ("6Li", "LiCl"), ("Li_7", "LiCl"), ("Li+1", "LiCl")])
def test_isotopes_and_charges_are_read(kind: str, formula: str) -> None:
    assert read_cif(cif(sites=f"Li1 {kind} 0 0 0 1\nCl1 Cl-1 0.5 0.5 0.5 1")).formula == formula


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "expected a data block"),
        (cif().replace("_cell_length_b 5.13", "_cell_length_b 5.13\nnonsense"), "line 4 ('nonsense')"),
        (cif(group("F m -3 m").rstrip("'")), "a quotation mark is not closed"),
        (cif("_note\n; never closed"), "is not closed"),
        (cif(sites="Li1 Li 0 0 0 1\nCl1 Cl 0.5 0.5 0.5"), "rows of unequal length"),
        (cif(sites="Li1 Li 0 0 0,5 1"), "z is '0,5', expected a number; write decimals with a point"),
        (cif(sites="Li1 Li 1/3 0 0 1"), "site 'Li1' has no usable position: x is '1/3'"),
        (cif(sites="Li1 Li ? 0 0 1"), "x is not given"),
        (cif(cell=("9,857", 9, 9, 90, 90, 90)), "_cell_length_a is '9,857'; expected a number; write decimals"),
        (cif(cell=(9, 9, 9, 90, 90, "?")), "_cell_angle_gamma is not given"),
        (cif(cell=(5, 5, 5, 30, 30, 90)), "do not meet"),
        ("data_x\n_cell_length_a 3\n", "no data block with labelled atom sites"),
    ],
)
def test_a_refusal_says_where_and_what_was_expected(text: str, words: str) -> None:
    said = message(text)
    assert words in said
    assert not PARSER_WORDS.search(said)


WHOLE = (
    argyrodite(symmetry="_chemical_formula_sum 'Li6 P S5 Cl'\n" + group("F -4 3 m")),
    dotted(cif(operators("x,y,z", "-x,-y,z", "-x,y,-z", "x,-y,-z"))),
    "#\\#CIF_2.0\ndata_a b\n_x [1 '''2''']\n" + cif() + argyrodite(sites=ARGYRODITE[1:]),
)
LETTERS = st.sampled_from("\x00\n\t '\";#_?.-([]{09\ud800")
WORDS = st.sampled_from(
    [
        "\n;",
        "data_",
        "data_x y",
        "loop_",
        "save_",
        "'''",
        "1e9",
        "nan",
        "inf",
        "0,5",
        "1/2",
        "Li",
        "dum",
        "x,y,z",
        "P 1",
    ]
)
PIECES = LETTERS | WORDS | st.sampled_from(["-x,y+1/4,z", "_atom_site_label"]) | st.text(max_size=4)


@settings(max_examples=1500, deadline=None)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 30), PIECES), max_size=8),
)
def test_a_mutated_file_raises_nothing_but_a_candidate_error(text: str, changes: list[tuple[float, int, str]]) -> None:
    for place, removed, piece in changes:
        start = int(place * len(text))
        text = text[:start] + piece + text[start + removed :]
    messages = []
    try:
        read = read_cif(text)
    except CandidateError as error:
        messages.append(error.message)
    else:
        messages += [remark.message for remark in read.remarks]
        assert sum(read.amounts.values()) == pytest.approx(read.lattice.atoms_per_cell)
    assert all(message.isprintable() for message in messages)
