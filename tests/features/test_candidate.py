from __future__ import annotations

import time

import numpy as np
import pytest

from features.candidate import Candidate, MaterialBatch, RowError
from features.elements import ATOMIC_NUMBER, SYMBOLS
from features.errors import CandidateError, RowErrorCode, WarningCode
from features.kinds import read_candidates
from features.lattice import NO_LATTICE, Lattice

CELL = Lattice(9.86, 9.86, 9.86, 90.0, 90.0, 90.0, 216, 52)


def test_a_candidate_keeps_its_formula_amounts_id_and_lattice() -> None:
    candidate = Candidate.from_formula(" Li₆PS₅Cl ", id="a", lattice=CELL)
    assert candidate.formula == "Li₆PS₅Cl"
    assert candidate.amounts == {"Li": 6, "P": 1, "S": 5, "Cl": 1}
    assert (candidate.id, candidate.lattice, candidate.has_lattice) == ("a", CELL, True)
    assert candidate.remarks == ()


def test_a_formula_alone_has_no_lattice() -> None:
    candidate = Candidate.from_formula("Li6PS5Cl")
    assert not candidate.has_lattice
    assert np.isnan(candidate.lattice.as_tuple()).all()


def test_a_cell_with_one_unknown_number_is_not_known() -> None:
    assert not Lattice(9.86, 9.86, 9.86, 90.0, 90.0, 90.0, 216).is_known


def test_no_lithium_is_a_remark_and_not_an_error() -> None:
    candidate = Candidate.from_formula("Na3PS4")
    assert [remark.code for remark in candidate.remarks] == [WarningCode.NO_LITHIUM]
    assert candidate.remarks[0].as_dict() == {"code": "no_lithium", "message": candidate.remarks[0].message}


def test_bad_rows_become_errors_in_their_place_and_spare_their_neighbours() -> None:
    formulas = ["Li6PS5Cl", "", "Li0O", "Xx", "Na3PS4", None, "Li" * 200, "nonsense"]
    ids = list("abcdefgh")
    rows = read_candidates(formulas, [None] * 8, ids)
    assert len(rows) == 8
    assert [isinstance(row, Candidate) for row in rows] == [True, False, False, False, True, False, False, False]
    errors = [row for row in rows if isinstance(row, RowError)]
    assert [(row.index, row.id, row.code) for row in errors] == [
        (1, "b", RowErrorCode.EMPTY_FORMULA),
        (2, "c", RowErrorCode.NON_POSITIVE_AMOUNT),
        (3, "d", RowErrorCode.UNKNOWN_ELEMENT),
        (5, "f", RowErrorCode.MISSING_MATERIAL),
        (6, "g", RowErrorCode.FORMULA_TOO_LONG),
        (7, "h", RowErrorCode.UNPARSEABLE_FORMULA),
    ]
    assert [row.id for row in rows] == ids
    assert all(row.message for row in errors)


def test_a_row_gives_a_formula_or_a_cif_and_not_both() -> None:
    (row,) = read_candidates(["Li2O"], ["data_x"], [None])
    assert isinstance(row, RowError)
    assert row.code is RowErrorCode.MISSING_MATERIAL


@pytest.mark.parametrize("value", [3.5, float("nan"), b"Li2O", {"Li": 2}])
def test_what_is_not_text_is_an_error_of_its_row(value: object) -> None:
    formula, cif = read_candidates([value, None], [None, value], [None, None])  # type: ignore[list-item]
    assert isinstance(formula, RowError)
    assert formula.code is RowErrorCode.UNPARSEABLE_FORMULA
    assert isinstance(cif, RowError)
    assert cif.code is RowErrorCode.UNPARSEABLE_CIF


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        read_candidates(["Li2O"], [], [None])


def test_no_rows_give_no_candidates() -> None:
    assert read_candidates([], [], []) == []


def test_a_batch_lays_out_fractions_by_atomic_number_and_pads_with_nothing() -> None:
    batch = MaterialBatch.from_formulas(["ClLi", "Li6PS5Cl"])
    assert batch.element_index.tolist() == [[2, 16, 0, 0], [2, 14, 15, 16]]
    np.testing.assert_allclose(batch.fraction, [[0.5, 0.5, 0, 0], [6 / 13, 1 / 13, 5 / 13, 1 / 13]])
    assert np.isnan(batch.lattice).all()
    assert batch.lattice.shape == (2, 8)


def test_the_dense_matrix_has_the_fractions_of_all_elements() -> None:
    matrix = MaterialBatch.from_formulas(["H2O", "Li6PS5Cl", "Lr"]).matrix()
    assert matrix.shape == (3, len(SYMBOLS))
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
    np.testing.assert_allclose(matrix[0, [0, 7]], [2 / 3, 1 / 3])
    assert matrix[2, 102] == 1.0


def test_the_fraction_of_an_element_counts_it_and_no_padding() -> None:
    batch = MaterialBatch.from_formulas(["H2O", "Li6PS5Cl"])
    np.testing.assert_allclose(batch.fraction_of("H"), [2 / 3, 0.0])
    np.testing.assert_allclose(batch.fraction_of("Li"), [0.0, 6 / 13])


def test_rows_can_be_taken_by_number_and_by_mask() -> None:
    batch = MaterialBatch.from_formulas(["Li2O", "Li2S", "LiCl"])
    for rows in (np.array([2, 0]), np.array([True, False, True])):
        taken = batch.take(rows)
        np.testing.assert_array_equal(taken.fraction, batch.fraction[rows])
        assert len(taken) == 2


def test_candidates_and_formulas_give_the_same_batch() -> None:
    formulas = ["Li6PS5Cl", "Li2O"]
    cells = np.array([CELL.as_tuple(), NO_LATTICE.as_tuple()])
    from_text = MaterialBatch.from_formulas(formulas, cells)
    candidates = [Candidate.from_formula(formulas[0], lattice=CELL), Candidate.from_formula(formulas[1])]
    from_candidates = MaterialBatch.from_candidates(candidates)
    np.testing.assert_array_equal(from_text.fraction, from_candidates.fraction)
    np.testing.assert_array_equal(from_text.element_index, from_candidates.element_index)
    np.testing.assert_array_equal(from_text.lattice, from_candidates.lattice)


def test_a_batch_of_nothing_has_no_rows() -> None:
    for batch in (MaterialBatch.from_candidates([]), MaterialBatch.from_formulas([])):
        assert len(batch) == 0
        assert batch.lattice.shape == (0, 8)
        assert batch.matrix().shape == (0, len(ATOMIC_NUMBER))


def test_lattices_of_another_number_of_rows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(2, 8\)"):
        MaterialBatch.from_formulas(["Li2O", "Li2S"], np.zeros((1, 8)))


def test_a_batch_owns_its_lattices() -> None:
    cells = np.array([CELL.as_tuple()])
    batch = MaterialBatch.from_formulas(["Li6PS5Cl"], cells)
    cells[:] = 0.0
    assert batch.lattice[0, 0] == CELL.a_A


def test_the_first_bad_formula_stops_a_batch() -> None:
    with pytest.raises(CandidateError, match="Xx"):
        MaterialBatch.from_formulas(["Li2O", "Xx"])


def test_ten_thousand_rows_are_read_and_laid_out_within_a_second() -> None:
    formulas = [f"Li{6 - i / 10_000:.4f}PS5Cl" for i in range(10_000)]
    nothing = [None] * len(formulas)
    started = time.process_time()
    rows = read_candidates(formulas, nothing, nothing)
    batch = MaterialBatch.from_candidates([row for row in rows if isinstance(row, Candidate)])
    assert time.process_time() - started < 1.0
    assert len(batch) == len(formulas)
