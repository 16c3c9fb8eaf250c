"""Quantile regression forest of extremely randomised trees (Meinshausen, J. Mach. Learn. Res. 7, 983 (2006)).

The forest predicts a distribution: the measured conductivities that share leaves with the candidate, weighted by how
often they do. Its median resists the outliers of the literature better than a mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from features.compiling import compiled, is_worth_compiling
from training.trees import TreeEnsemble

Array = NDArray[np.float64]
_WORTH_COMPILING = 100_000
"""Descents (rows times trees), as in `training.trees`."""
_READ = ((np.int32, 2), (np.int32, 1), (np.int32, 1), (np.float64, 1), (np.float64, 1), (np.float64, 1))


@dataclass(frozen=True)
class QuantileForest:
    """Fitted forest with its training targets in rising order.

    Parameters
    ----------
    trees
        The forest.
    targets
        Shape (m,), log10 conductivities at 25 C, rising.
    weights
        Shape (m,), weight of each target.
    leaves
        Shape (m, trees), leaf of each target.
    """

    trees: TreeEnsemble
    targets: Array
    weights: Array
    leaves: NDArray[np.int32]

    @classmethod
    def fit(
        cls,
        features: Array,
        targets: Array,
        weights: Array,
        *,
        n_trees: int,
        min_leaf: int,
        feature_share: float,
        seed: int,
    ) -> QuantileForest:
        """Grow the forest.

        Parameters
        ----------
        features, targets, weights
            Shapes (m, d), (m,), (m,); no NaN.
        n_trees, min_leaf, feature_share
            Number of trees, smallest leaf, share of the features tried per split.
        seed
            Same seed, same forest.
        """
        from sklearn.ensemble import ExtraTreesRegressor

        order = np.argsort(targets, kind="stable")
        features, targets, weights = features[order], targets[order], weights[order]
        forest = ExtraTreesRegressor(
            n_trees, min_samples_leaf=min_leaf, max_features=feature_share, random_state=seed, n_jobs=1
        ).fit(features, targets, sample_weight=weights)
        trees = TreeEnsemble.from_scikit_learn(forest.estimators_)
        # scikit-learn compares in single precision; growing and answering must agree on the leaf
        leaves = trees.leaves(features.astype(np.float32).astype(np.float64))
        return cls(trees, targets, weights, leaves)

    @cached_property
    def _leaf_to_target(self) -> csr_matrix:
        """Sparse (nodes, m): the share of each target in the distribution of a leaf, divided by the trees."""
        m, n_trees = self.leaves.shape
        leaf, target = self.leaves.ravel(), np.repeat(np.arange(m), n_trees)
        weight = self.weights[target]
        total = np.bincount(leaf, weight, minlength=len(self.trees.value))
        return csr_matrix((weight / total[leaf] / n_trees, (leaf, target)), shape=(len(self.trees.value), m))

    @cached_property
    def _shares_of_leaves(self) -> tuple[NDArray[np.int32], NDArray[np.int32], Array]:
        """`_leaf_to_target` as plain arrays: where each leaf begins, targets, shares."""
        inside = self._leaf_to_target
        return inside.indptr.astype(np.int32, copy=False), inside.indices.astype(np.int32, copy=False), inside.data

    def shares(self, features: Array) -> Array:
        """Return the weight of each training target in each candidate's distribution, shape (n, m)."""
        dense: Array = self._sparse_shares(features).toarray()
        return dense

    def _leaves(self, features: Array) -> NDArray[np.int32]:
        return self.trees.leaves(features.astype(np.float32).astype(np.float64))

    def _sparse_shares(self, features: Array) -> csr_matrix:
        """Return `shares` without the zeros, the targets of a row in rising order."""
        leaves = self._leaves(features)
        n, n_trees = leaves.shape
        reached = csr_matrix(
            (np.ones(n * n_trees), leaves.ravel(), np.arange(0, n * n_trees + 1, n_trees)),
            shape=(n, len(self.trees.value)),
        )
        shares = reached @ self._leaf_to_target
        shares.sort_indices()
        return shares

    def quantiles(self, features: Array, levels: Array) -> Array:
        """Return quantiles of log10 sigma at 25 C, shape (n, levels).

        Interpolated between the measured values that share leaves with the candidate, each at the middle of its share.
        """
        out = np.empty((len(features), len(levels)))
        if is_worth_compiling(len(features) * len(self.trees.roots), _WORTH_COMPILING):
            order = np.argsort(levels)
            rising = np.asarray(levels, dtype=np.float64)[order]
            compiled(_interpolate_quantiles, _READ, (np.float64, 2))(
                self._leaves(features), *self._shares_of_leaves, self.targets, rising, out
            )
            return out[:, np.argsort(order)]
        shares = self._sparse_shares(features)
        for row, (start, end) in enumerate(pairwise(shares.indptr)):
            share = shares.data[start:end]
            out[row] = np.interp(levels, np.cumsum(share) - 0.5 * share, self.targets[shares.indices[start:end]])
        return out

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        trees = {f"trees/{name}": array for name, array in self.trees.arrays().items()}
        return trees | {"targets": self.targets, "weights": self.weights, "leaves": self.leaves}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> QuantileForest:
        """Rebuild from `arrays()`."""
        trees = {name.removeprefix("trees/"): a for name, a in arrays.items() if name.startswith("trees/")}
        return cls(TreeEnsemble.from_arrays(trees), arrays["targets"], arrays["weights"], arrays["leaves"])


def _interpolate_quantiles(
    leaves: NDArray[np.int32],
    start: NDArray[np.int32],
    target_of: NDArray[np.int32],
    share_of: Array,
    targets: Array,
    levels: Array,
    out: Array,
) -> None:
    """Write `QuantileForest.quantiles` at rising levels into `out`, in plain loops for numba.

    `start`, `target_of` and `share_of` are a sparse table of the leaves' targets.
    """
    share = np.zeros(len(targets))
    for row in range(len(leaves)):
        share[:] = 0.0
        for leaf in leaves[row]:
            for place in range(start[leaf], start[leaf + 1]):
                share[target_of[place]] += share_of[place]
        cumulative, before, lower, j = 0.0, -1.0, 0.0, 0
        for number in range(len(levels)):
            out[row, number] = np.nan
            while j < len(targets):
                if share[j] > 0.0:
                    middle = cumulative + 0.5 * share[j]
                    if middle >= levels[number]:
                        if before < 0.0:
                            out[row, number] = targets[j]
                        else:
                            slope = (targets[j] - lower) / (middle - before)
                            out[row, number] = lower + slope * (levels[number] - before)
                        break
                    cumulative, before, lower = cumulative + share[j], middle, targets[j]
                j += 1
            if np.isnan(out[row, number]):
                out[row, number] = lower
