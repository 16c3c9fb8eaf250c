"""Gaps say which decomposition products insulate, and keep silent where they do not tell."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from features.candidate import Candidate, MaterialBatch
from features.formula_terms import plain_amounts
from training.crystals import read_gaps
from training.properties.mechanics.gap_conduction import Character, INSULATING_eV, character
from training.properties.mechanics.gap_lookup import GapLookup
from training.properties.mechanics.gap_model import GapCalibration, GapPrediction, RawGaps
from training.thermodynamics.conduction import conduction
from training.uncertainty import ConformalScale

INSULATORS = (
    *("Li2S", "LiCl", "LiBr", "LiI", "LiF", "Li2O", "Li3PO4", "Li2CO3", "LiOH", "Li2Se", "Li3PS4", "La2O3", "ZrO2"),
    *("LiAlO2", "Al2O3", "YCl3", "Li3InCl6", "Li4SiO4", "Li2ZrN2", "LiPN2"),
)
CONDUCTORS = ("TiN", "ZrN", "TaN", "NbO", "Zr4O", "Ti3P", "TiP", "LaP", "Li15Ge4", "Li15Si4", "LiIn", "LiAl", "FeS")
UNDECIDED = ("Li3P", "Li3Sb", "Fe3O4", "LiCoO2", "In", "C", "Si")


def batch_of(*formulas: str) -> MaterialBatch:
    return MaterialBatch.from_candidates([Candidate(text, plain_amounts(text) or {}) for text in formulas])


def predicted(log_odds_metal: list[float], gap_eV: list[float]) -> GapPrediction:
    """Return predictions with errors of up to 0.3 eV."""
    scale = ConformalScale(np.linspace(0.0, 0.5, 100))
    calibration = GapCalibration(0.0, 1.0, np.linspace(-3.0, 3.0, 101), (scale, scale))
    raw = RawGaps(np.array(log_odds_metal), np.array(gap_eV), np.full(len(gap_eV), 0.1))
    return GapPrediction(calibration.distribution(raw))


@cache
def lookup() -> GapLookup:
    table = read_gaps()
    return GapLookup.build(table.crystals.batch, table.band_gap_eV, table.crystals.composition)


def by_table(*formulas: str, log_odds_metal: float = 0.0) -> Character:
    batch = batch_of(*formulas)
    said = predicted([log_odds_metal] * len(formulas), [1.0] * len(formulas))
    return character(batch, lookup().find(batch), said)


def test_interphases_that_insulate_are_found_in_the_table() -> None:
    found = by_table(*INSULATORS)
    assert [formula for formula, yes in zip(INSULATORS, found.insulates, strict=True) if not yes] == []
    assert not found.conducts.any()


def test_interphases_that_conduct_are_found_in_the_table() -> None:
    found = by_table(*CONDUCTORS)
    assert [formula for formula, yes in zip(CONDUCTORS, found.conducts, strict=True) if not yes] == []
    assert not found.insulates.any()


def test_narrow_gaps_and_elements_are_left_to_the_rule() -> None:
    found = by_table(*UNDECIDED)
    assert not (found.insulates | found.conducts).any()
    by_rule = {formula: conduction(formula).conducts for formula in UNDECIDED}
    assert [formula for formula, conducts in by_rule.items() if conducts] == ["Li3Sb", "Fe3O4", "In", "C", "Si"]


def test_a_metal_that_everything_related_contradicts_is_doubted() -> None:
    """Li4P2S6 stands in the table as a metal, computed in an averaged structure."""
    assert by_table("Li4P2S6", log_odds_metal=1.0).conducts[0]
    assert not by_table("Li4P2S6", log_odds_metal=-4.0).conducts[0]
    assert not conduction("Li4P2S6").conducts


def test_the_model_decides_where_it_is_sure() -> None:
    batch = batch_of("Li1.3Al0.3Ti1.7P3O12", "Li21Ge5.1", "Li3.1P1", "Li2Fe0.99S2")
    known = lookup().find(batch)
    assert (known.n_polymorphs == 0).all()
    found = character(batch, known, predicted([-9.0, 9.0, -9.0, 0.0], [3.0, 1.0, INSULATING_eV, 3.0]))
    assert found.insulates.tolist() == [True, False, False, False]
    assert found.conducts.tolist() == [False, True, False, False]


@pytest.mark.parametrize("formula", ["Li2S", "TiN", "Li3P"])
def test_nothing_both_insulates_and_conducts(formula: str) -> None:
    found = by_table(formula)
    assert not (found.insulates & found.conducts).any()
