"""The gaps of the look-up, given to the rule of conduction, tell interphases that insulate from those that conduct."""

from __future__ import annotations

import numpy as np
import pytest

from features.candidate import Candidate, MaterialBatch
from features.formula_terms import plain_amounts
from training.crystals import read_gaps
from training.properties.mechanics.gap_lookup import GapLookup
from training.thermodynamics.conduction import conduction

INSULATORS = (
    *("Li2S", "LiCl", "LiBr", "LiI", "LiF", "Li2O", "Li3N", "Li3P", "Li3PO4", "Li4P2O7", "Li2CO3", "LiOH", "Li2SO4"),
    *("Li2Se", "Li3PS4", "Li7P3S11", "Li2PS3", "P2S5", "La2O3", "ZrO2", "Li2ZrO3", "LiAlO2", "Al2O3", "Y2O3", "YCl3"),
    *("InCl3", "Li3InCl6", "Li4SiO4", "Li4GeO4", "Li2TiO3", "Nb2O5", "Li2ZrN2", "LiPN2", "MnS", "Li2C2"),
)
CONDUCTORS = (
    *("TiN", "ZrN", "TaN", "NbO", "Zr4O", "Ti2O", "Ti3P", "TiP", "Li15Ge4", "Li15Si4", "Li17Sn4"),
    *("LiIn", "LiAl", "Li3Sb", "Li3Bi", "In", "Y", "Ge", "Si", "C", "LiC6", "FeS", "CoS2", "Ni3S2", "Fe3O4"),
)


@pytest.fixture(scope="module")
def lookup() -> GapLookup:
    table = read_gaps()
    return GapLookup.build(table.crystals.batch, table.band_gap_eV, table.crystals.composition)


@pytest.mark.parametrize(("formulas", "conducts"), [(INSULATORS, False), (CONDUCTORS, True)])
def test_interphases_are_told_apart(lookup: GapLookup, formulas: tuple[str, ...], conducts: bool) -> None:
    batch = MaterialBatch.from_candidates([Candidate(text, plain_amounts(text) or {}) for text in formulas])
    gaps = lookup.find(batch).middle_eV
    assert not np.isnan(gaps).any()
    found = {text: conduction(text, gap) for text, gap in zip(formulas, gaps.tolist(), strict=True)}
    assert {text: said.why for text, said in found.items() if said.conducts != conducts} == {}
