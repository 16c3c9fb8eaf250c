"""How alike two compositions are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def half_l1(first: Array, second: Array) -> Array:
    """Return half the L1 distance between rows of fractions, shape (len(first), len(second)); 0 equal, 1 disjoint.

    Rows sum to one, so that half the L1 distance is one minus what they share, and only shared elements cost time.
    """
    shared = np.zeros((len(first), len(second)))
    for element in np.flatnonzero(first.any(axis=0) & second.any(axis=0)):
        rows, columns = np.flatnonzero(first[:, element]), np.flatnonzero(second[:, element])
        shared[np.ix_(rows, columns)] += np.minimum.outer(first[rows, element], second[columns, element])
    return np.maximum(1.0 - shared, 0.0)
