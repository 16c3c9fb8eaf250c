"""The embedded CCD table: what it holds, what its schema refuses, which class a formula has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.formula import parse_formula
from training.properties.ccd.classes import class_of
from training.properties.ccd.schema import MOLTEN_REGIME, REGULAR, SCAFFOLD_REGIME, anode_word, regime
from training.properties.ccd.table import LITERATURE_PATH, load_literature
from training.tables import TableError


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return load_literature()


def test_every_row_has_a_source_and_no_quoted_text(table: pd.DataFrame) -> None:
    assert len(table) == 225
    assert ((table["doi"] != "") | (table["reference"] != "")).all()
    assert "evidence" not in table
    assert table["material"].str.len().max() < 100


def test_rows_of_one_paper_share_its_key(table: pd.DataFrame) -> None:
    papers = table.set_index("id")["paper"]
    assert papers["ccd259"] == papers["ccd034"] == papers["ccd036"]
    assert papers["ccd005"] == papers["ccd006"], "'ref 45' and 'Table 1 ref 45' of one review are one paper"
    assert table["paper"].nunique() == 132


def test_regimes_are_kept_apart(table: pd.DataFrame) -> None:
    assert table["regime"].value_counts().to_dict() == {REGULAR: 216, SCAFFOLD_REGIME: 8, MOLTEN_REGIME: 1}
    assert table.loc[table["regime"] == MOLTEN_REGIME, "ccd_mA_per_cm2"].item() == 530


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ((180.5, "none", "Li"), REGULAR),
        ((np.nan, "none", "Li"), REGULAR),
        ((181.0, "none", "Li"), MOLTEN_REGIME),
        ((25.0, "none", "molten Li"), MOLTEN_REGIME),
        ((25.0, "MIEC/3D", "Li"), SCAFFOLD_REGIME),
    ],
)
def test_regime(cell: tuple[float, str, str], expected: str) -> None:
    assert regime(*cell) == expected


@pytest.mark.parametrize(
    ("column", "value", "expectation"),
    [
        ("interlayer_type", "LiF", "one of: none, fluoride/halide"),
        ("electrolyte_class", "oxide", "one of: argyrodite"),
        ("ccd_mA_per_cm2", "0", "0.001 to 10000 mA/cm2"),
        ("ccd_mA_per_cm2", "", "a value"),
        ("relative_density", "95", "0.3 to 1 as a fraction"),
        ("stack_pressure_MPa", "-1", "0.001 to 1000 MPa"),
        ("temperature_C", "298.15 K", "a number"),
        ("formula", "Na3PS4", "a formula with lithium"),
        ("paper", "", "the key of the source paper"),
    ],
)
def test_a_bad_cell_is_named_with_what_was_expected(tmp_path: Path, column: str, value: str, expectation: str) -> None:
    raw = pd.read_csv(LITERATURE_PATH, dtype=str, keep_default_na=False).head(3)
    raw.loc[1, column] = value
    raw.to_csv(tmp_path / "ccd.csv", index=False)
    with pytest.raises(TableError, match="line 3") as caught:
        load_literature(tmp_path / "ccd.csv")
    assert any(v.column == column and expectation in v.expectation for v in caught.value.violations)


def test_one_doi_is_one_paper(tmp_path: Path) -> None:
    raw = pd.read_csv(LITERATURE_PATH, dtype=str, keep_default_na=False)
    raw.loc[raw["id"] == "ccd259", "paper"] = "another"
    raw.to_csv(tmp_path / "ccd.csv", index=False)
    with pytest.raises(TableError, match="the same paper key"):
        load_literature(tmp_path / "ccd.csv")


def test_rules_name_the_class_that_the_table_names(table: pd.DataFrame) -> None:
    named = table[(table["formula"] != "") & (table["electrolyte_class"] != "composite")]
    wrong = [
        (row.formula, row.electrolyte_class)
        for row in named.itertuples()
        if class_of(parse_formula(str(row.formula))) != row.electrolyte_class
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("Li5.3PS4.3Cl1.7", "argyrodite"),
        ("Li10GeP2S12", "thiophosphate"),
        ("Li4SnS4", "sulfide without phosphorus"),
        ("Li6.5La3Zr1.5Ta0.5O12", "garnet"),
        ("Li0.33La0.56TiO3", "perovskite"),
        ("LiTaOCl4", "halide"),
        ("Li1.3Al0.3Ti1.7(PO4)3", "NASICON or phosphate"),
        ("Li3OCl", "antiperovskite"),
        ("LiBH4", "hydride"),
        ("Li2.9PO3.3N0.46", "LiPON"),
        ("Li3N", "nitride"),
        ("Na3PS4", None),
        ("Li", None),
        ("Li2O", None),
    ],
)
def test_classes_of_other_formulas(formula: str, expected: str | None) -> None:
    assert class_of(parse_formula(formula)) == expected


@pytest.mark.parametrize(
    ("asked", "anode"),
    [
        ("Li metal", "Li"),
        ("lithium", "Li"),
        ("li", "li"),
        ("Li-In", "Li alloy or composite"),
        ("LiIn", "Li alloy or composite"),
        ("Li0.5In", "Li alloy or composite"),
        ("graphite", "graphite"),
        ("Li3N", "Li3N"),
        ("nothing known", "nothing known"),
    ],
)
def test_anodes_are_known_by_the_names_that_interfaces_and_objectives_know(asked: str, anode: str) -> None:
    assert anode_word(asked) == anode
