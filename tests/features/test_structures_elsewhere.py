"""POSCAR, OPTIMADE, pymatgen and ASE: each is read as the CIF in P 1 of the same cell, or refused in words."""

from __future__ import annotations

import copy
import json
import math
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_cifs import argyrodite, cif
from made_structures import LICL, entry

from features.candidate import Candidate
from features.crystal_formats.objects import fields_of, stands_for_one
from features.crystal_formats.reading import CrystalFormat, format_of, read_structure, structures_of
from features.errors import CandidateError, RowErrorCode, WarningCode
from features.kinds import read_material

DISORDERED = argyrodite()
ORDERED = cif()


def pymatgen_of(text: str) -> Any:
    from pymatgen.core import Structure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Structure.from_str(text, fmt="cif")


def p1_of(structure: Any) -> Candidate:
    """The CIF in P 1 of a pymatgen structure, written by pymatgen."""
    from pymatgen.io.cif import CifWriter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Candidate.from_cif(str(CifWriter(structure, significant_figures=16)))


def assert_same_crystal(one: Candidate, other: Candidate) -> None:
    assert one.lattice.as_tuple() == pytest.approx(other.lattice.as_tuple(), rel=1e-12)
    assert one.amounts == pytest.approx(other.amounts, rel=1e-12)
    assert one.site_entropy_k_per_atom == pytest.approx(other.site_entropy_k_per_atom, abs=1e-12)
    assert one.formula == other.formula
    assert one.crystal is not None
    assert other.crystal is not None
    assert one.crystal[1:] == other.crystal[1:]


@pytest.mark.parametrize("text", [ORDERED, DISORDERED])
def test_a_pymatgen_structure_is_its_cif_in_p1(text: str) -> None:
    structure = pymatgen_of(text)
    assert_same_crystal(read_material(fields_of(structure)), p1_of(structure))


def test_poscar_and_atoms_of_an_ordered_structure_are_its_cif_in_p1() -> None:
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.vasp import Poscar

    structure = pymatgen_of(ORDERED)
    poscar = Poscar(structure).get_str(significant_figures=16)
    for given in ({"structure": poscar}, AseAtomsAdaptor.get_atoms(structure)):
        assert_same_crystal(read_material(fields_of(given)), p1_of(structure))


def test_disordered_atoms_of_ase_keep_their_occupancies(tmp_path: Path) -> None:
    import ase.io

    (tmp_path / "a.cif").write_text(DISORDERED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atoms = ase.io.read(tmp_path / "a.cif", fractional_occupancies=True)
    read = read_material(fields_of(atoms))
    assert read.amounts == pytest.approx(p1_of(pymatgen_of(DISORDERED)).amounts, rel=1e-9)
    atoms.symbols[0] = "Se"  # another material, of which the occupancies know nothing
    with pytest.raises(CandidateError, match=r"atom 0 is Se, but info\['occupancy'\]"):
        fields_of(atoms)
    del atoms.info["occupancy"]
    assert "Se" in read_material(fields_of(atoms)).amounts


def test_no_library_is_imported_to_know_its_objects() -> None:
    source = Path(fields_of.__code__.co_filename).read_text()
    assert "import pymatgen" not in source
    assert "import ase" not in source
    assert "from ase" not in source


def test_one_structure_is_no_list_of_its_sites() -> None:
    from pymatgen.core import Composition

    assert stands_for_one(pymatgen_of(ORDERED))
    assert stands_for_one(Composition("LiCl"))
    assert stands_for_one("LiCl")
    assert not stands_for_one(["LiCl", "Li3N"])


def test_a_composition_is_a_formula() -> None:
    from pymatgen.core import Composition

    assert fields_of(Composition("Li6.5La3Zr1.5Ta0.5O12")) == {"formula": "Li6.5La3Zr1.5Ta0.5O12"}
    assert fields_of(Composition({"Li+": 1, "Cl-": 1})) == {"formula": "LiCl"}


def test_a_path_is_read_by_content_and_a_text_never_as_a_path(tmp_path: Path) -> None:
    for name, text, field in (
        ("x.dat", LICL, "structure"),
        ("y", ORDERED, "cif"),
        ("z", json.dumps(entry()), "structure"),
    ):
        (tmp_path / name).write_text(text)
        assert fields_of(tmp_path / name) == {field: text}
        assert fields_of(str(tmp_path / name)) == {"formula": str(tmp_path / name)}


@pytest.mark.parametrize("thing", [3, None, b"Li", object(), ["Li"]])
def test_what_is_no_material_is_a_type_error(thing: object) -> None:
    with pytest.raises(TypeError, match="a material is"):
        fields_of(thing)


def test_a_molecule_is_no_crystal() -> None:
    from pymatgen.core import Molecule

    with pytest.raises(TypeError, match="Molecule"):
        fields_of(Molecule(["Li"], [[0, 0, 0]]))


def test_a_file_that_is_not_there_is_an_error_of_its_row(tmp_path: Path) -> None:
    with pytest.raises(CandidateError, match="No such file") as caught:
        fields_of(tmp_path / "none.cif")
    assert caught.value.code is RowErrorCode.UNREADABLE_ROW


@pytest.mark.parametrize(
    "text",
    [
        LICL.replace("1.0\n3.9 0.0 0.0\n0.0 3.9 0.0\n0.0 0.0 3.9", "3.9\n1 0 0\n0 1 0\n0 0 1"),
        LICL.replace("\n1.0\n", f"\n-{3.9**3!r}\n"),
        LICL.replace("\n1.0\n", "\n1.0 1.0 1.0\n"),
        LICL.replace("0.5 0.5 0.5", "1.95 1.95 1.95").replace("Direct", "Cartesian"),
        LICL.replace("Direct", "Selective dynamics\nDirect").replace("0.5 0.5 0.5", "0.5 0.5 0.5 T T F"),
        LICL.replace("Li Cl\n", "Li_sv Cl/abc\n"),
        LICL.replace("0.5 0.5 0.5", "5.0d-1 0.5 0.5 Cl"),
        LICL.replace("\n", "\r\n"),
        LICL + "\n0.0 0.0 0.0\n0.0 0.0 0.0\n",
    ],
)
def test_every_way_to_write_a_poscar_is_the_same_crystal(text: str) -> None:
    assert format_of(text) is CrystalFormat.POSCAR
    assert_same_crystal(Candidate.from_structure(text), Candidate.from_structure(entry()))


def test_a_left_handed_cell_and_sites_outside_the_cell_are_the_same_crystal() -> None:
    vectors = [[0.0, 3.9, 0.0], [3.9, 0.0, 0.0], [0.0, 0.0, 3.9]]
    far = entry(lattice_vectors=vectors, cartesian_site_positions=[[3.9, -3.9, 0.0], [1.95, 1.95, 5.85]])
    assert_same_crystal(Candidate.from_structure(far), Candidate.from_structure(LICL))


def test_the_space_group_that_is_not_stated_is_said() -> None:
    read = Candidate.from_structure(LICL)
    assert [remark.code for remark in read.remarks] == [WarningCode.NO_SPACE_GROUP]
    assert read.lattice.space_group_number == 1.0


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (LICL.replace("Li Cl\n", ""), RowErrorCode.STRUCTURE_WITHOUT_ELEMENTS, "VASP 4"),
        (LICL.replace("Li Cl\n", "Li Xx\n"), RowErrorCode.UNKNOWN_ELEMENT, "'Xx'"),
        (LICL.replace("1 1\n", "1\n"), RowErrorCode.UNPARSEABLE_STRUCTURE, "line 7"),
        (LICL.replace("1 1\n", "1 -1\n"), RowErrorCode.UNPARSEABLE_STRUCTURE, "line 7"),
        (LICL.replace("1 1\n", "1 900000\n"), RowErrorCode.STRUCTURE_TOO_LARGE, "900001 atom sites"),
        (LICL.replace("1 1\n", "1 3\n"), RowErrorCode.UNPARSEABLE_STRUCTURE, "4 atoms are announced"),
        (LICL.replace("Direct\n", ""), RowErrorCode.UNPARSEABLE_STRUCTURE, "expected Direct or Cartesian"),
        (LICL.replace("\n1.0\n", "\n0.0\n"), RowErrorCode.UNPARSEABLE_STRUCTURE, "a scale"),
        (LICL.replace("0.0 0.0 3.9", "0.0 3.9 0.0"), RowErrorCode.UNPARSEABLE_STRUCTURE, "without volume"),
        (LICL.replace("0.0 0.0 3.9", "0.0 0.0 1e300"), RowErrorCode.UNPARSEABLE_STRUCTURE, "impossible lattice"),
        (
            LICL.replace("0.5 0.5 0.5", "0.0 0.0 0.0"),
            RowErrorCode.UNPARSEABLE_STRUCTURE,
            "two atoms stand in one place",
        ),
        (LICL.replace("0.5 0.5 0.5", "nan 0.5 0.5"), RowErrorCode.UNPARSEABLE_STRUCTURE, "three numbers"),
        ("hello", RowErrorCode.UNPARSEABLE_STRUCTURE, "neither a CIF, a POSCAR nor"),
        ("", RowErrorCode.UNPARSEABLE_STRUCTURE, "there is nothing in it"),
        (LICL.replace("1.0", "1e308", 1), RowErrorCode.UNPARSEABLE_STRUCTURE, "impossible lattice vectors"),
        ("{" * 100_000, RowErrorCode.UNPARSEABLE_STRUCTURE, "JSON"),
        ("[" * 100_000, RowErrorCode.UNPARSEABLE_STRUCTURE, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", RowErrorCode.UNPARSEABLE_STRUCTURE, "thousands of digits"),
        ("x" * 1_000_001, RowErrorCode.STRUCTURE_TOO_LARGE, "1000001 characters"),
    ],
)
def test_a_text_that_is_no_structure_is_refused_in_words(text: str, code: RowErrorCode, words: str) -> None:
    with pytest.raises(CandidateError, match=words) as caught:
        read_material({"structure": text})
    assert caught.value.code is code


SPECIES = entry()["attributes"]["species"]


def with_species(**changes: Any) -> list[dict[str, Any]]:
    species = copy.deepcopy(SPECIES)
    species[0] |= changes
    return species


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (entry(lattice_vectors=None), RowErrorCode.UNPARSEABLE_STRUCTURE, "lattice_vectors"),
        (entry(lattice_vectors=[[1, 0], [0, 1]]), RowErrorCode.UNPARSEABLE_STRUCTURE, "lattice_vectors"),
        (entry(lattice_vectors=[[math.nan, 0, 0], [0, 1, 0], [0, 0, 1]]), RowErrorCode.UNPARSEABLE_STRUCTURE, "finite"),
        (entry(lattice_vectors=[[10**400, 0, 0], [0, 1, 0], [0, 0, 1]]), RowErrorCode.UNPARSEABLE_STRUCTURE, "finite"),
        (entry(lattice_vectors=[[True, 0, 0], [0, 1, 0], [0, 0, 1]]), RowErrorCode.UNPARSEABLE_STRUCTURE, "finite"),
        (entry(lattice_vectors=[[1, 0, 0]] * 3), RowErrorCode.UNPARSEABLE_STRUCTURE, "without volume"),
        (
            entry(cartesian_site_positions=[[0, 0, 0]]),
            RowErrorCode.UNPARSEABLE_STRUCTURE,
            "received 1 entries, expected 2",
        ),
        (entry(cartesian_site_positions=[[0, 0, 0], [1e300, 0, 0]]), RowErrorCode.UNPARSEABLE_STRUCTURE, "angstrom"),
        (entry(species_at_sites=["lithium", "other"]), RowErrorCode.UNPARSEABLE_STRUCTURE, "'other' is not among"),
        (entry(species_at_sites=[]), RowErrorCode.UNPARSEABLE_STRUCTURE, "no atom sites"),
        (entry(species_at_sites=["lithium"] * 1_000_000), RowErrorCode.STRUCTURE_TOO_LARGE, "1000000 atom sites"),
        (entry(species=[]), RowErrorCode.UNPARSEABLE_STRUCTURE, "species"),
        (entry(species=SPECIES + SPECIES), RowErrorCode.UNPARSEABLE_STRUCTURE, "a name of its own"),
        (entry(species=with_species(concentration=[1.2])), RowErrorCode.UNPARSEABLE_STRUCTURE, "received 1.2"),
        (entry(species=with_species(concentration=[-0.2])), RowErrorCode.UNPARSEABLE_STRUCTURE, "received -0.2"),
        (entry(species=with_species(concentration=[])), RowErrorCode.UNPARSEABLE_STRUCTURE, "of one length"),
        (
            entry(species=with_species(chemical_symbols=["Li", "Na"], concentration=[0.7, 0.7])),
            RowErrorCode.UNPARSEABLE_STRUCTURE,
            "add up to 1.4",
        ),
        (entry(species=with_species(chemical_symbols=["X"])), RowErrorCode.UNKNOWN_ELEMENT, "'X'"),
        (entry(species=with_species(chemical_symbols=["vacancy"])) | {}, None, "Cl"),
        (entry(species=with_species(attached=["H"], nattached=[1])), RowErrorCode.UNSUPPORTED_STRUCTURE, "attached"),
        (entry(assemblies=[{"sites_in_groups": [[0], [1]]}]), RowErrorCode.UNSUPPORTED_STRUCTURE, "assemblies"),
        (entry(structure_features=["implicit_atoms"]), RowErrorCode.UNSUPPORTED_STRUCTURE, "implicit_atoms"),
        (entry(dimension_types=[1, 1, 0]), RowErrorCode.UNSUPPORTED_STRUCTURE, "three directions"),
        (entry(nperiodic_dimensions=2), RowErrorCode.UNSUPPORTED_STRUCTURE, "three directions"),
        (entry() | {"type": "references"}, RowErrorCode.UNPARSEABLE_STRUCTURE, "references"),
        (entry() | {"type": json.loads("[" * 900 + "]" * 900)}, RowErrorCode.UNPARSEABLE_STRUCTURE, "type list"),
        (entry(species_at_sites=[None, "lithium"]), RowErrorCode.UNPARSEABLE_STRUCTURE, "NoneType is not among"),
        (entry(species_at_sites=[{}, 1]), RowErrorCode.UNPARSEABLE_STRUCTURE, "dict is not among"),
        ({"data": []}, RowErrorCode.UNPARSEABLE_STRUCTURE, "no OPTIMADE structure"),
        ({"data": {"id": "x"}}, RowErrorCode.UNPARSEABLE_STRUCTURE, "lattice_vectors"),
        ({}, RowErrorCode.UNPARSEABLE_STRUCTURE, "lattice_vectors"),
    ],
)
def test_an_optimade_document_that_cannot_be_used_is_refused_in_words(
    document: dict[str, Any], code: RowErrorCode | None, words: str
) -> None:
    started = time.process_time()
    if code is None:
        assert Candidate.from_structure(document).formula == words
        return
    with pytest.raises(CandidateError, match=words) as caught:
        read_material({"structure": document})
    assert caught.value.code is code
    assert time.process_time() - started < 2.0


def test_concentrations_and_vacancies_are_occupancies() -> None:
    shared = {"chemical_symbols": ["Li", "Na", "vacancy"], "concentration": [0.5, 0.25, 0.25]}
    read = Candidate.from_structure(entry(species=with_species(**shared)))
    assert read.amounts == pytest.approx({"Li": 0.5, "Na": 0.25, "Cl": 1.0})
    entropy = -(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25)) / 1.75
    assert read.site_entropy_k_per_atom == pytest.approx(entropy)


def test_a_formula_that_contradicts_the_sites_is_said() -> None:
    read = Candidate.from_structure(entry(chemical_formula_reduced="ClNa"))
    assert WarningCode.FORMULA_CONTRADICTED in [remark.code for remark in read.remarks]
    agreeing = Candidate.from_structure(entry(chemical_formula_reduced="ClLi"))
    assert WarningCode.FORMULA_CONTRADICTED not in [remark.code for remark in agreeing.remarks]


def test_of_several_structures_the_first_is_read_and_others_by_their_ids() -> None:
    other = entry(species=with_species(chemical_symbols=["Na"])) | {"id": "mp-2"}
    document = {"data": [entry(), other, other]}
    assert structures_of(document) == ["mp-1", "mp-2", "mp-2(2)"]
    first = read_structure(document)
    assert first.formula == "LiCl"
    assert first.remarks[0].code is WarningCode.SEVERAL_STRUCTURES
    assert read_structure(json.dumps(document), "mp-2").formula == "NaCl"
    with pytest.raises(CandidateError, match="no structure 'mp-3'"):
        read_structure(document, "mp-3")


def test_a_block_of_a_poscar_is_refused() -> None:
    with pytest.raises(CandidateError, match="a POSCAR holds one"):
        read_structure(LICL, "a")


def test_a_row_gives_one_material() -> None:
    with pytest.raises(CandidateError, match="not several") as caught:
        read_material({"structure": LICL, "formula": "LiCl"})
    assert caught.value.code is RowErrorCode.MISSING_MATERIAL


def test_a_cif_is_read_as_a_structure_too() -> None:
    assert_same_crystal(Candidate.from_structure(DISORDERED), Candidate.from_cif(DISORDERED))


def test_every_structure_of_obelix_is_its_cif_in_p1(obelix_cifs: dict[str, str]) -> None:
    chosen = sorted(obelix_cifs)[::16]
    for name in chosen:
        structure = pymatgen_of(obelix_cifs[name])
        assert_same_crystal(read_material(fields_of(structure)), p1_of(structure))
