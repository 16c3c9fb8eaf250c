"""Extremely randomised trees that answer log10 sigma directly and never let it fall with temperature.

Geurts et al., Machine Learning 63, 3 (2006), doi 10.1007/s10994-006-6226-1, with a monotone constraint on temperature,
their last column. They err otherwise than boosted trees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.trees import TreeEnsemble, on_grid

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ForestSettings:
    """Size of the trees, and how they are grown."""

    n_trees: int = 60
    min_data_in_leaf: int = 4
    feature_share: float = 0.4
    seed: int = 0


@dataclass(frozen=True, eq=False)
class MonotoneForest:
    """Fitted trees, which are averaged."""

    trees: TreeEnsemble

    @classmethod
    def fit(cls, features: Array, log10_sigma: Array, weights: Array, settings: ForestSettings) -> MonotoneForest:
        """Grow on features (n, d), the last column being the temperature in degrees Celsius."""
        from sklearn.ensemble import ExtraTreesRegressor

        forest = ExtraTreesRegressor(
            settings.n_trees,
            min_samples_leaf=settings.min_data_in_leaf,
            max_features=settings.feature_share,
            monotonic_cst=[0] * (features.shape[1] - 1) + [1],
            random_state=settings.seed,
            n_jobs=1,
        )
        forest.fit(on_grid(features), log10_sigma, sample_weight=weights)
        grown = TreeEnsemble.from_scikit_learn(forest.estimators_)
        # as a bundle keeps them, so that what is calibrated on their answers meets the same ones
        return cls(TreeEnsemble.from_compact_arrays(grown.compact_arrays()))

    def __call__(self, features: Array) -> Array:
        """Return log10 of the conductivity in S/cm, shape (n,)."""
        return self.trees.sum(features) / len(self.trees.roots)
