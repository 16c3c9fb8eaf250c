"""Compositions that nobody listed, made from those of a table: what the student asks the pool of nets about.

Four ways, as users come by candidates: one or two elements exchanged for others, mostly alike ones; a part of one
element exchanged (doping); amounts changed; elements and amounts at random.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.candidate import MaterialBatch
from features.elements import ATOMIC_NUMBER
from training.properties.stability.neighbours import N_NUMBERS
from training.properties.stability.table import compositions
from training.thermodynamics.phases import PhaseTable, rows_of_compositions

Array = NDArray[np.float64]
EXCHANGED, DOPED, CHANGED = 0.6, 0.2, 0.1
"""Shares of the ways; the rest is random."""
ALIKE_eV_PER_ATOM = 0.06
"""An element stands in for another with a chance that falls by e with each such step of their dissimilarity."""
LITHIUM, LITHIUM_WEIGHT = 3, 3.0
MOST_RANDOM_ELEMENTS, MOST_RANDOM_ATOMS = 6, 12
SMALLEST_DOPING, LARGEST_DOPING = 0.02, 0.5


def made_up(
    known: tuple[NDArray[np.int64], Array],
    dissimilarity_eV_per_atom: Array,
    listed: PhaseTable,
    count: int,
    random: np.random.Generator,
) -> MaterialBatch:
    """Return at most `count` compositions that `listed` does not hold.

    Parameters
    ----------
    known
        Atomic numbers and fractions of the compositions to start from, shape (n, k); lithium compounds are taken
        `LITHIUM_WEIGHT` times as often.
    dissimilarity_eV_per_atom
        Of elements by atomic numbers, shape (128, 128).
    """
    atomic_number, fraction = known
    covered = np.flatnonzero(listed.of_element[:N_NUMBERS] >= 0)
    weight = np.where((atomic_number == LITHIUM).any(axis=1), LITHIUM_WEIGHT, 1.0)
    start = random.choice(len(fraction), count, p=weight / weight.sum())
    amount = np.zeros((count, N_NUMBERS))
    np.put_along_axis(amount, atomic_number[start], fraction[start], axis=1)
    amount[:, 0] = 0.0
    chance = np.zeros((N_NUMBERS, N_NUMBERS))
    chance[:, covered] = np.exp(-dissimilarity_eV_per_atom[:, covered] / ALIKE_eV_PER_ATOM)
    ends = (np.cumsum([EXCHANGED, DOPED, CHANGED]) * count).astype(int)
    exchanged, doped, changed, anything = (slice(a, b) for a, b in zip((0, *ends), (*ends, count), strict=True))
    amount[exchanged] = _exchange(amount[exchanged], chance, np.ones(ends[0]), random)
    twice = slice(0, ends[0] // 3)
    amount[twice] = _exchange(amount[twice], chance, np.ones(ends[0] // 3), random)
    moved = random.uniform(SMALLEST_DOPING, LARGEST_DOPING, ends[1] - ends[0])
    amount[doped] = _exchange(amount[doped], chance, moved, random)
    amount[changed] *= np.exp(random.normal(0.0, 0.3, amount[changed].shape))
    amount[anything] = _anything(count - ends[2], covered, random)
    known_elements = amount[:, 1 : len(ATOMIC_NUMBER) + 1]
    batch = MaterialBatch.from_matrix(known_elements / known_elements.sum(axis=1, keepdims=True))
    return batch.take(np.flatnonzero(rows_of_compositions(listed, *compositions(batch)) < 0))


def _exchange(amount: Array, chance: Array, share: Array, random: np.random.Generator) -> Array:
    """Return amounts in which a share of one element of each row became another that the row does not hold."""
    leaving = _draw((amount > 0).astype(float), random)
    coming = _draw(np.where(amount > 0, 0.0, chance[leaving]), random)
    rows = np.arange(len(amount))
    out = amount.copy()
    moved = share * amount[rows, leaving]
    out[rows, leaving] -= moved
    out[rows, coming] += moved
    out[rows[share >= 1.0], leaving[share >= 1.0]] = 0.0
    return out


def _draw(weight: Array, random: np.random.Generator) -> NDArray[np.int64]:
    """Return a column of each row, drawn by weight, shape (n,)."""
    summed = np.cumsum(weight, axis=1)
    drawn: NDArray[np.int64] = (summed < random.random(len(weight))[:, None] * summed[:, -1:]).sum(axis=1)
    last: NDArray[np.int64] = np.minimum(drawn, weight.shape[1] - 1)
    return last


def _anything(count: int, covered: NDArray[np.int64], random: np.random.Generator) -> Array:
    amount = np.zeros((count, N_NUMBERS))
    held = random.permuted(np.tile(covered, (count, 1)), axis=1)[:, :MOST_RANDOM_ELEMENTS]
    atoms = random.integers(1, MOST_RANDOM_ATOMS, held.shape, endpoint=True).astype(float)
    elements = random.integers(2, MOST_RANDOM_ELEMENTS, count, endpoint=True)
    atoms[np.arange(MOST_RANDOM_ELEMENTS) >= elements[:, None]] = 0.0
    np.put_along_axis(amount, held, atoms, axis=1)
    return amount
