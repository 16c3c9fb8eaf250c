"""Choose measurements one after the other, each with the largest expected drop of the mean predictive sd.

What a measurement of point p does to the uncertainty of point r is known before it is made: the covariance of Gaussian
variables falls by c(r, p) c(p, r') / (c(p, p) + noise), whatever is measured. So a batch is chosen without measuring,
each pick knowing the former ones, and what is like a pick has less left to teach. Near-duplicates of a pick are left
out altogether: to measure the same again would only average the scatter between laboratories. To choose greedily by the
average over a reference set is sequential A-optimal design (Krause et al., J. Mach. Learn. Res. 9, 235 (2008); Seo et
al., doi 10.1109/IJCNN.2000.861310).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Points = NDArray[np.int64]

ALIKE = 0.9
"""Correlation, nothing being measured, from which on a point is a near-duplicate: one measurement speaks for both."""
_NO_VARIANCE = 1e-12


class Uncertainty(Protocol):
    """How uncertain a model is of n points together, before any of them is measured."""

    @property
    def noise_variance(self) -> float:
        """Variance of a measurement around the true value."""

    def variance(self) -> Array:
        """Return the variance of each point, shape (n,)."""

    def covariance(self, points: Points) -> Array:
        """Return the covariance of all points with some, shape (n, len(points))."""


@dataclass(frozen=True, slots=True)
class ChosenMeasurement:
    """One chosen measurement.

    Parameters
    ----------
    point
        Which.
    sd
        Predictive standard deviation of measuring it, former picks being measured.
    mean_sd_before, mean_sd_after
        Mean predictive standard deviation over the reference set before and after it is measured.
    likeness
        Correlation with each former pick, nothing being measured; below `ALIKE`.
    speaks_for
        Other allowed points that are near-duplicates of it, and so are not chosen after it; most alike first.
    """

    point: int
    sd: float
    mean_sd_before: float
    mean_sd_after: float
    likeness: tuple[float, ...]
    speaks_for: tuple[int, ...]

    @property
    def drop(self) -> float:
        """By how much the mean predictive standard deviation falls."""
        return self.mean_sd_before - self.mean_sd_after


def choose(about: Uncertainty, count: int, *, allowed: NDArray[np.bool_], reference: Points) -> list[ChosenMeasurement]:
    """Choose measurements.

    Parameters
    ----------
    about
        Uncertainty of n points.
    count
        How many; fewer come back where fewer are allowed, or only near-duplicates are left.
    allowed
        Shape (n,), which points can be measured.
    reference
        Points whose uncertainty is to fall.

    Returns
    -------
    list of ChosenMeasurement
        In the order of choice. Of equally good points the first is taken.
    """
    noise, free = about.noise_variance, allowed.copy()
    variance = about.variance().copy()
    start = variance.copy()
    to_reference = about.covariance(reference)
    of_reference = variance[reference].copy()
    picks: list[ChosenMeasurement] = []
    steps: list[Array] = []
    raw: list[Array] = []
    while len(picks) < count and free.any():
        after = _mean_sd_after(to_reference, variance, of_reference, noise, np.flatnonzero(free))
        point = int(np.flatnonzero(free)[int(np.argmin(np.round(after, 12)))])
        before = float(np.sqrt(of_reference + noise).mean())
        own = about.covariance(np.array([point]))[:, 0]
        raw.append(own)
        own = own - sum((step * step[point] for step in steps), np.zeros(len(own)))
        free[point] = False
        sd = float(np.sqrt(variance[point] + noise))
        likeness = tuple(float(_correlation(raw[i], start, pick.point)[point]) for i, pick in enumerate(picks))
        alike = _alike(raw[-1], start, point, allowed)
        free[list(alike)] = False
        step = own / np.sqrt(max(own[point], 0.0) + noise)
        steps.append(step)
        to_reference -= np.outer(step, step[reference])
        variance = np.maximum(variance - step**2, 0.0)
        of_reference = np.maximum(of_reference - step[reference] ** 2, 0.0)
        picks.append(ChosenMeasurement(point, sd, before, float(np.sqrt(of_reference + noise).mean()), likeness, alike))
    return picks


def _mean_sd_after(
    to_reference: Array, variance: Array, of_reference: Array, noise: float, points: Points, block: int = 2048
) -> Array:
    """Return the mean predictive sd over the reference set after measuring each of some points."""
    out = np.empty(len(points))
    for start in range(0, len(points), block):
        rows = points[start : start + block]
        left = to_reference[rows] ** 2
        left /= -(variance[rows] + noise)[:, None]
        left += of_reference + noise
        np.maximum(left, noise, out=left)
        np.sqrt(left, out=left)
        out[start : start + block] = left.mean(axis=1)
    return out


def _correlation(own: Array, variance: Array, point: int) -> Array:
    """Return the correlation of all points with one."""
    scale = np.sqrt(np.maximum(variance, _NO_VARIANCE) * max(float(variance[point]), _NO_VARIANCE))
    correlation: Array = np.clip(own / scale, -1.0, 1.0)
    return correlation


def _alike(own: Array, variance: Array, point: int, allowed: NDArray[np.bool_]) -> tuple[int, ...]:
    correlation = np.where(allowed, _correlation(own, variance, point), 0.0)
    correlation[point] = 0.0
    found = np.flatnonzero(correlation >= ALIKE)
    return tuple(found[np.argsort(-correlation[found], kind="stable")].tolist())
