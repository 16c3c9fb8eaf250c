"""Fitting the model of shear and bulk modulus, calibrated on chemical systems that were left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.elasticity_auxiliary import AuxiliaryTargets
from training.properties.mechanics.elasticity_model import ElasticityModel
from training.properties.mechanics.elasticity_parts import PartAnswers, Parts
from training.properties.mechanics.elasticity_parts_fit import Task, fit_parts, n_steps
from training.properties.mechanics.elasticity_settings import ElasticitySettings
from training.properties.mechanics.elasticity_uncertainty import Deviations, ScaleModel
from training.splits import grouped_folds

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
_SAME_FRACTION_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class ElasticityFit:
    """A fitted model, and what the parts of each fold said of its chemical systems without having seen them.

    Attributes
    ----------
    model
        Fitted to all crystals.
    fold
        Of each crystal, shape (n,).
    left_out
        What was said of it without its fold.
    scale, deviation
        The scale of that and how far the table lies from it, decades, shape (n, 2): shear, bulk.
    """

    model: ElasticityModel
    fold: Labels
    left_out: PartAnswers
    scale: Array
    deviation: Array


def fit_elasticity(
    batch: MaterialBatch,
    targets: Array,
    auxiliary: AuxiliaryTargets | None,
    settings: ElasticitySettings | None = None,
    *,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda what: None,
) -> ElasticityFit:
    """Fit to computed crystals.

    Parameters
    ----------
    batch
        n crystals; polymorphs are rows of their own.
    targets
        Shape (n, 2), decimal logarithms of shear and bulk modulus in GPa.
    auxiliary
        What the nets learn first (`elasticity_auxiliary.read_auxiliary`); None lets them start from nothing.
    settings, seed
        What is fitted, and where random numbers start.
    on_step
        Called after each of `steps_of_fit` steps.

    Raises
    ------
    ValueError
        If the lengths differ, or a modulus is not finite.
    """
    settings = settings or ElasticitySettings()
    _check(batch, targets)
    fold = system_folds(batch, settings.n_folds, seed)
    tasks = _tasks(fold, settings)
    *of_folds, parts = fit_parts(batch, targets, auxiliary, tasks, settings, seed=seed, on_step=on_step)
    answers = left_out(of_folds, batch, fold)
    rows, medians = of_compositions(batch, targets)
    scale_model, deviations = calibrated(answers.take(rows), medians)
    model = ElasticityModel(parts, scale_model, deviations)
    return ElasticityFit(model, fold, answers, scale_model(answers), targets - answers.value)


def calibrated(answers: PartAnswers, targets: Array) -> tuple[ScaleModel, Deviations]:
    """Return the scales of what was said of left-out compositions, and how far the targets (n, 2) lie from it."""
    scale = ScaleModel.fit(answers, targets)
    return scale, Deviations.of((targets - answers.value) / scale(answers))


def of_compositions(batch: MaterialBatch, targets: Array) -> tuple[Labels, Array]:
    """Return the first row of each composition, shape (m,), and the medians of its polymorphs, shape (m, 2).

    A composition has one answer, that of the table is the median, and forty polymorphs of silica must not outvote
    thirty-nine other compounds where intervals are calibrated.
    """
    held = batch.matrix().round(_SAME_FRACTION_DECIMALS)
    _, first, label = np.unique(held, axis=0, return_index=True, return_inverse=True)
    label = label.reshape(-1)
    groups = np.split(targets[np.argsort(label, kind="stable")], np.cumsum(np.bincount(label))[:-1])
    return first, np.array([np.median(group, axis=0) for group in groups])


def steps_of_fit(settings: ElasticitySettings, auxiliary: AuxiliaryTargets | None) -> int:
    """Return how often `fit_elasticity` calls its `on_step`."""
    return n_steps(_tasks(np.arange(settings.n_folds), settings), auxiliary)


def system_folds(batch: MaterialBatch, n_folds: int, seed: int) -> Labels:
    """Return folds that part no two rows of the same set of elements, shape (n,)."""
    system = np.unique(batch.matrix() > 0, axis=0, return_inverse=True)[1].reshape(-1)
    return grouped_folds(system, n_folds, seed)


def left_out(parts: list[Parts], batch: MaterialBatch, fold: Labels) -> PartAnswers:
    """Return what the parts of fold k, which have not seen its rows, say of them; every row once."""
    answers = [part(batch.take(fold == k)) for k, part in enumerate(parts)]
    order = np.argsort(np.concatenate([np.flatnonzero(fold == k) for k in range(len(parts))]))
    return PartAnswers(*(np.concatenate(column)[order] for column in zip(*answers, strict=True)))


def _tasks(fold: Labels, settings: ElasticitySettings) -> list[Task]:
    of_folds = [Task(np.flatnonzero(fold != k), settings.n_fold_nets) for k in range(settings.n_folds)]
    return [*of_folds, Task(np.arange(len(fold)), settings.n_nets)]


def _check(batch: MaterialBatch, targets: Array) -> None:
    if targets.shape != (len(batch), 2):
        raise ValueError(f"moduli of shape {targets.shape}; expected ({len(batch)}, 2): shear and bulk of each crystal")
    if not np.isfinite(targets).all():
        row = int(np.flatnonzero(~np.isfinite(targets).all(axis=1))[0])
        raise ValueError(f"the moduli of crystal {row} are {targets[row]}; expected two finite numbers: leave it out")
