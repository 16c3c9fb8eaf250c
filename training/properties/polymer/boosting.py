"""Boosted trees that answer log10 sigma directly and never let it fall with temperature.

LightGBM (Ke et al., NeurIPS 2017) with a monotone constraint on temperature, its last column, and Huber's loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.trees import TreeEnsemble, on_grid, split_off_grid

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BoostingSettings:
    """Size of the trees, how they are grown, and how points are weighed.

    A point of a curve of n points from a paper of m curves weighs n^-`curve_power` m^-`paper_power`.
    """

    n_rounds: int = 400
    n_leaves: int = 15
    min_data_in_leaf: int = 20
    feature_share: float = 0.4
    row_share: float = 0.7
    learning_rate: float = 0.05
    l2: float = 3.0
    curve_power: float = 0.7
    paper_power: float = 0.5
    seed: int = 0

    def parameters(self, n_columns: int) -> dict[str, Any]:
        """Return LightGBM's names for them."""
        return {
            "objective": "huber",
            "learning_rate": self.learning_rate,
            "num_leaves": self.n_leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "feature_fraction": self.feature_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "lambda_l2": self.l2,
            "monotone_constraints": [0] * (n_columns - 1) + [1],
            "seed": self.seed,
            "boost_from_average": False,
            "verbose": -1,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
        }


@dataclass(frozen=True, eq=False)
class MonotoneTrees:
    """Fitted trees, and what they are added to."""

    trees: TreeEnsemble
    centre: float

    @classmethod
    def fit(cls, features: Array, log10_sigma: Array, weights: Array, settings: BoostingSettings) -> MonotoneTrees:
        """Grow on features (n, d), the last column being the temperature in degrees Celsius."""
        import lightgbm as lgb

        centre = float(np.average(log10_sigma, weights=weights))
        data = lgb.Dataset(on_grid(features), log10_sigma - centre, weight=weights, params={"verbose": -1})
        booster = lgb.train(settings.parameters(features.shape[1]), data, settings.n_rounds)
        return cls(split_off_grid(TreeEnsemble.from_lightgbm([booster])), centre)

    def __call__(self, features: Array) -> Array:
        """Return log10 of the conductivity in S/cm, shape (n,)."""
        return self.trees.sum(features) + self.centre


def point_weights(curve: NDArray[np.int64], paper: NDArray[np.str_], settings: BoostingSettings) -> Array:
    """Return weights of points, mean 1, such that long curves and papers of many curves do not outweigh the others."""
    _, of_curve, n_points = np.unique(curve, return_inverse=True, return_counts=True)
    first = np.unique(curve, return_index=True)[1]
    papers, n_curves = np.unique(paper[first], return_counts=True)
    curves_of_paper = n_curves[np.searchsorted(papers, paper)]
    weights: Array = n_points[of_curve] ** -settings.curve_power * curves_of_paper**-settings.paper_power
    weights /= weights.mean()
    return weights
