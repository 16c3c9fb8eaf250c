"""Known phase changes are sourced, plausible, and warned of when a temperature lies beyond them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from features.candidate import MaterialBatch
from features.formula import parse_formula
from training.properties.conductivity.phase_changes import crossed, phase_changes


def kinds(formula: str, temperature_C: float) -> list[str]:
    composition = MaterialBatch.from_formulas([formula]).matrix()
    return [change.kind for change in crossed(composition, np.array([temperature_C]))[0]]


def test_every_row_has_a_lithium_compound_a_temperature_and_a_source() -> None:
    changes = phase_changes()
    assert len({(change.formula, change.temperature_C) for change in changes}) == len(changes)
    for change in changes:
        assert "Li" in parse_formula(change.formula)
        assert -150.0 < change.temperature_C < 1500.0
        assert change.temperature_C != 25.0
        assert change.kind
        assert re.match(r"10\.\d{4,}/\S+$", change.source) or len(change.source) > 10


@pytest.mark.parametrize(
    ("formula", "temperature_C", "expected"),
    [
        ("LiBH4", 25.0, []),
        ("LiBH4", 100.0, []),
        ("LiBH4", 117.0, ["orthorhombic to hexagonal"]),
        ("LiBH4", 300.0, ["orthorhombic to hexagonal", "melting"]),
        ("LiBH4", -40.0, []),
        ("Li3P1S4", 350.0, ["gamma to beta"]),
        ("Li6P2S8", 350.0, ["gamma to beta"]),  # another spelling of one composition
        ("Li6PS5Cl", 600.0, []),
        ("Li6.4La3Zr1.4Ta0.6O12", 700.0, []),  # doped: cubic at room temperature
        ("Li7La3Zr2O12", 700.0, ["tetragonal to cubic"]),
        ("Li2OHCl", 37.0, []),
        ("Li2OHCl", 39.0, ["orthorhombic to cubic"]),
        ("LiB11H14", 111.0, []),
        ("LiB11H14", 112.0, ["order to disorder"]),
        ("Li2(B11H14)(CB11H12)", 80.0, ["order to disorder"]),
        ("Li2B22CH26", 80.0, ["order to disorder"]),  # the same salt, added up
        ("LiCB9H10", 76.0, []),
        ("LiCB9H10", 80.0, ["order to disorder, up to 90 C"]),
    ],
)
def test_a_change_between_25_C_and_the_temperature_is_found(
    formula: str, temperature_C: float, expected: list[str]
) -> None:
    assert kinds(formula, temperature_C) == expected


def test_rows_do_not_disturb_each_other() -> None:
    composition = MaterialBatch.from_formulas(["LiI", "LiBH4", "LiBH4", "Li6PS5Cl"]).matrix()
    found = crossed(composition, np.array([500.0, 25.0, 150.0, 150.0]))
    assert [len(row) for row in found] == [1, 0, 1, 0]
    assert crossed(composition[:0], np.array([])) == []
