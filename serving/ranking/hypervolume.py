"""Volumes that sets of points dominate, and what one more point adds, for 1 to 4 objectives.

Volumes are exact: the set is cut into slabs along its last objective, each a volume of one objective fewer. What a
point adds to a set is its own box less what the set, cut off at the point, dominates of it (the exclusive volume of
While, Bradstreet and Barone, IEEE Trans. Evol. Comput. 16, 86 (2012), doi 10.1109/TEVC.2010.2077298).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel

Array = NDArray[np.float64]
MOST_OBJECTIVES = 4


@kernel
def _volume_1(points: NDArray[np.float64], count: int) -> float:
    best = 0.0
    for i in range(count):
        best = max(best, points[i, 0])
    return best


@kernel
def _volume_2(points: NDArray[np.float64], count: int) -> float:
    order = np.argsort(-points[:count, 1])
    total, reach = 0.0, 0.0
    for place in range(count):
        height = points[order[place], 1]
        reach = max(reach, points[order[place], 0])
        below = points[order[place + 1], 1] if place + 1 < count else 0.0
        total += reach * (height - max(below, 0.0)) if height > 0.0 else 0.0
    return total


@kernel
def _volume_3(points: NDArray[np.float64], count: int) -> float:
    order = np.argsort(-points[:count, 2])
    held = np.empty((count, 2))
    total = 0.0
    for place in range(count):
        row = order[place]
        held[place, 0], held[place, 1] = points[row, 0], points[row, 1]
        height = points[row, 2]
        below = points[order[place + 1], 2] if place + 1 < count else 0.0
        thick = height - max(below, 0.0)
        if thick > 0.0:
            total += thick * _volume_2(held, place + 1)
    return total


@kernel
def _volume_4(points: NDArray[np.float64], count: int) -> float:
    order = np.argsort(-points[:count, 3])
    held = np.empty((count, 3))
    total = 0.0
    for place in range(count):
        row = order[place]
        for j in range(3):
            held[place, j] = points[row, j]
        height = points[row, 3]
        below = points[order[place + 1], 3] if place + 1 < count else 0.0
        thick = height - max(below, 0.0)
        if thick > 0.0:
            total += thick * _volume_3(held, place + 1)
    return total


@kernel
def _volume(points: NDArray[np.float64], count: int) -> float:
    """Return the volume between 0 and points of which none has a negative coordinate."""
    m = points.shape[1]
    if count == 0:
        return 0.0
    if m == 1:
        return _volume_1(points, count)
    if m == 2:
        return _volume_2(points, count)
    if m == 3:
        return _volume_3(points, count)
    return _volume_4(points, count)


@kernel
def _added(point: NDArray[np.float64], held: NDArray[np.float64], cut: NDArray[np.float64]) -> float:
    """Return what a point adds to points; `cut` is room for as many points."""
    m = point.shape[0]
    box = 1.0
    for j in range(m):
        if point[j] <= 0.0:
            return 0.0
        box *= point[j]
    count = 0
    for i in range(held.shape[0]):
        inside = True
        equal = True
        for j in range(m):
            low = min(held[i, j], point[j])
            if low <= 0.0:
                inside = False
                break
            cut[count, j] = low
            equal = equal and low == point[j]
        if inside:
            if equal:
                return 0.0
            count += 1
    return max(box - _volume(cut, count), 0.0)


@kernel
def _mean_added(samples: NDArray[np.float64], held: NDArray[np.float64]) -> float:
    """Return the mean over scenarios of what a candidate adds; shapes (s, m) and (s, k, m)."""
    cut = np.empty((held.shape[1], samples.shape[1]))
    total = 0.0
    for s in range(samples.shape[0]):
        total += _added(samples[s], held[s], cut)
    return float(total / max(samples.shape[0], 1))


@kernel
def _mean_added_each(samples: NDArray[np.float64], held: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for i in range(samples.shape[1]):
        out[i] = _mean_added(np.ascontiguousarray(samples[:, i]), held)


def hypervolume(points: Array, reference: Array) -> float:
    """Return the volume that points dominate above a reference.

    Parameters
    ----------
    points
        Shape (n, m), m from 1 to 4, more is better.
    reference
        Shape (m,).
    """
    above = np.maximum(np.ascontiguousarray(points - reference, dtype=float), 0.0)
    return float(_volume(above, len(above)))


def mean_added_volumes(samples: Array, held: Array) -> Array:
    """Return the expected hypervolume improvement of each candidate over scenarios, shape (n,).

    Parameters
    ----------
    samples
        Values above the reference, shape (s, n, m), m from 1 to 4.
    held
        What is already there in each scenario, above the reference, shape (s, k, m); k may be 0.
    """
    out = np.zeros(samples.shape[1])
    _mean_added_each(np.ascontiguousarray(samples, dtype=float), np.ascontiguousarray(held, dtype=float), out)
    return out


def mean_added_volume(samples: Array, held: Array) -> float:
    """Return the expected hypervolume improvement of one candidate, shapes (s, m) and (s, k, m)."""
    return float(_mean_added(np.ascontiguousarray(samples, dtype=float), np.ascontiguousarray(held, dtype=float)))
