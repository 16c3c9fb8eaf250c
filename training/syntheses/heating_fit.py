"""Fit of the heating model: all steps of all rows together, calibrated on left-out papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.syntheses.heating import ASKED, GROUPS, SMALLEST_SPREAD, HeatingModel, QuantityTrees, group_of
from training.syntheses.heating_descriptors import bottle_key, describe
from training.syntheses.table import HeatingStep, ReportedSynthesis
from training.trees import TreeEnsemble, on_grid, split_off_grid
from training.uncertainty import ConformalScale

Array = NDArray[np.float64]
OnStep = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class HeatingSettings:
    """Size and weights, chosen on the papers of 2015 and 2016.

    Attributes
    ----------
    bottles
        How many precursors have a column.
    rounds, leaves, learning_rate, feature_share
        Of the trees.
    spread_rounds, spread_leaves
        Of the trees for the error.
    other_weight
        Of a firing that is called neither sintering nor calcination.
    cleaned_weight
        Of a row of the cleaned table, against one of the mined table.
    folds
        Of papers, for calibration.
    """

    bottles: int = 250
    rounds: int = 1000
    leaves: int = 31
    learning_rate: float = 0.05
    feature_share: float = 0.3
    spread_rounds: int = 150
    spread_leaves: int = 15
    other_weight: float = 0.3
    cleaned_weight: float = 1.5
    folds: int = 5


class _Points(NamedTuple):
    """One reported number a row: its features, value, weight, step, group, paper."""

    features: Array
    value: Array
    weight: Array
    step: NDArray[np.int64]
    group: NDArray[np.int64]
    paper: NDArray[np.str_]

    def take(self, rows: NDArray[np.bool_]) -> _Points:
        return _Points(
            self.features[rows],
            self.value[rows],
            self.weight[rows],
            self.step[rows],
            self.group[rows],
            self.paper[rows],
        )


def fit_heating(
    rows: Sequence[ReportedSynthesis], settings: HeatingSettings | None = None, on_step: OnStep = lambda _: None
) -> HeatingModel:
    """Fit temperature and time.

    Parameters
    ----------
    rows
        Of both tables.
    settings
        None for the defaults.
    on_step
        Told what begins.
    """
    settings = settings or HeatingSettings()
    counts = Counter(key for row in rows for key in {bottle_key(p) for p in row.precursors})
    vocabulary = tuple(key for key, _ in counts.most_common(settings.bottles))
    batch = MaterialBatch.from_formulas([row.target for row in rows])
    described = on_grid(describe(batch, [row.precursors for row in rows], vocabulary))
    reported = np.array([row.heating for row in rows], dtype=float).reshape(-1, len(HeatingStep), 2)
    fitted = []
    for name, values in (("temperature", reported[:, :, 0]), ("time", np.log10(reported[:, :, 1]))):
        on_step(name)
        fitted.append(_fit_quantity(_points(rows, batch, described, values, settings), settings))
    return HeatingModel(vocabulary, *fitted)


def _points(
    rows: Sequence[ReportedSynthesis], batch: MaterialBatch, described: Array, values: Array, settings: HeatingSettings
) -> _Points:
    row, step = np.nonzero(np.isfinite(values))
    paper = np.array([r.doi for r in rows])
    cleaned = np.array([bool(r.split) for r in rows])
    weight = np.where(cleaned[row], settings.cleaned_weight, 1.0)
    weight = weight * np.where(step == HeatingStep.OTHER, settings.other_weight, 1.0)
    features = np.hstack([described[row], step[:, None].astype(float)])
    return _Points(features, values[row, step], weight, step, group_of(batch)[row], paper[row])


def _fit_quantity(points: _Points, settings: HeatingSettings) -> QuantityTrees:
    papers, number = np.unique(points.paper, return_inverse=True)
    fold = np.random.default_rng(0).permutation(len(papers))[number] % settings.folds
    centre = float(np.median(points.value))
    left_out, scale = np.empty(len(fold)), np.empty(len(fold))
    for n in range(settings.folds):
        held = fold == n
        left_out[held] = _grow(points.take(~held), centre, settings).sum(points.features[held]) + centre
    error = np.abs(points.value - left_out)
    for n in range(settings.folds):
        held = fold == n
        scale[held] = _grow_spread(points.take(~held), error[~held], settings).sum(points.features[held])
    asked = np.isin(points.step, ASKED)
    scales = {
        (step, group): _scores(points, left_out, scale, here)
        for step in ASKED
        for group in range(len(GROUPS))
        if (here := asked & (points.step == step) & (points.group == group)).any()
    }
    return QuantityTrees(centre, _grow(points, centre, settings), _grow_spread(points, error, settings), scales)


def _scores(points: _Points, left_out: Array, scale: Array, here: NDArray[np.bool_]) -> ConformalScale:
    """Return the scores of left-out rows, every paper weighing the same."""
    _, number, size = np.unique(points.paper[here], return_inverse=True, return_counts=True)
    spread = np.maximum(scale[here], SMALLEST_SPREAD)
    nothing = np.zeros(int(here.sum()), dtype=bool)
    return ConformalScale.fit(points.value[here], nothing, left_out[here], spread, spread, 1.0 / size[number])


def _grow(points: _Points, centre: float, settings: HeatingSettings) -> TreeEnsemble:
    return _trees(points, points.value - centre, settings, (settings.rounds, settings.leaves))


def _grow_spread(points: _Points, error: Array, settings: HeatingSettings) -> TreeEnsemble:
    return _trees(points, error, settings, (settings.spread_rounds, settings.spread_leaves))


def _trees(points: _Points, target: Array, settings: HeatingSettings, size: tuple[int, int]) -> TreeEnsemble:
    import lightgbm as lgb

    rounds, leaves = size
    parameters = {
        "objective": "l1",
        "learning_rate": settings.learning_rate,
        "num_leaves": leaves,
        "min_data_in_leaf": 10,
        "feature_fraction": settings.feature_share,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "boost_from_average": False,
        "seed": 0,
        "verbose": -1,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
    }
    data = lgb.Dataset(points.features, target, weight=points.weight, params={"verbose": -1})
    return split_off_grid(TreeEnsemble.from_lightgbm([lgb.train(parameters, data, rounds)]))
