"""How far an answer may lie from a measurement: a scale by row, and conformal factors over left-out papers.

The logarithm of the scale is linear in what tells it, fitted by the likelihood of Laplace distributions. Each paper
weighs the same in the fit and in the scores, however many points it has: a new paper is what will be asked of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.uncertainty import ConformalScale, Interval

Array = NDArray[np.float64]
PENALTY = 0.02
SMALLEST_APART = 0.1
N_SCORES = 2_000


class Signs(NamedTuple):
    """What tells the error of n answers.

    Attributes
    ----------
    apart
        How far process and trees lie apart, decades.
    distance
        To the nearest known chain, 0 to 1.
    phi
        1000/T - 1000/333.15 K.
    above_glass
        Temperature above the glass transition of the chain, K.
    """

    apart: Array
    distance: Array
    phi: Array
    above_glass: Array

    def columns(self) -> Array:
        """Return them beside a constant, shape (n, 5)."""
        below = np.clip(40.0 - self.above_glass, 0.0, 150.0) / 100.0
        logs = np.log(self.apart + SMALLEST_APART)
        return np.column_stack([np.ones(len(logs)), logs, self.distance, self.phi, below])


@dataclass(frozen=True, eq=False)
class ErrorCalibration:
    """Fitted scale and conformal scores; coefficients in the order of `Signs.columns`."""

    coefficients: Array
    conformal: ConformalScale

    @classmethod
    def fit(cls, signs: Signs, error: Array, group: NDArray[np.str_]) -> ErrorCalibration:
        """Fit to errors (measured less predicted) of left-out points and the groups that they were left out with."""
        weights = equal_groups(group)
        coefficients = _fit_scale(signs.columns(), np.abs(error), weights)
        scale = np.exp(signs.columns() @ coefficients)
        nothing = np.zeros(len(error), dtype=bool)
        conformal = ConformalScale.fit(error, nothing, np.zeros(len(error)), scale, scale, weights)
        return cls(coefficients, conformal)

    def scale(self, signs: Signs) -> Array:
        """Return the expected absolute error of each answer, decades, shape (n,)."""
        found: Array = np.exp(signs.columns() @ self.coefficients)
        return found

    def interval(self, log10_sigma: Array, scale: Array, coverage: float) -> Interval:
        """Return conformal intervals.

        Raises
        ------
        InsufficientCalibrationError
            If fewer points were left out than the coverage needs.
        """
        half_width = self.conformal.factor(coverage) * scale
        return Interval(log10_sigma, log10_sigma - half_width, log10_sigma + half_width)

    def arrays(self) -> dict[str, Array]:
        """Return what a bundle stores: scores in equal steps of probability."""
        scores = self.conformal.scores
        kept = scores if len(scores) <= N_SCORES else np.quantile(scores, (np.arange(N_SCORES) + 0.5) / N_SCORES)
        return {"coefficients": self.coefficients, "scores": kept}


def equal_groups(group: NDArray[np.str_]) -> Array:
    """Return weights of points, mean 1, such that every group weighs the same."""
    _, of_group, counts = np.unique(group, return_inverse=True, return_counts=True)
    weights: Array = 1.0 / counts[of_group]
    weights /= weights.mean()
    return weights


def _fit_scale(signs: Array, error: Array, weights: Array) -> Array:
    from scipy.optimize import minimize

    def loss(c: Array) -> tuple[float, Array]:
        log_scale = signs @ c
        scaled = error * np.exp(-log_scale)
        value = np.average(scaled + log_scale, weights=weights) + PENALTY * float(c[1:] @ c[1:])
        slope = (weights * (1.0 - scaled)) @ signs / weights.sum()
        return float(value), slope + 2.0 * PENALTY * np.r_[0.0, c[1:]]

    start = np.zeros(signs.shape[1])
    start[0] = np.log(np.average(error, weights=weights))
    found: Array = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return found
