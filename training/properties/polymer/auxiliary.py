"""How mobile a chain is, from tables of other quantities: its glass transition, and simulated diffusion.

Boosted trees on the descriptors of the chain. What they say is a descriptor of the conductivity model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.polymers.descriptors import descriptors
from training.properties.polymer.tables import Mobilities
from training.trees import TreeEnsemble, on_grid, split_off_grid

Array = NDArray[np.float64]
NAMES = ("glass_transition_K", "log10_simulated_sigma", "log10_chain_diffusivity", "log10_lithium_diffusivity")
SETTINGS: dict[str, Any] = {
    "objective": "l2",
    "learning_rate": 0.05,
    "min_data_in_leaf": 5,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}
N_ROUNDS = 400
LEAVES_GLASS, LEAVES_SIMULATED = 15, 31


@dataclass(frozen=True, eq=False)
class ChainMobility:
    """Fitted trees, one ensemble for each of `NAMES`, and what each is added to."""

    trees: tuple[TreeEnsemble, ...]
    centre: Array

    @classmethod
    def fit(cls, glass: Mobilities, simulated: Mobilities, n_rounds: int = N_ROUNDS) -> ChainMobility:
        """Fit on glass transitions in K and on logarithms of simulated mobilities."""
        targets = [(glass, 0, LEAVES_GLASS), *((simulated, column, LEAVES_SIMULATED) for column in range(3))]
        trees, centre = [], []
        for table, column, n_leaves in targets:
            grown, mean = _grow(table.sums, table.values[:, column], n_leaves, n_rounds)
            trees.append(grown)
            centre.append(mean)
        return cls(tuple(trees), np.array(centre))

    def __call__(self, sums: Array) -> Array:
        """Return the mobilities of n repeat units, shape (n, 4), columns as `NAMES`."""
        seen = descriptors(sums)
        return np.column_stack([trees.sum(seen) for trees in self.trees]) + self.centre

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        stored = {
            f"{n}/{name}": part for n, one in enumerate(self.trees) for name, part in one.compact_arrays().items()
        }
        return stored | {"centre": self.centre}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ChainMobility:
        """Rebuild from `arrays()`."""
        parts = [_part(arrays, f"{number}/") for number in range(len(NAMES))]
        trees = tuple(TreeEnsemble.from_compact_arrays(part) for part in parts)
        return cls(trees, np.asarray(arrays["centre"], dtype=float))


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _grow(sums: Array, target: Array, n_leaves: int, n_rounds: int) -> tuple[TreeEnsemble, float]:
    import lightgbm as lgb

    centre = float(target.mean())
    data = lgb.Dataset(on_grid(descriptors(sums)), target - centre, params={"verbose": -1})
    settings = SETTINGS | {"num_leaves": n_leaves, "boost_from_average": False}
    trees = TreeEnsemble.from_lightgbm([lgb.train(settings, data, n_rounds)])
    # as a bundle keeps them, so that what is fitted on their answers meets the same ones
    return TreeEnsemble.from_compact_arrays(split_off_grid(trees).compact_arrays()), centre
