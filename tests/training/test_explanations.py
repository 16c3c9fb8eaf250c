"""Shapley values of trees: those of the definition and of LightGBM, summing to the answer, fair to every feature."""

from __future__ import annotations

import itertools
import math

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from training.explanations import TreeExplainer
from training.trees import TreeEnsemble

Array = NDArray[np.float64]
QUIET = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 3, "learning_rate": 0.3}


def random_world(seed: int, n: int, d: int) -> tuple[Array, Array, Array]:
    """Return features with ties and zeros, targets with interactions, and rows that no tree has seen."""
    rng = np.random.default_rng(seed)
    features = np.round(rng.normal(size=(n, d)), 1) * (rng.random((n, d)) < 0.8)
    targets = features[:, 0] * features[:, -1] + np.sin(features.sum(axis=1)) - 4.0
    return features, targets, rng.normal(size=(150, d))


def boosted(seed: int, n: int, d: int, rounds: int, leaves: int, depth: int) -> tuple[lgb.Booster, TreeExplainer]:
    features, targets, _ = random_world(seed, n, d)
    chosen = QUIET | {"num_leaves": leaves, "max_depth": depth}
    booster = lgb.train(chosen, lgb.Dataset(features, targets), rounds)
    return booster, TreeExplainer.of(TreeEnsemble.from_lightgbm([booster]), features)


@pytest.fixture(scope="module")
def explainer() -> TreeExplainer:
    return boosted(1, 200, 5, 20, 8, 4)[1]


# ---------------------------------------------------------------- right


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(30, 300),
    st.integers(1, 9),
    st.integers(1, 25),
    st.integers(2, 31),
    st.integers(1, 8),
)
def test_they_are_those_of_lightgbm(seed: int, n: int, d: int, rounds: int, leaves: int, depth: int) -> None:
    booster, explainer = boosted(seed, n, d, rounds, leaves, depth)
    _, _, new = random_world(seed, n, d)
    expected = booster.predict(new, pred_contrib=True)
    np.testing.assert_allclose(explainer.contributions(new), expected[:, :-1], atol=1e-6)
    assert explainer.base == pytest.approx(expected[0, -1], abs=1e-6)


def value_of_coalition(explainer: TreeExplainer, row: Array, taking_part: frozenset[int]) -> float:
    """Descend all trees at once, both ways by cover where a split's feature takes no part; straight from the paper."""
    trees, cover = explainer.trees, explainer.cover

    def below(node: int) -> float:
        column = int(trees.feature[node])
        if column < 0:
            return float(trees.value[node])
        left, right = int(trees.left[node]), int(trees.right[node])
        if column in taking_part:
            return below(left if row[column] <= trees.threshold[node] else right)
        return float(cover[left] * below(left) + cover[right] * below(right)) / float(cover[node])

    return sum(below(int(root)) for root in trees.roots)


@pytest.mark.parametrize(("leaves", "depth"), [(4, 2), (8, 4), (20, -1)])
def test_they_are_those_of_the_definition(leaves: int, depth: int) -> None:
    d = 4
    _, explainer = boosted(3, 150, d, 6, leaves, depth)
    _, _, new = random_world(3, 150, d)
    for row in new[:10]:
        expected = np.zeros(d)
        for j, size in itertools.product(range(d), range(d)):
            weight = math.factorial(size) * math.factorial(d - size - 1) / math.factorial(d)
            for others in itertools.combinations(sorted({*range(d)} - {j}), size):
                without = frozenset(others)
                gain = value_of_coalition(explainer, row, without | {j}) - value_of_coalition(explainer, row, without)
                expected[j] += weight * gain
        np.testing.assert_allclose(explainer.contributions(row[None, :])[0], expected, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(12, 120), st.integers(1, 9), st.integers(1, 12))
def test_they_sum_to_the_answer_for_any_trees(seed: int, n: int, d: int, n_trees: int) -> None:
    """Local accuracy: deep trees of a forest too, on a path of which a feature comes back again and again."""
    features, targets, new = random_world(seed, n, d)
    forest = ExtraTreesRegressor(n_trees, min_samples_leaf=2, random_state=seed).fit(features, targets)
    trees = TreeEnsemble.from_scikit_learn(forest.estimators_)
    explainer = TreeExplainer.of(trees, features)
    np.testing.assert_allclose(explainer.base, trees.sum(features).mean(), atol=1e-9)
    np.testing.assert_allclose(explainer.base + explainer.contributions(new).sum(axis=1), trees.sum(new), atol=1e-9)


def test_a_feature_that_no_split_uses_gets_nothing_and_twins_get_the_same() -> None:
    rng = np.random.default_rng(4)
    features = rng.integers(0, 2, (400, 4)).astype(float)
    features[:, 3] = 7.0
    trees = TreeEnsemble(  # x0 and x1: 1 only where both are above one half, in both orders of asking; x2 never asked
        np.array([0, -1, 1, -1, -1, 1, -1, 0, -1, -1], dtype=np.int16),
        np.full(10, 0.5),
        np.array([1, 1, 3, 3, 4, 6, 6, 8, 8, 9], dtype=np.int32),
        np.array([2, 1, 4, 3, 4, 7, 6, 9, 8, 9], dtype=np.int32),
        np.array([0, 0, 0, 0, 1, 0, 0, 0, 0, 1], dtype=np.float32),
        np.array([0, 5], dtype=np.int32),
        4,
    )
    even = np.vstack([features, features[:, [1, 0, 2, 3]]])  # as many of one twin as of the other
    contributions = TreeExplainer.of(trees, even).contributions(np.array([[1.0, 1.0, 1.0, 7.0], [0.0, 0.0, 0.0, 7.0]]))
    np.testing.assert_allclose(contributions[:, 0], contributions[:, 1], atol=1e-12)
    assert (contributions[:, 2:] == 0.0).all()
    assert contributions[0, 0] > 0.3 > 0 > contributions[1, 0]


def test_trees_without_a_split_are_all_base() -> None:
    data = np.arange(10.0)[:, None]
    booster = lgb.train(QUIET | {"min_data_in_leaf": 20}, lgb.Dataset(data, np.arange(10.0)), 5)
    explainer = TreeExplainer.of(TreeEnsemble.from_lightgbm([booster]), data)
    assert explainer.base == pytest.approx(4.5)
    np.testing.assert_array_equal(explainer.contributions(data), np.zeros((10, 1)))


# ---------------------------------------------------------------- row by row


def test_a_row_has_its_own_explanation_in_any_company(explainer: TreeExplainer) -> None:
    _, _, new = random_world(5, 12, 5)
    together, order = explainer.contributions(new), np.random.default_rng(0).permutation(len(new))
    np.testing.assert_allclose(explainer.contributions(new[order]), together[order], atol=1e-12)
    np.testing.assert_allclose(explainer.contributions(new[7:8]), together[7:8], atol=1e-12)
    assert explainer.contributions(new[:0]).shape == (0, 5)


def test_what_trees_cannot_judge_is_refused(explainer: TreeExplainer) -> None:
    with pytest.raises(ValueError, match=r"expected \(n, 5\)"):
        explainer.contributions(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="NaN"):
        explainer.contributions(np.full((2, 5), np.nan))


def test_a_background_that_misses_a_leaf_is_refused(explainer: TreeExplainer) -> None:
    with pytest.raises(ValueError, match="no row of the background"):
        TreeExplainer.of(explainer.trees, np.zeros((3, 5)))


# ---------------------------------------------------------------- stored


def test_arrays_round_trip(explainer: TreeExplainer) -> None:
    _, _, new = random_world(6, 12, 5)
    arrays = explainer.arrays()
    assert not any(np.asarray(array).dtype.hasobject for array in arrays.values())
    again = TreeExplainer.from_arrays(arrays)
    assert again.base == explainer.base
    np.testing.assert_array_equal(again.contributions(new), explainer.contributions(new))


@pytest.mark.parametrize("node", [0, -1])
def test_counts_that_do_not_add_up_are_refused(explainer: TreeExplainer, node: int) -> None:
    arrays = {name: np.array(array) for name, array in explainer.arrays().items()}
    arrays["cover"][node] += 1
    with pytest.raises(ValueError, match="do not add up"):
        TreeExplainer.from_arrays(arrays)
    with pytest.raises(ValueError, match="do not add up"):
        TreeExplainer.from_arrays(arrays | {"cover": arrays["cover"][:-1]})
