"""How good a ranking was, once its candidates have been measured: enrichment, hits found, regret.

A ranking is a score for each of n candidates, more is better. Candidates of equal score stand in random order, and
every figure is the expectation over those orders: a constant score is the blind choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln
from scipy.stats import hypergeom, rankdata

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def first_of(n: int, share: float) -> int:
    """Return how many of n candidates the best `share` of them are: rounded, at least one."""
    return max(1, round(share * n))


def hits_found(score: ArrayLike, is_hit: ArrayLike) -> Array:
    """Return the expected number of hits among the k best, for k = 0 to n.

    Parameters
    ----------
    score
        Shape (n,), more is better.
    is_hit
        Shape (n,), whether the candidate turned out to be one.

    Returns
    -------
    ndarray
        Shape (n + 1,), from 0 to the number of hits, rising.

    Raises
    ------
    ValueError
        If the shapes differ or a score is no number.
    """
    scores, hits = _checked(score, is_hit)
    _, group = np.unique(-scores, return_inverse=True)
    place = group.reshape(-1)
    size = np.bincount(place)
    share = np.bincount(place, weights=hits.astype(float)) / np.maximum(size, 1)
    return np.concatenate([[0.0], np.cumsum(np.repeat(share, size))])


def enrichment(score: ArrayLike, is_hit: ArrayLike, share: float) -> float:
    """Return how many times more hits the best `share` of the candidates hold than as many chosen blindly.

    NaN where there is no hit at all.
    """
    found = hits_found(score, is_hit)
    n = len(found) - 1
    k = first_of(n, share)
    return float(found[k] / k / (found[-1] / n)) if found[-1] > 0.0 else float("nan")


def largest_enrichment(is_hit: ArrayLike, share: float) -> float:
    """Return the enrichment of a perfect ranking: hits before everything else."""
    return enrichment(np.asarray(is_hit, dtype=float), is_hit, share)


def blind_enrichment(is_hit: ArrayLike, share: float, coverage: float = 0.95) -> tuple[float, float]:
    """Return between which enrichments a blind choice lies with this probability (its expectation is 1)."""
    hits = np.asarray(is_hit, dtype=bool)
    n, n_hits = len(hits), int(hits.sum())
    k = first_of(n, share)
    if not n_hits:
        return float("nan"), float("nan")
    hits_drawn = hypergeom(n, n_hits, k)
    low, high = (float(hits_drawn.ppf(level)) for level in ((1 - coverage) / 2, (1 + coverage) / 2))
    return low / k / (n_hits / n), high / k / (n_hits / n)


def regret(score: ArrayLike, value: ArrayLike, k: int) -> float:
    """Return by how much the best of the k first falls short of the best of all.

    Parameters
    ----------
    score
        Shape (n,), more is better.
    value
        Shape (n,), what was measured, more is better.
    k
        Size of the batch, 1 to n; more counts as n.

    Raises
    ------
    ValueError
        If the shapes differ, a number is not finite, or k is below 1.
    """
    scores, values = np.asarray(score, dtype=float), np.asarray(value, dtype=float)
    if scores.shape != values.shape or scores.ndim != 1 or not len(scores):
        raise ValueError(f"scores of shape {scores.shape}, values of {values.shape}; expected the same, (n,), n > 0")
    if not np.isfinite([scores, values]).all() or k < 1:
        raise ValueError("expected finite scores and values and a batch of at least one")
    k = min(k, len(scores))
    last = np.sort(scores)[-k]
    sure, tied = values[scores > last], np.sort(values[scores == last])
    best_sure = sure.max(initial=-np.inf)
    expected = _chance_of_largest(len(tied), k - len(sure)) @ np.maximum(tied, best_sure)
    return float(values.max() - expected)


def blind_regret(value: ArrayLike, k: int, coverage: float = 0.95) -> tuple[float, float, float]:
    """Return expectation, lower and upper limit of the regret of k candidates chosen blindly."""
    values = np.sort(np.asarray(value, dtype=float))
    k = min(k, len(values))
    within = np.cumsum(_chance_of_largest(len(values), k))
    levels = ((1 + coverage) / 2, (1 - coverage) / 2)
    at = [int(np.searchsorted(within, level - 1e-12)) for level in levels]
    low, high = (float(values[-1] - values[min(i, len(values) - 1)]) for i in at)
    return regret(np.zeros(len(values)), values, k), low, high


def rank_percentile(score: ArrayLike) -> Array:
    """Return the share of the other candidates that stand behind each, in percent: 100 is the first, 0 the last."""
    scores = np.asarray(score, dtype=float)
    if len(scores) < 2:
        return np.full(len(scores), 100.0)
    percentile: Array = 100.0 * (rankdata(scores) - 1.0) / (len(scores) - 1.0)
    return percentile


def _chance_of_largest(n: int, m: int) -> Array:
    """Return the probability that the i-th smallest of n is the largest of m drawn blindly, shape (n,)."""
    below = np.arange(n, dtype=float)  # how many are smaller
    with np.errstate(invalid="ignore"):
        log_ways = _log_choose(below, m - 1) - _log_choose(np.array(float(n)), m)
    return np.where(below >= m - 1, np.exp(np.where(below >= m - 1, log_ways, 0.0)), 0.0)


def _log_choose(n: Array, m: int) -> Array:
    possible = np.maximum(n, m)
    out: Array = gammaln(possible + 1.0) - gammaln(m + 1.0) - gammaln(possible - m + 1.0)
    return out


def _checked(score: ArrayLike, is_hit: ArrayLike) -> tuple[Array, Mask]:
    scores, hits = np.asarray(score, dtype=float), np.asarray(is_hit, dtype=bool)
    if scores.shape != hits.shape or scores.ndim != 1:
        raise ValueError(f"scores of shape {scores.shape}, hits of {hits.shape}; expected the same, (n,)")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number; what cannot be judged has no place in a ranking")
    return scores, hits
