"""Compiled searches among measured materials find what numpy and scipy find."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import KDTree

from features.similarity import _keep_smallest, half_l1
from training.properties.conductivity.samples import SAME_COMPOSITION, _mark_same

Array = NDArray[np.float64]
LITHIUM = 2


def compositions(count: int, seed: int) -> Array:
    """Return made-up atomic fractions of lithium and four of ten other elements."""
    rng = np.random.default_rng(seed)
    table = np.zeros((count, 103))
    for row in table:
        row[[LITHIUM, *(rng.choice(10, 4, replace=False) + 10)]] = rng.dirichlet(np.full(5, 20.0))
    return table


@pytest.mark.parametrize("k", [1, 3, 5])
def test_the_smallest_values_rise_and_are_those_of_a_sort(k: int) -> None:
    values = np.random.default_rng(k).random((40, 200)).round(2)  # with equal ones
    column, few = np.zeros((40, k), dtype=np.int64), np.full((40, k), np.inf)
    _keep_smallest(values, column, few)
    assert np.array_equal(few, np.sort(values, axis=1)[:, :k])
    assert np.array_equal(column, np.argsort(values, axis=1, kind="stable")[:, :k])


def test_samples_of_one_composition_are_those_of_a_tree() -> None:
    known = compositions(150, 1)
    asked = np.vstack([known[::3], compositions(20, 2)])
    asked[:30, LITHIUM] += np.linspace(0.0, 0.02, 30)  # some lie within, some beyond
    same = np.zeros((len(asked), len(known)), dtype=np.bool_)
    _mark_same(asked, known, known[:, LITHIUM].copy(), same)
    expected = KDTree(known).query_ball_point(asked, 2.0 * SAME_COMPOSITION, p=1.0)
    assert [np.flatnonzero(row).tolist() for row in same] == [sorted(rows) for rows in expected]
    assert 10 < same.any(axis=1).sum() < len(asked), "all or none are alike: the question shows nothing"


def test_similarity_of_materials_is_that_of_the_l1_distance() -> None:
    from training.properties.ccd.terms import MATERIAL_REACH, _similarity

    first, second = compositions(20, 3), compositions(30, 4)
    expected = np.exp(-np.abs(first[:, None] - second[None]).sum(axis=2) / 2.0 / MATERIAL_REACH)
    assert np.allclose(_similarity(first, second), expected, rtol=0.0, atol=1e-13)
    assert half_l1(first, second).min() > 0.0
