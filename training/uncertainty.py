"""Conformal intervals with locally adaptive width, calibrated on left-out papers.

A model gives a centre and a scale on either side. The score of a left-out row is its distance from the centre in
units of the scale on its side; the interval for coverage c reaches as far as the ceil((n+1)c)-th smallest score
(Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018), doi 10.1080/01621459.2017.1307116; out-of-fold scores as in cross-
conformal prediction, Vovk, doi 10.1007/s10472-013-9368-4). Intervals of rising coverage are nested.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
SMALLEST_SCALE = 1e-3


class Interval(NamedTuple):
    """A central value with an interval; each of shape (n,)."""

    value: Array
    lower: Array
    upper: Array


class InsufficientCalibrationError(ValueError):
    """Too few calibration rows for the coverage asked."""


@dataclass(frozen=True, slots=True)
class ConformalScale:
    """Scores of left-out rows, rising.

    Parameters
    ----------
    scores
        Shape (n,), rising, at or above 0.
    median
        Median of the scores with their signs, measured less predicted: away from 0, the centre is no median.
    """

    scores: Array
    median: float = 0.0

    @classmethod
    def fit(
        cls,
        value: Array,
        is_upper_bound: NDArray[np.bool_],
        centre: Array,
        below: Array,
        above: Array,
        weights: Array | None = None,
    ) -> ConformalScale:
        """Score left-out rows.

        Parameters
        ----------
        value
            Shape (n,), measured values; for a bound, the bound.
        is_upper_bound
            Shape (n,). A bound counts as covered where the interval reaches down to it.
        centre, below, above
            Shape (n,), predicted by models that had not seen the row's paper.
        weights
            Shape (n,), how much each row counts (weighted conformal prediction; Tibshirani et al., NeurIPS 2019), at or
            above 0; the scores are then as many equally likely ones. None: all alike.

        Raises
        ------
        ValueError
            If a number is not finite.
        """
        if weights is not None:
            counts = weights > 0.0
            value, centre, below, above, weights = (a[counts] for a in (value, centre, below, above, weights))
            is_upper_bound = is_upper_bound[counts]
        distance = value - centre
        scores = np.where(
            distance >= 0.0,
            np.where(is_upper_bound, 0.0, distance / np.maximum(above, SMALLEST_SCALE)),
            -distance / np.maximum(below, SMALLEST_SCALE),
        )
        if not np.isfinite([value, centre, below, above]).all():
            raise ValueError("calibration rows must be finite")
        told = ~(is_upper_bound & (distance >= 0.0))  # a bound above the centre has no sign
        signed = np.where(distance >= 0.0, scores, -scores)[told]
        if weights is None:
            return cls(np.sort(scores), float(np.median(signed)) if len(signed) else 0.0)
        levels = (np.arange(len(scores)) + 0.5) / max(len(scores), 1)
        median = float(_quantiles(signed, weights[told], np.array([0.5]))[0]) if len(signed) else 0.0
        return cls(_quantiles(scores, weights, levels), median)

    def factor(self, coverage: float) -> float:
        """Return by how much the scale is multiplied for an interval of this coverage.

        Raises
        ------
        ValueError
            If the coverage is not between 0 and 1.
        InsufficientCalibrationError
            If fewer rows were left out than the coverage needs (9 for 0.9, 99 for 0.99).
        """
        if not 0.0 < coverage < 1.0:
            raise ValueError(f"coverage {coverage:g}; expected a number between 0 and 1")
        rank = math.ceil((len(self.scores) + 1) * coverage - 1e-9)
        if rank > len(self.scores):
            needed = math.ceil(coverage / (1 - coverage) - 1e-9)
            raise InsufficientCalibrationError(
                f"{len(self.scores)} calibration rows; coverage {coverage:g} needs {needed}"
            )
        return float(self.scores[rank - 1])

    def tail_probability(self, threshold: ArrayLike, centre: Array, below: Array, above: Array) -> Array:
        """Return the probability that a new value lies above a threshold, shape (n,), from the same scores."""
        distance = np.asarray(threshold, dtype=float) - centre
        score = np.where(
            distance >= 0,
            distance / np.maximum(above, SMALLEST_SCALE),
            -distance / np.maximum(below, SMALLEST_SCALE),
        )
        beyond = 1.0 - (np.searchsorted(self.scores, score, side="left") + 0.5) / (len(self.scores) + 1)
        probability: Array = np.where(distance >= 0, 0.5 * beyond, 1.0 - 0.5 * beyond)
        return probability


def _quantiles(values: Array, weights: Array, levels: Array) -> Array:
    """Return weighted quantiles, interpolated between values that each stand at the middle of their weight."""
    order = np.argsort(values, kind="stable")
    middle = (np.cumsum(weights[order]) - 0.5 * weights[order]) / weights.sum()
    found: Array = np.interp(levels, middle, values[order])
    return found
