"""Relatives are the same formula with one element replaced, never the compound or its own chemical system."""

from __future__ import annotations

import numpy as np
import pytest
from gap_world import made_table

from features.candidate import Candidate, MaterialBatch
from features.elements import ATOMIC_NUMBER
from features.formula_terms import plain_amounts
from training.properties.mechanics.gap_fit import GapCompositions
from training.properties.mechanics.gap_lookup import GapLookup
from training.properties.mechanics.gap_relatives import LABELS, Relatives

COLUMN = {label: number for number, label in enumerate(LABELS)}


def batch_of(*formulas: str) -> MaterialBatch:
    return MaterialBatch.from_candidates([Candidate(text, plain_amounts(text) or {}) for text in formulas])


def learned(gaps: dict[str, float]) -> Relatives:
    batch = batch_of(*gaps)
    lookup = GapLookup.build(batch, np.array(list(gaps.values())), np.arange(len(gaps)))
    return Relatives.learn(lookup, batch.take(np.argsort(lookup.rows_of(batch))))


def test_the_only_relative_speaks() -> None:
    relatives = learned({"NaCl": 5.0, "Na2S": 2.4, "TiN": 0.0})
    row = relatives(batch_of("LiCl"))[0]
    assert row[COLUMN["n_relatives"]] == 1
    assert row[COLUMN["relatives_gap_eV"]] == row[COLUMN["relative_1_gap_eV"]] == 5.0
    assert row[COLUMN["relatives_metal_share"]] == 0.0
    assert row[COLUMN["relative_2_gap_eV"]] == -1.0


def test_a_compound_is_no_relative_of_itself() -> None:
    relatives = learned({"LiCl": 6.0, "Li2Cl2O1": 4.0, "KF": 6.1})
    row = relatives(batch_of("LiCl"))[0]
    assert row[COLUMN["n_relatives"]] == 0
    assert row[COLUMN["relatives_gap_eV"]] == -1.0


def test_an_element_of_the_compound_replaces_no_other() -> None:
    """Na2 of NaLi with sodium for lithium would be another formula."""
    relatives = learned({"NaLiS": 2.0, "LiKS": 2.1, "K2S": 2.2, "KCl": 5.0})
    row = relatives(batch_of("NaKS"))[0]
    assert row[COLUMN["n_relatives"]] == 2


def test_rows_do_not_depend_on_their_own_system() -> None:
    """What leave-system-out scores rest on: nothing of its own elements changes what a compound is given."""
    compositions = GapCompositions.of(made_table())
    row = compositions.formula.index("Li1Na1O2")
    alone = compositions.batch.take(np.array([row]))
    known = np.flatnonzero(compositions.system != compositions.system[row])
    everything = compositions.relatives(np.arange(len(compositions)))
    without = Relatives(
        everything.lookup.take(known),
        everything.dissimilarity_eV,
        everything.shift_eV,
        everything.binary_gap_eV,
    )
    assert np.array_equal(everything(alone), without(alone))


def test_similar_elements_weigh_more() -> None:
    compositions = GapCompositions.of(made_table())
    relatives = compositions.relatives(np.arange(len(compositions)))
    chlorine, bromine, fluorine = (ATOMIC_NUMBER[symbol] - 1 for symbol in ("Cl", "Br", "F"))
    assert relatives.dissimilarity_eV[chlorine, bromine] < relatives.dissimilarity_eV[chlorine, fluorine]
    assert relatives.shift_eV[chlorine, bromine] > 0 > relatives.shift_eV[chlorine, fluorine]
    assert np.allclose(relatives.shift_eV, -relatives.shift_eV.T)


def test_binaries_of_a_ternary_are_averaged_and_a_binary_has_none() -> None:
    relatives = learned({"Li2O": 5.0, "TiO2": 2.0, "Li2S": 3.4, "NaCl": 5.0})
    ternary, binary = relatives(batch_of("Li2TiO3", "Li4O2"))
    assert 2.0 < ternary[COLUMN["binaries_gap_eV"]] < 5.0
    assert ternary[COLUMN["binaries_lowest_polar_gap_eV"]] == 2.0
    assert ternary[COLUMN["binaries_most_polar_gap_eV"]] == 5.0
    assert binary[COLUMN["binaries_gap_eV"]] == -1.0


def test_a_composition_without_integer_formula_has_no_relatives_but_binaries() -> None:
    relatives = learned({"Li2O": 5.0, "TiO2": 2.0, "Na2TiO3": 3.0})
    row = relatives(batch_of("Li2.0013TiO3"))[0]
    assert row[COLUMN["n_relatives"]] == 0
    assert row[COLUMN["binaries_gap_eV"]] > 0
    assert np.isfinite(row).all()


def test_what_is_stored_answers_alike() -> None:
    compositions = GapCompositions.of(made_table())
    relatives = compositions.relatives(np.arange(len(compositions)))
    again = Relatives.from_arrays(relatives.lookup, relatives.arrays())
    assert np.array_equal(relatives(compositions.batch), again(compositions.batch))
    with pytest.raises(ValueError, match="expected one row and column an element"):
        Relatives.from_arrays(relatives.lookup, relatives.arrays() | {"shift_eV": np.zeros((3, 3))})


def test_rows_are_answered_alike_alone_and_in_company() -> None:
    compositions = GapCompositions.of(made_table())
    relatives = compositions.relatives(np.arange(len(compositions)))
    together = relatives(compositions.batch)
    alone = np.vstack([relatives(compositions.batch.take(np.array([row]))) for row in (0, 50, 900)])
    assert np.array_equal(together[[0, 50, 900]], alone)
    assert together.shape == (len(compositions), len(LABELS))
