from __future__ import annotations

import numpy as np
import pytest

from features.candidate import MaterialBatch
from features.similarity import half_l1, nearest_columns


def distances(first: list[str], second: list[str]) -> np.ndarray:
    return half_l1(MaterialBatch.from_formulas(first).matrix(), MaterialBatch.from_formulas(second).matrix())


def test_the_distance_is_the_share_of_atoms_that_would_have_to_change() -> None:
    np.testing.assert_allclose(
        distances(["Li6PS5Cl", "LiCl"], ["Li6PS5Br", "Li6PS5Cl"]), [[1 / 13, 0], [7 / 13, 6 / 13]]
    )


def test_equal_compositions_are_at_zero_and_disjoint_ones_at_one() -> None:
    np.testing.assert_allclose(distances(["Li2O", "Na2S"], ["Li4O2", "Cs"]), [[0, 1], [1, 1]], atol=1e-15)


def test_the_distance_is_that_of_the_plain_formula_symmetric_and_never_negative() -> None:
    formulas = ["Li7La3Zr2O12", "Li6PS5Cl", "Li1.3Al0.3Ti1.7(PO4)3", "Li3YCl6", "Li"]
    matrix = MaterialBatch.from_formulas(formulas).matrix()
    plain = np.abs(matrix[:, None, :] - matrix[None, :, :]).sum(axis=2) / 2
    got = half_l1(matrix, matrix)
    np.testing.assert_allclose(got, plain, atol=1e-15)
    np.testing.assert_allclose(got, got.T, atol=1e-15)
    assert got.min() >= 0.0


def test_compiled_and_plain_distances_agree_to_the_last_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    formulas = ["Li7La3Zr2O12", "Li6PS5Cl", "Li1.3Al0.3Ti1.7(PO4)3", "Li3YCl6", "Li", "BaTiO3"]
    matrix = MaterialBatch.from_formulas(formulas).matrix()
    monkeypatch.setattr("features.compiling.compiler_is_loaded", lambda: False)
    plain = half_l1(matrix, matrix[::2])
    monkeypatch.setattr("features.compiling.compiler_is_loaded", lambda: True)
    np.testing.assert_allclose(half_l1(matrix, matrix[::2]), plain, rtol=0, atol=1e-15)
    matrix.flags.writeable = False
    np.testing.assert_allclose(half_l1(np.asfortranarray(matrix), matrix[::2]), plain, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_compare_gives_an_empty_table(n: int, m: int) -> None:
    assert half_l1(np.ones((n, 103)) / 103, np.ones((m, 103)) / 103).shape == (n, m)


@pytest.mark.parametrize("count", [0, 1, 4, 100])
@pytest.mark.parametrize("lost", [0.0, np.nan, np.inf])
def test_compiled_or_not_the_same_columns_are_nearest(count: int, lost: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """None asked for, more than there are, equal ones, and distances that are none."""
    distance = np.random.default_rng(3).integers(0, 5, (30, 7)).astype(float)
    distance[distance == 4.0] = lost
    for table in (distance, distance[:0], distance[:, :0]):
        monkeypatch.setattr("features.similarity.compiler_is_loaded", lambda: False)
        column, nearest = nearest_columns(table, count)
        monkeypatch.setattr("features.similarity.compiler_is_loaded", lambda: True)
        compiled_column, compiled_nearest = nearest_columns(table, count)
        np.testing.assert_array_equal(compiled_column, column)
        np.testing.assert_array_equal(compiled_nearest, nearest)
