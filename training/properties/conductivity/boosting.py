"""Gradient-boosted trees (LightGBM; Ke et al., NeurIPS 2017) with a Huber loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.trees import TreeEnsemble, on_grid, split_off_grid

Array = NDArray[np.float64]

SETTINGS: dict[str, Any] = {
    "objective": "huber",
    "alpha": 1.5,
    "learning_rate": 0.04,
    "num_leaves": 12,
    "min_data_in_leaf": 6,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}


@dataclass(frozen=True)
class BoostedTrees:
    """Fitted trees, the average of several boosters that differ by seed."""

    trees: TreeEnsemble

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
    ) -> BoostedTrees:
        """Fit `n_seeds` boosters of `n_rounds` trees on features (m, d), log10 sigma (m,) and weights (m,)."""
        import lightgbm as lgb

        seen = on_grid(features)
        boosters = [
            lgb.train(SETTINGS | {"seed": seed + k}, lgb.Dataset(seen, targets, weight=weights), n_rounds)
            for k in range(n_seeds)
        ]
        return cls(split_off_grid(TreeEnsemble.from_lightgbm(boosters)))

    def centre(self, features: Array) -> Array:
        """Return the predicted log10 sigma at 25 C, shape (n,)."""
        return self.trees.sum(features)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return self.trees.arrays()

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> BoostedTrees:
        """Rebuild from `arrays()`."""
        return cls(TreeEnsemble.from_arrays(arrays))
