"""Shear and bulk modulus of the crystal of a composition: nets and trees averaged, intervals from left-out systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from training.properties.mechanics.elasticity_net import ElementNets
from training.properties.mechanics.elasticity_parts import Parts
from training.properties.mechanics.elasticity_trees import ModuliTrees
from training.properties.mechanics.elasticity_uncertainty import Deviations, ScaleModel
from training.uncertainty import Interval

Array = NDArray[np.float64]


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


def _around(value: Array, half_width: Array) -> Interval:
    return Interval(value, value - half_width, value + half_width)
