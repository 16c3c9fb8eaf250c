"""The nearest phases of a table in composition: the distance by which a model tells whether it knows a chemistry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.compiling import kernel
from training.thermodynamics.phases import N_MASKED_ELEMENTS, PhaseTable

ROUNDING = 1e-12


@kernel
def insert_nearest(row: NDArray[np.int64], distance: NDArray[np.float64], phase: int, apart: float) -> None:
    """Put a phase among the nearest ones, rising."""
    slot = row.shape[0] - 1
    while slot > 0 and distance[slot - 1] > apart:
        distance[slot], row[slot] = distance[slot - 1], row[slot - 1]
        slot -= 1
    distance[slot], row[slot] = apart, phase


@kernel
def _apart(
    element: NDArray[np.int64], fraction: NDArray[np.float64], first: int, last: int, own: NDArray[np.float64]
) -> float:
    overlap = 0.0
    for place in range(first, last):
        overlap += min(fraction[place], own[element[place]])
    return 1.0 - overlap


@kernel
def _insert_first_named(row: NDArray[np.int64], distance: NDArray[np.float64], phase: int, apart: float) -> None:
    """Put a phase among the nearest ones; of equally near ones that with the smaller row comes first."""
    slot = row.shape[0] - 1
    while slot > 0 and (distance[slot - 1] > apart or (distance[slot - 1] == apart and row[slot - 1] > phase)):
        distance[slot], row[slot] = distance[slot - 1], row[slot - 1]
        slot -= 1
    distance[slot], row[slot] = apart, phase


@kernel
def _sharing_systems(
    holder_start: NDArray[np.int64], holder: NDArray[np.int64], elements: NDArray[np.int64], n_systems: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the chemical systems that hold any of the elements, and which of them (bits) each holds; by bits."""
    bits = np.zeros(n_systems, dtype=np.int32)
    found = np.empty(n_systems, dtype=np.int32)
    sharing = 0
    for j in range(elements.shape[0]):
        for place in range(holder_start[elements[j]], holder_start[elements[j] + 1]):
            system = holder[place]
            if bits[system] == 0:
                found[sharing] = system
                sharing += 1
            bits[system] |= 1 << j
    first = np.zeros((1 << elements.shape[0]) + 1, dtype=np.int64)
    for place in range(sharing):
        first[bits[found[place]] + 1] += 1
    first = np.cumsum(first)
    systems = np.empty(sharing, dtype=np.int64)
    for place in range(sharing):
        system = found[place]
        systems[first[bits[system]]] = system
        first[bits[system]] += 1
    return systems, bits[systems].astype(np.int64)


@kernel
def _nearest_in(
    start: NDArray[np.int64],
    element: NDArray[np.int64],
    fraction: NDArray[np.float64],
    system_start: NDArray[np.int64],
    systems: NDArray[np.int64],
    usable: NDArray[np.bool_],
    excluded: int,
    own: NDArray[np.float64],
    row: NDArray[np.int64],
    distance: NDArray[np.float64],
) -> None:
    for system in systems:
        for phase in range(system_start[system], system_start[system + 1]):
            if usable[phase] and phase != excluded:
                apart = _apart(element, fraction, start[phase], start[phase + 1], own)
                if apart < distance[-1] or (apart == distance[-1] and phase < row[-1]):
                    _insert_first_named(row, distance, phase, apart)


@kernel
def _nearest(
    start: NDArray[np.int64],
    element: NDArray[np.int64],
    fraction: NDArray[np.float64],
    system_start: NDArray[np.int64],
    holder_start: NDArray[np.int64],
    holder: NDArray[np.int64],
    usable: NDArray[np.bool_],
    order: NDArray[np.int64],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    excluded: NDArray[np.int64],
    row: NDArray[np.int64],
    distance: NDArray[np.float64],
) -> None:
    """Go through the systems that can share most first; `order` brings candidates of the same elements together."""
    systems, bits = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    for position in range(order.shape[0]):
        i = order[position]
        if position == 0 or not np.array_equal(atomic_number[i], atomic_number[order[position - 1]]):
            elements = atomic_number[i][atomic_number[i] > 0]
            systems, bits = _sharing_systems(holder_start, holder, elements, system_start.shape[0] - 1)
            first = np.flatnonzero(np.append(np.array([True]), bits[1:] != bits[:-1]))
            last = np.append(first[1:], bits.shape[0])
        own = np.zeros(N_MASKED_ELEMENTS)
        most = np.zeros(first.shape[0])  # how much a compound that holds these elements can share at best
        for j in range(elements.shape[0]):
            own[elements[j]] += composition[i, j]
            for group in range(first.shape[0]):
                if bits[first[group]] >> j & 1:
                    most[group] += composition[i, j]
        for group in np.argsort(-most):
            if 1.0 - most[group] > distance[i, -1] + ROUNDING:
                break
            of_group = systems[first[group] : last[group]]
            _nearest_in(start, element, fraction, system_start, of_group, usable, excluded[i], own, row[i], distance[i])


@kernel
def _any_within(
    start: NDArray[np.int64],
    element: NDArray[np.int64],
    fraction: NDArray[np.float64],
    system_start: NDArray[np.int64],
    holder_start: NDArray[np.int64],
    holder: NDArray[np.int64],
    usable: NDArray[np.bool_],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    radius: float,
    within: NDArray[np.bool_],
) -> None:
    """Look through the systems of the rarest element that must be shared, each of which there is beyond the radius."""
    own = np.zeros(N_MASKED_ELEMENTS)
    every_system = np.arange(system_start.shape[0] - 1)
    for row in range(composition.shape[0]):
        systems = every_system
        own[:] = 0.0
        for place in range(composition.shape[1]):
            number, share = atomic_number[row, place], composition[row, place]
            own[number] += share
            if share > radius + ROUNDING and holder_start[number + 1] - holder_start[number] < systems.shape[0]:
                systems = holder[holder_start[number] : holder_start[number + 1]]
        for system in systems:
            first = system_start[system]
            shared = 0.0
            for place in range(start[first], start[first + 1]):
                shared += own[element[place]]
            if 1.0 - shared > radius + ROUNDING:
                continue
            for phase in range(first, system_start[system + 1]):
                if usable[phase] and _apart(element, fraction, start[phase], start[phase + 1], own) <= radius:
                    within[row] = True
                    break
            if within[row]:
                break


def has_phase_within(
    table: PhaseTable,
    usable: NDArray[np.bool_],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    radius: float,
) -> NDArray[np.bool_]:
    """Return whether a known compound lies within a distance of each composition, shape (n,).

    Parameters
    ----------
    table, usable, atomic_number, composition
        As in `nearest_phases`.
    radius
        Half-L1 distance of atomic fractions, the distance itself included.
    """
    within = np.zeros(len(composition), dtype=np.bool_)
    _any_within(
        table.start,
        table.element,
        table.fraction,
        table.system_start,
        *table.systems_of_element,
        usable,
        np.ascontiguousarray(atomic_number),
        np.ascontiguousarray(composition),
        radius,
        within,
    )
    return within


def nearest_phases(
    table: PhaseTable,
    usable: NDArray[np.bool_],
    atomic_number: NDArray[np.int64],
    composition: NDArray[np.float64],
    n_nearest: int = 3,
    excluded: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the known compounds with the smallest half-L1 distance of atomic fractions.

    Parameters
    ----------
    table, usable
        The phases, and which of them are known compounds.
    atomic_number, composition
        Compositions, shape (n, k), fractions summing to 1.
    excluded
        Phase that each row may not find, -1 for none, shape (n,).

    Returns
    -------
    row, distance
        Rows of the table (-1 where fewer share an element) and distances from 0 to 1, shape (n, n_nearest).
    """
    n = len(composition)
    row = np.full((n, n_nearest), -1)
    distance = np.full((n, n_nearest), 1.0)
    _nearest(
        table.start,
        table.element,
        table.fraction,
        table.system_start,
        *table.systems_of_element,
        usable,
        np.lexsort(atomic_number.T),
        np.ascontiguousarray(atomic_number),
        np.ascontiguousarray(composition),
        np.full(n, -1) if excluded is None else excluded,
        row,
        distance,
    )
    return row, distance
