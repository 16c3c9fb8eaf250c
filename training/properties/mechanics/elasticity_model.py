"""Shear and bulk modulus of the crystal of a composition: nets and trees averaged, intervals from left-out systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.elasticity_auxiliary import AuxiliaryTargets
from training.properties.mechanics.elasticity_net import ElementNets
from training.properties.mechanics.elasticity_parts import PartAnswers, Parts
from training.properties.mechanics.elasticity_settings import ElasticitySettings
from training.properties.mechanics.elasticity_trees import ModuliTrees
from training.properties.mechanics.elasticity_uncertainty import Deviations, ScaleModel
from training.splits import grouped_folds
from training.uncertainty import Interval

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ElasticityPrediction:
    """Moduli of n compositions.

    Attributes
    ----------
    log10_G, log10_K
        Decimal logarithms of shear and bulk modulus (Voigt-Reuss-Hill) in GPa, shape (n,).
    scale_G, scale_K
        Expected absolute deviations in decades, shape (n,).
    """

    log10_G: Array
    log10_K: Array
    scale_G: Array
    scale_K: Array

    def draws(self, pairs: Array) -> tuple[Array, Array]:
        """Return joint draws of log10 G and log10 K, shape (n, m) each, for deviations (m, 2) of left-out rows."""
        return (
            self.log10_G[:, None] + self.scale_G[:, None] * pairs[:, 0],
            self.log10_K[:, None] + self.scale_K[:, None] * pairs[:, 1],
        )


@dataclass(frozen=True, eq=False)
class ElasticityModel:
    """Fitted parts with what left-out chemical systems say of their errors.

    Parameters
    ----------
    parts
        Nets and trees.
    scale
        Of a row's error.
    deviations
        Of left-out rows; `deviations.pairs` (m, 2) are what joint draws of both moduli are made of.
    """

    parts: Parts
    scale: ScaleModel
    deviations: Deviations

    @classmethod
    def fit(
        cls,
        batch: MaterialBatch,
        log10_G: Array,
        log10_K: Array,
        auxiliary: AuxiliaryTargets | None,
        settings: ElasticitySettings | None = None,
        *,
        seed: int = 0,
        progress: Callable[[int], Callable[[str], None]] = lambda n: lambda what: None,
    ) -> ElasticityModel:
        """Fit to computed crystals.

        Parameters
        ----------
        batch
            n crystals; polymorphs are rows of their own.
        log10_G, log10_K
            Shape (n,), decimal logarithms of their moduli in GPa.
        auxiliary
            What the nets learn first (`elasticity_auxiliary.read_auxiliary`); None lets them start from nothing.
        settings, seed
            What is fitted, and where random numbers start.
        progress
            Told the number of steps, it gives what is to be called after each.

        Raises
        ------
        ValueError
            If the lengths differ, or a modulus is not finite.
        """
        from training.properties.mechanics.elasticity_fit import Task, fit_parts, n_steps

        settings = settings or ElasticitySettings()
        targets = _targets(batch, log10_G, log10_K)
        fold = system_folds(batch, settings.n_folds, seed)
        tasks = [Task(np.flatnonzero(fold != k), settings.n_fold_nets) for k in range(settings.n_folds)]
        tasks.append(Task(np.arange(len(batch)), settings.n_nets))
        on_step = progress(n_steps(tasks, auxiliary))
        *of_folds, parts = fit_parts(batch, targets, auxiliary, tasks, settings, seed=seed, on_step=on_step)
        answers = left_out(of_folds, batch, fold)
        scale = ScaleModel.fit(answers, targets)
        return cls(parts, scale, Deviations.of((targets - answers.value) / scale(answers)))

    def predict(self, batch: MaterialBatch) -> ElasticityPrediction:
        """Return the moduli of n compositions with the scales of their errors."""
        answers = self.parts(batch)
        scale = self.scale(answers)
        return ElasticityPrediction(answers.value[:, 0], answers.value[:, 1], scale[:, 0], scale[:, 1])

    def intervals(self, prediction: ElasticityPrediction, coverage: float) -> tuple[Interval, Interval]:
        """Return conformal intervals of log10 G and log10 K.

        Raises
        ------
        InsufficientCalibrationError
            If fewer rows were left out than the coverage needs.
        """
        return (
            _around(prediction.log10_G, self.deviations.shear.factor(coverage) * prediction.scale_G),
            _around(prediction.log10_K, self.deviations.bulk.factor(coverage) * prediction.scale_K),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        named = {"nets": self.parts.nets.arrays(), "trees": self.parts.trees.arrays(), "left": self.deviations.arrays()}
        stored = {f"{name}/{part}": array for name, arrays in named.items() for part, array in arrays.items()}
        return stored | {"scale_coefficients": self.scale.coefficients}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ElasticityModel:
        """Rebuild from `arrays()`.

        Raises
        ------
        KeyError, ValueError
            If the arrays do not hold such a model.
        """
        nets, trees, left = (
            {part.removeprefix(f"{name}/"): a for part, a in arrays.items() if part.startswith(f"{name}/")}
            for name in ("nets", "trees", "left")
        )
        return cls(
            Parts(ElementNets.from_arrays(nets), ModuliTrees.from_arrays(trees)),
            ScaleModel(np.asarray(arrays["scale_coefficients"], dtype=float)),
            Deviations.from_arrays(left),
        )


def system_folds(batch: MaterialBatch, n_folds: int, seed: int) -> Labels:
    """Return folds that part no two rows of the same set of elements, shape (n,)."""
    system = np.unique(batch.matrix() > 0, axis=0, return_inverse=True)[1].reshape(-1)
    return grouped_folds(system, n_folds, seed)


def left_out(parts: list[Parts], batch: MaterialBatch, fold: Labels) -> PartAnswers:
    """Return what the parts of fold k, which have not seen its rows, say of them; every row once."""
    answers = [part(batch.take(fold == k)) for k, part in enumerate(parts)]
    order = np.argsort(np.concatenate([np.flatnonzero(fold == k) for k in range(len(parts))]))
    return PartAnswers(*(np.concatenate(column)[order] for column in zip(*answers, strict=True)))


def _targets(batch: MaterialBatch, log10_G: Array, log10_K: Array) -> Array:
    if not len(batch) == len(log10_G) == len(log10_K):
        raise ValueError(
            f"{len(batch)} crystals, {len(log10_G)} shear and {len(log10_K)} bulk moduli; expected as many of each"
        )
    targets = np.column_stack([log10_G, log10_K])
    if not np.isfinite(targets).all():
        row = int(np.flatnonzero(~np.isfinite(targets).all(axis=1))[0])
        raise ValueError(f"the moduli of crystal {row} are {targets[row]}; expected two finite numbers: leave it out")
    return targets


def _around(value: Array, half_width: Array) -> Interval:
    return Interval(value, value - half_width, value + half_width)
