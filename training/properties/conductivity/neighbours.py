"""Made-up compositions around measured ones.

The tables hold a thousand materials; what a model says *between* and *beside* them is seen on neighbours that a
chemist would think of: two similar materials mixed, an element replaced by one like it, amounts slightly off.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.elements import ATOMIC_NUMBER
from features.similarity import half_l1
from training.properties.conductivity.descriptors import element_similarity

Array = NDArray[np.float64]
N_NEAREST = 30
SMALLEST_DISTANCE = 0.01
JITTER = 0.15
"""Standard deviation of the logarithm of an amount."""


class Neighbours(NamedTuple):
    """Compositions (n, 103) with the numbers of the two materials each was made from, shape (n,), often the same."""

    composition: Array
    parent: NDArray[np.int64]
    other_parent: NDArray[np.int64]


def neighbours_of(composition: Array, n: int, seed: int) -> Neighbours:
    """Make neighbours of measured materials, a third each mixed, substituted and jittered.

    Parameters
    ----------
    composition
        Shape (m, 103), atomic fractions of the measured materials.
    n
        How many to make.
    seed
        The same seed makes the same neighbours.
    """
    rng = np.random.default_rng(seed)
    parent = rng.integers(len(composition), size=n)
    other = parent.copy()
    made = composition[parent]
    mixed, substituted, jittered = np.array_split(np.arange(n), 3)
    other[mixed] = _similar(composition, parent[mixed], rng)
    share = rng.uniform(0.5, 1.0, (len(mixed), 1))  # the parent keeps the larger part
    made[mixed] = share * made[mixed] + (1.0 - share) * composition[other[mixed]]
    made[substituted] = _substituted(made[substituted], composition.max(axis=0) > 0, rng)
    made[jittered] *= np.exp(JITTER * rng.normal(size=made[jittered].shape))
    return Neighbours(made / made.sum(axis=1, keepdims=True), parent, other)


def _similar(composition: Array, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw for each row one of its nearest other compositions."""
    distance = half_l1(composition[rows], composition)
    distance[distance < SMALLEST_DISTANCE] = np.inf
    n_nearest = min(N_NEAREST, len(composition))
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :n_nearest]
    drawn = nearest[np.arange(len(rows)), rng.integers(n_nearest, size=len(rows))]
    different: NDArray[np.bool_] = np.isfinite(distance[np.arange(len(rows)), drawn])
    return np.where(different, drawn, rows)


def _substituted(composition: Array, known: NDArray[np.bool_], rng: np.random.Generator) -> Array:
    """Replace one element other than lithium, in part or whole, by a known element like it."""
    likeness = element_similarity() * known
    np.fill_diagonal(likeness, 0.0)
    out = composition.copy()
    for row in out:
        present = np.flatnonzero(row)
        candidates = present[(present != ATOMIC_NUMBER["Li"] - 1) & likeness[present].any(axis=1)]
        extent = 1.0 if rng.random() < 0.5 else rng.uniform(0.05, 0.95)
        if not len(candidates):
            continue
        old = rng.choice(candidates)
        new = rng.choice(len(row), p=likeness[old] / likeness[old].sum())
        row[new] += extent * row[old]
        row[old] *= 1.0 - extent
    return out
