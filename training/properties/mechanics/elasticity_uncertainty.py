"""How far an answer may lie from the truth: scales by row, and deviations of left-out chemical systems.

The scale of a row is a product of powers of what its parts say of themselves, fitted by the likelihood of Laplace
distributions. Deviations of shear and bulk modulus are kept as pairs: what is too stiff in the one is as a rule too
stiff in the other, and Young's modulus, Poisson's and Pugh's ratio depend on both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.properties.mechanics.elasticity_parts import PartAnswers
from training.uncertainty import ConformalScale

Array = NDArray[np.float64]
N_PAIRS = 400
N_SCORES = 2000
SMALLEST_SIGN = 0.005
"""Decades that are added to what tells the scale, so that no row seems certain."""


@dataclass(frozen=True, eq=False)
class ScaleModel:
    """The logarithm of the scale of a row is linear in those of what tells it.

    Parameters
    ----------
    coefficients
        Shape (4, 2), shear and bulk: constant, nets' scale, forest's spread, how far nets and trees lie apart.
    """

    coefficients: Array

    @classmethod
    def fit(cls, answers: PartAnswers, targets: Array) -> ScaleModel:
        """Fit to rows (n, 2) that the parts had not seen."""
        from scipy.optimize import minimize

        fitted = []
        for column in range(2):
            signs, error = _signs(answers, column), np.abs(targets - answers.value)[:, column]

            def negative_log_likelihood(c: Array, signs: Array = signs, error: Array = error) -> tuple[float, Array]:
                log_scale = signs @ c
                scaled = error * np.exp(-log_scale)
                return float((scaled + log_scale).mean()), ((1.0 - scaled)[:, None] * signs).mean(axis=0)

            start = np.array([0.0, 0.5, 0.5, 0.0])
            fitted.append(minimize(negative_log_likelihood, start, jac=True, method="L-BFGS-B").x)
        return cls(np.column_stack(fitted))

    def __call__(self, answers: PartAnswers) -> Array:
        """Return the expected absolute deviation of each row, decades, shape (n, 2)."""
        return np.exp(np.column_stack([_signs(answers, j) @ self.coefficients[:, j] for j in range(2)]))


def _signs(answers: PartAnswers, column: int) -> Array:
    """Return logarithms of what tells the scale, beside a constant, shape (n, 4)."""
    told = [a[:, column] for a in (answers.net_scale, answers.forest_spread, answers.apart)]
    return np.column_stack([np.ones(len(told[0])), *(np.log(sign + SMALLEST_SIGN) for sign in told)])


@dataclass(frozen=True, eq=False)
class Deviations:
    """Deviations of left-out rows in units of their scales.

    Parameters
    ----------
    pairs
        Shape (m, 2), shear and bulk modulus of the same rows, a few that stand for all.
    shear, bulk
        Their absolute values, for intervals at any coverage.
    """

    pairs: Array
    shear: ConformalScale
    bulk: ConformalScale

    @classmethod
    def of(cls, deviations: Array) -> Deviations:
        """Keep what stands for the deviations of n rows, shape (n, 2)."""
        shear, bulk = (_thinned(np.sort(np.abs(deviations[:, j])), N_SCORES) for j in range(2))
        # in the order of their sum, which Young's modulus follows: every k-th stands for its neighbours
        order = np.argsort(deviations.sum(axis=1), kind="stable")
        return cls(_thinned(deviations[order], N_PAIRS), ConformalScale(shear), ConformalScale(bulk))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a bundle stores."""
        return {"pairs": self.pairs, "shear_scores": self.shear.scores, "bulk_scores": self.bulk.scores}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Deviations:
        """Rebuild from `arrays()`."""
        scores = [ConformalScale(np.asarray(arrays[f"{name}_scores"], dtype=float)) for name in ("shear", "bulk")]
        return cls(np.asarray(arrays["pairs"], dtype=float), *scores)


def _thinned(rows: Array, n: int) -> Array:
    """Return n rows in equal steps, in the middle of what each stands for, or all where there are fewer."""
    if len(rows) <= n:
        return rows
    return rows[((np.arange(n) + 0.5) * len(rows) / n).astype(np.int64)].astype(np.float32).astype(np.float64)
