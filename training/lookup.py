"""Functions of a standard normal number, read off tables on an even grid: millions of values without a search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel

Array = NDArray[np.float64]
FINE_GRID = np.linspace(-6.0, 6.0, 769)
"""For a function that all candidates share."""
COARSE_GRID = np.linspace(-4.5, 4.5, 61)
"""For a function of each candidate; 7 in a million normal numbers lie beyond and count as its ends."""


@kernel
def _look_up(normal: NDArray[np.float64], start: float, step: float, table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate tables of shape (1 or n, k) at numbers of shape (s, n)."""
    count, n = normal.shape
    rows, last = table.shape[0], table.shape[1] - 1
    out = np.empty((count, n))
    for s in range(count):
        for i in range(n):
            place = min(max((normal[s, i] - start) / step, 0.0), float(last))
            left = min(int(place), last - 1)
            share = place - left
            row = i if rows > 1 else 0
            out[s, i] = (1.0 - share) * table[row, left] + share * table[row, left + 1]
    return out


def look_up(normal: Array, grid: Array, table: Array) -> Array:
    """Return tabulated functions at standard normal numbers.

    Parameters
    ----------
    normal
        Shape (s, n).
    grid
        Even, rising, shape (k,).
    table
        The functions on the grid, shape (n, k), or (1, k) for one that all share.
    """
    numbers = np.ascontiguousarray(normal, dtype=float)
    values: Array = _look_up(numbers, float(grid[0]), float(grid[1] - grid[0]), np.ascontiguousarray(table))
    return values
