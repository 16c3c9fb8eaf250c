"""Fitting the model of band gaps: trees on the table's compositions, calibrated on chemical systems left out.

1. Polymorphs become one composition with its middle gap.
2. In each fold of whole chemical systems: relatives and their similarities are learned without the systems left out,
   trees are grown, and what is left out is predicted.
3. How far off a prediction may be is learned from these errors, across folds too.
4. Calibration on everything left out; the served trees are grown on the whole table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.crystals import GapTable
from training.properties.mechanics.gap_lookup import GapLookup
from training.properties.mechanics.gap_model import (
    GapCalibration,
    GapModel,
    GapTrees,
    RawGaps,
    SMALLEST_GAP_eV,
    SMALLEST_SPREAD_eV,
    descriptors,
)
from training.properties.mechanics.gap_relatives import Relatives
from training.splits import grouped_folds
from training.trees import TreeEnsemble, on_grid, split_off_grid

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
# few, large trees: errors 2 % above those of twice as many half as large, and a row descends in half the time
_COMMON: dict[str, Any] = {
    "min_data_in_leaf": 20,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "max_bin": 63,
    "verbose": -1,
    "deterministic": True,
    "force_col_wise": True,
}
_METAL = _COMMON | {"objective": "binary", "num_leaves": 63, "learning_rate": 0.12}
_GAP = _COMMON | {"objective": "huber", "alpha": 1.0, "num_leaves": 127, "learning_rate": 0.14}
_SPREAD = _COMMON | {"objective": "regression", "num_leaves": 15, "learning_rate": 0.1, "min_data_in_leaf": 50}


@dataclass(frozen=True, slots=True)
class GapSettings:
    """Sizes of the fit.

    Attributes
    ----------
    n_folds
        Folds of whole chemical systems.
    metal_trees, gap_trees, spread_trees
        Trees of each kind.
    seed
        Of folds and trees.
    threads
        That LightGBM may use.
    """

    n_folds: int = 4
    metal_trees: int = 130
    gap_trees: int = 160
    spread_trees: int = 60
    seed: int = 0
    threads: int = 2

    @classmethod
    def quick(cls) -> GapSettings:
        """Return sizes for tests."""
        return cls(n_folds=3, metal_trees=60, gap_trees=60, spread_trees=20, threads=1)


@dataclass(frozen=True, eq=False)
class GapCompositions:
    """The compositions of a table in the order of their look-up.

    Attributes
    ----------
    lookup
        Gaps by composition.
    batch
        Compositions, shape (m, k).
    system
        Chemical systems, shape (m,): labels.
    formula
        As the table spells the first polymorph of each.
    """

    lookup: GapLookup
    batch: MaterialBatch
    system: Labels
    formula: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of compositions."""
        return len(self.formula)

    @property
    def gap_eV(self) -> Array:
        """Middle gaps, shape (m,)."""
        return self.lookup.middle_eV

    @classmethod
    def of(cls, table: GapTable) -> GapCompositions:
        """Put the polymorphs of each composition together; raises what `GapLookup.build` raises."""
        crystals = table.crystals
        lookup = GapLookup.build(crystals.batch, table.band_gap_eV, crystals.composition)
        _, first = np.unique(crystals.composition, return_index=True)
        first = first[np.argsort(lookup.rows_of(crystals.batch.take(first)))]
        formula = tuple(crystals.formula[row] for row in first)
        return cls(lookup, crystals.batch.take(first), crystals.system[first], formula)

    def relatives(self, rows: Labels) -> Relatives:
        """Learn relatives from some of the compositions, rows ascending."""
        return Relatives.learn(self.lookup.take(rows), self.batch.take(rows))


@dataclass(frozen=True, eq=False)
class LeftOutGaps:
    """Predictions for compositions whose chemical systems the trees had not seen; arrays of shape (m,)."""

    compositions: GapCompositions
    fold: Labels
    raw: RawGaps

    @property
    def raw_value_eV(self) -> Array:
        """The gap if a metal is the less likely, else 0: the value before calibration, shape (m,)."""
        return np.where(self.raw.log_odds_metal < 0, self.raw.gap_eV, 0.0)


@dataclass(frozen=True, eq=False)
class GapFit:
    """A fitted model, and what was predicted of left-out systems on the way."""

    model: GapModel
    left_out: LeftOutGaps


def predict_left_out(
    table: GapTable, settings: GapSettings | None = None, on_step: Callable[[str], None] = lambda what: None
) -> LeftOutGaps:
    """Predict every composition from other chemical systems.

    Parameters
    ----------
    table
        Crystals with their gaps.
    settings
        Sizes; None takes the recipe's.
    on_step
        Called after each fold, for a progress bar.
    """
    return _left_out(GapCompositions.of(table), settings or GapSettings(), on_step)[0]


def n_steps_left_out(settings: GapSettings | None = None) -> int:
    """Return how often `predict_left_out` calls its `on_step`."""
    return (settings or GapSettings()).n_folds


def n_steps(settings: GapSettings | None = None) -> int:
    """Return how often `fit_gap` calls its `on_step`."""
    return n_steps_left_out(settings) + 1


def fit_gap(
    table: GapTable, settings: GapSettings | None = None, on_step: Callable[[str], None] = lambda what: None
) -> GapFit:
    """Fit on a table; parameters as `predict_left_out`."""
    chosen, compositions = settings or GapSettings(), GapCompositions.of(table)
    left_out, spread = _left_out(compositions, chosen, on_step)
    relatives = compositions.relatives(np.arange(len(compositions)))
    features = on_grid(descriptors(compositions.batch, relatives))
    metal, gap = _grow_both(features, compositions.gap_eV, chosen)
    calibration = GapCalibration.fit(left_out.raw, compositions.gap_eV)
    on_step("band gap: trees on the whole table")
    return GapFit(GapModel(relatives, GapTrees(metal, gap, spread), calibration), left_out)


def _left_out(
    compositions: GapCompositions, settings: GapSettings, on_step: Callable[[str], None]
) -> tuple[LeftOutGaps, TreeEnsemble]:
    """Return left-out predictions, and the trees of their spread, grown on all of them."""
    gap, n = compositions.gap_eV, len(compositions)
    fold = grouped_folds(compositions.system, settings.n_folds, settings.seed)
    log_odds, predicted, features = np.zeros(n), np.zeros(n), np.zeros((n, 0))
    for number in range(settings.n_folds):
        known, unknown = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        relatives = compositions.relatives(known)
        metal, size = _grow_both(on_grid(descriptors(compositions.batch.take(known), relatives)), gap[known], settings)
        seen = descriptors(compositions.batch.take(unknown), relatives)
        if not features.size:
            features = np.zeros((n, seen.shape[1]))
        features[unknown] = seen
        log_odds[unknown] = metal.sum(seen)
        predicted[unknown] = np.maximum(size.sum(seen), SMALLEST_GAP_eV)
        on_step(f"band gap: fold {number + 1} of {settings.n_folds}")
    spread, trees = _spread(features, gap, predicted, fold, settings)
    return LeftOutGaps(compositions, fold, RawGaps(log_odds, predicted, spread)), trees


def _spread(
    features: Array, gap_eV: Array, predicted_eV: Array, fold: Labels, settings: GapSettings
) -> tuple[Array, TreeEnsemble]:
    """Return the expected error of each left-out row, learned from other folds, and trees grown on all of them."""
    target, others = np.sqrt(np.abs(gap_eV - predicted_eV)), gap_eV > 0
    spread = np.zeros(len(gap_eV))
    for number in range(settings.n_folds):
        rows = others & (fold != number)
        trees = _grow(on_grid(features[rows]), target[rows], _SPREAD, settings.spread_trees, settings)
        unknown = fold == number
        spread[unknown] = np.maximum(trees.sum(features[unknown]) ** 2, SMALLEST_SPREAD_eV)
    return spread, _grow(on_grid(features[others]), target[others], _SPREAD, settings.spread_trees, settings)


def _grow_both(features: Array, gap_eV: Array, settings: GapSettings) -> tuple[TreeEnsemble, TreeEnsemble]:
    """Return trees of the log-odds of a metal, and of the gap of what is none."""
    others = gap_eV > 0
    metal = _grow(features, (~others).astype(float), _METAL, settings.metal_trees, settings)
    return metal, _grow(features[others], gap_eV[others], _GAP, settings.gap_trees, settings)


def _grow(
    features: Array, target: Array, parameters: dict[str, Any], n_trees: int, settings: GapSettings
) -> TreeEnsemble:
    import lightgbm as lgb

    chosen = parameters | {"seed": settings.seed, "num_threads": settings.threads}
    booster = lgb.train(chosen, lgb.Dataset(features, target), n_trees)
    trees = split_off_grid(TreeEnsemble.from_lightgbm([booster]))
    return TreeEnsemble.from_compact_arrays(trees.compact_arrays())  # as a bundle stores them
