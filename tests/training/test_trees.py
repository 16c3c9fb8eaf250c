"""Trees as arrays give the answers of the libraries that grew them, and refuse what is no row or no tree."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from training.trees import TreeEnsemble

Array = NDArray[np.float64]

WORLDS = st.tuples(st.integers(0, 10_000), st.integers(12, 120), st.integers(1, 9), st.integers(1, 12))
QUIET = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 2}


def random_world(seed: int, n: int, d: int) -> tuple[Array, Array, Array]:
    """Return features with ties and zeros, targets, and rows that no tree has seen."""
    rng = np.random.default_rng(seed)
    features = np.round(rng.normal(size=(n, d)), 1) * (rng.random((n, d)) < 0.8)
    targets = np.sin(features.sum(axis=1)) + 0.1 * rng.normal(size=n) - 4.0
    return features, targets, rng.normal(size=(300, d)) * 2.0


@settings(max_examples=15, deadline=None)
@given(WORLDS)
def test_extra_trees_are_reproduced(world: tuple[int, int, int, int]) -> None:
    seed, n, d, n_trees = world
    features, targets, new = random_world(seed, n, d)
    forest = ExtraTreesRegressor(n_trees, min_samples_leaf=2, random_state=seed).fit(features, targets)
    trees = TreeEnsemble.from_scikit_learn(forest.estimators_)
    seen_by_library = new.astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(trees.sum(seen_by_library) / n_trees, forest.predict(new), atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(WORLDS)
def test_boosted_trees_are_reproduced_and_averaged(world: tuple[int, int, int, int]) -> None:
    seed, n, d, n_rounds = world
    features, targets, new = random_world(seed, n, d)
    boosters = [lgb.train(QUIET | {"seed": s}, lgb.Dataset(features, targets), n_rounds) for s in (seed, seed + 1)]
    expected = np.mean([booster.predict(new) for booster in boosters], axis=0)
    np.testing.assert_allclose(TreeEnsemble.from_lightgbm(boosters).sum(new), expected, atol=1e-6)


def test_boosting_without_a_single_split_answers_the_mean() -> None:
    booster = lgb.train(QUIET | {"min_data_in_leaf": 20}, lgb.Dataset(np.arange(10.0)[:, None], np.arange(10.0)), 5)
    trees = TreeEnsemble.from_lightgbm([booster])
    np.testing.assert_allclose(trees.sum(np.array([[0.0], [99.0]])), 4.5, atol=1e-6)


@pytest.fixture(scope="module")
def trees() -> TreeEnsemble:
    features, targets, _ = random_world(1, 60, 4)
    return TreeEnsemble.from_scikit_learn(ExtraTreesRegressor(5, random_state=1).fit(features, targets).estimators_)


def test_rows_do_not_depend_on_their_block(trees: TreeEnsemble) -> None:
    _, _, new = random_world(2, 12, 4)
    many = np.tile(new, (3, 1))  # more than one block of rows
    np.testing.assert_array_equal(trees.sum(many), np.tile(trees.sum(new), 3))
    assert trees.sum(np.empty((0, 4))).shape == (0,)


def test_compiled_and_plain_descents_reach_the_same_leaves(
    trees: TreeEnsemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, new = random_world(4, 12, 4)
    new[::7] = trees.threshold[trees.feature >= 0][0]  # on a threshold, too
    monkeypatch.setattr("features.compiling.compiler_is_loaded", lambda: False)
    plain = trees.leaves(new)
    monkeypatch.setattr("features.compiling.compiler_is_loaded", lambda: True)
    np.testing.assert_array_equal(trees.leaves(new), plain)
    np.testing.assert_array_equal(trees.leaves(np.asfortranarray(new)), plain)
    new.flags.writeable = False
    np.testing.assert_array_equal(trees.leaves(new), plain)
    with pytest.raises(ValueError, match="expected"):
        trees.leaves(new[:, :3])


def test_few_rows_do_not_wait_for_the_compiler() -> None:
    code = (
        "import sys; from pathlib import Path; from features.candidate import MaterialBatch;"
        "from training.properties.conductivity.bundling import load_conductivity;"
        "model, _ = load_conductivity(Path('serving/bundles/conductivity'));"
        "model.predict(MaterialBatch.from_formulas(['Li6PS5Cl'])); assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_a_row_on_the_threshold_goes_left() -> None:
    stump = TreeEnsemble(
        np.array([0, -1, -1], dtype=np.int16),
        np.array([0.5, 0.0, 0.0]),
        np.array([1, 1, 2], dtype=np.int32),
        np.array([2, 1, 2], dtype=np.int32),
        np.array([0, -1, 1], dtype=np.float32),
        np.array([0], dtype=np.int32),
        1,
    )
    np.testing.assert_array_equal(stump.sum(np.array([[0.5], [np.nextafter(0.5, 1.0)]])), [-1.0, 1.0])


@pytest.mark.parametrize("shape", [(2, 3), (2, 5), (4,), (2, 2, 4)])
def test_wrong_width_is_refused(trees: TreeEnsemble, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(n, 4\)"):
        trees.sum(np.zeros(shape))


def test_nan_is_refused(trees: TreeEnsemble) -> None:
    with pytest.raises(ValueError, match="NaN"):
        trees.sum(np.array([[0.0, 0.0, np.nan, 0.0]]))


def test_arrays_round_trip(trees: TreeEnsemble) -> None:
    _, _, new = random_world(3, 12, 4)
    arrays = trees.arrays()
    assert not any(np.asarray(array).dtype.hasobject for array in arrays.values())
    np.testing.assert_array_equal(TreeEnsemble.from_arrays(arrays).sum(new), trees.sum(new))


@pytest.mark.parametrize(
    "change",
    [
        {"left": 0},  # a circle: descending would not end
        {"right": 10**6},  # a node that is not there
        {"feature": 4},  # a column that is not there
        {"feature": -1},  # a leaf with children
    ],
)
def test_arrays_that_are_no_trees_are_refused(trees: TreeEnsemble, change: dict[str, int]) -> None:
    arrays = {name: np.array(array) for name, array in trees.arrays().items()}
    for name, value in change.items():
        arrays[name][0] = value
    with pytest.raises(ValueError, match="no binary trees"):
        TreeEnsemble.from_arrays(arrays)


def test_categorical_splits_are_refused() -> None:
    rng = np.random.default_rng(0)
    category = rng.integers(0, 4, 200).astype(float)[:, None]
    data = lgb.Dataset(category, (category[:, 0] % 2) + 0.01 * rng.normal(size=200), categorical_feature=[0])
    booster = lgb.train(QUIET | {"min_data_per_group": 1, "cat_smooth": 0.0}, data, 2)
    with pytest.raises(ValueError, match="cannot be exported"):
        TreeEnsemble.from_lightgbm([booster])


def test_missing_parts_are_refused(trees: TreeEnsemble) -> None:
    shorter = replace(trees, value=trees.value[:-1])
    with pytest.raises(ValueError, match="no binary trees"):
        TreeEnsemble.from_arrays(shorter.arrays())


@settings(max_examples=15, deadline=None)
@given(WORLDS)
def test_compact_trees_answer_nearly_the_same_and_stay_as_they_are(world: tuple[int, int, int, int]) -> None:
    seed, n, d, n_rounds = world
    features, targets, _ = random_world(seed, n, d)
    booster = lgb.train(QUIET | {"seed": seed}, lgb.Dataset(features, targets), n_rounds)
    trees = TreeEnsemble.from_lightgbm([booster])
    compact = TreeEnsemble.from_compact_arrays(trees.compact_arrays())
    np.testing.assert_allclose(compact.sum(features), trees.sum(features), atol=5e-3)
    again = TreeEnsemble.from_compact_arrays(compact.compact_arrays())
    np.testing.assert_array_equal(again.sum(features), compact.sum(features))
