"""Atoms of one group of sites change places until the energy is low: simulated annealing of swaps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

SWAPS, RESTARTS = 4_000, 16
_HOTTEST_eV, _COLDEST_eV = 3.0, 0.02
_SMALLEST_GAIN_eV = 1e-6
_MOST_DESCENTS = 10
_MOST_PAIRS = 50_000


class Interactions(NamedTuple):
    """What positions cost.

    Attributes
    ----------
    charges
        Of each kind of content in units of e; that of kind 0, the vacancy, is 0.
    coulomb_eV
        Of two charges, shape (n, n).
    contact_eV
        Of two positions being filled at all, shape (n, n).
    """

    charges: Array
    coulomb_eV: Array
    contact_eV: Array

    def energy_eV(self, kind: Labels) -> float:
        """Return the energy of an arrangement."""
        held, filled = self.charges[kind], (kind > 0).astype(np.float64)
        return 0.5 * float(held @ self.coulomb_eV @ held + filled @ self.contact_eV @ filled)


def anneal(
    kind: Labels,
    group: Labels,
    interactions: Interactions,
    *,
    seed: int,
    swaps: int = SWAPS,
    restarts: int = RESTARTS,
) -> tuple[Labels, float]:
    """Return an arrangement of low energy, and its energy in eV.

    Metropolis swaps of two positions of one group at a temperature that falls geometrically from 3 eV to 0.02 eV, then
    every swap that still lowers the energy; the best of several such runs.

    Parameters
    ----------
    kind
        What stands in each of n positions at first: an index of the charges, shape (n,); 0 is a vacancy.
    group
        Positions of one group exchange what they hold; -1 for positions that keep it, shape (n,).
    interactions
        Of the positions.
    seed
        Of the random numbers: the same seed gives the same arrangement.
    swaps
        That each run tries.
    restarts
        How many runs.
    """
    movable = np.flatnonzero(group >= 0)
    movable = movable[np.argsort(group[movable], kind="stable")]
    best, lowest_eV = kind.copy(), interactions.energy_eV(kind)
    if not len(movable):
        return best, lowest_eV
    pairs = _every_swap(movable, group[movable])
    downhill_eV = np.full(len(pairs[0]), -_SMALLEST_GAIN_eV)
    walk = _compiled_walk()
    for run in range(restarts):
        trial = kind.copy()
        walk(trial, *_random_swaps(movable, group[movable], (seed, run), swaps), *interactions)
        for _ in range(_MOST_DESCENTS):
            before = trial.copy()
            walk(trial, *pairs, downhill_eV, *interactions)
            if (trial == before).all():
                break
        energy_eV = interactions.energy_eV(trial)
        if energy_eV < lowest_eV - _SMALLEST_GAIN_eV:
            best, lowest_eV = trial, energy_eV
    return best, lowest_eV


def _random_swaps(movable: Labels, group: Labels, seed: tuple[int, int], swaps: int) -> tuple[Labels, Labels, Array]:
    """Return positions to swap, and how much energy each swap may cost."""
    random = np.random.default_rng(seed).random((3, swaps))
    first = (random[0] * len(movable)).astype(np.int64)
    start = np.searchsorted(group, group[first], side="left")
    end = np.searchsorted(group, group[first], side="right")
    second = start + (random[1] * (end - start)).astype(np.int64)
    temperatures_eV = np.geomspace(_HOTTEST_eV, _COLDEST_eV, swaps)
    return movable[first], movable[second], -temperatures_eV * np.log(np.clip(random[2], 1e-300, None))


def _every_swap(movable: Labels, group: Labels) -> tuple[Labels, Labels]:
    first, second = np.triu_indices(len(movable), 1)
    same = np.flatnonzero(group[first] == group[second])[:_MOST_PAIRS]
    return movable[first[same]], movable[second[same]]


@cache
def _compiled_walk() -> Callable[..., None]:
    from features.compiling import kernel

    return kernel(_walk)


def _walk(
    kind: Labels,
    first: Labels,
    second: Labels,
    allowed_eV: Array,
    charges: Array,
    coulomb_eV: Array,
    contact_eV: Array,
) -> None:
    """Try the swaps in turn; `kind` is changed in place."""
    n = len(kind)
    potential = np.zeros(n)
    crowding = np.zeros(n)
    for i in range(n):
        for j in range(n):
            potential[i] += coulomb_eV[i, j] * charges[kind[j]]
            if kind[j] > 0:
                crowding[i] += contact_eV[i, j]
    for trial in range(len(first)):
        i, j = first[trial], second[trial]
        if kind[i] == kind[j]:
            continue
        charge = charges[kind[j]] - charges[kind[i]]
        filling = float(min(kind[j], 1) - min(kind[i], 1))
        cost_eV = charge * (potential[i] - potential[j]) + filling * (crowding[i] - crowding[j])
        cost_eV += 0.5 * charge**2 * (coulomb_eV[i, i] + coulomb_eV[j, j] - 2.0 * coulomb_eV[i, j])
        cost_eV += 0.5 * filling**2 * (contact_eV[i, i] + contact_eV[j, j] - 2.0 * contact_eV[i, j])
        if cost_eV > allowed_eV[trial]:
            continue
        kind[i], kind[j] = kind[j], kind[i]
        for k in range(n):
            potential[k] += charge * (coulomb_eV[k, i] - coulomb_eV[k, j])
            crowding[k] += filling * (contact_eV[k, i] - contact_eV[k, j])
