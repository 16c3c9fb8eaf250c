"""Shear and bulk modulus together: conformal intervals of each, and of all that follows from both by joint draws.

Errors of the two logarithms go together (a crystal that is stiffer than its composition suggests resists shear and
compression). Each error, in units of its row's scale, has the distribution of the scores of left-out rows; the two are
tied by a Gaussian copula whose correlation is that of the signed scores' ranks. The draws are a fixed set of evenly
spread points, so that the same question has the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from training.distributions import ScoreDistribution
from training.machine_cache import kept_arrays
from training.uncertainty import ConformalScale, Interval

Array = NDArray[np.float64]
N_DRAWS = 256
_SEED = 20261129
_ROWS_PER_BLOCK = 250  # draws of a block fit the processor's cache
_N_NORMAL = 499
_LN_10 = np.log(10.0)


@cache
def _normal_pairs() -> Array:
    """Two columns of standard normal numbers, shape (N_DRAWS, 2), spread evenly; each with its opposite."""
    half = kept_arrays(f"sobol-{_SEED}-{N_DRAWS}", "numbers", _even_numbers)["numbers"]
    normal = ndtri(np.clip(half, 1e-9, 1.0 - 1e-9))
    return np.concatenate([normal, -normal])


def _ranks(values: Array) -> Array:
    """Return the ranks of values, equal ones their mean rank, shape (n,)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(count) - 0.5 * (count - 1))[place]
    return ranks


def _even_numbers() -> dict[str, Array]:
    from scipy.stats import qmc  # 0.3 s and 25 MB, so what it says is kept

    return {"numbers": qmc.Sobol(2, seed=_SEED).random(N_DRAWS // 2)}


@dataclass(frozen=True, eq=False)
class JointScores:
    """Distributions of the errors of log10 G and log10 K in units of a row's scales, and how they go together.

    Parameters
    ----------
    shear, bulk
        Scores of left-out rows.
    correlation
        Of the normal numbers behind them.
    """

    shear: ConformalScale
    bulk: ConformalScale
    correlation: float

    @classmethod
    def of(cls, pairs: Array, shear: ConformalScale, bulk: ConformalScale) -> JointScores:
        """Tie scores of left-out rows by the rank correlation of pairs of signed scores, shape (m, 2)."""
        rank = float(np.corrcoef(_ranks(pairs[:, 0]), _ranks(pairs[:, 1]))[0, 1])
        return cls(shear, bulk, 2.0 * np.sin(np.pi * rank / 6.0))

    @classmethod
    def normal(cls, correlation: float) -> JointScores:
        """Return scores of normally distributed errors, whose scales are standard deviations."""
        level = (np.arange(_N_NORMAL) + 0.5) / _N_NORMAL
        scale = ConformalScale(ndtri(0.5 + level / 2.0))
        return cls(scale, scale, correlation)

    @cached_property
    def draws(self) -> Array:
        """Joint signed scores, shape (N_DRAWS, 2)."""
        first, second = _normal_pairs().T
        return self.of_normal(first, second)

    def of_normal(self, first: Array, second: Array) -> Array:
        """Return signed scores of independent standard normal numbers, shape (..., 2)."""
        tied = self.correlation * first + np.sqrt(1.0 - self.correlation**2) * second
        parts = (ScoreDistribution(self.shear), first), (ScoreDistribution(self.bulk), tied)
        return np.stack([one.of_normal(np.atleast_2d(normal)).reshape(normal.shape) for one, normal in parts], axis=-1)


@dataclass(frozen=True, eq=False)
class JointModuli:
    """Centres and scales of log10 G and log10 K of n materials, shape (n, 2) each, GPa; and their scores.

    Parameters
    ----------
    centre, scale
        NaN where nothing is known.
    scores
        One or more.
    which
        Which of them is a row's, shape (n,).
    """

    centre: Array
    scale: Array
    scores: tuple[JointScores, ...]
    which: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of materials."""
        return len(self.centre)

    def take(self, rows: NDArray[np.int64]) -> JointModuli:
        """Return the chosen materials."""
        return JointModuli(self.centre[rows], self.scale[rows], self.scores, self.which[rows])

    def log10_modulus(self, part: int, coverage: float) -> Interval:
        """Return log10 of the shear (0) or the bulk modulus (1) with its interval.

        Raises
        ------
        InsufficientCalibrationError
            If too few rows were left out for the coverage.
        """
        scales = [(one.shear, one.bulk)[part] for one in self.scores]
        reach = self.scale[:, part] * np.array([scale.factor(coverage) for scale in scales])[self.which]
        centre = self.centre[:, part]
        return Interval(centre, centre - reach, centre + reach)

    def combination(self, weights: tuple[float, float], coverage: float) -> Interval:
        """Return the interval of a weighted sum of the two logarithms, by draws."""
        return self._by_draws(lambda both: weights[0] * both[..., 0] + weights[1] * both[..., 1], coverage)

    def log10_youngs_modulus(self, coverage: float) -> Interval:
        """Return log10 of Young's modulus in GPa, by draws."""
        return self._by_draws(log10_youngs_modulus, coverage)

    def probability_above(self, weights: tuple[float, float], threshold: float) -> Array:
        """Return the probability that a weighted sum of the two logarithms lies above a threshold, shape (n,)."""
        above = np.empty(len(self))
        for start in range(0, len(self), _ROWS_PER_BLOCK):
            rows = slice(start, start + _ROWS_PER_BLOCK)
            above[rows] = (self.drawn(rows) @ np.array(weights) > threshold).mean(axis=1)
        return np.where(np.isnan(self.centre).any(axis=1), np.nan, above)

    def drawn(self, rows: slice) -> Array:
        """Return joint draws of the two logarithms, shape (n, N_DRAWS, 2)."""
        which, drawn = self.which[rows], np.empty((2, len(self.which[rows]), N_DRAWS))
        for place, one in enumerate(self.scores):
            drawn[:, which == place] = self.scale[rows][which == place].T[..., None] * one.draws.T[:, None]
        drawn += self.centre[rows].T[..., None]
        return np.moveaxis(drawn, 0, -1)

    def of_normal(self, first: Array, second: Array) -> Array:
        """Return the two logarithms at independent standard normal numbers of shape (s, n), shape (s, n, 2)."""
        scores = np.empty((*first.shape, 2))
        for place, one in enumerate(self.scores):
            rows = self.which == place
            scores[:, rows] = one.of_normal(first[:, rows], second[:, rows])
        return self.centre + self.scale * scores

    def _by_draws(self, function: Callable[[Array], Array], coverage: float) -> Interval:
        value = function(self.centre)
        lower, upper = np.empty(len(self)), np.empty(len(self))
        for start in range(0, len(self), _ROWS_PER_BLOCK):
            rows = slice(start, start + _ROWS_PER_BLOCK)
            lower[rows], upper[rows] = _central(function(self.drawn(rows)), coverage)
        return Interval(value, np.minimum(lower, value), np.maximum(upper, value))


def log10_youngs_modulus(log10_moduli: Array) -> Array:
    """Return log10 E of log10 G and log10 K in the last axis, all in one unit: E = 9G / (3 + G/K)."""
    shear, bulk = log10_moduli[..., 0], log10_moduli[..., 1]
    young: Array = shear - np.log(3.0 + np.exp(_LN_10 * (shear - bulk))) / _LN_10 + np.log10(9.0)
    return young


def _central(values: Array, coverage: float) -> tuple[Array, Array]:
    """Return the ends between which the share `coverage` of each row of draws lies, as much on either side."""
    places = (np.array([1.0 - coverage, 1.0 + coverage]) / 2.0) * (values.shape[1] - 1)
    left = np.floor(places).astype(int)
    kth = sorted({*left.tolist(), *np.minimum(left + 1, values.shape[1] - 1).tolist()})
    ordered = np.partition(values, kth, axis=1)
    following = ordered[:, np.minimum(left + 1, values.shape[1] - 1)]
    ends = ordered[:, left] + (places - left) * (following - ordered[:, left])
    return ends[:, 0], ends[:, 1]
