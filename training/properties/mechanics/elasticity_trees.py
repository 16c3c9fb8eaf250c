"""Trees for shear and bulk modulus on composition descriptors: a forest grown at random and boosted trees, averaged.

Extremely randomised trees (Geurts et al., Mach. Learn. 63, 3 (2006), doi 10.1007/s10994-006-6226-1) answer both moduli
from the same leaves; boosted trees (LightGBM; Ke et al., NeurIPS 2017) each their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.featurizers import FEATURIZERS
from training.properties.mechanics.elasticity_settings import TreeSettings
from training.trees import TreeEnsemble, on_grid, split_off_grid

Array = NDArray[np.float64]
FEATURIZER_NAMES = ("magpie", "chemistry", "stoichiometry")
BOOSTING: dict[str, Any] = {
    "objective": "huber",  # placeholders and crystals that fall apart under shear must not bend the rest
    "alpha": 0.15,
    "learning_rate": 0.07,
    "num_leaves": 63,
    "min_data_in_leaf": 5,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}


class TreeAnswers(NamedTuple):
    """What both kinds of trees say of n compositions, and how far the random trees lie apart; (n, 2) each."""

    random: Array
    boosted: Array
    spread: Array


def composition_descriptors(batch: MaterialBatch) -> Array:
    """Return what the trees on moduli and those on band gaps see of compositions, computed once, shape (n, d)."""

    def compute(own: MaterialBatch) -> tuple[Array]:
        return (np.column_stack([FEATURIZERS[name](own) for name in FEATURIZER_NAMES]),)

    (computed,) = batch.remembered("mechanics", compute)
    return computed


def descriptors(batch: MaterialBatch) -> Array:
    """Return what the trees see of compositions: registered featurizers and the atomic fractions, shape (n, d)."""
    return np.column_stack([composition_descriptors(batch), batch.matrix()])


@dataclass(frozen=True, eq=False)
class ModuliTrees:
    """Fitted trees.

    Parameters
    ----------
    random
        The forest; its values are those of the shear modulus.
    random_bulk
        Shape (nodes,), its values of the bulk modulus.
    boosted
        Boosted trees of shear and bulk modulus.
    centre
        Shape (2,), what the boosted trees are added to.
    """

    random: TreeEnsemble
    random_bulk: NDArray[np.float32]
    boosted: tuple[TreeEnsemble, TreeEnsemble]
    centre: Array

    @classmethod
    def fit(cls, features: Array, targets: Array, settings: TreeSettings, seed: int) -> ModuliTrees:
        """Grow the trees on features (m, d) and logarithms of shear and bulk modulus (m, 2)."""
        import lightgbm as lgb
        from sklearn.ensemble import ExtraTreesRegressor

        seen, centre = on_grid(features), targets.mean(axis=0)
        forest = ExtraTreesRegressor(
            settings.n_random,
            min_samples_leaf=settings.min_leaf,
            max_features=settings.feature_share,
            random_state=seed,
            n_jobs=1,
        ).fit(seen, targets)
        boosted = [
            lgb.train(
                BOOSTING | {"seed": seed + column},
                lgb.Dataset(seen, targets[:, column] - centre[column]),
                settings.n_boosted,
            )
            for column in range(2)
        ]
        shear, bulk = (_stored(split_off_grid(TreeEnsemble.from_lightgbm([booster]))) for booster in boosted)
        values = np.concatenate([tree.tree_.value[:, 1, 0] for tree in forest.estimators_])
        random = _stored(TreeEnsemble.from_scikit_learn(forest.estimators_))
        return cls(random, values.astype(np.float16).astype(np.float32), (shear, bulk), centre)

    def __call__(self, features: Array) -> TreeAnswers:
        """Return what the trees say of features (n, d)."""
        leaves = self.random.leaves(features)
        both = [values[leaves].astype(np.float64) for values in (self.random.value, self.random_bulk)]
        boosted = [trees.sum(features) for trees in self.boosted]
        return TreeAnswers(
            np.column_stack([values.mean(axis=1) for values in both]),
            np.column_stack(boosted) + self.centre,
            np.column_stack([values.std(axis=1) for values in both]),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        named = {"random": self.random, "boosted_shear": self.boosted[0], "boosted_bulk": self.boosted[1]}
        stored = {f"{name}/{part}": a for name, trees in named.items() for part, a in trees.compact_arrays().items()}
        return stored | {"random_bulk": self.random_bulk.astype(np.float16), "centre": self.centre}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ModuliTrees:
        """Rebuild from `arrays()`.

        Raises
        ------
        KeyError
            If an array is missing.
        ValueError
            If the arrays are no trees.
        """
        random, shear, bulk = (
            TreeEnsemble.from_compact_arrays(
                {part.removeprefix(f"{name}/"): a for part, a in arrays.items() if part.startswith(f"{name}/")}
            )
            for name in ("random", "boosted_shear", "boosted_bulk")
        )
        values = np.asarray(arrays["random_bulk"], dtype=np.float32)
        if values.shape != random.value.shape:
            raise ValueError(f"{len(values)} bulk moduli for {len(random.value)} nodes of the forest")
        return cls(random, values, (shear, bulk), np.asarray(arrays["centre"], dtype=np.float64))


def _stored(trees: TreeEnsemble) -> TreeEnsemble:
    """Round what is rounded in a bundle, so that a fitted model answers as a loaded one."""
    return TreeEnsemble.from_compact_arrays(trees.compact_arrays())
