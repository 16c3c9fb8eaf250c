"""A hierarchical regression: coefficients under priors, one offset per paper, heavy-tailed noise, lower bounds.

log10 CCD of report i = x_i . b + u(paper of i) + e_i, with b under the priors of its terms, u normal with a variance
that the papers teach, e Student-t with 4 degrees of freedom. A lower bound says only that the value lies above. The fit
is variational: each block of unknowns in turn is set to its distribution given the others (the normal coefficients, the
latent value behind each bound, a handful of spreads) until nothing moves; it is deterministic.

A paper's offset takes up what its rows have in common, so that the coefficients live on contrasts within papers and,
with the weight that the two variances give, on differences between them. A new paper's offset is 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from training.properties.ccd.terms import Prior

Array = NDArray[np.float64]

STUDENT_FREEDOM = 4.0
PAPER_VARIANCE, NOISE_VARIANCE = 0.12, 0.06  # guesses, each with the weight of 4 papers or rows
PRIOR_WEIGHT = 4.0
TOLERANCE, MOST_ROUNDS = 1e-5, 300


class Fit(NamedTuple):
    """A fitted regression.

    Attributes
    ----------
    mean, covariance
        Of the coefficients, shapes (p,) and (p, p).
    paper_variance, noise_variance
        Between papers, and of the noise's scale.
    """

    mean: Array
    covariance: Array
    paper_variance: float
    noise_variance: float


class _Papers:
    """Rows sorted by paper, so that sums by paper are cheap."""

    def __init__(self, paper: NDArray[np.str_]) -> None:
        _, self.of_row = np.unique(paper, return_inverse=True)
        self.order = np.argsort(self.of_row, kind="stable")
        self.of_row = self.of_row[self.order]
        self.start = np.flatnonzero(np.r_[True, np.diff(self.of_row) > 0])

    def sum(self, values: Array) -> Array:
        """Return sums by paper over rows in sorted order."""
        out: Array = np.add.reduceat(values, self.start, axis=0)
        return out


def fit_regression(
    design: Array, prior: Prior, value: Array, is_lower_bound: NDArray[np.bool_], paper: NDArray[np.str_]
) -> Fit:
    """Fit coefficients and spreads.

    Parameters
    ----------
    design
        Shape (n, p).
    prior
        For the p columns.
    value, is_lower_bound, paper
        Shape (n,) each.
    """
    papers = _Papers(paper)
    x, y, bound = design[papers.order], value[papers.order], is_lower_bound[papers.order]
    variance = prior.variance.astype(float).copy()
    paper_variance, noise = PAPER_VARIANCE, NOISE_VARIANCE
    weight, target, mean = np.ones(len(y)), y.copy(), prior.mean
    for _ in range(MOST_ROUNDS):
        before = mean
        w = weight / noise
        precision = papers.sum(w) + 1.0 / paper_variance
        pull = papers.sum(x * w[:, None]) / precision[:, None]
        mean, covariance = _coefficients(x, w, pull, precision, papers, target, prior, variance)
        offset = papers.sum(w * (target - x @ mean)) / precision
        offset_variance = 1.0 / precision + _quadratic(pull, covariance)
        fitted = x @ mean + offset[papers.of_row]
        unsure = _quadratic(x - pull[papers.of_row], covariance) + 1.0 / precision[papers.of_row]
        target, latent = _behind_bounds(y, bound, fitted, np.sqrt(noise / weight))
        square = (target - fitted) ** 2 + unsure + latent
        weight = (STUDENT_FREEDOM + 1.0) / (STUDENT_FREEDOM + square / noise)
        noise = _shrunk((weight * square).sum(), len(y), NOISE_VARIANCE, PRIOR_WEIGHT)
        paper_variance = _shrunk((offset**2 + offset_variance).sum(), len(offset), PAPER_VARIANCE, PRIOR_WEIGHT)
        for group in prior.groups:
            own = slice(group.start, group.stop)
            spread = ((mean[own] - prior.mean[own]) ** 2 + np.diag(covariance)[own]).sum()
            variance[own] = _shrunk(spread, group.stop - group.start, group.variance, group.weight)
        if np.abs(mean - before).max() < TOLERANCE:
            break
    return Fit(mean, covariance, float(paper_variance), float(noise))


def _coefficients(
    x: Array, w: Array, pull: Array, precision: Array, papers: _Papers, target: Array, prior: Prior, variance: Array
) -> tuple[Array, Array]:
    """Return mean and covariance of the coefficients with the papers' offsets summed out and the signs kept."""
    weighted = x * w[:, None]
    matrix = x.T @ weighted - (pull * precision[:, None]).T @ pull + np.diag(1.0 / variance)
    right = weighted.T @ target - pull.T @ papers.sum(w * target) + prior.mean / variance
    covariance = np.linalg.inv(matrix)
    covariance = (covariance + covariance.T) / 2.0
    mean = covariance @ right
    for column in prior.not_negative:
        if mean[column] < 0:  # on the boundary: the others as they are where this one is 0
            own = covariance[:, column].copy()
            mean = mean - own * (mean[column] / own[column])
            covariance = covariance - np.outer(own, own) / own[column]
            mean[column] = 0.0
    return mean, covariance


def _behind_bounds(y: Array, bound: NDArray[np.bool_], fitted: Array, sd: Array) -> tuple[Array, Array]:
    """Return mean and variance of the values that lie above their bounds; measured values stay."""
    gap = (y - fitted) / sd
    ratio = np.exp(-0.5 * gap**2 - 0.5 * np.log(2.0 * np.pi) - log_ndtr(-gap))
    target = np.where(bound, fitted + sd * ratio, y)
    variance = np.where(bound, sd**2 * np.clip(1.0 + gap * ratio - ratio**2, 0.0, 1.0), 0.0)
    return target, variance


def _quadratic(rows: Array, matrix: Array) -> Array:
    out: Array = np.maximum(np.einsum("ij,ij->i", rows @ matrix, rows), 0.0)
    return out


def _shrunk(total: float, n: int, guess: float, weight: float) -> float:
    return float((total + weight * guess) / (n + weight))


def predictive_sd(design: Array, fit: Fit) -> Array:
    """Return the standard deviation of a report from a new paper, shape (n,)."""
    noise = fit.noise_variance * STUDENT_FREEDOM / (STUDENT_FREEDOM - 2.0)
    sd: Array = np.sqrt(_quadratic(design, fit.covariance) + fit.paper_variance + noise)
    return sd


def probability_above(threshold: float, mean: Array, sd: Array) -> Array:
    """Return the normal probability of lying above a threshold, shape (n,)."""
    out: Array = ndtr((mean - threshold) / sd)
    return out
