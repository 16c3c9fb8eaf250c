"""Gaps are found by composition however it is spelled, and polymorphs keep their range."""

from __future__ import annotations

import io

import numpy as np
import pytest

from features.candidate import Candidate, MaterialBatch
from features.formula_terms import plain_amounts
from training.crystals import read_gaps
from training.properties.mechanics.gap_lookup import (
    LARGEST_FORMULA,
    GapLookup,
    element_codes,
    integer_formulas,
    middle_gap,
)


def batch_of(*formulas: str) -> MaterialBatch:
    return MaterialBatch.from_candidates([Candidate(text, plain_amounts(text) or {}) for text in formulas])


def small_lookup() -> GapLookup:
    batch = batch_of("Li2S", "Li4S2", "Li8S4", "LiCl", "TiN", "Ti2N2")
    return GapLookup.build(
        batch, np.array([3.39, 1.97, 3.9, 6.25, 0.0, 0.5]), np.array([0, 0, 0, 1, 2, 2], dtype=np.int64)
    )


def test_the_middle_of_polymorphs_is_answered_and_their_range_kept() -> None:
    known = small_lookup().find(batch_of("Li2S", "LiCl"))
    assert np.allclose(known.lowest_eV, [1.97, 6.25], atol=3e-3)
    assert np.allclose(known.middle_eV, [3.39, 6.25], atol=3e-3)
    assert np.allclose(known.highest_eV, [3.9, 6.25], atol=3e-3)
    assert known.n_polymorphs.tolist() == [3, 1]


def test_a_metal_in_half_of_its_polymorphs_is_a_metal() -> None:
    known = small_lookup().find(batch_of("TiN"))
    assert known.middle_eV[0] == 0.0
    assert known.highest_eV[0] == 0.5
    assert middle_gap(np.array([1.0, 0.0]), np.array([2.0, 2.0])).tolist() == [1.5, 0.0]


def test_an_unknown_composition_has_no_gap() -> None:
    known = small_lookup().find(batch_of("NaCl", "Li2.013S", "Li2S"))
    assert np.isnan(known.middle_eV).tolist() == [True, True, False]
    assert known.n_polymorphs.tolist() == [0, 0, 3]


def test_spelling_does_not_matter() -> None:
    known = small_lookup().find(batch_of("Li2S", "SLi2", "Li0.6666667S0.3333333", "Li22S11", "(Li)2S1.0"))
    assert len(set(known.middle_eV.tolist())) == 1
    assert (known.n_polymorphs == 3).all()


def test_the_smallest_integer_formula_is_found() -> None:
    formulas = integer_formulas(batch_of("Li6.4La3Zr1.4Ta0.6O12", "O2", "Li0.3331PS3"))
    assert formulas.amount[0][formulas.amount[0] > 0].tolist() == [32, 60, 7, 15, 3]
    assert formulas.amount[1].sum() == 1
    assert formulas.amount[2].sum() == 0
    assert formulas.key[2] == 0


def test_a_replaced_element_changes_the_hash_by_its_codes() -> None:
    codes = element_codes()
    (lithium, sodium), (chlorine,) = (2, 10), (16,)
    keys = integer_formulas(batch_of("LiCl", "NaCl")).key
    with np.errstate(over="ignore"):
        assert keys[0] == codes[lithium, 1] + codes[chlorine, 1]
        assert keys[1] == keys[0] - codes[lithium, 1] + codes[sodium, 1]
    assert codes.shape == (103, LARGEST_FORMULA + 1)
    assert len(np.unique(codes[:, 1:])) == codes[:, 1:].size


def test_a_stored_lookup_answers_alike() -> None:
    lookup, file = small_lookup(), io.BytesIO()
    np.savez_compressed(file, **lookup.arrays())
    file.seek(0)
    with np.load(file) as stored:
        again = GapLookup.from_arrays(dict(stored))
    asked = batch_of("Li2S", "TiN", "LiCl", "KCl")
    for before, after in zip(lookup.find(asked), again.find(asked), strict=True):
        assert np.array_equal(before, after, equal_nan=True)


def test_arrays_that_are_no_lookup_are_refused() -> None:
    arrays = small_lookup().arrays()
    with pytest.raises(ValueError, match="expected rising"):
        GapLookup.from_arrays(arrays | {"key": arrays["key"][::-1]})
    with pytest.raises(ValueError, match="lowest_eV has 0 values; expected 2"):
        GapLookup.from_arrays(arrays | {"lowest_eV": arrays["lowest_eV"][:0]})


def test_labels_that_contradict_the_compositions_are_refused() -> None:
    with pytest.raises(ValueError, match="do not tell the compositions apart"):
        GapLookup.build(batch_of("LiCl", "Li2Cl2"), np.array([6.0, 6.0]), np.array([0, 1]))
    with pytest.raises(ValueError, match="row 1 has no integer formula"):
        GapLookup.build(batch_of("LiCl", "Li0.3331PS3"), np.array([6.0, 1.0]), np.array([0, 1]))


def test_the_public_table_fits_without_collisions() -> None:
    table = read_gaps()
    lookup = GapLookup.build(table.crystals.batch, table.band_gap_eV, table.crystals.composition)
    assert len(lookup) == 78_164
    file = io.BytesIO()
    np.savez_compressed(file, **lookup.arrays())
    assert file.tell() < 1_200_000
    known = lookup.find(batch_of("Li6PS5Cl", "Li2S", "SiO2", "Li22Sn5"))
    assert known.n_polymorphs.tolist() == [1, 3, 227, 0]
    assert np.allclose(known.middle_eV[:2], [2.138, 3.386], atol=3e-3)
