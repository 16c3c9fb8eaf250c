"""Shares of rows that come in clusters (rows of a paper, candidates of a request), with exact intervals and tests.

Rows of one cluster are near-copies of each other, so a cluster counts as ONE observation, with the share of its rows
that hit. The sum over n clusters varies at most as a binomial count of n tries with the same mean does, however alike
rows are within a cluster (Hoeffding, doi 10.1080/01621459.1963.10500830), so binomial intervals (Clopper and Pearson,
doi 10.1093/biomet/26.4.404) and tests err on the careful side; fractions are rounded towards no alarm.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CONFIDENCE = 0.95
_ROUNDING = 1e-9


class Share(NamedTuple):
    """A share with its exact interval.

    Attributes
    ----------
    value
        Mean over clusters of the share of their rows, 0 to 1.
    low, high
        Ends of the two-sided interval; the interval is for `n_clusters` tries.
    n_clusters, n_rows
        How many.
    """

    value: float
    low: float
    high: float
    n_clusters: int
    n_rows: int


def shares_of_clusters(hit: NDArray[np.bool_], cluster: NDArray[np.str_]) -> Array:
    """Return the share of hits of each distinct cluster; `hit` and `cluster` have shape (n,)."""
    _, of_row = np.unique(cluster, return_inverse=True)
    shares: Array = np.bincount(of_row.reshape(-1), hit.astype(float)) / np.bincount(of_row.reshape(-1))
    return shares


def share_of(shares: Array, n_rows: int, confidence: float = CONFIDENCE) -> Share:
    """Return the mean share of n clusters with its Clopper-Pearson interval; (0, 1) where there is none.

    Parameters
    ----------
    shares
        Shape (n,), share of hits of each cluster.
    n_rows
        Rows that they have together.
    confidence
        Of the two-sided interval.
    """
    from scipy.special import betaincinv

    n = len(shares)
    if not n:
        return Share(math.nan, 0.0, 1.0, 0, 0)
    total, tail = float(shares.sum()), (1.0 - confidence) / 2
    fewer, more = math.floor(total + _ROUNDING), math.ceil(total - _ROUNDING)
    low = float(betaincinv(fewer, n - fewer + 1, tail)) if fewer else 0.0
    high = float(betaincinv(more + 1, n - more, 1.0 - tail)) if more < n else 1.0
    return Share(total / n, low, high, n, n_rows)


def chance_of_so_few(shares: Array, expected: float) -> float:
    """Return the chance of a sum of shares this small or smaller if each were `expected` on average; 1 for none."""
    from scipy.stats import binom

    return float(binom.cdf(math.ceil(shares.sum() - _ROUNDING), len(shares), expected)) if len(shares) else 1.0


def chance_of_so_many(shares: Array, expected: float) -> float:
    """Return the chance of a sum of shares this large or larger if each were `expected` on average; 1 for none."""
    from scipy.stats import binom

    return float(binom.sf(math.floor(shares.sum() + _ROUNDING) - 1, len(shares), expected)) if len(shares) else 1.0
