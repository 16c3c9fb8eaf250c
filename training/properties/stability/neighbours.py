"""Compounds of the same stoichiometry with related elements: what a chemist looks up first.

Two compounds are neighbours when their amounts are the same and elements stand in for each other: elements are sorted
by amount, equal amounts by electronegativity, and matched in that order. How alike two elements are is learned from the
training phases: the mean change of the energy above the hull of other phases when one replaces the other alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel
from features.elements import element_table, magpie_matrix
from training.thermodynamics.nearest import insert_nearest

N_NUMBERS = 128  # rows of tables by atomic number
FRACTION_GRID = 1e-4
PRIOR_PAIRS = 5.0
_FARTHEST = 1e6
Slot = TypeVar("Slot", bound=np.integer[Any])


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Phases by stoichiometry, and the dissimilarity of elements.

    Attributes
    ----------
    key
        Hash of the sorted amounts of the phases, ascending, shape (n,).
    row
        Row of each phase in the energy table, shape (n,).
    slot_element
        Atomic numbers in the order of the slots, 0 beyond, shape (n, k); in bytes, for a search goes through them.
    dissimilarity_eV_per_atom
        By atomic numbers, shape (128, 128).
    """

    key: NDArray[np.int64]
    row: NDArray[np.int64]
    slot_element: NDArray[np.int8]
    dissimilarity_eV_per_atom: NDArray[np.float64]


@cache
def electronegativity_by_number() -> NDArray[np.float64]:
    """Return Pauling electronegativities by atomic number, shape (128,); do not change them."""
    out = np.zeros(N_NUMBERS)
    values = element_table()["pauling_electronegativity"]
    out[1 : len(values) + 1] = np.nan_to_num(values)
    return out


def slots(atomic_number: NDArray[np.int64], fraction: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the order of the elements of each row by amount, then electronegativity; padding last; shape (n, k)."""
    amount = np.where(fraction > 0, _on_grid(fraction), np.inf)
    return np.lexsort((electronegativity_by_number()[atomic_number], amount), axis=1)


def in_slots(
    atomic_number: NDArray[np.int64], fraction: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return `slots`, and the atomic numbers of each row in that order, 0 beyond; shape (n, k) each."""
    place = slots(atomic_number, fraction)
    return place, np.take_along_axis(np.where(fraction > 0, atomic_number, 0), place, axis=1)


def _on_grid(fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return whole steps of the grid; what lies between two, as 1/32 does, goes the same way however it was summed."""
    steps: NDArray[np.float64] = np.round(np.round(fraction / FRACTION_GRID, 6))
    return steps


def prototype_key(fraction: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return an integer per row that is the same for the same sorted amounts; shape (n,)."""
    amount = np.sort(_on_grid(fraction).astype(np.uint64), axis=1)[:, ::-1]
    key = np.full(len(fraction), 1469598103934665603, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in range(amount.shape[1]):
            held = amount[:, column] > 0
            mixed = (key ^ amount[:, column]) * np.uint64(1099511628211)
            mixed ^= mixed >> np.uint64(29)
            key = np.where(held, mixed, key)
    return key.view(np.int64)


def build_prototypes(
    atomic_number: NDArray[np.int64],
    fraction: NDArray[np.float64],
    residual_eV_per_atom: NDArray[np.float64],
    row: NDArray[np.int64],
) -> Prototypes:
    """Sort phases by stoichiometry and learn which elements replace each other.

    Parameters
    ----------
    atomic_number, fraction
        Compositions, shape (n, k).
    residual_eV_per_atom
        Formation energies relative to the hull of all other phases, shape (n,).
    row
        What the phases are called, shape (n,).
    """
    plain = arrange_prototypes(atomic_number, fraction, np.arange(len(row)), np.zeros((N_NUMBERS, N_NUMBERS)))
    learned = _learn_dissimilarity(plain.key, plain.slot_element, residual_eV_per_atom[plain.row])
    return Prototypes(plain.key, row[plain.row], plain.slot_element, learned)


def arrange_prototypes(
    atomic_number: NDArray[np.int64],
    fraction: NDArray[np.float64],
    row: NDArray[np.int64],
    dissimilarity_eV_per_atom: NDArray[np.float64],
) -> Prototypes:
    """Sort phases by stoichiometry; arguments as `build_prototypes`, with the dissimilarity already learned."""
    key = prototype_key(fraction)
    order = np.argsort(key, kind="stable")
    _, element = in_slots(atomic_number, fraction)
    return Prototypes(key[order], row[order], np.ascontiguousarray(element[order], np.int8), dissimilarity_eV_per_atom)


def _learn_dissimilarity(
    key: NDArray[np.int64], element: NDArray[np.int8], residual: NDArray[np.float64]
) -> NDArray[np.float64]:
    total, count = np.zeros((N_NUMBERS, N_NUMBERS)), np.zeros((N_NUMBERS, N_NUMBERS))
    for slot in range(element.shape[1]):
        rows = np.flatnonzero(element[:, slot] > 0)
        rest = np.delete(element[rows], slot, axis=1)
        order = np.lexsort((*rest.T, key[rows]))
        rows, rest = rows[order], rest[order]
        new = (rest[1:] != rest[:-1]).any(axis=1) | (key[rows][1:] != key[rows][:-1])
        bounds = np.concatenate([[0], np.flatnonzero(new) + 1, [len(rows)]])
        _add_pairs(bounds, element[rows, slot], residual[rows], total, count)
    prior = _prior_dissimilarity(total, count)
    learned = (total + PRIOR_PAIRS * prior) / (count + PRIOR_PAIRS)
    np.fill_diagonal(learned, 0.0)
    return learned


@kernel
def _add_pairs(
    bounds: NDArray[np.int64],
    element: NDArray[np.int64],
    residual: NDArray[np.float64],
    total: NDArray[np.float64],
    count: NDArray[np.float64],
) -> None:
    for group in range(bounds.shape[0] - 1):
        for i in range(bounds[group], bounds[group + 1]):
            for j in range(bounds[group], i):
                difference = min(abs(residual[i] - residual[j]), 1.0)
                for a, b in ((element[i], element[j]), (element[j], element[i])):
                    total[a, b] += difference
                    count[a, b] += 1.0


def _prior_dissimilarity(total: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a linear law in chemical distance expects of pairs that were seldom or never seen."""
    table = magpie_matrix()
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    features = np.zeros((N_NUMBERS, table.shape[1]))
    features[1 : len(table) + 1] = table
    distance: NDArray[np.float64] = np.sqrt(((features[:, None] - features[None]) ** 2).mean(axis=2))
    seen = count > 0
    if seen.sum() < 10:
        return 0.1 + 0.1 * distance
    weight = np.sqrt(count[seen])
    design = np.column_stack([np.ones(seen.sum()), distance[seen]]) * weight[:, None]
    solution = np.linalg.lstsq(design, total[seen] / count[seen] * weight, rcond=None)[0]
    prior: NDArray[np.float64] = np.maximum(solution[0] + max(solution[1], 0.0) * distance, 0.01)
    return prior


def nearest(
    prototypes: Prototypes,
    atomic_number: NDArray[np.int64],
    fraction: NDArray[np.float64],
    n_nearest: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Find the nearest compounds of the same stoichiometry that hold at least one element the query lacks.

    That condition leaves out the compound itself and every phase on whose hull it could lie.

    Returns
    -------
    row
        Names of the neighbours as given to `build_prototypes`, -1 where there are fewer; shape (n, n_nearest).
    dissimilarity_eV_per_atom
        Summed over the replaced elements, shape (n, n_nearest).
    element
        Atomic numbers of the neighbours in the place of the query's elements, shape (n, n_nearest, k).
    """
    n, k = fraction.shape
    place, element = in_slots(atomic_number, fraction)
    width = max(k, prototypes.slot_element.shape[1])
    query, known = padded(element.astype(np.int8), width), padded(prototypes.slot_element, width)
    key = prototype_key(fraction)
    first = np.searchsorted(prototypes.key, key, side="left")
    last = np.searchsorted(prototypes.key, key, side="right")
    found = np.full((n, n_nearest), -1)
    cost = np.full((n, n_nearest), _FARTHEST)
    _search(first, last, query, known, prototypes.dissimilarity_eV_per_atom, found, cost)
    none = found < 0
    relative = np.where(none[:, :, None], 0, known[found][:, :, :k])
    by_query = np.zeros(relative.shape, dtype=np.int64)
    np.put_along_axis(by_query, np.broadcast_to(place[:, None, :], relative.shape).copy(), relative, axis=2)
    return np.where(none, -1, prototypes.row[found]), np.where(none, 0.0, cost), by_query


def padded(slot_element: NDArray[Slot], width: int) -> NDArray[Slot]:
    """Return elements in slots with empty slots added, shape (n, width)."""
    missing = width - slot_element.shape[1]
    return np.pad(slot_element, ((0, 0), (0, missing))) if missing else slot_element


@kernel
def _holds(elements: NDArray[np.int8], wanted: int) -> bool:
    return bool(np.any(elements == wanted))


@kernel
def _cost(query: NDArray[np.int8], known: NDArray[np.int8], dissimilarity: NDArray[np.float64], most: float) -> float:
    """Return the summed dissimilarity of two compounds, slot by slot; `_FARTHEST` if `known` adds no element."""
    total, foreign = 0.0, False
    for s in range(query.shape[0]):
        if (query[s] == 0) != (known[s] == 0):  # another number of elements behind the same hash
            return _FARTHEST
        if query[s] != known[s]:
            total += dissimilarity[query[s], known[s]]
            if total >= most:
                return _FARTHEST
            foreign = foreign or not _holds(query, known[s])
    return total if foreign else _FARTHEST


@kernel
def _search(
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    query: NDArray[np.int8],
    known: NDArray[np.int8],
    dissimilarity: NDArray[np.float64],
    found: NDArray[np.int64],
    cost: NDArray[np.float64],
) -> None:
    for i in range(query.shape[0]):
        for j in range(first[i], last[i]):
            total = _cost(query[i], known[j], dissimilarity, cost[i, -1])
            if total < cost[i, -1]:
                insert_nearest(found[i], cost[i], j, total)
