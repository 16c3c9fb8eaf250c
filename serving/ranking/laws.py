"""Distributions made of conformal scores: the intervals of every coverage at once.

A conformal scale says how far an interval of coverage c reaches, in units of a row's own scale. Read for all c
together, that is a distribution: half of the mass lies on either side of the centre, and the share c of it within the
reach of coverage c. So the probability that a value lies beyond a target agrees with the interval that ends there.
Beyond the largest score nothing was measured; one more row's share of mass, 1/(n + 1), is spread there with an
exponential fall whose length is the mean excess over the 90 % score.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from serving.ranking.lookup import FINE_GRID, look_up
from training.uncertainty import ConformalScale

Array = NDArray[np.float64]
MOST_KNOTS = 600
_TAIL_STEPS = 8
_TAIL_FROM = 0.9
_STEP = 1e-12  # between equal scores, so that they stay in order


@dataclass(frozen=True, eq=False)
class ScoreLaw:
    """The distribution of a signed score, symmetric around 0.

    Parameters
    ----------
    scale
        Scores of left-out rows.
    """

    scale: ConformalScale

    @cached_property
    def _knots(self) -> tuple[Array, Array]:
        """Absolute scores, rising, and the share of rows within them."""
        scores = np.asarray(self.scale.scores, dtype=float)
        n = len(scores)
        if not n:
            return np.array([0.0, 1.0]), np.array([0.0, 1.0])
        chosen = np.unique(np.linspace(0, n - 1, min(n, MOST_KNOTS)).round().astype(int))
        excess = scores[scores >= np.quantile(scores, _TAIL_FROM)]
        length = max(float(excess.mean() - excess[0]), 1e-9)
        beyond = np.arange(1, _TAIL_STEPS + 1)
        within = np.concatenate([(chosen + 1) / (n + 1), 1.0 - np.exp(-beyond) / (n + 1), [1.0]])
        knots = np.concatenate(
            [scores[chosen], scores[-1] + length * beyond, [scores[-1] + length * (_TAIL_STEPS + 2)]]
        )
        if knots[0] > 0.0:
            knots, within = np.concatenate([[0.0], knots]), np.concatenate([[0.0], within])
        return knots + _STEP * np.arange(len(knots)), within

    def cdf(self, score: Array) -> Array:
        """Return the probability that a signed score lies at or below a value, any shape."""
        knots, within = self._knots
        half = 0.5 * np.interp(np.abs(score), knots, within)
        probability: Array = np.where(score >= 0.0, 0.5 + half, 0.5 - half)
        return probability

    def ppf(self, level: Array) -> Array:
        """Return the signed score below which a share of the mass lies, any shape; 0 at a level of 0.5."""
        knots, within = self._knots
        size = np.interp(np.abs(2.0 * level - 1.0), within, knots)
        inner = np.abs(2.0 * level - 1.0) <= within[0]  # a mass at 0
        score: Array = np.where(inner, 0.0, np.where(level >= 0.5, size, -size))
        return score

    def of_normal(self, normal: Array) -> Array:
        """Return the signed score at the level of a standard normal number, shape (s, n)."""
        return look_up(normal, FINE_GRID, self._of_normal[None])

    @cached_property
    def _of_normal(self) -> Array:
        return self.ppf(ndtr(FINE_GRID))
