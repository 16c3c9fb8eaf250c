"""Fitted decision trees as plain arrays: no scikit-learn or LightGBM where answers are given.

Few rows descend in numpy, many in a function that numba compiles (eight times as fast, the same leaves); so a single
question never waits for numba's import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.compiling import is_worth_compiling, kernel

if TYPE_CHECKING:
    import lightgbm as lgb
    from sklearn.tree import DecisionTreeRegressor

Array = NDArray[np.float64]
_ROWS_ABREAST = 64
_ROWS_PER_BLOCK = 256  # (rows, trees) temporaries of a block fit the processor's cache
_WORTH_COMPILING = 100_000
"""Descents (rows times trees) that take numpy 15 ms; importing numba takes 400 ms once, compiling 1 s more."""

FEATURE_STEP = 2.0**-20
"""Training features are rounded to this grid. Two spellings of one composition differ by 1e-16, and without rounding a
split may fall between them. A power of two, because no fraction in a formula lies halfway between its steps."""

_KINDS: dict[str, Any] = {
    "feature": np.int16,
    "threshold": np.float64,
    "left": np.int32,
    "right": np.int32,
    "value": np.float32,
    "roots": np.int32,
}


class _Abreast(NamedTuple):
    """Nodes in the order in which many rows descend at once: tree by tree, level by level, siblings side by side.

    Parameters
    ----------
    feature, threshold, child
        Shape (nodes,); column that a node compares, where a row goes to the left child, and that child, after which
        the right one comes; a leaf lets every row go to itself.
    node
        Shape (nodes,); its number in the ensemble.
    roots, levels
        Shape (trees,); the root of each tree and the steps to its deepest leaf.
    """

    feature: NDArray[np.uint16]
    threshold: Array
    child: NDArray[np.uint32]
    node: NDArray[np.int32]
    roots: NDArray[np.uint32]
    levels: NDArray[np.int64]


@dataclass(frozen=True)
class TreeEnsemble:
    """Several binary trees, their nodes one after the other.

    Parameters
    ----------
    feature
        Shape (nodes,); column that a node compares, -1 at leaves.
    threshold
        Shape (nodes,); a row goes left where its value is at or below it. Features must not be NaN.
    left, right
        Shape (nodes,); node numbers of the children; a leaf's children are itself.
    value
        Shape (nodes,); what a leaf contributes.
    roots
        Shape (trees,); node number of each root.
    n_features
        Columns that the trees were grown on.
    """

    feature: NDArray[np.int16]
    threshold: Array
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    roots: NDArray[np.int32]
    n_features: int

    def check(self, features: Array) -> None:
        """Refuse features that the trees cannot judge.

        Raises
        ------
        ValueError
            If the width differs from the one the trees were grown on, or a feature is NaN.
        """
        if features.ndim != 2 or features.shape[1] != self.n_features:
            raise ValueError(f"features of shape {features.shape}; expected (n, {self.n_features})")
        if np.isnan(features).any():
            raise ValueError("a feature is NaN; impute before the trees")

    def leaves(self, features: Array) -> NDArray[np.int32]:
        """Return the leaf that each row reaches in each tree, shape (n, trees); refuses what `check` refuses."""
        self.check(features)
        out = np.empty((len(features), len(self.roots)), dtype=np.int32)
        if is_worth_compiling(out.size, _WORTH_COMPILING):
            _descend_all(np.ascontiguousarray(features, dtype=np.float64), self._abreast, out)
            return out
        for start in range(0, len(features), _ROWS_PER_BLOCK):
            out[start : start + _ROWS_PER_BLOCK] = self._descend(features[start : start + _ROWS_PER_BLOCK])
        return out

    @cached_property
    def _abreast(self) -> _Abreast:
        level, tree = self.roots, np.arange(len(self.roots))
        reached, of, levels = [], [], np.zeros(len(self.roots), dtype=np.int64)
        while len(level):
            reached.append(level)
            of.append(tree)
            inner = self.feature[level] >= 0
            level, tree = level[inner], np.repeat(tree[inner], 2)
            level = np.column_stack([self.left[level], self.right[level]]).ravel()
            levels[tree] += 1
        node = np.concatenate(reached)[np.argsort(np.concatenate(of), kind="stable")]
        place = np.empty(len(self.feature), dtype=np.uint32)
        place[node] = np.arange(len(node))
        is_leaf = self.feature[node] < 0
        return _Abreast(
            np.where(is_leaf, 0, self.feature[node]).astype(np.uint16),
            np.where(is_leaf, np.inf, self.threshold[node]),
            place[self.left[node]],
            node.astype(np.int32),
            place[self.roots],
            levels,
        )

    def _descend(self, features: Array) -> NDArray[np.int32]:
        values, trees = features.ravel(), len(self.roots)
        reached = np.tile(self.roots, len(features))
        # what is still on its way: its place in `reached`, its node, where its row begins in `values`
        place = np.arange(len(reached))
        node = reached
        row_start = np.repeat(np.arange(len(features), dtype=np.int64) * features.shape[1], trees)
        while len(place):
            inner = self.feature[node] >= 0
            if not inner.all():
                place, node, row_start = place[inner], node[inner], row_start[inner]
            go_left = values[row_start + self.feature[node]] <= self.threshold[node]
            node = np.where(go_left, self.left[node], self.right[node])
            reached[place] = node
        return reached.reshape(len(features), trees)

    def sum(self, features: Array) -> Array:
        """Return the sum of the leaf values over the trees, shape (n,)."""
        total: Array = self.value[self.leaves(features)].sum(axis=1, dtype=np.float64)
        return total

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "value": self.value,
            "roots": self.roots,
            "n_features": np.array(self.n_features),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TreeEnsemble:
        """Rebuild from `arrays()`.

        Raises
        ------
        ValueError
            If the arrays are no trees: descending them would not end, or would read elsewhere.
        """
        fields = {name: np.ascontiguousarray(arrays[name], dtype=kind) for name, kind in _KINDS.items()}
        trees = cls(**fields, n_features=int(arrays["n_features"]))
        trees._check()
        return trees

    def _check(self) -> None:
        n = len(self.feature)
        own = np.arange(n)
        is_leaf = self.feature < 0
        forward = np.where(is_leaf, (self.left == own) & (self.right == own), (self.left > own) & (self.right > own))
        inside = (self.left < n) & (self.right < n) & (self.feature < self.n_features)
        sizes = {len(a) for a in (self.threshold, self.left, self.right, self.value)}
        rooted = len(self.roots) > 0 and bool(((self.roots >= 0) & (self.roots < n)).all())
        if sizes != {n} or not rooted or not bool((forward & inside).all()):
            raise ValueError("the arrays are no binary trees numbered from the root")

    def compact_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a small bundle stores: children as steps ahead, which compress, and rounded numbers.

        Thresholds keep single precision, values half precision: what the trees say changes by 1 in 2,000 at most,
        and near a threshold.
        """
        own = np.arange(len(self.feature))
        return {
            "feature": self.feature,
            "threshold": self.threshold.astype(np.float32),
            "left_ahead": (self.left - own).astype(np.int32),
            "right_ahead": (self.right - own).astype(np.int32),
            "value": self.value.astype(np.float16),
            "roots": self.roots,
            "n_features": np.array(self.n_features),
        }

    @classmethod
    def from_compact_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TreeEnsemble:
        """Rebuild from `compact_arrays()`.

        Raises
        ------
        ValueError
            If the arrays are no trees.
        """
        own = np.arange(len(arrays["feature"]))
        children = {side: own + arrays[f"{side}_ahead"] for side in ("left", "right")}
        return cls.from_arrays({**arrays, **children})

    @classmethod
    def from_scikit_learn(cls, estimators: Sequence[DecisionTreeRegressor]) -> TreeEnsemble:
        """Copy the trees of a fitted forest; values are the leaf means."""
        parts = []
        for estimator in estimators:
            tree = estimator.tree_
            leaf = tree.children_left < 0
            own = np.arange(tree.node_count)
            parts.append(
                (
                    np.where(leaf, -1, tree.feature),
                    np.where(leaf, 0.0, tree.threshold),
                    np.where(leaf, own, tree.children_left),
                    np.where(leaf, own, tree.children_right),
                    tree.value[:, 0, 0],
                )
            )
        return cls._joined(parts, estimators[0].n_features_in_)

    @classmethod
    def from_lightgbm(cls, boosters: Sequence[lgb.Booster]) -> TreeEnsemble:
        """Copy the trees of fitted boosters, each leaf's value divided by the number of boosters.

        Raises
        ------
        ValueError
            For categorical splits, which the arrays cannot hold.
        """
        parts = []
        for booster in boosters:
            for tree in booster.dump_model()["tree_info"]:
                parts.append(_flatten(tree["tree_structure"], 1.0 / len(boosters)))
        return cls._joined(parts, boosters[0].num_feature())

    @classmethod
    def _joined(cls, parts: list[tuple[Any, ...]], n_features: int) -> TreeEnsemble:
        offsets = np.cumsum([0] + [len(part[0]) for part in parts])
        return cls(
            np.concatenate([part[0] for part in parts]).astype(np.int16),
            np.concatenate([part[1] for part in parts]).astype(np.float64),
            np.concatenate([p[2] + o for p, o in zip(parts, offsets, strict=False)]).astype(np.int32),
            np.concatenate([p[3] + o for p, o in zip(parts, offsets, strict=False)]).astype(np.int32),
            np.concatenate([part[4] for part in parts]).astype(np.float32),
            offsets[:-1].astype(np.int32),
            int(n_features),
        )


def on_grid(features: Array) -> Array:
    """Round training features to multiples of `FEATURE_STEP`."""
    rounded: Array = np.round(features / FEATURE_STEP) * FEATURE_STEP
    return rounded


def split_off_grid(trees: TreeEnsemble) -> TreeEnsemble:
    """Move the splits that LightGBM puts at 1e-35, between zero and the rest, to half a step."""
    at_zero = np.abs(trees.threshold) < FEATURE_STEP / 2
    return replace(trees, threshold=np.where(at_zero, np.sign(trees.threshold) * FEATURE_STEP / 2, trees.threshold))


@kernel
def _descend_all(features: Array, trees: _Abreast, out: NDArray[np.int32]) -> None:
    """Write the leaf of each row in each tree into `out`, shape (n, trees).

    Several rows abreast, so that none waits for another's memory. They all take as many steps as the tree is deep,
    which costs less than finding out when the last has arrived; unsigned numbers, for which numba need not look whether
    they count from the end.
    """
    node = np.empty(_ROWS_ABREAST, dtype=np.uint64)
    values, width = features.ravel(), np.uint64(features.shape[1])
    for first in range(0, features.shape[0], _ROWS_ABREAST):
        n_rows = min(_ROWS_ABREAST, features.shape[0] - first)
        own = values[first * features.shape[1] :]
        for tree in range(trees.roots.shape[0]):
            node[:] = trees.roots[tree]
            for _ in range(trees.levels[tree]):
                for row in range(n_rows):
                    here = node[row]
                    value = own[np.uint64(row) * width + np.uint64(trees.feature[here])]
                    node[row] = np.uint64(trees.child[here]) + np.uint64(value > trees.threshold[here])
            for row in range(n_rows):
                out[first + row, tree] = trees.node[node[row]]


def _flatten(root: dict[str, Any], scale: float) -> tuple[Any, ...]:
    """Return one LightGBM tree as arrays, its nodes numbered from the root."""
    feature: list[int] = []
    threshold: list[float] = []
    left: list[int] = []
    right: list[int] = []
    value: list[float] = []

    def visit(node: dict[str, Any]) -> int:
        number = len(feature)
        is_leaf = "leaf_value" in node
        if not is_leaf and node["decision_type"] != "<=":
            raise ValueError(f"split of type '{node['decision_type']}' cannot be exported")
        feature.append(-1 if is_leaf else node["split_feature"])
        threshold.append(0.0 if is_leaf else node["threshold"])
        value.append(node["leaf_value"] * scale if is_leaf else 0.0)
        left.append(number)
        right.append(number)
        if not is_leaf:
            left[number] = visit(node["left_child"])
            right[number] = visit(node["right_child"])
        return number

    visit(root)
    return tuple(np.array(column) for column in (feature, threshold, left, right, value))
