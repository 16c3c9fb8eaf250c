"""How well one order follows another."""

from __future__ import annotations

from numpy.typing import ArrayLike


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Return Spearman's rank correlation of two columns; NaN where one of them does not vary."""
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)
