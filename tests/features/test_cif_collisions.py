"""Two atoms in one place: what is one atom written twice is counted once, what is wrong is refused."""

from __future__ import annotations

import itertools
import re

import pytest
from made_cifs import ARGYRODITE, all_in_cell, argyrodite, cif, group

from features.cif import CifStructure, read_cif
from features.errors import CandidateError, RowErrorCode, WarningCode

HEXAGONAL_NITRIDE = (3.648, 3.648, 3.875, 90, 90, 120)
SPINEL = (8.24, 8.24, 8.24, 90, 90, 90)
NASICON = (
    "Li1 Li 0 0 0 1",
    "Ti1 Ti 0 0 0.1417 1",
    "P1 P 0.2904 0 0.25 1",
    "O1 O 0.1855 0.9926 0.1903 1",
    "O2 O 0.1646 0.2473 0.0813 1",
)
GERMANATE = (  # coordinates of origin 1
    "Ge1 Ge 0 0.5 0.6903 0.515",
    "P1 P 0 0.5 0.6903 0.485",
    "P2 P 0 0 0.5 1",
    "S1 S 0 0.1842 0.4083 1",
    "S2 S 0 0.2958 0.0951 1",
    "S3 S 0 0.6967 0.7914 1",
    "Li1 Li 0.257 0.272 0.182 0.691",
    "Li2 Li 0 0.5 0.9446 1",
    "Li3 Li 0.248 0.248 0 0.643",
)


def codes(structure: CifStructure) -> set[WarningCode]:
    return {remark.code for remark in structure.remarks}


def message(text: str) -> str:
    with pytest.raises(CandidateError) as caught:
        read_cif(text)
    assert caught.value.code is RowErrorCode.UNPARSEABLE_CIF
    return caught.value.message


def test_a_sound_crystal_is_read_without_a_word() -> None:
    read = read_cif(argyrodite())
    assert read.formula == "Li6PS5Cl"
    assert read.crystal == ("test", "F -4 3 m", "Li24P4S20Cl4")
    assert read.remarks == ()


@pytest.mark.parametrize(
    ("third", "two_thirds"),
    [("0.33", "0.67"), ("0.33", "0.66"), ("0.333", "0.667"), ("0.333", "0.666"), ("0.3", "0.7")],
)
@pytest.mark.parametrize("occupancy", ["1", "0.98"])
def test_a_special_position_to_few_decimals_is_one_atom(third: str, two_thirds: str, occupancy: str) -> None:
    sites = f"Li1 Li 0 0 0.5 1\nLi2 Li {third} {two_thirds} 0 {occupancy}\nN1 N 0 0 0 1"
    amounts = read_cif(cif(group("P 6/m m m"), sites, HEXAGONAL_NITRIDE)).amounts
    assert amounts == pytest.approx({"Li": 1 + 2 * float(occupancy), "N": 1})


def test_a_half_empty_special_position_to_two_decimals_is_one_site() -> None:
    sites = "Li1 Li 0 0 0.5 1\nLi2 Li 0.33 0.67 0 0.5\nN1 N 0 0 0 1"
    assert read_cif(cif(group("P 6/m m m"), sites, HEXAGONAL_NITRIDE)).amounts == {"Li": 2.0, "N": 1.0}


@pytest.mark.parametrize("shift", ["0.01", "0.012", "0.02", "0.04", "0.05"])
def test_split_lithium_keeps_its_amount_whatever_its_distance(shift: str) -> None:
    """The two images lie 0.1 to 0.5 A apart; halves of one atom add up to one."""
    read = read_cif(cif(group("P m m m"), f"Li1 Li {shift} 0 0 0.5\nCl1 Cl 0.5 0.5 0.5 1", (5.13, 3, 3, 90, 90, 90)))
    assert read.amounts == {"Li": 1.0, "Cl": 1.0}
    assert WarningCode.SITES_MERGED not in codes(read)


def test_full_atoms_beside_a_mirror_are_one_atom_on_it() -> None:
    read = read_cif(cif(group("P m m m"), "Li1 Li 0.02 0 0 1\nCl1 Cl 0.5 0.5 0.5 1", (5.13, 3, 3, 90, 90, 90)))
    assert read.amounts == {"Li": 1.0, "Cl": 1.0}
    assert WarningCode.SITES_MERGED in codes(read)


@pytest.mark.parametrize(
    ("sites", "name", "cell", "formula"),
    [
        (ARGYRODITE, "F -4 3 m", (9.857,) * 3 + (90,) * 3, "Li6PS5Cl"),
        (NASICON, "R -3 c:H", (8.51, 8.51, 20.86, 90, 90, 120), "LiTi2P3O12"),
        (GERMANATE, "P 42/n m c:1", (8.7177, 8.7177, 12.6345, 90, 90, 90), "Li10.1Ge1.03P1.97S12"),
        (("Li1 Li 0 0 0 1", "I1 I 0.33333 0.66667 0.25 1"), "P 63/m m c", (4.5, 4.5, 7.2, 90, 90, 120), "LiI"),
    ],
)
@pytest.mark.parametrize("decimals", [3, 5])
def test_all_atoms_of_a_cell_beside_their_group_count_once(
    sites: tuple[str, ...], name: str, cell: tuple[object, ...], formula: str, decimals: int
) -> None:
    asymmetric = read_cif(cif(group(name), "\n".join(sites), cell))
    assert asymmetric.formula == formula
    assert asymmetric.remarks == ()
    whole = read_cif(cif(group(name), "\n".join(all_in_cell(sites, name, decimals)), cell))
    assert whole.amounts == pytest.approx(asymmetric.amounts)
    assert codes(whole) == {WarningCode.SITES_MERGED}


@pytest.mark.parametrize("occupancy", [1, 0.5])
def test_atoms_on_all_faces_of_a_cell_count_once(occupancy: float) -> None:
    corners = [f"Li{i} Li {x} {y} {z} {occupancy}" for i, (x, y, z) in enumerate(itertools.product((0, 1), repeat=3))]
    faces = [f"O{z} O 0.5 0.5 {z} 1" for z in (0, 1)]
    read = read_cif(cif(group("P 1"), "\n".join(corners + faces), (2.8, 2.8, 2.8, 90, 90, 90)))
    assert read.amounts == {"Li": occupancy, "O": 1.0}
    assert WarningCode.SITES_MERGED in codes(read)


@pytest.mark.parametrize(
    "row",
    [
        "Cl1 Cl 0 0 0 1",
        "Cl2 Cl 0 0 0 1",
        "Cl2 Cl 1 0 0 1",
        "Cl2 Cl 0.5 0.5 0 1",
        "Cl2 Cl 0.001 0 0 1",
        "Li1 Li 0.3071 0.0251 0.6929 0.5",
        "Li2 Li 0.0251 0.3071 0.6929 0.5",
        "P2 P 0.5 0 0 1",
    ],
)
def test_a_row_that_repeats_another_counts_once(row: str) -> None:
    read = read_cif(argyrodite(row))
    assert read.formula == "Li6PS5Cl"
    assert codes(read) == {WarningCode.SITES_MERGED}


def test_two_ions_of_an_element_on_one_site_both_count() -> None:
    sites = "Li1 Li 0 0 0 1\nFe1 Fe2+ 0.5 0.5 0.5 0.5\nFe2 Fe3+ 0.5 0.5 0.5 0.5"
    assert read_cif(cif(sites=sites)).amounts == {"Li": 4.0, "Fe": 4.0}


def test_like_rows_that_fill_one_place_together_both_count_with_a_word() -> None:
    read = read_cif(argyrodite("Li2 Li 0.3071 0.0251 0.6929 0.5"))
    assert read.formula == "Li12PS5Cl"
    assert "'Li1' and 'Li2'" in read.remarks[0].message


@pytest.mark.parametrize(
    ("row", "names", "total"),
    [
        ("Br1 Br 0 0 0 1", ("'Cl1' (Cl 1)", "'Br1' (Br 1)"), "2.00"),
        ("Br1 Br 0 0 0 0.5", ("'Cl1'", "'Br1'"), "1.50"),
        ("Na1 Na 0 0 0.49 1", ("'P1'", "'Na1'"), "2.00"),
        ("O1 O 0.75 0.25 0.25 1", ("'S2'", "'O1'"), "2.00"),
        ("Cl2 Cl 0.3071 0.0251 0.6929 1", ("'Li1'", "'Cl2'"), "1.50"),
    ],
)
def test_two_elements_in_one_place_are_refused_with_their_names(row: str, names: tuple[str, str], total: str) -> None:
    text = message(argyrodite(row))
    assert all(name in text for name in names)
    assert f"add up to {total}" in text or "Na1" in text


@pytest.mark.parametrize("occupancies", [(0.5, 0.5), (0.55, 0.5), (0.7, 0.3)])
def test_elements_that_share_a_site_are_read_also_where_rounding_overfills_it(occupancies: tuple[float, float]) -> None:
    shared = f"Cl1 Cl 0 0 0 {occupancies[0]}\nBr1 Br 0 0 0 {occupancies[1]}"
    read = read_cif(argyrodite(shared, sites=ARGYRODITE[:-1]))
    assert read.amounts["Cl"] == pytest.approx(4 * occupancies[0])
    assert read.amounts["Br"] == pytest.approx(4 * occupancies[1])
    assert read.remarks == ()


def test_a_refinement_that_overfills_split_positions_a_little_is_read_with_a_word() -> None:
    read = read_cif(argyrodite("Li2 Li 0.33 0.0251 0.67 0.7", sites=ARGYRODITE))
    assert read.amounts["Li"] == pytest.approx(24 + 0.7 * 48)
    assert codes(read) == {WarningCode.SITE_OVERFULL}


@pytest.mark.parametrize(
    ("name", "sites", "cell", "setting", "formula"),
    [
        (
            "P 42/n m c",
            "\n".join(GERMANATE),
            (8.7177, 8.7177, 12.6345, 90, 90, 90),
            "P 42/n m c:1",
            "Li10.1Ge1.03P1.97S12",
        ),
        (
            "F d -3 m",
            "Li1 Li 0 0 0 1\nMn1 Mn 0.625 0.625 0.625 1\nO1 O 0.388 0.388 0.388 1",
            SPINEL,
            "F d -3 m:1",
            "LiMn2O4",
        ),
        (
            "F d -3 m :1",
            "Li1 Li 0.125 0.125 0.125 1\nMn1 Mn 0.5 0.5 0.5 1\nO1 O 0.263 0.263 0.263 1",
            SPINEL,
            "F d -3 m:2",
            "LiMn2O4",
        ),
        (
            "R -3 m :R",
            "Li1 Li 0 0 0.5 1\nCo1 Co 0 0 0 1\nO1 O 0 0 0.2396 1",
            (2.816, 2.816, 14.05, 90, 90, 120),
            "R -3 m:H",
            "LiCoO2",
        ),
        (
            "R -3 m H",
            "Li1 Li 0.5 0.5 0.5 1\nCo1 Co 0 0 0 1\nO1 O 0.2396 0.2396 0.2396 1",
            (4.957, 4.957, 4.957, 33, 33, 33),
            "R -3 m:R",
            "LiCoO2",
        ),
    ],
)
def test_the_origin_or_axes_without_collisions_are_taken_and_named(
    name: str, sites: str, cell: tuple[object, ...], setting: str, formula: str
) -> None:
    read = read_cif(cif(group(name), sites, cell))
    assert read.formula == formula
    assert read.crystal.space_group == setting
    assert codes(read) == {WarningCode.OTHER_SETTING}
    assert setting in read.remarks[0].message


def test_an_origin_that_is_not_stated_and_decides_what_is_read_is_remarked_upon() -> None:
    diamond = (5.4309, 5.4309, 5.4309, 90, 90, 90)
    for place, setting in (("0 0 0", "F d -3 m:1"), ("0.125 0.125 0.125", "F d -3 m:2")):
        read = read_cif(cif(group("F d -3 m"), f"Si1 Si {place} 1", diamond))
        assert read.amounts == {"Si": 8.0}
        assert read.crystal.space_group == setting
        assert codes(read) == {WarningCode.OTHER_SETTING}
        assert "Si16 and not Si8" in read.remarks[0].message
    assert read_cif(cif(group("F d -3 m :1"), "Si1 Si 0 0 0 1", diamond)).remarks == ()
    with_formula = "_chemical_formula_sum Si\n" + group("F d -3 m:1")
    assert read_cif(cif(with_formula, "Si1 Si 0 0 0 1", diamond)).amounts == {"Si": 8.0}


def test_the_files_own_formula_decides_between_two_origins() -> None:
    rutile_like = "Mn1 Mn 0 0 0 1\nO1 O 0.125 0.125 0.125 1"
    cell = (8.4, 8.4, 8.4, 90, 90, 90)
    of_origin = {name: read_cif(cif(group(f"F d -3 m {name}"), rutile_like, cell)).formula for name in (":1", ":2")}
    assert of_origin[":1"] != of_origin[":2"]
    for name, formula in of_origin.items():
        read = read_cif(cif(f"_chemical_formula_sum '{formula}'\n{group('F d -3 m')}", rutile_like, cell))
        assert read.formula == formula, name


def test_a_crystal_too_crowded_to_tell_sites_apart_is_refused_in_words() -> None:
    sites = "\n".join(f"Li{i} Li 0.1 0.2 0.3 0.0001" for i in range(3000))
    assert "more sites in one place" in message(cif(sites=sites))


def test_obelix_crystals_are_read_as_before_and_all_but_one_without_a_word(obelix_cifs: dict[str, str]) -> None:
    """What they hold, as they state it, is checked in test_crystal_and_cif; the one has 1.8 lithium in a place."""
    warned = {name: read.remarks for name, text in obelix_cifs.items() if (read := read_cif(text)).remarks}
    assert len(obelix_cifs) == 321
    assert list(warned) == ["9yt"]
    assert [remark.code for remark in warned["9yt"]] == [WarningCode.SITE_OVERFULL]


def test_obelix_crystals_keep_their_contents_with_coarse_coordinates(obelix_cifs: dict[str, str]) -> None:
    """Three decimals for eight, and without the multiplicities that the files state."""
    site = re.compile(r"(?m)^(  [A-Z]\S*  \S+)  \d+  (-?[\d.]+)  (-?[\d.]+)  (-?[\d.]+)  (\S+)$")
    changed = []
    for name, text in obelix_cifs.items():
        coarse = site.sub(_to_three_decimals, text)
        assert coarse.count("  . ") > 1, name
        if read_cif(coarse).amounts != pytest.approx(read_cif(text).amounts, rel=1e-3):
            changed.append(name)
    assert changed == ["9yt"]


def _to_three_decimals(row: re.Match[str]) -> str:
    return f"{row[1]}  . {' '.join(f'{float(row[axis]):.3f}' for axis in (2, 3, 4))} {row[5]}"
