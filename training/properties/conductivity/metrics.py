"""How a set of predictions is scored, in both conventions for censored rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.correlation import spearman

Array = NDArray[np.float64]

PUBLISHED_CENSORED_VALUE = -15.0
"""The OBELiX benchmark counts every censored row as 1e-15 S/cm (doi 10.1039/D5DD00441A)."""
SMALLEST_REPORTED_PREDICTION = -10.0
"""Scores over uncensored rows floor predictions here, as the exploration's figures did."""
GOOD_CONDUCTOR = -4.0


class Truth(NamedTuple):
    """Measured log10 conductivities, shape (n,), and which of them are upper bounds."""

    log10_sigma: Array
    is_upper_bound: NDArray[np.bool_]


class ScoredPredictions(NamedTuple):
    """Predicted log10 conductivities with interval ends, each of shape (n,)."""

    value: Array
    lower: Array
    upper: Array


def score(truth: Truth, answer: ScoredPredictions) -> dict[str, float]:
    """Return the metrics of `elyte evaluate conductivity`, all in decades unless their name says otherwise.

    Returns
    -------
    dict
        `mae`, `rmse`, `spearman` with censored rows at -15 (published convention); `mae_bound` with them at their
        bound; `mae_uncensored` over the other rows; `accuracy_1e-4` of the question 'above 1e-4 S/cm?';
        `coverage_90` and `mean_half_width_90` of the interval (a censored row is covered when the lower end is at or
        below its bound).
    """
    censored = truth.is_upper_bound
    published = np.where(censored, PUBLISHED_CENSORED_VALUE, truth.log10_sigma)
    error = answer.value - published
    floored = np.maximum(answer.value, SMALLEST_REPORTED_PREDICTION)
    covered = is_covered(truth, answer)
    half_width = (answer.upper - answer.lower) / 2
    return {
        "mae": float(np.abs(error).mean()),
        "mae_bound": float(np.abs(answer.value - truth.log10_sigma).mean()),
        "mae_uncensored": float(np.abs(floored - truth.log10_sigma)[~censored].mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "spearman": spearman(answer.value, published),
        "accuracy_1e-4": float(((answer.value > GOOD_CONDUCTOR) == (published > GOOD_CONDUCTOR)).mean()),
        "coverage_90": float(covered.mean()),
        "mean_half_width_90": float(half_width.mean()),
        "mean_half_width_90_uncensored": float(half_width[~censored].mean()),
        "interval_score_90": float(interval_score(truth, answer).mean()),
        "n_test": float(len(error)),
    }


def is_covered(truth: Truth, answer: ScoredPredictions) -> NDArray[np.bool_]:
    """Return which intervals hold their measured value, shape (n,)."""
    reaches_down = answer.lower <= truth.log10_sigma
    covered: NDArray[np.bool_] = reaches_down & (truth.is_upper_bound | (truth.log10_sigma <= answer.upper))
    return covered


def interval_score(truth: Truth, answer: ScoredPredictions, coverage: float = 0.9) -> Array:
    """Return the interval score (Gneiting and Raftery, doi 10.1198/016214506000001437), shape (n,); lower is better."""
    missed_below = np.maximum(answer.lower - truth.log10_sigma, 0.0)
    missed_above = np.where(truth.is_upper_bound, 0.0, np.maximum(truth.log10_sigma - answer.upper, 0.0))
    total: Array = answer.upper - answer.lower + 2.0 / (1.0 - coverage) * (missed_below + missed_above)
    return total


def honest_error(truth: Truth, value: Array) -> Array:
    """Return the absolute error; a prediction below a bound is no error."""
    signed = value - truth.log10_sigma
    error: Array = np.where(truth.is_upper_bound, np.maximum(signed, 0.0), np.abs(signed))
    return error


def paired_bootstrap(difference: Array, paper: NDArray[np.str_], n_draws: int, seed: int = 0) -> dict[str, float]:
    """Return the mean difference over rows with its 95 % interval, whole papers drawn with replacement."""
    _, group = np.unique(paper, return_inverse=True)
    total, size = np.bincount(group, difference), np.bincount(group)
    draws = np.random.default_rng(seed).multinomial(len(size), np.full(len(size), 1 / len(size)), n_draws)
    means = draws @ total / (draws @ size)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "difference": float(difference.mean()),
        "low_95": float(low),
        "high_95": float(high),
        "share_of_draws_better": float((means < 0).mean()),
    }
