"""At which level a periodic landscape lets one through in one, two or three dimensions.

Grid points are flooded from the lowest up. Connected points are joined (union-find), each with the vector in cells from
its root; two points that are joined twice along different vectors close a path around the cell. The vectors of a
component span as many dimensions as it percolates in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


class Percolation(NamedTuple):
    """Where a landscape percolates.

    Attributes
    ----------
    levels
        At which a component first percolates in one, two and three dimensions, infinite where none does, shape (3,).
    lowest
        The lowest point of that component, shape (3,).
    """

    levels: Array
    lowest: Array


def percolation(landscape: Array, highest: float = np.inf) -> Percolation:
    """Flood a periodic landscape.

    Parameters
    ----------
    landscape
        Shape (n1, n2, n3), each at least 2; neighbours are the 26 around a point.
    highest
        Points above it are never flooded.
    """
    from features.structures.flooding import flood  # compiles

    heights = np.ascontiguousarray(landscape, dtype=np.float64)
    order = np.flatnonzero(heights.ravel() <= highest)
    order = order[np.argsort(heights.ravel()[order], kind="stable")]
    levels, lowest = np.full(3, np.inf), np.full(3, np.nan)
    flood(heights.ravel(), order, np.array(heights.shape), _neighbours(), levels, lowest)
    return Percolation(levels, lowest)


def _neighbours() -> Labels:
    """Return the steps to the 26 points around one, shape (26, 3)."""
    steps = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    around: Labels = steps[(steps != 0).any(axis=1)]
    return around
