"""Public tables of formulas and targets are read whole, or refused with every line that breaks the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.formula import parse_formula
from features.formula_terms import plain_amounts
from training.formula_tables import Expected, read_formula_targets
from training.tables import TableError

GAPS = Expected("a band gap in eV", 0.0, 20.0)


def _table(folder: Path, *lines: str, header: str = "formula,target") -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_formulas_stand_as_they_are_written(tmp_path: Path) -> None:
    rows = read_formula_targets(_table(tmp_path, "K4Mn4O8,1.25", "Ca1(P2S3)2,0"), GAPS, plain_amounts)
    assert [(row.formula, row.target) for row in rows] == [("K4Mn4O8", 1.25), ("Ca1(P2S3)2", 0.0)]
    assert rows[1].amounts == {"Ca": 1.0, "P": 4.0, "S": 6.0}


def test_every_broken_line_is_named(tmp_path: Path) -> None:
    path = _table(tmp_path, "Li2O,4.9", "Li2O-,1", "LiF", "LiCl,wide", "LiBr,21", "LiI,nan")
    with pytest.raises(TableError, match="5 place") as error:
        read_formula_targets(path, GAPS, plain_amounts)
    assert [violation.line for violation in error.value.violations] == [3, 4, 5, 6, 7]
    assert all("a band gap in eV" in violation.expectation for violation in error.value.violations)


def test_a_formula_that_its_reader_refuses_is_a_broken_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="line 2"):
        read_formula_targets(_table(tmp_path, "Xx2O,1"), GAPS, parse_formula)


@pytest.mark.parametrize("header", ["target,formula", "formula", "formula,target,more"])
def test_another_header_is_another_table(tmp_path: Path, header: str) -> None:
    with pytest.raises(TableError, match="formula,target"):
        read_formula_targets(_table(tmp_path, "Li2O,4.9", header=header), GAPS, plain_amounts)
