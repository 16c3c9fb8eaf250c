"""Why trees answer what they answer: exact Shapley values of a tree ensemble, with numpy alone.

The game is the path-dependent one of TreeSHAP (Lundberg et al., doi 10.1038/s42256-019-0138-9): a feature that does
not take part is averaged out by the share of rows that went either way at its splits. A leaf then pays

    value * product over features k of its path of (inside_k(x) if k takes part, else share_k),

where inside_k is 1 for an x within the interval of feature k that leads to the leaf, else 0. Its Shapley value is the
integral of the slope of this product's multilinear extension along the diagonal (Owen, doi 10.1287/mnsc.18.5.64):

    phi_j = value * (inside_j - share_j) * integral_0^1 product over k != j of (t inside_k + (1 - t) share_k) dt,

a polynomial in t, which a few Gauss-Legendre points integrate exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from training.trees import TreeEnsemble

Array = NDArray[np.float64]
_ROWS_PER_BLOCK = 16  # the dozen (rows, leaves) temporaries of a block fit the cache; 64 rows take three times as long


class _Paths(NamedTuple):
    """What leads to each leaf, shape (slots, leaves); a path takes as many slots as it has features, then padding."""

    value: Array  # (leaves,)
    feature: NDArray[np.int64]
    low: Array  # a row is inside where low < its feature <= high
    high: Array
    share: Array


@dataclass(frozen=True)
class TreeExplainer:
    """A tree ensemble with the number of rows that passed each of its nodes.

    Parameters
    ----------
    trees
        Trees whose leaf values are summed; small ones, for the cost grows with leaves times features on a path.
    cover
        Shape (nodes,); how many rows of the background passed a node.
    """

    trees: TreeEnsemble
    cover: NDArray[np.int32]

    @classmethod
    def of(cls, trees: TreeEnsemble, background: Array) -> TreeExplainer:
        """Count the rows of a background, shape (n, features), usually those that the trees were grown on.

        Raises
        ------
        ValueError
            If no row of the background reaches some leaf, so that its share is not known.
        """
        cover = np.bincount(trees.leaves(background).ravel(), minlength=len(trees.feature))
        if (cover[trees.feature < 0] == 0).any():
            raise ValueError("a leaf holds no row of the background; give the rows that the trees were grown on")
        for node in np.flatnonzero(trees.feature >= 0)[::-1]:  # children have higher numbers than their parents
            cover[node] = cover[trees.left[node]] + cover[trees.right[node]]
        return cls(trees, cover.astype(np.int32))

    @cached_property
    def base(self) -> float:
        """Mean answer of the trees over the background."""
        paths = self._paths
        return float((paths.value * np.prod(paths.share, axis=0)).sum())

    def contributions(self, features: Array) -> Array:
        """Return the Shapley values; with `base` they sum to the trees' answers.

        Parameters
        ----------
        features
            Shape (n, features), no NaN.

        Returns
        -------
        ndarray
            Shape (n, features), in units of the leaf values.

        Raises
        ------
        ValueError
            If the width differs from the one the trees were grown on, or a feature is NaN.
        """
        self.trees.check(features)
        out = np.empty(features.shape)
        for start in range(0, len(features), _ROWS_PER_BLOCK):
            out[start : start + _ROWS_PER_BLOCK] = self._of_block(features[start : start + _ROWS_PER_BLOCK])
        return out

    def _of_block(self, features: Array) -> Array:
        paths = self._paths
        slots = range(len(paths.feature))
        inside = []
        for s in slots:
            compared = features[:, paths.feature[s]]
            inside.append(((compared > paths.low[s]) & (compared <= paths.high[s])).astype(np.float64))
        integral = [np.zeros_like(inside[0]) for _ in slots]
        nodes, weights = np.polynomial.legendre.leggauss((len(slots) + 1) // 2)
        for t, weight in zip((1.0 + nodes) / 2.0, weights / 2.0, strict=True):
            factors = [t * inside[s] + (1.0 - t) * paths.share[s] for s in slots]
            whole = math.prod(factors, start=weight * paths.value)
            for s in slots:
                integral[s] += whole / factors[s]  # never 0: t < 1 and shares are positive
        out = np.zeros(features.shape)
        for s in slots:
            out += ((inside[s] - paths.share[s]) * integral[s]) @ self._gather[s]
        return out

    @cached_property
    def _gather(self) -> list[csr_array]:
        """Per slot, the matrix (leaves, features) that adds up what belongs to one feature."""
        n_leaves = len(self._paths.value)
        shape = (n_leaves, self.trees.n_features)
        ones, row = np.ones(n_leaves), np.arange(n_leaves)
        return [csr_array((ones, (row, feature)), shape=shape) for feature in self._paths.feature]

    @cached_property
    def _paths(self) -> _Paths:
        trees = self.trees
        steps: dict[int, dict[int, tuple[float, float, float]]] = {int(root): {} for root in trees.roots}
        for node in np.flatnonzero(trees.feature >= 0):
            column, threshold, path = int(trees.feature[node]), float(trees.threshold[node]), steps.pop(int(node))
            low, high, share = path.get(column, (-np.inf, np.inf, 1.0))
            for child, limits in (
                (int(trees.left[node]), (low, min(high, threshold))),
                (int(trees.right[node]), (max(low, threshold), high)),
            ):
                part = float(self.cover[child]) / float(self.cover[node])
                steps[child] = path | {column: (*limits, share * part)}
        n_slots = max(1, *(len(path) for path in steps.values()))
        padding = [(0, -np.inf, np.inf, 1.0)] * n_slots
        rows = [[(k, *v) for k, v in path.items()] + padding[len(path) :] for path in steps.values()]
        feature, low, high, share = np.moveaxis(np.array(rows), (0, 1, 2), (2, 1, 0))
        value = trees.value[list(steps)].astype(np.float64)
        return _Paths(value, feature.astype(np.int64), low, high, share)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return self.trees.arrays() | {"cover": self.cover}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TreeExplainer:
        """Rebuild from `arrays()`.

        Raises
        ------
        ValueError
            If the arrays are no trees, or the counts are not those of trees.
        """
        trees, cover = TreeEnsemble.from_arrays(arrays), arrays["cover"]
        inner = np.flatnonzero(trees.feature >= 0)
        whole = len(cover) == len(trees.feature) and bool((cover > 0).all())
        if not whole or (cover[inner] != cover[trees.left[inner]] + cover[trees.right[inner]]).any():
            raise ValueError("the counts of rows do not add up along the trees")
        return cls(trees, cover)
