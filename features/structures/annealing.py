"""Atoms of one group of sites change places until the energy is low: simulated annealing of swaps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

_HOTTEST_eV, _COLDEST_eV = 3.0, 0.02
_SMALLEST_GAIN_eV = 1e-6
_MOST_DESCENTS = 10
_MOST_PAIRS = 50_000


def anneal(
    kind: Labels, group: Labels, charges: Array, coulomb_eV: Array, contact_eV: Array, *, seed: int, swaps: int = 4_000
) -> tuple[Labels, float]:
    """Return an arrangement of low energy, and its energy in eV.

    Metropolis swaps of two positions of one group at a temperature that falls geometrically from 3 eV to 0.02 eV, then
    every swap that still lowers the energy.

    Parameters
    ----------
    kind
        What stands in each of n positions at first: an index of `charges`, shape (n,); 0 is a vacancy.
    group
        Positions of one group exchange what they hold; -1 for positions that keep it, shape (n,).
    charges
        Of each kind in units of e; that of the vacancy is 0.
    coulomb_eV, contact_eV
        For charges, and for two positions being filled at all, shape (n, n).
    seed
        Of the random numbers: the same seed gives the same arrangement.
    swaps
        That are tried.
    """
    movable = np.flatnonzero(group >= 0)
    movable = movable[np.argsort(group[movable], kind="stable")]
    kind = kind.copy()
    if len(movable):
        first, second, allowed_eV = _random_swaps(movable, group[movable], seed, swaps)
        walk = _compiled_walk()
        walk(kind, first, second, allowed_eV, charges, coulomb_eV, contact_eV)
        pairs = _every_swap(movable, group[movable])
        for _ in range(_MOST_DESCENTS):
            before = kind.copy()
            walk(kind, *pairs, np.full(len(pairs[0]), -_SMALLEST_GAIN_eV), charges, coulomb_eV, contact_eV)
            if (kind == before).all():
                break
    held, filled = charges[kind], (kind > 0).astype(np.float64)
    return kind, 0.5 * float(held @ coulomb_eV @ held + filled @ contact_eV @ filled)


def _random_swaps(movable: Labels, group: Labels, seed: int, swaps: int) -> tuple[Labels, Labels, Array]:
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
