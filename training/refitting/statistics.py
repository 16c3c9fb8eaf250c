"""The statistics of the evidence: paired bootstrap by source, permutation of ranks, binomial tails.

Each has a known error rate under its null hypothesis; tests prove them and docs/science/retraining.md states them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Groups = NDArray[np.str_]
N_BOOTSTRAP = 4000
N_PERMUTATIONS = 9999


def bootstrap_mean(values: Array, groups: Groups, *, seed: int = 0) -> tuple[float, float, float]:
    """Return the mean of row-wise values and its 2.5 and 97.5 % points over resampled groups.

    Parameters
    ----------
    values
        Shape (n,), such as the difference of two absolute errors on the same row.
    groups
        Shape (n,), source papers: rows of one paper are near-copies, so papers are drawn, not rows (Efron and
        Tibshirani, An Introduction to the Bootstrap, 1993, chapter 8).
    seed
        Of the draws.

    Returns
    -------
    mean, low, high
        With fewer than two groups nothing is known of the spread: the ends are infinite.
    """
    mean = float(values.mean())
    _, of_row = np.unique(groups, return_inverse=True)
    total, count = np.bincount(of_row, values), np.bincount(of_row)
    if len(total) < 2:
        return mean, -np.inf, np.inf
    drawn = np.random.default_rng(seed).integers(0, len(total), (N_BOOTSTRAP, len(total)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return mean, float(low), float(high)


def rank_correlation(predicted: Array, measured: Array, *, seed: int = 0) -> tuple[float, float]:
    """Return Spearman's correlation and the chance of one as large if the labels were shuffled.

    The p-value is that of a one-sided permutation test (Phipps and Smyth, doi 10.2202/1544-6115.1585): exact for labels
    that were shuffled, whatever the distribution of predictions, and never below 1 / (N_PERMUTATIONS + 1).
    """
    from scipy.stats import rankdata

    x, y = rankdata(predicted), rankdata(measured)
    if len(x) < 3 or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return 0.0, 1.0
    x, y = (x - x.mean()) / (x.std() * len(x)), (y - y.mean()) / y.std()
    observed = float(x @ y)
    shuffled = np.random.default_rng(seed).permuted(np.tile(y, (N_PERMUTATIONS, 1)), axis=1) @ x
    as_large = int((shuffled >= observed - 1e-12).sum())
    return observed, (as_large + 1) / (N_PERMUTATIONS + 1)


def chance_of_so_few(successes: int, n: int, share: float) -> float:
    """Return the chance of at most so many successes in n independent tries; 1 for no tries."""
    from scipy.stats import binom

    return float(binom.cdf(successes, n, share)) if n else 1.0


def chance_of_so_many(successes: int, n: int, share: float) -> float:
    """Return the chance of at least so many successes in n independent tries; 1 for no tries."""
    from scipy.stats import binom

    return float(binom.sf(successes - 1, n, share)) if n else 1.0
