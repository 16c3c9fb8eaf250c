"""A row is read by the fields it gives; the text of a polymer is one in the place of a formula, too."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.candidate import Candidate, RowError
from features.errors import CandidateError, RowErrorCode
from features.kinds import FIELDS, KINDS, NAMING_FIELDS, read_candidates, read_material, read_materials

PEO = {"polymer": "PEO", "salt": "LiTFSI", "li_per_O": 0.05}


@pytest.mark.parametrize("text", ["PEO20-LiTFSI", "PEO:LiTFSI 20:1", "P(EO)20LiTFSI"])
def test_a_text_form_in_the_place_of_a_formula_is_the_polymer_that_its_fields_name(text: str) -> None:
    by_text, by_fields = read_material({"formula": text}), read_material(PEO)
    assert by_text.kind == by_fields.kind == "polymer"
    assert by_text.read_as == by_fields.read_as
    assert by_text.formula == text


@pytest.mark.parametrize("formula", ["Li6PS5Cl", "PbO", "PN", "Li3PO4", "75Li2S-25P2S5", "name:LLZO"])
def test_a_formula_stays_a_formula(formula: str) -> None:
    assert read_material({"formula": formula}).kind == "inorganic"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"formula": "Li6PS5Cl", "salt": "LiTFSI"}, RowErrorCode.MISSING_MATERIAL),
        ({"cif": "data_a", **PEO}, RowErrorCode.MISSING_MATERIAL),
        ({"salt": "LiTFSI"}, RowErrorCode.MISSING_MATERIAL),
        ({}, RowErrorCode.MISSING_MATERIAL),
        ({"formula": "PEO"}, RowErrorCode.MISSING_CONCENTRATION),
        ({"formula": "Li6PS5Cl-PEO"}, RowErrorCode.ORGANIC_PART),
        ({"formula": "Li3P04"}, RowErrorCode.AMBIGUOUS_FORMULA),
        ({"formula": "LLZO"}, RowErrorCode.NAME_NOT_FORMULA),
        ({"formula": "li6ps5cl"}, RowErrorCode.UNPARSEABLE_FORMULA),
        ({"formula": "Li6PS5Cl 25"}, RowErrorCode.AMBIGUOUS_FORMULA),
        ({"formula": "Li3PS4*"}, RowErrorCode.UNPARSEABLE_FORMULA),
        ({"formula": "Li6PS5Cl (gel)"}, RowErrorCode.AMBIGUOUS_FORMULA),
        ({"formula": "PEO/LLZO-LiTFSI"}, RowErrorCode.FILLER_UNSUPPORTED),
        ({"formula": "PVDF-HFP gel with LiTFSI"}, RowErrorCode.LIQUID_COMPONENT),
    ],
)
def test_what_names_no_material_or_two_is_refused(given: dict[str, Any], code: RowErrorCode) -> None:
    with pytest.raises(CandidateError) as error:
        read_material(given)
    assert error.value.code == code


def test_units_with_their_ratios_are_a_copolymer_in_any_order() -> None:
    rest = {"salt": "LiTFSI", "molality": 1.0}
    one = read_material({"polymer": {"PEO": 80.0, "PPO": 20.0}, **rest})
    other = read_material({"polymer": {"PPO": 1.0, "PEO": 4.0}, **rest})
    assert one.other is not None
    assert getattr(one.other, "key", 1) == getattr(other.other, "key", 2)


@given(st.permutations(["Li6PS5Cl", "PEO20-LiTFSI", "Li3P04", "PCL8-LiTFSI", "Li3YCl6"]))
def test_rows_of_two_kinds_keep_their_places(formulas: list[str]) -> None:
    rows = read_candidates(formulas, [None] * 5, formulas)
    assert [row.id for row in rows] == formulas
    assert [row.id for row in rows if isinstance(row, RowError)] == ["Li3P04"]
    assert {row.formula: row.kind for row in rows if isinstance(row, Candidate)} == {
        "Li6PS5Cl": "inorganic",
        "Li3YCl6": "inorganic",
        "PEO20-LiTFSI": "polymer",
        "PCL8-LiTFSI": "polymer",
    }


def test_atomic_fractions_of_polymers_are_fractions() -> None:
    rows = [row for row in read_materials([PEO, {"formula": "PCL8-LiTFSI"}], [None] * 2) if isinstance(row, Candidate)]
    matrix = KINDS["polymer"].lay_out(rows).matrix()
    assert matrix.shape == (2, 103)
    assert matrix.sum(axis=1) == pytest.approx(1.0)
    # twenty OCH2CH2 and one lithium with N(SO2CF3)2: 20 of 7 atoms and 16
    assert matrix[0, 2] == pytest.approx(1 / 156, rel=0.01)
    assert matrix[0, 8] == pytest.approx(6 / 156, rel=0.01)


def test_every_field_has_one_meaning() -> None:
    names = [field.name for kind in KINDS.values() for field in kind.fields]
    assert sorted(names) == sorted(FIELDS)
    assert {"formula", "cif", "structure", "polymer"} == {*NAMING_FIELDS}


def test_without_the_toolkit_a_polymer_is_refused_with_the_remedy_and_formulas_are_read() -> None:
    script = """
import sys
sys.modules["rdkit"] = None
from features.kinds import read_materials
formula, polymer = read_materials([{"formula": "Li6PS5Cl"}, {"formula": "PEO20-LiTFSI"}], [None, None])
assert formula.kind == "inorganic"
print(polymer.code, polymer.message)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "kind_not_installed" in said
    assert "elyte[polymer]" in said
