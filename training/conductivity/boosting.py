"""Gradient-boosted trees (LightGBM; Ke et al., NeurIPS 2017) with a Laplace error of constant width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.trees import TreeEnsemble

Array = NDArray[np.float64]

SETTINGS: dict[str, Any] = {
    "objective": "regression", "learning_rate": 0.03, "num_leaves": 12, "min_data_in_leaf": 6, "feature_fraction": 0.4,
    "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 2.0, "verbose": -1, "deterministic": True,
    "force_row_wise": True, "num_threads": 1,
}  # fmt: skip


@dataclass(frozen=True)
class BoostedTrees:
    """Fitted trees and the width of their error.

    Parameters
    ----------
    trees
        Average of several boosters that differ by seed.
    scale
        Width of the Laplace distribution in decades; the conformal calibration corrects the pool's width as a whole.
    """

    trees: TreeEnsemble
    scale: float

    @classmethod
    def fit(
        cls,
        features: Array,
        targets: Array,
        weights: Array,
        *,
        n_rounds: int,
        n_seeds: int,
        seed: int,
        scale: float,
    ) -> BoostedTrees:
        """Fit `n_seeds` boosters of `n_rounds` trees on features (m, d), log10 sigma (m,) and weights (m,)."""
        import lightgbm as lgb

        boosters = [
            lgb.train(SETTINGS | {"seed": seed + k}, lgb.Dataset(features, targets, weight=weights), n_rounds)
            for k in range(n_seeds)
        ]
        return cls(TreeEnsemble.from_lightgbm(boosters), scale)

    def centre(self, features: Array) -> Array:
        """Return the predicted log10 sigma at 25 C, shape (n,)."""
        return self.trees.sum(features)

    def quantiles(self, features: Array, levels: Array) -> Array:
        """Return quantiles of log10 sigma at 25 C, shape (n, levels)."""
        laplace = -np.sign(levels - 0.5) * np.log1p(-2.0 * np.abs(levels - 0.5))
        return self.centre(features)[:, None] + self.scale * laplace[None, :]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        trees = {f"trees/{name}": array for name, array in self.trees.arrays().items()}
        return trees | {"scale": np.array(self.scale)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> BoostedTrees:
        """Rebuild from `arrays()`."""
        trees = {name.removeprefix("trees/"): a for name, a in arrays.items() if name.startswith("trees/")}
        return cls(TreeEnsemble.from_arrays(trees), float(arrays["scale"]))
