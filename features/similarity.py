"""How alike two compositions are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.compiling import compiled, compiler_is_loaded, is_worth_compiling, kernel

Array = NDArray[np.float64]
_TABLE = (np.float64, 2)
_WORTH_COMPILING = 300_000
"""Pairs that take numpy 10 ms; importing numba takes 400 ms once."""


def half_l1(first: Array, second: Array) -> Array:
    """Return half the L1 distance between rows of fractions, shape (len(first), len(second)); 0 equal, 1 disjoint.

    Rows sum to one, so that half the L1 distance is one minus what they share, and only shared elements cost time.
    """
    shared = np.zeros((len(first), len(second)))
    if is_worth_compiling(shared.size, _WORTH_COMPILING):
        used = first.any(axis=0)  # few elements where few rows are compared: the others need not be laid out
        compiled(_sum_shared, (_TABLE, _TABLE), _TABLE, reorders_sums=True)(
            np.ascontiguousarray(first[:, used]), np.ascontiguousarray(second[:, used].T), shared
        )
    else:
        for element in np.flatnonzero(first.any(axis=0) & second.any(axis=0)):
            rows, columns = np.flatnonzero(first[:, element]), np.flatnonzero(second[:, element])
            shared[np.ix_(rows, columns)] += np.minimum.outer(first[rows, element], second[columns, element])
    np.subtract(1.0, shared, out=shared)
    return np.maximum(shared, 0.0, out=shared)


def nearest_columns(distance: Array, count: int) -> tuple[NDArray[np.int64], Array]:
    """Return where the `count` smallest of each row stand, nearest first, of equal ones the first, and themselves."""
    count = min(count, distance.shape[1])
    if count and compiler_is_loaded():
        column = np.zeros((len(distance), count), dtype=np.int64)
        nearest = np.full(column.shape, np.inf)
        _keep_smallest(distance, column, nearest)
        if np.isfinite(nearest[:, -1]).all():  # else fewer than `count` are
            return column, nearest
    column = np.argsort(distance, axis=1, kind="stable")[:, :count]
    return column, np.take_along_axis(distance, column, axis=1)


@kernel
def _keep_smallest(values: Array, column: NDArray[np.int64], few: Array) -> None:
    """Write the smallest values of each row, rising, into `few`, which is infinite, and where they stand."""
    last = few.shape[1] - 1
    for row in range(values.shape[0]):
        for place in range(values.shape[1]):
            value = values[row, place]
            if value < few[row, last]:
                slot = last
                while slot > 0 and few[row, slot - 1] > value:
                    few[row, slot], column[row, slot] = few[row, slot - 1], column[row, slot - 1]
                    slot -= 1
                few[row, slot], column[row, slot] = value, place


def _sum_shared(first: Array, columns: Array, shared: Array) -> None:
    """Add what each pair of rows shares, in plain loops for numba; `columns` is the second table, transposed."""
    for row in range(len(first)):
        for element in range(first.shape[1]):
            own = first[row, element]
            if own > 0.0:
                for column in range(columns.shape[1]):
                    shared[row, column] += min(own, columns[element, column])
