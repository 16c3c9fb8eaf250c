"""Who is not dominated: nobody else is at least as good in every objective and better in one.

Values are oriented so that more is better. The front of a set is found by going through it from the largest sum
downwards: only what came before can dominate, and of that only what is on the front has to be asked.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel

Array = NDArray[np.float64]


@kernel
def _dominates(values: NDArray[np.float64], first: int, second: int) -> bool:
    better = False
    for j in range(values.shape[1]):
        if values[first, j] < values[second, j]:
            return False
        if values[first, j] > values[second, j]:
            better = True
    return better


@kernel
def _dominator(front: NDArray[np.float64], size: int, row: NDArray[np.float64]) -> int:
    """Return the place on the front of one that dominates a row, -1 where none does."""
    for f in range(size):
        at_least, better = True, False
        for j in range(row.shape[0]):
            if front[f, j] < row[j]:
                at_least = False
                break
            if front[f, j] > row[j]:
                better = True
        if at_least and better:
            return f
    return -1


@kernel
def _mark_front(values: NDArray[np.float64], order: NDArray[np.int64], on_front: NDArray[np.bool_]) -> None:
    """Mark the rows of the front; `order` has the sums falling."""
    n, m = values.shape
    front, member = np.empty((n, m)), np.empty(n, dtype=np.int64)
    size = 0
    for position in range(n):
        row = order[position]
        f = _dominator(front, size, values[row])
        on_front[row] = f < 0
        if f >= 0:  # whoever dominates one is likely to dominate the next, too: it moves forward
            for j in range(m):
                front[f, j], front[f // 2, j] = front[f // 2, j], front[f, j]
            member[f], member[f // 2] = member[f // 2], member[f]
            continue
        for f in range(size):  # sums that rounding made equal may stand in the wrong order
            if on_front[member[f]] and _dominates(values, row, member[f]):
                on_front[member[f]] = False
        front[size] = values[row]
        member[size] = row
        size += 1


def non_dominated(values: Array, scale: Array | None = None) -> NDArray[np.bool_]:
    """Return which rows no other row dominates.

    Parameters
    ----------
    values
        Shape (n, m), more is better, finite. Equal rows do not dominate each other.
    scale
        Typical differences of the columns, shape (m,); it decides only who is asked first.
    """
    on_front = np.zeros(len(values), dtype=np.bool_)
    if len(values):
        typical = np.ptp(values, axis=0) if scale is None else scale
        order = np.argsort(-(values @ (1.0 / np.maximum(typical, 1e-300))))
        _mark_front(np.ascontiguousarray(values, dtype=float), order, on_front)
    return on_front


def probability_non_dominated(samples: Array) -> Array:
    """Return in which share of scenarios each candidate is on the front, shape (n,).

    Parameters
    ----------
    samples
        Shape (s, n, m), more is better.
    """
    count = np.zeros(samples.shape[1])
    scale = np.ptp(samples[0], axis=0) if samples.size else None
    for scenario in samples:
        count += non_dominated(scenario, scale)
    return count / max(len(samples), 1)
